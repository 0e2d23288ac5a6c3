//! AsciiDoc: `= Title`, `== Section`; the lines after the title name the author and the date.

use super::{Line, Outline, field, lines};

pub(super) fn outline(text: &str) -> Outline {
    let mut outline = Outline::default();
    // What ends the block that is open, within which nothing is a heading.
    let mut block: Option<&str> = None;
    let mut before: Option<Line> = None;
    let mut header = Header::Before;
    for line in lines(text) {
        let trimmed = line.text.trim_end();
        if let Some(end) = block {
            if trimmed == end {
                block = None;
            }
            continue;
        }
        if is_delimiter(trimmed) && !underlines(before, trimmed) {
            block = Some(trimmed);
            before = None;
            continue;
        }
        let marks = trimmed.bytes().take_while(|byte| *byte == b'=').count();
        let marks = if marks == 0 {
            trimmed.bytes().take_while(|byte| *byte == b'#').count()
        } else {
            marks
        };
        if (1..=6).contains(&marks) && trimmed[marks..].starts_with(' ') {
            outline.headings.extend(line.heading(marks, trimmed.len(), marks as u8));
            header =
                if marks == 1 && header == Header::Before { Header::Author } else { Header::Past };
        } else if let (Some(title), true) = (before, underlines(before, trimmed)) {
            let level = "=-~^+".find(&trimmed[..1]).map_or(1, |at| at as u8 + 1);
            outline.headings.extend(title.heading(0, title.text.len(), level));
        } else {
            header = header.read(trimmed, &mut outline);
        }
        before = Some(line);
    }
    outline
}

/// Where a line stands before the first paragraph.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    Before,
    Author,
    Revision,
    Past,
}

impl Header {
    fn read(self, line: &str, outline: &mut Outline) -> Self {
        let declared = &mut outline.declared;
        if self == Self::Past || line.starts_with("//") {
            return self;
        }
        if let Some((name, value)) = field(line, ':') {
            match name {
                "author" => declared.note_author(value),
                "authors" => value.split(';').for_each(|one| declared.note_author(one)),
                "revdate" | "date" | "docdate" => declared.note_date(value),
                _ => {}
            }
            return self;
        }
        if line.trim().is_empty() {
            return if self == Self::Before { self } else { Self::Past };
        }
        match self {
            Self::Author if line.starts_with(|c: char| c.is_uppercase()) => {
                for one in line.split(';') {
                    declared.note_author(one.split('<').next().unwrap_or_default());
                }
                Self::Revision
            }
            Self::Revision => {
                // `v1.0, 2014-01-01: remark`
                let rest = line.split_once(',').map_or(line, |(_, rest)| rest);
                declared.note_date(rest.split(": ").next().unwrap_or_default());
                Self::Past
            }
            _ => Self::Past,
        }
    }
}

/// Rows of marks that open and close a block.
fn is_delimiter(line: &str) -> bool {
    let Some(mark) = line.chars().next() else { return false };
    let is_row = line.len() >= 4 && "-.+/*_=".contains(mark) && line.chars().all(|c| c == mark);
    is_row && matches!(mark, '-' | '.' | '+' | '/') || line == "```" || line.starts_with("|===")
}

/// Whether a row of marks is as long as the line above it, which then is a title.
fn underlines(above: Option<Line>, line: &str) -> bool {
    let Some(above) = above else { return false };
    let mark = line.chars().next().unwrap_or(' ');
    let width = above.text.trim().chars().count();
    "=-~^+".contains(mark)
        && line.len() >= 4
        && line.chars().all(|c| c == mark)
        && line.len().abs_diff(width) <= 2
        && above.text.starts_with(char::is_alphanumeric)
}
