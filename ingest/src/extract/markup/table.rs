//! Tables as text: the first row heads all others where it names the columns.

use super::{Outline, lines};

/// A longer row is data.
const HEADER_BYTES: usize = 400;

pub(super) fn outline(text: &str, separator: u8) -> Outline {
    let mut outline = Outline::default();
    let Some(first) = lines(text).next() else { return outline };
    // Where a comma is the decimal mark, a semicolon separates.
    let separator = [separator, b';', b'\t'].into_iter().max_by_key(|mark| {
        (first.text.bytes().filter(|byte| byte == mark).count(), usize::from(*mark == separator))
    });
    let separator = char::from(separator.unwrap_or(b','));
    let mut cells = first.text.split(separator).map(|cell| cell.trim().trim_matches('"'));
    let names_column = |cell: &str| {
        cell.chars().any(char::is_alphabetic) && !cell.starts_with(|c: char| c.is_ascii_digit())
    };
    if first.text.len() <= HEADER_BYTES && first.text.contains(separator) && cells.all(names_column)
    {
        outline.headings.extend(first.heading(0, first.text.len(), 1));
    }
    outline
}
