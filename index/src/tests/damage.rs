//! Damaged files: an error that names the file, or repair; never a panic and never silence about
//! what was lost.

use std::fs;
use std::path::{Path, PathBuf};

use super::support::*;
use crate::catalog::Catalog;
use crate::layout::Layout;
use crate::paths::path_bytes;
use crate::vectors::testing::Random;
use crate::{FileState, IndexError, Mode, Reader, Writer, WriterOptions, check};

const TEXTS: [(&str, &str); 5] = [
    ("a.txt", "apples grow\non trees\n"),
    ("b.txt", "bananas grow\nin bunches\n"),
    ("c.txt", "cherries grow\nin pairs\nand ripen\nin June\nor in July\n"),
    ("d/e.txt", "dates grow\non palms\n"),
    ("f.txt", "figs grow\nas well\n"),
];

/// From this many documents on there is a graph.
const GRAPH_FROM: usize = 3;

fn with_graph() -> WriterOptions {
    WriterOptions { graph_threshold: GRAPH_FROM, ..options() }
}

/// An index with a past: of several commits, with a changed and a removed document, and a graph.
fn built(dir: &Path) {
    let (writer, _) = Writer::open(dir, with_graph()).unwrap();
    put(&writer, "a.txt", "stale apples grow\n");
    put(&writer, "gone.txt", "stale grapes grow\n");
    for (name, text) in &TEXTS[1..4] {
        put(&writer, name, text);
    }
    encode_pending(&writer);
    writer.commit().unwrap();
    put(&writer, TEXTS[0].0, TEXTS[0].1);
    put(&writer, TEXTS[4].0, TEXTS[4].1);
    writer.remove_file(&place("gone.txt")).unwrap();
    put_as(&writer, "x.bin", "", FileState::Skipped { reason: "binary file".into() });
    encode_pending(&writer);
    writer.commit().unwrap();
    writer.maintain(&|| false).unwrap();
    writer.close().unwrap();
}

/// What a person is answered: the hits of every search, the best first and then by name (scores
/// shift a little with every repair), and whether each has its passage.
type Answers = Vec<Vec<(String, bool)>>;

/// The answers of a reader, and everything it said about them that was not as it should be.
fn ask(reader: &Reader) -> (Answers, Vec<String>) {
    let mut answers = Vec::new();
    let mut said = Vec::new();
    let _ = reader.warm(ENCODER);
    for text in ["grow", "stale", "bananas grow", "\"on trees\"", "path:d grow"] {
        let query = query(text);
        let vector = vector(&query.text_for_meaning);
        for mode in [Mode::Keyword, Mode::Hybrid, Mode::Semantic] {
            let request = crate::SearchRequest {
                vector: Some((ENCODER, &vector)),
                mode,
                ..crate::SearchRequest::new(&query)
            };
            match reader.search(&request) {
                Ok(results) => {
                    let hits = results.hits.iter();
                    let mut hits: Vec<_> =
                        hits.map(|hit| (name(&hit.path), hit.passage.is_some())).collect();
                    let first = usize::from(text.starts_with("bananas"));
                    hits.get_mut(first..).unwrap_or_default().sort();
                    answers.push(hits);
                    said.extend(results.warnings);
                    if results.encoded < 1.0 {
                        said.push(format!("{} are encoded", results.encoded));
                    }
                }
                Err(error) => {
                    answers.push(Vec::new());
                    said.push(error.to_string());
                }
            }
        }
    }
    for (name, text) in TEXTS {
        match reader.document(crate::DocumentRef::Path(&place(name))) {
            Ok(Some(document)) => {
                answers.push(vec![(document.text.clone(), document.text == text)]);
            }
            Ok(None) => answers.push(Vec::new()),
            Err(error) => {
                answers.push(Vec::new());
                said.push(error.to_string());
            }
        }
    }
    said.retain(|message| !message.is_empty());
    (answers, said)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}

fn all_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(all_files(&path)),
            false => files.push(path),
        }
    }
    files.sort();
    files
}

/// Everything a person would do with an index, over one that may be damaged. Nothing may panic,
/// and no answer may differ from `right` in silence. Afterwards, with the documents walked and
/// encoded again, all answers must be right.
fn use_and_repair(dir: &Path, right: &Answers, what: &str) {
    for finding in check(dir) {
        assert!(!finding.message.is_empty(), "{what}");
    }
    match Reader::open(dir) {
        Ok(reader) => {
            let (answers, said) = ask(&reader);
            assert!(&answers == right || !said.is_empty(), "{what}: silently {answers:#?}");
            let _ = reader.status();
        }
        Err(error) => assert!(
            matches!(
                error,
                IndexError::Damaged { .. }
                    | IndexError::Lexical { .. }
                    | IndexError::Io { .. }
                    | IndexError::Empty { .. }
                    | IndexError::NewerFormat { .. }
            ),
            "{what}: {error}"
        ),
    }
    let (writer, report) = match Writer::open(dir, with_graph()) {
        Ok(opened) => opened,
        // A number that says "newer" cannot be told from damage.
        Err(IndexError::NewerFormat { .. }) => return,
        Err(error) => panic!("{what}: {error}"),
    };
    // Between the repair and the next walk, too.
    match Reader::open(dir) {
        Ok(reader) => {
            let (answers, said) = ask(&reader);
            let silent = said.is_empty() && report.notes.is_empty();
            assert!(&answers == right || !silent, "{what}: silently {answers:#?}");
        }
        Err(error) => assert!(matches!(error, IndexError::Empty { .. }), "{what}: {error}"),
    }
    walk_again(&writer, what);
    writer.maintain(&|| false).unwrap_or_else(|error| panic!("{what}: {error}"));
    let reader = Reader::open(dir).unwrap_or_else(|error| panic!("{what}: {error}"));
    let (answers, said) = ask(&reader);
    assert_eq!(&answers, right, "{what}: {said:?}, {report}");
    assert!(said.is_empty(), "{what}: {said:?}");
    drop(reader);
    writer.close().unwrap();
    assert_in_order(dir);
}

/// The same on a thread of its own, which must come to an end.
fn in_time(dir: &Path, right: &Answers, what: String) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let (dir, right, told) = (dir.to_owned(), right.clone(), what.clone());
    let worker = std::thread::spawn(move || {
        use_and_repair(&dir, &right, &told);
        let _ = sender.send(());
    });
    match receiver.recv_timeout(std::time::Duration::from_secs(120)) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("{what}: it hangs"),
        _ => worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
    }
}

/// What a walk does with each file: nothing when it is unchanged, else it is read again.
fn walk_again(writer: &Writer, what: &str) {
    let known: Vec<_> = files(writer).into_keys().collect();
    for gone in known.iter().filter(|name| !TEXTS.iter().any(|(text, _)| text == name)) {
        writer.remove_file(&place(gone)).unwrap();
    }
    for (name, text) in TEXTS {
        let known = writer.file(&place(name)).unwrap();
        if known.is_none_or(|file| file.stat != stat(text)) {
            put(writer, name, text);
        }
    }
    writer.commit().unwrap_or_else(|error| panic!("{what}: {error}"));
    encode_pending(writer);
    writer.commit().unwrap();
}

/// Places in each file that are damaged, spread over it. With `LSEARCH_DAMAGE_PLACES=32` the tests
/// below take some minutes.
fn places() -> usize {
    std::env::var("LSEARCH_DAMAGE_PLACES").ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}

/// Damages every file of an index in turn, at `places` each; `damage` may decline.
fn each_file(places: usize, damage: impl Fn(&mut Vec<u8>, usize) -> bool, how: &str) {
    let original = tempfile::tempdir().unwrap();
    built(original.path());
    let (right, said) = ask(&Reader::open(original.path()).unwrap());
    assert!(said.is_empty(), "{said:?}");
    let mut random = Random(17);
    let mut count = 0;
    for file in all_files(original.path()) {
        let relative = file.strip_prefix(original.path()).unwrap().to_owned();
        let whole = fs::read(&file).unwrap();
        // The zeros that a store keeps in hand at the end of a file are one place, not most.
        let used = whole.iter().rposition(|&byte| byte != 0).map_or(whole.len(), |last| last + 1);
        for place in 0..places {
            let jitter = (random.next() % 1000) as usize;
            let at = used * (place * 1000 + jitter) / (places * 1000);
            let mut bytes = whole.clone();
            if !damage(&mut bytes, at) {
                continue;
            }
            let dir = tempfile::tempdir().unwrap();
            copy(original.path(), dir.path());
            fs::write(dir.path().join(&relative), &bytes).unwrap();
            in_time(dir.path(), &right, format!("{} {how} {at} of {used}", relative.display()));
            count += 1;
        }
    }
    println!("{count} times a file was {how}");
}

#[test]
fn any_file_cut_off_is_repaired() {
    each_file(
        places(),
        |bytes, at| {
            let before = bytes.len();
            bytes.truncate(at);
            bytes.len() < before
        },
        "cut off at",
    );
}

#[test]
fn any_file_emptied_is_repaired() {
    each_file(1, |bytes, _| !std::mem::take(bytes).is_empty(), "emptied, not at");
}

#[test]
fn any_file_with_a_flipped_bit_is_repaired() {
    let bit = std::cell::Cell::new(0);
    each_file(
        places(),
        |bytes, at| {
            bit.set((bit.get() + 3) % 8);
            match bytes.get_mut(at) {
                Some(byte) => *byte ^= 1 << bit.get(),
                None => return false,
            }
            true
        },
        "changed by a bit at",
    );
}

#[test]
fn any_file_missing_is_repaired() {
    let original = tempfile::tempdir().unwrap();
    built(original.path());
    let (right, _) = ask(&Reader::open(original.path()).unwrap());
    for file in all_files(original.path()) {
        let relative = file.strip_prefix(original.path()).unwrap().to_owned();
        let dir = tempfile::tempdir().unwrap();
        copy(original.path(), dir.path());
        fs::remove_file(dir.path().join(&relative)).unwrap();
        in_time(dir.path(), &right, format!("{} missing", relative.display()));
    }
}

#[test]
fn a_lost_catalog_costs_no_walk_and_no_encoding() {
    let dir = tempfile::tempdir().unwrap();
    built(dir.path());
    for part in ["catalog", "lexical"] {
        fs::remove_dir_all(dir.path().join(part)).unwrap();
        let (writer, report) = Writer::open(dir.path(), options()).unwrap();
        assert_eq!(files(&writer).len(), TEXTS.len(), "{part}: {report}");
        assert!(!report.notes.is_empty(), "{part}");
        assert!(writer.pending(ENCODER).unwrap().is_empty());
        assert_eq!(writer.file(&place("a.txt")).unwrap().unwrap().stat, stat(TEXTS[0].1));
        writer.close().unwrap();
        assert_in_order(dir.path());
    }
}

#[test]
fn losing_both_caches_costs_a_walk_but_no_extraction_and_no_encoding() {
    let dir = tempfile::tempdir().unwrap();
    built(dir.path());
    for part in ["catalog", "lexical"] {
        fs::remove_dir_all(dir.path().join(part)).unwrap();
    }
    let writer = open(dir.path());
    assert!(files(&writer).is_empty());
    for (name, text) in TEXTS {
        let content = writer.content_of(&extract_key(text)).unwrap().expect("still known");
        put_as(&writer, name, text, crate::FileState::Document { content });
    }
    writer.commit().unwrap();
    assert!(writer.pending(ENCODER).unwrap().is_empty());
}

#[test]
fn a_damaged_text_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    built(dir.path());
    let segment = all_files(&dir.path().join("texts"))[0].clone();
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 40].fill(0);
    fs::write(&segment, bytes).unwrap();
    let findings = check(dir.path());
    assert!(findings.iter().any(|f| f.path == segment), "{findings:#?}");
    let (writer, report) = Writer::open(dir.path(), options()).unwrap();
    assert!(report.to_extract > 0, "{report}");
    assert!(report.notes.iter().any(|note| note.contains("texts")), "{report}");
    let stale = TEXTS.iter().filter(|(name, _)| {
        writer.file(&place(name)).unwrap().unwrap().stat == crate::FileStat::default()
    });
    assert_eq!(stale.count(), report.to_extract);
    walk_again(&writer, "damaged text");
    assert!(writer.pending(ENCODER).unwrap().is_empty(), "no vector was lost");
    writer.close().unwrap();
    assert_in_order(dir.path());
}

#[test]
fn a_catalog_of_an_older_commit_brings_nothing_back() {
    let dir = tempfile::tempdir().unwrap();
    built(dir.path());
    let older = tempfile::tempdir().unwrap();
    let catalog = dir.path().join("catalog");
    copy(&catalog, older.path());
    let writer = open(dir.path());
    writer.remove_file(&place("a.txt")).unwrap();
    let (from, to) = (place("b.txt"), place("moved.txt"));
    writer.rename_file(&from, &to, Path::new(ROOT), &stat(TEXTS[1].1)).unwrap();
    put(&writer, "c.txt", "chestnuts grow\n");
    put(&writer, "new.txt", "nuts grow\n");
    writer.close().unwrap();

    // As when the store loses its newest pages.
    fs::remove_dir_all(&catalog).unwrap();
    copy(older.path(), &catalog);
    let (writer, report) = Writer::open(dir.path(), with_graph()).unwrap();
    assert!(report.notes.iter().any(|note| note.contains("catalog")), "{report}");
    let now = ["c.txt", "d/e.txt", "f.txt", "moved.txt", "new.txt"];
    let documents = files(&writer).into_iter().filter_map(|(name, state)| match state {
        FileState::Document { .. } => Some(name),
        _ => None,
    });
    assert_eq!(documents.collect::<Vec<_>>(), now, "{report}");
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(names(&search(&reader, "grow", Mode::Keyword)).len(), now.len(), "{report}");
    assert_eq!(found(&reader, "grow"), now.map(str::to_owned).into());
    assert!(found(&reader, "apples cherries").is_empty(), "{report}");
    writer.close().unwrap();
    assert_in_order(dir.path());
}

#[test]
fn rows_lost_in_silence_are_restored() {
    let dir = tempfile::tempdir().unwrap();
    built(dir.path());
    let writer = open(dir.path());
    let before = writer.file(&place("b.txt")).unwrap().unwrap();
    writer.close().unwrap();
    let opened = Catalog::open(&Layout::new(dir.path())).unwrap();
    let lost = [(path_bytes(&place("b.txt")).to_vec(), None)].into();
    opened.catalog.apply(&lost, &opened.meta.unwrap()).unwrap();
    opened.catalog.sync().unwrap();
    drop(opened);

    let (writer, report) = Writer::open(dir.path(), options()).unwrap();
    assert!(!report.unclean && report.notes.len() == 1, "{report}");
    assert_eq!(writer.file(&place("b.txt")).unwrap(), Some(before), "its number, too");
    walk_again(&writer, "lost rows");
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(names(&search(&reader, "grow", Mode::Keyword)).len(), TEXTS.len());
    writer.close().unwrap();
    assert_in_order(dir.path());
}

#[test]
fn what_cannot_be_read_is_said_with_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    built(dir.path());
    for part in ["texts", "vectors"] {
        let folder = dir.path().join(part);
        let aside = dir.path().join("aside");
        fs::rename(&folder, &aside).unwrap();
        fs::create_dir(&folder).unwrap();
        let (_, said) = ask(&Reader::open(dir.path()).unwrap());
        assert!(!said.is_empty(), "{part} missing");
        fs::remove_dir(&folder).unwrap();
        fs::rename(&aside, &folder).unwrap();
        // The head of a record in the middle.
        let segment = all_files(&folder)[0].clone();
        let whole = fs::read(&segment).unwrap();
        let mut bytes = whole.clone();
        bytes[16 + 5] ^= 1;
        fs::write(&segment, &bytes).unwrap();
        let (_, said) = ask(&Reader::open(dir.path()).unwrap());
        assert!(said.iter().any(|message| message.contains(".seg")), "{part}: {said:?}");
        fs::write(&segment, &whole).unwrap();
    }
}
