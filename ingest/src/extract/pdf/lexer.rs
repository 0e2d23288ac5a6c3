//! Tokens of content streams and of character maps (PDF 2.0 §7.2), read leniently: what makes no
//! sense is passed over, so that a damaged stretch costs only itself.

/// An object in a content stream, or an operator.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    Number(f64),
    Name(Vec<u8>),
    String(Vec<u8>),
    Array(Vec<Token<'a>>),
    Dictionary(Vec<(Vec<u8>, Token<'a>)>),
    /// A bare word: an operator, `true`, `null` and so on.
    Word(&'a [u8]),
}

/// How deep arrays and dictionaries may stand in one another; deeper ones are passed over.
const MAX_DEPTH: usize = 16;

pub(super) struct Lexer<'a> {
    rest: &'a [u8],
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next object or word.
    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        self.next_within(0)
    }

    fn next_within(&mut self, depth: usize) -> Option<Token<'a>> {
        loop {
            self.skip_white_space();
            let (&first, after) = self.rest.split_first()?;
            return Some(match first {
                b'(' => Token::String(self.literal_string()),
                b'/' => Token::Name(self.name()),
                b'<' if after.first() == Some(&b'<') => {
                    self.rest = &after[1..];
                    Token::Dictionary(self.dictionary(depth + 1))
                }
                b'<' => Token::String(self.hexadecimal_string()),
                b'[' => {
                    self.rest = after;
                    Token::Array(self.array(depth + 1))
                }
                b'+' | b'-' | b'.' | b'0'..=b'9' => self.number(),
                // Closing brackets without opening ones, and braces.
                b']' | b'>' | b')' | b'{' | b'}' => {
                    self.rest = after;
                    continue;
                }
                _ => Token::Word(self.word()),
            });
        }
    }

    /// Passes over the data of an inline image, up to and with its `EI`.
    pub(super) fn skip_inline_image(&mut self) {
        let is_space = |byte: Option<&u8>| byte.is_none_or(|byte| is_white_space(*byte));
        let bytes = self.rest;
        let end = (1..bytes.len().saturating_sub(1)).find(|&at| {
            let follows = bytes.get(at + 2..).unwrap_or_default();
            bytes[at..].starts_with(b"EI")
                && is_white_space(bytes[at - 1])
                && is_space(follows.first())
                // Picture data may hold the letters too, but hardly with plain text after them.
                && follows.iter().take(16).all(|b| b.is_ascii_graphic() || is_white_space(*b))
        });
        self.rest = end.map_or(&[], |end| &bytes[end + 2..]);
    }

    fn skip_white_space(&mut self) {
        while let Some((&byte, after)) = self.rest.split_first() {
            if byte == b'%' {
                let end = after.iter().position(|b| matches!(b, b'\r' | b'\n'));
                self.rest = &after[end.unwrap_or(after.len())..];
            } else if is_white_space(byte) {
                self.rest = after;
            } else {
                break;
            }
        }
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|&byte| !accept(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn word(&mut self) -> &'a [u8] {
        let word = self.take_while(is_regular);
        if word.is_empty() {
            // Never the same byte twice.
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        word
    }

    fn number(&mut self) -> Token<'a> {
        let start = self.rest;
        let text = self.take_while(|byte| matches!(byte, b'+' | b'-' | b'.' | b'0'..=b'9'));
        match parse_number(text) {
            Some(number) => Token::Number(number),
            None => {
                // A sign alone, or an operator that begins like a number.
                self.rest = start;
                let word = self.word();
                Token::Word(word)
            }
        }
    }

    fn name(&mut self) -> Vec<u8> {
        self.rest = &self.rest[1..];
        let raw = self.take_while(is_regular);
        let mut name = Vec::with_capacity(raw.len());
        let mut bytes = raw.iter();
        while let Some(&byte) = bytes.next() {
            let digits = match bytes.as_slice() {
                [high, low, ..] if byte == b'#' => hex_digit(*high).zip(hex_digit(*low)),
                _ => None,
            };
            match digits {
                Some((high, low)) => {
                    name.push(high << 4 | low);
                    bytes.nth(1);
                }
                None => name.push(byte),
            }
        }
        name
    }

    fn literal_string(&mut self) -> Vec<u8> {
        let mut string = Vec::new();
        let mut open = 0_usize;
        let mut at = 0;
        while let Some(&byte) = self.rest.get(at) {
            at += 1;
            match byte {
                b'(' => {
                    if open > 0 {
                        string.push(byte);
                    }
                    open += 1;
                }
                b')' => {
                    open -= 1;
                    if open == 0 {
                        break;
                    }
                    string.push(byte);
                }
                b'\\' => at += escape(&self.rest[at..], &mut string),
                // Any end of line is one line feed.
                b'\r' => {
                    string.push(b'\n');
                    at += usize::from(self.rest.get(at) == Some(&b'\n'));
                }
                _ => string.push(byte),
            }
        }
        self.rest = &self.rest[at..];
        string
    }

    fn hexadecimal_string(&mut self) -> Vec<u8> {
        self.rest = &self.rest[1..];
        let raw = self.take_while(|byte| byte != b'>');
        self.rest = self.rest.get(1..).unwrap_or_default();
        let digits: Vec<u8> = raw.iter().filter_map(|byte| hex_digit(*byte)).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0)).collect()
    }

    fn array(&mut self, depth: usize) -> Vec<Token<'a>> {
        let mut items = Vec::new();
        loop {
            self.skip_white_space();
            match self.rest.first() {
                None => return items,
                Some(b']') => {
                    self.rest = &self.rest[1..];
                    return items;
                }
                Some(_) if depth > MAX_DEPTH => return items,
                Some(_) => {}
            }
            let before = self.rest;
            match self.next_within(depth) {
                // An array that was never closed: no operator stands in one.
                Some(Token::Word(word)) if !matches!(word, b"true" | b"false" | b"null") => {
                    self.rest = before;
                    return items;
                }
                Some(item) => items.push(item),
                None => return items,
            }
        }
    }

    fn dictionary(&mut self, depth: usize) -> Vec<(Vec<u8>, Token<'a>)> {
        let mut entries = Vec::new();
        loop {
            self.skip_white_space();
            if self.rest.starts_with(b">>") {
                self.rest = &self.rest[2..];
                return entries;
            }
            if depth > MAX_DEPTH {
                return entries;
            }
            let Some(key) = self.next_within(depth) else { return entries };
            self.skip_white_space();
            // A key without a value.
            if self.rest.starts_with(b">>") {
                continue;
            }
            if let Token::Name(key) = key
                && let Some(value) = self.next_within(depth)
            {
                entries.push((key, value));
            }
        }
    }
}

/// Reads what follows a backslash and tells how many bytes that was.
fn escape(rest: &[u8], string: &mut Vec<u8>) -> usize {
    let Some(&byte) = rest.first() else { return 0 };
    let plain = match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'0'..=b'7' => {
            let is_octal = |byte: &&u8| (b'0'..=b'7').contains(*byte);
            let digits = rest.iter().take(3).take_while(is_octal);
            let (count, number) =
                digits.fold((0, 0_u32), |(count, n), d| (count + 1, n * 8 + u32::from(d - b'0')));
            string.push(number as u8);
            return count;
        }
        // A line that goes on in the next one.
        b'\r' => return 1 + usize::from(rest.get(1) == Some(&b'\n')),
        b'\n' => return 1,
        other => other,
    };
    string.push(plain);
    1
}

/// Numbers as writers of PDF write them: "1.5", ".5", "-.5", "--5", "5.", "0.00-35".
fn parse_number(text: &[u8]) -> Option<f64> {
    let sign = if text.first() == Some(&b'-') { -1.0 } else { 1.0 };
    let digits = text.iter().position(|byte| !matches!(byte, b'+' | b'-'))?;
    let (mut number, mut scale, mut seen) = (0.0, None, false);
    for &byte in &text[digits..] {
        match byte {
            b'0'..=b'9' => {
                let digit = f64::from(byte - b'0');
                seen = true;
                match &mut scale {
                    None => number = number * 10.0 + digit,
                    Some(scale) => {
                        *scale /= 10.0;
                        number += digit * *scale;
                    }
                }
            }
            b'.' if scale.is_none() => scale = Some(1.0),
            _ => break,
        }
    }
    (seen || scale.is_some()).then_some(sign * number).filter(|number: &f64| number.is_finite())
}

fn hex_digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

fn is_regular(byte: u8) -> bool {
    !is_white_space(byte) && !b"()<>[]{}/%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let mut lexer = Lexer::new(text.as_bytes());
        std::iter::from_fn(|| lexer.next()).collect()
    }

    fn string(text: &str) -> Token<'_> {
        Token::String(text.into())
    }

    #[test]
    fn numbers_names_and_words() {
        use Token::{Name, Number, Word};
        assert_eq!(
            tokens("/F1 12 Tf -.5 +3. 0.00-35 --2 % note\n/A#20b/C q'T*"),
            [
                Name(b"F1".into()),
                Number(12.0),
                Word(b"Tf"),
                Number(-0.5),
                Number(3.0),
                Number(0.0),
                Number(-2.0),
                Name(b"A b".into()),
                Name(b"C".into()),
                Word(b"q'T*"),
            ]
        );
    }

    #[test]
    fn strings() {
        assert_eq!(tokens(r"(a(b)\)\051\n\12)"), [string("a(b)))\n\n")]);
        assert_eq!(tokens("(one\\\r\ntwo\r\nthree)"), [string("onetwo\nthree")]);
        assert_eq!(tokens("<48 65 6c6C6>"), [string("Hell`")]);
        assert_eq!(tokens("(never closed"), [string("never closed")]);
    }

    #[test]
    fn arrays_and_dictionaries() {
        assert_eq!(
            tokens("[(a) -20 [1]] TJ"),
            [
                Token::Array(vec![
                    string("a"),
                    Token::Number(-20.0),
                    Token::Array(vec![Token::Number(1.0)])
                ]),
                Token::Word(b"TJ")
            ]
        );
        assert_eq!(
            tokens("[(never) 3 ET"),
            [Token::Array(vec![string("never"), Token::Number(3.0)]), Token::Word(b"ET")]
        );
        assert_eq!(
            tokens("<< /ActualText (x) /K >> BDC ] >> ("),
            [
                Token::Dictionary(vec![(b"ActualText".into(), string("x"))]),
                Token::Word(b"BDC"),
                string("")
            ]
        );
    }

    #[test]
    fn inline_images_are_passed_over() {
        let mut lexer = Lexer::new(b" \x01\xFF EI\x80 EI \xFE\n EI\nQ");
        lexer.skip_inline_image();
        assert_eq!(lexer.next(), Some(Token::Word(b"Q")));
        let mut lexer = Lexer::new(b" no end");
        lexer.skip_inline_image();
        assert_eq!(lexer.next(), None);
    }

    #[test]
    fn depth_is_bounded() {
        assert!(tokens(&"[".repeat(100_000)).len() < 100_000);
        assert!(!tokens(&"<<".repeat(100_000)).is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut lexer = Lexer::new(&bytes);
            let count = std::iter::from_fn(|| lexer.next()).count();
            prop_assert!(count <= bytes.len());
            Lexer::new(&bytes).skip_inline_image();
        }

        #[test]
        fn no_syntax_harms(text in "[\\[\\]<>()/a1 .#\\\\%-]{0,60}") {
            prop_assert!(tokens(&text).len() <= text.len());
        }
    }
}
