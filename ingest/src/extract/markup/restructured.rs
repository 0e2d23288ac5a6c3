//! reStructuredText: headings are underlined, and some overlined too; which mark stands for which
//! level is up to the order in which they come.

use super::{Line, Outline, field, lines};

/// Fields at the beginning are looked for within so many lines.
const FIELD_LINES: usize = 60;

pub(super) fn outline(text: &str) -> Outline {
    let mut outline = Outline::default();
    // Each style, overlined or not, by its first appearance.
    let mut styles: Vec<(u8, bool)> = Vec::new();
    let mut before: [Option<Line>; 2] = [None, None];
    for (number, line) in lines(text).enumerate() {
        if number < FIELD_LINES {
            note_field(&mut outline, line.text);
        }
        if let (Some(mark), Some(title)) = (adornment(line.text), before[1])
            && is_title(title.text, line.text)
        {
            let over = before[0].filter(|over| over.text.trim_end() == line.text.trim_end());
            let follows_text =
                over.is_none() && before[0].is_some_and(|line| !line.text.trim().is_empty());
            // A title has a blank line above it, or its own row of marks.
            let is_after_adornment = before[0].is_some_and(|line| adornment(line.text).is_some());
            if !follows_text || is_after_adornment {
                let style = (mark, over.is_some());
                let level = styles.iter().position(|known| *known == style).unwrap_or_else(|| {
                    styles.push(style);
                    styles.len() - 1
                });
                let level = (level.min(5) + 1) as u8;
                outline.headings.extend(title.heading(0, title.text.len(), level));
                before = [None, None];
                continue;
            }
        }
        before = [before[1], Some(line)];
    }
    outline
}

/// The mark of a row of marks.
fn adornment(line: &str) -> Option<u8> {
    let line = line.trim_end().as_bytes();
    let mark = *line.first()?;
    let is_row =
        line.len() >= 2 && mark.is_ascii_punctuation() && line.iter().all(|byte| *byte == mark);
    is_row.then_some(mark)
}

fn is_title(title: &str, below: &str) -> bool {
    let words = title.trim();
    // Marks that are too short are forgiven by a little, as wide characters count double.
    let width = words.chars().count();
    let marks = below.trim_end().len();
    !words.is_empty() && adornment(title).is_none() && marks + 2 >= width.min(200) && (marks >= 3 || marks >= width)
        // A table's rule stands below a row of cells.
        && !words.starts_with(['|', '+'])
}

/// `:Author: …` in reStructuredText, `Author: …` in what begins like mail (PEPs).
fn note_field(outline: &mut Outline, line: &str) {
    let declared = &mut outline.declared;
    let Some((name, value)) = field(line, ':').or_else(|| field(line, ' ')) else { return };
    let colon = line.starts_with(':');
    match name.to_lowercase().as_str() {
        "author" | "authors" => {
            // Addresses are no part of a name.
            for one in value.split([',', ';']) {
                declared.note_author(one.split('<').next().unwrap_or_default());
            }
        }
        "title" if outline.headings.is_empty() || colon => declared.note_title(value),
        "date" | "created" => {
            // `01-Jun-1990` is how PEPs write it.
            let words = value.replace('-', " ");
            declared.note_date(value);
            declared.note_date(&words);
        }
        _ => {}
    }
}
