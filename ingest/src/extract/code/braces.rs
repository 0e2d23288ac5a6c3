//! Items of languages whose braces hold what belongs to an item.
//!
//! Statements are told apart by `;`, braces and, where the language has it so, line ends. One that
//! begins with a keyword and a name is an item; so is, in some languages and places, one that ends
//! in `name(…) {`. What cannot be told is passed over, so that a wrong brace costs levels and not
//! items.

use std::ops::Range;

use super::languages::{Braces, Functions};
use super::mask::is_word;
use super::{Item, WORDS_BYTES};

/// Code is not nested deeper than this; what is, is data.
const DEPTH: usize = 5000;
/// What stands between the start of a statement and its brace is looked through no further.
const HEAD_BYTES: usize = 2000;

pub(super) fn items(code: &[u8], language: &Braces) -> Vec<Item> {
    let mut scan = Scan {
        code,
        language,
        items: Vec::new(),
        open: Vec::new(),
        item_depth: 0,
        statement: Statement::default(),
    };
    scan.run();
    scan.items
}

struct Scan<'a> {
    code: &'a [u8],
    language: &'a Braces,
    items: Vec<Item>,
    open: Vec<Open>,
    /// How many of the open braces belong to items.
    item_depth: u8,
    statement: Statement,
}

/// A bracket that is open.
struct Open {
    bracket: u8,
    /// What the brace belongs to.
    owner: Owner,
    /// The statement that the bracket interrupts.
    outer: Statement,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// A class or the like, whose members are items.
    Container,
    /// A class without a name, whose members are items all the same.
    Members,
    /// Braces that only hold together, as those of `extern "C"`.
    Transparent,
    /// A function or an item without members.
    Item,
    /// A block of statements or a value.
    Other,
}

#[derive(Clone, Copy, Default)]
struct Statement {
    /// Where it begins; `None` before its first word.
    start: Option<usize>,
    /// What the item that it names holds in its braces.
    pending: Option<Owner>,
    /// Whether it cannot be `name(…)` any more.
    is_named: bool,
}

impl Scan<'_> {
    fn run(&mut self) {
        let mut at = 0;
        while let Some(&byte) = self.code.get(at) {
            at = match byte {
                b'\n' if self.language.line_ends && self.in_statements() => {
                    self.statement.start = None;
                    at + 1
                }
                _ if byte.is_ascii_whitespace() => at + 1,
                b';' if self.in_statements() => {
                    self.end_with_semicolon(at);
                    at + 1
                }
                b'{' => {
                    self.open_brace(at);
                    at + 1
                }
                b'}' => {
                    self.close_brace();
                    at + 1
                }
                b'(' | b'[' => {
                    let next = self.begin(at);
                    if next == at {
                        self.push(byte, Owner::Other);
                        at + 1
                    } else {
                        next
                    }
                }
                b')' | b']' => {
                    let opening = if byte == b')' { b'(' } else { b'[' };
                    if self.open.last().is_some_and(|open| open.bracket == opening) {
                        self.pop();
                    }
                    at + 1
                }
                b':' if self.in_statements() && self.ends_label(at) => {
                    self.statement = Statement::default();
                    at + 1
                }
                b'=' if self.code.get(at + 1) == Some(&b'>') && self.in_statements() => {
                    self.note_function(at, true);
                    at + 2
                }
                _ => {
                    let next = self.begin(at);
                    if next > at { next } else { token_end(self.code, at) }
                }
            };
            if self.open.len() > DEPTH {
                return;
            }
        }
    }

    /// Whether statements stand here, and not arguments or elements.
    fn in_statements(&self) -> bool {
        self.open.last().is_none_or(|open| open.bracket == b'{')
    }

    fn push(&mut self, bracket: u8, owner: Owner) {
        let outer = std::mem::take(&mut self.statement);
        self.item_depth += u8::from(matches!(owner, Owner::Container | Owner::Item));
        self.open.push(Open { bracket, owner, outer });
        // Within parentheses no statement begins.
        self.statement.start = (bracket != b'{').then_some(usize::MAX);
    }

    fn pop(&mut self) {
        if let Some(open) = self.open.pop() {
            self.item_depth -= u8::from(matches!(open.owner, Owner::Container | Owner::Item));
            self.statement = open.outer;
        }
    }

    /// The start of a statement, if one begins here; returns the end of the item's name, or where it
    /// was.
    fn begin(&mut self, at: usize) -> usize {
        if !self.in_statements() || self.statement.start.is_some() {
            return at;
        }
        if self.statement.pending.is_some() && self.continues(at) {
            self.statement.start = Some(at);
            return at;
        }
        self.statement = Statement { start: Some(at), ..Statement::default() };
        let Some(found) = Head { code: self.code, language: self.language }.item(at) else {
            return at;
        };
        let owner = if found.is_container { Owner::Container } else { Owner::Item };
        self.statement.pending = Some(owner);
        self.statement.is_named = true;
        self.add(found.words);
        found.end
    }

    /// Whether a line goes on with what the line before it named.
    fn continues(&self, at: usize) -> bool {
        let word = &self.code[at..token_end(self.code, at)];
        let is_symbol = !is_word(word[0]) && !matches!(word[0], b'@' | b'#' | b'[' | b'`' | b'$');
        is_symbol || matches!(word, b"extends" | b"implements" | b"with" | b"where" | b"throws")
    }

    fn add(&mut self, words: Range<usize>) {
        let end = words.end.min(words.start + WORDS_BYTES);
        let level = (self.item_depth + 1).min(6);
        if self.items.last().is_none_or(|last| last.bytes.end <= words.start) {
            self.items.push(Item { bytes: words.start..end, level });
        }
    }

    /// Whether members of a class, or what stands outside of everything, stand here.
    fn takes_functions(&self) -> bool {
        let innermost = self.open.iter().rev().find(|open| open.owner != Owner::Transparent);
        match self.language.functions {
            Functions::Keyword => false,
            Functions::Methods | Functions::MethodsWithoutBody => innermost
                .is_some_and(|open| matches!(open.owner, Owner::Container | Owner::Members)),
            Functions::Anywhere => innermost.is_none_or(|open| open.owner == Owner::Container),
        }
    }

    /// Takes the statement up to `at` for a function if it looks like one, and has a type if it needs
    /// one.
    fn note_function(&mut self, at: usize, needs_type: bool) -> bool {
        let Some(start) = self.statement.start else { return false };
        if self.statement.is_named
            || start > at
            || at - start > HEAD_BYTES
            || !self.takes_functions()
        {
            return false;
        }
        let Some(name) = function_name(&self.code[start..at]) else { return false };
        if needs_type && name.start == 0 {
            return false;
        }
        self.add(start + name.start..start + name.end);
        self.statement.is_named = true;
        true
    }

    fn open_brace(&mut self, at: usize) {
        let owner = if self.is_anonymous_class(at) {
            Owner::Members
        } else if !self.in_statements() {
            Owner::Other
        } else if let Some(owner) = self.statement.pending.take() {
            owner
        } else if self.note_function(at, false) {
            Owner::Item
        } else if self.is_transparent(at) {
            Owner::Transparent
        } else {
            Owner::Other
        };
        // What stands behind the braces of a value belongs to the same statement; behind those of
        // an item a new one begins.
        let is_value = matches!(owner, Owner::Other | Owner::Members);
        let ends_statement = !is_value || self.statement.start.is_none();
        if ends_statement {
            self.statement = Statement::default();
        }
        self.push(b'{', owner);
    }

    /// `new Name(…) {`.
    fn is_anonymous_class(&self, at: usize) -> bool {
        if self.language.functions != Functions::MethodsWithoutBody {
            return false;
        }
        let before = &self.code[at.saturating_sub(HEAD_BYTES)..at];
        let before = before.trim_ascii_end();
        if !before.ends_with(b")") {
            return false;
        }
        let mut depth = 0_usize;
        let Some(open) = before.iter().rposition(|byte| {
            depth = match byte {
                b')' => depth + 1,
                b'(' => depth - 1,
                _ => depth,
            };
            depth == 0
        }) else {
            return false;
        };
        let end = before_generics(before, before[..open].trim_ascii_end().len());
        let name =
            before[..end].iter().rev().take_while(|byte| is_word(**byte) || **byte == b'.').count();
        before[..end - name].trim_ascii_end().ends_with(b"new")
    }

    fn is_transparent(&self, at: usize) -> bool {
        let head = self.statement.start.filter(|start| at.saturating_sub(*start) <= HEAD_BYTES);
        let head = head.map_or(&[][..], |start| self.code[start..at].trim_ascii());
        self.language.functions == Functions::Anywhere
            && (head == b"extern" || head == b"namespace" || head == b"inline namespace")
    }

    fn close_brace(&mut self) {
        let Some(matching) = self.open.iter().rposition(|open| open.bracket == b'{') else {
            self.open.clear();
            self.item_depth = 0;
            self.statement = Statement::default();
            return;
        };
        while self.open.len() > matching {
            self.pop();
        }
        // `class A {…} a;` and `int a[] = {…};` aside, a closing brace ends a statement.
        self.statement = Statement::default();
    }

    fn end_with_semicolon(&mut self, at: usize) {
        if self.language.functions == Functions::MethodsWithoutBody {
            self.note_function(at, true);
        }
        self.statement = Statement::default();
    }

    /// `public:` and its like.
    fn ends_label(&self, at: usize) -> bool {
        let Some(start) = self.statement.start.filter(|start| *start < at) else { return false };
        at - start < 32
            && self.code.get(at + 1) != Some(&b':')
            && matches!(
                self.code[start..at].trim_ascii(),
                b"public"
                    | b"private"
                    | b"protected"
                    | b"signals"
                    | b"public slots"
                    | b"private slots"
                    | b"default"
            )
    }
}

/// The end of a word, or of the one character that is none.
fn token_end(code: &[u8], at: usize) -> usize {
    let word = code[at..].iter().take_while(|byte| is_word(**byte) || **byte == b'$').count();
    at + word.max(1)
}

/// The name in `type name(…) const`, if it is that.
fn function_name(head: &[u8]) -> Option<Range<usize>> {
    /// Words in whose parentheses no parameters stand.
    const NO_NAMES: [&[u8]; 22] = [
        b"if",
        b"for",
        b"while",
        b"switch",
        b"catch",
        b"return",
        b"else",
        b"do",
        b"try",
        b"synchronized",
        b"using",
        b"lock",
        b"foreach",
        b"sizeof",
        b"new",
        b"throw",
        b"case",
        b"function",
        b"fixed",
        b"with",
        b"when",
        b"assert",
    ];
    /// Those that may stand before a function all the same.
    const ATTRIBUTES: [&[u8]; 7] = [
        b"__attribute__",
        b"__declspec",
        b"alignas",
        b"decltype",
        b"noexcept",
        b"throw",
        b"__asm__",
    ];
    let mut at = 0;
    while head[at..].trim_ascii_start().starts_with(b"template") {
        let angle = at + head[at..].iter().position(|byte| *byte == b'<')?;
        at = matching(head, angle, b'<', b'>')?;
    }
    let mut name: Option<Range<usize>> = None;
    let mut words_before = 0;
    while at < head.len() {
        let byte = head[at];
        match byte {
            b'(' => {
                let end = matching(head, at, b'(', b')')?;
                let word_end = before_generics(head, head[..at].trim_ascii_end().len());
                let start = name_start(head, word_end);
                let word = &head[start..word_end];
                if NO_NAMES.contains(&word) {
                    return None;
                }
                let is_attribute = ATTRIBUTES.contains(&word);
                // A macro for the type, as in `API(int) name(void)`.
                let is_macro = words_before <= 1
                    && word.iter().all(|b| !b.is_ascii_lowercase())
                    && head[end..].contains(&b'(')
                    && !head[end..].trim_ascii_start().starts_with(b",");
                if !word.is_empty() && !is_attribute && !is_macro {
                    let is_call = head[..start].trim_ascii_end().ends_with(b".")
                        || head[..start].trim_ascii_end().ends_with(b"->");
                    if is_call {
                        return None;
                    }
                    name = name.or(Some(start..word_end));
                    if name.as_ref().is_some_and(|name| name.start == start) {
                        return rest_fits(&head[end..]).then_some(start..word_end);
                    }
                } else if word.is_empty() && name.is_none() && !is_attribute {
                    // `int (*name)(int)` is a variable.
                    return None;
                }
                at = end;
            }
            b'[' => at = matching(head, at, b'[', b']')?,
            // Parameters of types, in which `?` and `=` say nothing about the statement.
            b'<' if !operator_before(head, at) => {
                at = matching(head, at, b'<', b'>').unwrap_or(at + 1);
            }
            b'=' if !operator_before(head, at) => return None,
            b'!' | b'?' | b'|' | b'^' | b'%' | b'+' | b'/' if !operator_before(head, at) => {
                return None;
            }
            b'@' => {
                // An annotation, with what it says.
                at = token_end(head, at + 1);
                while head.get(at) == Some(&b'.') {
                    at = token_end(head, at + 1);
                }
                let rest = at + head[at..].len() - head[at..].trim_ascii_start().len();
                if head.get(rest) == Some(&b'(') {
                    at = matching(head, rest, b'(', b')')?;
                }
            }
            _ if is_word(byte) || byte == b'$' => {
                at = token_end(head, at);
                words_before += 1;
            }
            _ => at += 1,
        }
    }
    None
}

/// Where the name ends that has parameters of type behind it, as in `name<T>`.
fn before_generics(head: &[u8], end: usize) -> usize {
    if !head[..end].ends_with(b">") || operator_before(head, end - 1) {
        return end;
    }
    let mut depth = 0_usize;
    for (at, byte) in head[..end].iter().enumerate().rev() {
        match byte {
            b'>' => depth += 1,
            b'<' if depth == 1 => return head[..at].trim_ascii_end().len(),
            b'<' => depth -= 1,
            b';' | b'(' => break,
            _ => {}
        }
    }
    end
}

/// Where the name that ends at `end` begins, with what it is qualified by.
fn name_start(head: &[u8], end: usize) -> usize {
    let mut start = end;
    // `operator==` and the like.
    let symbols =
        head[..end].iter().rev().take_while(|byte| b"=!<>+-*/%&|^~[],".contains(byte)).count();
    if symbols > 0 && head[..end - symbols].ends_with(b"operator") {
        start = end - symbols;
    }
    while start > 0 {
        let byte = head[start - 1];
        let is_scope =
            byte == b':' && (head[..start].ends_with(b"::") || head[start..].starts_with(b":"));
        if !(is_word(byte) || matches!(byte, b'$' | b'~' | b'#') || is_scope) {
            break;
        }
        start -= 1;
    }
    start
}

fn operator_before(head: &[u8], at: usize) -> bool {
    let before = head[..at].iter().rev().skip_while(|byte| b"=!<>+-*/%&|^".contains(byte));
    before.take(8).eq(b"rotarepo".iter())
}

/// Whether what stands behind the parameters can stand there.
fn rest_fits(rest: &[u8]) -> bool {
    match rest.trim_ascii_start().first() {
        None => true,
        Some(byte) => {
            is_word(*byte) || matches!(byte, b':' | b'-' | b'&' | b'(' | b'[' | b'@' | b'<')
        }
    }
}

/// The place behind the bracket that closes the one at `at`.
fn matching(code: &[u8], at: usize, open: u8, close: u8) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in code[at..].iter().enumerate().take(HEAD_BYTES) {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(at + offset + 1);
            }
        }
    }
    None
}

/// An item that a statement begins with.
struct Found {
    words: Range<usize>,
    /// Where reading goes on.
    end: usize,
    is_container: bool,
}

/// The beginning of a statement.
struct Head<'a> {
    code: &'a [u8],
    language: &'a Braces,
}

impl Head<'_> {
    fn item(&self, at: usize) -> Option<Found> {
        let mut at = at;
        for _ in 0..24 {
            at = self.skip_space(at);
            let word = self.word(at);
            let text = std::str::from_utf8(&self.code[word.clone()]).unwrap_or_default();
            if word.is_empty() {
                at = self.skip_attribute(at)?;
            } else if self.language.keywords.contains(&text) {
                match self.named(word.clone(), text) {
                    Named::Item(found) => return Some(found),
                    Named::Keyword => at = word.end,
                    Named::Nothing => return None,
                }
            } else if text == "template" {
                at = matching(self.code, self.skip_space(word.end), b'<', b'>')?;
            } else if self.language.modifiers.contains(&text) {
                at = word.end;
                // `pub(crate)`, `private[this]`; but `extern (…)` is none.
                let next = self.code.get(at);
                if next == Some(&b'(') {
                    at = matching(self.code, at, b'(', b')')?;
                } else if next == Some(&b'[') {
                    at = matching(self.code, at, b'[', b']')?;
                }
            } else {
                return self.assigned(at);
            }
        }
        None
    }

    fn skip_space(&self, at: usize) -> usize {
        at + self.code[at..]
            .iter()
            .take(HEAD_BYTES)
            .take_while(|byte| byte.is_ascii_whitespace())
            .count()
    }

    fn word(&self, at: usize) -> Range<usize> {
        let is_part = |byte: &&u8| is_word(**byte) || **byte == b'$';
        at..at + self.code[at..].iter().take(WORDS_BYTES).take_while(is_part).count()
    }

    /// `@Name(…)`, `#[…]`, `[…]`.
    fn skip_attribute(&self, at: usize) -> Option<usize> {
        match self.code.get(at)? {
            b'@' => {
                let mut end = self.word(at + 1).end;
                while self.code.get(end) == Some(&b'.') || self.code.get(end) == Some(&b':') {
                    end = self.word(end + 1).end;
                }
                let next = self.skip_space(end);
                if self.code.get(next) == Some(&b'(') {
                    matching(self.code, next, b'(', b')')
                } else {
                    Some(end)
                }
            }
            b'#' => {
                let bracket = if self.code.get(at + 1) == Some(&b'!') { at + 2 } else { at + 1 };
                (self.code.get(bracket) == Some(&b'['))
                    .then(|| matching(self.code, bracket, b'[', b']'))?
            }
            b'[' => matching(self.code, at, b'[', b']'),
            _ => None,
        }
    }

    fn named(&self, keyword: Range<usize>, text: &str) -> Named {
        let is_container = self.language.containers.contains(&text);
        let found = |words: Range<usize>| {
            let end = words.end;
            Named::Item(Found { words, end, is_container })
        };
        let mut at = self.skip_space(keyword.end);
        match text {
            "impl" => {
                let rest = &self.code[keyword.end..self.code.len().min(keyword.end + HEAD_BYTES)];
                let Some(end) = rest.iter().position(|byte| matches!(byte, b'{' | b';')) else {
                    return Named::Nothing;
                };
                let head = &rest[..end];
                let head = head
                    .windows(6)
                    .position(|w| w.trim_ascii() == b"where")
                    .map_or(head, |w| &head[..w]);
                let words = keyword.start..keyword.end + head.trim_ascii_end().len();
                let end = keyword.end + end;
                return Named::Item(Found { words, end, is_container });
            }
            "macro_rules" => match self.code.get(at) {
                Some(b'!') => at = self.skip_space(at + 1),
                _ => return Named::Nothing,
            },
            "const" | "let" | "var" => {
                let name = self.word(at);
                if self.is_keyword(&self.code[name.clone()]) {
                    return Named::Keyword;
                }
                return match self.function_value(self.skip_type(name.end)) {
                    true if !name.is_empty() => found(name),
                    _ => Named::Nothing,
                };
            }
            "func" if self.code.get(at) == Some(&b'(') => match matching(self.code, at, b'(', b')')
            {
                Some(end) => at = self.skip_space(end),
                None => return Named::Nothing,
            },
            _ => {}
        }
        if self.code.get(at) == Some(&b'<') {
            match matching(self.code, at, b'<', b'>') {
                Some(end) => at = self.skip_space(end),
                None => return Named::Nothing,
            }
        }
        while matches!(self.code.get(at), Some(b'*' | b'&')) {
            at = self.skip_space(at + 1);
        }
        let mut name = self.name(at);
        let mut name_text = &self.code[name.clone()];
        if self.is_keyword(name_text) && text != "func" {
            // `enum class Name`, `class func name`; but `func init` is a name.
            return Named::Keyword;
        }
        if self.language.with_body.contains(&text) {
            // A macro may stand before the name, and attributes around it.
            loop {
                let next = self.skip_space(name.end);
                match self.code.get(next) {
                    Some(b'{') => break,
                    Some(b':') if self.language.functions == Functions::Anywhere => break,
                    Some(b'<') if !name.is_empty() => match matching(self.code, next, b'<', b'>') {
                        Some(end) => {
                            let behind = self.skip_space(end);
                            if matches!(self.code.get(behind), Some(b'{' | b':')) {
                                break;
                            }
                            return Named::Nothing;
                        }
                        None => return Named::Nothing,
                    },
                    Some(b'(') => match matching(self.code, next, b'(', b')') {
                        Some(end) => name = self.name(self.skip_space(end)),
                        None => return Named::Nothing,
                    },
                    Some(byte) if is_word(*byte) => {
                        let following = self.name(next);
                        if &self.code[following.clone()] == b"final" {
                            break;
                        }
                        name = following;
                    }
                    _ => return Named::Nothing,
                }
            }
            name_text = &self.code[name.clone()];
        }
        let is_function = matches!(text, "func" | "fun" | "fn" | "def" | "function");
        if name.is_empty()
            || name_text.first().is_some_and(u8::is_ascii_digit)
            || (is_reserved(name_text) && !is_function)
        {
            let is_nameless = self.language.nameless.contains(&text)
                && !matches!(self.code.get(at), Some(b'.' | b'='));
            return if is_nameless { found(keyword) } else { Named::Nothing };
        }
        // A word of the language that is used as a name: `type = 3`, `module.exports`.
        let next = self.code.get(self.skip_space(name.end));
        if text == "type"
            && self.language.functions == Functions::Methods
            && !matches!(next, Some(b'=' | b'<'))
        {
            return Named::Nothing;
        }
        found(keyword.start..name.end)
    }

    fn is_keyword(&self, word: &[u8]) -> bool {
        self.language.keywords.iter().any(|keyword| keyword.as_bytes() == word)
    }

    /// A name with what it is qualified by: `Foo.bar`, `List<T>.second`, `A::b`, `` `quoted` ``.
    fn name(&self, at: usize) -> Range<usize> {
        if self.code.get(at) == Some(&b'`') {
            let rest = &self.code[at + 1..self.code.len().min(at + WORDS_BYTES)];
            return at..rest.iter().position(|byte| *byte == b'`').map_or(at, |end| at + end + 2);
        }
        let mut end = self.word(at).end;
        while end > at {
            if self.code.get(end) == Some(&b'<') {
                match matching(self.code, end, b'<', b'>') {
                    Some(behind) if self.code.get(behind) == Some(&b'.') => end = behind,
                    _ => break,
                }
            }
            let separator = match &self.code[end..] {
                [b':', b':', ..] => 2,
                [b'.' | b'\\', ..] => 1,
                _ => break,
            };
            let next = self.word(end + separator);
            if next.is_empty() {
                break;
            }
            end = next.end;
        }
        at..end
    }

    /// `name.of.it = function` and `name = (…) =>`, in languages whose functions are values.
    fn assigned(&self, at: usize) -> Option<Found> {
        if self.language.functions != Functions::Methods || !self.language.keywords.contains(&"var")
        {
            return None;
        }
        let words = self.name(at);
        let end = words.end;
        (!words.is_empty() && self.function_value(self.skip_type(end))).then_some(Found {
            words,
            end,
            is_container: false,
        })
    }

    /// Behind the type that a constant or a field is said to have, on the same line.
    fn skip_type(&self, at: usize) -> usize {
        let rest = &self.code[at..self.code.len().min(at + 300)];
        if !rest.trim_ascii_start().starts_with(b":") {
            return at;
        }
        let line = rest.split(|byte| matches!(byte, b'\n' | b';')).next().unwrap_or_default();
        line.windows(3).position(|window| window == b" = ").map_or(at, |end| at + end + 1)
    }

    /// Whether `= function (…)`, `= (…) =>` or `= name =>` stands here.
    fn function_value(&self, at: usize) -> bool {
        let mut at = self.skip_space(at);
        if self.code.get(at) != Some(&b'=') || self.code.get(at + 1) == Some(&b'=') {
            return false;
        }
        at = self.skip_space(at + 1);
        let mut word = self.word(at);
        if &self.code[word.clone()] == b"async" {
            at = self.skip_space(word.end);
            word = self.word(at);
        }
        match &self.code[word.clone()] {
            b"function" => true,
            b"" => {
                if self.code.get(at) == Some(&b'<') {
                    match matching(self.code, at, b'<', b'>') {
                        Some(end) => at = self.skip_space(end),
                        None => return false,
                    }
                }
                if self.code.get(at) != Some(&b'(') {
                    return false;
                }
                let Some(end) = matching(self.code, at, b'(', b')') else { return false };
                let next = self.skip_space(end);
                let rest = &self.code[next..self.code.len().min(next + 200)];
                rest.starts_with(b"=>")
                    || (rest.starts_with(b":")
                        && rest
                            .windows(2)
                            .take_while(|w| w[0] != b';' && w[0] != b'\n')
                            .any(|w| w == b"=>"))
            }
            _ => self.code[self.skip_space(word.end)..].starts_with(b"=>"),
        }
    }
}

enum Named {
    Item(Found),
    /// Another keyword follows, and this one only says more about it.
    Keyword,
    Nothing,
}

fn is_reserved(word: &[u8]) -> bool {
    matches!(word, b"extends" | b"implements" | b"where" | b"in" | b"of" | b"is" | b"as" | b"for")
}
