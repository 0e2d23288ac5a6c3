//! What a newcomer gets wrong: each error names what it is about, what is wrong with it and what to do.

use crate::common::{Desk, note};

#[test]
fn errors_name_the_thing_and_what_to_do() {
    let desk = Desk::new();
    desk.write("lease.txt", note("the lease"));
    desk.write("plans/pier.md", note("the pier"));
    desk.run(["add", "docs", "--no-wait"]).ok();
    desk.write("new.txt", note("the harbour"));
    std::fs::write(desk.home().join("file"), "").unwrap();
    let mut said = String::new();
    for line in [
        "add doc",
        "add nowhere/deep",
        "add docs/lease.txt",
        "add docs --exclude a{b",
        "add docs -n -n",
        "remove dosc",
        "remove docs/plans",
        "get laese.txt",
        "get lease",
        "get docs/plans",
        "get docs/new.txt",
        "get 99",
        "open docs/plans/peir.md",
        "similar lesae.txt",
        "similar docs/plans",
        "folders --why nowhere.txt",
        "search",
        "search harbour --type pfd",
        "search harbour --before someday",
        "daemon pause",
        "daemon pause --for 3",
        "eval nowhere",
        "--data-dir file status",
        "--data-dir file/within add docs",
        "--config nowhere.toml status",
    ] {
        let ran = desk.run(line.split(' ')).exits(2);
        let home = desk.home().to_string_lossy().into_owned();
        said.push_str(&format!("$ lsearch {line}\n{}\n", ran.stderr.replace(&home, "HOME")));
    }
    insta::assert_snapshot!("wrong_input", said);
}

#[test]
fn without_a_home_it_says_what_to_set() {
    let desk = Desk::new();
    let without = |args: &[&str]| {
        let mut command = desk.command(args);
        command.env_remove("LSEARCH_DATA_DIR").env("HOME", "relative");
        crate::common::Ran::of(command.output().unwrap())
    };
    // A home that is none is as good as none.
    let ran = without(&["status"]);
    assert!(ran.code == 0 || ran.stderr.contains("set HOME"), "{ran:?}");
}

#[test]
fn an_index_in_use_is_told_with_what_still_works() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.run(["add", "docs", "--no-wait"]).ok();
    let lock = std::fs::File::open(desk.data().join("LOCK")).unwrap();
    lock.lock().unwrap();
    for args in [&["add"][..], &["retry"], &["rebuild"], &["remove", "docs"]] {
        desk.run(args).exits(2).says("is being written by").says("searching works meanwhile");
    }
    assert_eq!(desk.find("harbour"), ["page.txt"]);
    assert!(desk.run(["status"]).ok().stdout.contains("is adding documents now"));
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_or_written_is_told_before_anything_is_done() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let page = desk.write("closed/page.txt", note("the harbour"));
    let closed = page.parent().unwrap();
    let rights = |folder: &std::path::Path, mode| {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    rights(closed, 0o000);
    if std::fs::read_dir(closed).is_ok() {
        return rights(closed, 0o700); // For the superuser nothing is closed.
    }
    let ran = desk.run(["add", "docs/closed"]).exits(2).says("Permission denied").says("chmod");
    rights(closed, 0o700);
    assert!(!desk.data().exists(), "{ran:?}");
    desk.run(["add", "docs", "--no-wait"]).ok();
    rights(&desk.data(), 0o500);
    let ran = desk.run(["doctor"]);
    let add = desk.run(["add", "--no-wait"]);
    rights(&desk.data(), 0o700);
    assert!(ran.exits(2).stdout.contains("chmod 700"));
    add.exits(2).says("Permission denied");
}

#[test]
fn doctor_is_a_checklist_with_fixes() {
    let desk = Desk::new();
    let shown = desk.run(["doctor"]).ok().stdout;
    assert!(shown.contains("→ lsearch add ~/Documents"), "{shown}");
    assert!(shown.ends_with("\nit works; 1 warning\n"), "{shown}");
    desk.write("page.txt", note("the harbour"));
    desk.write("broken.pdf", b"%PDF-1.7\nthis is no PDF at all\n%%EOF\n");
    desk.run(["add", "docs", "--no-wait"]).ok();
    let shown = desk.run(["doctor"]).ok().stdout;
    assert!(shown.contains("all parts are whole"), "{shown}");
    assert!(shown.contains("1 file could not be read"), "{shown}");
    let parts = desk.run(["-v", "doctor"]).ok().stdout.matches("ok       index").count();
    assert!(parts > 3, "{parts}");
    std::fs::remove_file(desk.docs().join("broken.pdf")).unwrap();
    desk.run(["add", "--no-wait"]).ok();
    assert!(desk.run(["doctor"]).ok().stdout.ends_with("\neverything is in order\n"));
    std::fs::remove_dir_all(desk.docs()).unwrap();
    let shown = desk.run(["doctor"]).ok().stdout;
    assert!(shown.contains("is not there now") && shown.contains("lsearch remove '"), "{shown}");
}

#[test]
fn every_command_has_help_with_an_example() {
    let desk = Desk::new();
    for verb in [
        "add", "remove", "folders", "search", "similar", "get", "open", "status", "retry",
        "rebuild", "daemon", "serve", "eval", "doctor", "config", "setup",
    ] {
        for flag in ["-h", "--help"] {
            let help = desk.run([verb, flag]).ok().stdout;
            assert!(help.contains("Examples:\n  lsearch "), "{verb} {flag}:\n{help}");
            assert!(help.contains("Options everywhere:"), "{verb} {flag}:\n{help}");
        }
    }
}
