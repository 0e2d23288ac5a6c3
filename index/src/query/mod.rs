//! What a person typed into the search box, understood leniently.
//!
//! | written | means |
//! |---|---|
//! | `word` | ranks documents that hold it higher |
//! | `"some words"` | only documents that hold these words in a row |
//! | `-word`, `-"some words"` | no documents that hold it |
//! | `title:word`, `title:"some words"` | only documents with it in the title |
//! | `author:word`, `author:"some words"` | only documents that name this author |
//! | `path:GLOB` | only files whose path matches: see [`Filters::add_path`] |
//! | `type:pdf,code` | only files of one of these formats, kinds or extensions |
//! | `after:DATE`, `before:DATE` | only files changed from then on, or before: see [`parse_date`] |
//!
//! `-title:`, `-author:`, `-path:` and `-type:` exclude. Anything else with a colon (`std::fs`, `12:30`,
//! `https://…`) is plain text, and so is an operator after a backslash (`\-rf`). What cannot be
//! understood is searched for as plain text too, with a [`Warning`] that says where: a search box
//! that answers with syntax errors helps nobody.

mod dates;
mod filters;
mod parse;

use std::fmt;

pub use dates::parse_date;
pub use filters::{FilterError, Filters, PathFilter, TypeFilter};

/// A query, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The text to encode: all words and phrases in order, without operators, filters and what is
    /// excluded. Never empty.
    pub text_for_meaning: String,
    /// Words and phrases to search for, in the order written. At least one is not an exclusion.
    pub clauses: Vec<Clause>,
    /// Conditions on the file.
    pub filters: Filters,
    /// What was not understood, for the person to read.
    pub warnings: Vec<Warning>,
}

/// One word or phrase.
///
/// A plain word is optional: it ranks documents. A phrase or a word in a field is required, and an
/// exclusion must not occur; both hold for documents found by meaning, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// As written, without quotes and operators, to be tokenised: `std::fs` is one clause of two
    /// tokens. In a phrase, words are one space apart.
    pub text: String,
    /// Whether it stood in quotes: its tokens must follow one another.
    pub phrase: bool,
    /// Where it must occur.
    pub field: Field,
    /// Whether documents that hold it are left out.
    pub exclude: bool,
}

impl Clause {
    /// Whether a document must hold this to be found.
    #[must_use]
    pub fn required(&self) -> bool {
        !self.exclude && (self.phrase || self.field != Field::Any)
    }
}

/// The part of a document that a clause is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Any part.
    Any,
    /// The title.
    Title,
    /// Who wrote it.
    Author,
}

/// A part of a query that was not understood, and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Position in the query, in characters from 0.
    pub at: usize,
    /// What is wrong and what happened instead.
    pub message: String,
}

/// Why there is nothing to search for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// No word at all.
    #[error("the query has no word to search for")]
    Empty,
    /// All words are exclusions.
    #[error("the query only says what to leave out (at character {}): add a word to search for", .at + 1)]
    OnlyExclusions {
        /// Position of the first exclusion, in characters from 0.
        at: usize,
    },
    /// There are filters, but no words.
    #[error("the query only has filters (at character {}): add a word to search for", .at + 1)]
    OnlyFilters {
        /// Position of the first filter, in characters from 0.
        at: usize,
    },
}

impl QueryError {
    /// Position that the error is about, in characters from 0.
    #[must_use]
    pub fn at(&self) -> usize {
        match *self {
            Self::Empty => 0,
            Self::OnlyExclusions { at } | Self::OnlyFilters { at } => at,
        }
    }
}

impl Query {
    /// Understands a query. `now_sec` (Unix time) is what `today` or `7d` count from.
    ///
    /// # Errors
    /// If there is no word or phrase to search for.
    pub fn parse(text: &str, now_sec: i64) -> Result<Self, QueryError> {
        parse::parse(text, now_sec)
    }

    /// Whether documents must satisfy more than their filters to be found: a phrase, a word in the
    /// title, or an exclusion.
    #[must_use]
    pub fn has_conditions(&self) -> bool {
        self.clauses.iter().any(|clause| clause.required() || clause.exclude)
    }
}

/// In a canonical form that parses to the same query, without warnings.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for clause in &self.clauses {
            write!(f, "{separator}{clause}")?;
            separator = " ";
        }
        if !self.filters.is_empty() {
            write!(f, "{separator}{}", self.filters)?;
        }
        Ok(())
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minus = if self.exclude { "-" } else { "" };
        let field = match self.field {
            Field::Any => "",
            Field::Title => "title:",
            Field::Author => "author:",
        };
        if self.phrase {
            write!(f, "{minus}{field}\"{}\"", self.text)
        } else if minus.is_empty() && field.is_empty() {
            f.write_str(&parse::escaped(&self.text))
        } else {
            write!(f, "{minus}{field}{}", self.text)
        }
    }
}

#[cfg(test)]
mod tests;
