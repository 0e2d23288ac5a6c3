//! Source code without its comments and strings, so that what is left can be read for its items.

use memchr::{memchr, memmem};

/// How a language writes comments and strings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lexis {
    /// What begins a comment to the end of the line.
    pub(super) line_comments: &'static [&'static str],
    /// What begins and ends a comment of any length.
    pub(super) block_comments: &'static [(&'static str, &'static str)],
    /// Whether block comments stand within one another.
    pub(super) nested_comments: bool,
    /// Strings; what begins with another one's beginning comes first.
    pub(super) strings: &'static [Quote],
    pub(super) oddities: &'static [Oddity],
}

/// One way to write strings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quote {
    pub(super) mark: &'static str,
    /// Whether a backslash makes the next character mean itself.
    pub(super) escapes: bool,
    /// Whether it goes on over line ends.
    pub(super) lines: bool,
}

/// What only some languages have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Oddity {
    /// `r#"…"#`, and `'a` that is no character.
    RustLiterals,
    /// `R"x(…)x"` and `1'000`.
    CppLiterals,
    /// `@"…""…"`.
    VerbatimStrings,
    /// `` `…${…}…` `` and `/…/`.
    JavaScriptLiterals,
    /// `<<WORD` to a line that holds the word alone.
    Heredocs,
    /// Lines that begin with `#`; of alternatives the first is read.
    Preprocessor,
    /// Code stands between `<?php` and `?>`.
    PhpTags,
    /// A `#` begins a comment only where a word could begin.
    WordHash,
}

/// Regular expressions written into code are not longer than this.
const PATTERN_BYTES: usize = 2000;

/// The text with every byte of comments, strings and directives replaced by a space, line ends aside.
pub(super) fn mask(text: &str, lexis: &Lexis) -> Vec<u8> {
    let mut mask = Mask {
        text: text.as_bytes(),
        code: text.as_bytes().to_vec(),
        lexis,
        last: b'\n',
        heredoc: None,
        heredocs_end: true,
    };
    let may_begin = mask.first_bytes();
    let mut at = if lexis.has(Oddity::PhpTags) { mask.skip_html(0) } else { 0 };
    while let Some(&byte) = mask.text.get(at) {
        if byte == b'\n'
            && let Some(end) = mask.heredoc.take()
        {
            mask.blank(at, end);
            at = end;
            continue;
        }
        match may_begin[usize::from(byte)].then(|| mask.end_of_literal(at)).flatten() {
            Some(end) => {
                mask.blank(at, end);
                at = end;
            }
            None => {
                if !byte.is_ascii_whitespace() {
                    mask.last = byte;
                }
                at += 1;
            }
        }
    }
    mask.code
}

impl Lexis {
    fn has(&self, oddity: Oddity) -> bool {
        self.oddities.contains(&oddity)
    }
}

struct Mask<'a> {
    text: &'a [u8],
    code: Vec<u8>,
    lexis: &'a Lexis,
    /// The last byte of code that is no white space.
    last: u8,
    /// Where the heredoc ends that begins on the next line.
    heredoc: Option<usize>,
    /// False once a heredoc had no end: it was something else, and looking again could take long.
    heredocs_end: bool,
}

impl Mask<'_> {
    fn first_bytes(&self) -> [bool; 256] {
        let mut first = [false; 256];
        let lexis = self.lexis;
        let marks = lexis.line_comments.iter().copied();
        let marks = marks.chain(lexis.block_comments.iter().map(|(begin, _)| *begin));
        let marks = marks.chain(lexis.strings.iter().map(|quote| quote.mark));
        let odd = lexis.oddities.iter().map(|oddity| match oddity {
            Oddity::RustLiterals => "r'",
            Oddity::CppLiterals => "R",
            Oddity::VerbatimStrings => "@",
            Oddity::JavaScriptLiterals => "`/",
            Oddity::Heredocs => "<",
            Oddity::Preprocessor => "#",
            Oddity::PhpTags => "?",
            Oddity::WordHash => "#",
        });
        for mark in marks {
            first[usize::from(mark.as_bytes()[0])] = true;
        }
        odd.flat_map(str::bytes).for_each(|byte| first[usize::from(byte)] = true);
        first
    }

    fn blank(&mut self, start: usize, end: usize) {
        for byte in &mut self.code[start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }

    fn follows(&self, at: usize, mark: &str) -> bool {
        self.text[at..].starts_with(mark.as_bytes())
    }

    fn find(&self, from: usize, mark: &[u8]) -> Option<usize> {
        memmem::find(self.text.get(from..)?, mark).map(|at| from + at)
    }

    fn line_end(&self, at: usize) -> usize {
        memchr(b'\n', self.text.get(at..).unwrap_or_default()).map_or(self.text.len(), |n| at + n)
    }

    /// Where a comment, string or directive ends that begins at `at`, if one does.
    fn end_of_literal(&mut self, at: usize) -> Option<usize> {
        let lexis = self.lexis;
        for oddity in lexis.oddities {
            if let Some(end) = self.end_of_oddity(*oddity, at) {
                return Some(end);
            }
        }
        for (begin, end) in lexis.block_comments {
            if self.follows(at, begin) {
                return Some(self.end_of_comment(at, begin, end));
            }
        }
        for mark in lexis.line_comments {
            let is_word = !lexis.has(Oddity::WordHash) || !in_word(self.text, at);
            if self.follows(at, mark) && is_word {
                return Some(self.line_end(at));
            }
        }
        let quote = lexis.strings.iter().find(|quote| self.follows(at, quote.mark))?;
        // A tick within a number or behind a name: `1'000`, and `a'` in languages that allow it.
        if quote.mark == "'" && in_word(self.text, at) && lexis.has(Oddity::CppLiterals) {
            return None;
        }
        self.last = b'"';
        Some(self.end_of_string(at, quote))
    }

    fn end_of_comment(&self, at: usize, begin: &str, end: &str) -> usize {
        let mut depth = 1;
        let mut from = at + begin.len();
        while from < self.text.len() {
            if self.follows(from, end) {
                depth -= 1;
                from += end.len();
                if depth == 0 {
                    return from;
                }
            } else if self.lexis.nested_comments && self.follows(from, begin) {
                depth += 1;
                from += begin.len();
            } else {
                from += 1;
            }
        }
        self.text.len()
    }

    fn end_of_string(&self, at: usize, quote: &Quote) -> usize {
        let mut from = at + quote.mark.len();
        while let Some(&byte) = self.text.get(from) {
            if byte == b'\\' && quote.escapes {
                from += 2;
            } else if byte == b'\n' && !quote.lines {
                return from;
            } else if self.follows(from, quote.mark) {
                return from + quote.mark.len();
            } else {
                from += 1;
            }
        }
        self.text.len()
    }

    fn end_of_oddity(&mut self, oddity: Oddity, at: usize) -> Option<usize> {
        let byte = self.text[at];
        match (oddity, byte) {
            (Oddity::RustLiterals, b'\'') => self.end_of_rust_character(at),
            (Oddity::RustLiterals, b'r') => self.end_of_raw_string(at),
            (Oddity::CppLiterals, b'R') => self.end_of_delimited_string(at),
            (Oddity::VerbatimStrings, b'@') if self.follows(at, "@\"") => {
                let mut from = at + 2;
                loop {
                    let end = self.find(from, b"\"").map_or(self.text.len(), |end| end + 1);
                    if self.text.get(end) != Some(&b'"') {
                        return Some(end);
                    }
                    from = end + 1;
                }
            }
            (Oddity::JavaScriptLiterals, b'`') => {
                self.last = b'"';
                Some(self.end_of_template(at))
            }
            (Oddity::JavaScriptLiterals, b'/') => self.end_of_pattern(at),
            (Oddity::Heredocs, b'<') => {
                self.note_heredoc(at);
                None
            }
            (Oddity::Preprocessor, b'#') => self.end_of_directive(at),
            (Oddity::PhpTags, b'?') if self.follows(at, "?>") => Some(self.skip_html(at + 2)),
            _ => None,
        }
    }

    /// `'x'` and `'\n'`, but not the lifetime `'x`.
    fn end_of_rust_character(&self, at: usize) -> Option<usize> {
        let escaped = self.text.get(at + 1) == Some(&b'\\');
        let from = if escaped { at + 3 } else { at + 2 };
        let most = if escaped { 10 } else { 4 };
        let window = self.text.get(from..self.text.len().min(from + most))?;
        let end = window.iter().position(|byte| *byte == b'\'')?;
        // Between the ticks stands one character, so no more than one that begins one.
        let inside = &self.text[at + 1..from + end];
        let characters = inside.iter().filter(|byte| !(0x80..0xC0).contains(*byte)).count();
        (escaped || characters == 1).then_some(from + end + 1)
    }

    /// `r#"…"#`; a `b` or `c` before it does not matter.
    fn end_of_raw_string(&self, at: usize) -> Option<usize> {
        let hashes = self.text[at + 1..].iter().take_while(|byte| **byte == b'#').count();
        let is_prefix = at == 0
            || !is_word(self.text[at - 1])
            || (matches!(self.text[at - 1], b'b' | b'c') && !in_word(self.text, at - 1));
        if !is_prefix || self.text.get(at + 1 + hashes) != Some(&b'"') {
            return None;
        }
        let mut end = vec![b'"'];
        end.resize(hashes + 1, b'#');
        let from = at + 2 + hashes;
        Some(self.find(from, &end).map_or(self.text.len(), |found| found + end.len()))
    }

    fn end_of_delimited_string(&self, at: usize) -> Option<usize> {
        let rest = self.text[at + 1..].strip_prefix(b"\"")?;
        let delimiter = rest.iter().take(17).position(|byte| *byte == b'(')?;
        let end = [b")", &rest[..delimiter], b"\""].concat();
        Some(self.find(at + 2, &end).map_or(self.text.len(), |found| found + end.len()))
    }

    /// A template with all the code in it; templates within are followed, whatever their depth.
    fn end_of_template(&self, at: usize) -> usize {
        /// Deeper than this is no code of people.
        const DEPTH: usize = 1000;
        // Each entry is a `${`, with the braces open in it; the templates stand between them.
        let mut open: Vec<usize> = Vec::new();
        let mut in_template = true;
        let mut from = at + 1;
        while let Some(&byte) = self.text.get(from) {
            match byte {
                b'\\' => from += 1,
                b'`' if in_template && open.is_empty() => return from + 1,
                b'`' => in_template = !in_template,
                b'$' if in_template && self.follows(from, "${") && open.len() < DEPTH => {
                    open.push(0);
                    in_template = false;
                    from += 1;
                }
                b'"' | b'\'' if !in_template => {
                    let mark = if byte == b'"' { "\"" } else { "'" };
                    let quote = Quote { mark, escapes: true, lines: false };
                    from = self.end_of_string(from, &quote);
                    continue;
                }
                b'{' if !in_template => {
                    if let Some(braces) = open.last_mut() {
                        *braces += 1;
                    }
                }
                b'}' if !in_template => match open.last_mut() {
                    Some(0) => {
                        open.pop();
                        in_template = true;
                    }
                    Some(braces) => *braces -= 1,
                    None => {}
                },
                _ => {}
            }
            from += 1;
        }
        self.text.len()
    }

    /// A regular expression, where no division can stand.
    fn end_of_pattern(&mut self, at: usize) -> Option<usize> {
        let next = *self.text.get(at + 1)?;
        if matches!(next, b'/' | b'*') {
            return None;
        }
        let after_word = is_word(self.last) && {
            let before = self.text[..at].trim_ascii_end();
            !["return", "typeof", "case", "in", "of", "do", "else"]
                .iter()
                .any(|word| before.ends_with(word.as_bytes()))
        };
        if after_word || matches!(self.last, b')' | b']' | b'}' | b'"' | b'.') {
            return None;
        }
        let mut in_class = false;
        let mut from = at + 1;
        loop {
            match *self.text[..self.text.len().min(at + PATTERN_BYTES)].get(from)? {
                b'\n' => return None,
                b'\\' => from += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => break,
                _ => {}
            }
            from += 1;
        }
        self.last = b'"';
        Some(from + 1)
    }

    fn note_heredoc(&mut self, at: usize) {
        let Some(mut rest) = self.text[at..].strip_prefix(b"<<") else { return };
        if !self.heredocs_end || self.heredoc.is_some() {
            return;
        }
        rest = rest.strip_prefix(b"<").unwrap_or(rest);
        rest = rest.strip_prefix(b"~").or_else(|| rest.strip_prefix(b"-")).unwrap_or(rest);
        rest = rest.strip_prefix(b"'").or_else(|| rest.strip_prefix(b"\"")).unwrap_or(rest);
        let word = &rest[..rest.iter().take_while(|byte| is_word(**byte)).count()];
        if !word.first().is_some_and(u8::is_ascii_uppercase) {
            return;
        }
        let mut start = self.line_end(at);
        let text = self.text;
        while start < text.len() {
            let end = self.line_end(start + 1);
            let line = text[start..end].trim_ascii();
            if line.strip_suffix(b";").unwrap_or(line) == word {
                self.heredoc = Some(end);
                return;
            }
            start = end;
        }
        self.heredocs_end = false;
    }

    /// A line for the preprocessor, with what it leaves out.
    fn end_of_directive(&self, at: usize) -> Option<usize> {
        let mut before =
            self.text[..at].iter().rev().skip_while(|byte| matches!(byte, b' ' | b'\t'));
        if before.next().is_some_and(|byte| *byte != b'\n') {
            return None;
        }
        let (word, end) = self.directive(at);
        let condition = self.text[at + 1..end].trim_ascii();
        let is_never =
            word == b"if" && condition.strip_prefix(b"if").map(<[u8]>::trim_ascii) == Some(b"0");
        let is_other = matches!(word, b"else" | b"elif" | b"elifdef" | b"elifndef");
        if !is_never && !is_other {
            return Some(end);
        }
        // To the end of the alternative that is not read.
        let mut depth = 0_usize;
        let mut line = end;
        while line < self.text.len() {
            let start = line + 1;
            let rest = self.text.get(start..).unwrap_or_default();
            let hash = start + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            if self.text.get(hash) != Some(&b'#') {
                line = self.line_end(start);
                continue;
            }
            let (word, end) = self.directive(hash);
            match word {
                b"if" | b"ifdef" | b"ifndef" => depth += 1,
                b"endif" if depth == 0 => return Some(end),
                b"endif" => depth -= 1,
                b"else" | b"elif" if depth == 0 && is_never => return Some(end),
                _ => {}
            }
            line = end;
        }
        Some(self.text.len())
    }

    /// The word of the directive at `at` and the end of its line, which a backslash continues.
    fn directive(&self, at: usize) -> (&[u8], usize) {
        let mut end = self.line_end(at);
        while end < self.text.len() && self.text[..end].ends_with(b"\\") {
            end = self.line_end(end + 1);
        }
        let rest = self.text[at + 1..end].trim_ascii_start();
        (&rest[..rest.iter().take_while(|byte| is_word(**byte)).count()], end)
    }

    /// The start of the next piece of PHP.
    fn skip_html(&mut self, from: usize) -> usize {
        let mut start = from;
        let end = loop {
            let Some(tag) = self.find(start, b"<?") else { break self.text.len() };
            if self.follows(tag, "<?php") {
                break tag + 5;
            }
            if self.follows(tag, "<?=") {
                break tag + 3;
            }
            start = tag + 2;
        };
        self.blank(from, end);
        end
    }
}

/// Whether a byte can be part of a name; those of other scripts can.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn in_word(text: &[u8], at: usize) -> bool {
    at > 0 && (is_word(text[at - 1]) || matches!(text[at - 1], b'$' | b'{'))
}
