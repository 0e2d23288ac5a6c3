//! Cutting a text into pieces that can be tokenised apart, with the same tokens as the whole.
//!
//! Tokenising takes memory in proportion to the piece (some hundred bytes a byte of text), and its
//! normaliser handles one string at a time; pieces bound the memory and can be done side by side.

use std::ops::Range;

/// Bytes in a piece, more or less: a section of 32K tokens makes some sixteen, enough to keep as many
/// threads busy with one document.
pub(super) const PIECE_BYTES: usize = 8 << 10;

/// Bytes after which a piece is cut even where it changes the tokens: only a run of this length
/// without a space, a punctuation mark or an ideograph comes to that.
const MAX_PIECE_BYTES: usize = 1 << 20;

/// Where a tokenizer's tokens cannot reach across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Boundaries {
    /// Nothing is known about the tokenizer: nowhere is safe.
    None,
    /// After whitespace.
    Whitespace,
    /// After whitespace and punctuation, and between ideographs: BERT's normaliser and
    /// pre-tokenizer isolate them.
    Bert,
}

/// The end of the piece that starts at byte `from` and has about `bytes` bytes.
pub(super) fn piece_end(text: &str, from: usize, bytes: usize, boundaries: Boundaries) -> usize {
    let target = from.saturating_add(bytes);
    if boundaries == Boundaries::None || target >= text.len() {
        return text.len();
    }
    let mut position = text.ceil_char_boundary(target);
    let mut before = text[..position].chars().next_back();
    for after in text[position..].chars() {
        if before.is_some_and(|before| is_boundary(before, after, boundaries)) {
            return position;
        }
        if position - from >= MAX_PIECE_BYTES.max(bytes) {
            return position;
        }
        before = Some(after);
        position += after.len_utf8();
    }
    text.len()
}

/// Consecutive pieces of about `bytes` bytes that cover `range` of the text.
pub(super) fn pieces(
    text: &str,
    range: Range<usize>,
    bytes: usize,
    boundaries: Boundaries,
) -> Vec<Range<usize>> {
    let text = &text[..range.end];
    let mut pieces = Vec::with_capacity(range.len() / bytes + 1);
    let mut from = range.start;
    while from < range.end {
        let end = piece_end(text, from, bytes, boundaries);
        pieces.push(from..end);
        from = end;
    }
    pieces
}

fn is_boundary(before: char, after: char, boundaries: Boundaries) -> bool {
    if matches!(before, ' ' | '\n' | '\t' | '\r') {
        // Not inside a run of whitespace: some tokenizers look at the whole run.
        return !after.is_whitespace();
    }
    boundaries == Boundaries::Bert
        && (before.is_ascii_punctuation()
            || matches!(before, '、' | '。' | '，' | '！' | '？')
            || is_ideograph(before) && is_ideograph(after))
}

/// The main blocks of CJK ideographs.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_piece_ends_after_a_space_a_comma_or_an_ideograph() {
        for (text, bytes, boundaries, expected) in [
            ("aaaa bbbb cccc", 6, Boundaries::Whitespace, "aaaa bbbb "),
            ("aaaa,bbbb cccc", 2, Boundaries::Whitespace, "aaaa,bbbb "),
            ("aaaa,bbbb cccc", 2, Boundaries::Bert, "aaaa,"),
            ("漢字漢字漢字", 4, Boundaries::Bert, "漢字"),
            ("aaaa   bbbb", 5, Boundaries::Bert, "aaaa   "),
            ("aaaa bbbb", 2, Boundaries::None, "aaaa bbbb"),
            ("aaaabbbb", 2, Boundaries::Bert, "aaaabbbb"),
        ] {
            assert_eq!(&text[..piece_end(text, 0, bytes, boundaries)], expected, "{text:?}");
        }
    }

    #[test]
    fn an_endless_word_is_cut_at_last() {
        let text = "é".repeat(3 << 20);
        let pieces = pieces(&text, 0..text.len(), PIECE_BYTES, Boundaries::Bert);
        assert!(pieces.len() >= 6, "{}", pieces.len());
        assert!(pieces.iter().all(|piece| text.get(piece.clone()).is_some()));
    }

    proptest! {
        #[test]
        fn pieces_cover_the_range_once(words in proptest::collection::vec("[a-z漢é ,\n]{0,40}", 0..60)) {
            let text = words.concat();
            let pieces = pieces(&text, 0..text.len(), PIECE_BYTES, Boundaries::Bert);
            let rejoined: String = pieces.iter().map(|piece| &text[piece.clone()]).collect();
            prop_assert_eq!(rejoined, text);
        }
    }
}
