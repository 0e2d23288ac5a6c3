//! Changes to files such as damage, bad programs and ill will make, from a seed: the same seed makes the same changes.

use std::ops::Range;

/// Numbers at the edges of what formats and programs count with.
const NUMBERS: [&str; 10] = [
    "0",
    "-1",
    "1",
    "255",
    "65536",
    "2147483648",
    "4294967295",
    "9223372036854775807",
    "99999999999999999999",
    "1e308",
];
/// What opens something that is to be closed.
const OPENERS: [&str; 16] = [
    "(",
    "[",
    "{",
    "<a>",
    "<div>",
    "<table><tr><td>",
    "<!--",
    "<<",
    "\"",
    "/*",
    "{\\b ",
    "\\begin{a}",
    "> ",
    "    - ",
    "*",
    "`",
];
/// A change moves, doubles or removes no more than this, and no file grows by more than some of them.
const BLOCK_BYTES: usize = 4 << 10;
/// So often an opener stands behind itself.
const MAX_DEPTH: usize = 3000;

/// A source of changes.
pub struct Mutator {
    state: u64,
}

impl Mutator {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A number below `limit`, or 0 where there is none.
    pub fn below(&mut self, limit: usize) -> usize {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed % (limit.max(1) as u64)) as usize
    }

    /// The bytes with one to four changes; `other` is where pieces come from that do not belong.
    pub fn mutate(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        let mut mutated = bytes.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut mutated, other);
        }
        mutated
    }

    fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        match self.below(10) {
            0 => self.flip(bytes),
            1 => self.overwrite(bytes),
            2 => {
                let end = self.below(bytes.len() + 1);
                bytes.truncate(end);
            }
            3 => {
                let block = self.block(bytes.len());
                bytes.drain(block);
            }
            4 => {
                let copied = bytes[self.block(bytes.len())].to_vec();
                self.insert(bytes, &copied);
            }
            5 => {
                let strange = other[self.block(other.len())].to_vec();
                self.insert(bytes, &strange);
            }
            6 => {
                let strange = &other[self.below(other.len())..];
                let start = self.below(bytes.len() + 1);
                bytes.truncate(start);
                bytes.extend_from_slice(strange);
            }
            7 => self.number(bytes),
            8 => {
                let opener = OPENERS[self.below(OPENERS.len())];
                let nested = opener.repeat(1 << self.below(MAX_DEPTH.ilog2() as usize + 1));
                self.insert(bytes, nested.as_bytes());
            }
            _ => {
                // A piece that is at home elsewhere in the file.
                let moved = bytes[self.block(bytes.len())].to_vec();
                let at = self.below(bytes.len());
                let end = (at + moved.len()).min(bytes.len());
                bytes.splice(at..end, moved);
            }
        }
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        for _ in 0..=self.below(8) {
            let (at, bit) = (self.below(bytes.len()), self.below(8));
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << bit;
            }
        }
    }

    fn overwrite(&mut self, bytes: &mut [u8]) {
        const VALUES: [u8; 8] = [0, 1, 0x7F, 0x80, 0xFF, b'\n', b' ', b'9'];
        let value = match self.below(VALUES.len() + 1) {
            at if at < VALUES.len() => VALUES[at],
            _ => self.below(256) as u8,
        };
        let at = self.below(bytes.len());
        let end = (at + 1 + self.below(8)).min(bytes.len());
        bytes[at.min(end)..end].fill(value);
    }

    /// Puts another number in the place of one that is written in digits, or of four bytes where there is none.
    fn number(&mut self, bytes: &mut Vec<u8>) {
        let number = NUMBERS[self.below(NUMBERS.len())].as_bytes();
        let from = self.below(bytes.len());
        let digits = |byte: &u8| byte.is_ascii_digit();
        match bytes[from..].iter().position(digits) {
            Some(start) => {
                let start = from + start;
                let count = bytes[start..].iter().take_while(|byte| digits(byte)).count();
                bytes.splice(start..start + count, number.iter().copied());
            }
            None => self.overwrite(bytes),
        }
    }

    fn insert(&mut self, bytes: &mut Vec<u8>, piece: &[u8]) {
        let at = self.below(bytes.len() + 1);
        bytes.splice(at..at, piece.iter().copied());
    }

    fn block(&mut self, length: usize) -> Range<usize> {
        let start = self.below(length + 1);
        // Short blocks as often as long ones.
        let limit = 1 << self.below(BLOCK_BYTES.ilog2() as usize + 1);
        start..(start + self.below(limit + 1)).min(length)
    }
}
