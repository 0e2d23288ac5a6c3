//! What is asked for is found, in the right order, at the right place.

use std::path::Path;

use super::support::*;
use crate::query::Query;
use crate::{
    FileStat, FileState, Hit, IndexError, Mode, Reader, SearchRequest, Writer, WriterOptions,
};

fn reader_of(dir: &Path, documents: &[(&str, &str)]) -> Reader {
    let writer = open(dir);
    for (name, text) in documents {
        put(&writer, name, text);
    }
    encode_pending(&writer);
    writer.commit().unwrap();
    Reader::open(dir).unwrap()
}

fn keyword(reader: &Reader, text: &str) -> Vec<String> {
    names(&search(reader, text, Mode::Keyword))
}

#[test]
fn words_are_found_in_any_form() {
    let dir = tempfile::tempdir().unwrap();
    let reader = reader_of(
        dir.path(),
        &[
            ("prose.txt", "The contracts were terminated.\n"),
            ("code.rs", "fn parse_http_request(rawBytes: &[u8]) {}\n"),
            ("accents.txt", "Größe und Café\n"),
            ("cjk.txt", "全文検索エンジンの設計\n"),
        ],
    );
    for (query, file) in [
        ("contract termination", "prose.txt"),
        ("parse_http_request", "code.rs"),
        ("http", "code.rs"),
        ("parseHttpRequest", "code.rs"),
        ("raw bytes", "code.rs"),
        ("cafe", "accents.txt"),
        ("große", "accents.txt"),
        ("検索", "cjk.txt"),
        ("検索エンジン", "cjk.txt"),
        ("計", "cjk.txt"),
        ("accents", "accents.txt"),
    ] {
        assert_eq!(keyword(&reader, query).first().map(String::as_str), Some(file), "{query}");
    }
    assert!(keyword(&reader, "索検").is_empty());
}

#[test]
fn words_of_a_query_are_marked_in_any_form() {
    let dir = tempfile::tempdir().unwrap();
    let reader = reader_of(dir.path(), &[("a.txt", "The tenant gives notice.\n")]);
    let marked = |query: &str, text: &'static str| -> Vec<&str> {
        let query = Query::parse(query, 0).unwrap();
        let highlights = reader.highlights(&query, text).unwrap();
        highlights.into_iter().map(|range| &text[range]).collect()
    };
    let text = "Tenants gave\nno notice,\nNOTICES were given.";
    assert_eq!(marked("tenant notice", text), ["Tenants", "notice", "NOTICES"]);
    assert_eq!(marked("検索", "全文検索エンジン"), ["検索"]);
    assert!(marked("tenant -notice", "notice").is_empty());
    assert!(marked("tenant", "").is_empty());
}

#[test]
fn words_that_stand_together_in_the_query_count_more_where_they_do_so() {
    let dir = tempfile::tempdir().unwrap();
    let reader = reader_of(
        dir.path(),
        &[
            ("apart.txt", "A period is a dot. Whoever was asked to move out gave notice.\n"),
            ("turned.txt", "A period of notice was given. Whoever was asked to move out is.\n"),
            ("together.txt", "A notice period was given. Whoever was asked to move out is.\n"),
            ("between.txt", "Give notice of period rooms. Whoever was asked to move out is.\n"),
        ],
    );
    let found = keyword(&reader, "notice period");
    assert_eq!(found.len(), 4);
    let mut first = found[..2].to_vec();
    first.sort_unstable();
    assert_eq!(first, ["between.txt", "together.txt"]);
    let found = keyword(&reader, "periods of notice");
    assert_eq!(found[0], "turned.txt");
}

#[test]
fn words_that_say_little_count_in_capitals_or_alone() {
    let dir = tempfile::tempdir().unwrap();
    let reader = reader_of(
        dir.path(),
        &[
            ("health.txt", "Guidelines that the WHO gave.\n"),
            ("garden.txt", "Guidelines and more guidelines for gardens.\n"),
        ],
    );
    assert_eq!(keyword(&reader, "WHO guidelines")[0], "health.txt");
    assert_eq!(keyword(&reader, "who guidelines")[0], "garden.txt");
    assert_eq!(keyword(&reader, "WHO GUIDELINES")[0], "garden.txt");
    assert_eq!(keyword(&reader, "who"), ["health.txt"]);
}

#[test]
fn phrases_and_exclusions_hold_for_every_mode() {
    let dir = tempfile::tempdir().unwrap();
    let reader = reader_of(
        dir.path(),
        &[
            ("1.txt", "to be or not to be\n"),
            ("2.txt", "be not to or to be\n"),
            ("3.txt", "something else to be\n"),
        ],
    );
    for mode in [Mode::Keyword, Mode::Hybrid, Mode::Semantic] {
        assert_eq!(names(&search(&reader, "\"to be or not\"", mode)), ["1.txt"], "{mode:?}");
        let mut without = names(&search(&reader, "be -not", mode));
        without.sort();
        assert_eq!(without, ["3.txt"], "{mode:?}");
        assert_eq!(names(&search(&reader, "be title:3", mode)), ["3.txt"], "{mode:?}");
    }
    assert_eq!(keyword(&reader, "to be").len(), 3, "stop words alone are looked for");
}

#[test]
fn filters_let_through_what_they_say() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    let add = |name: &str, kind: &str, format: &str, modified_sec: i64| {
        let text = format!("shared word {name}\n");
        let content = put_formatted(&writer, "", &text, &[], kind, format);
        let stat = FileStat { modified_ns: modified_sec * 1_000_000_000, ..stat(&text) };
        let state = FileState::Document { content };
        writer.put_file(&place(name), Path::new(ROOT), &stat, None, state).unwrap();
    };
    add("old/report.pdf", "pdf", "pdf", 1_000_000_000);
    add("new/report.md", "markdown", "md", 1_600_000_000);
    add("new/main.rs", "code", "rust", 1_650_000_000);
    encode_pending(&writer);
    writer.commit().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    for mode in [Mode::Keyword, Mode::Hybrid, Mode::Semantic] {
        let sorted = |text: &str| {
            let mut names = names(&search(&reader, text, mode));
            names.sort();
            names
        };
        assert_eq!(sorted("shared type:pdf"), ["old/report.pdf"], "{mode:?}");
        assert_eq!(sorted("shared type:code,pdf"), ["new/main.rs", "old/report.pdf"]);
        assert_eq!(sorted("shared path:new/**"), ["new/main.rs", "new/report.md"]);
        assert_eq!(sorted("shared after:2021"), ["new/main.rs"]);
        assert_eq!(sorted("shared before:2020 type:pdf"), ["old/report.pdf"]);
        assert!(sorted("shared type:html").is_empty());
    }
}

#[test]
fn a_document_named_by_the_query_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let filler = "budget plan ".repeat(30);
    let reader = reader_of(
        dir.path(),
        &[
            ("a.txt", filler.as_str()),
            ("b.txt", filler.replace("plan", "budget").as_str()),
            ("budget.txt", "numbers of the year, and the budget once among many other words\n"),
        ],
    );
    for mode in [Mode::Keyword, Mode::Hybrid] {
        for query in ["budget", "Budget.TXT"] {
            let results = search(&reader, query, mode);
            assert_eq!(names(&results)[0], "budget.txt", "{mode:?} {query}");
            assert!(results.hits[0].exact_name);
            assert!(results.hits[1..].iter().all(|hit| !hit.exact_name));
        }
    }
}

#[test]
fn a_hit_shows_the_passage_that_answers() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for n in 0..40 {
        text.push_str(&format!("line {n} speaks of ordinary things and the agreement\n"));
    }
    text.push_str("the termination fee is due within thirty days of the agreement\n");
    for n in 0..40 {
        text.push_str(&format!("line {n} goes on about the agreement again\n"));
    }
    let reader = reader_of(dir.path(), &[("contract.txt", &text), ("other.txt", "agreement\n")]);
    for mode in [Mode::Keyword, Mode::Hybrid, Mode::Semantic] {
        let results = search(&reader, "termination fee agreement", mode);
        let hit: &Hit = results.hits.iter().find(|hit| name(&hit.path) == "contract.txt").unwrap();
        let passage = hit.passage.as_ref().unwrap();
        assert!(passage.text.starts_with("the termination fee"), "{mode:?}: {}", passage.text);
        assert_eq!((passage.line, passage.page), (41, Some(21)), "{mode:?}");
        assert_eq!(&text[passage.start..passage.end], passage.text);
        let marked: Vec<&str> =
            passage.highlights.iter().map(|range| &passage.snippet[range.clone()]).collect();
        assert!(marked.concat().contains("termination"), "{mode:?}: {marked:?}");
    }
}

#[test]
fn pages_of_results_follow_on_one_another() {
    let dir = tempfile::tempdir().unwrap();
    let documents: Vec<(String, String)> =
        (0..30).map(|n| (format!("{n:02}.txt"), format!("word {}\n", "more ".repeat(n)))).collect();
    let borrowed: Vec<(&str, &str)> =
        documents.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let reader = reader_of(dir.path(), &borrowed);
    let query = query("word");
    let vector = vector("word");
    for mode in [Mode::Keyword, Mode::Hybrid, Mode::Semantic] {
        let request = SearchRequest {
            vector: Some((ENCODER, &vector)),
            mode,
            limit: 30,
            ..SearchRequest::new(&query)
        };
        let whole = reader.search(&request).unwrap();
        assert_eq!((whole.total, whole.hits.len()), (30, 30));
        let second = reader.search(&SearchRequest { offset: 10, limit: 10, ..request }).unwrap();
        assert_eq!(names(&second), names(&whole)[10..20]);
        assert_eq!(second.hits[0].rank, 11);
        assert_eq!(second.total, 30);
    }
}

#[test]
fn hybrid_explains_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let reader = reader_of(
        dir.path(),
        &[
            ("1.txt", "green apples and pears\n"),
            ("2.txt", "red cars and buses\n"),
            ("3.txt", "apples of gold in settings of silver\n"),
            ("4.txt", "nothing of the kind\n"),
        ],
    );
    let results = search(&reader, "green apples", Mode::Hybrid);
    assert_eq!(results.mode, Mode::Hybrid);
    assert_eq!(names(&results)[0], "1.txt");
    for pair in results.hits.windows(2) {
        assert!(pair[0].score >= pair[1].score);
    }
    for hit in &results.hits {
        let z = hit.standardised;
        let weights = results.weights.unwrap();
        let sum = weights.keyword * z.keyword.unwrap()
            + weights.document * z.document.unwrap()
            + weights.passage * z.passage.unwrap();
        assert!((sum - hit.score).abs() < 1e-3, "{hit:?}");
    }
}

#[test]
fn documents_that_are_not_encoded_are_still_found() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    put(&writer, "1.txt", "first apples\n");
    writer.commit().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    let results = search(&reader, "apples", Mode::Hybrid);
    assert_eq!((results.mode, results.encoded), (Mode::Keyword, 0.0));
    assert_eq!(results.warnings.len(), 1);
    assert_eq!(names(&results), ["1.txt"]);
    let semantic = search(&reader, "apples", Mode::Semantic);
    assert!(semantic.hits.is_empty() && semantic.warnings.len() == 1);

    encode_pending(&writer);
    put(&writer, "2.txt", "second apples\n");
    writer.commit().unwrap();
    reader.refresh().unwrap();
    let results = search(&reader, "apples", Mode::Hybrid);
    assert_eq!((results.mode, results.encoded), (Mode::Hybrid, 0.5));
    assert_eq!(results.hits.len(), 2);
    let fresh = results.hits.iter().find(|hit| name(&hit.path) == "2.txt").unwrap();
    assert!(fresh.scores.keyword.is_some() && fresh.scores.document.is_none());
}

#[test]
fn vectors_of_different_encoders_never_meet() {
    let dir = tempfile::tempdir().unwrap();
    let reader = reader_of(dir.path(), &[("1.txt", "apples\n")]);
    let query = query("apples");
    let short = vec![1.0; DIMS - 1];
    let request = |fingerprint| SearchRequest {
        vector: Some((fingerprint, &short)),
        ..SearchRequest::new(&query)
    };
    assert!(matches!(reader.search(&request(ENCODER)), Err(IndexError::Vector(_))));
    let other = reader.search(&request("other")).unwrap();
    assert_eq!((other.mode, other.encoded), (Mode::Keyword, 0.0));
    let without = SearchRequest { mode: Mode::Semantic, ..SearchRequest::new(&query) };
    assert!(matches!(reader.search(&without), Err(IndexError::Input { .. })));
}

#[test]
fn the_graph_answers_as_the_scan_does() {
    let dir = tempfile::tempdir().unwrap();
    let options = WriterOptions { graph_threshold: 50, segment_bytes: 1 << 20, ..options() };
    let (writer, _) = Writer::open(dir.path(), options).unwrap();
    let text = |n: usize| format!("w{} w{} w{} tail\n", n % 7, n % 11, n % 13);
    for n in 0..300 {
        put(&writer, &format!("{n}.txt"), &text(n));
    }
    encode_pending(&writer);
    writer.commit().unwrap();
    assert_eq!(writer.maintain(&|| false).unwrap().graph_documents, Some(300));
    assert_eq!(writer.maintain(&|| false).unwrap().graph_documents, None, "good as it is");
    // Removed since, and added since: neither is in the graph as it should be.
    writer.remove_file(&place("12.txt")).unwrap();
    put(&writer, "new.txt", "w1 w2 w3 tail fresh\n");
    encode_pending(&writer);
    writer.commit().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    for ask in ["w1 w2 w3 tail fresh", "w5 w1 w12 tail", "w3 w7 w2"] {
        let scanned = names(&search(&reader, ask, Mode::Semantic));
        reader.warm(ENCODER).unwrap();
        let by_graph = names(&search(&reader, ask, Mode::Semantic));
        assert!(!by_graph.contains(&"12.txt".to_owned()));
        assert_eq!(by_graph[0], scanned[0], "{ask}");
        let shared = by_graph[..10].iter().filter(|name| scanned[..10].contains(name)).count();
        assert!(shared >= 9, "{ask}: {by_graph:?} {scanned:?}");
    }
    writer.close().unwrap();
    assert_in_order(dir.path());
}

#[test]
fn a_search_goes_on_while_the_writer_writes() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    put(&writer, "0.txt", "word number 0\n");
    writer.commit().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..20 {
                put(&writer, &format!("{n}.txt"), &format!("word number {n}\n"));
                encode_pending(&writer);
                writer.commit().unwrap();
            }
        });
        let mut last = 0;
        while last < 20 {
            reader.refresh().unwrap();
            let now = search(&reader, "word", Mode::Hybrid).total;
            assert!(now >= last, "{now} after {last}");
            last = now;
        }
    });
}

#[test]
fn a_search_may_begin_at_any_moment_of_a_writer() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    put(&writer, "0.txt", "word number 0\n");
    writer.commit().unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Enough commits for the lexical index to merge its files and remove the old ones.
            for n in 1..60 {
                put(&writer, &format!("{n}.txt"), &format!("word number {n}\n"));
                writer.commit().unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            let reader = Reader::open(dir.path()).unwrap();
            assert!(search(&reader, "word", Mode::Keyword).total >= 1);
        }
    });
}

#[test]
fn any_number_of_hits_may_be_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let reader = reader_of(dir.path(), &[("1.txt", "apples\n"), ("2.txt", "pears\n")]);
    let query = query("apples");
    let vector = vector("apples");
    for mode in [Mode::Keyword, Mode::Hybrid, Mode::Semantic] {
        let request = SearchRequest {
            vector: Some((ENCODER, &vector)),
            mode,
            limit: usize::MAX,
            offset: 1,
            ..SearchRequest::new(&query)
        };
        let results = reader.search(&request).unwrap();
        assert_eq!(results.hits.len() + 1, results.total, "{mode:?}");
    }
}

#[test]
fn a_rare_word_leaves_the_order_of_its_few_matches_to_meaning() {
    let dir = tempfile::tempdir().unwrap();
    let mut documents: Vec<(String, String)> = (0..1500)
        .map(|n| (format!("{n}.txt"), format!("filler{} text{}\n", n % 40, n % 37)))
        .collect();
    // The first holds the word in fewer others and wins by word, the second is about all of it.
    documents.push(("short.txt".to_owned(), "zeppelin mooring\n".to_owned()));
    documents.push(("about.txt".to_owned(), "zeppelin flights over lakes\n".to_owned()));
    let borrowed: Vec<(&str, &str)> =
        documents.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let reader = reader_of(dir.path(), &borrowed);
    let query = query("zeppelin");
    let near = vector("zeppelin flights over lakes");
    let request = SearchRequest { vector: Some((ENCODER, &near)), ..SearchRequest::new(&query) };
    let hits = reader.search(&request).unwrap().hits;
    assert!(hits[0].standardised.keyword.unwrap() < 11.0, "{:?}", hits[0].standardised);
    let mut first: Vec<_> = hits[..2].iter().map(|hit| name(&hit.path)).collect();
    assert_eq!(first, ["about.txt", "short.txt"]);
    first.sort();
    let mut words = keyword(&reader, "zeppelin");
    assert_eq!(words[0], "short.txt");
    words.sort();
    assert_eq!(words, first, "both stand before all others");
}
