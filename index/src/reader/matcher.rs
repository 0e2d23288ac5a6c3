//! Which words of a text are words of the query, quickly: passages of every hit are looked through,
//! and stemming each of their words would take most of a search's time.

use std::collections::{HashMap, HashSet};

use tantivy::tokenizer::{TextAnalyzer, TokenStream, Tokenizer};

use crate::lexical::{Language, QueryTerms, WordTokenizer, folding_analyzer, word_analyzer};

/// Distinct words remembered before memory is begun anew.
const REMEMBERED: usize = 50_000;

/// Matches words against a query's terms.
pub(super) struct Matcher<'a> {
    terms: &'a QueryTerms,
    tokenizer: WordTokenizer,
    stemmer: TextAnalyzer,
    folder: TextAnalyzer,
    /// The text's languages, as far as native stems are looked for.
    languages: &'a [&'static Language],
    /// First bytes of the terms. Stemming by English never changes a word's first letter; that by
    /// other languages may, so that all words are looked at there.
    first_bytes: [bool; 256],
    /// Numbers of the query's patterns.
    patterns: HashSet<usize>,
    remembered: HashMap<String, Option<usize>>,
}

impl<'a> Matcher<'a> {
    /// A matcher for texts of these languages, and of English.
    pub(super) fn new(terms: &'a QueryTerms, languages: &'a [&'static Language]) -> Self {
        let languages = if terms.native.is_empty() { &[] } else { languages };
        let mut first_bytes = [!languages.is_empty(); 256];
        let words = terms.known.keys().chain(terms.forms.keys());
        for byte in words.filter_map(|word| word.bytes().next()) {
            first_bytes[usize::from(byte)] = true;
        }
        Matcher {
            terms,
            languages,
            tokenizer: WordTokenizer::for_index(),
            stemmer: word_analyzer(),
            folder: folding_analyzer(),
            first_bytes,
            patterns: terms.forms.values().copied().collect(),
            remembered: HashMap::new(),
        }
    }

    /// Calls `found` with position and number of each word of the query in a text, in order, and
    /// returns how many tokens the text has.
    pub(super) fn matches(&mut self, text: &str, mut found: impl FnMut(usize, usize)) -> usize {
        let Matcher { terms, tokenizer, stemmer, folder, languages, .. } = self;
        let Matcher { first_bytes, remembered, .. } = self;
        // Folding may bring an accented letter to another first byte: those are always looked at.
        let mut stream = tokenizer.token_stream(text).only(first_bytes);
        while stream.advance() {
            let token = stream.token();
            let number = match remembered.get(&token.text) {
                Some(number) => *number,
                None => {
                    let mut by_native = languages
                        .iter()
                        .filter_map(|l| terms.native.get(&l.term(folder, &token.text)).copied());
                    let number = number_in(&terms.known, stemmer, &token.text)
                        .or_else(|| by_native.next())
                        .or_else(|| number_in(&terms.forms, folder, &token.text));
                    if remembered.len() >= REMEMBERED {
                        remembered.clear();
                    }
                    remembered.insert(token.text.clone(), number);
                    number
                }
            };
            if let Some(number) = number {
                found(token.position, number);
            }
        }
        stream.count()
    }

    /// Whether there are patterns in the query.
    pub(super) fn has_patterns(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// Whether a text holds a word that a pattern of the query stands for.
    pub(super) fn has_form(&mut self, text: &str) -> bool {
        let mut numbers = Vec::new();
        self.matches(text, |_, number| numbers.push(number));
        numbers.iter().any(|number| self.patterns.contains(number))
    }

    /// The number of the first of the query's words in a piece of text.
    pub(super) fn first(&mut self, text: &str) -> Option<usize> {
        let mut first = None;
        self.matches(text, |_, number| {
            first.get_or_insert(number);
        });
        first
    }
}

/// The number of the term that one word, in lower case, is after the analyzer.
fn number_in(
    terms: &HashMap<String, usize>,
    analyzer: &mut TextAnalyzer,
    word: &str,
) -> Option<usize> {
    if terms.is_empty() {
        return None;
    }
    let mut stream = analyzer.token_stream(word);
    let term = stream.next()?;
    terms.get(&term.text).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lexical::{Purpose, analyzer};

    fn terms(words: &[String]) -> QueryTerms {
        let mut terms = QueryTerms::default();
        for word in words {
            let mut analyzer = analyzer(Purpose::Query);
            let mut stream = analyzer.token_stream(word);
            while stream.advance() {
                terms.add(&stream.token().text, []);
            }
        }
        terms
    }

    proptest! {
        /// The short way gives what analysing every token in full would.
        #[test]
        fn agrees_with_the_index(
            words in proptest::collection::vec("[a-zéß]{1,6}(ing|s|ed|ies|y|ly)?|検索|HTTPServer|a_b", 1..6),
            text in "([a-zé]{1,6}(ing|s|ed|ies|y|ly)?|検索機|httpServers|a_b|[ .'-]){0,30}",
        ) {
            let text = format!("{text} {}", words.join(" "));
            let terms = terms(&words);
            let mut expected = Vec::new();
            let mut analyzer = analyzer(Purpose::Index);
            let mut stream = analyzer.token_stream(&text);
            let mut length = 0;
            while stream.advance() {
                length += 1;
                if let Some(number) = terms.known.get(&stream.token().text) {
                    expected.push((stream.token().position, *number));
                }
            }
            let mut found = Vec::new();
            let counted =
                Matcher::new(&terms, &[]).matches(&text, |position, number| found.push((position, number)));
            prop_assert_eq!(found, expected);
            prop_assert_eq!(counted, length);
        }

        /// In a text of another language, also what has one of the query's native stems.
        #[test]
        fn agrees_with_the_native_index(
            words in proptest::collection::vec("[a-zéß]{1,6}(ung|ungen|ation|ations|es)?", 1..6),
            text in "((l')?[a-zéß]{1,6}(ung|ungen|ation|ations|es)?|[ .-]){0,30}",
            code in prop::sample::select(vec!["deu", "fra", "nld"]),
        ) {
            let language = Language::of(code).unwrap();
            let mut folder = folding_analyzer();
            let (mut terms, text) = (terms(&words), format!("{text} {}", words.join(" ")));
            for word in &words {
                let mut stemmer = word_analyzer();
                let stem = stemmer.token_stream(word).next().unwrap().text.clone();
                terms.add(&stem, [language.term(&mut folder, word).as_str()]);
            }
            let mut expected = Vec::new();
            let mut words = WordTokenizer::for_index();
            let mut stemmer = word_analyzer();
            let mut stream = words.token_stream(&text);
            while stream.advance() {
                let word = &stream.token().text;
                let known = terms.known.get(&stemmer.token_stream(word).next().unwrap().text);
                let native = terms.native.get(&language.term(&mut folder, word));
                expected.extend(known.or(native).map(|number| (stream.token().position, *number)));
            }
            let mut found = Vec::new();
            Matcher::new(&terms, &[language])
                .matches(&text, |position, number| found.push((position, number)));
            prop_assert_eq!(found, expected);
        }
    }
}
