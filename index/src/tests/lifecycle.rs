//! What comes in is found, what goes out is gone, and nothing is done twice.

use std::path::Path;

use super::support::*;
use crate::{DocumentRef, FileStat, FileState, IndexError, Mode, Reader, SectionRecord, Writer};

#[test]
fn a_document_is_found_by_word_then_by_meaning() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Reader::open(dir.path()), Err(IndexError::Empty { .. })));
    let (writer, report) = Writer::open(dir.path(), options()).unwrap();
    assert!(report.notes.is_empty() && !report.unclean, "{report}");
    assert!(matches!(Reader::open(dir.path()), Err(IndexError::Empty { .. })));
    put(&writer, "sea.txt", "the old man\nand the sea\n");
    put(&writer, "whale.txt", "call me ishmael\n");
    assert_eq!(writer.commit().unwrap(), 1);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(found(&reader, "ishmael"), ["whale.txt".to_owned()].into());
    let status = reader.status().unwrap();
    assert_eq!((status.documents.keyword, status.documents.semantic), (2, 0));
    assert!(status.writer_alive);

    assert_eq!(encode_pending(&writer), 2);
    assert_eq!(encode_pending(&writer), 0);
    writer.commit().unwrap();
    assert!(reader.refresh().unwrap());
    let results = search(&reader, "call me ishmael", Mode::Semantic);
    assert_eq!(names(&results)[0], "whale.txt");
    assert_eq!(results.encoded, 1.0);
    let hit = &results.hits[0];
    assert!(hit.scores.keyword.is_none());
    assert!(hit.scores.document.unwrap() > 0.99 && hit.scores.passage.unwrap() > 0.99);
    assert_eq!(reader.status().unwrap().documents.semantic, 2);
    assert!(!reader.refresh().unwrap(), "nothing new");
    writer.close().unwrap();
    assert_in_order(dir.path());
}

#[test]
fn commits_without_changes_do_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    put(&writer, "a.txt", "one\n");
    let first = writer.commit().unwrap();
    put(&writer, "a.txt", "one\n");
    assert_eq!(writer.commit().unwrap(), first);
    writer.close().unwrap();
    let writer = open(dir.path());
    assert_eq!(writer.commit().unwrap(), first);
}

#[test]
fn a_changed_file_is_found_by_its_new_text_alone_and_keeps_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    put(&writer, "a.txt", "apples\n");
    put(&writer, "b.txt", "bananas\n");
    writer.commit().unwrap();
    let id = writer.file(&place("a.txt")).unwrap().unwrap().document_id;
    put(&writer, "a.txt", "cherries\n");
    writer.commit().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    assert!(found(&reader, "apples").is_empty());
    assert_eq!(found(&reader, "cherries"), ["a.txt".to_owned()].into());
    assert_eq!(writer.file(&place("a.txt")).unwrap().unwrap().document_id, id);
    let document = reader.document(DocumentRef::Id(id)).unwrap().unwrap();
    assert_eq!(document.text, "cherries\n");
    assert_eq!(document.title, "a");
    let by_path = reader.document(DocumentRef::Path(&place("a.txt"))).unwrap().unwrap();
    assert_eq!(by_path, document);
    assert!(reader.document(DocumentRef::Id(999)).unwrap().is_none());
}

#[test]
fn a_touched_file_is_found_under_its_new_date() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    let content = put(&writer, "a.txt", "apples\n");
    encode_pending(&writer);
    writer.commit().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    assert!(found(&reader, "apples after:2023").is_empty());
    let document = FileState::Document { content };
    let record = |stat: &FileStat, root: &str| {
        let path = place("a.txt");
        writer.put_file(&path, Path::new(root), stat, None, document.clone()).unwrap();
        writer.commit().unwrap();
        reader.refresh().unwrap()
    };
    let touched = FileStat { modified_ns: 1_700_000_000_000_000_000, ..stat("apples\n") };
    record(&touched, ROOT);
    assert_eq!(found(&reader, "apples after:2023"), ["a.txt".to_owned()].into());
    assert!(found(&reader, "apples before:2023").is_empty());
    assert_eq!(
        search(&reader, "apples", Mode::Hybrid).hits[0].modified_ns,
        1_700_000_000_000_000_000
    );
    assert_eq!(encode_pending(&writer), 0);
    // A folder above took the file's own in.
    assert!(record(&touched, "/"));
    let stored = reader.document(DocumentRef::Path(&place("a.txt"))).unwrap().unwrap();
    assert_eq!(stored.root, Path::new("/"));
    // What no search shows needs no new document.
    assert!(!record(&FileStat { inode: 9, ..touched }, "/"));
    writer.close().unwrap();
    assert_in_order(dir.path());
}

#[test]
fn equal_files_share_text_and_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    let key = put(&writer, "a.txt", "same words\n");
    assert_eq!(writer.content_of(&extract_key("same words\n")).unwrap(), Some(key));
    put(&writer, "copy/b.txt", "same words\n");
    assert_eq!(encode_pending(&writer), 1);
    writer.commit().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    let results = search(&reader, "words", Mode::Hybrid);
    assert_eq!((results.total, results.hits.len()), (1, 1));
    assert_eq!(results.hits[0].also_at.len(), 1);
    assert_eq!(results.encoded, 1.0);

    // Removing one leaves the other; removing both and coming back costs nothing.
    writer.remove_file(&place("a.txt")).unwrap();
    writer.commit().unwrap();
    reader.refresh().unwrap();
    assert_eq!(found(&reader, "words"), ["copy/b.txt".to_owned()].into());
    assert_eq!(writer.remove_under(Path::new(ROOT)).unwrap(), 1);
    writer.commit().unwrap();
    reader.refresh().unwrap();
    assert!(found(&reader, "words").is_empty());
    put(&writer, "c.txt", "same words\n");
    assert_eq!(encode_pending(&writer), 0);
}

#[test]
fn a_renamed_file_keeps_its_number_and_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    put(&writer, "old.txt", "unchanged\n");
    put(&writer, "target.txt", "overwritten\n");
    encode_pending(&writer);
    writer.commit().unwrap();
    let id = writer.file(&place("old.txt")).unwrap().unwrap().document_id;
    let moved = |from: &str, to: &str| {
        let stat = stat("unchanged\n");
        writer.rename_file(&place(from), &place(to), Path::new(ROOT), &stat).unwrap()
    };
    assert!(moved("old.txt", "target.txt"));
    assert!(!moved("old.txt", "elsewhere.txt"));
    assert!(moved("target.txt", "target.txt"));
    writer.commit().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(found(&reader, "unchanged"), ["target.txt".to_owned()].into());
    assert!(found(&reader, "overwritten").is_empty());
    assert_eq!(writer.file(&place("target.txt")).unwrap().unwrap().document_id, id);
    assert!(writer.pending(ENCODER).unwrap().is_empty());
    writer.close().unwrap();
    assert_in_order(dir.path());
}

#[test]
fn files_under_a_folder_are_not_those_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    for name in ["a/1.txt", "a/b/2.txt", "ab/3.txt", "a.txt"] {
        put(&writer, name, name);
    }
    writer.commit().unwrap();
    put(&writer, "a/4.txt", "new");
    writer.remove_file(&place("a/1.txt")).unwrap();
    let mut under: Vec<_> = writer
        .files_under(&place("a"))
        .unwrap()
        .map(|record| name(&record.unwrap().path))
        .collect();
    under.sort();
    assert_eq!(under, ["a/4.txt", "a/b/2.txt"]);
    assert_eq!(writer.files_under(&place("a.txt")).unwrap().count(), 1);
    assert_eq!(writer.files_under(Path::new("/")).unwrap().count(), 4);
    assert_eq!(writer.remove_under(&place("a")).unwrap(), 2);
    assert_eq!(files(&writer).into_keys().collect::<Vec<_>>(), ["a.txt", "ab/3.txt"]);
}

#[test]
fn failures_and_skips_are_counted_and_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    put_as(&writer, "x.pdf", "x", FileState::Failed { reason: "broken".into() });
    put_as(&writer, "y.bin", "y", FileState::Skipped { reason: "binary file".into() });
    put(&writer, "z.txt", "z\n");
    writer.commit().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    let status = reader.status().unwrap();
    assert_eq!(
        (status.documents.seen, status.documents.failed, status.documents.skipped),
        (3, 1, 1)
    );
    assert_eq!(status.failed, [(place("x.pdf"), "broken".to_owned())]);
    assert_eq!(status.skipped["binary file"], 1);
    assert_eq!((status.roots.len(), status.roots[0].documents), (1, 1));
    assert!(status.index_bytes.total() > 0);
    assert_eq!(writer.retry_failed().unwrap(), 1);
    assert_eq!(writer.file(&place("x.pdf")).unwrap().unwrap().stat, FileStat::default());
    // A document that turns out broken is no longer found.
    put_as(&writer, "z.txt", "zz", FileState::Failed { reason: "worse".into() });
    writer.commit().unwrap();
    reader.refresh().unwrap();
    assert!(found(&reader, "z").is_empty());
}

#[test]
fn encoding_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    let key = put(&writer, "a.txt", "one\ntwo\nthree\n");
    let section = |first: usize, last: bool, count: usize| {
        let mean = vector("mean");
        let passages = vec![vector("p"); count];
        let record = SectionRecord {
            first_passage: first,
            last,
            tokens: 4,
            mean: &mean,
            passages: &passages,
        };
        writer.put_section(ENCODER, &key, &record)
    };
    assert!(matches!(section(1, false, 1), Err(IndexError::Input { .. })), "a gap");
    assert!(matches!(section(0, true, 2), Err(IndexError::Input { .. })), "ends too early");
    section(0, false, 2).unwrap();
    writer.commit().unwrap();
    writer.close().unwrap();

    let writer = open(dir.path());
    let pending = writer.pending(ENCODER).unwrap();
    assert_eq!((pending[0].sections_done, pending[0].next_passage), (1, 2));
    assert_eq!(encode_pending(&writer), 1);
    assert!(writer.pending(ENCODER).unwrap().is_empty());
    assert_eq!(writer.pending("another").unwrap().len(), 1, "each encoder on its own");
    let stranger = crate::ContentKey([9; 32]);
    let (mean, passages) = (vector("m"), vec![]);
    let record =
        SectionRecord { first_passage: 0, last: true, tokens: 1, mean: &mean, passages: &passages };
    assert!(matches!(
        writer.put_section(ENCODER, &stranger, &record),
        Err(IndexError::UnknownContent { .. })
    ));
}

#[test]
fn a_second_writer_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    let refused = Writer::open(dir.path(), options()).unwrap_err();
    assert!(matches!(refused, IndexError::Locked { pid: Some(_), .. }), "{refused}");
    assert!(crate::is_being_written(dir.path()));
    drop(writer);
    assert!(!crate::is_being_written(dir.path()));
    Writer::open(dir.path(), options()).unwrap();
}

#[test]
fn a_newer_format_is_refused_by_all() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    std::fs::write(dir.path().join("VERSION"), "2\n").unwrap();
    assert!(matches!(
        Writer::open(dir.path(), options()),
        Err(IndexError::NewerFormat { found: 2, .. })
    ));
    assert!(matches!(Reader::open(dir.path()), Err(IndexError::NewerFormat { .. })));
}

#[test]
fn a_rebuild_changes_nothing_that_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    put(&writer, "a.txt", "apples\n");
    put(&writer, "b.txt", "bananas\n");
    encode_pending(&writer);
    writer.commit().unwrap();
    assert_eq!(writer.rebuild_caches().unwrap(), 2);
    assert!(writer.pending(ENCODER).unwrap().is_empty());
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(found(&reader, "apples"), ["a.txt".to_owned()].into());
    assert_eq!(names(&search(&reader, "bananas", Mode::Semantic))[0], "b.txt");
    writer.close().unwrap();
    assert_in_order(dir.path());
}

#[test]
fn space_of_removed_documents_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    // Text that does not compress.
    let noise = |n: u32| -> String {
        (0..4000)
            .map(|i| format!("{} ", blake3::hash(&(n * 7919 + i).to_le_bytes()).to_hex()))
            .collect()
    };
    for n in 0..12 {
        put(&writer, &format!("{n}.txt"), &noise(n));
    }
    put(&writer, "kept.txt", "kept words\n");
    encode_pending(&writer);
    writer.commit().unwrap();
    assert_eq!(writer.maintain(&|| false).unwrap().freed_bytes, 0);
    for n in 0..12 {
        writer.remove_file(&place(&format!("{n}.txt"))).unwrap();
    }
    let reader = Reader::open(dir.path()).unwrap();
    let freed = writer.maintain(&|| false).unwrap().freed_bytes;
    assert!(freed > 1 << 20, "{freed}");
    reader.refresh().unwrap();
    assert_eq!(names(&search(&reader, "kept words", Mode::Hybrid)), ["kept.txt"]);
    assert!(writer.pending(ENCODER).unwrap().is_empty());
    writer.close().unwrap();
    assert_in_order(dir.path());
    let writer = open(dir.path());
    assert!(writer.pending(ENCODER).unwrap().is_empty());
}

#[test]
fn a_document_is_found_by_who_wrote_it() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    let text = "the tides of the estuary\n";
    let passages = passages(text);
    for (name, author) in [("a", Some("Ada Marsh; Ben Dune")), ("b", None)] {
        let content = crate::Content {
            title: "",
            kind: "text",
            format: name,
            language: None,
            author,
            dated: author.map(|_| "2024-03"),
            text,
            headings: &[],
            passages: &passages,
            pages: &[],
            warnings: &[],
        };
        let mut key = extract_key(text);
        key.kind = format!("text/{name}");
        let content = writer.put_content(&key, &content).unwrap();
        put_as(&writer, name, text, FileState::Document { content });
    }
    writer.commit().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(found(&reader, "tides").len(), 2);
    assert_eq!(found(&reader, "tides author:dune"), ["a".to_owned()].into());
    assert_eq!(found(&reader, "tides author:\"ada marsh\""), ["a".to_owned()].into());
    assert_eq!(found(&reader, "tides -author:dune"), ["b".to_owned()].into());
    assert!(found(&reader, "tides author:estuary").is_empty());
    let document = reader.document(DocumentRef::Path(&place("a"))).unwrap().unwrap();
    assert_eq!(document.author.as_deref(), Some("Ada Marsh; Ben Dune"));
    assert_eq!(document.dated.as_deref(), Some("2024-03"));
}

#[test]
fn ranges_outside_the_text_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    let span = |start, end| crate::PassageSpan { start, end, page: None, line: 1, heading: None };
    for passages in [vec![span(0, 9)], vec![span(2, 3)], vec![span(0, 3), span(1, 4)]] {
        let content = crate::Content {
            title: "",
            kind: "text",
            format: "txt",
            language: None,
            author: None,
            dated: None,
            text: "aéb",
            headings: &[],
            passages: &passages,
            pages: &[],
            warnings: &[],
        };
        let refused = writer.put_content(&extract_key("x"), &content);
        assert!(matches!(refused, Err(IndexError::Input { .. })), "{passages:?}");
    }
    let state = FileState::Document { content: crate::ContentKey([1; 32]) };
    let refused = writer.put_file(&place("x"), Path::new(ROOT), &stat("x"), None, state);
    assert!(matches!(refused, Err(IndexError::UnknownContent { .. })));
    assert!(writer.file(&place("x")).unwrap().is_none());
}
