//! `lsearch get`: a document's text as it was indexed, or a page or some lines of it.

use std::ops::Range;

use lsearch_index::StoredDocument;
use serde::Serialize;

use super::find_document;
use crate::app::App;
use crate::args::GetArgs;
use crate::errors::{CliError, EXIT_OK};
use crate::output::{self, json};

#[derive(Serialize)]
struct Printed<'a> {
    id: u64,
    path: std::borrow::Cow<'a, str>,
    title: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dated: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    pages: usize,
    text: &'a str,
}

/// Prints the text.
pub fn run(app: &App, args: &GetArgs) -> Result<u8, CliError> {
    let document = find_document(app, &args.document)?;
    let part = part(&document, args.page, args.lines.as_deref())?;
    let text = &document.text[part];
    if args.json {
        output::print(&json::line(&Printed {
            id: document.id,
            path: document.path.to_string_lossy(),
            title: &document.title,
            kind: &document.kind,
            author: document.author.as_deref(),
            dated: document.dated.as_deref(),
            language: document.language.as_deref(),
            pages: document.pages.len(),
            text,
        })?)?;
    } else {
        let newline = if text.ends_with('\n') { "" } else { "\n" };
        output::print(&format!("{text}{newline}"))?;
    }
    Ok(EXIT_OK)
}

/// The page or the lines that are asked for, or else all, as a range of bytes.
pub fn part(
    document: &StoredDocument,
    page: Option<u32>,
    lines: Option<&str>,
) -> Result<Range<usize>, CliError> {
    match (page, lines) {
        (Some(page), _) => page_range(document, page),
        (None, Some(lines)) => {
            let range = line_range(&document.text, lines)?;
            if range.is_empty() && !document.text.is_empty() {
                let path = document.path.display();
                return Err(CliError::new(format!("{path}: no lines {lines}"))
                    .hint(format!("it has lines 1 to {}", document.text.lines().count())));
            }
            Ok(range)
        }
        (None, None) => Ok(0..document.text.len()),
    }
}

fn page_range(document: &StoredDocument, page: u32) -> Result<Range<usize>, CliError> {
    let pages = &document.pages;
    if pages.is_empty() {
        return Err(CliError::new(format!("{}: has no pages", document.path.display()))
            .hint("pages are known for PDF; use --lines A:B"));
    }
    let index =
        (page as usize).checked_sub(1).filter(|index| *index < pages.len()).ok_or_else(|| {
            CliError::new(format!("{}: no page {page}", document.path.display()))
                .hint(format!("it has pages 1 to {}", pages.len()))
        })?;
    let end = pages.get(index + 1).copied().unwrap_or(document.text.len());
    Ok(pages[index]..end)
}

/// `A:B` (1-based, both included; either may be left out) as a byte range of whole lines.
fn line_range(text: &str, lines: &str) -> Result<Range<usize>, CliError> {
    let wrong = || {
        CliError::new(format!("--lines {lines}: not a range of lines"))
            .hint("use first:last, counted from 1, e.g. 10:40, 10: or :40")
    };
    let (first, last) = lines.split_once(':').unwrap_or((lines, lines));
    let number = |part: &str, default: usize| match part.trim() {
        "" => Ok(default),
        digits => digits.parse::<usize>().ok().filter(|number| *number > 0).ok_or_else(wrong),
    };
    let (first, last) = (number(first, 1)?, number(last, usize::MAX)?);
    if last < first {
        return Err(wrong());
    }
    let mut starts = std::iter::once(0)
        .chain(text.match_indices('\n').map(|(at, _)| at + 1))
        .filter(|start| *start < text.len());
    let start = starts.nth(first - 1).unwrap_or(text.len());
    let end = match last - first {
        usize::MAX => text.len(),
        further => starts.nth(further).unwrap_or(text.len()),
    };
    Ok(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(text: &str, range: &str) -> String {
        text[line_range(text, range).unwrap()].to_owned()
    }

    #[test]
    fn both_ends_are_included() {
        let text = "one\ntwo\nthree\nfour";
        assert_eq!(lines(text, "2:3"), "two\nthree\n");
        assert_eq!(lines(text, "3:"), "three\nfour");
        assert_eq!(lines(text, ":1"), "one\n");
        assert_eq!(lines(text, "4"), "four");
        assert_eq!(lines(text, "9:12"), "");
    }

    #[test]
    fn ranges_that_make_no_sense_are_refused() {
        for wrong in ["0:3", "4:2", "a:b", "-1:2", "1:2:3"] {
            assert!(line_range("x\ny\n", wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_counting_lines(text in "[a-zé\n]{0,60}", first in 1usize..9, more in 0usize..9) {
            let expected: String =
                text.split_inclusive('\n').skip(first - 1).take(more + 1).collect();
            prop_assert_eq!(lines(&text, &format!("{first}:{}", first + more)), expected);
        }
    }
}
