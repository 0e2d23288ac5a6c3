//! A line to show for a document that does not name itself.

use std::path::Path;

/// Longest title that is kept, in characters.
const TITLE_CHARS: usize = 200;
/// A line longer than this is the start of a paragraph rather than a title.
const LINE_CHARS: usize = 100;
/// How many lines with letters are considered.
const LINES: usize = 8;

/// The file name without its extension; the whole name where that leaves nothing.
pub(crate) fn from_stem(path: &Path) -> String {
    let stem = path.file_stem().or(path.file_name()).unwrap_or(path.as_os_str());
    clean(&stem.to_string_lossy()).unwrap_or_else(|| "untitled".to_owned())
}

/// The file name with its extension.
pub(crate) fn from_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    clean(&name.to_string_lossy()).unwrap_or_else(|| "untitled".to_owned())
}

/// The first line that could be a title, if one stands before the first paragraph.
pub(crate) fn from_first_line(text: &str) -> Option<String> {
    text.lines()
        .map(|line| line.trim().trim_start_matches(['#', '*', '=', '-', '/', ';', ' ']))
        .filter(|line| line.chars().any(char::is_alphabetic))
        .take(LINES)
        // A long line is the start of a paragraph.
        .take_while(|line| line.chars().take(LINE_CHARS + 1).count() <= LINE_CHARS)
        .find(|line| is_title(line))
        .and_then(clean)
}

/// The title that a file's own properties give, unless it says no more than the name of the program
/// that made it or of the file it was made from.
pub(crate) fn from_properties(raw: &str) -> Option<String> {
    let title = clean(raw)?;
    let title = title.strip_prefix("Microsoft Word - ").unwrap_or(&title);
    let lower = title.to_lowercase();
    let is_file_name = !title.contains(' ')
        && lower.rsplit_once('.').is_some_and(|(_, extension)| (2..=4).contains(&extension.len()));
    let has_word = title.split(|c: char| !c.is_alphabetic()).any(is_word);
    let says_nothing = [
        "untitled",
        "title",
        "document",
        "print",
        "scan",
        "presentation",
        "powerpoint presentation",
    ]
    .iter()
    .any(|word| lower == *word || lower.strip_prefix(word).is_some_and(is_number));
    let ends_like_a_file =
        [".doc", ".docx", ".rtf", ".indd", ".qxd", ".pdf", ".tex", ".dvi", ".htm", ".html", ".txt"]
            .iter()
            .any(|extension| lower.ends_with(extension));
    (has_word && !is_file_name && !says_nothing && !ends_like_a_file).then(|| title.to_owned())
}

/// Three letters, or one where a letter is a word or a syllable.
fn is_word(letters: &str) -> bool {
    letters.chars().count() >= 3 || letters.chars().any(|c| c as u32 >= 0x2E80)
}

/// Digits and what stands between those of dates and versions; also where there is nothing.
pub(crate) fn is_number(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || ".-_".contains(c))
}

fn is_title(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    // Rulers, page numbers and rows of figures name nothing.
    if letters < 3 || letters * 2 < line.chars().filter(|c| !c.is_whitespace()).count() {
        return false;
    }
    // Nor do "Exhibit 10.1", "Page 3", "12 March 2019" and "[redacted]".
    let is_label = line.split_whitespace().count() <= 3 && line.contains(|c: char| c.is_numeric());
    let lower = line.to_lowercase();
    let is_note = ["confidential", "redacted", "execution ", "click here", "table of contents"]
        .iter()
        .any(|note| lower.contains(note));
    !is_label && !is_note && !line.starts_with(['[', '<', '('])
}

/// One line of words: white space collapsed, control characters dropped, cut to a fit length.
/// `None` when nothing readable is left.
pub(crate) fn clean(raw: &str) -> Option<String> {
    let mut title = String::new();
    for word in raw.split_whitespace() {
        if !title.is_empty() {
            title.push(' ');
        }
        title.extend(word.chars().filter(|c| !c.is_control() && *c != '\u{FFFD}'));
    }
    let title = shortened(title.trim(), TITLE_CHARS);
    title.chars().any(char::is_alphanumeric).then_some(title)
}

/// The text, or as much of its beginning as fits, with an ellipsis behind it.
pub(crate) fn shortened(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines_that_are_titles() {
        assert_eq!(from_first_line("\n\n  Lease of Flat 3 \ntext"), Some("Lease of Flat 3".into()));
        assert_eq!(from_first_line("=====\n12/03/2019\n\nMinutes"), Some("Minutes".into()));
        let exhibit = "Exhibit 10.1\n[***] omitted\nCONFIDENTIAL\n\nSUPPLY AGREEMENT\n";
        assert_eq!(from_first_line(exhibit), Some("SUPPLY AGREEMENT".into()));
        assert_eq!(from_first_line(&"word ".repeat(40)), None);
        assert_eq!(from_first_line(&format!("Page 1\n{}\nLater", "word ".repeat(40))), None);
        assert_eq!(from_first_line("a: 1, 2, 3, 4, 5, 6"), None);
        assert_eq!(from_first_line(""), None);
    }

    #[test]
    fn titles_are_one_clean_line() {
        assert_eq!(clean(" A\n\t b\u{7}c "), Some("A bc".to_owned()));
        assert_eq!(clean(" -- "), None);
        let long = clean(&"x".repeat(300)).unwrap();
        assert_eq!(long.chars().count(), TITLE_CHARS + 1);
        assert_eq!(from_stem(Path::new("/a/lease 2019.txt")), "lease 2019");
        assert_eq!(from_name(Path::new("/a/main.rs")), "main.rs");
    }

    #[test]
    fn titles_in_properties_that_say_something() {
        assert_eq!(
            from_properties("Master  Services Agreement"),
            Some("Master Services Agreement".into())
        );
        assert_eq!(from_properties("Microsoft Word - Lease of barn"), Some("Lease of barn".into()));
        assert_eq!(from_properties("契約書"), Some("契約書".into()));
        for title in [
            "",
            "Untitled",
            "untitled 1",
            "Microsoft Word - a.doc",
            "10-K.pdf",
            "ex10.htm",
            "Document2",
            "12 / 4",
        ] {
            assert_eq!(from_properties(title), None, "{title:?}");
        }
    }
}
