//! The numbers of lists and headings, which the text does not contain, brought into the form that they have in DOCX.

use super::super::docx::numbering::{Definition, LEVELS, Level, List, Numbering};
use super::super::numerals::Numerals;
use crate::compound::{size_at, u16_at, u32_at};

const LIST_BYTES: usize = 28;
const LEVEL_BYTES: usize = 28;
const OVERRIDE_BYTES: usize = 16;

/// Reads the lists, behind which their levels stand (`definitions`), and what paragraphs name by number
/// (`overrides`): a list, and what is different from it.
pub(super) fn read(definitions: &[u8], overrides: &[u8]) -> Numbering {
    let mut numbering = Numbering::default();
    let count = usize::from(u16_at(definitions, 0).unwrap_or(0));
    let mut levels_at = 2 + count * LIST_BYTES;
    for index in 0..count {
        let at = 2 + index * LIST_BYTES;
        let (Some(id), Some(&flags)) = (u32_at(definitions, at), definitions.get(at + 26)) else {
            break;
        };
        let is_simple = flags & 1 != 0;
        let mut definition = Definition::default();
        for level in definition.levels.iter_mut().take(if is_simple { 1 } else { LEVELS }) {
            let Some(end) = read_level(definitions, levels_at, level) else { break };
            levels_at = end;
        }
        numbering.definitions.insert(id.to_string(), definition);
    }
    // Each of the rows has as many parts behind all rows as it says.
    let count = size_at(overrides, 0).unwrap_or(0).min(overrides.len() / OVERRIDE_BYTES);
    let mut at = 4 + count * OVERRIDE_BYTES;
    for index in 0..count {
        let row = 4 + index * OVERRIDE_BYTES;
        let (Some(id), Some(&parts)) = (u32_at(overrides, row), overrides.get(row + 12)) else {
            break;
        };
        let mut list = List { definition: id.to_string(), ..List::default() };
        at += 4;
        for _ in 0..parts {
            let Some(end) = read_override(overrides, at, &mut list) else { break };
            at = end;
        }
        numbering.lists.insert((index + 1).to_string(), list);
    }
    numbering
}

/// Reads a level. Gives where it ends.
fn read_level(bytes: &[u8], at: usize, level: &mut Level) -> Option<usize> {
    const IS_LEGAL: u8 = 1 << 2;
    const NEVER_RESTARTS: u8 = 1 << 3;
    let head = bytes.get(at..at.checked_add(LEVEL_BYTES)?)?;
    level.start = u32_at(head, 0);
    level.numerals = match head[4] {
        1 => Numerals::UpperRoman,
        2 => Numerals::LowerRoman,
        3 => Numerals::UpperLetter,
        4 => Numerals::LowerLetter,
        22 => Numerals::ZeroPadded,
        23 => Numerals::Bullet,
        255 => Numerals::None,
        _ => Numerals::Arabic,
    };
    level.is_legal = head[5] & IS_LEGAL != 0;
    level.never_restarts = head[5] & NEVER_RESTARTS != 0;
    // What the number looks like stands between.
    let at = at + LEVEL_BYTES + usize::from(head[24]) + usize::from(head[25]);
    let count = usize::from(u16_at(bytes, at)?);
    let end = at + 2 + count * 2;
    let units = bytes.get(at + 2..end)?;
    let units = units.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    for character in char::decode_utf16(units).flatten() {
        match u32::from(character) {
            // The place of the number of a level.
            place @ 0..=8 => level.pattern.push_str(&format!("%{}", place + 1)),
            _ => level.pattern.push(character),
        }
    }
    Some(end)
}

/// Reads what is different on a level of a list. Gives where it ends.
fn read_override(bytes: &[u8], at: usize, list: &mut List) -> Option<usize> {
    const HAS_START: u32 = 1 << 4;
    const HAS_LEVEL: u32 = 1 << 5;
    let (start, flags) = (u32_at(bytes, at)?, u32_at(bytes, at + 4)?);
    let number = (flags & 0xF) as usize;
    let mut end = at + 8;
    if flags & HAS_LEVEL != 0 {
        let mut level = Level::default();
        end = read_level(bytes, end, &mut level)?;
        if number < LEVELS {
            list.levels.insert(number, level);
        }
    } else if flags & HAS_START != 0 && number < LEVELS {
        list.starts.insert(number, start);
    }
    Some(end)
}

/// Which list a paragraph is in, and on which level.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    /// By the number of the override; 0 for none.
    pub(super) list: Option<u16>,
    pub(super) level: Option<u8>,
}

impl Item {
    /// What is not said here is as there.
    pub(super) fn or(self, other: Self) -> Self {
        Self { list: self.list.or(other.list), level: self.level.or(other.level) }
    }
}
