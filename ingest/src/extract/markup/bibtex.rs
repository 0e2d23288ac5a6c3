//! BibTeX: each entry is headed by its key.

use super::{Outline, lines};

pub(super) fn outline(text: &str) -> Outline {
    let mut outline = Outline::default();
    for line in lines(text) {
        let trimmed = line.text.trim_end();
        let Some((kind, key)) = trimmed.strip_prefix('@').and_then(|rest| rest.split_once('{'))
        else {
            continue;
        };
        let is_entry =
            !["comment", "string", "preamble"].contains(&kind.trim().to_lowercase().as_str());
        let end = key.find(',').unwrap_or(key.len());
        if is_entry && !key[..end].contains('=') {
            let from = trimmed.len() - key.len();
            outline.headings.extend(line.heading(from, from + end, 1));
        }
    }
    outline
}
