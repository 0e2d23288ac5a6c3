//! The order of the text.

use std::ops::Range;

use crate::compound::{size_at, u16_at, u32_at};

/// Set where the text of a piece is in bytes; its offset is then twice what it is.
const IS_NARROW: u32 = 1 << 30;

/// An offset into the main stream, by which formatting finds its characters.
pub(super) type Place = usize;

/// Runs of text that lie together in the main stream, in the order of the document.
#[derive(Debug)]
pub(super) struct Pieces {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    characters: Range<usize>,
    place: Place,
    is_wide: bool,
}

impl Pieces {
    /// Reads the table of pieces behind the changes that were saved in haste. `None` when there is none.
    pub(super) fn read(table: &[u8], main_bytes: usize) -> Option<Self> {
        Self::read_as(table, main_bytes, |offset| {
            let is_wide = offset & IS_NARROW == 0;
            let place = (offset & !(IS_NARROW | 1 << 31)) as usize;
            (if is_wide { place } else { place / 2 }, is_wide)
        })
    }

    /// The same for a time in which all text was in bytes.
    pub(super) fn read_old(table: &[u8], main_bytes: usize) -> Option<Self> {
        Self::read_as(table, main_bytes, |offset| (offset as usize, false))
    }

    /// So many characters in bytes, from a place on.
    pub(super) fn of_run(place: Place, length: usize, main_bytes: usize) -> Self {
        let count = length.min(main_bytes.saturating_sub(place));
        Self { pieces: vec![Piece { characters: 0..count, place, is_wide: false }] }
    }

    fn read_as(
        table: &[u8],
        main_bytes: usize,
        place_of: impl Fn(u32) -> (Place, bool),
    ) -> Option<Self> {
        const CHANGES: u8 = 1;
        const PIECES: u8 = 2;
        const PIECE_BYTES: usize = 8;
        let mut rest = table;
        while rest.first() == Some(&CHANGES) {
            rest = rest.get(3 + usize::from(u16_at(rest, 1)?)..)?;
        }
        if rest.first() != Some(&PIECES) {
            return None;
        }
        let length = size_at(rest, 1)?;
        let rest = rest.get(5..)?;
        let table = &rest[..length.min(rest.len())];
        let count = table.len().checked_sub(4)? / (4 + PIECE_BYTES);
        let mut pieces = Vec::new();
        // Pieces do not share their text, so no sound table has more of it than there are bytes.
        let mut left_bytes = main_bytes;
        let mut last = 0;
        for index in 0..count {
            let (start, end) = (size_at(table, index * 4)?, size_at(table, index * 4 + 4)?);
            let offset = u32_at(table, (count + 1) * 4 + index * PIECE_BYTES + 2)?;
            let (place, is_wide) = place_of(offset);
            if start < last || end < start {
                break;
            }
            last = end;
            let width = if is_wide { 2 } else { 1 };
            let there = main_bytes.saturating_sub(place).min(left_bytes) / width;
            let count = (end - start).min(there);
            left_bytes -= count * width;
            pieces.push(Piece { characters: start..start + count, place, is_wide });
        }
        (!pieces.is_empty()).then_some(Self { pieces })
    }

    /// The characters of a range, each with its number and place. What is two units of UTF-16 has the number of the
    /// first.
    pub(super) fn characters<'a>(
        &'a self,
        main: &'a [u8],
        range: Range<usize>,
    ) -> impl Iterator<Item = (usize, char, Place)> + 'a {
        let first = self.pieces.partition_point(|piece| piece.characters.end <= range.start);
        let overlapping = self.pieces[first..].iter().take_while({
            let end = range.end;
            move |piece| piece.characters.start < end
        });
        overlapping.flat_map(move |piece| {
            let start = piece.characters.start.max(range.start);
            let end = piece.characters.end.min(range.end).max(start);
            piece.characters_of(main, start..end)
        })
    }
}

impl Piece {
    fn characters_of<'a>(
        &self,
        main: &'a [u8],
        range: Range<usize>,
    ) -> Box<dyn Iterator<Item = (usize, char, Place)> + 'a> {
        let width = if self.is_wide { 2 } else { 1 };
        let place = self.place + (range.start - self.characters.start) * width;
        let bytes = main.get(place..place + range.len() * width).unwrap_or_default();
        if !self.is_wide {
            let characters = bytes.iter().enumerate();
            return Box::new(
                characters
                    .map(move |(index, &byte)| (range.start + index, narrow(byte), place + index)),
            );
        }
        let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        let mut at = 0;
        Box::new(char::decode_utf16(units).map(move |decoded| {
            let index = at;
            at += decoded.as_ref().map_or(1, |character| character.len_utf16());
            let character = decoded.unwrap_or(char::REPLACEMENT_CHARACTER);
            (range.start + index, character, place + index * 2)
        }))
    }
}

/// A character that is kept in one byte: those of Windows' code page for Western Europe.
fn narrow(byte: u8) -> char {
    if !(0x80..0xA0).contains(&byte) {
        return char::from(byte);
    }
    let bytes = [byte];
    let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&bytes);
    text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)
}
