//! A person's query into tantivy's.

use std::collections::{HashMap, HashSet};

use tantivy::query::{
    BooleanQuery, BoostQuery, Occur, PhraseQuery, Query as LexicalQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, Term};

use super::schema::name_hash;
use super::spread::Spread;
use super::terms::QueryTerms;
use super::tokens::{Analyzed, analyze, is_stop_word};
use super::{Fields, Lexical, Purpose, analyzer};
use crate::error::{PathContext, Result};
use crate::query::{Clause, Field as ClauseField, Query, Spelling};

/// Weights of the fields. The body alone is plain BM25 over whole documents; the others break ties
/// in favour of documents that are about the words and not only hold them.
const BODY: f32 = 1.0;
const TITLE: f32 = 0.25;
const HEADINGS: f32 = 0.1;
const PATH: f32 = 0.25;
/// Weight of the words of an identifier or a hyphenated word standing together.
const TOGETHER: f32 = 0.5;
/// A query of more distinct words is cut to its rarest.
const MOST_TERMS: usize = 512;

pub(super) type Boxed = Box<dyn LexicalQuery>;

/// A query ready to run.
pub(crate) struct Compiled {
    /// Matches and scores; `None` when the query asks for no word that could be indexed.
    pub(crate) scoring: Option<Boxed>,
    /// What every hit must fulfil, hits by meaning too; `None` when anything goes.
    pub(crate) required: Option<Boxed>,
    /// Documents that go by exactly this name; `None` when the query has operators.
    pub(crate) exact_name: Option<Boxed>,
    /// Its words, for choosing passages and marking snippets.
    pub(crate) terms: QueryTerms,
    /// The words that rank.
    pub(crate) words: RankingWords,
    /// What the person should know about it.
    pub(crate) remarks: Vec<String>,
}

/// The words of a query as they stand in bodies.
#[derive(Clone, Debug, Default)]
pub(crate) struct RankingWords {
    /// Each with how often the query has it.
    pub(crate) words: Vec<(Term, f32)>,
    /// Places in `words` of two that follow one another in the query, words that say little left
    /// out. Each pair once.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// Places in `words` of several that belong together, each with its distance from the first.
    pub(crate) phrases: Vec<Vec<(usize, u32)>>,
}

impl RankingWords {
    /// Notes tokens that belong together; not where one of them does not rank.
    fn add_phrase(&mut self, field: Field, tokens: &[Analyzed]) {
        let mut phrase = Vec::new();
        let mut first = None;
        for token in parts(tokens) {
            let term = Term::from_field_text(field, &token.text);
            let Some(place) = self.words.iter().position(|(word, _)| *word == term) else { return };
            let first = *first.get_or_insert(token.position);
            phrase.push((place, (token.position - first) as u32));
        }
        self.phrases.push(phrase);
    }
}

/// Compiles a query against a snapshot of the index.
pub(crate) fn compile(lexical: &Lexical, searcher: &Searcher, query: &Query) -> Result<Compiled> {
    let mut analyzer = analyzer(Purpose::Query);
    let mut compiler = Compiler {
        lexical,
        searcher,
        terms: QueryTerms::default(),
        words: RankingWords::default(),
        remarks: Vec::new(),
    };
    let mut should: Vec<(Occur, Boxed)> = Vec::new();
    let mut required: Vec<(Occur, Boxed)> = Vec::new();
    let mut clauses: Vec<(&Clause, Vec<Analyzed>)> = Vec::new();
    for clause in &query.clauses {
        if clause.spelling != Spelling::Exact
            && compiler.spread(clause, &mut should, &mut required)?
        {
            continue;
        }
        clauses.push((clause, analyze(&mut analyzer, &clause.text)));
    }
    clauses.retain(|(_, tokens)| !tokens.is_empty());
    for (clause, tokens) in &clauses {
        if clause.exclude {
            required.push((Occur::MustNot, compiler.sequence(clause.field, tokens)));
        } else if clause.required() {
            compiler.note(clause.field, tokens);
            required.push((Occur::Must, compiler.sequence(clause.field, tokens)));
            should.push((Occur::Should, compiler.sequence(clause.field, tokens)));
        }
    }
    let plain: Vec<&Vec<Analyzed>> = clauses
        .iter()
        .filter(|(clause, _)| !clause.exclude && !clause.required())
        .map(|(_, tokens)| tokens)
        .collect();
    should.extend(compiler.ranking(&plain, should.is_empty())?);
    let has_must = required.iter().any(|(occur, _)| *occur == Occur::Must);
    if !has_must && !required.is_empty() {
        required.push((Occur::Must, Box::new(tantivy::query::AllQuery)));
    }
    let required: Option<Boxed> =
        (!required.is_empty()).then(|| Box::new(BooleanQuery::new(required)) as Boxed);
    let scoring: Option<Boxed> =
        (!should.is_empty()).then(|| Box::new(BooleanQuery::new(should)) as Boxed);
    Ok(Compiled {
        scoring,
        required,
        exact_name: exact_name(lexical, query),
        terms: compiler.terms,
        words: compiler.words,
        remarks: compiler.remarks,
    })
}

/// Looks the whole query up as a name, when it is nothing but words.
fn exact_name(lexical: &Lexical, query: &Query) -> Option<Boxed> {
    let operators = query
        .clauses
        .iter()
        .any(|c| c.exclude || c.field != ClauseField::Any || c.spelling != Spelling::Exact);
    if operators || query.clauses.is_empty() {
        return None;
    }
    // The words are not what the encoder reads where one was corrected.
    let words: Vec<&str> = query.clauses.iter().map(|clause| clause.text.as_str()).collect();
    let hashes = [name_hash(&query.text_for_meaning), name_hash(&words.join(" "))];
    let terms = hashes.map(|hash| Term::from_field_u64(lexical.fields.name, hash));
    Some(Box::new(TermSetQuery::new(terms)))
}

struct Compiler<'a> {
    lexical: &'a Lexical,
    searcher: &'a Searcher,
    terms: QueryTerms,
    words: RankingWords,
    remarks: Vec<String>,
}

impl Compiler<'_> {
    /// The clauses of a word that stands for many; false when it stands for none and has to be taken
    /// as the text that it is.
    fn spread(
        &mut self,
        clause: &Clause,
        should: &mut Vec<(Occur, Boxed)>,
        required: &mut Vec<(Occur, Boxed)>,
    ) -> Result<bool> {
        let spread = Spread::of(self.lexical, self.searcher, clause)?;
        self.remarks.extend(spread.remark(clause).filter(|_| !clause.exclude));
        let optional = !clause.exclude && !clause.required();
        if spread.forms.is_empty() && optional {
            return Ok(false);
        }
        if !optional {
            let occur = if clause.exclude { Occur::MustNot } else { Occur::Must };
            required.push((occur, Box::new(spread.holding())));
        }
        if !clause.exclude {
            should.push((Occur::Should, spread.scoring(self.lexical, clause.field)));
            if clause.field == ClauseField::Any {
                self.words.words.extend(spread.within(self.lexical));
            }
            let forms = spread.forms.into_iter().map(|form| form.text);
            self.terms.add_forms(forms);
        }
        Ok(true)
    }

    /// The scoring clauses of plain words. Words that say little are left out unless there are no
    /// others (`alone`).
    fn ranking(&mut self, clauses: &[&Vec<Analyzed>], alone: bool) -> Result<Vec<(Occur, Boxed)>> {
        // "WHO" and "IT" are no pronouns, unless everything is written so.
        let shouted = clauses.iter().flat_map(|tokens| tokens.iter()).all(|token| token.capitals);
        let says = |token: &Analyzed| (token.capitals && !shouted) || !is_stop_word(&token.text);
        let any_says = !alone || clauses.iter().any(|tokens| tokens.iter().any(says));
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut order: Vec<&str> = Vec::new();
        let mut sequence: Vec<&str> = Vec::new();
        for token in clauses.iter().flat_map(|tokens| tokens.iter()) {
            if any_says && !says(token) {
                continue;
            }
            if token.span == 1 {
                sequence.push(&token.text);
            }
            let count = counts.entry(&token.text).or_insert(0);
            if *count == 0 {
                order.push(&token.text);
            }
            *count += 1;
        }
        if order.len() > MOST_TERMS {
            let mut rarest = Vec::with_capacity(order.len());
            for text in order {
                let term = Term::from_field_text(self.lexical.fields.body, text);
                rarest.push((self.searcher.doc_freq(&term).at(&self.lexical.folder)?, text));
            }
            rarest.sort_by_key(|(documents, _)| *documents);
            rarest.truncate(MOST_TERMS);
            order = rarest.into_iter().map(|(_, text)| text).collect();
        }
        let fields = self.lexical.fields;
        let mut should: Vec<(Occur, Boxed)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for text in order {
            self.terms.add(text);
            let count = counts[text] as f32;
            places.insert(text, self.words.words.len());
            self.words.words.push((Term::from_field_text(fields.body, text), count));
            for (field, weight) in text_fields(&fields) {
                should.push((Occur::Should, boosted(term_query(field, text), weight * count)));
            }
        }
        let mut paired = HashSet::new();
        for pair in sequence.windows(2) {
            if let (Some(&first), Some(&second)) = (places.get(pair[0]), places.get(pair[1]))
                && first != second
                && paired.insert((first, second))
            {
                self.words.pairs.push((first, second));
            }
        }
        for tokens in clauses.iter().filter(|tokens| parts(tokens).count() > 1) {
            let together = self.sequence_in(fields.body, tokens);
            should.push((Occur::Should, boosted(together, TOGETHER)));
            self.words.add_phrase(fields.body, tokens);
        }
        Ok(should)
    }

    /// Matches the tokens standing one after the other.
    fn sequence(&self, field: ClauseField, tokens: &[Analyzed]) -> Boxed {
        let fields = self.lexical.fields;
        match field {
            ClauseField::Title => self.sequence_in(fields.title, tokens),
            ClauseField::Author => self.sequence_in(fields.author, tokens),
            ClauseField::Any => {
                let body = boosted(self.sequence_in(fields.body, tokens), BODY);
                let title = boosted(self.sequence_in(fields.title, tokens), TITLE);
                Box::new(BooleanQuery::new(vec![(Occur::Should, body), (Occur::Should, title)]))
            }
        }
    }

    fn sequence_in(&self, field: Field, tokens: &[Analyzed]) -> Boxed {
        let terms: Vec<(usize, Term)> = parts(tokens)
            .map(|token| (token.position, Term::from_field_text(field, &token.text)))
            .collect();
        match terms.as_slice() {
            [(_, term)] => Box::new(TermQuery::new(term.clone(), IndexRecordOption::WithFreqs)),
            _ => Box::new(PhraseQuery::new_with_offset(terms)),
        }
    }

    fn note(&mut self, field: ClauseField, tokens: &[Analyzed]) {
        let body = self.lexical.fields.body;
        for token in parts(tokens) {
            if field == ClauseField::Any {
                self.words.words.push((Term::from_field_text(body, &token.text), 1.0));
            }
            self.terms.add(&token.text);
        }
        if field == ClauseField::Any && parts(tokens).count() > 1 {
            self.words.add_phrase(body, tokens);
        }
    }
}

/// The tokens without the identifiers that their parts spell out.
fn parts(tokens: &[Analyzed]) -> impl Iterator<Item = &Analyzed> {
    tokens.iter().filter(|token| token.span == 1)
}

/// The fields that plain words are looked for in, with their weights.
pub(super) fn text_fields(fields: &Fields) -> [(Field, f32); 4] {
    [
        (fields.body, BODY),
        (fields.title, TITLE),
        (fields.headings, HEADINGS),
        (fields.path_words, PATH),
    ]
}

pub(super) fn term_query(field: Field, text: &str) -> Boxed {
    let term = Term::from_field_text(field, text);
    Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
}

fn boosted(query: Boxed, weight: f32) -> Boxed {
    if weight == 1.0 { query } else { Box::new(BoostQuery::new(query, weight)) }
}
