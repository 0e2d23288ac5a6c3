//! From the raw text of pages to text as it would be typed.

use std::collections::HashSet;

use unicode_normalization::char::decompose_compatible;

/// The pages in one text.
#[derive(Debug, Default)]
pub(super) struct Cleaned {
    pub(super) text: String,
    /// Where each page starts; an empty page starts where the next one does.
    pub(super) starts: Vec<usize>,
    pub(super) empty_pages: usize,
}

/// Takes ligatures apart, collapses white space, joins words that were divided at line ends and
/// puts the pages behind one another, each beginning a new paragraph.
pub(super) fn clean_pages(raw_pages: &[String]) -> Cleaned {
    let pages: Vec<String> = raw_pages.iter().map(|raw| clean_lines(raw)).collect();
    let words = Words::of(&pages);
    let mut cleaned = Cleaned::default();
    for page in &pages {
        if page.is_empty() {
            cleaned.empty_pages += 1;
            cleaned.starts.push(cleaned.text.len());
            continue;
        }
        if !cleaned.text.is_empty() {
            cleaned.text.push('\n');
            // Empty pages that were waiting for this one start here with it.
            let end = cleaned.text.len();
            for start in cleaned.starts.iter_mut().rev().take_while(|start| **start == end - 1) {
                *start = end;
            }
        }
        cleaned.starts.push(cleaned.text.len());
        join_divided(page, &words, &mut cleaned.text);
        if !cleaned.text.ends_with('\n') {
            cleaned.text.push('\n');
        }
    }
    cleaned
}

/// One page with single spaces, trimmed lines and no more than one empty line in a row.
fn clean_lines(raw: &str) -> String {
    let mut page = String::with_capacity(raw.len());
    let mut empty_line_due = false;
    for line in raw.split(['\n', '\r', '\u{c}', '\u{b}', '\u{2028}', '\u{2029}']) {
        let line_start = page.len();
        for word in line.split(|c: char| c.is_whitespace() || c == '\0') {
            let word_start = page.len();
            word.chars().for_each(|c| push_clean(c, &mut page));
            // A soft hyphen by itself divides nothing.
            if page[word_start..].chars().all(|c| c == '\u{AD}') {
                page.truncate(word_start);
            }
            if page.len() > word_start && word_start > line_start {
                page.insert(word_start, ' ');
            }
        }
        if page.len() == line_start {
            empty_line_due = line_start > 0;
            continue;
        }
        if empty_line_due {
            page.insert(line_start, '\n');
            empty_line_due = false;
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page
}

fn push_clean(c: char, page: &mut String) {
    match c {
        '\u{FB00}' => page.push_str("ff"),
        '\u{FB01}' => page.push_str("fi"),
        '\u{FB02}' => page.push_str("fl"),
        '\u{FB03}' => page.push_str("ffi"),
        '\u{FB04}' => page.push_str("ffl"),
        '\u{FB05}' | '\u{FB06}' => page.push_str("st"),
        // Soft hyphens inside of lines, zero-width spaces and joiners that split words for search.
        '\u{AD}' => page.push('\u{AD}'),
        '\u{200B}' | '\u{FEFF}' | '\u{2060}' => {}
        c if c.is_control() => {}
        // Radicals and letters in the form they have within a word: fonts name them so, but nobody
        // types them.
        '\u{2E80}'..='\u{2FDF}' | '\u{FB07}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' => {
            decompose_compatible(c, |c| page.push(c));
        }
        c => page.push(c),
    }
}

/// The words of a document as they stand inside of lines, where no hyphen is in doubt.
struct Words<'a>(HashSet<&'a str>);

impl<'a> Words<'a> {
    /// Collects only if some line is divided at all.
    fn of(pages: &'a [String]) -> Self {
        let divided = |page: &String| page.contains("-\n") || page.contains("\u{AD}\n");
        if !pages.iter().any(divided) {
            return Self(HashSet::new());
        }
        let trim = |word: &'a str| word.trim_matches(|c: char| !c.is_alphanumeric());
        Self(pages.iter().flat_map(|page| page.split_whitespace()).map(trim).collect())
    }

    /// Whether the hyphen belongs to the word: "long-term" elsewhere in the text and never
    /// "longterm".
    fn keep_hyphen(&self, first: &str, second: &str) -> bool {
        self.has(first, "-", second) && !self.has(first, "", second)
    }

    /// Whether the two are known to be one word.
    fn has_joined(&self, first: &str, second: &str) -> bool {
        self.has(first, "", second)
    }

    fn has(&self, first: &str, between: &str, second: &str) -> bool {
        let first = first.trim_start_matches(|c: char| !c.is_alphanumeric());
        let second = second.trim_end_matches(|c: char| !c.is_alphanumeric());
        self.0.contains(format!("{first}{between}{second}").as_str())
    }
}

/// Appends the page with words that end in a hyphen joined to their rest on the next line.
fn join_divided(page: &str, words: &Words, text: &mut String) {
    let lines: Vec<&str> = page.split('\n').collect();
    // The line whose beginning has moved up, and by how many bytes.
    let (mut shortened, mut carried) = (0, 0);
    for (index, line) in lines.iter().enumerate() {
        let line = if index == shortened { &line[carried..] } else { line };
        let has_moved =
            |index: usize| carried > 0 && index == shortened && lines[index].len() == carried;
        // A line that has moved up as a whole is gone, and so is the gap before it.
        if has_moved(index) || (line.is_empty() && index + 1 == shortened && has_moved(index + 1)) {
            continue;
        }
        let line_after = |index: usize| lines.get(index).copied().unwrap_or_default();
        // At the end of a column the rest stands after a gap, or it is something else.
        let is_gap = line_after(index + 1).is_empty();
        let next_index = if is_gap { index + 2 } else { index + 1 };
        let next = line_after(next_index);
        let divided = divided_word(line, next)
            .filter(|(stem, rest, _)| !is_gap || words.has_joined(last_word(stem), rest));
        let Some((stem, rest, hyphen)) = divided else {
            push_without_soft_hyphens(line, text);
            if index + 1 < lines.len() {
                text.push('\n');
            }
            continue;
        };
        push_without_soft_hyphens(stem, text);
        if hyphen == '-' && words.keep_hyphen(last_word(stem), rest) {
            text.push('-');
        }
        push_without_soft_hyphens(rest, text);
        // The rest of the word moves up; the line break stays where it is, after the word.
        shortened = next_index;
        carried = rest.len() + next[rest.len()..].len() - next[rest.len()..].trim_start().len();
        text.push('\n');
    }
}

fn last_word(line: &str) -> &str {
    line.rsplit(char::is_whitespace).next().unwrap_or(line)
}

/// The line without its hyphen, the rest of the word in the next line, and which hyphen it was.
fn divided_word<'a>(line: &'a str, next: &'a str) -> Option<(&'a str, &'a str, char)> {
    let hyphen = line.chars().next_back().filter(|c| ['-', '\u{AD}', '\u{2010}'].contains(c))?;
    let stem = &line[..line.len() - hyphen.len_utf8()];
    let rest = next.split(char::is_whitespace).next().unwrap_or_default();
    let divides = stem.chars().next_back().is_some_and(char::is_alphabetic)
        && rest.chars().next().is_some_and(char::is_lowercase);
    divides.then_some((stem, rest, hyphen))
}

fn push_without_soft_hyphens(line: &str, text: &mut String) {
    text.extend(line.chars().filter(|&c| c != '\u{AD}'));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clean(pages: &[&str]) -> Cleaned {
        clean_pages(&pages.iter().map(|page| (*page).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn white_space_and_ligatures_are_typed_out() {
        let raw = "  The \u{FB01}rst\u{a0}o\u{FB03}ce \n\n\n \n\u{c}second   line\0\n";
        assert_eq!(clean(&[raw]).text, "The first office\n\nsecond line\n");
    }

    #[test]
    fn letters_in_special_form_are_plain_ones() {
        assert_eq!(clean(&["\u{2F08}\u{2F42} \u{FEF3}\u{FEE6}"]).text, "人文 ين\n");
    }

    #[test]
    fn divided_words_are_joined_and_lines_stay_lines() {
        assert_eq!(
            clean(&["the agree-\nment of both\nparties"]).text,
            "the agreement\nof both\nparties\n"
        );
        assert_eq!(clean(&["a para\u{AD}\ngraph; soft\u{AD}ly"]).text, "a paragraph;\nsoftly\n");
        assert_eq!(
            clean(&["a long-term plan, a long-\nterm debt"]).text,
            "a long-term plan, a long-term\ndebt\n"
        );
        assert_eq!(
            clean(&["ends here -\nNext", "pages 3-\n4"]).text,
            "ends here -\nNext\n\npages 3-\n4\n"
        );
        assert_eq!(clean(&["un-\nbe-\nlievable!"]).text, "unbe-\nlievable!\n");
        assert_eq!(clean(&["column col-\n\numn\n\nmore"]).text, "column column\n\nmore\n");
        // At the end of a column only what is known to be a word.
        assert_eq!(
            clean(&["a column, a col-\n\numn more", "the call-\n\nset_name"]).text,
            "a column, a column\n\nmore\n\nthe call-\n\nset_name\n"
        );
    }

    #[test]
    fn pages_start_where_they_start() {
        let cleaned = clean(&["", "one", "", "", "two\n\nmore", ""]);
        assert_eq!(cleaned.text, "one\n\ntwo\n\nmore\n");
        assert_eq!(cleaned.starts, [0, 0, 5, 5, 5, 15]);
        assert_eq!(cleaned.empty_pages, 4);
    }

    proptest! {
        #[test]
        fn no_letter_is_lost(pages in prop::collection::vec("[a-cA-C \\-\\n\u{ad}é]{0,40}", 0..5)) {
            let cleaned = clean_pages(&pages);
            let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
            prop_assert_eq!(letters(&cleaned.text), letters(&pages.concat()));
            prop_assert_eq!(cleaned.starts.len(), pages.len());
            prop_assert!(cleaned.starts.is_sorted());
            prop_assert!(cleaned.starts.iter().all(|&start| cleaned.text.is_char_boundary(start)));
            prop_assert!(!cleaned.text.contains("\n\n\n"));
        }
    }
}
