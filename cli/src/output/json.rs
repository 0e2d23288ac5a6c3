//! Results for programs: the shapes that the command-line contract names.

use std::time::Duration;

use lsearch_index::fuse::Weights;
use lsearch_index::{Correction, Hit, Mode, Ranks, SearchResults, Signals};
use serde::Serialize;

use super::hits::place_of;
use super::units;
use crate::errors::CliError;

#[derive(Serialize)]
struct JsonSearch<'a> {
    query: &'a str,
    mode: &'static str,
    took_ms: f64,
    total: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    corrections: Vec<JsonCorrection<'a>>,
    hits: Vec<JsonHit<'a>>,
}

#[derive(Serialize)]
struct JsonCorrection<'a> {
    written: &'a str,
    meant: &'a str,
    searched: bool,
    documents: u64,
}

#[derive(Serialize)]
struct JsonHit<'a> {
    rank: usize,
    id: u64,
    path: std::borrow::Cow<'a, str>,
    title: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    format: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dated: Option<&'a str>,
    modified: String,
    score: f32,
    scores: JsonScores,
    #[serde(skip_serializing_if = "Option::is_none")]
    explained: Option<JsonExplained>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passage: Option<JsonPassage<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also_at: Vec<std::borrow::Cow<'a, str>>,
}

#[derive(Serialize)]
struct JsonScores {
    keyword: Option<f32>,
    document: Option<f32>,
    passage: Option<f32>,
}

#[derive(Serialize)]
struct JsonExplained {
    exact_name: bool,
    standardised: JsonScores,
    ranks: JsonRanks,
    weights: Option<JsonScores>,
}

#[derive(Serialize)]
struct JsonRanks {
    keyword: Option<usize>,
    document: Option<usize>,
    passage: Option<usize>,
}

#[derive(Serialize)]
struct JsonPassage<'a> {
    text: &'a str,
    page: Option<u32>,
    line: u32,
    heading: Option<&'a str>,
    place: String,
    start: usize,
    end: usize,
    snippet: &'a str,
    highlights: Vec<[usize; 2]>,
}

/// `search --json`.
pub fn search(
    query: &str,
    corrections: &[Correction],
    took: Duration,
    results: &SearchResults,
    explain: bool,
) -> Result<String, CliError> {
    line(&found(query, corrections, took, results, explain))
}

/// The same as a value, for what holds more.
pub fn found<'a>(
    query: &'a str,
    corrections: &'a [Correction],
    took: Duration,
    results: &'a SearchResults,
    explain: bool,
) -> impl Serialize + use<'a> {
    JsonSearch {
        query,
        mode: mode_name(results.mode),
        took_ms: (took.as_secs_f64() * 10_000.0).round() / 10.0,
        total: results.total,
        corrections: corrections.iter().map(correction).collect(),
        hits: results.hits.iter().map(|one| hit(one, results.weights, explain)).collect(),
    }
}

/// `search --jsonl`.
pub fn hits_by_line(results: &SearchResults, explain: bool) -> Result<String, CliError> {
    results.hits.iter().map(|one| line(&hit(one, results.weights, explain))).collect()
}

/// A value as one line of JSON.
pub fn line(value: &impl Serialize) -> Result<String, CliError> {
    let mut text = serde_json::to_string(value)
        .map_err(|error| CliError::new(format!("cannot write the result as JSON: {error}")))?;
    text.push('\n');
    Ok(text)
}

/// The mode's name on the command line.
pub fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Hybrid => "hybrid",
        Mode::Keyword => "keyword",
        Mode::Semantic => "semantic",
    }
}

fn correction(correction: &Correction) -> JsonCorrection<'_> {
    let Correction { written, meant, searched, documents } = correction;
    JsonCorrection { written, meant, searched: *searched, documents: *documents }
}

fn hit(hit: &Hit, weights: Option<Weights>, explain: bool) -> JsonHit<'_> {
    JsonHit {
        rank: hit.rank,
        id: hit.id,
        path: hit.path.to_string_lossy(),
        title: &hit.title,
        kind: &hit.kind,
        format: &hit.format,
        author: hit.author.as_deref(),
        dated: hit.dated.as_deref(),
        modified: units::rfc3339(hit.modified_ns),
        score: hit.score,
        scores: scores(&hit.scores),
        explained: explain.then(|| explained(hit, weights)),
        passage: hit.passage.as_ref().map(|passage| JsonPassage {
            text: &passage.text,
            page: passage.page,
            line: passage.line,
            heading: passage.heading.as_deref(),
            place: place_of(hit, passage).in_words(),
            start: passage.start,
            end: passage.end,
            snippet: &passage.snippet,
            highlights: passage.highlights.iter().map(|range| [range.start, range.end]).collect(),
        }),
        also_at: hit.also_at.iter().map(|path| path.to_string_lossy()).collect(),
    }
}

fn scores(signals: &Signals) -> JsonScores {
    let Signals { keyword, document, passage } = *signals;
    JsonScores { keyword, document, passage }
}

/// What `--explain` adds.
fn explained(hit: &Hit, weights: Option<Weights>) -> JsonExplained {
    let Ranks { keyword, document, passage } = hit.ranks;
    JsonExplained {
        exact_name: hit.exact_name,
        standardised: scores(&hit.standardised),
        ranks: JsonRanks { keyword, document, passage },
        weights: weights.map(|weights| JsonScores {
            keyword: Some(weights.keyword),
            document: Some(weights.document),
            passage: Some(weights.passage),
        }),
    }
}
