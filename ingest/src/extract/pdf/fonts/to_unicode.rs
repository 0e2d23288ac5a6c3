//! `ToUnicode` character maps (PDF 2.0 §9.10.3): from character codes to text.

use std::collections::HashMap;

use crate::extract::pdf::lexer::{Lexer, Token};

/// How many entries are read: more than any font has codes.
const MAX_ENTRIES: usize = 1 << 18;

#[derive(Debug, Default)]
pub(super) struct ToUnicode {
    singles: HashMap<u32, Box<str>>,
    /// Ordered by their first codes.
    ranges: Vec<Range>,
}

/// Codes that stand for characters in a row.
#[derive(Debug)]
struct Range {
    first: u32,
    last: u32,
    /// What `first` stands for, in UTF-16; the last unit counts up.
    units: Vec<u16>,
}

impl ToUnicode {
    /// The map in which every code is the character's own.
    pub(super) fn identity() -> Self {
        let range = Range { first: 0, last: 0xFFFF, units: vec![0] };
        Self { singles: HashMap::new(), ranges: vec![range] }
    }

    pub(super) fn parse(bytes: &[u8]) -> Self {
        let mut map = Self::default();
        let mut lexer = Lexer::new(bytes);
        while let Some(token) = lexer.next() {
            match token {
                Token::Word(b"beginbfchar") => map.read_singles(&mut lexer),
                Token::Word(b"beginbfrange") => map.read_ranges(&mut lexer),
                _ => {}
            }
        }
        map.ranges.sort_by_key(|range| range.first);
        map
    }

    pub(super) fn is_empty(&self) -> bool {
        self.singles.is_empty() && self.ranges.is_empty()
    }

    /// What the code stands for; `None` also where that is no text, such as a character for private
    /// use or a control character.
    pub(super) fn text(&self, code: u32) -> Option<String> {
        let text = match self.singles.get(&code) {
            Some(text) => text.to_string(),
            None => self.text_in_range(code)?,
        };
        let says_nothing = |c: char| {
            matches!(c, '\0'..'\t' | '\u{E}'..' ' | '\u{FFFD}' | '\u{FFFF}')
                || matches!(c as u32, 0xE000..=0xF8FF | 0xF0000..)
        };
        (!text.is_empty() && !text.chars().all(says_nothing)).then_some(text)
    }

    fn text_in_range(&self, code: u32) -> Option<String> {
        let after = self.ranges.partition_point(|range| range.first <= code);
        // Ranges hardly ever overlap; the nearest few are enough for those that do.
        let near = &self.ranges[after.saturating_sub(4)..after];
        let range = near.iter().rev().find(|range| code <= range.last)?;
        let mut units = range.units.clone();
        let last = units.last_mut()?;
        *last = last.wrapping_add((code - range.first) as u16);
        Some(String::from_utf16_lossy(&units))
    }

    fn read_singles(&mut self, lexer: &mut Lexer) {
        while let Some(Token::String(code)) = lexer.next() {
            match lexer.next() {
                Some(Token::String(text)) => self.insert(number(&code), &text),
                // The text may be given by the name of a glyph.
                Some(Token::Name(name)) => {
                    if let Some(text) = super::names::text_of_name(&name) {
                        self.singles.insert(number(&code), text.into());
                    }
                }
                _ => return,
            }
        }
    }

    fn read_ranges(&mut self, lexer: &mut Lexer) {
        while let Some(Token::String(first)) = lexer.next() {
            let Some(Token::String(last)) = lexer.next() else { return };
            let (first, last) = (number(&first), number(&last));
            match lexer.next() {
                Some(Token::String(text)) if last > first => {
                    if self.ranges.len() < MAX_ENTRIES {
                        self.ranges.push(Range { first, last, units: units(&text) });
                    }
                }
                Some(Token::String(text)) => self.insert(first, &text),
                Some(Token::Array(texts)) => {
                    for (code, text) in (first..=last).zip(texts) {
                        if let Token::String(text) = text {
                            self.insert(code, &text);
                        }
                    }
                }
                _ => return,
            }
        }
    }

    fn insert(&mut self, code: u32, text: &[u8]) {
        if self.singles.len() < MAX_ENTRIES {
            let text = String::from_utf16_lossy(&units(text));
            self.singles.insert(code, text.trim_matches('\0').into());
        }
    }
}

/// A code of up to four bytes as a number.
fn number(code: &[u8]) -> u32 {
    code.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn units(text: &[u8]) -> Vec<u16> {
    match text {
        // Not allowed, but written: a character of one byte.
        [byte] => vec![u16::from(*byte)],
        _ => text.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn singles_ranges_and_lists() {
        let map = ToUnicode::parse(
            b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n\
              1 begincodespacerange <0000> <FFFF> endcodespacerange\n\
              2 beginbfchar <0003> <0020> <0004> <00660069> endbfchar\n\
              3 beginbfrange <0010> <0012> <0041> <0020> <0021> [<0061> <D83DDE00>]\n\
              <0030><0030><00E9> endbfrange\n\
              1 beginbfchar <05> /eacute endbfchar endcmap",
        );
        let text = |code| map.text(code).unwrap_or_default();
        assert_eq!(text(3), " ");
        assert_eq!(text(4), "fi");
        assert_eq!(text(5), "é");
        assert_eq!([text(0x10), text(0x12), text(0x13)], ["A", "C", ""]);
        assert_eq!([text(0x20), text(0x21)], ["a", "😀"]);
        assert_eq!(text(0x30), "é");
        assert_eq!(ToUnicode::identity().text(65).as_deref(), Some("A"));
    }

    #[test]
    fn what_is_no_text_is_left_to_other_sources() {
        let map = ToUnicode::parse(
            b"beginbfchar <01> <FFFD> <02> <F0B7> <03> <0000> <04> <0009> endbfchar",
        );
        assert_eq!([map.text(1), map.text(2), map.text(3)], [None, None, None]);
        assert_eq!(map.text(4).as_deref(), Some("\t"));
    }

    #[test]
    fn a_damaged_map_keeps_what_can_be_read() {
        let map = ToUnicode::parse(b"beginbfchar <01> <0041> <02 endbfchar <03> beginbfrange <04");
        assert_eq!(map.text(1).as_deref(), Some("A"));
        assert!(ToUnicode::parse(b"nothing of the kind").is_empty());
        let map = ToUnicode::parse(b"beginbfrange <00> <FFFFFFFF> <0041> <00> <FFFFFFFF> [] ");
        assert_eq!(map.text(1).as_deref(), Some("B"));
    }

    proptest! {
        #[test]
        fn no_map_harms(map in "(beginbfchar|beginbfrange|<[0-9A-F]{0,10}>|\\[|\\]| ){0,20}", code: u32) {
            ToUnicode::parse(map.as_bytes()).text(code);
        }
    }
}
