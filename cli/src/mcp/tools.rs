//! The tools: what they are called, what they take, and who answers.

use lsearch_index::SearchResults;
use serde_json::{Value, json};

use super::answers;
use super::arguments::{self, Get, MOST_CHARS, MOST_HITS, Search, Shown, Similar};
use super::calls::{Call, Reply};
use crate::app::App;
use crate::args::SearchArgs;
use crate::commands::search::{SNIPPET_CHARS, remark};
use crate::commands::{document_in, similar, status};
use crate::daemon::queries::Queries;
use crate::errors::CliError;

/// The names of the tools.
pub(super) const NAMES: [&str; 4] = ["search", "get", "similar", "status"];

/// Failed files that `status` names.
const FAILURES_TOLD: usize = 50;

/// Answers a call.
///
/// # Errors
/// As on the command line, with the same hints.
pub(super) fn call(app: &App, queries: &Queries, call: &Call) -> Result<Reply, CliError> {
    let (tool, arguments) = (call.tool.as_str(), call.arguments.clone());
    match tool {
        "search" => search(app, queries, &arguments::read(tool, arguments)?),
        "get" => get(queries, &arguments::read(tool, arguments)?),
        "similar" => find_similar(app, queries, &arguments::read(tool, arguments)?),
        "status" => {
            let arguments::Status {} = arguments::read(tool, arguments)?;
            tell_status(app)
        }
        other => Err(CliError::new(format!("there is no tool `{other}`"))),
    }
}

fn search(app: &App, queries: &Queries, wanted: &Search) -> Result<Reply, CliError> {
    let args = SearchArgs {
        query: vec![wanted.query.clone()],
        mode: wanted.mode,
        results: wanted.results()?,
        ..SearchArgs::default()
    };
    let (asked, results, _) = queries.find(app, &args, 0, SNIPPET_CHARS)?;
    remark(app, &results);
    Ok(found(&asked.text, &results, wanted.text))
}

fn find_similar(app: &App, queries: &Queries, wanted: &Similar) -> Result<Reply, CliError> {
    let reader = queries.reader()?;
    let document = document_in(&reader, &wanted.document)?;
    let results = similar::like_indexed(app, &wanted.results()?, &reader, document)?;
    remark(app, &results);
    Ok(found(&wanted.document, &results, wanted.text))
}

fn found(asked: &str, results: &SearchResults, shown: Shown) -> Reply {
    Reply {
        text: answers::hits_as_text(asked, results, shown),
        data: answers::hits_as_data(asked, results, shown),
    }
}

fn get(queries: &Queries, wanted: &Get) -> Result<Reply, CliError> {
    let document = document_in(&*queries.reader()?, &wanted.document)?;
    answers::part(&document, wanted)
}

fn tell_status(app: &App) -> Result<Reply, CliError> {
    let (text, mut data) = status::both(app)?;
    if let Some(failed) = data["failed"].as_array_mut() {
        failed.truncate(FAILURES_TOLD);
    }
    Ok(Reply { text, data })
}

/// What `tools/list` answers.
pub(super) fn definitions() -> Value {
    json!([
        tool(
            "search",
            "Search the person's documents",
            SEARCH,
            &json!({
                "query": {"type": "string", "description": "What to look for, as described above."},
                "mode": {
                    "type": "string",
                    "enum": ["hybrid", "keyword", "semantic"],
                    "default": "hybrid",
                    "description": "hybrid: by word and by meaning. keyword: by word only, for exact names, numbers, \
                        identifiers and citations. semantic: by meaning only, where the words may be quite other ones.",
                },
                "limit": limit(),
                "type": types(),
                "path": paths(),
                "after": date("Only files changed on or after this day"),
                "before": date("Only files changed before this day"),
                "text": shown(),
            }),
            &["query"]
        ),
        tool(
            "get",
            "Read a document",
            GET,
            &json!({
                "document": document(),
                "page": {"type": "integer", "minimum": 1, "description": "Only this page (PDF, some office files)."},
                "lines": {
                    "type": "string",
                    "description": "Only these lines, first:last, counted from 1: \"10:40\", \"10:\", \":40\".",
                },
                "passage": {
                    "type": "integer",
                    "minimum": 0,
                    "description": "Only the passage that a hit names with this number (`passage` of a hit).",
                },
                "neighbours": {
                    "type": "integer",
                    "minimum": 0,
                    "default": 1,
                    "description": "With `passage`: so many passages before and after it, too.",
                },
                "offset": {
                    "type": "integer",
                    "minimum": 0,
                    "default": 0,
                    "description": "Characters of what is asked for to pass over: where an answer before was cut.",
                },
                "max_chars": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MOST_CHARS,
                    "default": 20000,
                    "description": "Characters of text in the answer at most. What was cut is said, with how to go on.",
                },
            }),
            &["document"]
        ),
        tool(
            "similar",
            "Find documents like one",
            SIMILAR,
            &json!({
                "document": document(),
                "limit": limit(),
                "type": types(),
                "path": paths(),
                "after": date("Only files changed on or after this day"),
                "before": date("Only files changed before this day"),
                "text": shown(),
            }),
            &["document"]
        ),
        tool("status", "Tell what is indexed", STATUS, &json!({}), &[]),
    ])
}

const SEARCH: &str = "Finds documents on the person's own machine (PDF, office files, e-mail, books, notes, web pages, \
    source code; also within archives and attachments) and shows of each the passage that answers best, with path, page \
    or line, heading, and id.\n\
    The query is plain words or a whole question; word order and endings do not matter, and meaning is searched, too. \
    Conditions may stand in it: \"a phrase\" must stand in the document; -word must not; title:lease, author:marsh, \
    path:contracts/**, type:pdf, after:2024, before:2024-06-30; terminat* and organi?ation stand for any word spelt so; \
    tenant~ allows typing errors.\n\
    Start with mode hybrid and few conditions. If hits miss the point, say it in the words the document would use; for \
    an exact name, number or identifier use mode keyword or a phrase. A score compares hits of one answer only.";

const GET: &str = "Reads an indexed document's text as it was indexed: all of it, one page, some lines, or the passage \
    of a hit with its neighbours. Prefer `passage` with `neighbours` (2 or 3) to read around a hit, and read whole \
    documents only if they are short or all of it matters. Answers are cut at `max_chars`; `next` then holds the \
    arguments that go on. Files that are not indexed cannot be read.";

const SIMILAR: &str = "Finds documents like an indexed one by what they are about as a whole: other versions, related \
    contracts, papers on the same subject. For a question use `search`.";

const STATUS: &str = "Tells which folders are indexed, how many documents are found by word and by meaning, what \
    waits, and which files failed or were left out and why. Use it when something that should be there is not found.";

/// Every tool only reads, and only what is indexed on this machine.
fn tool(
    name: &str,
    title: &str,
    description: &str,
    properties: &Value,
    required: &[&str],
) -> Value {
    json!({
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        },
        "annotations": {
            "title": title,
            "readOnlyHint": true,
            "destructiveHint": false,
            "idempotentHint": true,
            "openWorldHint": false,
        },
    })
}

fn document() -> Value {
    json!({
        "type": ["string", "integer"],
        "description": "The id of a hit, or the document's path.",
    })
}

fn limit() -> Value {
    json!({
        "type": "integer",
        "minimum": 1,
        "maximum": MOST_HITS,
        "default": 10,
        "description": "How many documents to show.",
    })
}

fn types() -> Value {
    json!({
        "type": "array",
        "items": {"type": "string"},
        "description": "Only these kinds (text, markdown, html, code, pdf, word, …), formats or extensions \
            (docx, rust, eml).",
    })
}

fn paths() -> Value {
    json!({
        "type": "array",
        "items": {"type": "string"},
        "description": "Only paths that match one of these patterns, e.g. contracts/** or *.md.",
    })
}

fn date(what: &str) -> Value {
    json!({
        "type": "string",
        "description": format!("{what}: 2024, 2024-05, 2024-05-31, today, 7d, 3m."),
    })
}

fn shown() -> Value {
    json!({
        "type": "string",
        "enum": ["passage", "snippet", "none"],
        "default": "passage",
        "description": "How much text of each hit: the whole passage (some 200 words), the part of it with most words \
            of the query, or none.",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_described_and_only_reads() {
        let definitions = definitions();
        let definitions = definitions.as_array().unwrap();
        let names: Vec<_> = definitions.iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, NAMES);
        for one in definitions {
            assert_eq!(one["annotations"]["readOnlyHint"], true);
            assert!(one["description"].as_str().unwrap().len() > 100);
            let properties = one["inputSchema"]["properties"].as_object().unwrap();
            for name in one["inputSchema"]["required"].as_array().unwrap() {
                assert!(properties.contains_key(name.as_str().unwrap()));
            }
            for (name, property) in properties {
                assert!(property["description"].is_string(), "{name}");
            }
        }
    }
}
