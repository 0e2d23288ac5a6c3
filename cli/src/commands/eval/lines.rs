//! Files of one JSON object a line, as collections are published.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::errors::CliError;

/// An id: a string, or a number as some write it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Number(i64),
        }
        Ok(Id(match Written::deserialize(deserializer)? {
            Written::Text(text) => text,
            Written::Number(number) => number.to_string(),
        }))
    }
}

/// The part of a corpus that a line says it is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Documents of about so many tokens (LongEmbed).
    Length(u64),
    /// One of several datasets in one file (LoCoV1).
    Dataset(String),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Length(tokens) => write!(f, "{tokens}"),
            Part::Dataset(name) => write!(f, "{name}"),
        }
    }
}

/// What a line of any of the files says of its part.
#[derive(Debug, Default, Deserialize)]
pub struct PartLine {
    #[serde(default)]
    dataset: Option<String>,
    #[serde(default)]
    context_length: Option<u64>,
}

impl PartLine {
    /// The part named, if any.
    pub fn part(&self) -> Option<Part> {
        let length = self.context_length.map(Part::Length);
        length.or_else(|| self.dataset.clone().map(Part::Dataset))
    }
}

/// A line of a corpus.
#[derive(Debug, Deserialize)]
pub struct CorpusLine {
    #[serde(alias = "_id", alias = "doc_id", alias = "pid")]
    pub id: Id,
    #[serde(default)]
    pub title: String,
    #[serde(alias = "passage")]
    pub text: String,
    #[serde(flatten)]
    pub part: PartLine,
}

/// A line of queries.
#[derive(Debug, Deserialize)]
pub struct QueryLine {
    #[serde(alias = "_id", alias = "qid")]
    pub id: Id,
    #[serde(alias = "query")]
    pub text: String,
    /// Relevant documents, where the queries name them themselves.
    #[serde(default)]
    pub answer_pids: Vec<Id>,
    #[serde(flatten)]
    pub part: PartLine,
}

/// A line of judgements.
#[derive(Debug, Deserialize)]
pub struct JudgementLine {
    #[serde(alias = "qid", alias = "query-id")]
    pub query: Id,
    #[serde(alias = "doc_id", alias = "corpus-id", alias = "pid")]
    pub document: Id,
    #[serde(default = "one")]
    pub score: u32,
}

fn one() -> u32 {
    1
}

/// A line of answers.
#[derive(Debug, Deserialize)]
pub struct AnswerLine {
    #[serde(alias = "_id", alias = "qid")]
    pub id: Id,
    /// A passage that holds one of them answers the query.
    pub answers: Vec<String>,
}

/// The file of this name in a folder, packed or not.
pub fn existing(dir: &Path, name: &str) -> Option<PathBuf> {
    [dir.join(format!("{name}.zst")), dir.join(name)].into_iter().find(|path| path.is_file())
}

/// Whether the first of some queries names its documents.
pub fn names_documents(queries: &Path) -> Result<bool, CliError> {
    let Some(line) = open(queries)?.lines().next() else { return Ok(false) };
    let line = line.map_err(|error| CliError::io(queries, &error))?;
    let first: QueryLine = parse(queries, 0, &line)?;
    Ok(!first.answer_pids.is_empty())
}

/// Calls `each` with every line that is not empty.
pub fn read<T: for<'de> Deserialize<'de>>(
    path: &Path,
    mut each: impl FnMut(T) -> Result<(), CliError>,
) -> Result<(), CliError> {
    for (at, line) in open(path)?.lines().enumerate() {
        let line = line.map_err(|error| CliError::io(path, &error))?;
        if !line.trim().is_empty() {
            each(parse(path, at, &line)?)?;
        }
    }
    Ok(())
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path, at: usize, line: &str) -> Result<T, CliError> {
    serde_json::from_str(line)
        .map_err(|error| CliError::new(format!("{}:{}: {error}", path.display(), at + 1)))
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, CliError> {
    let io = |error: std::io::Error| CliError::io(path, &error);
    let file = fs_err::File::open(path).map_err(io)?;
    let reader: Box<dyn Read> = if path.extension().is_some_and(|ending| ending == "zst") {
        Box::new(zstd::Decoder::new(file).map_err(io)?)
    } else {
        Box::new(file)
    };
    Ok(Box::new(BufReader::new(reader)))
}
