//! The line that says what a source file is about.

use crate::title;

/// Longer than this, a line is a description and no title.
const SUMMARY_CHARS: usize = 100;
/// The comment begins within so many bytes.
const HEAD_BYTES: usize = 4096;

/// The first paragraph of a module's own documentation, if it is one line: Python's docstring,
/// Rust's `//!`, the `/** … */` that stands before everything else, Go's comment on the package.
pub(super) fn summary(text: &str, format: &str) -> Option<String> {
    let head = &text[..text.floor_char_boundary(HEAD_BYTES)];
    let paragraph = match format {
        "python" => docstring(head)?,
        "rust" => commented(head, "//!")?,
        "go" => package_comment(head)?,
        "c" | "cpp" | "javascript" | "typescript" | "java" | "php" | "kotlin" | "scala"
        | "swift" => block_comment(head)?,
        _ => return None,
    };
    let line = title::clean(&paragraph)?;
    let line = line.trim_end_matches('.').to_owned();
    let lower = line.to_lowercase();
    // Who owns a file and what made it says nothing about what is in it.
    let is_notice =
        ["copyright", "licen", "spdx", "(c)", "©", "@", "generated", "-*-", "vim:", "eslint"]
            .iter()
            .any(|word| lower.contains(word));
    let fits = line.chars().count() <= SUMMARY_CHARS && line.split(' ').count() >= 2;
    (fits && !is_notice && line.starts_with(char::is_alphanumeric)).then_some(line)
}

/// The first paragraph of lines, where it has one line only.
fn only_line<'a>(lines: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut paragraph = lines.map(str::trim).skip_while(|line| line.is_empty());
    let line = paragraph.next()?;
    paragraph.next().is_none_or(str::is_empty).then(|| line.to_owned())
}

fn docstring(head: &str) -> Option<String> {
    let mut rest = head;
    while rest.starts_with('#') || rest.starts_with(char::is_whitespace) {
        rest = match rest.strip_prefix('#') {
            Some(comment) => comment.split_once('\n')?.1,
            None => rest.trim_start(),
        };
    }
    let rest = rest.strip_prefix(['r', 'u', 'R']).unwrap_or(rest);
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| rest.starts_with(quote))?;
    let rest = &rest[quote.len()..];
    let body = rest.split_once(quote).map_or(rest, |(body, _)| body);
    only_line(body.lines())
}

/// Lines at the beginning that all start with a mark.
fn commented(head: &str, mark: &str) -> Option<String> {
    let lines =
        head.lines().skip_while(|line| line.trim().is_empty() || is_plain_comment(line, mark));
    only_line(lines.map_while(|line| line.trim_start().strip_prefix(mark)))
}

fn is_plain_comment(line: &str, mark: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") && !line.starts_with(mark)
}

fn package_comment(head: &str) -> Option<String> {
    let (above, _) = head.split_once("\npackage ")?;
    let comment: Vec<&str> =
        above.lines().rev().map_while(|line| line.strip_prefix("//")).collect();
    only_line(comment.into_iter().rev())
}

fn block_comment(head: &str) -> Option<String> {
    let start = head.trim_start();
    let start = start.strip_prefix("<?php").unwrap_or(start).trim_start();
    let (comment, _) = start.strip_prefix("/*")?.split_once("*/")?;
    let comment = comment.trim_start_matches(['*', '!']);
    only_line(comment.lines().map(|line| line.trim().trim_start_matches('*')))
}
