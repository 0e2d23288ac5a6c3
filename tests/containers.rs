//! Documents within archives, mailboxes and messages: found, kept and forgotten as other documents are.

use std::time::{Duration, SystemTime};

use crate::common::office::Office;
use crate::common::pack::{gzip, message, tar, zip};
use crate::common::{Desk, note};

fn add(desk: &Desk) -> crate::common::Ran {
    desk.run(["add", "docs", "--no-wait"]).ok()
}

#[test]
fn documents_in_archives_are_found_got_and_filtered() {
    let desk = Desk::new();
    let inner = tar(&[(b"deep/valley.md", note("a valley").as_bytes())]);
    let files: [(&str, &[u8]); 3] = [
        ("2019/harbour.txt", note("the harbour").as_bytes()),
        ("inner.tgz", &gzip(&inner)),
        ("photo.png", b"\x89PNG\r\n\x1A\n"),
    ]
    .map(|(name, bytes): (&str, &[u8])| {
        (name, Box::leak(bytes.to_vec().into_boxed_slice()) as &[u8])
    });
    desk.write("old.zip", zip(&files));
    desk.write("log.txt.gz", gzip(note("a lighthouse").as_bytes()));
    add(&desk);
    assert_eq!(desk.find("harbour"), ["old.zip!/2019/harbour.txt"]);
    assert_eq!(desk.find("valley"), ["old.zip!/inner.tgz!/deep/valley.md"]);
    assert_eq!(desk.find("lighthouse"), ["log.txt.gz"]);
    let hits = |path: &str| desk.find_with(&["--mode", "keyword", "--path", path], "page");
    assert_eq!(hits("**/2019/**"), ["old.zip!/2019/harbour.txt"]);
    assert_eq!(hits("**/old.zip!/**").len(), 2);
    // The text is in the index: the archive is not needed for it.
    std::fs::remove_file(desk.docs().join("old.zip")).unwrap();
    let path = desk.docs().join("old.zip!/2019/harbour.txt");
    let got = desk.run(["get".as_ref(), path.as_os_str()]).ok();
    assert!(got.stdout.contains("about the harbour"), "{}", got.stdout);
    let listed = desk.run(["search", "-l", "--mode", "keyword", "harbour"]).ok();
    assert!(listed.stdout.trim_end().ends_with("old.zip!/2019/harbour.txt"));
    let documents = &desk.status()["documents"];
    assert_eq!((&documents["keyword"], &documents["failed"]), (&3.into(), &0.into()));
    assert_eq!(documents["skipped"], 1, "the picture");
    assert_eq!(documents["seen"], 4, "an archive itself is neither a document nor left out");
    add(&desk).says("gone");
    assert!(desk.find("harbour").is_empty() && desk.find("valley").is_empty());
    assert_eq!(desk.count("seen"), 1);
}

#[test]
fn mail_and_mailboxes_give_messages_and_attachments() {
    let desk = Desk::new();
    let plan = message("The plan", "See the harbour.", ("plan.txt", "Dig near the lighthouse."));
    desk.write("plan.eml", &plan);
    let more = message("More", "A viaduct.", ("where.txt", "At the railway."));
    desk.write("Inbox", format!("From a Fri Mar  1 2024\n{plan}\nFrom b Fri Mar  1 2024\n{more}"));
    add(&desk);
    let mut found = desk.find("harbour");
    found.sort();
    // One document in two places is shown once.
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(desk.find_with(&["--all", "--mode", "keyword"], "lighthouse").len(), 2);
    assert_eq!(desk.find("railway"), ["Inbox!/2024-03-01 More.eml!/where.txt"]);
    assert_eq!(desk.find("title:plan type:mail harbour").len(), 1);
    assert_eq!(desk.count("keyword"), 6);
    let got = desk.run(["get", "docs/Inbox!/2024-03-01 More.eml"]).ok();
    assert!(
        got.stdout.starts_with("From: Anna Schmidt <anna@example.com>\nTo: Bob"),
        "{}",
        got.stdout
    );
    // A message more costs no reading of those before.
    let last = message("Last", "A glacier.", ("x.txt", "Ice."));
    let mailbox = desk.docs().join("Inbox");
    let before = std::fs::read_to_string(&mailbox).unwrap();
    std::fs::write(&mailbox, format!("{before}\nFrom c Fri Mar  1 2024\n{last}")).unwrap();
    add(&desk);
    assert_eq!(desk.find("glacier"), ["Inbox!/2024-03-01 Last.eml"]);
    assert_eq!(desk.count("keyword"), 8);
    // Copied under another name, a message brings along what hangs on it.
    std::fs::rename(desk.docs().join("plan.eml"), desk.docs().join("moved.eml")).unwrap();
    add(&desk);
    let found = desk.find_with(&["--all", "--mode", "keyword"], "lighthouse");
    assert!(found.contains(&"moved.eml!/plan.txt".to_owned()), "{found:?}");
}

#[test]
fn an_unchanged_archive_is_not_read_and_a_changed_one_keeps_what_it_can() {
    let desk = Desk::new();
    let (harbour, railway) = (note("the harbour"), note("a railway"));
    let path = desk.write(
        "a.zip",
        zip(&[("harbour.txt", harbour.as_bytes()), ("railway.txt", railway.as_bytes())]),
    );
    desk.add().says("2 documents encoded");
    let id = |desk: &Desk, word: &str| {
        desk.run(["search", "--json", "--mode", "keyword", word]).ok().json()["hits"][0]["id"]
            .clone()
    };
    let number = id(&desk, "harbour");
    let before = desk.status()["sequence"].clone();
    add(&desk).says("1 unchanged");
    assert_eq!(desk.status()["sequence"], before);
    let viaduct = note("the viaduct");
    let files: [(&str, &[u8]); 2] =
        [("harbour.txt", harbour.as_bytes()), ("viaduct.txt", viaduct.as_bytes())];
    desk.write("a.zip", zip(&files));
    desk.add().says("1 read").says("1 known by content").says("1 gone").says("1 document encoded");
    assert!(desk.find("railway").is_empty());
    assert_eq!(desk.find("viaduct"), ["a.zip!/viaduct.txt"]);
    assert_eq!(id(&desk, "harbour"), number);
    // Touched: read, and every document in it is known.
    let time = SystemTime::now() - Duration::from_secs(1000);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    desk.add().says("2 known by content").does_not_say("encoded in");
    assert_eq!((desk.count("keyword"), desk.count("semantic")), (2, 2));
    // Packed in another way, elsewhere.
    std::fs::remove_file(path).unwrap();
    let files: Vec<(&[u8], &[u8])> =
        files.iter().map(|(name, text)| (name.as_bytes(), *text)).collect();
    desk.write("deep/b.tar.gz", gzip(&tar(&files)));
    desk.add().says("2 known by content").does_not_say("encoded in");
    assert_eq!(desk.find("harbour"), ["deep/b.tar.gz!/harbour.txt"]);
    desk.run(["remove", "docs"]).ok();
    assert_eq!(desk.count("seen"), 0);
}

#[test]
fn rules_hold_inside_and_follow_when_they_change() {
    let desk = Desk::new();
    let drafts = note("the harbour draft");
    let log = note("the harbour log");
    let files: [(&str, &[u8]); 4] = [
        ("kept.txt", b"The harbour, kept.\n"),
        ("drafts/a.txt", drafts.as_bytes()),
        ("run.log", log.as_bytes()),
        (".gitignore", b"kept.txt\n"),
    ];
    desk.write("sub/a.zip", zip(&files));
    desk.run(["add", "docs", "--no-wait", "--exclude", "drafts/"]).ok();
    let found = || {
        let mut found = desk.find("harbour");
        found.sort();
        found
    };
    assert_eq!(found(), ["sub/a.zip!/kept.txt", "sub/a.zip!/run.log"]);
    desk.write(".lsearchignore", "*.log\n");
    add(&desk);
    assert_eq!(found(), ["sub/a.zip!/kept.txt"]);
    std::fs::remove_file(desk.docs().join(".lsearchignore")).unwrap();
    add(&desk);
    assert_eq!(found(), ["sub/a.zip!/kept.txt", "sub/a.zip!/run.log"]);
    // Messages, too, are not read again for it.
    desk.write("m.eml", message("Plan", "A viaduct.", ("run.log", "Near the lighthouse.")));
    add(&desk);
    assert_eq!(desk.find("lighthouse"), ["m.eml!/run.log"]);
    desk.write(".lsearchignore", "*.log\n");
    add(&desk).says("2 gone");
    assert!(desk.find("lighthouse").is_empty());
    assert_eq!(desk.find("viaduct"), ["m.eml"]);
    std::fs::remove_file(desk.docs().join("m.eml")).unwrap();
    desk.write(".lsearchignore", "sub/a.zip\n");
    add(&desk);
    assert!(found().is_empty());
    assert_eq!(desk.count("seen"), 0);
}

#[test]
fn what_fails_inside_is_told_by_name_and_read_again_on_retry() {
    let desk = Desk::new();
    let good = note("the harbour");
    let locked = std::fs::read(crate::common::repository().join("fixtures/broken/encrypted.pdf"));
    let files: [(&str, &[u8]); 3] = [
        ("good.txt", good.as_bytes()),
        ("locked.pdf", &locked.unwrap()),
        ("inner.zip", b"PK\x03\x04 and nothing more that makes sense of it"),
    ];
    desk.write("a.zip", zip(&files));
    add(&desk).says("locked.pdf");
    assert!(desk.failure("a.zip!/locked.pdf").contains("password"));
    assert!(desk.failure("a.zip!/inner.zip").contains("damaged zip"));
    assert_eq!((desk.count("keyword"), desk.count("failed")), (1, 2));
    add(&desk).says("1 unchanged").says("2 failed");
    desk.run(["retry", "--no-wait"]).ok().says("1 known by content").says("2 failed");
    assert_eq!((desk.count("keyword"), desk.count("failed")), (1, 2));
}

#[test]
fn lost_texts_of_an_archive_are_read_from_it_again() {
    let desk = Desk::new();
    let harbour = note("the harbour");
    desk.write("a.zip", zip(&[("harbour.txt", harbour.as_bytes())]));
    desk.write("m.eml", message("Plan", "A viaduct.", ("plan.txt", "Near the lighthouse.")));
    add(&desk);
    for part in ["texts", "catalog"] {
        std::fs::remove_dir_all(desk.data().join(part)).unwrap();
        add(&desk);
        assert_eq!(desk.find("harbour"), ["a.zip!/harbour.txt"], "without {part}");
        assert_eq!(desk.find("lighthouse"), ["m.eml!/plan.txt"], "without {part}");
        assert_eq!(desk.count("keyword"), 3, "without {part}");
    }
}

#[test]
fn an_add_killed_within_an_archive_goes_on_where_it_was() {
    const DOCUMENTS: usize = 400;
    let desk = Desk::new();
    let files: Vec<(String, String)> = (0..DOCUMENTS)
        .map(|number| (format!("{number:03}.txt"), note(&format!("subject{number}"))))
        .collect();
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    desk.write("a.zip", zip(&files));
    for moment in [100, 400, 700, 1000, 1300, 2600] {
        let mut add = desk.start(["add", "docs", "--no-wait"]);
        std::thread::sleep(Duration::from_millis(moment));
        add.kill().unwrap();
        add.wait().unwrap();
    }
    add(&desk);
    assert_eq!((desk.count("keyword"), desk.count("seen")), (DOCUMENTS as u64, DOCUMENTS as u64));
    for number in [0, 123, DOCUMENTS - 1] {
        assert_eq!(desk.find(&format!("subject{number}")), [format!("a.zip!/{number:03}.txt")]);
    }
    add(&desk).says("1 unchanged");
}

#[cfg(target_os = "linux")]
#[test]
fn what_lies_in_an_archive_is_opened_with_it() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    desk.write("a.zip", zip(&[("one.txt", note("the harbour").as_bytes())]));
    add(&desk);
    // In place of the desktop's own.
    let opener = desk.home().join("bin/xdg-open");
    std::fs::create_dir(opener.parent().unwrap()).unwrap();
    std::fs::write(&opener, "#!/bin/sh\nprintf %s \"$1\" > \"$HOME/opened\"\n").unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o700)).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", opener.parent().unwrap().display());
    let ran = desk.command(["open", "docs/a.zip!/one.txt"]).env("PATH", path).status().unwrap();
    assert!(ran.success());
    let opened = std::fs::read_to_string(desk.home().join("opened")).unwrap();
    assert_eq!(opened, desk.docs().join("a.zip").to_string_lossy());
}

#[test]
fn a_daemon_follows_archives() {
    let office = Office::new();
    office.write("a.zip", zip(&[("one.txt", note("the harbour").as_bytes())]));
    std::fs::create_dir(office.docs().join("deep")).unwrap();
    office.run(&["add", "docs", "--no-wait"]).ok();
    office.start();
    office.comes_to("harbour", &["a.zip!/one.txt"]);
    let id = || {
        office.run(&["search", "--json", "--mode", "keyword", "harbour"]).json()["hits"][0]["id"]
            .clone()
    };
    // Its first look at everything does not follow what moves meanwhile.
    office.run(&["status", "--wait"]).ok();
    let number = id();
    std::fs::rename(office.docs().join("a.zip"), office.docs().join("deep/b.zip")).unwrap();
    office.comes_to("harbour", &["deep/b.zip!/one.txt"]);
    assert_eq!(id(), number, "what moves keeps its number");
    office.write("deep/b.zip", zip(&[("two.txt", note("a railway").as_bytes())]));
    office.comes_to("railway", &["deep/b.zip!/two.txt"]);
    office.comes_to("harbour", &[]);
    std::fs::remove_file(office.docs().join("deep/b.zip")).unwrap();
    office.comes_to("railway", &[]);
}
