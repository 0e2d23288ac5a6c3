//! Bytes into the text that all formats of text begin with.

use super::Extracted;
use crate::encoding::{Decoded, decode};

/// The text with its encoding and a warning where bytes were lost.
pub(super) fn decoded(bytes: Vec<u8>) -> Extracted {
    let Decoded { text, encoding, replaced } = decode(bytes, None);
    let mut extracted = Extracted { text, encoding, ..Extracted::default() };
    if replaced {
        extracted.warnings.push(replaced_warning());
    }
    extracted
}

pub(super) fn replaced_warning() -> String {
    "bytes that are not valid in the text's encoding were replaced".to_owned()
}
