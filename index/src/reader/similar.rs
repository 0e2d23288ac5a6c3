//! More like this: documents near to a document instead of a query.

use super::{Mode, Reader, SearchRequest, SearchResults};
use crate::content::ContentKey;
use crate::error::Result;
use crate::lexical::important_words;
use crate::query::{Filters, Query};

/// Words of the document that stand for it where there are no vectors, and that are marked.
const WORDS: usize = 24;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct SimilarRequest<'a> {
    /// The document's text.
    pub text: &'a str,
    /// Its content, where it is indexed: neither itself nor a copy is found.
    pub content: Option<ContentKey>,
    /// Fingerprint of the encoder and the document's vector; `None` ranks by its most telling words.
    pub vector: Option<(&'a str, &'a [f32])>,
    /// Conditions on what is found.
    pub filters: &'a Filters,
    /// Most hits to return.
    pub limit: usize,
    /// Longest snippet, in characters.
    pub snippet_chars: usize,
    /// Show files of equal content as one hit.
    pub collapse_duplicates: bool,
    /// Tell each hit's rank by each signal.
    pub explain: bool,
}

impl Reader {
    /// The vector of a document by the encoder that was used last, and that encoder's fingerprint;
    /// `None` while it has none.
    ///
    /// # Errors
    /// [`crate::IndexError::Damaged`] when it cannot be read.
    pub fn vector_of(&self, content: &ContentKey) -> Result<Option<(String, Vec<f32>)>> {
        let current = self.current();
        let view = &current.view;
        for (fingerprint, table) in view.encodings.by_use() {
            if let Some(encoding) = table.complete.get(&content.short()) {
                let vector = encoding.vector(&view.vectors)?.into_owned();
                return Ok(Some((fingerprint.to_owned(), vector)));
            }
        }
        Ok(None)
    }

    /// The documents nearest to a document by meaning, each by its vector and its nearest passage;
    /// without a vector those that share its most telling words.
    ///
    /// # Errors
    /// Those of [`Reader::search`].
    pub fn similar(&self, request: &SimilarRequest<'_>) -> Result<SearchResults> {
        let words = {
            let current = self.current();
            let view = &current.view;
            important_words(&view.lexical, &view.searcher, request.text, WORDS)?
        };
        if words.is_empty() && request.vector.is_none() {
            return Ok(SearchResults { mode: Mode::Keyword, encoded: 1.0, ..Default::default() });
        }
        let query = Query::of_words(&words, request.filters.clone());
        let mode = if request.vector.is_some() { Mode::Semantic } else { Mode::Keyword };
        self.search(&SearchRequest {
            vector: request.vector,
            mode,
            limit: request.limit,
            snippet_chars: request.snippet_chars,
            collapse_duplicates: request.collapse_duplicates,
            without: request.content,
            explain: request.explain,
            ..SearchRequest::new(&query)
        })
    }
}
