//! Words of a query in the index: each by several stems, which count as one word.
//!
//! A document holds a word when it has any of them, and is scored by the one that says most. How much
//! each says depends on the document: in one of another language a word is as rare as its
//! English and native stems are together, in all others as its English stem alone, or English documents
//! would be ranked by what words of other languages happen to be spelt like. Lengths of documents
//! are compared with the average of all documents, not of those in one language.

use std::collections::HashMap;
use std::path::Path;

use tantivy::query::{
    Bm25StatisticsProvider, BooleanQuery, BoostQuery, DisjunctionMaxQuery, Occur, PhraseQuery,
    TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocSet, Searcher, TERMINATED, TantivyError, Term};

use super::analysis::Analyzed;
use super::compile::Boxed;
use super::language::{HAS_NATIVE, Language};
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
        if terms.len() > 1 && !self.counted.contains_key(&terms) {
            let folder = &self.lexical.folder;
            let counts = guarded(folder, || count(self.searcher, folder, &terms))?;
            for (term, with_first) in terms[1..].iter().zip(&counts.with_first) {
                let known = self.statistics.documents.entry(term.clone()).or_default();
                *known = (*known).max(*with_first);
            }
            self.counted.insert(terms.clone(), counts.any);
        }
        Ok(terms)
    }

    /// How many documents have one of some terms that [`Self::terms`] gave, removed ones perhaps
    /// included.
    pub(super) fn documents(&self, terms: &[Term]) -> Result<u64> {
        match (terms, self.counted.get(terms)) {
            ([term], _) => self.searcher.doc_freq(term).at(&self.lexical.folder),
            (_, counted) => Ok(counted.copied().unwrap_or_default()),
        }
    }

    /// Matches a word in a field.
    pub(super) fn word<'w>(
        &mut self,
        field: Field,
        stem: &str,
        native: impl IntoIterator<Item = &'w str>,
    ) -> Result<Boxed> {
        let terms = self.terms(field, stem, native)?;
        let one = |term: &Term| -> Boxed {
            Box::new(TermQuery::new(term.clone(), IndexRecordOption::WithFreqs))
        };
        let [english, native @ ..] = terms.as_slice() else { return Ok(best_of(Vec::new())) };
        let own = self.documents(&terms[..1])?;
        let all = self.documents(&terms)?;
        let mut queries: Vec<Boxed> = native.iter().map(one).collect();
        if native.is_empty() || own == all {
            queries.push(one(english));
        } else if own > 0 {
            let scale = self.idf(all) / self.idf(own);
            queries.push(Box::new(BoostQuery::new(one(english), scale)));
            queries.push(self.without_native(one(english)));
        }
        Ok(best_of(queries))
    }

    /// The same in documents without native stems.
    fn without_native(&self, query: Boxed) -> Boxed {
        let mark = Term::from_field_text(self.lexical.fields.language, HAS_NATIVE);
        let native: Boxed = Box::new(TermQuery::new(mark, IndexRecordOption::Basic));
        Box::new(BooleanQuery::new(vec![(Occur::Must, query), (Occur::MustNot, native)]))
    }

    /// BM25's inverse document frequency.
    fn idf(&self, with: u64) -> f32 {
        let (all, with) = (self.searcher.num_docs().max(with) as f32, with as f32);
        (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
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

/// How many documents have some terms.
struct Counts {
    /// Any of them.
    any: u64,
    /// Each of them or the first, but for that itself.
    with_first: Vec<u64>,
}

/// Counts documents by reading each term's postings once.
fn count(searcher: &Searcher, folder: &Path, terms: &[Term]) -> Result<Counts> {
    let mut counts = Counts { any: 0, with_first: vec![0; terms.len().saturating_sub(1)] };
    for segment in searcher.segment_readers() {
        let mut first = BitSet::with_max_value(segment.max_doc());
        let mut any = BitSet::with_max_value(segment.max_doc());
        for (at, term) in terms.iter().enumerate() {
            let index = segment.inverted_index(term.field()).at(folder)?;
            let postings = index.read_postings(term, IndexRecordOption::Basic);
            let postings = postings.map_err(TantivyError::from).at(folder)?;
            let mut besides_first = 0;
            if let Some(mut postings) = postings {
                let mut doc = postings.doc();
                while doc != TERMINATED {
                    any.insert(doc);
                    if at == 0 {
                        first.insert(doc);
                    } else if !first.contains(doc) {
                        besides_first += 1;
                    }
                    doc = postings.advance();
                }
            }
            if let Some(count) = at.checked_sub(1).and_then(|at| counts.with_first.get_mut(at)) {
                *count += first.len() as u64 + besides_first;
            }
        }
        counts.any += any.len() as u64;
    }
    Ok(counts)
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
        let own = Searcher::doc_freq(self.searcher, term)?;
        Ok(self.statistics.documents.get(term).map_or(own, |&documents| documents.max(own)))
    }
}
