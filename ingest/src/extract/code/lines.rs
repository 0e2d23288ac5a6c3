//! Items of languages in which each begins a line: what belongs to an item is indented below it.

use std::ops::Range;

use super::languages::{Lines, Rule};
use super::mask::is_word;
use super::{Item, WORDS_BYTES};

/// Lines longer than this are data.
const LINE_BYTES: usize = 1000;
/// Columns of a tab.
const TAB: usize = 8;

pub(super) fn items(code: &[u8], language: &Lines) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    // Indents of the items that the current line may belong to.
    let mut above: Vec<usize> = Vec::new();
    let mut start = 0;
    for raw in code.split_inclusive(|byte| *byte == b'\n') {
        let line_start = start;
        start += raw.len();
        let line = raw.trim_ascii();
        if line.is_empty() || line.len() > LINE_BYTES {
            continue;
        }
        let indent_bytes = raw.len() - raw.trim_ascii_start().len();
        let indent = raw[..indent_bytes].iter().map(|b| if *b == b'\t' { TAB } else { 1 }).sum();
        // What is not indented ends what it stands below, unless it is the rest of a long line.
        if !matches!(line[0], b')' | b']' | b'}' | b'{') {
            while above.pop_if(|outer| *outer >= indent).is_some() {}
        }
        let Some(words) = language.words(line) else { continue };
        let base = line_start + indent_bytes;
        let end = words.end.min(words.start + WORDS_BYTES);
        let level = language.level(line, above.len());
        items.push(Item { bytes: base + words.start..base + end, level });
        above.push(indent);
    }
    items
}

impl Lines {
    fn level(&self, line: &[u8], above: usize) -> u8 {
        match self.rule {
            // `@implementation` holds what follows it though nothing is indented.
            Rule::ObjectiveC if matches!(line[0], b'-' | b'+') => 2,
            _ => (above.min(5) + 1) as u8,
        }
    }

    /// The words that name the item that the line begins.
    fn words(&self, line: &[u8]) -> Option<Range<usize>> {
        match self.rule {
            Rule::Keyword => self.keyword(line),
            Rule::Shell => self.keyword(line).or_else(|| shell_function(line)),
            Rule::Section => section(line),
            Rule::Sql => created(line),
            Rule::Lisp => self.definition(line),
            Rule::R => r_function(line),
            Rule::Diff => changed_file(line),
            Rule::ObjectiveC => self.keyword(line).or_else(|| objective_c_method(line)),
        }
    }

    fn keyword(&self, line: &[u8]) -> Option<Range<usize>> {
        let mut at = 0;
        loop {
            if let Some(keyword) =
                self.keywords.iter().find(|keyword| self.follows(line, at, keyword))
            {
                let begin = at;
                at = skip_space(line, at + keyword.len());
                let name = name_end(line, at);
                return (name > at).then_some(begin..name);
            }
            let modifier = self.modifiers.iter().find(|word| self.follows(line, at, word))?;
            at = skip_space(line, at + modifier.len());
        }
    }

    /// Whether the word stands there, and a space, bracket or end behind it.
    fn follows(&self, line: &[u8], at: usize, word: &str) -> bool {
        let Some(there) = line.get(at..at + word.len()) else { return false };
        let is_same = match self.any_case {
            true => there.eq_ignore_ascii_case(word.as_bytes()),
            false => there == word.as_bytes(),
        };
        is_same && (word.ends_with('(') || matches!(line.get(at + word.len()), Some(b' ' | b'\t')))
    }

    /// `(defun name …)`, `(define (name …) …)`.
    fn definition(&self, line: &[u8]) -> Option<Range<usize>> {
        let rest = line.strip_prefix(b"(")?;
        self.keywords.iter().find(|keyword| rest.starts_with(keyword.as_bytes()))?;
        let word = 1 + rest.iter().position(|byte| matches!(byte, b' ' | b'\t'))?;
        let mut at = skip_space(line, word);
        if line.get(at) == Some(&b'(') {
            at += 1;
        }
        let name =
            line[at..].iter().take_while(|b| !b.is_ascii_whitespace() && !b"()[]'\"".contains(b));
        let end = at + name.count();
        (end > at).then_some(1..end)
    }
}

fn skip_space(line: &[u8], at: usize) -> usize {
    at + line[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// The end of a name such as `foo`, `Foo::Bar`, `self.x`, `[]=`, `a:b`.
fn name_end(line: &[u8], at: usize) -> usize {
    let is_part = |byte: &&u8| {
        is_word(**byte) || matches!(byte, b':' | b'.' | b'$' | b'?' | b'!' | b'#' | b'-')
    };
    let mut end = at + line[at..].iter().take_while(is_part).count();
    if end == at {
        // An operator that is defined.
        end +=
            line[at..].iter().take(3).take_while(|byte| b"[]=<>+-*/%&|^~".contains(byte)).count();
    }
    // What only separates the name from what follows.
    end - line[at..end].iter().rev().take_while(|byte| matches!(byte, b':' | b'.' | b'-')).count()
}

/// `name() {` and `name ()`.
fn shell_function(line: &[u8]) -> Option<Range<usize>> {
    let end = line
        .iter()
        .take_while(|byte| is_word(**byte) || matches!(byte, b'-' | b'.' | b':'))
        .count();
    let rest =
        line[end..].trim_ascii_start().strip_prefix(b"(")?.trim_ascii_start().strip_prefix(b")")?;
    let rest = rest.trim_ascii_start();
    (end > 0 && (rest.is_empty() || rest.starts_with(b"{") || rest.starts_with(b"(")))
        .then_some(0..end)
}

/// `[name]` and `[[name]]`.
fn section(line: &[u8]) -> Option<Range<usize>> {
    // Something may be said about it on the same line.
    let line = line.split(|byte| *byte == b'#').next()?.trim_ascii_end();
    let open = line.iter().take(2).take_while(|byte| **byte == b'[').count();
    let name = line.get(open..line.len().checked_sub(open)?)?;
    let closes = line[line.len() - open..].iter().all(|byte| *byte == b']');
    let fits = |byte: &u8| is_word(*byte) || b" .-_:/\"'*@\\".contains(byte);
    (open > 0 && closes && !name.is_empty() && name.iter().all(fits))
        .then_some(open..open + name.len())
}

/// `CREATE OR REPLACE TABLE IF NOT EXISTS name`.
fn created(line: &[u8]) -> Option<Range<usize>> {
    const THINGS: [&[u8]; 13] = [
        b"table",
        b"view",
        b"function",
        b"procedure",
        b"trigger",
        b"index",
        b"type",
        b"schema",
        b"database",
        b"sequence",
        b"package",
        b"extension",
        b"role",
    ];
    const BETWEEN: [&[u8]; 16] = [
        b"or",
        b"replace",
        b"temp",
        b"temporary",
        b"unlogged",
        b"unique",
        b"materialized",
        b"global",
        b"local",
        b"external",
        b"virtual",
        b"recursive",
        b"foreign",
        b"definer",
        b"force",
        b"constraint",
    ];
    let is = |word: &[u8], words: &[&[u8]]| words.iter().any(|one| word.eq_ignore_ascii_case(one));
    let mut words = words_of(line);
    if !is(&line[words.next()?], &[b"create"]) {
        return None;
    }
    let thing = loop {
        let word = words.next()?;
        if is(&line[word.clone()], &THINGS) {
            break word;
        }
        if !is(&line[word], &BETWEEN) {
            return None;
        }
    };
    let mut name = words.next()?;
    while is(&line[name.clone()], &[b"if", b"not", b"exists", b"body", b"concurrently"]) {
        name = words.next()?;
    }
    let written = &line[name.clone()];
    let length = written.iter().take_while(|byte| !matches!(byte, b'(' | b';' | b',')).count();
    (length > 0).then_some(thing.start..name.start + length)
}

fn words_of(line: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        at = skip_space(line, at);
        let length = line[at..].iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        at += length;
        (length > 0).then_some(at - length..at)
    })
}

/// `name <- function(` and `name = function(`.
fn r_function(line: &[u8]) -> Option<Range<usize>> {
    let end = line.iter().take_while(|byte| is_word(**byte) || matches!(byte, b'.' | b'`')).count();
    let rest = line[end..].trim_ascii_start();
    let rest = rest.strip_prefix(b"<-").or_else(|| rest.strip_prefix(b"="))?.trim_ascii_start();
    (end > 0
        && rest
            .strip_prefix(b"function")
            .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"(")))
    .then_some(0..end)
}

/// The file that a part of a patch is about.
fn changed_file(line: &[u8]) -> Option<Range<usize>> {
    line.starts_with(b"diff ").then_some(0..line.len())
}

/// `- (type)name:(type)argument`.
fn objective_c_method(line: &[u8]) -> Option<Range<usize>> {
    if !matches!(line, [b'-' | b'+', ..]) {
        return None;
    }
    let at = skip_space(line, 1);
    if line.get(at) != Some(&b'(') {
        return None;
    }
    let close = at + line[at..].iter().position(|byte| *byte == b')')?;
    let start = skip_space(line, close + 1);
    let end = start + line[start..].iter().take_while(|byte| is_word(**byte)).count();
    (end > start).then_some(start..end)
}
