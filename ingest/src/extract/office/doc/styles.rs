//! Which styles are those of headings.

use super::super::compound::u16_at;

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
}

impl Styles {
    pub(super) fn read(table: &[u8]) -> Self {
        let mut styles = Vec::new();
        let Some(mut at) = u16_at(table, 0).map(|bytes| 2 + usize::from(bytes)) else {
            return Self::default();
        };
        let count = u16_at(table, 2).unwrap_or(0);
        while styles.len() < usize::from(count)
            && let Some(bytes) = u16_at(table, at)
        {
            let style = (bytes >= 4).then_some(()).and_then(|()| {
                let built_in = u16_at(table, at + 2)? & 0xFFF;
                Some(Style { built_in, based_on: u16_at(table, at + 4)? >> 4 })
            });
            styles.push(style);
            // Each begins at an even place.
            at += 2 + usize::from(bytes.next_multiple_of(2));
        }
        Self(styles)
    }

    /// The level of headings in a style, from 0.
    pub(super) fn outline_level(&self, style: u16) -> Option<u8> {
        const TITLE: u16 = 62;
        let mut number = style;
        for _ in 0..MAX_CHAIN {
            let style = self.0.get(usize::from(number)).copied().flatten()?;
            match style.built_in {
                level @ 1..=9 => return Some(level as u8 - 1),
                TITLE => return Some(0),
                _ if style.based_on == NO_STYLE => return None,
                _ => number = style.based_on,
            }
        }
        None
    }
}
