//! Stops between any two steps lose nothing that was acknowledged.

use super::support::*;
use crate::{IndexError, Mode, Reader, Writer, faults};

/// Every place between two durable writes of a commit.
const STEPS: [&str; 7] = [
    "commit begun",
    "texts synced",
    "vectors synced",
    "catalog applied",
    "catalog synced",
    "lexical prepared",
    "lexical committed",
];

#[test]
fn a_stop_at_any_step_of_a_commit_loses_nothing_acknowledged() {
    for step in STEPS {
        let dir = tempfile::tempdir().unwrap();
        let writer = open(dir.path());
        put(&writer, "kept.txt", "kept words\n");
        put(&writer, "gone.txt", "gone words\n");
        put(&writer, "changed.txt", "before words\n");
        encode_pending(&writer);
        writer.commit().unwrap();
        // The second commit adds, changes and removes, and is stopped.
        put(&writer, "new.txt", "new words\n");
        put(&writer, "changed.txt", "after words\n");
        writer.remove_file(&place("gone.txt")).unwrap();
        faults::fail_next(step);
        assert!(writer.commit().is_err(), "{step}");
        let refused = writer.remove_file(&place("kept.txt")).unwrap_err();
        assert!(matches!(refused, IndexError::Reopen { .. }), "{step}: {refused}");
        writer.crash();

        let (writer, report) = Writer::open(dir.path(), options()).unwrap();
        assert!(report.unclean, "{step}");
        let now: Vec<_> = files(&writer).into_keys().collect();
        let before = ["changed.txt", "gone.txt", "kept.txt"];
        let after = ["changed.txt", "kept.txt", "new.txt"];
        assert!(now == before || now == after, "{step}: {now:?}");
        let reader = Reader::open(dir.path()).unwrap();
        assert_eq!(found(&reader, "words"), now.iter().cloned().collect(), "{step}: {report}");
        let word = if now == before { "before" } else { "after" };
        assert_eq!(found(&reader, word), ["changed.txt".to_owned()].into(), "{step}");
        let results = search(&reader, "kept words", Mode::Semantic);
        assert_eq!(names(&results)[0], "kept.txt", "{step}: vectors stayed");
        // What was under way can be done again, and the next start finds nothing to repair.
        put(&writer, "new.txt", "new words\n");
        writer.commit().unwrap();
        writer.close().unwrap();
        assert_in_order(dir.path());
        let (_, report) = Writer::open(dir.path(), options()).unwrap();
        assert!(report.notes.is_empty() && !report.unclean, "{step}: {report}");
        faults::clear();
    }
}

#[test]
fn a_killed_writer_leaves_its_last_commit() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    put(&writer, "a.txt", "apples\n");
    writer.commit().unwrap();
    put(&writer, "b.txt", "bananas\n");
    writer.crash();
    let (writer, report) = Writer::open(dir.path(), options()).unwrap();
    assert!(report.unclean);
    assert_eq!(files(&writer).into_keys().collect::<Vec<_>>(), ["a.txt"]);
    // The text was stored before the kill: it need not be extracted again.
    assert!(writer.content_of(&extract_key("bananas\n")).unwrap().is_some());
}

#[test]
fn a_full_disk_is_an_error_with_a_path_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    put(&writer, "a.txt", "apples\n");
    writer.commit().unwrap();
    faults::fail_next("segment write");
    let text = "bananas\n";
    let passages = passages(text);
    let content = crate::Content {
        title: "",
        kind: "text",
        format: "txt",
        language: None,
        author: None,
        dated: None,
        text,
        headings: &[],
        passages: &passages,
        pages: &[],
        warnings: &[],
    };
    let error = writer.put_content(&extract_key(text), &content).unwrap_err();
    assert!(error.to_string().contains("texts"), "{error}");
    // The writer goes on when there is room again.
    put(&writer, "b.txt", text);
    writer.commit().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(found(&reader, "apples bananas").len(), 2);
}

#[test]
fn a_stop_while_files_are_replaced_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    let noise = |n: u32| -> String {
        (0..60_000u32)
            .map(|i| format!("{:x} ", (n * 60_000 + i).wrapping_mul(2_654_435_761)))
            .collect()
    };
    for n in 0..12 {
        put(&writer, &format!("{n}.txt"), &noise(n));
    }
    put(&writer, "kept.txt", "kept words\n");
    encode_pending(&writer);
    writer.commit().unwrap();
    for n in 0..12 {
        writer.remove_file(&place(&format!("{n}.txt"))).unwrap();
    }
    faults::fail_next("segments copied");
    assert!(writer.maintain(&|| false).is_err());
    writer.crash();
    let writer = open(dir.path());
    assert!(writer.pending(ENCODER).unwrap().is_empty());
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(names(&search(&reader, "kept words", Mode::Hybrid)), ["kept.txt"]);
    assert!(writer.maintain(&|| false).unwrap().freed_bytes > 0);
    writer.close().unwrap();
    assert_in_order(dir.path());
}
