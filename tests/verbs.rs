//! The verbs beside add and search.

use crate::common::{Desk, note};

#[test]
fn help_names_every_verb_and_two_ways_to_start() {
    let desk = Desk::new();
    let help = desk.run(["--help"]).ok().stdout;
    insta::assert_snapshot!("help", help);
}

#[test]
fn before_any_add_every_verb_says_what_to_do() {
    let desk = Desk::new();
    desk.run(["search", "harbour"]).exits(2).says("lsearch add");
    desk.run(["add"]).exits(2).says("lsearch add");
    desk.run(["folders"]).exits(1).says("lsearch add");
    desk.run(["get", "1"]).exits(2).says("lsearch add");
    let status = desk.status();
    assert_eq!(status["documents"]["seen"], 0);
    assert!(desk.run(["status"]).ok().stdout.contains("lsearch add"));
}

#[test]
fn get_prints_the_text_or_some_lines_of_it() {
    let desk = Desk::new();
    let path = desk.write("page.txt", "first\r\nsecond\nthird\n");
    desk.run(["add", "docs", "--no-wait"]).ok();
    let path = path.to_string_lossy().into_owned();
    assert_eq!(desk.run(["get", &path]).ok().stdout, "first\nsecond\nthird\n");
    assert_eq!(desk.run(["get", "docs/page.txt", "--lines", "2:2"]).ok().stdout, "second\n");
    let id =
        desk.run(["search", "--json", "--mode", "keyword", "second"]).ok().json()["hits"][0]["id"]
            .to_string();
    assert_eq!(desk.run(["get", &id, "--lines", "3:"]).ok().stdout, "third\n");
    assert_eq!(
        desk.run(["get", &format!("#{id}"), "--json"]).ok().json()["text"],
        "first\nsecond\nthird\n"
    );
    desk.run(["get", "docs/other.txt"]).exits(2).says("docs/other.txt");
    desk.run(["get", &path, "--lines", "9-3"]).exits(2).says("range of lines");
    desk.run(["get", &path, "--lines", "9:12"]).exits(2).says("lines 1 to 3");
    desk.run(["get", &path, "--page", "1"]).exits(2).says("no pages");
}

#[test]
fn folders_lists_and_remove_forgets() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.run(["add", "docs", "--no-wait", "--exclude", "*.log"]).ok();
    let folders = desk.run(["ls", "--json"]).ok().json();
    assert_eq!(folders[0]["documents"], 1);
    assert_eq!(folders[0]["exclude"][0], "*.log");
    assert!(desk.run(["folders"]).ok().stdout.contains("1 document"));
    desk.run(["rm", "docs"]).ok().says("forgotten");
    assert_eq!(desk.count("keyword"), 0);
    desk.run(["rm", "docs"]).exits(2).says("not an added folder");
    assert!(desk.docs().join("page.txt").is_file(), "a user's file is never touched");
}

#[test]
fn status_names_what_was_left_out_and_why() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.write("picture.png", b"\x89PNG\r\n\x1a\n....");
    desk.write("empty.txt", "");
    desk.run(["add", "docs", "--no-wait"]).ok();
    let status = desk.status();
    assert_eq!(status["documents"]["keyword"], 1);
    assert_eq!(status["documents"]["skipped"], 2, "{status:#}");
    let shown = desk.run(["status"]).ok().stdout;
    assert!(shown.contains("left out") && shown.contains("png"), "{shown}");
}

#[test]
fn retry_reads_failed_files_again() {
    let desk = Desk::new();
    desk.run(["add", "docs", "--no-wait"]).ok();
    desk.run(["retry"]).ok().says("no file has failed");
    desk.write("broken.pdf", b"%PDF-1.7\nthis is no PDF at all\n%%EOF\n");
    desk.run(["add", "--no-wait"]).ok();
    assert_eq!(desk.count("failed"), 1);
    desk.run(["add", "--no-wait"]).ok().says("1 unchanged");
    desk.run(["retry", "--no-wait"]).ok().says("reading 1 file again").says("broken.pdf");
    assert_eq!(desk.count("failed"), 1);
}

#[test]
fn doctor_is_content_with_a_fresh_and_with_a_used_index() {
    let desk = Desk::new();
    desk.run(["doctor"]).ok();
    desk.write("page.txt", note("the harbour"));
    desk.add();
    let checks = desk.run(["doctor", "--json"]).ok().json();
    let levels: Vec<_> = checks.as_array().unwrap().iter().map(|check| &check["level"]).collect();
    assert!(levels.len() >= 6 && levels.iter().all(|level| *level != "error"), "{checks:#}");
    assert!(desk.run(["doctor"]).ok().stdout.contains("trial encoding worked"));
}

#[test]
fn setup_tries_the_encoder() {
    let desk = Desk::new();
    let shown = desk.run(["setup"]).ok().stdout;
    assert!(shown.contains("384 dimensions"), "{shown}");
}

#[test]
fn a_configuration_file_is_checked_and_used() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.write("page.log.txt", note("the harbour log"));
    let config = desk.home().join("config.toml");
    std::fs::write(&config, "exclude = [\"*.log.txt\"]\n").unwrap();
    let config = config.to_string_lossy().into_owned();
    desk.run(["--config", &config, "add", "docs", "--no-wait"]).ok();
    assert_eq!(desk.count("keyword"), 1);
    std::fs::write(&config, "excluded = []\n").unwrap();
    desk.run(["--config", &config, "status"]).exits(2).says("excluded").says("config.toml");
    desk.run(["--config", "nowhere.toml", "status"]).exits(2).says("nowhere.toml");
}

#[test]
fn quiet_says_nothing_but_results() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    assert_eq!(desk.run(["-q", "add", "docs"]).ok().stderr, "");
    let ran = desk.run(["-q", "search", "harbour"]).ok();
    assert_eq!(ran.stderr, "");
    assert!(ran.stdout.contains("page.txt"));
}

#[test]
fn no_wait_leaves_meaning_for_later_and_words_work_at_once() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.run(["add", "docs", "--no-wait"]).ok().says("searchable by word");
    assert_eq!((desk.count("keyword"), desk.count("semantic")), (1, 0));
    assert_eq!(desk.find_with(&[], "harbour"), ["page.txt"]);
    desk.run(["add"]).ok().says("1 document encoded");
    assert_eq!(desk.count("semantic"), 1);
}

#[cfg(unix)]
#[test]
fn the_data_folder_is_private_whichever_verb_makes_it() {
    use std::os::unix::fs::PermissionsExt;
    for verb in [&["status"][..], &["add", "docs", "--no-wait"]] {
        let desk = Desk::new();
        let shipped = |args: &[&str]| {
            desk.command(args).env_remove("LSEARCH_ENCODER").output().unwrap().status.code()
        };
        // Where nothing is indexed, a search says so and leaves nothing behind.
        assert_eq!(shipped(&["search", "harbour"]), Some(2));
        assert!(!desk.data().exists());
        assert_eq!(shipped(verb), Some(0));
        let mode = std::fs::metadata(desk.data()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{verb:?} made it {mode:o}");
    }
}

#[test]
fn status_waits_for_a_writer_and_no_longer() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.run(["status", "--wait"]).ok();
    let mut add = desk.start(["add", "docs"]);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while desk.status()["writer"].is_null() && add.try_wait().unwrap().is_none() {
        assert!(std::time::Instant::now() < deadline);
    }
    let status = desk.run(["status", "--wait", "--json"]).ok().json();
    assert!(add.wait().unwrap().success());
    assert_eq!(status["documents"]["semantic"], 1, "{status:#}");
}
