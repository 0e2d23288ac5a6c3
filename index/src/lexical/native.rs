//! How documents of other languages than English are indexed by the stems of their own.

use std::borrow::Cow;

use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer};

use super::language::Language;
use super::stem::Memory;
use super::tokens::{WordStream, WordTokenizer, folding_analyzer};

/// Ends the language's code, which stands before a text.
const END_OF_CODE: char = '\n';

/// A text as the native fields take it: the index's tokenizers are told nothing of a document but the
/// text, so that says itself which language it is of.
pub(super) fn told(language: &Language, text: &str) -> String {
    let mut told = String::with_capacity(language.code.len() + 1 + text.len());
    told.push_str(language.code);
    told.push(END_OF_CODE);
    told.push_str(text);
    told
}

/// Cuts what [`told`] gives into native stems, at the positions that the words have in the text.
#[derive(Clone)]
pub(super) struct NativeTokenizer {
    words: WordTokenizer,
    folding: TextAnalyzer,
    /// Of the language that was asked for last.
    memory: Memory,
    remembered: Option<&'static str>,
}

impl NativeTokenizer {
    pub(super) fn for_index() -> Self {
        NativeTokenizer {
            words: WordTokenizer::for_index(),
            folding: folding_analyzer(),
            memory: Memory::default(),
            remembered: None,
        }
    }
}

impl Tokenizer for NativeTokenizer {
    type TokenStream<'a> = NativeStream<'a>;

    fn token_stream<'a>(&'a mut self, told: &'a str) -> NativeStream<'a> {
        let (code, text) = told.split_once(END_OF_CODE).unwrap_or_default();
        let language = Language::of(code);
        // A text of no language here has no native stems.
        let text = if language.is_some() { text } else { "" };
        if self.remembered != language.map(|language| language.code) {
            self.memory = Memory::default();
            self.remembered = language.map(|language| language.code);
        }
        NativeStream {
            words: self.words.token_stream(text),
            language,
            folding: &mut self.folding,
            memory: &mut self.memory,
        }
    }
}

/// The native stems of one text.
pub(super) struct NativeStream<'a> {
    words: WordStream<'a>,
    language: Option<&'static Language>,
    folding: &'a mut TextAnalyzer,
    memory: &'a mut Memory,
}

impl TokenStream for NativeStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(language) = self.language else { return false };
        if !self.words.advance() {
            return false;
        }
        let (memory, folding) = (&mut self.memory, &mut self.folding);
        memory.replace(&mut self.words.token_mut().text, |word| {
            Cow::Owned(language.term(folding, word))
        });
        true
    }

    fn token(&self) -> &Token {
        self.words.token()
    }

    fn token_mut(&mut self) -> &mut Token {
        self.words.token_mut()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tokens::{Purpose, analyzer};
    use super::*;

    fn native(language: &Language, text: &str) -> Vec<(String, usize)> {
        let mut tokenizer = NativeTokenizer::for_index();
        let told = told(language, text);
        let mut stream = tokenizer.token_stream(&told);
        let mut tokens = Vec::new();
        stream.process(&mut |token| tokens.push((token.text.clone(), token.position)));
        tokens
    }

    #[test]
    fn a_text_is_cut_by_the_language_that_it_tells() {
        let german = Language::of("deu").unwrap();
        let tokens = native(german, "Die Verträge\nvon 2019");
        let expected = [("deu die", 0), ("deu vertrag", 1), ("deu von", 2), ("deu 2019", 3)];
        assert_eq!(tokens, expected.map(|(text, position)| (text.to_owned(), position)));
        assert!(native(german, "").is_empty());
    }

    #[test]
    fn one_tokenizer_serves_texts_of_several_languages() {
        let mut tokenizer = NativeTokenizer::for_index();
        let mut stem = |told: &str| tokenizer.token_stream(told).next().map(|t| t.text.clone());
        for _ in 0..2 {
            assert_eq!(stem("deu\nkontrakte").as_deref(), Some("deu kontrakt"));
            assert_eq!(stem("swe\nkontrakte").as_deref(), Some("swe kontrak"));
        }
        assert_eq!(stem("xyz\nkontrakte"), None);
        assert_eq!(stem("kontrakte"), None);
    }

    proptest! {
        /// What the query asks for in a row stands in a row, and documents are as long as in English.
        #[test]
        fn native_stems_stand_where_english_ones_do(
            code in prop::sample::select(vec![
                "cat", "ces", "dan", "deu", "ell", "fin", "fra", "hun", "ita", "nld", "nob", "pol",
                "por", "ron", "rus", "spa", "swe", "tur",
            ]),
            text in "(\\PC|[a-zäößéèçñøåąęłžşıİΣςдёйы' \u{300}\u{ad}’_0-9]{0,9}|検索){0,40}",
        ) {
            let language = Language::of(code).unwrap();
            let mut positions = Vec::new();
            analyzer(Purpose::Index).token_stream(&text).process(&mut |token| {
                positions.push(token.position);
            });
            let tokens = native(language, &text);
            let native: Vec<usize> = tokens.iter().map(|(_, position)| *position).collect();
            prop_assert_eq!(native, positions);
            prop_assert!(tokens.iter().all(|(term, _)| term.starts_with(code) && term.len() > 4));
        }
    }
}
