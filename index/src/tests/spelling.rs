//! Words that stand for many, and words that are misspelt.

use super::support::*;
use crate::{Mode, Reader};

fn reader_of(dir: &std::path::Path, documents: &[(&str, &str)]) -> Reader {
    let writer = open(dir);
    for (name, text) in documents {
        put(&writer, name, text);
    }
    encode_pending(&writer);
    writer.commit().unwrap();
    Reader::open(dir).unwrap()
}

fn found(reader: &Reader, text: &str) -> Vec<String> {
    let mut names = names(&search(reader, text, Mode::Keyword));
    names.sort();
    names
}

fn library(dir: &std::path::Path) -> Reader {
    reader_of(
        dir,
        &[
            ("end.txt", "The termination of the lease.\nGarden rules.\n"),
            ("bus.txt", "The terminal of the coaches.\n"),
            ("colour.txt", "The colour of organisation, fn parse_http_request\n"),
            ("leaseholder.txt", "A grosse Stadt, GRÖSSE, and terminator stories.\n"),
        ],
    )
}

#[test]
fn patterns_are_matched_letter_by_letter() {
    let dir = tempfile::tempdir().unwrap();
    let reader = library(dir.path());
    for (query, files) in [
        // Both words have the stem "termin".
        ("termina*", &["bus.txt", "end.txt", "leaseholder.txt"][..]),
        ("terminati*", &["end.txt"]),
        ("terminat*n", &["end.txt"]),
        ("TERMINAL*", &["bus.txt"]),
        ("*minal", &["bus.txt"]),
        ("*inat*", &["end.txt", "leaseholder.txt"]),
        ("colo*r", &["colour.txt"]),
        ("organi?ation", &["colour.txt"]),
        ("parse_*", &["colour.txt"]),
        ("größ*", &["leaseholder.txt"]),
        // The name of a file counts, and with a field it is all that counts.
        ("lease*", &["end.txt", "leaseholder.txt"]),
        ("title:lease*", &["leaseholder.txt"]),
        ("the -termin*", &["colour.txt"]),
        ("stories \"the lease\" terminal*", &["end.txt"]),
    ] {
        assert_eq!(found(&reader, query), files, "{query}");
    }
    for mode in [Mode::Keyword, Mode::Hybrid, Mode::Semantic] {
        let mut without = names(&search(&reader, "the -termin* -lease*", mode));
        without.sort();
        assert_eq!(without, ["colour.txt"], "{mode:?}");
        assert_eq!(names(&search(&reader, "title:bu* coaches", mode)), ["bus.txt"], "{mode:?}");
    }
}

#[test]
fn a_pattern_without_a_match_is_text() {
    let dir = tempfile::tempdir().unwrap();
    let reader = library(dir.path());
    let results = search(&reader, "termination*lease", Mode::Keyword);
    assert_eq!(names(&results)[0], "end.txt");
    assert!(results.warnings[0].contains("termination*lease"), "{:?}", results.warnings);
    assert!(found(&reader, "title:zzz* garden").is_empty(), "a field's word is required");
}

#[test]
fn what_a_pattern_found_is_marked_and_chooses_the_passage() {
    let dir = tempfile::tempdir().unwrap();
    let text = "terminal terminal terminal\nnothing here\nits terminations and Terminating\n";
    let reader = reader_of(dir.path(), &[("a.txt", text), ("b.txt", "other\n")]);
    let results = search(&reader, "terminati*", Mode::Keyword);
    let passage = results.hits[0].passage.as_ref().unwrap();
    assert_eq!(passage.line, 3);
    let marked: Vec<&str> =
        passage.highlights.iter().map(|range| &passage.snippet[range.clone()]).collect();
    assert_eq!(marked, ["terminations", "Terminating"]);
}

#[test]
fn a_pattern_of_very_many_words_finds_them_all_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let texts: Vec<(String, String)> =
        (0..200).map(|n| (format!("{n}.txt"), format!("word{n:03}x and more\n"))).collect();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let reader = reader_of(dir.path(), &texts);
    let results = search(&reader, "word*", Mode::Keyword);
    assert_eq!(results.total, 200);
    assert!(results.warnings[0].contains("200 words"), "{:?}", results.warnings);
    assert!(search(&reader, "word01*", Mode::Keyword).warnings.is_empty());
}

#[test]
fn a_tilde_finds_words_with_typing_errors() {
    let dir = tempfile::tempdir().unwrap();
    let reader = reader_of(
        dir.path(),
        &[("right.txt", "the tenant\n"), ("wrong.txt", "the tennant\n"), ("far.txt", "the tent\n")],
    );
    assert_eq!(found(&reader, "tenant~"), ["right.txt", "wrong.txt"]);
    assert_eq!(found(&reader, "tenatn~"), ["right.txt"]);
    assert_eq!(found(&reader, "tenant~2"), ["far.txt", "right.txt", "wrong.txt"]);
    assert_eq!(found(&reader, "tenant"), ["right.txt"]);
}

/// What a query is corrected to, and what is said of it.
fn corrected(reader: &Reader, text: &str) -> (String, Vec<(String, String, bool)>) {
    let mut query = query(text);
    let corrections = reader.correct(&mut query).unwrap();
    let told = corrections.into_iter().map(|c| (c.written, c.meant, c.searched)).collect();
    (query.to_string(), told)
}

#[test]
fn words_that_no_document_has_are_corrected() {
    let dir = tempfile::tempdir().unwrap();
    let reader = library(dir.path());
    for (text, expected) in [
        ("terminaton of lease", "termination of lease"),
        ("laese", "lease"),
        ("Colour organizaton", "Colour organisation"),
        ("title:leasholder", "title:leaseholder"),
    ] {
        assert_eq!(corrected(&reader, text).0, expected, "{text}");
    }
    let (_, told) = corrected(&reader, "terminaton lease");
    assert_eq!(told, [("terminaton".to_owned(), "termination".to_owned(), true)]);
    for text in [
        // Known, by its stem.
        "terminating leases",
        "\"terminaton\"",
        "garden -terminaton",
        "terminaton42",
        "xylophone",
        // Another language than the documents'.
        "kolour gardien leasse zzz",
    ] {
        let (query, told) = corrected(&reader, text);
        assert_eq!((query.as_str(), told.len()), (text, 0), "{text}");
    }
    // The encoder reads both.
    let mut query = query("lease terminaton, garden");
    reader.correct(&mut query).unwrap();
    assert_eq!(query.text_for_meaning, "lease terminaton termination, garden");
}

#[test]
fn a_rare_word_is_only_doubted() {
    let dir = tempfile::tempdir().unwrap();
    let mut texts: Vec<(String, String)> =
        (0..120).map(|n| (format!("{n}.txt"), format!("the contract number {n}\n"))).collect();
    texts.push(("typo.txt".into(), "the contact person\n".into()));
    let texts: Vec<(&str, &str)> = texts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let reader = reader_of(dir.path(), &texts);
    let told = |text| corrected(&reader, text);
    let doubted = vec![("contact".to_owned(), "contract".to_owned(), false)];
    assert_eq!(told("contact person"), ("contact person".to_owned(), doubted));
    assert_eq!(told("Contact person").1.len(), 0, "perhaps a name");
    assert_eq!(told("contract").1.len(), 0);
}

#[test]
fn types_are_those_of_documents() {
    let dir = tempfile::tempdir().unwrap();
    let reader = reader_of(dir.path(), &[("a.TXT", "x\n"), ("b.notes", "y\n"), ("c", "z\n")]);
    let types: Vec<String> = reader.types().unwrap().into_iter().collect();
    assert_eq!(types, ["notes", "text", "txt"]);
}
