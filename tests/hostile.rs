//! What somebody who means harm, or a broken disk, puts into a folder: each is told by name, nothing outside of the
//! folder is touched, and the documents beside it are found.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::pack::{gzip, tar, zip};
use crate::common::{Desk, note};

/// Adds the folder beside a good document, which must be found.
#[track_caller]
fn survives(desk: &Desk) {
    desk.write("good.txt", note("the harbour"));
    desk.run(["add", "docs", "--no-wait"]).ok();
    assert_eq!(desk.find("harbour"), ["good.txt"]);
}

#[test]
fn an_archive_that_unpacks_without_end_is_stopped() {
    let desk = Desk::new();
    let blank = vec![b' '; 40 << 20];
    let first = note("a lighthouse");
    let bomb = zip(&[
        ("a.txt", first.as_bytes()),
        ("b.txt", &blank),
        ("c.txt", &blank),
        ("d.txt", &blank),
    ]);
    assert!(bomb.len() < 200_000);
    desk.write("flat.zip", bomb);
    desk.write("flat.txt.gz", gzip(&vec![b'x'; 80 << 20]));
    survives(&desk);
    for name in ["flat.zip", "flat.txt.gz"] {
        assert!(desk.failure(name).contains("out of all proportion"), "{name}");
    }
    assert_eq!(desk.find("lighthouse"), ["flat.zip!/a.txt"], "what came before is kept");
}

#[test]
fn an_archive_of_archives_of_archives_is_stopped() {
    let desk = Desk::new();
    let mut archive = zip(&[("0.txt", &vec![b'0'; 4 << 20])]);
    for _ in 0..3 {
        let names: Vec<String> = (0..16).map(|number| format!("{number:02}.zip")).collect();
        let copies: Vec<(&str, &[u8])> =
            names.iter().map(|name| (name.as_str(), archive.as_slice())).collect();
        archive = zip(&copies);
    }
    assert!(archive.len() < 1 << 20, "{}", archive.len());
    desk.write("forty-two.zip", archive);
    survives(&desk);
    assert!(desk.failure("forty-two.zip").contains("out of all proportion"));
}

#[test]
fn archives_within_archives_are_followed_a_few_deep() {
    let desk = Desk::new();
    let mut archive = tar(&[(b"bottom.txt", note("the sea floor").as_bytes())]);
    for depth in 0..30 {
        let lit = note(&format!("a lamp at {depth} fathoms"));
        archive = zip(&[("lamp.txt", lit.as_bytes()), ("in.zip", &archive)]);
    }
    desk.write("deep.zip", archive);
    survives(&desk);
    assert_eq!(desk.find("fathoms").len(), 4);
    assert!(desk.find("\"sea floor\"").is_empty());
    let failed = desk.status()["failed"].clone();
    assert_eq!(failed.as_array().unwrap().len(), 1, "{failed:#}");
    assert!(
        failed[0]["path"].as_str().unwrap().ends_with("deep.zip!/in.zip!/in.zip!/in.zip!/in.zip")
    );
    assert!(failed[0]["reason"].as_str().unwrap().contains("deep"), "{failed:#}");
}

#[test]
fn names_in_archives_touch_nothing_and_are_shown_on_one_line() {
    let desk = Desk::new();
    let climb = note("the summit");
    let files: [(&[u8], &[u8]); 5] = [
        (b"../../climbed.txt", climb.as_bytes()),
        (b"/tmp/absolute.txt", b"An absolute railway.\n"),
        (b"two\nlines.txt", b"A viaduct.\n"),
        (b"not-utf8-\xff.txt", b"A glacier.\n"),
        (b"a\x1b[31mred.txt", b"A volcano.\n"),
    ];
    desk.write("sub/names.tar", tar(&files));
    survives(&desk);
    assert_eq!(desk.find("summit"), ["sub/names.tar!/__/__/climbed.txt"]);
    assert_eq!(desk.find("absolute"), ["sub/names.tar!/tmp/absolute.txt"]);
    assert_eq!(desk.find("viaduct"), ["sub/names.tar!/two\nlines.txt"]);
    assert_eq!(desk.find("glacier").len(), 1);
    let shown = desk.run(["search", "--mode", "keyword", "volcano"]).ok().stdout;
    assert!(shown.contains("names.tar!/a [31mred.txt") && !shown.contains('\x1b'), "{shown:?}");
    let shown = desk.run(["search", "--mode", "keyword", "viaduct"]).ok().stdout;
    assert!(shown.contains("names.tar!/two lines.txt"), "{shown:?}");
    for outside in ["climbed.txt", "docs/climbed.txt", "docs/sub/climbed.txt"] {
        assert!(!desk.home().join(outside).exists());
    }
    assert!(!Path::new("/tmp/absolute.txt").exists());
    let entries = std::fs::read_dir(desk.docs().join("sub")).unwrap().count();
    assert_eq!(entries, 1, "nothing was unpacked beside it");
    // Gone like any other.
    std::fs::remove_file(desk.docs().join("sub/names.tar")).unwrap();
    desk.run(["add", "--no-wait"]).ok();
    assert!(desk.find("glacier").is_empty());
    assert_eq!(desk.count("keyword"), 1);
}

#[test]
fn objects_nested_in_a_pdf_cost_no_more_than_the_pdf() {
    let desk = Desk::new();
    let depth = 200_000;
    let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let pdf = format!(
        "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R /Deep {nested} >>\nendobj\n\
         2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n\
         trailer\n<< /Root 1 0 R /Size 3 >>\nstartxref\n9\n%%EOF\n"
    );
    desk.write("nested.pdf", &pdf);
    desk.write(
        "in.zip",
        zip(&[("nested.pdf", pdf.as_bytes()), ("z.txt", note("a lighthouse").as_bytes())]),
    );
    survives(&desk);
    assert_eq!(desk.find("lighthouse"), ["in.zip!/z.txt"]);
    assert!(desk.failure("nested.pdf").len() > 5);
    assert!(desk.failure("in.zip!/nested.pdf").len() > 5);
}

#[test]
fn a_file_of_ten_gigabytes_of_nothing_is_not_read() {
    let desk = Desk::new();
    for name in ["hole.txt", "hole.zip"] {
        let path = desk.write(name, "x");
        std::fs::File::options().write(true).open(path).unwrap().set_len(10 << 30).unwrap();
    }
    survives(&desk);
    for name in ["hole.txt", "hole.zip"] {
        assert!(desk.failure(name).contains("max_file_mb"), "{name}");
    }
}

#[test]
fn sockets_and_links_are_left_out() {
    let desk = Desk::new();
    let listener = std::os::unix::net::UnixListener::bind(desk.docs().join("socket.txt"));
    std::os::unix::fs::symlink("/etc/passwd", desk.docs().join("passwd.txt")).unwrap();
    std::os::unix::fs::symlink("b", desk.docs().join("a")).unwrap();
    std::os::unix::fs::symlink("a", desk.docs().join("b")).unwrap();
    survives(&desk);
    drop(listener.unwrap());
    let status = desk.status();
    let left_out = status["skipped"].as_object().unwrap();
    let count = |part: &str| {
        left_out.iter().find(|(reason, _)| reason.contains(part)).map(|(_, number)| number.clone())
    };
    assert_eq!(count("socket"), Some(1.into()), "{left_out:?}");
    assert_eq!(count("symbolic link"), Some(3.into()), "{left_out:?}");
    assert!(desk.find("root").is_empty());
}

#[test]
fn a_file_that_grows_while_it_is_read_keeps_nobody_waiting() {
    let desk = Desk::new();
    let growing = desk.write("growing.txt", "begin\n");
    let archive = desk.write("growing.zip", zip(&[("a.txt", b"A lighthouse.\n")]));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::io::Write;
            while !stop.load(Ordering::Relaxed) {
                for path in [&growing, &archive] {
                    let mut file = std::fs::File::options().append(true).open(path).unwrap();
                    file.write_all(b"and more\n").unwrap();
                }
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        survives(&desk);
        stop.store(true, Ordering::Relaxed);
    });
    desk.run(["add", "--no-wait"]).ok();
    assert_eq!(desk.find("begin"), ["growing.txt"]);
    assert_eq!(
        desk.find("lighthouse"),
        ["growing.zip!/a.txt"],
        "what follows an archive does it no harm"
    );
}
