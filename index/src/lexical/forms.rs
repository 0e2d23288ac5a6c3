//! The words of documents as they are spelt: the lexical index keeps stems, in which neither a pattern
//! nor a typing error can be looked for. Only which documents have a form is kept, not where. Numbers and
//! identifiers are not stemmed, so that they need no form: they are as many as all other words.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::path::Path;

use rayon::prelude::*;
use tantivy::query::FuzzyTermQuery;
use tantivy::schema::Field;
use tantivy::tokenizer::{AsciiFoldingFilter, TextAnalyzer, TokenStream, WhitespaceTokenizer};
use tantivy::{Searcher, SegmentReader, TantivyError, Term};
use tantivy_fst::Regex;

use super::guarded;
use super::language::Language;
use super::stem::is_kept_as_spelt;
use super::tokens::{folding_analyzer, normalised, positions_at};
use crate::error::{IndexError, PathContext, Result};
use crate::query::has_spaces;

/// Longer ones are data: nobody looks for them by a part.
const MAX_FORM_BYTES: usize = 48;

/// How the index cuts what [`forms_of`] gives.
pub(super) fn stored_forms() -> TextAnalyzer {
    TextAnalyzer::from(WhitespaceTokenizer::default())
}

/// The forms that stand in some texts, each once.
pub(super) struct FormList {
    language: Option<&'static Language>,
    /// Hashes of what was seen as it is written: most words of a text are known by then, and are neither
    /// spelt out nor looked up.
    written: HashSet<u64, BuildHasherDefault<Hashed>>,
    forms: HashSet<String>,
    folding: TextAnalyzer,
    text: String,
}

impl FormList {
    /// A list of no forms yet, for texts of a language.
    pub(super) fn new(language: Option<&'static Language>) -> Self {
        FormList {
            language,
            written: HashSet::default(),
            forms: HashSet::new(),
            folding: folding_analyzer(),
            text: String::new(),
        }
    }

    /// Adds one token of [`super::tokens::WordTokenizer`] as it is written.
    pub(super) fn add(&mut self, written: &str) {
        if written.len() > 4 * MAX_FORM_BYTES || !self.written.insert(hash_of(written)) {
            return;
        }
        let mut form = normalised(written);
        if !form.is_ascii() {
            let folded = self.folding.token_stream(&form).next().map(|token| token.text.clone());
            form = folded.unwrap_or_default();
        }
        if let Some(behind) = self.language.and_then(|language| language.without_elision(&form)) {
            self.add_form(behind.to_owned());
        }
        self.add_form(form);
    }

    fn add_form(&mut self, form: String) {
        if is_form(&form) && !self.forms.contains(&form) {
            self.text.push_str(&form);
            self.text.push(' ');
            self.forms.insert(form);
        }
    }

    /// Adds the words of a text.
    pub(super) fn add_text(mut self, text: &str) -> Self {
        positions_at(text, [], |word| self.add(word));
        self
    }

    /// The forms with spaces between.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// FNV-1a, stirred once so that its high bits tell as much as its low ones.
fn hash_of(word: &str) -> u64 {
    let hash = word.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    (hash ^ (hash >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

/// Takes a hash for its own hash.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only whole numbers are hashed here.
        self.0 = bytes.iter().fold(self.0, |hash, &byte| (hash << 8) | u64::from(byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Words of scripts without spaces are found by any part of them as it is, and what is not stemmed
/// stands in the body's dictionary as it is spelt.
fn is_form(word: &str) -> bool {
    word.len() <= MAX_FORM_BYTES
        && !is_kept_as_spelt(word)
        && word.chars().next().is_some_and(has_spaces)
        && !word.contains(char::is_whitespace)
}

/// A word or pattern of a query in the spelling of forms.
pub(crate) fn as_form(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    let mut analyzer =
        TextAnalyzer::builder(WhitespaceTokenizer::default()).filter(AsciiFoldingFilter).build();
    let lower = word.to_lowercase().replace('\u{2019}', "'");
    analyzer.token_stream(&lower).process(&mut |token| folded.push_str(&token.text));
    folded
}

/// A form that stands in documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) text: String,
    /// In how many documents, removed ones perhaps included.
    pub(crate) documents: u64,
}

/// Which forms are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted<'a> {
    /// Those that a pattern matches.
    Pattern(&'a str),
    /// Those that so many typing errors make of a word.
    Near(&'a str, u8),
}

/// The forms of some fields that are wanted, those of most documents first. A document that has one in
/// two fields counts twice.
pub(crate) fn forms(
    searcher: &Searcher,
    folder: &Path,
    fields: &[Field],
    wanted: Wanted<'_>,
) -> Result<Vec<Form>> {
    // A pattern that begins with a wildcard goes through whole dictionaries, so each has a thread.
    let dictionaries: Vec<(&SegmentReader, Field)> = searcher
        .segment_readers()
        .iter()
        .flat_map(|segment| fields.iter().map(move |&field| (segment, field)))
        .collect();
    let by_segment: Vec<HashMap<String, u64>> = dictionaries
        .into_par_iter()
        .map(|(segment, field)| guarded(folder, || forms_in(segment, folder, field, wanted)))
        .collect::<Result<_>>()?;
    let mut found: HashMap<String, u64> = HashMap::new();
    for (text, documents) in by_segment.into_iter().flatten() {
        *found.entry(text).or_default() += documents;
    }
    let mut forms: Vec<Form> =
        found.into_iter().map(|(text, documents)| Form { text, documents }).collect();
    forms.sort_unstable_by(|a, b| b.documents.cmp(&a.documents).then_with(|| a.text.cmp(&b.text)));
    Ok(forms)
}

/// The same in one segment, with the number of documents of each.
fn forms_in(
    segment: &SegmentReader,
    folder: &Path,
    field: Field,
    wanted: Wanted<'_>,
) -> Result<HashMap<String, u64>> {
    let mut found: HashMap<String, u64> = HashMap::new();
    let mut add = |form: &[u8], documents: u32| {
        if let Ok(form) = std::str::from_utf8(form) {
            found.insert(form.to_owned(), u64::from(documents));
        }
    };
    let index = segment.inverted_index(field).at(folder)?;
    let dictionary = index.terms();
    // Streams through automata go past what does not match without reading what is stored of it.
    match wanted {
        Wanted::Pattern(pattern) => {
            let automaton = Regex::new(&regex_of(pattern))
                .map_err(|error| IndexError::input(format!("{pattern}: {error}")))?;
            let beginning = pattern.split(['*', '?']).next().unwrap_or_default();
            let mut search = dictionary.search(automaton).ge(beginning);
            if let Some(end) = after_all_with(beginning) {
                search = search.lt(end);
            }
            let mut forms = search.into_stream().map_err(TantivyError::from).at(folder)?;
            while let Some((form, info)) = forms.next() {
                add(form, info.doc_freq);
            }
        }
        Wanted::Near(word, typos) => {
            let near = FuzzyTermQuery::new(Term::from_field_text(field, word), typos, true);
            let automaton = near.automaton().at(folder)?;
            let forms = dictionary.search(automaton).into_stream();
            let mut forms = forms.map_err(TantivyError::from).at(folder)?;
            while let Some((form, info)) = forms.next() {
                add(form, info.doc_freq);
            }
        }
    }
    Ok(found)
}

/// A pattern as a regular expression.
fn regex_of(pattern: &str) -> String {
    let mut regex = String::with_capacity(pattern.len() + 8);
    for c in pattern.chars() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            c if c.is_alphanumeric() || matches!(c, '_' | '\'') => regex.push(c),
            c => regex.push_str(&format!("\\x{{{:x}}}", u32::from(c))),
        }
    }
    regex
}

/// The least bytes that are greater than all that begin so.
fn after_all_with(beginning: &str) -> Option<Vec<u8>> {
    let mut bytes = beginning.as_bytes().to_vec();
    // No byte of UTF-8 is the greatest there is.
    *bytes.last_mut()? += 1;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tantivy_fst::Automaton;

    use super::super::tokens::WordTokenizer;
    use super::*;
    use crate::query::matches_pattern;

    /// Words, lower case, without accents.
    fn form_analyzer() -> TextAnalyzer {
        TextAnalyzer::builder(WordTokenizer::for_index()).filter(AsciiFoldingFilter).build()
    }

    #[test]
    fn each_form_is_kept_once_as_it_is_spelt() {
        let list = FormList::new(None).add_text("The leases, the LEASE; parse_HTTP");
        let forms = list.add_text("Größe 検索 don’t 2019").into_text();
        let forms: Vec<&str> = forms.split(' ').filter(|form| !form.is_empty()).collect();
        assert_eq!(forms, ["the", "leases", "lease", "parse", "http", "grosse", "don't"]);
        assert_eq!(FormList::new(None).add_text(&"x".repeat(60)).into_text(), "");
    }

    proptest! {
        /// The short way gives what analysing every token in full would.
        #[test]
        fn the_list_holds_what_queries_spell(text in "([a-zA-Zéßİ’_]{1,6}|検索|[ .-]){0,40}") {
            let mut analyzer = form_analyzer();
            let mut expected = Vec::new();
            let mut stream = analyzer.token_stream(&text);
            while stream.advance() {
                let form = stream.token().text.clone();
                if is_form(&form) && !expected.contains(&form) {
                    expected.push(form);
                }
            }
            let list = FormList::new(None).add_text(&text).into_text();
            let list: Vec<&str> = list.split(' ').filter(|form| !form.is_empty()).collect();
            prop_assert_eq!(list, expected);
        }

        /// The expression says what the pattern does.
        #[test]
        fn expressions_match_what_patterns_do(pattern in "[abé'*?]{1,7}", word in "[abé']{0,8}") {
            let automaton = Regex::new(&regex_of(&pattern)).unwrap();
            let mut state = automaton.start();
            for byte in word.bytes() {
                state = automaton.accept(&state, byte);
            }
            prop_assert_eq!(automaton.is_match(&state), matches_pattern(&pattern, &word));
        }
    }

    #[test]
    fn queries_are_spelt_like_forms() {
        assert_eq!(as_form("Größe*"), "grosse*");
        assert_eq!(as_form("DON’T"), "don't");
    }
}
