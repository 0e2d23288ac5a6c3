//! A person's query into tantivy's.

use std::collections::{HashMap, HashSet};

use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query as LexicalQuery, TermSetQuery};
use tantivy::schema::Field;
use tantivy::{Searcher, Term};

use super::analysis::{Analyzed, QueryAnalyzer, is_stop_word};
use super::language::{Language, language_of};
use super::lookup::{Lookup, Statistics};
use super::schema::name_hash;
use super::spread::Spread;
use super::terms::QueryTerms;
use super::{Fields, Lexical};
use crate::error::Result;
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
    /// What its scores go by.
    pub(crate) statistics: Statistics,
    /// What the person should know about it.
    pub(crate) remarks: Vec<String>,
}

/// The words of a query as they stand in bodies.
#[derive(Clone, Debug, Default)]
pub(crate) struct RankingWords {
    pub(crate) words: Vec<RankingWord>,
    /// Places in `words` of two that follow one another in the query, words that say little left
    /// out. Each pair once.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// Places in `words` of several that belong together, each with its distance from the first.
    pub(crate) phrases: Vec<Vec<(usize, u32)>>,
}

/// A word of a query.
#[derive(Clone, Debug)]
pub(crate) struct RankingWord {
    /// Its English stem, then its native stems.
    pub(crate) terms: Vec<Term>,
    /// How often the query has it.
    pub(crate) weight: f32,
    /// How many documents have the first of the terms.
    pub(crate) documents: u64,
    /// How many have one of them: as rare is the word in documents of other languages.
    pub(crate) native_documents: u64,
}

impl RankingWord {
    pub(super) fn of<'w>(
        lookup: &mut Lookup<'_>,
        stem: &str,
        native: impl Iterator<Item = &'w str>,
        weight: f32,
    ) -> Result<Self> {
        let terms = lookup.terms(lookup.lexical.fields.body, stem, native)?;
        let documents = lookup.documents(&terms[..1])?;
        let native_documents = lookup.documents(&terms)?;
        Ok(RankingWord { terms, weight, documents, native_documents })
    }
}

impl RankingWords {
    /// Notes tokens that belong together; not where one of them does not rank.
    fn add_phrase(&mut self, field: Field, tokens: &[Analyzed]) {
        let mut phrase = Vec::new();
        let mut first = None;
        for token in parts(tokens) {
            let term = Term::from_field_text(field, &token.text);
            let place = self.words.iter().position(|word| word.terms.first() == Some(&term));
            let Some(place) = place else { return };
            let first = *first.get_or_insert(token.position);
            phrase.push((place, (token.position - first) as u32));
        }
        self.phrases.push(phrase);
    }
}

/// Compiles a query against a snapshot of the index.
pub(crate) fn compile(lexical: &Lexical, searcher: &Searcher, query: &Query) -> Result<Compiled> {
    let languages = Language::all_in(lexical, searcher)?;
    let mut analyzer = QueryAnalyzer::new(&languages);
    let mut compiler = Compiler {
        lookup: Lookup::new(lexical, searcher, &languages),
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
        clauses.push((clause, analyzer.analyze(&clause.text)));
    }
    clauses.retain(|(_, tokens)| !tokens.is_empty());
    for (clause, tokens) in &clauses {
        if clause.exclude {
            required.push((Occur::MustNot, compiler.sequence(clause.field, tokens)?));
        } else if clause.required() {
            compiler.note(clause.field, tokens)?;
            required.push((Occur::Must, compiler.sequence(clause.field, tokens)?));
            should.push((Occur::Should, compiler.sequence(clause.field, tokens)?));
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
        statistics: compiler.lookup.statistics,
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
    lookup: Lookup<'a>,
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
        let spread = Spread::of(&mut self.lookup, clause)?;
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
            should.push((Occur::Should, spread.scoring(&mut self.lookup, clause.field)?));
            if clause.field == ClauseField::Any {
                self.words.words.extend(spread.within(&mut self.lookup)?);
            }
            let forms = spread.forms.into_iter().map(|form| form.text);
            self.terms.add_forms(forms);
        }
        Ok(true)
    }

    /// The scoring clauses of plain words. Words that say little are left out unless there are no
    /// others (`alone`).
    fn ranking(&mut self, clauses: &[&Vec<Analyzed>], alone: bool) -> Result<Vec<(Occur, Boxed)>> {
        let tokens = || clauses.iter().flat_map(|tokens| tokens.iter());
        // "WHO" and "IT" are no pronouns, unless everything is written so.
        let shouted = tokens().all(|token| token.capitals);
        let spelt_out = |token: &Analyzed| token.capitals && !shouted;
        let english = tokens().filter(|token| !spelt_out(token) && is_stop_word(&token.text));
        let forms =
            tokens().filter(|token| !spelt_out(token)).map(|token| (token.form.as_str(), 1));
        let language = language_of(self.lookup.languages, forms, english.count());
        let says_little = |token: &Analyzed| {
            is_stop_word(&token.text)
                || language.is_some_and(|language| language.is_stop_word(&token.form))
        };
        let says = |token: &Analyzed| spelt_out(token) || !says_little(token);
        let any_says = !alone || tokens().any(says);
        let mut counted: HashMap<&str, Counted> = HashMap::new();
        let mut order: Vec<&str> = Vec::new();
        let mut sequence: Vec<&str> = Vec::new();
        for token in tokens() {
            if any_says && !says(token) {
                continue;
            }
            if token.span == 1 {
                sequence.push(&token.text);
            }
            let counted = counted.entry(&token.text).or_default();
            if counted.count == 0 {
                order.push(&token.text);
            }
            counted.count += 1;
            for stem in &token.native {
                if !counted.native.contains(&stem.as_str()) {
                    counted.native.push(stem);
                }
            }
        }
        let fields = self.lookup.lexical.fields;
        if order.len() > MOST_TERMS {
            let mut rarest = Vec::with_capacity(order.len());
            for text in order {
                let native = counted[text].native.iter().copied();
                let terms = self.lookup.terms(fields.body, text, native)?;
                rarest.push((self.lookup.documents(&terms)?, text));
            }
            rarest.sort_by_key(|(documents, _)| *documents);
            rarest.truncate(MOST_TERMS);
            order = rarest.into_iter().map(|(_, text)| text).collect();
        }
        let mut should: Vec<(Occur, Boxed)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for text in order {
            let Counted { count, native } = &counted[text];
            let (weight, native) = (*count as f32, native.iter().copied());
            self.terms.add(text, native.clone());
            places.insert(text, self.words.words.len());
            self.add_word(text, native.clone(), weight)?;
            for (field, of_field) in text_fields(&fields) {
                let word = self.lookup.word(field, text, native.clone())?;
                should.push((Occur::Should, boosted(word, of_field * weight)));
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
            let together = self.sequence_in(fields.body, tokens)?;
            should.push((Occur::Should, boosted(together, TOGETHER)));
            self.words.add_phrase(fields.body, tokens);
        }
        Ok(should)
    }

    /// Matches the tokens standing one after the other.
    fn sequence(&mut self, field: ClauseField, tokens: &[Analyzed]) -> Result<Boxed> {
        let fields = self.lookup.lexical.fields;
        match field {
            ClauseField::Title => self.sequence_in(fields.title, tokens),
            ClauseField::Author => self.sequence_in(fields.author, tokens),
            ClauseField::Any => {
                let body = boosted(self.sequence_in(fields.body, tokens)?, BODY);
                let title = boosted(self.sequence_in(fields.title, tokens)?, TITLE);
                let any = vec![(Occur::Should, body), (Occur::Should, title)];
                Ok(Box::new(BooleanQuery::new(any)))
            }
        }
    }

    fn sequence_in(&mut self, field: Field, tokens: &[Analyzed]) -> Result<Boxed> {
        self.lookup.sequence(field, &parts(tokens).collect::<Vec<_>>())
    }

    fn note(&mut self, field: ClauseField, tokens: &[Analyzed]) -> Result<()> {
        for token in parts(tokens) {
            let native = token.native.iter().map(String::as_str);
            if field == ClauseField::Any {
                self.add_word(&token.text, native.clone(), 1.0)?;
            }
            self.terms.add(&token.text, native);
        }
        if field == ClauseField::Any && parts(tokens).count() > 1 {
            self.words.add_phrase(self.lookup.lexical.fields.body, tokens);
        }
        Ok(())
    }

    fn add_word<'w>(
        &mut self,
        stem: &str,
        native: impl Iterator<Item = &'w str>,
        weight: f32,
    ) -> Result<()> {
        let word = RankingWord::of(&mut self.lookup, stem, native, weight)?;
        self.words.words.push(word);
        Ok(())
    }
}

/// A word of the query.
#[derive(Default)]
struct Counted<'a> {
    count: usize,
    /// Its native stems: several of one language where words that English takes for one are two there.
    native: Vec<&'a str>,
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

fn boosted(query: Boxed, weight: f32) -> Boxed {
    if weight == 1.0 { query } else { Box::new(BoostQuery::new(query, weight)) }
}
