//! Lines of text broken into rows of a pane.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns of a tab.
const TAB: &str = "    ";

/// How a character as a reader sees it is shown: tabs as spaces, and nothing that commands a terminal.
pub(super) fn shown(grapheme: &str) -> &str {
    if grapheme == "\t" {
        TAB
    } else if grapheme.contains(char::is_control) {
        " "
    } else {
        grapheme
    }
}

/// The columns that it takes.
pub(super) fn columns(grapheme: &str) -> usize {
    shown(grapheme).width()
}

/// Rows of at most so many columns, as ranges of bytes: broken behind spaces and wide characters where that is
/// possible, else anywhere between characters. Spaces at the end of a row may stand out. There is always one row.
pub(super) fn rows(line: &str, width: usize) -> Vec<Range<usize>> {
    let width = width.max(1);
    let (mut rows, mut start, mut used) = (Vec::new(), 0, 0);
    // Where the row can end, and the columns up to there.
    let mut chance: Option<(usize, usize)> = None;
    for (at, grapheme) in line.grapheme_indices(true) {
        let (end, wide) = (at + grapheme.len(), columns(grapheme));
        if grapheme.chars().all(char::is_whitespace) {
            used += wide;
            chance = Some((end, used));
            continue;
        }
        if used + wide > width
            && let Some((at, before)) = chance.take()
        {
            rows.push(start..at);
            start = at;
            used -= before;
        }
        if used + wide > width && at > start {
            rows.push(start..at);
            start = at;
            used = 0;
        }
        used += wide;
        if wide > 1 {
            chance = Some((end, used));
        }
    }
    rows.push(start..line.len());
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrapped(line: &str, width: usize) -> Vec<&str> {
        rows(line, width).into_iter().map(|row| &line[row]).collect()
    }

    #[test]
    fn rows_end_with_words() {
        assert_eq!(wrapped("who pays the rent", 9), ["who pays ", "the rent"]);
        assert_eq!(wrapped("who pays the rent", 8), ["who pays ", "the rent"]);
        assert_eq!(wrapped("unbreakable", 4), ["unbr", "eaka", "ble"]);
        assert_eq!(wrapped("a unbreakable", 4), ["a ", "unbr", "eaka", "ble"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(wrapped("全文検索エンジン", 6), ["全文検", "索エン", "ジン"]);
        assert_eq!(wrapped("全文検索", 5), ["全文", "検索"]);
        assert_eq!(wrapped("a全文b", 3), ["a全", "文b"]);
        // What does not fit even alone has a row of its own.
        assert_eq!(wrapped("全文", 1), ["全", "文"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_stands_out(line in "[a-z \té検\u{301}👩]{0,80}", width in 4usize..20) {
            let rows = rows(&line, width);
            let mut at = 0;
            for row in &rows {
                prop_assert_eq!(row.start, at);
                at = row.end;
                let shown: usize = line[row.clone()].trim_end().graphemes(true).map(columns).sum();
                prop_assert!(shown <= width, "{:?}", &line[row.clone()]);
            }
            prop_assert_eq!(at, line.len());
        }
    }
}
