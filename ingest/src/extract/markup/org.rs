//! Org: `* Heading`; drawers, which hold what programs note, are left out.

use super::{Line, Outline, lines};

pub(super) fn outline(text: &str) -> Outline {
    let mut outline = Outline::default();
    let mut drawer: Option<usize> = None;
    // Blocks hold source and examples, in which a star means other things.
    let mut in_block = false;
    for line in lines(text) {
        let trimmed = line.text.trim();
        let lower =
            trimmed.get(..trimmed.floor_char_boundary(12)).unwrap_or_default().to_lowercase();
        if in_block {
            in_block = !lower.starts_with("#+end_");
            continue;
        }
        let stars = line.text.bytes().take_while(|byte| *byte == b'*').count();
        if stars > 0 && line.text[stars..].starts_with(' ') {
            drawer = None;
            heading(&mut outline, &line, stars);
        } else if let Some(start) = drawer {
            if lower == ":end:" {
                outline.left_out.push(start..line.end());
                drawer = None;
            }
        } else if is_drawer(trimmed) {
            drawer = Some(line.start);
        } else if lower.starts_with("#+begin_") {
            in_block = true;
        } else if let Some((key, value)) =
            trimmed.strip_prefix("#+").and_then(|rest| rest.split_once(':'))
        {
            match key.to_lowercase().as_str() {
                "title" => outline.declared.note_title(value),
                "author" => {
                    value.split([',', ';']).for_each(|one| outline.declared.note_author(one));
                }
                "date" => outline.declared.note_date(value),
                _ => {}
            }
        }
    }
    outline
}

/// The heading's words, without its state, priority and tags.
fn heading(outline: &mut Outline, line: &Line, stars: usize) {
    const STATES: [&str; 8] =
        ["TODO", "DONE", "NEXT", "WAITING", "HOLD", "CANCELLED", "STARTED", "COMMENT"];
    let mut from = stars + 1;
    loop {
        let rest = &line.text[from..];
        let word = rest.split(' ').next().unwrap_or_default();
        let is_priority = word.len() == 4 && word.starts_with("[#") && word.ends_with(']');
        if word.len() == rest.len() || !(word.is_empty() || STATES.contains(&word) || is_priority) {
            break;
        }
        from += word.len() + 1;
    }
    let words = line.text.trim_end();
    let tags = words
        .rsplit(' ')
        .next()
        .filter(|tags| tags.len() > 2 && tags.starts_with(':') && tags.ends_with(':'));
    let to = words.len() - tags.map_or(0, str::len);
    outline.headings.extend(line.heading(from.min(to), to, stars.min(6) as u8));
}

/// `:PROPERTIES:` and its like, alone on a line.
fn is_drawer(line: &str) -> bool {
    line.len() > 2
        && line.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).is_some_and(|name| {
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
                && !name.eq_ignore_ascii_case("end")
        })
}
