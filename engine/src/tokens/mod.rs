//! Text into token ids and the bytes they start at.

mod split;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use rayon::prelude::*;
use tokenizers::{NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

use crate::bundle::Bundle;
use crate::error::EngineError;
use crate::times::Clock;
use split::Boundaries;

/// A bundle's tokenizer, without truncation, padding or special tokens of its own.
pub(crate) struct Tokens {
    tokenizer: Tokenizer,
    boundaries: Boundaries,
    vocabulary: usize,
    path: PathBuf,
    /// Time spent on documents.
    clock: Clock,
}

/// Tokens of a text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Encoded {
    /// Token ids.
    pub(crate) ids: Vec<u32>,
    /// For each token, the byte of the text it starts at; never descending.
    pub(crate) starts: Vec<usize>,
}

impl Encoded {
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn append(&mut self, mut other: Encoded) {
        self.ids.append(&mut other.ids);
        self.starts.append(&mut other.starts);
    }
}

impl Tokens {
    /// Loads the bundle's tokenizer and checks that it fits the vocabulary.
    pub(crate) fn open(bundle: &Bundle) -> Result<Tokens, EngineError> {
        let manifest = bundle.manifest();
        let path = bundle.dir().join(&manifest.tokenizer);
        let bytes = fs_err::read(&path)?;
        let invalid = |reason: String| EngineError::TokenizerInvalid { path: path.clone(), reason };
        let mut tokenizer =
            Tokenizer::from_bytes(&bytes).map_err(|error| invalid(error.to_string()))?;
        tokenizer.with_truncation(None).map_err(|error| invalid(error.to_string()))?;
        tokenizer.with_padding(None);
        // "[SEP]" in a user's text is five characters, not the end of a sequence.
        tokenizer.set_encode_special_tokens(true);
        let boundaries = boundaries_of(&tokenizer);
        let vocabulary = manifest.vocabulary;
        let clock = Clock::default();
        let tokens = Tokens { tokenizer, boundaries, vocabulary, path: path.clone(), clock };
        let special = &manifest.special;
        tokens.check_ids(&special.prefix_ids)?;
        tokens.check_ids(&special.suffix_ids)?;
        tokens.check_ids(&[special.pad_id])?;
        let size = tokens.tokenizer.get_vocab_size(true);
        tokens.check_ids(&[u32::try_from(size.saturating_sub(1)).unwrap_or(u32::MAX)])?;
        // A model without the unknown token it refers to fails on the first strange word; better here.
        tokens.count("\u{10FFFD} \u{E000}x").map_err(|error| invalid(error.to_string()))?;
        Ok(tokens)
    }

    /// Tokens of the part `range` of a text; starts count from the beginning of the text. Pieces
    /// are tokenised side by side in the current rayon pool.
    pub(crate) fn encode(&self, text: &str, range: Range<usize>) -> Result<Encoded, EngineError> {
        self.encode_in_pieces(text, range, split::PIECE_BYTES)
    }

    fn encode_in_pieces(
        &self,
        text: &str,
        range: Range<usize>,
        piece_bytes: usize,
    ) -> Result<Encoded, EngineError> {
        let pieces = split::pieces(text, range, piece_bytes, self.boundaries);
        let encode = |piece| self.clock.time(|| self.encode_piece(text, piece));
        let encoded: Vec<Encoded> = if pieces.len() == 1 {
            vec![encode(pieces[0].clone())?]
        } else {
            pieces.into_par_iter().map(encode).collect::<Result<_, _>>()?
        };
        let mut all = Encoded::default();
        for piece in encoded {
            all.append(piece);
        }
        Ok(all)
    }

    /// Token ids alone, which is faster than with positions.
    pub(crate) fn ids(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        let pieces = split::pieces(text, 0..text.len(), split::PIECE_BYTES, self.boundaries);
        let ids = |piece: Range<usize>| {
            let encoding = self.tokenizer.encode_fast(&text[piece], false).map_err(failed)?;
            self.check_ids(encoding.get_ids())?;
            Ok(encoding.get_ids().to_vec())
        };
        if pieces.len() <= 1 {
            return pieces.into_iter().next().map_or_else(|| Ok(Vec::new()), ids);
        }
        let parts: Vec<Vec<u32>> =
            pieces.into_par_iter().map(ids).collect::<Result<_, EngineError>>()?;
        Ok(parts.concat())
    }

    /// Time spent on documents so far, of all threads together.
    pub(crate) fn time(&self) -> Duration {
        self.clock.total()
    }

    /// Number of tokens.
    pub(crate) fn count(&self, text: &str) -> Result<usize, EngineError> {
        Ok(self.ids(text)?.len())
    }

    /// The end of a piece of about `bytes` bytes from `from` on, such that tokenising up to there
    /// and from there gives the tokens of the whole.
    pub(crate) fn safe_end(&self, text: &str, from: usize, bytes: usize) -> usize {
        let boundaries = match self.boundaries {
            // Reading all of a large text for each of its sections would cost more than the
            // difference of a token at a space.
            Boundaries::None => Boundaries::Whitespace,
            known => known,
        };
        split::piece_end(text, from, bytes, boundaries)
    }

    fn encode_piece(&self, text: &str, piece: Range<usize>) -> Result<Encoded, EngineError> {
        let encoding = self.tokenizer.encode(&text[piece.clone()], false).map_err(failed)?;
        self.check_ids(encoding.get_ids())?;
        let mut latest = piece.start;
        let starts = encoding.get_offsets().iter().map(|&(start, _)| {
            // Normalisers that reorder marks may step back a byte or two.
            latest = latest.max(piece.start + start);
            latest
        });
        Ok(Encoded { starts: starts.collect(), ids: encoding.get_ids().to_vec() })
    }

    /// Refuses ids that the embedding table does not have: on a GPU, looking one up gives garbage
    /// without an error. Listing the tokenizer's whole vocabulary at the start would take longer.
    fn check_ids(&self, ids: &[u32]) -> Result<(), EngineError> {
        match ids.iter().copied().max() {
            Some(id) if id as usize >= self.vocabulary => Err(EngineError::TokenizerMismatch {
                path: self.path.clone(),
                id,
                vocabulary: self.vocabulary,
            }),
            _ => Ok(()),
        }
    }
}

fn failed(error: tokenizers::Error) -> EngineError {
    EngineError::Tokenize { reason: error.to_string() }
}

fn boundaries_of(tokenizer: &Tokenizer) -> Boundaries {
    let normalizer_is_local = tokenizer.get_normalizer().is_none_or(is_local);
    let bert_normalizer = matches!(
        tokenizer.get_normalizer(),
        Some(NormalizerWrapper::BertNormalizer(bert)) if bert.handle_chinese_chars
    );
    match tokenizer.get_pre_tokenizer() {
        Some(PreTokenizerWrapper::BertPreTokenizer(_)) if bert_normalizer => Boundaries::Bert,
        Some(pre_tokenizer) if normalizer_is_local && splits_at_whitespace(pre_tokenizer) => {
            Boundaries::Whitespace
        }
        _ => Boundaries::None,
    }
}

/// Whether what a normaliser makes of a word does not depend on the words beside it.
fn is_local(normalizer: &NormalizerWrapper) -> bool {
    match normalizer {
        NormalizerWrapper::Sequence(sequence) => sequence.as_ref().iter().all(is_local),
        NormalizerWrapper::BertNormalizer(_)
        | NormalizerWrapper::StripAccents(_)
        | NormalizerWrapper::Lowercase(_)
        | NormalizerWrapper::NFC(_)
        | NormalizerWrapper::NFD(_)
        | NormalizerWrapper::NFKC(_)
        | NormalizerWrapper::NFKD(_) => true,
        _ => false,
    }
}

fn splits_at_whitespace(pre_tokenizer: &PreTokenizerWrapper) -> bool {
    match pre_tokenizer {
        PreTokenizerWrapper::BertPreTokenizer(_)
        | PreTokenizerWrapper::Whitespace(_)
        | PreTokenizerWrapper::WhitespaceSplit(_) => true,
        PreTokenizerWrapper::Sequence(sequence) => {
            sequence.as_ref().first().is_some_and(splits_at_whitespace)
        }
        _ => false,
    }
}
