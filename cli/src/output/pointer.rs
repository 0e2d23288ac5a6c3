//! A query with a line under it that points at a place.

use lsearch_index::query::Place;
use unicode_width::UnicodeWidthChar;

/// So much of a long query is shown around the place, in columns of a terminal.
const WIDTH: usize = 72;
/// Columns before the place, where not all fits.
const BEFORE: usize = 24;
const ELLIPSIS: char = '…';

/// Two lines: the query, or the part of it around the place, and carets under the place.
pub fn pointed(query: &str, place: Place) -> String {
    // What moves the cursor would move it away from what is pointed at.
    let chars: Vec<char> = query.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let place_at = place.at.min(chars.len());
    let all: usize = chars.iter().copied().map(width).sum();
    let first = if all <= WIDTH { 0 } else { back(&chars, place_at, BEFORE) };
    let mut line = String::new();
    let mut column = 0;
    if first > 0 {
        line.push(ELLIPSIS);
        column += 1;
    }
    let (mut start, mut end) = (None, None);
    for (at, &c) in chars.iter().enumerate().skip(first) {
        if column + width(c) > WIDTH {
            line.push(ELLIPSIS);
            break;
        }
        if at == place_at {
            start = Some(column);
        }
        line.push(c);
        column += width(c);
        if at < place_at + place.length {
            end = Some(column);
        }
    }
    let start = start.unwrap_or(column);
    let carets = end.unwrap_or(start).saturating_sub(start).max(1);
    format!("{}\n{}{}", line.trim_end(), " ".repeat(start), "^".repeat(carets))
}

/// The first of the characters before `at` that fit into so many columns.
fn back(chars: &[char], at: usize, columns: usize) -> usize {
    let mut used = 0;
    let fits = |c: &&char| {
        used += width(**c);
        used <= columns
    };
    at - chars[..at].iter().rev().take_while(fits).count()
}

fn width(c: char) -> usize {
    c.width().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(query: &str, at: usize, length: usize) -> String {
        pointed(query, Place { at, length })
    }

    #[test]
    fn carets_stand_under_the_place() {
        assert_eq!(shown("lease type:pfd", 11, 3), "lease type:pfd\n           ^^^");
        assert_eq!(shown("lease\ttype:pfd", 0, 5), "lease type:pfd\n^^^^^");
        // Wide characters take two columns.
        assert_eq!(shown("検索 -x", 3, 2), "検索 -x\n     ^^");
        assert_eq!(shown("", 0, 0), "\n^");
    }

    #[test]
    fn of_a_long_query_the_part_around_the_place_is_shown() {
        let query = format!("{}type:pfd {}", "word ".repeat(40), "more ".repeat(40));
        let shown = shown(&query, 205, 3);
        let (line, carets) = shown.split_once('\n').unwrap();
        assert!(line.starts_with('…') && line.ends_with('…'), "{shown}");
        let at = carets.find('^').unwrap();
        let under: String = line.chars().skip(at).take(carets.trim().len()).collect();
        assert_eq!(under, "pfd", "{shown}");
    }

    proptest! {
        #[test]
        fn any_place_can_be_pointed_at(query in "\\PC{0,120}", at in 0usize..130, length in 0usize..20) {
            let shown = pointed(&query, Place { at, length });
            let (line, carets) = shown.split_once('\n').unwrap();
            prop_assert!(carets.ends_with('^'));
            let columns: usize = line.chars().map(width).sum();
            prop_assert!(columns <= WIDTH + 2 && carets.len() <= WIDTH + 2, "{}", shown);
        }
    }
}
