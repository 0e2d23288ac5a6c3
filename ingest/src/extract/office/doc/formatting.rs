//! What paragraphs and characters look like. It stands in pages of 512 bytes in the main stream, each for a run of
//! places; changes to it (`sprm`) are a code and a value whose length the code tells.

use super::lists::Item;
use super::pieces::Place;
use crate::compound::{size_at, u16_at};

const PAGE_BYTES: usize = 512;

/// A paragraph's look, as far as it matters to the text.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) style: u16,
    pub(super) in_table: bool,
    /// It stands for the end of a row and has no text.
    pub(super) is_row_end: bool,
    /// Its own, from 0, where it does not go by its style.
    pub(super) outline_level: Option<u8>,
    /// Its own place in a list, likewise.
    pub(super) item: Item,
}

/// The looks of runs of paragraphs.
#[derive(Debug, Default)]
pub(super) struct Paragraphs(Vec<(Place, Place, Look)>);

impl Paragraphs {
    pub(super) fn read(main: &[u8], pages: &[u8]) -> Self {
        /// A run's place in the page, and what Word remembers of its height.
        const RUN_BYTES: usize = 13;
        let mut runs = Vec::new();
        each_run(main, pages, RUN_BYTES, &mut |page, start, end, at| {
            // The length is in words; an odd one is given by the byte behind it.
            let look = match page.get(at).copied() {
                Some(0) => {
                    let words = usize::from(page.get(at + 1).copied().unwrap_or(0));
                    page.get(at + 2..at + 2 + words * 2)
                }
                Some(words) => page.get(at + 1..at + usize::from(words) * 2),
                None => None,
            };
            runs.push((start, end, look.map(look_of).unwrap_or_default()));
        });
        sort(&mut runs);
        Self(runs)
    }

    /// The look of the paragraph whose last character is at a place.
    pub(super) fn at(&self, place: Place) -> Look {
        find(&self.0, place).unwrap_or_default()
    }
}

/// Which runs of characters are not to be seen.
#[derive(Debug, Default)]
pub(super) struct Characters(Vec<(Place, Place, bool)>);

impl Characters {
    pub(super) fn read(main: &[u8], pages: &[u8]) -> Self {
        let mut runs = Vec::new();
        each_run(main, pages, 1, &mut |page, start, end, at| {
            let length = usize::from(page.get(at).copied().unwrap_or(0));
            if page.get(at + 1..at + 1 + length).is_some_and(is_hidden) {
                runs.push((start, end, true));
            }
        });
        sort(&mut runs);
        Self(runs)
    }

    /// Whether the character was hidden, or deleted by a change that is tracked.
    pub(super) fn is_hidden(&self, place: Place) -> bool {
        find(&self.0, place).unwrap_or(false)
    }
}

/// Takes a page, the first place of a run and the one behind its last, and where in the page its look stands.
type Visit<'a> = dyn FnMut(&[u8], Place, Place, usize) + 'a;

/// Goes through the runs of all pages that a table names. What a run looks like stands at twice the first byte of
/// what the page says of it.
fn each_run(main: &[u8], pages: &[u8], run_bytes: usize, visit: &mut Visit<'_>) {
    let count = pages.len().saturating_sub(4) / 8;
    // A page that is named twice is no more to be read than the stream is to be left.
    let count = count.min(main.len() / PAGE_BYTES + 1);
    for index in 0..count {
        let Some(number) = size_at(pages, (count_of_places(pages) + index) * 4) else { return };
        let start = (number & 0x3F_FFFF) * PAGE_BYTES;
        let Some(page) = main.get(start..start + PAGE_BYTES) else { continue };
        let runs = usize::from(page[PAGE_BYTES - 1]);
        for run in 0..runs {
            let (Some(from), Some(to)) = (size_at(page, run * 4), size_at(page, run * 4 + 4))
            else {
                break;
            };
            let Some(&offset) = page.get((runs + 1) * 4 + run * run_bytes) else { break };
            if from < to {
                let at = usize::from(offset) * 2;
                // Without a place of its own, a run looks like its style.
                visit(page, from, to, if offset == 0 { PAGE_BYTES } else { at });
            }
        }
    }
}

/// How many places stand in a table before the numbers of its pages.
fn count_of_places(pages: &[u8]) -> usize {
    pages.len().saturating_sub(4) / 8 + 1
}

fn sort<T>(runs: &mut [(Place, Place, T)]) {
    runs.sort_by_key(|(start, _, _)| *start);
}

fn find<T: Copy>(runs: &[(Place, Place, T)], place: Place) -> Option<T> {
    let after = runs.partition_point(|(start, _, _)| *start <= place);
    let (_, end, value) = runs.get(after.checked_sub(1)?)?;
    (place < *end).then_some(*value)
}

/// The look that the number of a style and the changes behind it make.
pub(super) fn look_of(bytes: &[u8]) -> Look {
    const IN_TABLE: u16 = 0x2416;
    const IS_ROW_END: u16 = 0x2417;
    const OUTLINE_LEVEL: u16 = 0x2640;
    const LIST_LEVEL: u16 = 0x260A;
    const LIST: u16 = 0x460B;
    /// The levels of a list are fewer than this.
    const LEVELS: u8 = 9;
    /// The level of text that is no heading.
    const BODY: u8 = 9;
    let mut look = Look { style: u16_at(bytes, 0).unwrap_or(0), ..Look::default() };
    each_change(bytes.get(2..).unwrap_or_default(), &mut |code, value| {
        let first = value.first().copied().unwrap_or(0);
        match code {
            IN_TABLE => look.in_table = first != 0,
            IS_ROW_END => look.is_row_end = first != 0,
            LIST_LEVEL => look.item.level = Some(first).filter(|&level| level < LEVELS),
            LIST => look.item.list = u16_at(value, 0),
            OUTLINE_LEVEL => look.outline_level = Some(first).filter(|&level| level < BODY),
            _ => {}
        }
    });
    look
}

fn is_hidden(changes: &[u8]) -> bool {
    const IS_DELETED: u16 = 0x0800;
    const IS_HIDDEN: u16 = 0x083C;
    let (mut deleted, mut hidden) = (false, false);
    // On, or the other way round than in the style; what a style hides would not be written at all.
    let is_on = |value: &[u8]| matches!(value, [1 | 0x81]);
    each_change(changes, &mut |code, value| match code {
        IS_DELETED => deleted = is_on(value),
        IS_HIDDEN => hidden = is_on(value),
        _ => {}
    });
    deleted || hidden
}

fn each_change(mut rest: &[u8], visit: &mut dyn FnMut(u16, &[u8])) {
    const TABLE: u16 = 0xD608;
    while let Some(code) = u16_at(rest, 0) {
        let first = usize::from(rest.get(2).copied().unwrap_or(0));
        let (before, length) = match code >> 13 {
            0 | 1 => (2, 1),
            2 | 4 | 5 => (2, 2),
            3 => (2, 4),
            7 => (2, 3),
            // The length stands before the value, that of a table's layout in two bytes.
            _ if code == TABLE => (4, usize::from(u16_at(rest, 2).unwrap_or(0)).saturating_sub(1)),
            _ => (3, first),
        };
        let Some(value) = rest.get(before..before + length) else { return };
        visit(code, value);
        rest = &rest[before + length..];
    }
}
