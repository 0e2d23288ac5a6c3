//! Lines that a file broke at its own width, joined for a page of any width.

/// Narrower than this nothing is broken by width: a poem, a list, an address.
const NARROWEST: usize = 40;

/// Joins lines that end where they do only because the next word did not fit: the longest line shows the width. Short
/// lines and blank ones stay, and so does the indentation of what begins a paragraph.
pub fn flowed(text: &str) -> String {
    let width = text.lines().map(length).max().unwrap_or(0);
    let mut out = String::with_capacity(text.len());
    let mut before: Option<&str> = None;
    for line in text.lines() {
        match before {
            None => out.push_str(line),
            Some(before) if width >= NARROWEST && was_broken(before, line, width) => {
                out.push(' ');
                out.push_str(line.trim_start());
            }
            Some(_) => {
                out.push('\n');
                out.push_str(line);
            }
        }
        before = Some(line);
    }
    out
}

/// Whether the second line begins with a word that did not fit into the first.
fn was_broken(first: &str, second: &str, width: usize) -> bool {
    let Some(word) = second.split_whitespace().next() else { return false };
    let begins_something = word.starts_with(['-', '*', '•', '|', '#', '>', '+'])
        || first.trim_end().ends_with('|')
        // Columns.
        || second.trim().contains("   ");
    !first.trim().is_empty() && !begins_something && length(first) + 1 + length(word) > width
}

fn length(line: &str) -> usize {
    line.trim_end().chars().count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paragraphs_flow_and_what_is_short_stays() {
        let text = "8.1 The Tenant keeps the inside of the Premises, the windows,\n    the doors and the yard \
                    surface in good repair.\n\n8.2 The Landlord keeps the roof.\n8.3 Nobody else.\n- a list";
        let expected = "8.1 The Tenant keeps the inside of the Premises, the windows, the doors and the yard \
                        surface in good repair.\n\n8.2 The Landlord keeps the roof.\n8.3 Nobody else.\n- a list";
        assert_eq!(flowed(text), expected);
        for kept in [
            "",
            "one line",
            "a poem\nof lines\nthat are short",
            "name of the thing      number    price of it\nhammer                  12        3.50   crowns",
            "| a table of Markdown with one row | another |\n| second row of it with as many | words |",
        ] {
            assert_eq!(flowed(kept), kept);
        }
    }

    proptest! {
        #[test]
        fn no_word_is_lost(text in "[a-zé |\\-\n]{0,300}") {
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let flowed = flowed(&text);
            prop_assert_eq!(words(&flowed), words(&text));
            prop_assert!(flowed.lines().count() <= text.lines().count());
        }
    }
}
