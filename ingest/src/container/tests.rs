use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::extract::{Course, extract_file};
use crate::{ExtractLimits, FailReason, Outcome, RuleFiles, SkipReason, WalkOptions};

/// Remembers what it is told.
#[derive(Default)]
struct Listener {
    told: Mutex<Vec<(PathBuf, Outcome)>>,
}

impl MemberSink for Listener {
    fn begin(&self, _: u64, _: &Path) -> std::io::Result<()> {
        Ok(())
    }

    fn is_wanted(&self, _: &Offer<'_>) -> std::io::Result<bool> {
        Ok(true)
    }

    fn done(&self, path: &Path, outcome: Outcome, _: bool) -> std::io::Result<()> {
        self.told.lock().unwrap().push((path.to_owned(), outcome));
        Ok(())
    }
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        // The builder refuses names that climb.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What a file comes to, and what its members do, by their names in it.
fn read(name: &str, bytes: &[u8]) -> (Outcome, Vec<(String, Outcome)>) {
    read_under(name, bytes, &[])
}

fn read_under(name: &str, bytes: &[u8], exclude: &[&str]) -> (Outcome, Vec<(String, Outcome)>) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let path = root.join(name);
    fs_err::write(&path, bytes).unwrap();
    let exclude = exclude.iter().map(|pattern| (*pattern).to_owned()).collect();
    let options = WalkOptions { exclude, ..WalkOptions::default() };
    let rules = RuleFiles::of_folder(&root, &options, &root);
    let listener = Listener::default();
    let course = Course { sink: Some(&listener), rules: &rules, ..Course::default() };
    let limits = ExtractLimits { max_file_bytes: 64 << 20, max_text_bytes: 64 << 20 };
    let (outcome, _) = extract_file(&path, &limits, &course);
    let told = listener.told.into_inner().unwrap().into_iter();
    let below = format!("{}!/", path.display());
    let told = told.map(|(member, outcome)| {
        let member = member.to_string_lossy().into_owned();
        (member.strip_prefix(&below).unwrap_or(&member).to_owned(), outcome)
    });
    (outcome, told.collect())
}

fn text(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Document(document) => &document.text,
        other => panic!("no document but {other:?}"),
    }
}

fn names(told: &[(String, Outcome)]) -> Vec<&str> {
    told.iter().map(|(name, _)| name.as_str()).collect()
}

const WHOLE: Outcome = Outcome::Container { stopped: None };

#[test]
fn archives_give_their_documents() {
    let files: [(&str, &[u8]); 3] =
        [("a.txt", b"Apples\n"), ("deep/b.md", b"# Pears\n"), ("c.png", b"\x89PNG\r\n\x1A\n")];
    let tarball = tar(&files);
    for (name, bytes) in [
        ("x.zip", zip(&files)),
        ("x.tar", tarball.clone()),
        ("x.tgz", gzip(&tarball)),
        ("x.tar.zst", zstd::encode_all(&tarball[..], 1).unwrap()),
        ("unnamed", gzip(&tarball)),
        ("unnamed2", zip(&files)),
    ] {
        let (outcome, told) = read(name, &bytes);
        assert_eq!(outcome, WHOLE, "{name}");
        assert_eq!(names(&told), ["a.txt", "deep/b.md", "c.png"], "{name}");
        assert_eq!(text(&told[0].1), "Apples\n");
        let unsupported = SkipReason::Unsupported { format: "png".to_owned() };
        assert_eq!(told[2].1, Outcome::Skipped(unsupported));
    }
}

#[test]
fn one_packed_file_is_a_document_of_its_own() {
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(b"# Plums\n").unwrap();
    for (name, bytes) in [("n.md.gz", gzip(b"# Plums\n")), ("n.md.bz2", bzip2.finish().unwrap())] {
        let (outcome, told) = read(name, &bytes);
        let Outcome::Document(document) = outcome else { panic!("{name}: {outcome:?}") };
        assert_eq!((document.title.as_str(), document.format.as_str()), ("Plums", "md"));
        assert_eq!(document.file_hash, *blake3::hash(&bytes).as_bytes());
        assert!(told.is_empty());
    }
    let (outcome, told) = read("a.zip", &zip(&[("ls.1.gz", &gzip(b".TH LS 1\nlist\n"))]));
    assert_eq!(outcome, WHOLE);
    assert!(text(&told[0].1).contains("list"));
    // What `xz` writes of "Plums\n".
    const XZ: &[u8] = &[
        0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00, 0x00, 0x04, 0xE6, 0xD6, 0xB4, 0x46, 0x02, 0x00, 0x21,
        0x01, 0x16, 0x00, 0x00, 0x00, 0x74, 0x2F, 0xE5, 0xA3, 0x01, 0x00, 0x05, 0x50, 0x6C, 0x75,
        0x6D, 0x73, 0x0A, 0x00, 0x00, 0x00, 0x08, 0x8F, 0xD9, 0x0F, 0xB3, 0x38, 0x8F, 0x46, 0x00,
        0x01, 0x1E, 0x06, 0xC1, 0x2F, 0xA4, 0x1D, 0x1F, 0xB6, 0xF3, 0x7D, 0x01, 0x00, 0x00, 0x00,
        0x00, 0x04, 0x59, 0x5A,
    ];
    let (outcome, _) = read("n.txt.xz", XZ);
    assert_eq!(text(&outcome), "Plums\n");
}

#[test]
fn containers_lie_within_one_another_to_a_depth() {
    let mut archive = zip(&[("bottom.txt", b"Bottom\n")]);
    for depth in 0..2 {
        archive = tar(&[(&format!("{depth}.zip"), &archive)]);
        archive = zip(&[(&format!("{depth}.tar"), &archive)]);
    }
    let (outcome, told) = read("top.zip", &archive);
    assert_eq!(outcome, WHOLE);
    let too_nested = Outcome::Failed(FailReason::TooNested { limit: MAX_DEPTH });
    let deep = told.iter().find(|(_, outcome)| *outcome == too_nested).expect("a limit");
    assert_eq!(deep.0, "1.tar!/1.zip!/0.tar!/0.zip");
    let archive = zip(&[("in.tar", &tar(&[("b.txt", b"Bottom\n")])), ("c.txt", b"Top\n")]);
    let (_, told) = read("top.zip", &archive);
    assert_eq!(names(&told), ["in.tar!/b.txt", "in.tar", "c.txt"]);
}

#[test]
fn what_unpacks_out_of_all_proportion_is_stopped() {
    let zeros = vec![b' '; 90 << 20];
    let (outcome, told) =
        read("flat.zip", &zip(&[("first.txt", b"First\n"), ("bomb.txt", &zeros)]));
    let Outcome::Container { stopped: Some(FailReason::TooInflated { .. }) } = outcome else {
        // One file alone is refused for its size before the sum is.
        let too_large = Outcome::Skipped(SkipReason::TooLarge { limit_bytes: 64 << 20 });
        assert!(told.contains(&("bomb.txt".to_owned(), too_large)), "{outcome:?}");
        return;
    };
    assert_eq!(text(&told[0].1), "First\n");
    let tiny = vec![b' '; 16 << 20];
    let many: Vec<(String, &[u8])> = (0..8).map(|at| (format!("{at}.txt"), &tiny[..])).collect();
    let many: Vec<(&str, &[u8])> =
        many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let (outcome, _) = read("many.zip", &zip(&many));
    assert!(matches!(
        outcome,
        Outcome::Container { stopped: Some(FailReason::TooInflated { .. }) }
    ));
}

#[test]
fn rules_hold_for_members_too() {
    let files: [(&str, &[u8]); 5] = [
        ("kept.txt", b"Kept\n"),
        ("drafts/x.txt", b"Draft\n"),
        (".hidden/x.txt", b"Hidden\n"),
        ("keys/id_rsa", b"Key\n"),
        ("./empty.txt", b""),
    ];
    let (_, told) = read_under("x.tar", &tar(&files), &["drafts/"]);
    assert_eq!(names(&told), ["kept.txt", "keys/id_rsa", "empty.txt"]);
    assert_eq!(told[1].1, Outcome::Skipped(SkipReason::Secret));
    assert_eq!(told[2].1, Outcome::Skipped(SkipReason::Empty));
}

#[test]
fn names_that_climb_stay_inside() {
    let files: [(&str, &[u8]); 3] =
        [("../../up.txt", b"Up\n"), ("/etc/motd.txt", b"Root\n"), ("a//b/./c.txt", b"C\n")];
    let (_, told) = read("x.tar", &tar(&files));
    assert_eq!(names(&told), ["__/__/up.txt", "etc/motd.txt", "a/b/c.txt"]);
}

#[test]
fn mailboxes_give_their_messages_and_what_hangs_on_them() {
    let message = "Subject: Plan\nDate: Fri, 1 Mar 2024 10:00:00 +0000\nFrom: a@example.com\n\
        Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSee below.\n--b\n\
        Content-Disposition: attachment; filename=plan.txt\nContent-Type: text/plain\n\n\
        Dig here.\n--b--\n\n";
    let mailbox = format!("From a Fri Mar  1\n{message}From b Fri Mar  1\n{message}");
    for name in ["x.mbox", "Inbox"] {
        let (outcome, told) = read(name, mailbox.as_bytes());
        assert_eq!(outcome, WHOLE, "{name}");
        let expected = [
            "2024-03-01 Plan.eml",
            "2024-03-01 Plan.eml!/plan.txt",
            "2024-03-01 Plan (2).eml",
            "2024-03-01 Plan (2).eml!/plan.txt",
        ];
        assert_eq!(names(&told), expected);
        assert!(text(&told[1].1).contains("Dig here."));
    }
    let (outcome, told) = read("plan.eml", message.as_bytes());
    assert!(text(&outcome).ends_with("\nSee below.\n"), "{outcome:?}");
    assert_eq!(names(&told), ["plan.txt"]);
}

#[test]
fn more_members_than_are_read_are_left_out() {
    let mailbox = "From a\nSubject: x\n\n".repeat(MAX_MEMBERS as usize + 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.mbox");
    fs_err::write(&path, mailbox).unwrap();
    // Without a sink nothing is wanted, and so nothing read.
    let (outcome, _) = extract_file(&path, &ExtractLimits::default(), &Course::default());
    let stopped = Some(FailReason::TooManyMembers { limit: MAX_MEMBERS });
    assert_eq!(outcome, Outcome::Container { stopped });
}

#[test]
fn a_former_try_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.zip");
    let inner = zip(&[("1.txt", b"One\n"), ("2.txt", b"Two\n")]);
    fs_err::write(&path, zip(&[("0.txt", b"Zero\n"), ("in.zip", &inner), ("3.txt", b"x\n")]))
        .unwrap();
    let listener = Listener::default();
    // Numbers: 0.txt is 0, in.zip is 1, 1.txt is 2, 2.txt is 3, 3.txt is 4.
    let course =
        Course { sink: Some(&listener), first_member: 3, skip_members: &[2], ..Course::default() };
    assert_eq!(extract_file(&path, &ExtractLimits::default(), &course).0, WHOLE);
    let told = listener.told.into_inner().unwrap();
    let told: Vec<_> =
        told.iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(told, ["2.txt", "in.zip", "3.txt"]);
}

#[test]
fn damaged_archives_say_so_and_keep_what_was_read() {
    let mut bytes = gzip(&tar(&[("a.txt", b"Apples\n"), ("b.txt", &[b'x'; 100_000])]));
    bytes.truncate(bytes.len() / 2);
    let (outcome, told) = read("x.tar.gz", &bytes);
    assert_eq!(text(&told[0].1), "Apples\n");
    assert!(matches!(told[1].1, Outcome::Failed(FailReason::Damaged { .. })), "{:?}", told[1]);
    assert!(matches!(outcome, Outcome::Container { stopped: Some(_) }), "{outcome:?}");
    let mut bytes = gzip("many words ".repeat(2000).as_bytes());
    bytes.truncate(bytes.len() - 9);
    let Outcome::Document(document) = read("x.txt.gz", &bytes).0 else { panic!() };
    assert!(document.warnings[0].contains("end is missing"), "{:?}", document.warnings);
    let (outcome, told) = read("x.zip", b"<html>not found</html>");
    assert!(told.is_empty());
    let Outcome::Container { stopped: Some(FailReason::Damaged { format, .. }) } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(format, "zip");
}

#[test]
fn programs_archives_and_office_files_are_not_looked_into() {
    let archive = zip(&[("[Content_Types].xml", b"<x/>")]);
    for name in ["a.jar", "a.whl", "letter", "a.deb"] {
        let (outcome, told) = read(name, &archive);
        assert!(matches!(outcome, Outcome::Skipped(SkipReason::Unsupported { .. })), "{name}");
        assert!(told.is_empty());
    }
}

#[test]
fn paths_name_their_container() {
    let container = |path: &'static str| container_of(Path::new(path)).and_then(Path::to_str);
    assert_eq!(container("/a/b.zip!/c.txt"), Some("/a/b.zip"));
    assert_eq!(container("/a/b.zip!/c.tar!/d.txt"), Some("/a/b.zip"));
    assert_eq!(container("/a/b.zip"), None);
    assert_eq!(container("/a/!/c.txt"), None);
    assert_eq!(member_path(Path::new("/a.zip"), b"/../"), Some("/a.zip!/__".into()));
    assert_eq!(member_path(Path::new("/a.zip"), b"./"), None);
    let long = member_path(Path::new("/a.zip"), "ü".repeat(400).as_bytes()).unwrap();
    assert_eq!(long.file_name().unwrap().len(), 254);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damage_never_panics(at in 0usize..600, byte: u8, cut in 0usize..600) {
        let files: [(&str, &[u8]); 2] = [("a.txt", b"Apples and more\n"), ("b.txt", b"Pears\n")];
        for (name, mut bytes) in
            [("x.zip", zip(&files)), ("x.tgz", gzip(&tar(&files))), ("x.mbox", b"From a\nSubject: x\n\nHi\n".to_vec())]
        {
            let length = bytes.len();
            bytes[at % length] = byte;
            bytes.truncate(length - cut % length / 4);
            read(name, &bytes);
        }
    }

    #[test]
    fn members_lie_below_their_container(name: Vec<u8>) {
        if let Some(path) = member_path(Path::new("/r/a.zip"), &name) {
            prop_assert!(path.starts_with("/r/a.zip!"));
            let climbs = path.components().any(|part| part == std::path::Component::ParentDir);
            prop_assert!(!climbs && path.components().count() > 3);
            prop_assert_eq!(container_of(&path), Some(Path::new("/r/a.zip")));
        }
    }
}
