//! The words of a query, by all stems that documents may have them by.

use std::collections::HashSet;
use std::sync::LazyLock;

use tantivy::tokenizer::{TextAnalyzer, TokenStream, Tokenizer};

use super::language::Language;
use super::stop_words;
use super::tokens::{WordTokenizer, folding_analyzer, word_analyzer};

/// One token of an analyzed query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Analyzed {
    /// The English stem, by which every document has it.
    pub(crate) text: String,
    /// By the other languages, in their order, as native fields have it.
    pub(crate) native: Vec<String>,
    /// In lower case, without accents.
    pub(crate) form: String,
    pub(crate) position: usize,
    /// Positions it spans; more than one for an identifier whose parts follow.
    pub(crate) span: usize,
    /// Written in capitals throughout, as abbreviations are, and not of one letter only.
    pub(crate) capitals: bool,
}

/// Cuts queries into words and stems them by English and some other languages.
pub(super) struct QueryAnalyzer<'a> {
    words: WordTokenizer,
    folding: TextAnalyzer,
    stemming: TextAnalyzer,
    languages: &'a [&'static Language],
}

impl<'a> QueryAnalyzer<'a> {
    pub(super) fn new(languages: &'a [&'static Language]) -> Self {
        QueryAnalyzer {
            words: WordTokenizer::for_query(),
            folding: folding_analyzer(),
            stemming: word_analyzer(),
            languages,
        }
    }

    /// All tokens of a short text.
    pub(super) fn analyze(&mut self, text: &str) -> Vec<Analyzed> {
        let mut tokens = Vec::new();
        let mut stream = self.words.token_stream(text);
        while stream.advance() {
            let token = stream.token();
            let written = text.get(token.offset_from..token.offset_to).unwrap_or_default();
            let folding = &mut self.folding;
            let native = self.languages.iter().map(|language| language.term(folding, &token.text));
            tokens.push(Analyzed {
                native: native.collect(),
                text: only_token(&mut self.stemming, &token.text),
                form: only_token(&mut self.folding, &token.text),
                position: token.position,
                span: token.position_length,
                capitals: written.chars().count() > 1 && written.chars().all(char::is_uppercase),
            });
        }
        tokens
    }
}

fn only_token(analyzer: &mut TextAnalyzer, word: &str) -> String {
    analyzer.token_stream(word).next().map(|token| token.text.clone()).unwrap_or_default()
}

/// Whether a word, as its English stem, is a stop word of English.
pub(super) fn is_stop_word(stemmed: &str) -> bool {
    static STEMMED: LazyLock<HashSet<String>> = LazyLock::new(|| {
        let tokens = QueryAnalyzer::new(&[]).analyze(stop_words::ENGLISH);
        tokens.into_iter().map(|token| token.text).collect()
    });
    STEMMED.contains(stemmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_words_are_known_as_stemmed() {
        for word in ["the", "this", "was", "with", "their", "does", "having", "because", "very"] {
            let tokens = QueryAnalyzer::new(&[]).analyze(word);
            assert!(tokens.iter().all(|token| is_stop_word(&token.text)), "{word}");
        }
        assert!(!is_stop_word("contract"));
    }
}
