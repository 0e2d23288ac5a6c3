//! What happens to the index when files change, move, are copied or go.

use crate::common::{Desk, note, pack};

#[test]
fn an_edit_takes_effect_and_the_old_text_is_gone() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.add();
    desk.write("page.txt", note("a mountain railway, which is longer than before"));
    desk.add();
    assert_eq!(desk.find("railway"), ["page.txt"]);
    assert!(desk.find("harbour").is_empty());
    assert_eq!((desk.count("keyword"), desk.count("semantic")), (1, 1));
}

#[test]
fn what_an_earlier_version_read_is_read_again_once() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.write("old.zip", pack::zip(&[("inside.txt", note("a railway").as_bytes())]));
    desk.add();
    desk.run(["add", "docs", "--no-wait"]).ok().says("unchanged");
    let list = desk.data().join("extractors.json");
    let text = std::fs::read_to_string(&list).unwrap();
    let current = text.rsplit(": ").next().unwrap().trim_end_matches(['\n', '}']);
    std::fs::write(&list, text.replace(current, "1")).unwrap();
    desk.add().does_not_say("unchanged").does_not_say("encoded in").says("known by content");
    assert_eq!(std::fs::read_to_string(&list).unwrap(), text);
    desk.run(["add", "docs", "--no-wait"]).ok().says("unchanged");
    assert_eq!(desk.find("railway"), ["old.zip!/inside.txt"]);
    assert_eq!((desk.count("keyword"), desk.count("semantic")), (2, 2));
}

#[test]
fn a_deleted_file_is_forgotten() {
    let desk = Desk::new();
    let path = desk.write("page.txt", note("the harbour"));
    desk.write("other.txt", note("a railway"));
    desk.add();
    std::fs::remove_file(path).unwrap();
    desk.add().says("1 gone");
    assert!(desk.find("harbour").is_empty());
    assert_eq!((desk.count("keyword"), desk.count("semantic")), (1, 1));
}

#[test]
fn moved_copied_and_readded_files_are_not_encoded_again() {
    let desk = Desk::new();
    let path = desk.write("page.txt", note("the harbour"));
    desk.add().says("1 document encoded");
    std::fs::create_dir(desk.docs().join("deep")).unwrap();
    std::fs::rename(&path, desk.docs().join("deep/renamed.txt")).unwrap();
    desk.add().says("known by content").does_not_say("encoded in");
    assert_eq!(desk.find("harbour"), ["deep/renamed.txt"]);
    desk.write("copy.txt", note("the harbour"));
    desk.add().does_not_say("encoded in");
    desk.run(["remove", "docs"]).ok();
    assert!(desk.find("harbour").is_empty());
    desk.add().says("2 known by content").does_not_say("encoded in");
    assert_eq!((desk.count("keyword"), desk.count("semantic")), (2, 2));
}

#[test]
fn an_unchanged_folder_is_not_read_again() {
    let desk = Desk::new();
    for number in 0..20 {
        desk.write(&format!("{number}.txt"), note(&format!("subject {number}")));
    }
    desk.run(["add", "docs", "--no-wait"]).ok();
    let before = desk.status()["sequence"].clone();
    desk.run(["add", "docs", "--no-wait"]).ok().says("20 unchanged");
    assert_eq!(desk.status()["sequence"], before);
}

#[test]
fn ignore_files_and_exclusions_are_kept_and_lifted() {
    let desk = Desk::new();
    desk.write("kept.txt", note("the harbour"));
    desk.write("draft.txt", note("the harbour draft"));
    desk.write("secret/.env", "TOKEN=harbour");
    desk.write("logs/a.txt", note("the harbour logs"));
    desk.write(".gitignore", "draft.txt\n");
    desk.run(["add", "docs", "--no-wait", "--exclude", "logs/"]).ok();
    assert_eq!(desk.find("harbour"), ["kept.txt"]);
    std::fs::remove_file(desk.docs().join(".gitignore")).unwrap();
    desk.run(["add", "--no-wait"]).ok();
    let mut found = desk.find("harbour");
    found.sort();
    assert_eq!(found, ["draft.txt", "kept.txt"]);
}

#[test]
fn a_folder_that_is_gone_keeps_its_documents() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.run(["add", "docs", "--no-wait"]).ok();
    let away = desk.home().join("unmounted");
    std::fs::rename(desk.docs(), &away).unwrap();
    desk.run(["add", "--no-wait"]).ok().says("not there now");
    assert_eq!(desk.find("harbour"), ["page.txt"]);
    std::fs::rename(&away, desk.docs()).unwrap();
    desk.run(["add", "--no-wait"]).ok();
    assert_eq!(desk.find("harbour"), ["page.txt"]);
}

#[test]
fn a_folder_inside_an_added_folder_adds_nothing_twice() {
    let desk = Desk::new();
    desk.write("inner/page.txt", note("the harbour"));
    desk.write("page.txt", note("the lighthouse"));
    desk.run(["add", "docs/inner", "--no-wait"]).ok();
    desk.run(["add", "docs", "--no-wait"]).ok().says("takes in");
    assert_eq!(desk.run(["folders", "--json"]).ok().json().as_array().unwrap().len(), 1);
    desk.run(["add", "docs/inner", "--no-wait"]).ok().says("already added");
    assert_eq!(desk.count("keyword"), 2);
    desk.run(["remove", "docs/inner"]).exits(2).says("inside");
}

#[test]
fn rebuild_keeps_every_document_and_encodes_nothing() {
    let desk = Desk::new();
    desk.write("a.txt", note("the harbour"));
    desk.write("b.md", note("the lighthouse"));
    desk.add();
    desk.run(["rebuild"]).ok().says("2 documents rebuilt");
    assert_eq!(desk.find("harbour")[0], "a.txt");
    assert_eq!((desk.count("keyword"), desk.count("semantic")), (2, 2));
    desk.add().does_not_say("encoded in");
}

#[test]
fn a_folder_that_stands_empty_keeps_its_documents_until_removed() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.write("deep/other.txt", note("the lighthouse"));
    desk.run(["add", "docs", "--no-wait"]).ok();
    // An unmounted disk leaves its empty mount point behind.
    let away = desk.home().join("disk");
    std::fs::rename(desk.docs(), &away).unwrap();
    std::fs::create_dir(desk.docs()).unwrap();
    desk.run(["add", "--no-wait"]).ok().says("stands empty").does_not_say("gone");
    assert_eq!(desk.find("harbour"), ["page.txt"]);
    std::fs::remove_dir(desk.docs()).unwrap();
    std::fs::rename(&away, desk.docs()).unwrap();
    desk.run(["add", "--no-wait"]).ok().says("2 unchanged");
    std::fs::remove_dir_all(desk.docs()).unwrap();
    std::fs::create_dir(desk.docs()).unwrap();
    desk.run(["remove", "docs"]).ok();
    assert_eq!(desk.count("keyword"), 0);
    desk.run(["add", "docs", "--no-wait"]).ok().does_not_say("stands empty");
}

#[test]
fn exclusions_outlive_being_taken_in() {
    let desk = Desk::new();
    desk.write("papers/kept.txt", note("the harbour"));
    desk.write("papers/private/diary.txt", note("the harbour diary"));
    desk.write("notes/kept.txt", note("the lighthouse"));
    desk.write("notes/old/draft.txt", note("the lighthouse draft"));
    desk.run(["add", "docs/papers", "--no-wait", "--exclude", "private/"]).ok();
    desk.run(["add", "docs", "--no-wait"]).ok().says("takes in");
    assert_eq!(desk.find("harbour"), ["papers/kept.txt"]);
    // The same wish told of a folder that is covered already.
    assert_eq!(desk.find("lighthouse").len(), 2);
    desk.run(["add", "docs/notes", "--no-wait", "--exclude", "old/**"]).ok().says("already added");
    assert_eq!(desk.find("lighthouse"), ["notes/kept.txt"]);
    let folders = desk.run(["folders", "--json"]).ok().json();
    assert_eq!(folders[0]["exclude"], serde_json::json!(["/papers/**/private/", "/notes/old/**"]));
}

#[test]
fn a_touched_file_is_found_by_its_new_date() {
    let desk = Desk::new();
    let path = desk.write("page.txt", note("the harbour"));
    let set = |sec| {
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(sec);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    };
    set(1_500_000_000); // 2017-07-14
    desk.run(["add", "docs", "--no-wait"]).ok();
    set(1_600_000_000); // 2020-09-13
    desk.run(["add", "--no-wait"]).ok();
    assert_eq!(desk.find("harbour after:2020"), ["page.txt"]);
    assert!(desk.find("harbour before:2018").is_empty());
    let hit = desk.run(["search", "--json", "--mode", "keyword", "harbour"]).ok().json();
    assert_eq!(hit["hits"][0]["modified"], "2020-09-13T12:26:40Z");
}
