//! What the tools take.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::args::{ModeArg, ResultArgs};
use crate::errors::CliError;

/// Most hits of one call.
pub(super) const MOST_HITS: usize = 50;
/// Most characters of a document in one answer.
pub(super) const MOST_CHARS: usize = 200_000;

/// How much of the passage a hit shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Shown {
    /// All of it.
    #[default]
    Passage,
    /// The part with most words of the query.
    Snippet,
    /// Where it stands, and no text.
    None,
}

/// Of `search`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    pub(super) query: String,
    #[serde(default)]
    pub(super) mode: ModeArg,
    limit: Option<usize>,
    #[serde(default, rename = "type")]
    types: Many,
    #[serde(default)]
    path: Many,
    after: Option<String>,
    before: Option<String>,
    #[serde(default)]
    pub(super) text: Shown,
}

/// Of `similar`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Similar {
    #[serde(deserialize_with = "document")]
    pub(super) document: String,
    limit: Option<usize>,
    #[serde(default, rename = "type")]
    types: Many,
    #[serde(default)]
    path: Many,
    after: Option<String>,
    before: Option<String>,
    #[serde(default)]
    pub(super) text: Shown,
}

/// Of `get`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Get {
    #[serde(deserialize_with = "document")]
    pub(super) document: String,
    pub(super) page: Option<u32>,
    pub(super) lines: Option<String>,
    /// A byte of the text that lies in the passage, as `search` tells it.
    pub(super) passage: Option<usize>,
    pub(super) neighbours: Option<usize>,
    #[serde(default)]
    pub(super) offset: usize,
    #[serde(default = "usual_chars")]
    pub(super) max_chars: usize,
}

/// Of `status`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Status {}

/// Some 5,000 tokens.
fn usual_chars() -> usize {
    20_000
}

impl Search {
    pub(super) fn results(&self) -> Result<ResultArgs, CliError> {
        results(self.limit, &self.types, &self.path, &self.after, &self.before)
    }
}

impl Similar {
    pub(super) fn results(&self) -> Result<ResultArgs, CliError> {
        results(self.limit, &self.types, &self.path, &self.after, &self.before)
    }
}

fn results(
    limit: Option<usize>,
    types: &Many,
    path: &Many,
    after: &Option<String>,
    before: &Option<String>,
) -> Result<ResultArgs, CliError> {
    let usual = ResultArgs::default();
    let limit = limit.unwrap_or(usual.limit);
    if !(1..=MOST_HITS).contains(&limit) {
        return Err(CliError::new(format!("limit {limit}: must be from 1 to {MOST_HITS}")));
    }
    let types = types.0.iter().flat_map(|list| list.split(',')).map(str::trim);
    Ok(ResultArgs {
        limit,
        types: types.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        path: path.0.clone(),
        after: after.clone(),
        before: before.clone(),
        ..usual
    })
}

/// Understands a tool's arguments.
pub(super) fn read<T: de::DeserializeOwned>(tool: &str, arguments: Value) -> Result<T, CliError> {
    serde_json::from_value(arguments).map_err(|error| {
        CliError::new(format!("{tool}: {error}"))
            .hint("the tool's input schema tells what it takes")
    })
}

/// One text, or a list of them.
#[derive(Debug, Default)]
struct Many(Vec<String>);

impl<'de> Deserialize<'de> for Many {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Self::default()),
            Value::String(one) => Ok(Self(vec![one])),
            list @ Value::Array(_) => {
                serde_json::from_value(list).map(Self).map_err(de::Error::custom)
            }
            other => {
                Err(de::Error::custom(format!("{other} is neither a string nor a list of strings")))
            }
        }
    }
}

/// A document's number as a number or as text, or its path.
fn document<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) if !text.trim().is_empty() => Ok(text),
        Value::Number(number) if number.is_u64() => Ok(number.to_string()),
        other => Err(de::Error::custom(format!("`document` must be an id or a path, not {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_and_single_values_are_both_taken() {
        let arguments = json!({"query": "x", "type": "pdf, rust", "path": ["a/**", "b/**"]});
        let search: Search = read("search", arguments).unwrap();
        let results = search.results().unwrap();
        assert_eq!(results.types, ["pdf", "rust"]);
        assert_eq!(results.path, ["a/**", "b/**"]);
        assert_eq!((results.limit, search.text), (10, Shown::Passage));
        let get: Get = read("get", json!({"document": 17})).unwrap();
        assert_eq!(get.document, "17");
    }

    #[test]
    fn what_a_tool_does_not_take_is_named() {
        for (arguments, part) in [
            (json!({}), "query"),
            (json!({"query": "x", "colour": "red"}), "colour"),
            (json!({"query": "x", "mode": "loud"}), "loud"),
            (json!({"query": 4}), "string"),
            (json!({"query": "x", "type": 4}), "list of strings"),
        ] {
            let error = read::<Search>("search", arguments).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(read::<Get>("get", json!({"document": -1})).is_err());
        let none: Search = read("search", json!({"query": "x", "limit": 0})).unwrap();
        assert!(none.results().is_err());
    }
}
