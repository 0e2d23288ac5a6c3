//! What a person typed into the search box, understood leniently.
//!
//! | written | means |
//! |---|---|
//! | `word` | ranks documents that hold it higher |
//! | `word*`, `*word`, `w?rd` | the same of any word spelt so: `*` any characters, `?` one |
//! | `word~`, `word~2` | the same of any word like it, with one typing error or two |
//! | `"some words"` | only documents that hold these words in a row |
//! | `-word`, `-"some words"` | no documents that hold it |
//! | `title:word`, `title:"some words"` | only documents with it in the title |
//! | `author:word`, `author:"some words"` | only documents that name this author |
//! | `path:GLOB` | only files whose path matches: see [`Filters::add_path`] |
//! | `type:pdf,code` | only files of one of these formats, kinds or extensions |
//! | `after:DATE`, `before:DATE` | only files changed from then on, or before: see [`parse_date`] |
//!
//! `-title:`, `-author:`, `-path:` and `-type:` exclude; wildcards and `~` stand in fields and exclusions,
//! too. Anything else with a colon (`std::fs`, `12:30`, `https://…`) is plain text, and so is an
//! operator after a backslash (`\-rf`).
//!
//! What may just as well be text (a quote that is not closed, `title:` without a value) is searched
//! for as text, with a [`Warning`] that says where: people paste clauses and lines of code. What can
//! only be a filter, and is none (`after:someday`), is a [`QueryError`] that says where: without the
//! filter the answer would be another.

mod dates;
mod filters;
mod parse;
mod spelling;

use std::fmt;

pub use dates::parse_date;
pub use filters::{FilterError, Filters, PathFilter, TypeFilter};
pub use parse::is_one_typo;
pub(crate) use spelling::has_spaces;
#[cfg(test)]
pub(crate) use spelling::matches_pattern;
pub use spelling::{Spelling, typos_allowed};

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
    /// Where each type that the query names stands.
    pub types_at: Vec<(String, Place)>,
    /// What was not understood, for the person to read.
    pub warnings: Vec<Warning>,
}

/// A part of a query, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The first character, counted from 0.
    pub at: usize,
    /// How many there are.
    pub length: usize,
}

/// One word or phrase.
///
/// A plain word is optional: it ranks documents. A phrase or a word in a field is required, and an
/// exclusion must not occur; both hold for documents found by meaning, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// As written, without quotes and operators, to be tokenised: `std::fs` is one clause of two
    /// tokens. In a phrase, words are one space apart. A pattern has its wildcards.
    pub text: String,
    /// How closely words must be spelt like it.
    pub spelling: Spelling,
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

    /// The text without wildcards, as an encoder reads it.
    fn letters(&self) -> std::borrow::Cow<'_, str> {
        match self.spelling {
            Spelling::Pattern => spelling::letters_of(&self.text).into(),
            Spelling::Exact | Spelling::Near(_) => self.text.as_str().into(),
        }
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
    /// Where it stands.
    pub place: Place,
    /// What is wrong and what happened instead.
    pub message: String,
}

/// Why a query cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// No word at all.
    #[error("the query has no word to search for")]
    Empty,
    /// All words are exclusions.
    #[error("the query only says what to leave out: add a word to search for")]
    OnlyExclusions {
        /// The first exclusion.
        place: Place,
    },
    /// There are filters, but no words.
    #[error("the query only has filters: add a word to search for")]
    OnlyFilters {
        /// The first filter.
        place: Place,
    },
    /// A `*` without letters.
    #[error("`*` alone stands for every word: put letters before it, as in lease*")]
    LoneWildcard {
        /// The `*`.
        place: Place,
    },
    /// A field's value holds no word.
    #[error("there is no word to look for in the {field}")]
    NoWord {
        /// The field.
        field: &'static str,
        /// Field and value.
        place: Place,
    },
    /// A date is excluded.
    #[error("-{field}: is not known: write {instead}: for the time on the other side")]
    ExcludedDate {
        /// `after` or `before`.
        field: &'static str,
        /// The other of the two.
        instead: &'static str,
        /// Field and value.
        place: Place,
    },
    /// A filter is none.
    #[error("{error}")]
    Filter {
        /// What is wrong with it.
        error: FilterError,
        /// The filter's value.
        place: Place,
    },
}

impl QueryError {
    /// What the error is about.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match *self {
            Self::Empty => None,
            Self::OnlyExclusions { place }
            | Self::OnlyFilters { place }
            | Self::LoneWildcard { place }
            | Self::NoWord { place, .. }
            | Self::ExcludedDate { place, .. }
            | Self::Filter { place, .. } => Some(place),
        }
    }
}

impl Query {
    /// Understands a query. `now_sec` (Unix time) is what `today` or `7d` count from.
    ///
    /// # Errors
    /// If there is no word or phrase to search for, or a filter is none.
    pub fn parse(text: &str, now_sec: i64) -> Result<Self, QueryError> {
        parse::parse(text, now_sec)
    }

    /// Plain words, none of which has a meaning as an operator.
    pub(crate) fn of_words(words: &[String], filters: Filters) -> Self {
        let clause = |word: &String| Clause {
            text: word.clone(),
            spelling: Spelling::Exact,
            phrase: false,
            field: Field::Any,
            exclude: false,
        };
        Query {
            text_for_meaning: words.join(" "),
            clauses: words.iter().map(clause).collect(),
            filters,
            types_at: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Puts another word in the place of one. The text for meaning keeps both: an encoder may
    /// know a word that no document has.
    pub(crate) fn replace_word(&mut self, clause: usize, from: &str, to: &str) {
        let Some(clause) = self.clauses.get_mut(clause) else { return };
        clause.text = clause.text.replacen(from, to, 1);
        let text = &self.text_for_meaning;
        let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        let whole =
            text.match_indices(from).map(|(at, _)| (at, at + from.len())).find(|&(at, end)| {
                ends(text[..at].chars().next_back()) && ends(text[end..].chars().next())
            });
        if let Some((_, end)) = whole {
            self.text_for_meaning.insert_str(end, &format!(" {to}"));
        }
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
        } else if self.spelling != Spelling::Exact {
            write!(f, "{minus}{field}{}{}", self.text, self.spelling)
        } else if minus.is_empty() && field.is_empty() {
            f.write_str(&parse::escaped(&self.text))
        } else {
            write!(f, "{minus}{field}{}", self.text)
        }
    }
}

#[cfg(test)]
mod tests;
