//! Plain text: the text is the file.

use super::Extracted;
use crate::encoding::{Decoded, decode};
use crate::headings::find_headings;
use crate::title;

pub(super) fn text(bytes: Vec<u8>) -> Extracted {
    let mut extracted = decoded(bytes);
    extracted.headings = find_headings(&extracted.text);
    extracted.title = title::from_first_line(&extracted.text);
    extracted
}

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
