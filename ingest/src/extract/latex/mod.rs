//! LaTeX: the words without the commands. Formulas are kept as they are written, and so are line
//! ends, by which an editor finds the place.

mod commands;

use std::ops::Range;

use super::accents::accented;
use super::declared::Declared;
use super::{Extracted, plain};
use crate::Heading;
use commands::{ACCENT_LETTERS, Effect, effect, symbol};

/// Groups within groups beyond this are no text.
const DEPTH: usize = 1000;
/// An argument is not longer.
const GROUP_BYTES: usize = 5000;
/// Nor is a formula within a line of text.
const FORMULA_BYTES: usize = 20_000;

pub(super) fn extract(bytes: Vec<u8>) -> Extracted {
    let decoded = plain::decoded(bytes);
    let mut reader = Reader::new(&decoded.text);
    reader.run();
    let Reader { mut text, headings, declared, .. } = reader;
    if text.trim().is_empty() {
        // Nothing but definitions, which is what the file is about then.
        text.clone_from(&decoded.text);
    }
    let title = declared.title.or_else(|| {
        let first = headings.iter().min_by_key(|heading| heading.level)?;
        crate::title::clean(&text[first.bytes.clone()])
    });
    let title = title.or_else(|| crate::title::from_first_line(&text));
    let (author, dated) = (declared.author, declared.dated);
    let (encoding, warnings) = (decoded.encoding, decoded.warnings);
    Extracted { text, title, author, dated, headings, encoding, warnings, ..Extracted::default() }
}

/// What becomes of a group when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Plain,
    Heading(u8),
    Title,
    Author,
    Date,
    Footnote,
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
    text: String,
    headings: Vec<Heading>,
    declared: Declared,
    /// Each with where its words begin.
    groups: Vec<(Group, usize)>,
    /// Before `\begin{document}` stands what programs need.
    in_preamble: bool,
    /// Groups open that are read even there.
    declaring: usize,
    /// Ends of environments that do not come any more, so that nobody looks for them again.
    missing: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            source,
            at: 0,
            text: String::with_capacity(source.len()),
            headings: Vec::new(),
            declared: Declared::default(),
            groups: Vec::new(),
            in_preamble: source.contains("\\begin{document}"),
            declaring: 0,
            missing: Vec::new(),
        }
    }

    fn run(&mut self) {
        while let Some(c) = self.rest().chars().next() {
            match c {
                '\\' => {
                    if !self.command() {
                        return;
                    }
                }
                '%' => self.skip_to(self.at + self.rest().find('\n').unwrap_or(self.rest().len())),
                '$' => self.formula(),
                '{' => {
                    self.open(Group::Plain);
                    self.at += 1;
                }
                '}' => {
                    self.close();
                    self.at += 1;
                }
                '~' => self.put_for(" ", 1),
                '&' => self.put_for("|", 1),
                '-' if self.rest().starts_with("---") => self.put_for("—", 3),
                '-' if self.rest().starts_with("--") => self.put_for("–", 2),
                '`' if self.rest().starts_with("``") => self.put_for("“", 2),
                '\'' if self.rest().starts_with("''") => self.put_for("”", 2),
                '\n' => {
                    self.text.push('\n');
                    self.at += 1;
                }
                _ => {
                    let rest = self.rest();
                    let marks = ['\\', '%', '$', '{', '}', '~', '&', '-', '`', '\'', '\n'];
                    let more =
                        rest[c.len_utf8()..].find(marks).unwrap_or(rest.len() - c.len_utf8());
                    self.put_for(&rest[..c.len_utf8() + more], c.len_utf8() + more);
                }
            }
        }
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    /// Puts words, unless nothing is to be read here.
    fn put(&mut self, words: &str) {
        if !self.in_preamble || self.declaring > 0 {
            self.text.push_str(words);
        }
    }

    /// The same in place of the next bytes of the source.
    fn put_for(&mut self, words: &str, length: usize) {
        self.put(words);
        self.at += length;
    }

    /// Passes over source, but for its line ends.
    fn skip_to(&mut self, end: usize) {
        let lines = self.source[self.at..end].bytes().filter(|byte| *byte == b'\n').count();
        self.text.extend(std::iter::repeat_n('\n', lines));
        self.at = end;
    }

    /// Puts source as it is.
    fn keep_to(&mut self, end: usize) {
        if self.in_preamble {
            return self.skip_to(end);
        }
        self.text.push_str(&self.source[self.at..end]);
        self.at = end;
    }

    fn open(&mut self, group: Group) {
        if self.groups.len() < DEPTH {
            self.declaring += usize::from(is_declaring(group));
            self.groups.push((group, self.text.len()));
        }
    }

    fn close(&mut self) {
        let Some((group, start)) = self.groups.pop() else { return };
        self.declaring -= usize::from(is_declaring(group));
        let words = &self.text[start..];
        match group {
            Group::Plain => {}
            Group::Footnote => self.put(")"),
            Group::Title => self.declared.note_title(words),
            Group::Date => self.declared.note_date(words),
            Group::Author => {
                for one in words.split(" and ") {
                    // Where they work stands on the next line.
                    let name = one.split(" / ").next().unwrap_or_default();
                    name.split(',').for_each(|name| self.declared.note_author(name));
                }
            }
            Group::Heading(level) => {
                let start = start + words.len() - words.trim_start().len();
                let bytes = start..start + words.trim().len();
                let is_new = self.headings.last().is_none_or(|last| last.bytes.end <= bytes.start);
                if is_new && self.text[bytes.clone()].chars().any(char::is_alphanumeric) {
                    self.headings.push(Heading { bytes, level });
                }
            }
        }
    }

    /// `$…$` and `$$…$$`; a sum of money is no formula.
    fn formula(&mut self) {
        let mark = if self.rest().starts_with("$$") { "$$" } else { "$" };
        let paragraph = self.within(FORMULA_BYTES);
        let paragraph = paragraph.split("\n\n").next().unwrap_or_default();
        let mut from = mark.len();
        while let Some(found) = paragraph.get(from..).and_then(|rest| rest.find(mark)) {
            let end = from + found + mark.len();
            if !paragraph[..from + found].ends_with('\\') {
                return self.keep_to(self.at + end);
            }
            from = end;
        }
        self.put_for(mark, mark.len());
    }

    /// The source from here on, so many bytes of it at most.
    fn within(&self, bytes: usize) -> &'a str {
        let rest = self.rest();
        &rest[..rest.floor_char_boundary(bytes)]
    }

    /// Reads what a backslash begins; false at the end of the document.
    fn command(&mut self) -> bool {
        let rest = &self.rest()[1..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        if letters == 0 {
            self.symbol_command(rest);
            return true;
        }
        let name = &rest[..letters];
        let starred = usize::from(rest[letters..].starts_with('*'));
        if ACCENT_LETTERS.contains(name) && letters == 1 && self.accent(name, 2) {
            return true;
        }
        if let Some(words) = symbol(name) {
            let behind = &rest[letters..];
            // A space only ends the name.
            let space = usize::from(behind.starts_with(' ') && !behind.starts_with("  "));
            self.put_for(words, 1 + letters + space);
            return true;
        }
        self.at += 1 + letters + starred;
        match effect(name) {
            Effect::Begin => self.begin(),
            Effect::End => {
                let environment = self.argument();
                let ends = environment
                    .as_ref()
                    .is_some_and(|range| &self.source[range.clone()] == "document");
                self.skip_arguments(1);
                return !ends;
            }
            Effect::Heading(level) => self.open_argument(Group::Heading(level)),
            Effect::Title => self.open_argument(Group::Title),
            Effect::Author => self.open_argument(Group::Author),
            Effect::Date => self.open_argument(Group::Date),
            Effect::Footnote => {
                self.put(" (");
                self.open_argument(Group::Footnote);
            }
            Effect::And => self.put(" and "),
            Effect::Item => self.put("-"),
            Effect::Space => self.put(" "),
            Effect::Verbatim => self.verbatim(),
            Effect::SkipArguments(count) => self.skip_arguments(count),
            Effect::Definition => {
                // Up to the group that says what it means.
                let brace = self.within(GROUP_BYTES).find('{').unwrap_or(0);
                self.skip_to(self.at + brace);
                self.skip_arguments(3);
            }
            Effect::Nothing => self.skip_option(),
        }
        true
    }

    /// A backslash and a character that is no letter.
    fn symbol_command(&mut self, rest: &str) {
        let Some(c) = rest.chars().next() else {
            self.at += 1;
            return;
        };
        match c {
            '\\' => {
                let in_author = self.groups.iter().any(|(group, _)| *group == Group::Author);
                self.put_for(if in_author { " / " } else { " " }, 2);
                self.skip_option();
            }
            '(' | '[' => {
                let end = if c == '(' { "\\)" } else { "\\]" };
                match self.within(FORMULA_BYTES).find(end) {
                    Some(found) => self.keep_to(self.at + found + end.len()),
                    None => self.at += 2,
                }
            }
            '\'' | '`' | '^' | '"' | '~' | '=' | '.' => {
                let mark = &rest[..1];
                if !self.accent(mark, 2) {
                    self.at += 2;
                }
            }
            '-' | '!' | '@' | '/' | ')' | ']' => self.at += 2,
            ',' | ';' | ':' | ' ' => self.put_for(" ", 2),
            '\n' => self.at += 1,
            _ => {
                let length = c.len_utf8();
                self.put_for(&rest[..length], 1 + length);
            }
        }
    }

    /// A letter with an accent: `\'e`, `\'{e}`, `\v{s}`, `\"\i`. `length` bytes name the accent.
    fn accent(&mut self, mark: &str, length: usize) -> bool {
        let behind = &self.rest()[length.min(self.rest().len())..];
        let spaces = behind.len() - behind.trim_start_matches(' ').len();
        let is_letter = mark.starts_with(|c: char| c.is_ascii_alphabetic());
        let braced = behind[spaces..].strip_prefix('{');
        // `\c` takes a group or a word of its own; `\copy` is another command.
        if is_letter && braced.is_none() && spaces == 0 {
            return false;
        }
        let inside = braced.unwrap_or(&behind[spaces..]);
        let bare = inside.strip_prefix('\\').unwrap_or(inside);
        let Some(letter) = bare.chars().next() else { return false };
        let Some(made) = mark.chars().next().and_then(|mark| accented(mark, letter)) else {
            return false;
        };
        let mut used = length
            + spaces
            + usize::from(braced.is_some())
            + (inside.len() - bare.len())
            + letter.len_utf8();
        let after = &self.rest()[used..];
        if braced.is_some() {
            if !after.starts_with('}') {
                return false;
            }
            used += 1;
        }
        self.put_for(made.encode_utf8(&mut [0; 4]), used);
        true
    }

    /// The argument in braces that stands here.
    fn argument(&self) -> Option<Range<usize>> {
        let rest = self.within(GROUP_BYTES);
        let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let range = balanced(&rest[spaces..], '{', '}')?;
        Some(self.at + spaces + range.start..self.at + spaces + range.end)
    }

    /// Goes into the argument that follows, to do something when it ends.
    fn open_argument(&mut self, group: Group) {
        self.skip_option();
        let spaces = self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
        if self.rest()[spaces..].starts_with('{') {
            self.at += spaces + 1;
            self.open(group);
        }
    }

    /// Passes over `[…]`.
    fn skip_option(&mut self) {
        if let Some(range) = balanced(self.within(2000), '[', ']') {
            self.skip_to(self.at + range.end + 1);
        }
    }

    /// Passes over options and so many arguments.
    fn skip_arguments(&mut self, count: usize) {
        for _ in 0..count {
            self.skip_option();
            let Some(argument) = self.argument() else { return };
            self.skip_to(argument.end + 1);
        }
    }

    fn begin(&mut self) {
        let Some(argument) = self.argument() else { return };
        let environment = &self.source[argument.clone()];
        let begin = self.at - "\\begin".len();
        self.skip_to(argument.end + 1);
        let end = format!("\\end{{{environment}}}");
        match environment.trim_end_matches('*') {
            "document" => {
                self.in_preamble = false;
                self.groups.clear();
                self.declaring = 0;
            }
            "equation" | "align" | "gather" | "multline" | "eqnarray" | "displaymath" | "math"
            | "alignat" | "flalign" => {
                if let Some(end_at) = self.find_end(&end) {
                    // With its name, by which a formula is known for one.
                    self.put(&self.source[begin..self.at].replace('\n', ""));
                    self.keep_to(end_at + end.len());
                }
            }
            "verbatim" | "Verbatim" | "lstlisting" | "minted" | "alltt" => {
                self.skip_arguments(1);
                if let Some(end_at) = self.find_end(&end) {
                    self.keep_to(end_at);
                    self.skip_to(end_at + end.len());
                }
            }
            "comment" | "tikzpicture" | "filecontents" => {
                if let Some(end_at) = self.find_end(&end) {
                    self.skip_to(end_at + end.len());
                }
            }
            "tabular" | "array" | "longtable" | "minipage" | "tabularx" | "thebibliography"
            | "multicols" => {
                self.skip_arguments(1);
            }
            _ => self.skip_option(),
        }
    }

    fn find_end(&mut self, end: &str) -> Option<usize> {
        if self.missing.iter().any(|missing| missing == end) {
            return None;
        }
        let found = self.rest().find(end).map(|found| self.at + found);
        if found.is_none() {
            self.missing.push(end.to_owned());
        }
        found
    }

    /// `\verb|…|`.
    fn verbatim(&mut self) {
        let Some(mark) = self.rest().chars().next().filter(|c| !c.is_alphanumeric()) else {
            return;
        };
        let line = self.rest()[mark.len_utf8()..].split('\n').next().unwrap_or_default();
        if let Some(end) = line.find(mark) {
            self.at += mark.len_utf8();
            self.keep_to(self.at + end);
            self.at += mark.len_utf8();
        }
    }
}

fn is_declaring(group: Group) -> bool {
    matches!(group, Group::Title | Group::Author | Group::Date)
}

/// What stands between the bracket at the beginning and the one that closes it.
fn balanced(text: &str, open: char, close: char) -> Option<Range<usize>> {
    if !text.starts_with(open) {
        return None;
    }
    let mut depth = 0_usize;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == open => depth += 1,
            _ if c == close => {
                depth -= 1;
                if depth == 0 {
                    return Some(1..at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
