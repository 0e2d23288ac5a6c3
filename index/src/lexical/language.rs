//! The languages besides English whose words are stemmed, each by its own rules.
//!
//! Every word of every document is indexed by its English stem, whatever the document's language: that
//! is how it is found as it is spelt, and how a guess at the language that was wrong does no harm.
//! A document of one of the languages here is indexed a second time, in fields of their own, by the stems
//! of its language, which are called its native stems. They stand at the same positions, and each
//! begins with the language's code, so that words of two languages never meet.

use std::collections::HashSet;
use std::sync::LazyLock;

use frostem::{Algorithm, Stemmer};
use tantivy::Searcher;
use tantivy::tokenizer::{TextAnalyzer, TokenStream};

use super::stem::is_kept_as_spelt;
use super::stop_words;
use super::tokens::folding_analyzer;
use super::{Lexical, guarded};
use crate::error::{PathContext, Result};

/// A language other than English.
#[derive(Debug)]
pub(crate) struct Language {
    /// ISO 639-3.
    pub(super) code: &'static str,
    algorithm: Algorithm,
    stop_words: &'static str,
}

const fn language(code: &'static str, algorithm: Algorithm, stop_words: &'static str) -> Language {
    Language { code, algorithm, stop_words }
}

static LANGUAGES: [Language; 18] = [
    language("cat", Algorithm::Catalan, stop_words::CATALAN),
    language("ces", Algorithm::Czech, stop_words::CZECH),
    language("dan", Algorithm::Danish, stop_words::DANISH),
    language("deu", Algorithm::German, stop_words::GERMAN),
    language("ell", Algorithm::Greek, stop_words::GREEK),
    language("fin", Algorithm::Finnish, stop_words::FINNISH),
    language("fra", Algorithm::French, stop_words::FRENCH),
    language("hun", Algorithm::Hungarian, stop_words::HUNGARIAN),
    language("ita", Algorithm::Italian, stop_words::ITALIAN),
    language("nld", Algorithm::Dutch, stop_words::DUTCH),
    language("nob", Algorithm::Norwegian, stop_words::NORWEGIAN),
    language("pol", Algorithm::Polish, stop_words::POLISH),
    language("por", Algorithm::Portuguese, stop_words::PORTUGUESE),
    language("ron", Algorithm::Romanian, stop_words::ROMANIAN),
    language("rus", Algorithm::Russian, stop_words::RUSSIAN),
    language("spa", Algorithm::Spanish, stop_words::SPANISH),
    language("swe", Algorithm::Swedish, stop_words::SWEDISH),
    language("tur", Algorithm::Turkish, stop_words::TURKISH),
];

/// Stands beside the codes of languages for a document that has native stems.
pub(super) const HAS_NATIVE: &str = "native";

/// Two words that say little are what tells the language of a query: one may be a name or a word of
/// another language.
const TELLING: usize = 2;

impl Language {
    /// The language of an ISO 639-3 code; `None` for English and those without rules.
    pub(crate) fn of(code: &str) -> Option<&'static Language> {
        LANGUAGES.iter().find(|language| language.code == code)
    }

    /// The languages that documents of an index have.
    pub(crate) fn all_in(lexical: &Lexical, searcher: &Searcher) -> Result<Vec<&'static Language>> {
        let mut present: Vec<&'static Language> = Vec::new();
        guarded(&lexical.folder, || {
            for segment in searcher.segment_readers() {
                let index = segment.inverted_index(lexical.fields.language).at(&lexical.folder)?;
                let mut codes = index.terms().stream().at(&lexical.folder)?;
                while codes.advance() {
                    let known = std::str::from_utf8(codes.key()).ok().and_then(Language::of);
                    let new =
                        |language: &&Language| present.iter().all(|one| one.code != language.code);
                    present.extend(known.filter(new));
                }
            }
            Ok(())
        })?;
        present.sort_unstable_by_key(|language| language.code);
        Ok(present)
    }

    /// The word behind an article or the like that is written together with it: `l'article`,
    /// `dell'articolo`.
    pub(super) fn without_elision<'a>(&self, word: &'a str) -> Option<&'a str> {
        let elides = matches!(self.code, "cat" | "fra" | "ita");
        let (before, behind) = word.split_once('\'').filter(|_| elides)?;
        (!before.is_empty() && !behind.is_empty()).then_some(behind)
    }

    /// The term of a word that is in lower case already, with its accents.
    pub(crate) fn term(&self, folding: &mut TextAnalyzer, word: &str) -> String {
        let mut term = String::with_capacity(self.code.len() + 1 + word.len());
        term.push_str(self.code);
        term.push(' ');
        let stem = match is_kept_as_spelt(word) {
            true => word.into(),
            false => Stemmer::new(self.algorithm).stem(word),
        };
        // Some rules leave nothing of a word that consists of an ending.
        let stem: &str = if stem.is_empty() { word } else { &stem };
        if stem.is_ascii() {
            term.push_str(stem);
        } else {
            // The rules need accents, readers leave them out: they are dropped afterwards.
            folding.token_stream(stem).process(&mut |token| term.push_str(&token.text));
        }
        term
    }

    /// Whether a word, in lower case and without accents, says little.
    pub(super) fn is_stop_word(&'static self, form: &str) -> bool {
        static FOLDED: LazyLock<Vec<HashSet<String>>> = LazyLock::new(|| {
            let mut folding = folding_analyzer();
            let mut fold = |word: &str| {
                folding
                    .token_stream(word)
                    .next()
                    .map(|token| token.text.clone())
                    .unwrap_or_default()
            };
            let words = LANGUAGES.iter().map(|language| language.stop_words);
            words.map(|words| words.split_whitespace().map(&mut fold).collect()).collect()
        });
        let at = LANGUAGES.iter().position(|language| language.code == self.code);
        let Some(words) = at.map(|at| &FOLDED[at]) else { return false };
        // `qu'il`, `d'une`
        words.contains(form) || self.without_elision(form).is_some_and(|word| words.contains(word))
    }
}

/// Which of some languages the words of a text are of, judged by those that say little; `None` for
/// English and where they do not tell. `words` are forms, each with how often it occurs, and
/// `english` says how many words that say little are English.
pub(super) fn language_of<'a>(
    present: &[&'static Language],
    words: impl Iterator<Item = (&'a str, usize)> + Clone,
    english: usize,
) -> Option<&'static Language> {
    let said = |language: &'static Language| -> usize {
        words.clone().filter(|(form, _)| language.is_stop_word(form)).map(|(_, count)| count).sum()
    };
    let counted = present.iter().map(|&language| (said(language), language));
    // The first of equal ones, so that a query always has the same.
    let (most, language) = counted.rev().max_by_key(|(count, _)| *count)?;
    (most >= TELLING && most > english).then_some(language)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(code: &str, word: &str) -> String {
        Language::of(code).unwrap().term(&mut folding_analyzer(), word)
    }

    #[test]
    fn forms_of_a_word_are_one_term() {
        for (code, term_of_all, forms) in [
            ("deu", "deu vertrag", &["vertrag", "verträge", "verträgen", "vertrages"][..]),
            ("deu", "deu kundig", &["kündigung", "kündigungen", "kundigung", "kuendigung"]),
            ("fra", "fra resili", &["résiliation", "résiliations", "resiliation"]),
            ("fra", "fra articl", &["article", "articles", "l'article", "d'articles"]),
            ("ita", "ita articol", &["articolo", "articoli", "dell'articolo"]),
            ("rus", "rus договор", &["договор", "договоры", "договора", "договоров"]),
            ("spa", "spa rescision", &["rescisión", "rescisiones", "rescision"]),
            ("swe", "swe avtal", &["avtal", "avtalet", "avtalen"]),
        ] {
            for form in forms {
                assert_eq!(term(code, form), term_of_all, "{form}");
            }
        }
    }

    #[test]
    fn what_is_no_word_stays_as_it_is_spelt() {
        assert_eq!(term("deu", "parse_verträge"), "deu parse_vertrage");
        assert_eq!(term("deu", "bgb573es"), "deu bgb573es");
        assert_eq!(term("nld", "'s"), "nld 's");
        assert!(Language::of("eng").is_none() && Language::of("xyz").is_none());
    }

    #[test]
    fn words_that_say_little_are_known_with_and_without_accents() {
        let says_little = |code, form| Language::of(code).unwrap().is_stop_word(form);
        for (code, form) in
            [("deu", "fur"), ("fra", "etait"), ("fra", "qu'il"), ("rus", "какой"), ("ita", "c'e")]
        {
            assert!(says_little(code, form), "{form}");
        }
        for (code, form) in [("deu", "frist"), ("fra", "l'article"), ("deu", "the"), ("fra", "der")]
        {
            assert!(!says_little(code, form), "{form}");
        }
    }

    #[test]
    fn lists_hold_words_in_lower_case_each_once() {
        for language in &LANGUAGES {
            let words: Vec<&str> = language.stop_words.split_whitespace().collect();
            let different: HashSet<&str> = words.iter().copied().collect();
            let mut twice = words.clone();
            twice.retain(|word| words.iter().filter(|other| *other == word).count() > 1);
            assert_eq!(different.len(), words.len(), "{}: {twice:?}", language.code);
            assert!(words.iter().all(|word| *word == word.to_lowercase()), "{}", language.code);
        }
    }

    #[test]
    fn a_sentence_tells_its_language() {
        let of = |sentence: &str, english| {
            let present: Vec<_> =
                ["deu", "fra", "spa"].into_iter().filter_map(Language::of).collect();
            let words = sentence.split(' ').map(|word| (word, 1));
            language_of(&present, words, english).map(|language| language.code)
        };
        assert_eq!(of("welche frist gilt fur die kundigung", 0), Some("deu"));
        assert_eq!(of("quel est le delai de resiliation", 0), Some("fra"));
        assert_eq!(of("cual es el plazo de rescision", 0), Some("spa"));
        assert_eq!(of("die hard", 0), None, "one word tells nothing");
        assert_eq!(of("what was die zeit and the hand of der", 5), None, "more of it is English");
        assert_eq!(of("kundigung frist", 0), None);
    }
}
