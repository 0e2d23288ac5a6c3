//! Whole files, from disk to passages, through the child processes that real use goes through.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{env, fs};

use lsearch_ingest::{
    Document, ExtractLimits, Extractor, ExtractorOptions, FailReason, Kind, Ocr, Outcome,
    PassageOptions, SkipReason, extract_bytes, extract_in_process, passages,
};

fn extractor() -> Extractor {
    Extractor::new(options())
}

fn options() -> ExtractorOptions {
    let test = env::current_exe().unwrap();
    let worker_program = test.ancestors().nth(2).unwrap().join("examples/extract_worker");
    assert!(worker_program.exists(), "cargo test --examples builds {}", worker_program.display());
    ExtractorOptions {
        worker_program,
        worker_args: Vec::new(),
        readable: vec!["/".into()],
        workers: 2,
        memory_bytes: 1 << 30,
        cpu_sec: 20,
        wall_sec: 60,
        max_file_bytes: 1 << 30,
        max_text_bytes: 1 << 30,
        ocr: None,
    }
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn document(outcome: Outcome) -> Document {
    match outcome {
        Outcome::Document(document) => *document,
        other => panic!("no document but {other:?}"),
    }
}

fn from_bytes(name: &str, bytes: &[u8]) -> Outcome {
    extract_bytes(Path::new(name), bytes.to_vec(), &ExtractLimits::default())
}

#[test]
fn a_pdf_gives_pages_headings_and_its_title() {
    let bytes = common::pdf(
        "Survey of the mill",
        &[
            &["1. Roof", "", "The roof is of slate."],
            &[],
            &["Second floor (north)", "is not safe."],
        ],
    );
    let document = document(from_bytes("a.pdf", &bytes));
    assert_eq!(document.kind, Kind::Pdf);
    assert_eq!(document.title, "Survey of the mill");
    assert_eq!(
        document.text,
        "1. Roof\n\nThe roof is of slate.\n\nSecond floor (north)\nis not safe.\n"
    );
    let third = document.text.find("Second").unwrap();
    assert_eq!(document.pages, [0, third, third]);
    assert_eq!(&document.text[document.headings[0].bytes.clone()], "1. Roof");
    assert_eq!(document.warnings, ["1 of 3 pages have no text: 2"]);
    assert_eq!(document.page_at(third), Some(3));
    assert_eq!(document.file_hash, *blake3::hash(&bytes).as_bytes());
}

#[test]
fn pdfs_without_text_or_sense_say_so() {
    assert_eq!(
        from_bytes("a.pdf", &common::pdf("x", &[&[], &[]])),
        Outcome::Skipped(SkipReason::NoTextLayer)
    );
    for bytes in
        [&b"%PDF-1.7\nnothing of the kind"[..], &[0x80; 300], &common::pdf("x", &[&["a"]])[..200]]
    {
        let outcome = from_bytes("a.pdf", bytes);
        assert!(
            matches!(&outcome, Outcome::Failed(FailReason::Damaged { format, .. }) if format == "pdf"),
            "{outcome:?}"
        );
    }
}

#[test]
fn pictures_of_pages_are_read_when_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("tesseract");
    // Names the picture's format and its size in bytes.
    let script = "#!/bin/sh\nhead -c 2; echo; echo Annual survey of the mill; wc -c\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let ocr = Some(Ocr { program, languages: "eng".to_owned(), seconds: 30 });
    let path = file(
        folder.path(),
        "a.pdf",
        &common::scan(&["1", "A page of text, which is left as it is.", ""]),
    );
    assert_eq!(
        document(extractor().extract(&path)).warnings,
        ["2 of 3 pages are pictures without text: 1, 3"]
    );
    let read = document(Extractor::new(ExtractorOptions { ocr, ..options() }).extract(&path));
    let lines: Vec<&str> = read.text.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 7, "{lines:?}");
    assert_eq!(lines[..2], ["P5", "Annual survey of the mill"]);
    assert_eq!(lines[3], "A page of text, which is left as it is.");
    assert_eq!(read.page_at(read.text.rfind("Annual").unwrap()), Some(3));
    assert_eq!(read.warnings, [""; 0]);

    let alone = file(folder.path(), "b.pdf", &common::scan(&["1"]));
    assert_eq!(extractor().extract(&alone), Outcome::Skipped(SkipReason::NoTextLayer));
}

#[test]
fn pages_without_a_size_are_read_and_a_broken_one_is_named() {
    let whole = common::pdf("x", &[&["First"], &["Second"], &["Third"]]);
    let edit = |from: &str, to: &str, at: usize| {
        assert_eq!(from.len(), to.len());
        let mut bytes = whole.clone();
        let found = |(_, window): &(usize, &[u8])| *window == from.as_bytes();
        let (start, _) = whole.windows(from.len()).enumerate().filter(found).nth(at).unwrap();
        bytes[start..start + to.len()].copy_from_slice(to.as_bytes());
        document(from_bytes("a.pdf", &bytes))
    };
    for size in ["/MediaBix [0 0 595 842]", "/MediaBox [0 595 842]  "] {
        let document = edit("/MediaBox [0 0 595 842]", size, 1);
        assert_eq!(document.text, "First\n\nSecond\n\nThird\n", "{size}");
        assert_eq!(document.warnings, [""; 0], "{size}");
    }
    // A page that cannot even be begun says nothing about the one before it.
    let document = edit("/Contents 8 0 R", "/Contents 0 0 R", 0);
    assert_eq!(document.text, "First\n\nThird\n");
    assert_eq!(document.warnings.len(), 2, "{:?}", document.warnings);
    assert!(document.warnings[0].starts_with("page 2 could not"), "{:?}", document.warnings);
}

#[test]
fn a_page_that_brings_the_child_down_costs_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let memory_bytes = 384 << 20;
    let extractor = Extractor::new(ExtractorOptions { memory_bytes, ..options() });
    let bytes = common::pdf("Ring binder", &[&["before"], &["Bomb"], &["after"]]);
    let path = file(folder.path(), "a.pdf", &bytes);
    let document = document(extractor.extract(&path));
    assert_eq!(document.text, "before\n\nafter\n");
    assert_eq!(document.pages.len(), 3);
    assert_eq!(
        document.warnings[0],
        "page 2 could not be read in full: it made the extraction crash"
    );

    let alone = file(folder.path(), "b.pdf", &common::pdf("x", &[&["Bomb"]]));
    let expected = FailReason::MemoryLimit { limit_bytes: memory_bytes };
    assert_eq!(extractor.extract(&alone), Outcome::Failed(expected));
}

#[test]
fn a_form_that_paints_itself_costs_no_more_than_the_page() {
    let bytes = common::pdf("x", &[&["before"], &["once", "Do"], &["after"]]);
    let document = document(from_bytes("a.pdf", &bytes));
    assert_eq!(document.text, "before\n\nonce\n\nafter\n");
    assert_eq!(
        document.warnings,
        ["page 2 could not be read in full: its forms stand too deep in one another"]
    );
}

#[test]
fn damaged_files_never_harm_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let extractor = extractor();
    let whole = common::pdf("Title", &[&["The first page"], &["The second page"], &["Third"]]);
    // A fixed sequence of pseudo-random numbers (Knuth's MMIX generator), so that runs are alike.
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut documents = 0;
    for round in 0..150 {
        let mut bytes = whole.clone();
        for _ in 0..=round % 8 {
            let at = random(bytes.len());
            match round % 3 {
                0 => bytes[at] = random(256) as u8,
                1 => bytes.truncate(at.max(20)),
                _ => {
                    let end = (at + random(40)).min(bytes.len());
                    bytes.drain(at..end);
                }
            }
        }
        let path = file(folder.path(), "damaged.pdf", &bytes);
        documents += usize::from(matches!(extractor.extract(&path), Outcome::Document(_)));
    }
    assert!(documents > 5, "only {documents} could be read");
    let path = file(folder.path(), "whole.pdf", &whole);
    assert_eq!(document(extractor.extract(&path)).pages.len(), 3);
}

#[test]
fn the_child_and_the_caller_itself_extract_alike() {
    let folder = tempfile::tempdir().unwrap();
    let extractor = extractor();
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(
        "Grüße aus dem schönen Städtchen\r\n\r\nDie Schlüssel für die Hütte liegen bereit.\r\n",
    );
    let pdf = common::pdf("Paper", &[&["One"], &["Two"]]);
    for (name, bytes) in [
        ("brief.txt", &latin[..]),
        ("page.html", b"<title>T</title><h1>Head</h1><p>Body</p>"),
        ("notes.md", b"# Notes\n\n- one\n"),
        ("main.rs", b"fn main() {}\n"),
        ("paper.pdf", &pdf),
        ("image.txt", b"\x89PNG\r\n\x1a\n0000"),
        ("empty.txt", b""),
        ("blank.txt", b" \n\n"),
    ] {
        let path = file(folder.path(), name, bytes);
        let expected = extract_in_process(&path, &ExtractLimits::default());
        assert_eq!(extractor.extract(&path), expected, "{name}");
    }
    let letter = document(extractor.extract(&folder.path().join("brief.txt")));
    assert_eq!(letter.title, "Grüße aus dem schönen Städtchen");
    assert_eq!(letter.encoding.as_deref(), Some("windows-1252"));
    assert_eq!(letter.language.as_deref(), Some("deu"));
}

#[test]
fn large_text_passes_within_the_memory_of_a_child() {
    let folder = tempfile::tempdir().unwrap();
    let line = "In the year of the great flood the bridge was rebuilt in stone.\r\n";
    let text = line.repeat((100 << 20) / line.len());
    let path = file(folder.path(), "large.txt", text.as_bytes());
    let document = document(extractor().extract(&path));
    assert_eq!(document.text.len(), text.len() / line.len() * (line.len() - 1));
    assert!(!document.text.contains('\r'));
}

#[test]
fn the_broken_fixtures_give_reasons() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/broken");
    let extractor = extractor();
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let outcome = extractor.extract(&path);
        let shown = match &outcome {
            Outcome::Skipped(reason) => reason.to_string(),
            Outcome::Failed(reason) => reason.to_string(),
            Outcome::Document(document) => document.title.clone(),
            Outcome::Container { .. } => panic!("{name} is no container"),
        };
        assert!(!shown.is_empty() && !shown.contains("crash"), "{name}: {shown}");
        if name.contains("encrypted") {
            assert_eq!(outcome, Outcome::Skipped(SkipReason::Encrypted), "{name}");
        }
        seen += 1;
    }
    assert!(seen >= 5, "{} holds only {seen} files", folder.display());
}

#[test]
fn passages_name_page_and_line_of_what_they_hold() {
    let pages: Vec<Vec<String>> = (1..=12)
        .map(|page| {
            (1..=30).map(|line| format!("Line {line} of page {page} speaks of water.")).collect()
        })
        .collect();
    let pages: Vec<Vec<&str>> =
        pages.iter().map(|lines| lines.iter().map(String::as_str).collect()).collect();
    let pages: Vec<&[&str]> = pages.iter().map(Vec::as_slice).collect();
    let document = document(from_bytes("a.pdf", &common::pdf("Water", &pages)));
    let passages = passages(&document, &PassageOptions::default());
    assert!(passages.len() > 8);
    for passage in passages {
        let text = &document.text[passage.bytes.clone()];
        let page = passage.page.unwrap();
        assert!(
            text.starts_with("Line")
                && text.lines().next().unwrap().contains(&format!("page {page} "))
        );
        let line = document.text.lines().nth(passage.line as usize - 1).unwrap();
        assert!(text.starts_with(line));
    }
}
