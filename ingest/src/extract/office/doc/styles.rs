//! Which styles are those of headings, and which put a number before each paragraph.

use super::formatting::look_of;
use super::lists::Item;
use crate::compound::u16_at;

/// Styles are based on one another; a chain longer than this is taken to bite its own tail.
const MAX_CHAIN: usize = 32;
/// Where a style is based on no other.
const NO_STYLE: u16 = 0xFFF;

/// The styles by their numbers.
#[derive(Debug, Default)]
pub(super) struct Styles(Vec<Option<Style>>);

#[derive(Debug, Clone, Copy)]
struct Style {
    /// The number that a style has in every document, whatever it is called there; of those that somebody made it is
    /// one that says nothing.
    built_in: u16,
    based_on: u16,
    item: Item,
}

impl Styles {
    pub(super) fn read(table: &[u8]) -> Self {
        let mut styles = Vec::new();
        let Some(mut at) = u16_at(table, 0).map(|bytes| 2 + usize::from(bytes)) else {
            return Self::default();
        };
        let count = u16_at(table, 2).unwrap_or(0);
        let base_bytes = usize::from(u16_at(table, 4).unwrap_or(0));
        while styles.len() < usize::from(count)
            && let Some(bytes) = u16_at(table, at)
        {
            let content = table.get(at + 2..).unwrap_or_default();
            let content = &content[..usize::from(bytes).min(content.len())];
            styles.push(style(content, base_bytes));
            // Each begins at an even place.
            at += 2 + usize::from(bytes).next_multiple_of(2);
        }
        Self(styles)
    }

    /// The level of headings in a style, from 0.
    pub(super) fn outline_level(&self, style: u16) -> Option<u8> {
        const TITLE: u16 = 62;
        self.chain(style).find_map(|style| match style.built_in {
            level @ 1..=9 => Some(level as u8 - 1),
            TITLE => Some(0),
            _ => None,
        })
    }

    /// The list that a style's paragraphs are in.
    pub(super) fn item(&self, style: u16) -> Item {
        self.chain(style).fold(Item::default(), |item, style| item.or(style.item))
    }

    /// A style and those that it is based on.
    fn chain(&self, style: u16) -> impl Iterator<Item = Style> {
        let get = |number: u16| self.0.get(usize::from(number)).copied().flatten();
        let first = get(style);
        std::iter::successors(first, move |style| {
            if style.based_on == NO_STYLE { None } else { get(style.based_on) }
        })
        .take(MAX_CHAIN)
    }
}

/// Reads a style: a base of a length that is the same for all, the name, and for paragraphs their look.
fn style(content: &[u8], base_bytes: usize) -> Option<Style> {
    const FOR_PARAGRAPHS: u16 = 1;
    let built_in = u16_at(content, 0)? & 0xFFF;
    let second = u16_at(content, 2)?;
    let look = || {
        let name_bytes = 2 + usize::from(u16_at(content, base_bytes)?) * 2 + 2;
        let at = base_bytes + name_bytes;
        let length = usize::from(u16_at(content, at)?);
        Some(look_of(content.get(at + 2..at + 2 + length)?))
    };
    let look = (second & 0xF == FOR_PARAGRAPHS).then(look).flatten().unwrap_or_default();
    Some(Style { built_in, based_on: second >> 4, item: look.item })
}
