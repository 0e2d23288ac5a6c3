//! A writer that is killed outright, in a process of its own: what it had acknowledged is there.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use lsearch_index::query::Query;
use lsearch_index::{
    Content, ExtractKey, FileStat, FileState, PassageSpan, Reader, SearchRequest, SectionRecord,
    Severity, Writer, WriterOptions, check,
};

const DIR: &str = "LSEARCH_INDEX_KILL_TEST_DIR";
const ENCODER: &str = "encoder";

fn options() -> WriterOptions {
    WriterOptions { memory_bytes: 16 << 20, segment_bytes: 8192, ..WriterOptions::default() }
}

fn text(generation: usize, file: usize) -> String {
    format!("file{file} generation{generation}\n{}", "filler words ".repeat(file * 7 % 50))
}

fn put(writer: &Writer, generation: usize, file: usize) {
    let text = text(generation, file);
    let passages = [PassageSpan { start: 0, end: text.len(), page: None, line: 1, heading: None }];
    let content = Content {
        title: "",
        kind: "text",
        format: "txt",
        language: None,
        author: None,
        dated: None,
        text: &text,
        headings: &[],
        passages: &passages,
        pages: &[],
        warnings: &[],
    };
    let key = ExtractKey {
        file_hash: [generation as u8; 32],
        kind: format!("text{file}"),
        extractor_version: 1,
    };
    let key = writer.put_content(&key, &content).unwrap();
    let section = SectionRecord {
        first_passage: 0,
        last: true,
        tokens: 3,
        mean: &[1.0, file as f32],
        passages: &[vec![0.6, 0.8]],
    };
    writer.put_section(ENCODER, &key, &section).unwrap();
    let stat = FileStat { size_bytes: generation as u64, modified_ns: 1, inode: 1 };
    let state = FileState::Document { content: key };
    writer.put_file(&path(file), Path::new("/k"), &stat, None, state).unwrap();
}

fn path(file: usize) -> PathBuf {
    PathBuf::from(format!("/k/{file}"))
}

/// Runs in the child: writes for ever, and says after each commit what it holds.
#[test]
#[ignore = "the child of the test below"]
fn child_that_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let (writer, _) = Writer::open(Path::new(&dir), options()).unwrap();
    let start = writer
        .files_under(Path::new("/k"))
        .unwrap()
        .map(|file| file.unwrap().stat.size_bytes as usize)
        .max()
        .unwrap_or(0);
    let mut out = std::io::stdout().lock();
    for generation in start + 1.. {
        for file in 0..4 {
            put(&writer, generation, (generation + file) % 9);
        }
        writer.commit().unwrap();
        writeln!(out, "acknowledged {generation}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 0u64..8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "child_that_is_killed", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let reading = std::thread::spawn(move || {
            let said = |line: String| line.split("acknowledged ").nth(1)?.trim().parse().ok();
            stdout.lines().map_while(Result::ok).filter_map(said).max().unwrap_or(0)
        });
        // Anywhere from within opening to some commits later.
        std::thread::sleep(Duration::from_millis(20 + 97 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let said: usize = reading.join().unwrap();
        acknowledged = acknowledged.max(said);
        verify(dir.path(), acknowledged, round);
    }
    assert!(acknowledged > 0, "no round got as far as a commit");
}

fn verify(dir: &Path, acknowledged: usize, round: u64) {
    let (writer, report) = Writer::open(dir, options()).unwrap();
    let held: BTreeMap<PathBuf, usize> = writer
        .files_under(Path::new("/k"))
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| (file.path, file.stat.size_bytes as usize))
        .collect();
    // A commit that was durable but not yet reported may be there, too.
    let mut last: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for generation in 1..=acknowledged {
        last.extend((0..4).map(|file| (path((generation + file) % 9), generation)));
    }
    for (path, generation) in &last {
        let there = held.get(path).copied().unwrap_or(0);
        assert!(there >= *generation, "round {round}: {path:?} {there} of {generation}; {report}");
    }
    assert!(writer.pending(ENCODER).unwrap().is_empty(), "round {round}: {report}");
    writer.close().unwrap();
    if held.is_empty() {
        return;
    }
    let reader = Reader::open(dir).unwrap();
    for (path, generation) in &held {
        let query = Query::parse(&format!("generation{generation}"), 0).unwrap();
        let request = SearchRequest { limit: 100, ..SearchRequest::new(&query) };
        let hits = reader.search(&request).unwrap().hits;
        assert!(hits.iter().any(|hit| hit.path == *path), "round {round}: {path:?}; {report}");
    }
    let bad: Vec<_> =
        check(dir).into_iter().filter(|finding| finding.severity > Severity::Fine).collect();
    assert!(bad.is_empty(), "round {round}: {bad:#?}");
}
