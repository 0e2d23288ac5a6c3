//! The query as it is edited: a line of text with a cursor.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A line of text with a cursor between characters as a reader sees them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Line {
    text: String,
    cursor: usize,
}

impl Line {
    /// The cursor stands at the end.
    pub(super) fn new(text: &str) -> Self {
        let mut line = Self::default();
        line.insert(text);
        line
    }

    /// As it stands.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Puts text before the cursor; what would move it is a space.
    pub(super) fn insert(&mut self, text: &str) {
        let text = text.replace(char::is_control, " ");
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
        // What was put in may have joined with what follows it to one character.
        let mut boundaries = self.text.grapheme_indices(true).map(|(at, _)| at);
        let next = boundaries.find(|at| *at >= self.cursor);
        self.cursor = next.unwrap_or(self.text.len());
    }

    /// One character back.
    pub(super) fn left(&mut self) {
        self.cursor = self.before();
    }

    /// One character on.
    pub(super) fn right(&mut self) {
        self.cursor = self.after();
    }

    /// To the beginning.
    pub(super) fn home(&mut self) {
        self.cursor = 0;
    }

    /// To the end.
    pub(super) fn end(&mut self) {
        self.cursor = self.text.len();
    }

    /// Takes the character before the cursor away.
    pub(super) fn backspace(&mut self) {
        let before = self.before();
        self.take(before);
    }

    /// Takes the character behind the cursor away.
    pub(super) fn delete(&mut self) {
        let after = self.after();
        self.text.replace_range(self.cursor..after, "");
    }

    /// Takes the word before the cursor away, with the space behind it.
    pub(super) fn delete_word(&mut self) {
        let head = self.text[..self.cursor].trim_end();
        let start = head.rfind(char::is_whitespace);
        let start = start.map_or(0, |at| at + head[at..].chars().next().map_or(0, char::len_utf8));
        self.take(start);
    }

    /// Takes all before the cursor away.
    pub(super) fn delete_to_start(&mut self) {
        self.take(0);
    }

    /// The part that fits into so many columns and has the cursor in it, and the cursor's column.
    pub(super) fn shown(&self, columns: usize) -> (&str, usize) {
        let mut start = 0;
        // The cursor itself takes a column.
        while start < self.cursor && self.text[start..self.cursor].width() + 1 > columns {
            start += self.text[start..].graphemes(true).next().map_or(1, str::len);
        }
        (&self.text[start..], self.text[start..self.cursor].width())
    }

    fn take(&mut self, from: usize) {
        self.text.replace_range(from..self.cursor, "");
        self.cursor = from;
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        let next = self.text[self.cursor..].graphemes(true).next();
        self.cursor + next.map_or(0, str::len)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_are_what_a_reader_sees() {
        let mut line = Line::new("ae\u{301}検");
        line.backspace();
        line.left();
        assert_eq!(line.shown(20), ("ae\u{301}", 1));
        line.delete();
        assert_eq!(line.text(), "a");
    }

    #[test]
    fn words_and_beginnings_are_deleted() {
        let mut line = Line::new("who pays  the\u{3000}rent ");
        line.delete_word();
        assert_eq!(line.text(), "who pays  the\u{3000}");
        line.delete_word();
        assert_eq!(line.text(), "who pays  ");
        line.home();
        line.right();
        line.delete_to_start();
        assert_eq!(line.text(), "ho pays  ");
    }

    #[test]
    fn of_a_long_line_the_part_with_the_cursor_is_shown() {
        let mut line = Line::new("0123456789");
        assert_eq!(line.shown(5), ("6789", 4));
        line.home();
        assert_eq!(line.shown(5), ("0123456789", 0));
        assert_eq!(Line::new("検索検索").shown(5), ("検索", 4));
    }

    proptest! {
        #[test]
        fn any_editing_keeps_the_cursor_between_characters(
            pieces in proptest::collection::vec(("[a-z é検\u{301}👩\u{200d}\n]{0,3}", 0u8..9), 0..30),
            columns in 1usize..20,
        ) {
            let mut line = Line::default();
            for (text, edit) in pieces {
                line.insert(&text);
                match edit {
                    0 => line.left(),
                    1 => line.right(),
                    2 => line.home(),
                    3 => line.end(),
                    4 => line.backspace(),
                    5 => line.delete(),
                    6 => line.delete_word(),
                    7 => line.delete_to_start(),
                    _ => {}
                }
                prop_assert!(line.text.is_char_boundary(line.cursor));
                let (shown, column) = line.shown(columns);
                prop_assert!(column < columns && line.text.ends_with(shown));
                prop_assert!(!line.text.contains(char::is_control));
            }
        }
    }
}
