//! Damaged files: an error that names the file, or repair; never a panic and never silence about
//! what was lost.

use std::fs;
use std::path::{Path, PathBuf};

use super::support::*;
use crate::{IndexError, Mode, Reader, Writer, check};

const TEXTS: [(&str, &str); 4] = [
    ("a.txt", "apples grow\non trees\n"),
    ("b.txt", "bananas grow\nin bunches\n"),
    ("c.txt", "cherries grow\nin pairs\n"),
    ("d/e.txt", "dates grow\non palms\n"),
];

fn built(dir: &Path) {
    let writer = open(dir);
    for (name, text) in TEXTS {
        put(&writer, name, text);
    }
    encode_pending(&writer);
    writer.commit().unwrap();
    writer.close().unwrap();
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

/// Everything a person would do with an index, over one that may be damaged: nothing may panic.
/// Afterwards, with the documents walked and encoded again, all must be found.
fn use_and_repair(dir: &Path, what: &str) {
    for finding in check(dir) {
        assert!(!finding.message.is_empty(), "{what}");
    }
    match Reader::open(dir) {
        Ok(reader) => {
            let query = query("grow");
            let vector = vector("grow");
            for mode in [Mode::Keyword, Mode::Hybrid, Mode::Semantic] {
                let request = crate::SearchRequest {
                    vector: Some((ENCODER, &vector)),
                    mode,
                    ..crate::SearchRequest::new(&query)
                };
                if let Err(error) = reader.search(&request) {
                    assert!(!error.to_string().is_empty(), "{what}");
                }
            }
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
    let writer = match Writer::open(dir, options()) {
        Ok((writer, _)) => writer,
        // A number that says "newer" cannot be told from damage.
        Err(IndexError::NewerFormat { .. }) => return,
        Err(error) => panic!("{what}: {error}"),
    };
    walk_again(&writer, what);
    let reader = Reader::open(dir).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(found(&reader, "grow").len(), TEXTS.len(), "{what}");
    let results = search(&reader, "bananas grow", Mode::Semantic);
    assert_eq!(names(&results)[0], "b.txt", "{what}");
    assert_eq!(results.encoded, 1.0, "{what}");
    assert!(results.hits.iter().all(|hit| hit.passage.is_some()), "{what}");
    writer.close().unwrap();
    assert_in_order(dir);
}

/// What a walk does with each file: nothing when it is unchanged, else it is read again.
fn walk_again(writer: &Writer, what: &str) {
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

/// Damages every file of an index in turn.
fn each_file(damage: impl Fn(&mut Vec<u8>) -> bool, how: &str) {
    let original = tempfile::tempdir().unwrap();
    built(original.path());
    for file in all_files(original.path()) {
        let relative = file.strip_prefix(original.path()).unwrap().to_owned();
        let mut bytes = fs::read(&file).unwrap();
        if !damage(&mut bytes) {
            continue;
        }
        let dir = tempfile::tempdir().unwrap();
        copy(original.path(), dir.path());
        fs::write(dir.path().join(&relative), &bytes).unwrap();
        use_and_repair(dir.path(), &format!("{} {how}", relative.display()));
    }
}

#[test]
fn any_file_cut_in_half_is_repaired() {
    each_file(
        |bytes| {
            let length = bytes.len();
            bytes.truncate(length / 2);
            length > 0
        },
        "cut in half",
    );
}

#[test]
fn any_file_emptied_is_repaired() {
    each_file(|bytes| !std::mem::take(bytes).is_empty(), "emptied");
}

#[test]
fn any_file_with_a_flipped_bit_is_repaired() {
    for share in [0.1, 0.5, 0.93] {
        each_file(
            |bytes| {
                let at = (bytes.len() as f64 * share) as usize;
                match bytes.get_mut(at) {
                    Some(byte) => *byte ^= 0x10,
                    None => return false,
                }
                true
            },
            &format!("with a bit flipped at {share}"),
        );
    }
}

#[test]
fn any_file_missing_is_repaired() {
    let original = tempfile::tempdir().unwrap();
    built(original.path());
    for file in all_files(original.path()) {
        let relative = file.strip_prefix(original.path()).unwrap().to_owned();
        let dir = tempfile::tempdir().unwrap();
        copy(original.path(), dir.path());
        fs::remove_file(dir.path().join(&relative)).unwrap();
        use_and_repair(dir.path(), &format!("{} missing", relative.display()));
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
