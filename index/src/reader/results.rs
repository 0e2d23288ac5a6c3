//! What a search is asked and what it answers.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::content::{ContentKey, PassageSpan};
use crate::fuse::Weights;
use crate::query::Query;

/// Which signals a search ranks by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// By word and by meaning.
    #[default]
    Hybrid,
    /// By word alone.
    Keyword,
    /// By meaning alone.
    Semantic,
}

/// One search.
#[derive(Clone, Copy, Debug)]
pub struct SearchRequest<'a> {
    /// What is looked for.
    pub query: &'a Query,
    /// Fingerprint of the encoder and the query's vector; `None` ranks by word alone.
    pub vector: Option<(&'a str, &'a [f32])>,
    /// Which signals rank.
    pub mode: Mode,
    /// Most hits to return.
    pub limit: usize,
    /// Hits to pass over first.
    pub offset: usize,
    /// Longest snippet, in characters; 0 when no passage is wanted, which saves reading the texts.
    pub snippet_chars: usize,
    /// Show files of equal content as one hit.
    pub collapse_duplicates: bool,
    /// A content that is not to be found.
    pub without: Option<ContentKey>,
    /// Tell each hit's rank by each signal, which takes sorting them all.
    pub explain: bool,
    /// Weights of the signals; `None`: the measured ones of the mode.
    pub weights: Option<Weights>,
}

impl<'a> SearchRequest<'a> {
    /// The first ten hits of a query, hybrid, with snippets of 240 characters.
    pub fn new(query: &'a Query) -> Self {
        SearchRequest {
            query,
            vector: None,
            mode: Mode::Hybrid,
            limit: 10,
            offset: 0,
            snippet_chars: 240,
            collapse_duplicates: true,
            without: None,
            explain: false,
            weights: None,
        }
    }
}

/// The answer to a search.
#[derive(Clone, Debug, Default)]
pub struct SearchResults {
    /// Documents that were ranked, those before and after this page too.
    pub total: usize,
    /// The page of hits asked for, best first.
    pub hits: Vec<Hit>,
    /// What the person should know about this answer.
    pub warnings: Vec<String>,
    /// Share (0 to 1) of the live documents that have vectors of the query's encoder; 1 when no
    /// vector was given.
    pub encoded: f32,
    /// The mode that was in fact used: without a vector, hybrid is keyword.
    pub mode: Mode,
    /// The weights that the signals had; `None` where words alone rank.
    pub weights: Option<Weights>,
}

/// The three signals of a hit; `None` where a signal had nothing to say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signals {
    /// By word: BM25.
    pub keyword: Option<f32>,
    /// By meaning, the whole document: cosine.
    pub document: Option<f32>,
    /// By meaning, the best passage: cosine.
    pub passage: Option<f32>,
}

/// Places of a hit, counted from 1, in the order that each signal alone would give; `None` where it
/// had nothing to say, or nobody asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ranks {
    /// By word.
    pub keyword: Option<usize>,
    /// By document vector.
    pub document: Option<usize>,
    /// By best passage.
    pub passage: Option<usize>,
}

/// One document found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Place in the ranking, counted from 1.
    pub rank: usize,
    /// Number of the document.
    pub id: u64,
    /// Where the file lies.
    pub path: PathBuf,
    /// Title.
    pub title: String,
    /// Kind, for example `pdf`.
    pub kind: String,
    /// Format within the kind.
    pub format: String,
    /// Who wrote it, as the document itself says.
    pub author: Option<String>,
    /// When it was written, as the document itself says: `2024-03-01`, `2024-03` or `2024`.
    pub dated: Option<String>,
    /// Length of the file in bytes.
    pub size_bytes: u64,
    /// Time of last modification, nanoseconds since 1970.
    pub modified_ns: i64,
    /// What the ranking went by.
    pub score: f32,
    /// The query is exactly this document's file name or title; such hits come first.
    pub exact_name: bool,
    /// The signals as measured.
    pub scores: Signals,
    /// The signals in standard deviations from the collection's mean, as they were added up.
    pub standardised: Signals,
    /// Where each signal alone would have it; see [`SearchRequest::explain`].
    pub ranks: Ranks,
    /// The passage that answers best.
    pub passage: Option<PassageHit>,
    /// Other files with the same content.
    pub also_at: Vec<PathBuf>,
}

/// The passage of a hit that answers best, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct PassageHit {
    /// The whole passage.
    pub text: String,
    /// Page, counted from 1.
    pub page: Option<u32>,
    /// Line, counted from 1.
    pub line: u32,
    /// Nearest heading above.
    pub heading: Option<String>,
    /// First byte in the document's text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// A short piece of the passage around the words of the query.
    pub snippet: String,
    /// Byte ranges in `snippet` that match words of the query.
    pub highlights: Vec<Range<usize>>,
}

/// A document named by a person.
#[derive(Clone, Copy, Debug)]
pub enum DocumentRef<'a> {
    /// By number.
    Id(u64),
    /// By path.
    Path(&'a Path),
}

/// A document with its whole text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDocument {
    /// Number of the document.
    pub id: u64,
    /// Where the file lies.
    pub path: PathBuf,
    /// The added folder it belongs to.
    pub root: PathBuf,
    /// Identity of its content.
    pub content: ContentKey,
    /// Title.
    pub title: String,
    /// Kind, for example `pdf`.
    pub kind: String,
    /// Format within the kind.
    pub format: String,
    /// Language, when known.
    pub language: Option<String>,
    /// Who wrote it, as the document itself says.
    pub author: Option<String>,
    /// When it was written, as the document itself says.
    pub dated: Option<String>,
    /// Length of the file in bytes.
    pub size_bytes: u64,
    /// Time of last modification, nanoseconds since 1970.
    pub modified_ns: i64,
    /// The whole text.
    pub text: String,
    /// Byte ranges of the headings in `text`.
    pub headings: Vec<Range<usize>>,
    /// Passages in order.
    pub passages: Vec<PassageSpan>,
    /// Byte offset at which each page starts; empty when there are no pages.
    pub pages: Vec<usize>,
    /// What the extractor said about the document.
    pub warnings: Vec<String>,
}
