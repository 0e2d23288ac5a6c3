//! Words of a query in the index: each by several stems, which count as one word.
//!
//! A document holds a word when it has any of them, and is scored by the one that says most. For that
//! to be what BM25 of one word would be, all of them are weighed by how many documents have any, and
//! lengths of documents are compared with the average of all documents, not of those in one language.

use std::collections::HashMap;

use tantivy::collector::Count;
use tantivy::query::{
    Bm25StatisticsProvider, DisjunctionMaxQuery, PhraseQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, Term};

use super::analysis::Analyzed;
use super::compile::Boxed;
use super::language::Language;
use super::{Fields, Lexical, guarded};
use crate::error::{PathContext, Result};

/// Looks words up in a snapshot of the index.
pub(super) struct Lookup<'a> {
    pub(super) lexical: &'a Lexical,
    pub(super) searcher: &'a Searcher,
    pub(super) languages: &'a [&'static Language],
    pub(super) statistics: Statistics,
    counted: HashMap<Vec<Term>, u64>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(
        lexical: &'a Lexical,
        searcher: &'a Searcher,
        languages: &'a [&'static Language],
    ) -> Self {
        let statistics = Statistics { fields: lexical.fields, documents: HashMap::new() };
        Lookup { lexical, searcher, languages, statistics, counted: HashMap::new() }
    }

    /// What a word is found by in a field: its English stem, and those of its native stems that
    /// documents have.
    pub(super) fn terms<'w>(
        &mut self,
        field: Field,
        stem: &str,
        native: impl IntoIterator<Item = &'w str>,
    ) -> Result<Vec<Term>> {
        let mut terms = vec![Term::from_field_text(field, stem)];
        if let Some(field) = self.lexical.fields.native(field) {
            for stem in native {
                let term = Term::from_field_text(field, stem);
                if self.searcher.doc_freq(&term).at(&self.lexical.folder)? > 0 {
                    terms.push(term);
                }
            }
        }
        if terms.len() > 1 {
            let documents = self.documents(&terms)?;
            for term in &terms {
                let known = self.statistics.documents.entry(term.clone()).or_default();
                *known = documents.max(*known);
            }
        }
        Ok(terms)
    }

    /// How many documents have one of some terms.
    pub(super) fn documents(&mut self, terms: &[Term]) -> Result<u64> {
        let folder = &self.lexical.folder;
        if let [term] = terms {
            return self.searcher.doc_freq(term).at(folder);
        }
        if let Some(&documents) = self.counted.get(terms) {
            return Ok(documents);
        }
        let any = TermSetQuery::new(terms.iter().cloned());
        let documents = guarded(folder, || self.searcher.search(&any, &Count).at(folder))? as u64;
        self.counted.insert(terms.to_vec(), documents);
        Ok(documents)
    }

    /// Matches a word in a field.
    pub(super) fn word<'w>(
        &mut self,
        field: Field,
        stem: &str,
        native: impl IntoIterator<Item = &'w str>,
    ) -> Result<Boxed> {
        let queries = self
            .terms(field, stem, native)?
            .into_iter()
            .map(|term| -> Boxed { Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)) });
        Ok(best_of(queries.collect()))
    }

    /// Matches words standing one after the other in a field, all by their stems of one language.
    pub(super) fn sequence(&mut self, field: Field, tokens: &[&Analyzed]) -> Result<Boxed> {
        if let [token] = tokens {
            return self.word(field, &token.text, token.native.iter().map(String::as_str));
        }
        for token in tokens {
            // For what the words say, in whichever language they stand.
            self.terms(field, &token.text, token.native.iter().map(String::as_str))?;
        }
        let phrase = |field: Field, stem: &dyn Fn(&Analyzed) -> &str| -> Boxed {
            let term = |token: &&Analyzed| Term::from_field_text(field, stem(token));
            let terms = tokens.iter().map(|token| (token.position, term(token)));
            Box::new(PhraseQuery::new_with_offset(terms.collect()))
        };
        let mut phrases = vec![phrase(field, &|token| &token.text)];
        if let Some(field) = self.lexical.fields.native(field) {
            let languages = 0..self.languages.len();
            phrases
                .extend(languages.map(|language| phrase(field, &|token| &token.native[language])));
        }
        Ok(best_of(phrases))
    }
}

/// Matches what one of some queries does, as the one that scores best.
fn best_of(mut queries: Vec<Boxed>) -> Boxed {
    match queries.len() {
        1 => queries.remove(0),
        _ => Box::new(DisjunctionMaxQuery::new(queries)),
    }
}

/// What BM25 has to know of the index, where that is not what the index says of single terms.
#[derive(Clone, Debug)]
pub(crate) struct Statistics {
    fields: Fields,
    /// How many documents have one of the stems of the word that a term stands for.
    documents: HashMap<Term, u64>,
}

impl Statistics {
    /// The statistics for a search.
    pub(crate) fn of<'a>(&'a self, searcher: &'a Searcher) -> impl Bm25StatisticsProvider + 'a {
        OfSearcher { statistics: self, searcher }
    }
}

struct OfSearcher<'a> {
    statistics: &'a Statistics,
    searcher: &'a Searcher,
}

impl Bm25StatisticsProvider for OfSearcher<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        self.searcher.total_num_tokens(self.statistics.fields.english(field).unwrap_or(field))
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        self.searcher.total_num_docs()
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        // That of a term counts removed documents, too.
        let own = Searcher::doc_freq(self.searcher, term)?;
        Ok(self.statistics.documents.get(term).map_or(own, |&documents| documents.max(own)))
    }
}
