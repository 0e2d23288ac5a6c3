//! What a newcomer meets: `lsearch` alone, before and after the first add, and what an add tells ahead.

use crate::common::{Desk, note};

#[test]
fn alone_it_tells_how_to_begin_and_later_how_everything_stands() {
    let desk = Desk::new();
    let shown = desk.run::<_, &str>([]).ok().stdout;
    for command in ["lsearch add ~/docs", "lsearch search \"", "lsearch daemon start"] {
        assert!(shown.contains(command), "no {command} in:\n{shown}");
    }
    assert!(!desk.data().exists(), "looking leaves nothing behind");
    desk.write("page.txt", note("the harbour"));
    desk.write("broken.pdf", b"%PDF-1.7\nthis is no PDF at all\n%%EOF\n");
    desk.run(["add", "docs", "--no-wait"]).ok();
    let shown = desk.run::<_, &str>([]).ok().stdout;
    for line in [
        "documents   1 in 1 folder",
        "by meaning  0 (0%), 1 waiting; `lsearch add` does the rest",
        "daemon      not running",
        "failed      1 file",
        "lsearch status ",
        "lsearch search -i",
    ] {
        assert!(shown.contains(line), "no {line:?} in:\n{shown}");
    }
    desk.run(["add"]).ok();
    let shown = desk.run::<_, &str>([]).ok().stdout;
    assert!(shown.contains("by meaning  all of them"), "{shown}");
    assert!(!shown.contains("lsearch add"), "{shown}");
}

#[test]
fn what_is_no_command_is_told_as_what_was_meant() {
    let desk = Desk::new();
    desk.run(["boiler pressure"]).exits(2).says("lsearch search \"boiler pressure\"");
    desk.run(["find", "a", "lease"])
        .exits(2)
        .says("did you mean `lsearch search`?")
        .says("lsearch search \"a lease\"");
    desk.run(["staus"]).exits(2).says("did you mean `lsearch status`?");
    desk.run(["daemon", "strat"]).exits(2).says("did you mean `lsearch daemon start`?");
    assert!(desk.run(["help"]).ok().stdout.contains("Usage"));
    assert!(!desk.data().exists());
}

#[test]
fn an_add_can_be_told_ahead_without_being_done() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.write("plan.md", note("the pier"));
    desk.write("picture.png", b"\x89PNG\r\n\x1a\n....");
    desk.write(".hidden.txt", note("the cellar"));
    desk.write("drafts/page.txt", note("the draft"));
    desk.write("noise.log", note("noise"));
    desk.write("server.pem", "-----BEGIN PRIVATE KEY-----\n");
    desk.write(".gitignore", "*.log\n");
    let told =
        desk.run(["add", "-n", "docs", "--exclude", "drafts/"]).ok().says("nothing was changed");
    for part in [
        "docs: 2 files to read",
        "markdown 1 (",
        "text 1 (",
        "2 hidden",
        "1 of formats that are not read (png)",
        "1 named by .gitignore",
        "1 excluded",
        "1 secrets",
        "found by word in a few seconds",
    ] {
        assert!(told.stdout.contains(part), "no {part:?} in:\n{}", told.stdout);
    }
    assert!(!desk.data().exists());
    desk.run(["add", "-n"]).exits(2).says("lsearch add");
    // What is done so soon is done, not told.
    desk.run(["add", "docs", "--exclude", "drafts/", "--no-wait"]).ok().does_not_say("to read");
    let again = desk.run(["add", "-n"]).ok().says("is added already");
    assert!(again.stdout.contains("2 files to read") && again.stdout.contains("1 excluded"));
}

#[test]
fn a_long_add_tells_what_is_ahead_and_the_next_one_knows_how_long_it_takes() {
    let desk = Desk::new();
    let page = note("the harbour").repeat(100);
    for number in 0..60 {
        desk.write(&format!("{number}.md"), format!("{number}\n{page}"));
    }
    // This machine was measured to be slow.
    std::fs::create_dir(desk.data()).unwrap();
    let rates = r#"{"reading":{"expected_sec":1.0,"took_sec":40.0},"encoding":{"cpu":{"text_bytes":10000,"took_sec":30.0}}}"#;
    std::fs::write(desk.data().join("rates.json"), rates).unwrap();
    desk.run(["add", "docs", "--no-wait"])
        .ok()
        .says("60 files to read")
        .says("markdown 60 (")
        .says("found by word in about ")
        .says(" min later (on the CPU)");
    let shown = desk.run(["status"]).ok().stdout;
    assert!(shown.contains("60 waiting; `lsearch add` does the rest in about "), "{shown}");
    let status = desk.status();
    assert!(status["seconds_left"].as_u64().unwrap() > 60, "{status:#}");
}

#[test]
fn a_search_during_the_first_reading_says_that_not_all_is_found_yet() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.run(["add", "docs", "--no-wait"]).ok();
    let reading = "read for the first time just now";
    desk.run(["search", "--mode", "keyword", "harbour"]).ok().does_not_say(reading);
    // As if another folder were being read: the mark, and someone who holds the index.
    let rates = desk.data().join("rates.json");
    let mut marked: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&rates).unwrap()).unwrap();
    marked["first_reading"] = serde_json::json!(["/elsewhere"]);
    std::fs::write(&rates, marked.to_string()).unwrap();
    desk.run(["search", "--mode", "keyword", "harbour"]).ok().does_not_say(reading);
    let lock = std::fs::File::open(desk.data().join("LOCK")).unwrap();
    lock.lock().unwrap();
    desk.run(["search", "--mode", "keyword", "harbour"]).ok().says(reading);
    desk.run(["search", "--mode", "keyword", "lighthouse"]).exits(1).says(reading);
}

#[test]
fn an_index_without_documents_is_told_of() {
    let desk = Desk::new();
    desk.write("picture.png", b"\x89PNG\r\n\x1a\n....");
    desk.run(["add", "docs", "--no-wait"]).ok();
    desk.run(["search", "--mode", "keyword", "harbour"]).exits(1).says("no document is indexed");
}
