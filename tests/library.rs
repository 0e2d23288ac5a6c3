//! The library in `fixtures/`: every question finds its document, by word and by meaning.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::common::{Desk, repository};

#[derive(Deserialize)]
struct Question {
    query: String,
    path: String,
    contains: String,
    kind: String,
}

fn questions() -> Vec<Question> {
    let text =
        std::fs::read_to_string(repository().join("fixtures/questions.jsonl")).expect("questions");
    text.lines().map(|line| serde_json::from_str(line).expect("a question")).collect()
}

/// The library, indexed once for all tests here.
fn library() -> &'static Desk {
    static LIBRARY: OnceLock<Desk> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let desk = Desk::new();
        let library = repository().join("fixtures/library");
        desk.run(["add".as_ref(), library.as_os_str()]).ok();
        desk
    })
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[test]
fn nothing_in_the_library_fails_and_everything_gets_its_vectors() {
    let status = library().status();
    let documents = &status["documents"];
    assert_eq!(documents["failed"], 0, "{status:#}");
    assert!(documents["keyword"].as_u64().expect("a count") >= 20, "{status:#}");
    assert_eq!(documents["keyword"], documents["semantic"], "{status:#}");
}

/// The share of questions of each kind whose document must be among the first three. Those of meaning share no
/// rare word with the passage that answers, some of them not even its language.
const AMONG_THREE: [(&str, f64); 4] =
    [("word", 0.95), ("phrase", 0.95), ("code", 0.85), ("meaning", 0.65)];

#[test]
fn questions_find_their_document_and_its_passage() {
    let desk = library();
    let mut tally: HashMap<String, (usize, usize)> = HashMap::new();
    let mut missed = Vec::new();
    let (mut by_word, mut passages) = (0, 0);
    for question in questions() {
        let results = desk.run(["search", "--json", "-n", "3", "--", &question.query]).json();
        let hits = results["hits"].as_array().expect("hits");
        let (right, asked) = tally.entry(question.kind.clone()).or_default();
        *asked += 1;
        let hit = hits
            .iter()
            .find(|hit| hit["path"].as_str().is_some_and(|path| path.ends_with(&question.path)));
        match hit {
            None => {
                missed.push(format!("{} ({}): {}", question.path, question.kind, question.query));
            }
            Some(hit) => {
                *right += 1;
                if question.kind != "meaning" {
                    let text = squeezed(hit["passage"]["text"].as_str().expect("a passage"));
                    by_word += 1;
                    passages += usize::from(text.contains(&squeezed(&question.contains)));
                }
            }
        }
    }
    for (kind, least) in AMONG_THREE {
        let (right, asked) = tally[kind];
        assert!(
            right as f64 >= least * asked as f64,
            "{kind}: {right} of {asked}; missed {missed:#?}"
        );
    }
    assert!(
        passages * 5 >= by_word * 4,
        "the passage shown holds the answer for {passages} of {by_word}"
    );
}

#[test]
fn questions_of_meaning_need_the_vectors() {
    // What hybrid adds to words: on questions that share no rare word with their answer it must do better.
    let desk = library();
    let of_meaning: Vec<_> =
        questions().into_iter().filter(|question| question.kind == "meaning").collect();
    assert!(of_meaning.len() >= 15, "only {} questions of meaning", of_meaning.len());
    let reciprocal_ranks = |mode: &str| -> f64 {
        of_meaning
            .iter()
            .map(|question| {
                let ran = desk.run(["search", "--json", "--mode", mode, "--", &question.query]);
                let results = ran.json();
                let hits = results["hits"].as_array().expect("hits");
                let rank = hits.iter().position(|hit| {
                    hit["path"].as_str().is_some_and(|path| path.ends_with(&question.path))
                });
                rank.map_or(0.0, |rank| 1.0 / (rank + 1) as f64)
            })
            .sum()
    };
    let (keyword, hybrid) = (reciprocal_ranks("keyword"), reciprocal_ranks("hybrid"));
    assert!(hybrid > keyword, "hybrid {hybrid:.2} against keyword {keyword:.2}");
}

#[test]
fn a_page_of_the_pdf_can_be_read() {
    let desk = library();
    let results = desk.run(["search", "--json", "type:pdf agreement"]).ok().json();
    let path = results["hits"][0]["path"].as_str().expect("a PDF").to_owned();
    let page = desk.run(["get", &path, "--page", "2"]).ok().stdout;
    let whole = desk.run(["get", &path]).ok().stdout;
    assert!(page.len() > 200 && page.len() < whole.len());
    assert!(whole.contains(page.trim_end()));
    desk.run(["get", &path, "--page", "4000"]).exits(2).says("no page 4000");
}
