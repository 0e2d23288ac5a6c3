//! The words of documents as they are spelt: the lexical index keeps stems, in which neither a pattern
//! nor a typing error can be looked for. Only which documents have a form is kept, not where.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rayon::prelude::*;
use tantivy::query::FuzzyTermQuery;
use tantivy::schema::Field;
use tantivy::tokenizer::{AsciiFoldingFilter, TextAnalyzer, TokenStream, WhitespaceTokenizer};
use tantivy::{Searcher, SegmentReader, TantivyError, Term};
use tantivy_fst::Regex;

use super::guarded;
use super::tokens::WordTokenizer;
use crate::error::{IndexError, PathContext, Result};
use crate::query::has_spaces;

/// Longer ones are data: nobody looks for them by a part.
const MAX_FORM_BYTES: usize = 48;

/// How forms are read from a document and a query: words, lower case, without accents.
pub(crate) fn form_analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(WordTokenizer::for_index()).filter(AsciiFoldingFilter).build()
}

/// How the index cuts what [`forms_of`] gives.
pub(super) fn stored_forms() -> TextAnalyzer {
    TextAnalyzer::from(WhitespaceTokenizer::default())
}

/// Each form that stands in some texts once, with spaces between.
pub(super) fn forms_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut analyzer = form_analyzer();
    let mut seen: HashSet<String> = HashSet::new();
    let mut forms = String::new();
    for text in texts {
        let mut stream = analyzer.token_stream(text);
        while stream.advance() {
            let form = stream.token().text.as_str();
            if is_form(form) && !seen.contains(form) {
                seen.insert(form.to_owned());
                forms.push_str(form);
                forms.push(' ');
            }
        }
    }
    forms
}

/// Words of scripts without spaces are found by any part of them as it is.
fn is_form(word: &str) -> bool {
    word.len() <= MAX_FORM_BYTES
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

/// The forms of a field that are wanted, those of most documents first.
pub(crate) fn forms(
    searcher: &Searcher,
    folder: &Path,
    field: Field,
    wanted: Wanted<'_>,
) -> Result<Vec<Form>> {
    // A pattern that begins with a wildcard goes through whole dictionaries, so each has a thread.
    let by_segment: Vec<HashMap<String, u64>> = searcher
        .segment_readers()
        .par_iter()
        .map(|segment| guarded(folder, || forms_in(segment, folder, field, wanted)))
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

    use super::*;
    use crate::query::matches_pattern;

    #[test]
    fn each_form_is_kept_once_as_it_is_spelt() {
        let forms = forms_of(["The leases, the LEASE; parse_HTTP", "Größe 検索 don’t 2019"]);
        let forms: Vec<&str> = forms.split(' ').filter(|form| !form.is_empty()).collect();
        assert_eq!(
            forms,
            ["the", "leases", "lease", "parse_http", "parse", "http", "grosse", "don't", "2019"]
        );
        assert_eq!(forms_of(["x".repeat(60).as_str()]), "");
    }

    proptest! {
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
