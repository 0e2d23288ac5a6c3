//! What the shell, `man` and packages get: completions, manual pages, versions.

use std::process::Command;

use crate::common::Desk;

/// What bash, having run our script, offers for the last of these words.
fn offered(desk: &Desk, words: &[&str]) -> Vec<String> {
    let script = desk.run(["completions", "bash"]).ok().stdout;
    let ask = format!(
        "{script}\nCOMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9\n\
         _clap_complete_lsearch lsearch \"${{!#}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let program = desk.command([""; 0]).get_program().to_owned();
    let folder = std::path::Path::new(&program).parent().unwrap().to_owned();
    let mut bash = Command::new("bash");
    for (name, value) in desk.command([""; 0]).get_envs() {
        match value {
            Some(value) => bash.env(name, value),
            None => bash.env_remove(name),
        };
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let output = bash
        .env("PATH", format!("{}:{path}", folder.display()))
        .current_dir(desk.home())
        .args(["-c", &ask, "bash", "lsearch"])
        .args(words)
        .output()
        .expect("bash");
    let shown = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    shown.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn completions_for_each_shell() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = desk.run(["completions", shell]).ok().stdout;
        assert!(script.contains("LSEARCH_COMPLETE"), "{shell}: {script}");
    }
    desk.run(["completions", "csh"]).exits(2).says("zsh");
}

#[test]
fn verbs_folders_and_types_are_completed() {
    let desk = Desk::new();
    assert_eq!(offered(&desk, &["se"]), ["search", "serve", "setup"]);
    assert_eq!(offered(&desk, &["--device", ""]), ["auto", "cpu", "cuda"]);
    // Without an index, whatever could be in one.
    assert!(offered(&desk, &["search", "--type", "pd"]).contains(&"pdf".to_owned()));
    assert!(offered(&desk, &["remove", ""]).iter().all(|word| word.starts_with("--")));

    desk.write("a.md", "# A note\n\nOn the harbour.\n");
    desk.write("b.rs", "/// Does it.\nfn do_it() {}\n");
    desk.run(["add", "docs", "--no-wait"]).ok();
    let docs = desk.docs().to_string_lossy().into_owned();
    assert_eq!(offered(&desk, &["remove", "/"]), [docs]);
    assert_eq!(offered(&desk, &["search", "--type", "markdown,ru"]), ["markdown,rust"]);
    // Python is a type, too, but nothing here is of it.
    assert_eq!(offered(&desk, &["search", "--type", "p"]), ["pdf"]);
}

#[test]
fn the_version_tells_what_runs() {
    let desk = Desk::new();
    let number = format!("lsearch {} (", env!("CARGO_PKG_VERSION"));
    let short = desk.run(["-V"]).ok().stdout;
    assert!(short.starts_with(&number) && short.lines().count() == 1, "{short}");
    for arguments in [vec!["--version"], vec!["search", "--version"]] {
        let long = desk.run(arguments).ok().stdout;
        for part in [&number, "\nencoder ", "\nONNX Runtime   1.", "\ndevice "] {
            assert!(long.contains(part), "no {part:?} in {long}");
        }
    }
    assert!(!desk.data().exists(), "asking for the version writes nothing");

    let broken = desk.write("config.toml", "threads = \"many\"\n");
    let mut command = desk.command(["--version"]);
    let output = command.env("LSEARCH_CONFIG", &broken).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && shown.contains("config.toml"), "{shown}");
}

#[test]
fn every_verb_has_a_manual_page() {
    let desk = Desk::new();
    let folder = desk.home().join("man");
    let written = desk.run(["manual", "man"]).ok().stdout;
    assert_eq!(written.lines().count(), std::fs::read_dir(&folder).unwrap().count());
    let page = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let search = page("lsearch-search.1");
    for part in [".TH lsearch-search 1", "\\-\\-paths\\-only", "organi?ation"] {
        assert!(search.contains(part), "no {part:?} in {search}");
    }
    assert!(page("lsearch.1").contains("lsearch\\-search(1)"));
    assert!(page("lsearch-daemon-pause.1").contains("30m, 2h"));
    assert!(!folder.join("lsearch-extract-worker.1").exists());
    assert!(
        !search.contains("built for testing") && !search.contains(desk.home().to_str().unwrap())
    );
}
