//! Words of a query that stand for many: patterns, and words that may be misspelt.
//!
//! Which documents hold one of them is told exactly, by their forms. How often and where is told by
//! the stems of these forms, as for any other word.

use std::collections::HashSet;

use tantivy::Term;
use tantivy::collector::Count;
use tantivy::query::{
    BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, Occur, TermSetQuery,
};
use tantivy::schema::Field;

use super::analysis::{Analyzed, QueryAnalyzer};
use super::compile::{Boxed, RankingWord, text_fields};
use super::forms::{Form, Wanted, as_form, forms};
use super::guarded;
use super::lookup::Lookup;
use super::stem::is_kept_as_spelt;
use crate::error::{PathContext, Result};
use crate::query::{Clause, Field as ClauseField, Spelling, typos_allowed};

/// Forms that rank, the most frequent ones. The others are found, too, but all rank alike.
const RANKED_FORMS: usize = 64;
/// Stems that are looked for within passages.
const STEMS_WITHIN: usize = 16;

/// What a word of a query stands for.
pub(super) struct Spread {
    /// Those of most documents first.
    pub(super) forms: Vec<Form>,
    /// The stems of those that rank, each with what it has to be weighed by so that it says as much
    /// as all together do: a rare form of a frequent word is no rare word.
    stems: Vec<(Analyzed, f32)>,
    /// The inverse document frequency of all together.
    idf: f32,
    /// The field that keeps forms.
    of_forms: Field,
    /// Those that keep numbers and identifiers as they are spelt.
    others: Vec<Field>,
}

impl Spread {
    /// Looks up what a word of the query stands for.
    pub(super) fn of(lookup: &mut Lookup<'_>, clause: &Clause) -> Result<Self> {
        let (lexical, searcher) = (lookup.lexical, lookup.searcher);
        let fields = lexical.fields;
        let word = as_form(&clause.text);
        let (of_forms, others) = match clause.field {
            ClauseField::Any => (fields.forms, vec![fields.body, fields.title, fields.path_words]),
            ClauseField::Title => (fields.title_forms, vec![fields.title]),
            ClauseField::Author => (fields.author_forms, vec![fields.author]),
        };
        let wanted = match clause.spelling {
            Spelling::Near(typos) => {
                Wanted::Near(&word, typos.unwrap_or_else(|| typos_allowed(&word).max(1)))
            }
            Spelling::Pattern | Spelling::Exact => Wanted::Pattern(&word),
        };
        let mut found = Vec::new();
        if !is_kept_as_spelt(&word) {
            found.extend(forms(searcher, &lexical.folder, &[of_forms], wanted)?);
        }
        // Of the words that begin with anything only those are looked through that have their parts
        // among the forms: going through all dictionaries takes long.
        if is_kept_as_spelt(&word) || !word.starts_with(['*', '?']) {
            let as_spelt = forms(searcher, &lexical.folder, &others, wanted)?.into_iter();
            found.extend(as_spelt.filter(|form| is_kept_as_spelt(&form.text)));
            // Stable: those of equally many documents stay in order.
            found.sort_by_key(|form| std::cmp::Reverse(form.documents));
        }
        let mut spread = Spread { forms: found, stems: Vec::new(), idf: 0.0, of_forms, others };
        let with = guarded(&lexical.folder, || {
            searcher.search(&spread.holding(), &Count).at(&lexical.folder)
        })?;
        let idf_of = |with: f32| {
            let all = searcher.num_docs() as f32;
            (1.0 + (all.max(with) - with + 0.5) / (with + 0.5)).ln()
        };
        spread.idf = idf_of(with as f32);
        let mut analyzer = QueryAnalyzer::new(lookup.languages);
        let mut seen = HashSet::new();
        let mut seen_native = HashSet::new();
        for form in spread.forms.iter().take(RANKED_FORMS) {
            for mut word in analyzer.analyze(&form.text) {
                // Each stem once: forms of one word are one in some languages and several in others.
                word.native.retain(|stem| seen_native.insert(stem.clone()));
                if seen.insert(word.text.clone()) || !word.native.is_empty() {
                    let native = word.native.iter().map(String::as_str);
                    let terms = lookup.terms(fields.body, &word.text, native)?;
                    let with = match lookup.documents(&terms[..1])? {
                        0 => lookup.documents(&terms)?,
                        with => with,
                    };
                    spread.stems.push((word, spread.idf / idf_of(with as f32)));
                }
            }
        }
        Ok(spread)
    }

    /// Matches the documents that hold one of the forms.
    pub(super) fn holding(&self) -> TermSetQuery {
        TermSetQuery::new(self.forms.iter().flat_map(|form| {
            let fields: &[Field] = match is_kept_as_spelt(&form.text) {
                true => &self.others,
                false => std::slice::from_ref(&self.of_forms),
            };
            fields.iter().map(|&field| Term::from_field_text(field, &form.text))
        }))
    }

    /// Matches the same and scores them as if all forms were one word.
    pub(super) fn scoring(&self, lookup: &mut Lookup<'_>, field: ClauseField) -> Result<Boxed> {
        let fields = lookup.lexical.fields;
        let mut best_of = |field: Field, weight: f32| -> Result<(Occur, Boxed)> {
            let mut words: Vec<Boxed> = Vec::with_capacity(self.stems.len());
            for (word, scale) in &self.stems {
                let native = word.native.iter().map(String::as_str);
                let query = lookup.word(field, &word.text, native)?;
                words.push(Box::new(BoostQuery::new(query, weight * scale)));
            }
            Ok((Occur::Should, Box::new(DisjunctionMaxQuery::new(words))))
        };
        // What only holds forms that do not rank is found, after the others.
        let least = if self.is_cut() { self.idf / 4.0 } else { 0.0 };
        let holding: Boxed = Box::new(ConstScoreQuery::new(Box::new(self.holding()), least));
        let mut parts = vec![(Occur::Must, holding)];
        match field {
            ClauseField::Any => {
                for (field, weight) in text_fields(&fields) {
                    parts.push(best_of(field, weight)?);
                }
            }
            ClauseField::Title => parts.push(best_of(fields.title, 1.0)?),
            ClauseField::Author => parts.push(best_of(fields.author, 1.0)?),
        }
        Ok(Box::new(BooleanQuery::new(parts)))
    }

    /// The words to look for within passages, with their weights.
    pub(super) fn within(&self, lookup: &mut Lookup<'_>) -> Result<Vec<RankingWord>> {
        let mut words = Vec::new();
        for (word, scale) in self.stems.iter().take(STEMS_WITHIN) {
            let native = word.native.iter().map(String::as_str);
            words.push(RankingWord::of(lookup, &word.text, native, *scale)?);
        }
        Ok(words)
    }

    /// Whether there are more forms than rank.
    pub(super) fn is_cut(&self) -> bool {
        self.forms.len() > RANKED_FORMS
    }

    /// What the person should know.
    pub(super) fn remark(&self, clause: &Clause) -> Option<String> {
        let written = format!("{}{}", clause.text, clause.spelling);
        if self.forms.is_empty() {
            return Some(format!("no word of the documents is spelt like {written}"));
        }
        let count = self.forms.len();
        self.is_cut().then(|| {
            format!(
                "{written} stands for {count} words: the {RANKED_FORMS} most frequent decide the order"
            )
        })
    }
}
