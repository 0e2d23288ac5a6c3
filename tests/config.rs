//! `lsearch config`: keys shown, set and unset, and files that are wrong.

use crate::common::{Desk, note};

fn file(desk: &Desk) -> std::path::PathBuf {
    desk.home().join(".config/lsearch/config.toml")
}

#[test]
fn every_key_is_shown_with_its_value_and_where_that_comes_from() {
    let desk = Desk::new();
    let shown = desk.run(["config"]).ok().stdout;
    assert!(shown.contains("device = \"auto\"") && shown.contains("# default"), "{shown}");
    desk.run(["config", "set", "threads", "3"]).ok().says("threads = 3");
    let shown = desk.run(["--device", "cpu", "config", "show", "threads", "device"]).ok().stdout;
    assert!(shown.contains("threads = 3") && shown.contains("# line 1"), "{shown}");
    assert!(shown.contains("device = \"cpu\"") && shown.contains("# from --device"), "{shown}");
    let threads = |json: &serde_json::Value| {
        let keys = json["keys"].as_array().unwrap().clone();
        keys.into_iter().find(|key| key["key"] == "threads").unwrap()
    };
    let json = desk.run(["config", "show", "--json"]).ok().json();
    let set = threads(&json);
    assert_eq!((&set["value"], &set["source"]), (&3.into(), &"file".into()), "{json:#}");
    assert_eq!(json["environment"]["LSEARCH_DATA_DIR"], desk.data().to_string_lossy().as_ref());
    // What is shown is a file that makes the same choices.
    std::fs::write(file(&desk), desk.run(["config"]).ok().stdout).unwrap();
    assert_eq!(threads(&desk.run(["config", "show", "--json"]).ok().json())["value"], 3);
}

#[test]
fn keys_are_set_and_unset_and_the_rest_of_the_file_stays() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.write("page.log.txt", note("the harbour log"));
    let path = desk.run(["config", "path"]).ok().stdout;
    assert_eq!(path.trim_end(), file(&desk).to_string_lossy());
    desk.run(["config", "unset", "exclude"]).ok().says("does not stand in");
    assert!(!file(&desk).exists());
    desk.run(["config", "set", "exclude", "*.log.txt"]).ok().says("with the next `lsearch add`");
    desk.run(["add", "docs", "--no-wait"]).ok();
    assert_eq!(desk.count("keyword"), 1);
    let text = std::fs::read_to_string(file(&desk)).unwrap();
    std::fs::write(file(&desk), format!("# mine\n\n{text}# the end\n")).unwrap();
    desk.run(["config", "set", "exclude", "--add", "*.bak"]).ok();
    desk.run(["config", "set", "exclude", "--remove", "*.log.txt"]).ok();
    desk.run(["config", "set", "exclude", "--remove", "*.log.txt"])
        .exits(2)
        .says("nothing was changed");
    let text = std::fs::read_to_string(file(&desk)).unwrap();
    assert_eq!(text, "# mine\n\nexclude = [\"*.bak\"]\n# the end\n");
    desk.run(["add", "--no-wait"]).ok();
    assert_eq!(desk.count("keyword"), 2);
    desk.run(["-q", "config", "unset", "exclude"]).ok().does_not_say("exclude");
}

#[test]
fn a_wrong_file_is_told_by_line_and_mended_by_config() {
    let desk = Desk::new();
    std::fs::create_dir_all(file(&desk).parent().unwrap()).unwrap();
    std::fs::write(file(&desk), "ocr = true\nthread = 3\nmax_file_mb = 0\n").unwrap();
    for args in [&["status"][..], &["search", "x"], &["add"], &["config"]] {
        desk.run(args).exits(2).says("config.toml:2: ").says("did you mean `threads`?");
    }
    desk.run(["config", "unset", "thread"]).ok();
    desk.run(["status"]).exits(2).says("config.toml:2: `max_file_mb` takes a number from 1");
    desk.run(["config", "set", "threads", "2"]).ok().says("max_file_mb");
    desk.run(["config", "set", "max_file_mb", "20"]).ok();
    desk.run(["status"]).ok();
    for (args, said) in [
        (&["set", "thread", "3"][..], "did you mean `threads`?"),
        (&["set", "threads", "many"], "takes a number from 0 to 1024"),
        (&["set", "threads", "--add", "3"], "is no list"),
        (&["set", "exclude", "a{b"], "a{b"),
        (&["show", "colour"], "there is no key `colour`"),
        (&["unset", "colour"], "there is no key `colour`"),
    ] {
        desk.run(["config"].iter().chain(args)).exits(2).says(said);
    }
    std::fs::write(file(&desk), "ocr = yes\n").unwrap();
    desk.run(["config", "set", "threads", "2"]).exits(2).says("config.toml:1: ");
    assert_eq!(std::fs::read_to_string(file(&desk)).unwrap(), "ocr = yes\n");
}

#[cfg(unix)]
#[test]
fn a_file_that_is_a_link_stays_one() {
    let desk = Desk::new();
    std::fs::create_dir_all(file(&desk).parent().unwrap()).unwrap();
    let real = desk.home().join("dotfiles.toml");
    std::fs::write(&real, "ocr = true\n").unwrap();
    std::os::unix::fs::symlink(&real, file(&desk)).unwrap();
    desk.run(["config", "set", "ocr", "off"]).ok();
    assert!(file(&desk).is_symlink());
    assert_eq!(std::fs::read_to_string(&real).unwrap(), "ocr = false\n");
}

#[test]
fn a_running_daemon_is_told_of() {
    let desk = Desk::new();
    desk.run(["daemon", "start"]).ok();
    let ran = desk.run(["config", "set", "threads", "2"]);
    desk.run(["daemon", "stop"]).ok();
    ran.ok().says("lsearch daemon stop && lsearch daemon start");
}
