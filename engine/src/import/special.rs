//! The tokens that a tokenizer puts around a text.

use std::path::Path;

use tokenizers::Tokenizer;

use super::refused;
use super::settings::Settings;
use crate::bundle::Pooling;
use crate::error::EngineError;

/// Ids around each sequence.
pub(super) struct Around {
    pub(super) prefix_ids: Vec<u32>,
    pub(super) suffix_ids: Vec<u32>,
    pub(super) pad_id: u32,
}

/// Finds them by tokenising a text with and without them.
pub(super) fn read(
    source: &Path,
    settings: &Settings,
    pooling: Pooling,
    notes: &mut Vec<String>,
) -> Result<Around, EngineError> {
    let path = source.join("tokenizer.json");
    if !path.is_file() {
        return Err(refused(
            source,
            "it has no tokenizer.json: save its tokenizer in the fast form (`save_pretrained` of the transformers library does)",
        ));
    }
    let invalid = |error: tokenizers::Error| {
        refused(&path, format!("the tokenizer cannot be loaded: {error}"))
    };
    let mut tokenizer = Tokenizer::from_bytes(fs_err::read(&path)?).map_err(invalid)?;
    let padding = tokenizer.get_padding().map(|padding| padding.pad_id);
    tokenizer.with_truncation(None).map_err(invalid)?;
    tokenizer.with_padding(None);
    let ids = |special| {
        tokenizer.encode_fast("text", special).map(|it| it.get_ids().to_vec()).map_err(invalid)
    };
    let (plain, around) = (ids(false)?, ids(true)?);
    let at = around.windows(plain.len().max(1)).position(|part| part == plain).ok_or_else(|| {
        refused(&path, "it changes a text's own tokens when it puts special ones around it, which is not known here")
    })?;
    let mut suffix_ids = around[at + plain.len()..].to_vec();
    // Models that are pooled by their last token are trained with an end there; some leave it to the caller to add it.
    if pooling == Pooling::Last
        && suffix_ids.is_empty()
        && let Some(end) = settings.end_id
    {
        notes.push(format!(
            "the token {end} (eos_token_id) is put after each text, as the last one is what counts"
        ));
        suffix_ids.push(end);
    }
    Ok(Around {
        prefix_ids: around[..at].to_vec(),
        suffix_ids,
        pad_id: settings.pad_id.or(padding).or(settings.end_id).unwrap_or(0),
    })
}
