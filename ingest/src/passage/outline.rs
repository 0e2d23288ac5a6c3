//! What a document's headings mean for its passages: where each begins, and what it stands under.

use std::ops::Range;

use crate::{Document, Kind, title};

/// Headings that a path names at most, the innermost of those above a place.
const PATH_LEVELS: usize = 4;
/// Longest path, in characters; what does not fit is left out from the outermost on.
const PATH_CHARS: usize = 160;
/// Stands between the headings of a path.
const SEPARATOR: &str = " › ";
/// Farther than this from its heading, a line's end does not belong to the heading any more.
const REACH_BYTES: usize = 256;
/// Comments and attributes above an item of code are looked for within so many bytes.
const LEAD_BYTES: usize = 8 << 10;

/// The lines that a document's headings stand on, in the order of its headings: with marks such as
/// `##` before them and an underline below them, but without white space around. In code a line
/// starts with the comments and attributes of the item that it names.
pub(super) fn heading_lines(document: &Document) -> Vec<Range<usize>> {
    let text = document.text.as_str();
    let is_code = document.kind == Kind::Code;
    let mut lines = Vec::with_capacity(document.headings.len());
    let mut free_from = 0;
    for heading in document.headings.iter().filter(|h| text.get(h.bytes.clone()).is_some()) {
        let mut line = heading_line(text, &heading.bytes);
        let end = line.end;
        if is_code {
            line = with_lead(text, line, free_from);
        }
        free_from = end.max(free_from);
        lines.push(line);
    }
    lines
}

fn heading_line(text: &str, heading: &Range<usize>) -> Range<usize> {
    let Range { start, end } = *heading;
    let before = &text[text.ceil_char_boundary(start.saturating_sub(REACH_BYTES))..start];
    let line = before.rsplit('\n').next().unwrap_or_default();
    let marks = if line.len() == before.len() && before.len() < start { "" } else { line };
    let start = start - marks.trim_start().len();

    let after = &text[end..text.floor_char_boundary(end + REACH_BYTES)];
    let mut lines = after.split_inclusive('\n');
    let rest = lines.next().unwrap_or_default();
    let is_whole = rest.ends_with('\n') || end + rest.len() == text.len();
    let below = lines.next().unwrap_or_default().trim_end();
    let is_underline = |mark| below.len() >= 3 && below.bytes().all(|b| b == mark);
    if !is_whole {
        start..end
    } else if [b'=', b'-', b'~'].into_iter().any(is_underline) {
        start..end + rest.len() + below.len()
    } else {
        start..end + rest.trim_end().len()
    }
}

/// The line of an item of code, from the first of the comments and attributes right above it.
/// Only the first of them is kept with the start of the item's passage: a long comment may be cut.
fn with_lead(text: &str, line: Range<usize>, free_from: usize) -> Range<usize> {
    let line_start = text[..line.start].rfind('\n').map_or(0, |at| at + 1);
    let reach = text.ceil_char_boundary(line_start.saturating_sub(LEAD_BYTES)).max(free_from);
    let Some(above) = text.get(reach..line_start) else { return line };
    let whole_lines =
        if reach == 0 { 0 } else { above.find('\n').map_or(above.len(), |at| at + 1) };
    let mut start = line_start;
    let mut lead = None;
    let mut in_block = false;
    for above in above[whole_lines..].split_inclusive('\n').rev() {
        let content = above.trim();
        // A comment's last line tells where it ends; what stands above it may look like anything.
        in_block |= content.ends_with("*/");
        if !in_block && !is_lead(content) {
            break;
        }
        start -= above.len();
        if content.starts_with("/*") {
            in_block = false;
        }
        if !in_block {
            let indent = above.len() - above.trim_start().len();
            lead = Some(start + indent..start + indent + content.len());
        }
    }
    lead.unwrap_or(line)
}

/// Whether a line above an item is a comment on it or an attribute of it.
fn is_lead(line: &str) -> bool {
    ["//", "#", "@", "--", ";;", "'''", "[<"].iter().any(|mark| line.starts_with(mark))
        || (line.starts_with('[') && line.ends_with(']'))
        || (line.starts_with("template") && line.ends_with('>'))
}

/// The headings above a place, from the outermost in.
#[derive(Debug, Default)]
pub(super) struct HeadingPath {
    /// Level and words; each is of a deeper level than the one before.
    open: Vec<(u8, String)>,
}

impl HeadingPath {
    /// Goes past a heading.
    pub(super) fn pass(&mut self, level: u8, words: &str) {
        self.open.retain(|(above, _)| *above < level);
        if let Some(words) = title::clean(words) {
            self.open.push((level, words));
        }
    }

    /// The path as one line, `None` where no heading stands above. A heading that only repeats the
    /// document's title is left out where another one follows.
    pub(super) fn line(&self, document_title: &str) -> Option<String> {
        let mut open = self.open.iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>();
        if open.len() > 1 && open[0] == document_title {
            open.remove(0);
        }
        let mut path = title::shortened(open.pop()?, PATH_CHARS);
        let mut chars = path.chars().count();
        for words in open.into_iter().rev().take(PATH_LEVELS - 1) {
            chars += words.chars().count() + SEPARATOR.chars().count();
            if chars > PATH_CHARS {
                break;
            }
            path = [words, &path].join(SEPARATOR);
        }
        Some(path)
    }
}
