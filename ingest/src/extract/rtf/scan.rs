//! Bytes into control words, braces and text.

/// One piece of an RTF file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    /// A control word with its number. A byte in hexadecimal, `\'e4`, is the word `'`.
    Word(&'a [u8], Option<i32>),
    /// A control symbol, such as `\~`.
    Symbol(u8),
    /// A byte of text.
    Byte(u8),
}

pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Passes over bytes that are no RTF.
    pub(super) fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count).min(self.bytes.len());
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            return Some(match byte {
                b'{' => Token::Open,
                b'}' => Token::Close,
                b'\\' => self.control()?,
                // Line ends are there for people who look at the file.
                b'\r' | b'\n' | 0 => continue,
                b'\t' => Token::Word(b"tab", None),
                byte => Token::Byte(byte),
            });
        }
    }

    fn control(&mut self) -> Option<Token<'a>> {
        let first = *self.bytes.get(self.at)?;
        if first == b'\'' {
            let digits = self.bytes.get(self.at + 1..self.at + 3);
            let value = digits.and_then(|digits| {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                Some(digit(digits[0])? * 16 + digit(digits[1])?)
            });
            self.at += if value.is_some() { 3 } else { 1 };
            return Some(match value {
                Some(value) => Token::Word(b"'", Some(value as i32)),
                None => Token::Symbol(b'\''),
            });
        }
        if !first.is_ascii_alphabetic() {
            self.at += 1;
            return Some(Token::Symbol(first));
        }
        let start = self.at;
        self.advance_while(u8::is_ascii_alphabetic);
        let word = &self.bytes[start..self.at];
        let is_negative = self.bytes.get(self.at) == Some(&b'-')
            && self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit);
        self.at += usize::from(is_negative);
        let digits_start = self.at;
        self.advance_while(u8::is_ascii_digit);
        let digits = &self.bytes[digits_start..self.at];
        let number = (!digits.is_empty()).then(|| {
            let size = digits.iter().fold(0_i32, |size, digit| {
                size.saturating_mul(10).saturating_add(i32::from(digit - b'0'))
            });
            if is_negative { -size } else { size }
        });
        // One space belongs to the word.
        self.at += usize::from(self.bytes.get(self.at) == Some(&b' '));
        Some(Token::Word(word, number))
    }

    fn advance_while(&mut self, is_wanted: impl Fn(&u8) -> bool) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().take_while(|byte| is_wanted(byte)).count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_symbols_and_bytes() {
        let mut scanner = Scanner::new(b"{\\rtf1\\'e4\\u-10 x\\~\\b y\n\\'g}\\fs");
        let mut tokens = Vec::new();
        while let Some(token) = scanner.next() {
            tokens.push(token);
        }
        assert_eq!(
            tokens,
            [
                Token::Open,
                Token::Word(b"rtf", Some(1)),
                Token::Word(b"'", Some(0xE4)),
                Token::Word(b"u", Some(-10)),
                Token::Byte(b'x'),
                Token::Symbol(b'~'),
                Token::Word(b"b", None),
                Token::Byte(b'y'),
                Token::Symbol(b'\''),
                Token::Byte(b'g'),
                Token::Close,
                Token::Word(b"fs", None),
            ]
        );
    }
}
