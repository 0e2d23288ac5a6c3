//! Stemming that remembers: a text holds few different words, and looking one up takes a fraction
//! of the time that the rules of a language take.

use std::borrow::Cow;

use frostem::{Algorithm, Stemmer};
use tantivy::tokenizer::{Token, TokenFilter, TokenStream, Tokenizer};

/// Words that are remembered, at most; each has one place, which the last one with it takes.
const PLACES: usize = 1 << 13;
/// Longer words are rare, and not worth the room.
const WORD_BYTES: usize = 32;

/// The stemmer of English words, as tantivy's own, with a memory; see [`is_kept_as_spelt`] for what it leaves alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RememberingStemmer;

impl TokenFilter for RememberingStemmer {
    type Tokenizer<T: Tokenizer> = StemmingTokenizer<T>;

    fn transform<T: Tokenizer>(self, inner: T) -> StemmingTokenizer<T> {
        StemmingTokenizer { inner, memory: Memory::default() }
    }
}

/// A tokenizer whose tokens are stemmed.
#[derive(Clone)]
pub(crate) struct StemmingTokenizer<T> {
    inner: T,
    memory: Memory,
}

impl<T: Tokenizer> Tokenizer for StemmingTokenizer<T> {
    type TokenStream<'a> = StemmedStream<'a, T::TokenStream<'a>>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Self::TokenStream<'a> {
        StemmedStream { inner: self.inner.token_stream(text), memory: &mut self.memory }
    }
}

/// The stemmed tokens of one text.
pub(crate) struct StemmedStream<'a, T> {
    inner: T,
    memory: &'a mut Memory,
}

impl<T: TokenStream> TokenStream for StemmedStream<'_, T> {
    fn advance(&mut self) -> bool {
        if !self.inner.advance() {
            return false;
        }
        self.memory.stem(&mut self.inner.token_mut().text);
        true
    }

    fn token(&self) -> &Token {
        self.inner.token()
    }

    fn token_mut(&mut self) -> &mut Token {
        self.inner.token_mut()
    }
}

/// Words and their stems.
#[derive(Default)]
pub(super) struct Memory {
    /// Empty until the first word comes.
    places: Vec<Place>,
}

#[derive(Clone, Default)]
struct Place {
    word: String,
    stem: String,
}

impl Clone for Memory {
    /// A copy begins without memories.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Memory {
    fn stem(&mut self, word: &mut String) {
        if !is_kept_as_spelt(word) {
            self.replace(word, stem);
        }
    }

    /// Puts in a word's place what `stem` makes of it. One memory is for one way of stemming.
    pub(super) fn replace(
        &mut self,
        word: &mut String,
        mut stem: impl FnMut(&str) -> Cow<'_, str>,
    ) {
        if word.len() > WORD_BYTES {
            if let Cow::Owned(stem) = stem(word) {
                *word = stem;
            }
            return;
        }
        if self.places.is_empty() {
            self.places.resize(PLACES, Place::default());
        }
        let place = &mut self.places[place_of(word)];
        if place.word != *word {
            place.word.clone_from(word);
            place.stem.clear();
            place.stem.push_str(&stem(word));
        }
        word.clone_from(&place.stem);
    }
}

/// Whether a word is no word of a language but a number or an identifier. Those are not stemmed, so that
/// they can be found by a part of them; the words within an identifier are words of their own.
pub(crate) fn is_kept_as_spelt(word: &str) -> bool {
    word.bytes().any(|byte| byte == b'_' || byte.is_ascii_digit())
}

fn stem(word: &str) -> Cow<'_, str> {
    Stemmer::new(Algorithm::English).stem(word)
}

/// FNV-1a, folded to the number of places.
fn place_of(word: &str) -> usize {
    let hash = word.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    (hash ^ (hash >> 32)) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn remembering_changes_no_stem(words in prop::collection::vec("[a-d]{1,3}(ing|ed|s|ational|ly|e)?", 0..60)) {
            let mut memory = Memory::default();
            for word in words {
                let expected = stem(&word).into_owned();
                let mut stemmed = word;
                memory.stem(&mut stemmed);
                prop_assert_eq!(stemmed, expected);
            }
        }
    }

    #[test]
    fn words_that_share_a_place_do_not_share_a_stem() {
        let mut memory = Memory::default();
        let first = "running".to_owned();
        let other = (0_u64..)
            .map(|number| {
                let letter = |digit: u8| char::from(b'a' + digit - b'0');
                format!("w{}s", number.to_string().bytes().map(letter).collect::<String>())
            })
            .find(|word| place_of(word) == place_of(&first))
            .expect("places repeat");
        for _ in 0..2 {
            for word in [&first, &other] {
                let mut stemmed = word.clone();
                memory.stem(&mut stemmed);
                assert_eq!(stemmed, stem(word));
            }
        }
        let mut long = "x".repeat(40) + "ing";
        let expected = stem(&long).into_owned();
        memory.stem(&mut long);
        assert_eq!(long, expected);
    }
}
