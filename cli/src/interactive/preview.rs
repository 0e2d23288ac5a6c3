//! The text of a document beside the hits, scrolled to the passage.

use std::ops::Range;

use super::wrap;

/// Longer lines are broken before they are wrapped, so that one of many megabytes does not hold the interface up.
const PIECE_BYTES: usize = 4096;
/// Rows above the passage when it comes into view.
const ABOVE: usize = 3;

/// A document's text with a place in it.
#[derive(Debug)]
pub(super) struct Preview {
    /// Number of the document.
    pub(super) id: u64,
    /// First byte of the passage, as it was asked for.
    pub(super) at: usize,
    text: String,
    /// Lines, long ones in several pieces, as ranges of `text` without the line's end.
    pieces: Vec<Range<usize>>,
    /// The passage that answers best.
    passage: Range<usize>,
    /// Words of the query, ascending.
    marks: Vec<Range<usize>>,
    /// First row in view: piece, and row within it.
    top: (usize, usize),
    /// The pane's columns when it was last drawn.
    width: usize,
    /// Whether the passage is still to be brought into view, which takes the width.
    fresh: bool,
}

/// A row in view.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    /// Its text.
    pub(super) text: &'a str,
    /// Words of the query in it, as ranges of `text`.
    pub(super) marks: Vec<Range<usize>>,
    /// Whether it belongs to the passage.
    pub(super) in_passage: bool,
}

impl Preview {
    /// Of a document; ranges are those of its text, but the passage may be that of a text before.
    pub(super) fn new(
        id: u64,
        text: String,
        passage: Range<usize>,
        marks: Vec<Range<usize>>,
    ) -> Self {
        let start = text.floor_char_boundary(passage.start);
        let end = text.floor_char_boundary(passage.end).max(start);
        // Empty lines behind the passage are nobody's.
        let own = text[start..end].trim_end().len();
        Self {
            id,
            at: passage.start,
            pieces: pieces(&text),
            text,
            passage: start..start + own,
            marks,
            top: (0, 0),
            width: 0,
            fresh: true,
        }
    }

    /// Scrolls by so many rows, up where negative.
    pub(super) fn scroll(&mut self, rows: isize) {
        if rows < 0 {
            self.up(rows.unsigned_abs());
        } else {
            self.down(rows.unsigned_abs());
        }
    }

    /// The rows that fill a pane.
    pub(super) fn rows(&mut self, width: usize, height: usize) -> Vec<Row<'_>> {
        if width != self.width {
            self.width = width;
            self.top.1 = 0;
        }
        if self.fresh {
            self.fresh = false;
            self.show_passage();
        }
        let (first, skip) = self.top;
        let all = self.pieces[first..].iter().flat_map(|piece| {
            let rows = wrap::rows(&self.text[piece.clone()], width);
            rows.into_iter().map(|row| piece.start + row.start..piece.start + row.end)
        });
        all.skip(skip).take(height).map(|row| self.row(row)).collect()
    }

    fn row(&self, range: Range<usize>) -> Row<'_> {
        let first = self.marks.partition_point(|mark| mark.end <= range.start);
        let marks = self.marks[first..].iter().take_while(|mark| mark.start < range.end);
        let within = |mark: &Range<usize>| {
            mark.start.max(range.start) - range.start..mark.end.min(range.end) - range.start
        };
        Row {
            text: &self.text[range.clone()],
            marks: marks.map(within).collect(),
            in_passage: range.start < self.passage.end && range.end > self.passage.start,
        }
    }

    fn show_passage(&mut self) {
        let piece = self.pieces.partition_point(|piece| piece.end < self.passage.start);
        let piece = piece.min(self.pieces.len() - 1);
        let start = &self.pieces[piece];
        let rows = wrap::rows(&self.text[start.clone()], self.width);
        let within = self.passage.start.saturating_sub(start.start);
        let row = rows.partition_point(|row| row.end <= within).min(rows.len() - 1);
        self.top = (piece, row);
        self.up(ABOVE);
    }

    fn up(&mut self, mut rows: usize) {
        while rows > 0 {
            let (piece, row) = self.top;
            if row >= rows || piece == 0 {
                self.top.1 = row.saturating_sub(rows);
                return;
            }
            rows -= row + 1;
            self.top = (piece - 1, self.height(piece - 1) - 1);
        }
    }

    /// The last row stays in view.
    fn down(&mut self, mut rows: usize) {
        while rows > 0 {
            let (piece, row) = self.top;
            let left = self.height(piece).saturating_sub(row + 1);
            if rows <= left {
                self.top.1 += rows;
                return;
            }
            if piece + 1 >= self.pieces.len() {
                self.top.1 += left;
                return;
            }
            rows -= left + 1;
            self.top = (piece + 1, 0);
        }
    }

    fn height(&self, piece: usize) -> usize {
        wrap::rows(&self.text[self.pieces[piece].clone()], self.width).len()
    }
}

/// Lines, and pieces of those that are too long; there is always one.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        let end = start + line.len();
        let mut at = start;
        while end - at > PIECE_BYTES {
            let next = text.floor_char_boundary(at + PIECE_BYTES);
            pieces.push(at..next);
            at = next;
        }
        pieces.push(at..end);
        start = end + 1;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(preview: &mut Preview, width: usize, height: usize) -> Vec<String> {
        preview.rows(width, height).into_iter().map(|row| row.text.trim_end().to_owned()).collect()
    }

    #[test]
    fn the_passage_comes_into_view_with_some_rows_before_it() {
        let lines: Vec<String> = (0..50).map(|n| format!("line {n}")).collect();
        let text = lines.join("\n");
        let at = text.find("line 30").unwrap();
        let mut preview = Preview::new(1, text, at..at + 15, std::iter::once(at..at + 4).collect());
        let rows = preview.rows(20, 6);
        let shown: Vec<_> =
            rows.iter().map(|row| (row.text, row.in_passage, row.marks.len())).collect();
        assert_eq!(
            shown,
            [
                ("line 27", false, 0),
                ("line 28", false, 0),
                ("line 29", false, 0),
                ("line 30", true, 1),
                ("line 31", true, 0),
                ("line 32", false, 0),
            ]
        );
        preview.scroll(-1000);
        assert_eq!(texts(&mut preview, 20, 2), ["line 0", "line 1"]);
        preview.scroll(1000);
        assert_eq!(texts(&mut preview, 20, 2), ["line 49"]);
    }

    #[test]
    fn marks_go_over_the_ends_of_rows() {
        let mut preview =
            Preview::new(1, "unbreakable".to_owned(), 0..11, std::iter::once(2..9).collect());
        let rows = preview.rows(4, 9).into_iter();
        let marks: Vec<_> =
            rows.flat_map(|row| row.marks).map(|mark| (mark.start, mark.end)).collect();
        assert_eq!(marks, [(2, 4), (0, 4), (0, 1)]);
    }

    #[test]
    fn an_empty_document_and_an_endless_line_can_be_shown() {
        let mut empty = Preview::new(1, String::new(), 0..0, Vec::new());
        assert_eq!(texts(&mut empty, 10, 5), [""]);
        let endless = "é".repeat(3 << 20);
        let mut preview = Preview::new(1, endless, (2 << 20)..(2 << 20) + 8, Vec::new());
        assert_eq!(texts(&mut preview, 10, 5).len(), 5);
        preview.scroll(100);
        assert_eq!(texts(&mut preview, 10, 5).len(), 5);
    }

    proptest! {
        #[test]
        fn up_undoes_down(text in "[a-z 検\n]{0,120}", width in 1usize..12, rows in 1isize..30) {
            let mut preview = Preview::new(1, text, 0..0, Vec::new());
            preview.rows(width, 3);
            preview.scroll(rows);
            let there = preview.top;
            preview.scroll(-1);
            if preview.top != there {
                preview.scroll(1);
            }
            prop_assert_eq!(preview.top, there);
            preview.scroll(-rows);
            prop_assert_eq!(preview.top, (0, 0));
        }
    }
}
