//! MediaWiki: `== Heading ==`.

use super::{Outline, lines};

pub(super) fn outline(text: &str) -> Outline {
    let mut outline = Outline::default();
    for line in lines(text) {
        let trimmed = line.text.trim_end();
        let marks = trimmed.bytes().take_while(|byte| *byte == b'=').count();
        let closing = trimmed.bytes().rev().take_while(|byte| *byte == b'=').count();
        if (1..=6).contains(&marks) && closing == marks && trimmed.len() > 2 * marks {
            outline.headings.extend(line.heading(marks, trimmed.len() - marks, marks as u8));
        }
    }
    outline
}
