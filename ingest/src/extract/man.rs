//! Manual pages (roff with the man or mdoc macros): sections are headings, fonts are dropped.

use super::declared::Declared;
use super::{Extracted, plain};
use crate::Heading;

/// Whether the bytes look like a manual page.
pub(crate) fn looks_like_man(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n').take(200);
    lines.any(|line| {
        [&b".TH "[..], b".Dd ", b".SH ", b".Sh "].iter().any(|macro_| line.starts_with(macro_))
    })
}

pub(super) fn extract(bytes: Vec<u8>) -> Extracted {
    let decoded = plain::decoded(bytes);
    let mut page = Page::default();
    for line in decoded.text.lines() {
        page.line(line);
    }
    page.flush();
    let Page { text, headings, declared, name, .. } = page;
    let title = name.as_deref().and_then(crate::title::clean).or(declared.title);
    let (encoding, warnings) = (decoded.encoding, decoded.warnings);
    Extracted {
        text,
        title,
        headings,
        dated: declared.dated,
        encoding,
        warnings,
        ..Extracted::default()
    }
}

#[derive(Default)]
struct Page {
    text: String,
    headings: Vec<Heading>,
    declared: Declared,
    /// "ls - list directory contents", the first line of the first section.
    name: Option<String>,
    in_name: bool,
    /// What the lines up to the next break come to.
    paragraph: String,
    /// Lines stand as they are written.
    is_filled: Filling,
    /// What ends the definition that is being passed over.
    skips_to: Option<String>,
    /// The next line is the term of a list.
    takes_term: bool,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Filling {
    #[default]
    Joined,
    AsWritten,
}

impl Page {
    fn line(&mut self, line: &str) {
        if let Some(end) = &self.skips_to {
            // Blanks may stand behind the point.
            if line.strip_prefix('.').is_some_and(|rest| rest.trim() == end) {
                self.skips_to = None;
            }
            return;
        }
        let Some(request) = line.strip_prefix(['.', '\'']) else {
            return self.words(&plain_words(line));
        };
        let request = request.trim_start();
        let (name, rest) = request.split_once(char::is_whitespace).unwrap_or((request, ""));
        if name.starts_with("\\\"") || name.is_empty() {
            return;
        }
        let rest = rest.split("\\\"").next().unwrap_or_default();
        match name {
            "TH" => self.page_title(&arguments(rest)),
            "Dt" => self.page_title(&arguments(rest)),
            "Dd" => self.declared.note_date(rest),
            "SH" | "Sh" => self.heading(rest, 1),
            "SS" | "Ss" => self.heading(rest, 2),
            "PP" | "P" | "LP" | "Pp" | "sp" | "HP" | "RE" | "RS" | "El" => self.break_paragraph(),
            "TP" | "TQ" => {
                self.break_paragraph();
                self.takes_term = true;
            }
            "IP" => {
                self.break_paragraph();
                if let Some(tag) = arguments(rest).first() {
                    self.words(tag);
                }
            }
            "It" => {
                self.break_paragraph();
                self.words(&mdoc(rest));
                self.flush();
            }
            "br" => self.flush(),
            "nf" | "EX" => {
                self.break_paragraph();
                self.is_filled = Filling::AsWritten;
            }
            "Bd" => {
                self.break_paragraph();
                if rest.contains("-literal") || rest.contains("-unfilled") {
                    self.is_filled = Filling::AsWritten;
                }
            }
            "fi" | "EE" | "Ed" => {
                self.break_paragraph();
                self.is_filled = Filling::Joined;
            }
            "B" | "I" | "SM" | "SB" => self.words(&arguments(rest).join(" ")),
            "BI" | "BR" | "IB" | "IR" | "RB" | "RI" => self.words(&arguments(rest).concat()),
            "UR" | "MT" => self.words(&arguments(rest).join(" ")),
            "Nd" => {
                let about = mdoc(rest);
                self.words(&format!("- {about}"));
            }
            // Definitions, whose lines are for programs.
            "de" | "de1" | "ig" | "am" => {
                let end = arguments(rest).get(1).cloned().filter(|_| name != "ig");
                self.skips_to = Some(end.unwrap_or_else(|| ".".to_owned()));
            }
            _ if is_mdoc_word(name) => {
                let words = mdoc(&format!("{name} {rest}"));
                self.words(&words);
            }
            _ => {}
        }
    }

    fn page_title(&mut self, arguments: &[String]) {
        let [name, section, ..] = arguments else { return };
        self.declared.note_title(&format!("{name}({section})"));
        if let Some(date) = arguments.get(2) {
            self.declared.note_date(date);
        }
    }

    fn heading(&mut self, rest: &str, level: u8) {
        self.break_paragraph();
        self.is_filled = Filling::Joined;
        let words = arguments(rest).join(" ");
        let words = words.trim();
        if words.is_empty() {
            return;
        }
        // The first section, whatever it is called in the page's language.
        self.in_name = self.headings.is_empty();
        let start = self.text.len();
        self.text.push_str(words);
        self.headings.push(Heading { bytes: start..self.text.len(), level });
        self.text.push_str("\n\n");
    }

    fn words(&mut self, words: &str) {
        if words.trim().is_empty() {
            if self.is_filled == Filling::Joined {
                self.break_paragraph();
            } else {
                self.text.push('\n');
            }
            return;
        }
        if self.is_filled == Filling::AsWritten {
            self.text.push_str(words.trim_end());
            self.text.push('\n');
            return;
        }
        if !self.paragraph.is_empty() {
            self.paragraph.push(' ');
        }
        self.paragraph.push_str(words.trim());
        if std::mem::take(&mut self.takes_term) {
            self.flush();
        }
    }

    /// Ends the line.
    fn flush(&mut self) {
        if self.paragraph.is_empty() {
            return;
        }
        if std::mem::take(&mut self.in_name) {
            self.name = Some(self.paragraph.clone());
        }
        self.text.push_str(&self.paragraph);
        self.text.push('\n');
        self.paragraph.clear();
    }

    fn break_paragraph(&mut self) {
        self.flush();
        self.takes_term = false;
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }
}

/// Words of mdoc begin with a capital and have two or three letters.
fn is_mdoc_word(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_uppercase())
        && letters.all(|c| c.is_ascii_lowercase())
        && name.len() <= 3
        && !matches!(name, "Bl" | "Os" | "Sm" | "Bk" | "Ek")
}

/// The arguments of a request: words, or what stands between quotes.
fn arguments(rest: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut rest = rest.trim();
    while !rest.is_empty() {
        let (argument, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => {
                // A space that a backslash stands before is part of the word.
                let is_end =
                    |(at, c): &(usize, char)| c.is_whitespace() && !rest[..*at].ends_with('\\');
                let end = rest.char_indices().find(is_end).map_or(rest.len(), |(at, _)| at);
                rest.split_at(end)
            }
        };
        arguments.push(plain_words(argument));
        rest = behind.trim_start();
    }
    arguments
}

/// A line of mdoc, without the names of its macros.
fn mdoc(rest: &str) -> String {
    let mut line = String::new();
    for word in arguments(rest) {
        match word.as_str() {
            "Fl" => line.push_str(if line.is_empty() { "-" } else { " -" }),
            "Op" | "Ar" | "Cm" | "Nm" | "Pa" | "Xr" | "Em" | "Sy" | "Li" | "Va" | "Vt" | "Fa"
            | "Fn" | "Ft" | "Ev" | "Er" | "Dv" | "Ic" | "Ns" | "No" | "Dq" | "Sq" | "Pq" | "Ql"
            | "Bq" | "Aq" | "Qq" | "Nd" | "Sx" | "St" | "An" | "Ad" | "Oo" | "Oc" | "Ta" | "Lk"
            | "Mt" | "In" | "Fd" | "Cd" | "Ms" | "Tn" | "Ux" | "Bx" | "At" => {}
            "." | "," | ";" | ":" | ")" | "]" => line.push_str(&word),
            _ if line.is_empty() || line.ends_with(['-', '(', '[']) => line.push_str(&word),
            _ => line.extend([" ", &word]),
        }
    }
    line
}

/// Text without escapes: fonts are dropped, characters by name become what they stand for.
fn plain_words(line: &str) -> String {
    let mut words = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('\\') {
        words.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(escape) = rest.chars().next() else { break };
        let behind = &rest[escape.len_utf8()..];
        rest = match escape {
            // What follows is a comment.
            '"' => "",
            'f' | 'F' | 'm' | 'M' | '*' | 'n' | 'k' | 'g' => after_name(behind).1,
            's' => {
                let digits = behind.trim_start_matches(['+', '-']);
                digits.trim_start_matches(|c: char| c.is_ascii_digit())
            }
            'h' | 'v' | 'w' | 'l' | 'L' | 'D' | 'o' | 'b' | 'x' | 'X' | 'Z' => quoted(behind).1,
            '(' | '[' => {
                let (name, behind) = after_name(rest);
                words.push_str(&special(name));
                behind
            }
            'e' | '\\' => {
                words.push('\\');
                behind
            }
            '-' => {
                words.push('-');
                behind
            }
            ' ' | '~' | '0' => {
                words.push(' ');
                behind
            }
            '\'' | '`' => {
                words.push(escape);
                behind
            }
            't' => {
                words.push('\t');
                behind
            }
            '&' | '|' | '^' | '/' | ',' | '%' | ':' | 'c' | 'd' | 'u' | 'p' | 'r' | '{' | '}'
            | ')' => behind,
            _ => {
                words.push(escape);
                behind
            }
        };
    }
    words.push_str(rest);
    words
}

/// `X`, `(XX` or `[name]`, and what stands behind it.
fn after_name(rest: &str) -> (&str, &str) {
    if let Some(name) = rest.strip_prefix('[') {
        return name.split_once(']').unwrap_or((name, ""));
    }
    let (skip, length) = if rest.starts_with('(') { (1, 2) } else { (0, 1) };
    let end = rest.char_indices().nth(skip + length).map_or(rest.len(), |(at, _)| at);
    (&rest[skip.min(end)..end], &rest[end..])
}

/// What stands between two equal marks, and behind them.
fn quoted(rest: &str) -> (&str, &str) {
    let Some(mark) = rest.chars().next() else { return ("", "") };
    rest[mark.len_utf8()..].split_once(mark).unwrap_or(("", rest))
}

fn special(name: &str) -> String {
    const NAMES: [(&str, &str); 32] = [
        ("em", "—"),
        ("en", "–"),
        ("hy", "-"),
        ("mi", "−"),
        ("lq", "“"),
        ("rq", "”"),
        ("oq", "‘"),
        ("cq", "’"),
        ("aq", "'"),
        ("dq", "\""),
        ("bu", "•"),
        ("co", "©"),
        ("rg", "®"),
        ("tm", "™"),
        ("ga", "`"),
        ("ha", "^"),
        ("ti", "~"),
        ("rs", "\\"),
        ("sl", "/"),
        ("bv", "|"),
        ("ba", "|"),
        ("lB", "["),
        ("rB", "]"),
        ("la", "<"),
        ("ra", ">"),
        ("->", "→"),
        ("<-", "←"),
        (">=", "≥"),
        ("<=", "≤"),
        ("mu", "×"),
        ("ss", "ß"),
        ("at", "@"),
    ];
    if let Some((_, character)) = NAMES.iter().find(|(known, _)| *known == name) {
        return (*character).to_owned();
    }
    let code = name.strip_prefix('u').and_then(|hex| u32::from_str_radix(hex, 16).ok());
    if let Some(character) = code.and_then(char::from_u32) {
        return character.to_string();
    }
    // An accent and a letter: `'e`.
    let mut characters = name.chars();
    match (characters.next(), characters.next(), characters.next()) {
        (Some(accent), Some(letter), None) => {
            super::accents::accented(accent, letter).map(String::from).unwrap_or_default()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_with_man_macros() {
        let page = ".\\\" comment\n.TH LS 1 \"March 2024\" \"GNU\"\n.SH NAME\nls \\- list \\fIdirectory\\fR contents\n.SH \"SEE ALSO\"\n\
                    .BR stat (2),\n.B foo\nna\\(:ive \\(em\n.TP\n.BI \\-\\-width= N\nSet it.\n.nf\n  as\n  is\n.fi\n.SS Sub\n.de XX\nnone\n..\nEnd\n";
        assert!(looks_like_man(page.as_bytes()));
        let extracted = extract(page.into());
        assert_eq!(
            extracted.text,
            "NAME\n\nls - list directory contents\n\nSEE ALSO\n\nstat(2), foo naïve —\n\n--width=N\nSet it.\n\n  as\n  is\n\nSub\n\nEnd\n"
        );
        assert_eq!(extracted.title.as_deref(), Some("ls - list directory contents"));
        assert_eq!(extracted.dated.as_deref(), Some("2024-03"));
        let headings: Vec<_> = extracted
            .headings
            .iter()
            .map(|h| (&extracted.text[h.bytes.clone()], h.level))
            .collect();
        assert_eq!(headings, [("NAME", 1), ("SEE ALSO", 1), ("Sub", 2)]);
    }

    #[test]
    fn pages_with_mdoc_macros() {
        let page = ".Dd March 1, 2024\n.Dt CAT 1\n.Sh NAME\n.Nm cat\n.Nd print files\n.Sh OPTIONS\n.Bl -tag\n.It Fl n Ar count\nNumber lines.\n.El\n";
        let extracted = extract(page.into());
        assert_eq!(
            extracted.text,
            "NAME\n\ncat - print files\n\nOPTIONS\n\n-n count\nNumber lines.\n\n"
        );
        assert_eq!(extracted.dated.as_deref(), Some("2024-03-01"));
        assert!(!looks_like_man(b"The .TH macro"));
    }

    proptest! {
        #[test]
        fn any_page_gives_ordered_headings(lines in prop::collection::vec(prop_oneof![
            "\\.(SH|SS|TP|IP|B|BR|nf|fi|de|Nm|It|TH) ?[a-z\"\\\\(\\[é ]{0,12}", "\\PC{0,20}", "[a-zé]{0,4}\\\\[fs(\\[*h'\"]?[a-zé]{0,3}",
        ], 0..40)) {
            let extracted = extract(lines.join("\n").into());
            let mut end = 0;
            for heading in extracted.headings {
                prop_assert!(heading.bytes.start >= end);
                end = heading.bytes.end;
                prop_assert!(!extracted.text[heading.bytes].trim().is_empty());
            }
        }
    }
}
