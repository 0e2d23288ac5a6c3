//! What the older office programs say about a document, in a stream of its own.

use super::super::rtf::code_page;
use super::{Properties, author};
use crate::compound::{Compound, size_at, u16_at, u32_at};
use crate::title;

/// More properties than any program writes.
const MAX_PROPERTIES: usize = 256;

/// What the document in a compound file says about itself.
pub(super) fn properties(file: &Compound<'_>) -> Properties {
    file.stream("\u{5}SummaryInformation").and_then(|stream| summary(&stream)).unwrap_or_default()
}

/// Reads a property set: a header, and a table of numbers with the places of their values.
fn summary(stream: &[u8]) -> Option<Properties> {
    const CODE_PAGE: u32 = 1;
    const TITLE: u32 = 2;
    const AUTHOR: u32 = 4;
    const CREATED: u32 = 12;
    const SAVED: u32 = 13;
    const FIRST_SECTION_AT: usize = 44;
    let section = stream.get(size_at(stream, FIRST_SECTION_AT)?..)?;
    let count = size_at(section, 4)?.min(MAX_PROPERTIES);
    let value = |wanted: u32| {
        let mut entries = (0..count).map(|index| 8 + index * 8);
        let entry = entries.find(|&at| u32_at(section, at) == Some(wanted))?;
        section.get(size_at(section, entry + 4)?..)
    };
    let page = value(CODE_PAGE).and_then(|value| u16_at(value, 4)).unwrap_or(1252);
    let words = |wanted| value(wanted).and_then(|value| string(value, page));
    let moment = |wanted| value(wanted).and_then(day_of_file_time);
    Some(Properties {
        title: words(TITLE).as_deref().and_then(title::from_properties),
        author: words(AUTHOR).as_deref().and_then(author),
        dated: moment(SAVED).or_else(|| moment(CREATED)),
    })
}

fn string(value: &[u8], page: u16) -> Option<String> {
    const BYTES: u16 = 0x1E;
    const WIDE: u16 = 0x1F;
    const UTF_16: u16 = 1200;
    let kind = u16_at(value, 0)?;
    let length = size_at(value, 4)?;
    let length = if kind == WIDE { length.checked_mul(2)? } else { length };
    let bytes = value.get(8..)?;
    let bytes = &bytes[..length.min(bytes.len())];
    let encoding = match (kind, page) {
        (WIDE, _) | (BYTES, UTF_16) => encoding_rs::UTF_16LE,
        (BYTES, page) => code_page(page.into()).unwrap_or(encoding_rs::WINDOWS_1252),
        _ => return None,
    };
    let (words, _) = encoding.decode_without_bom_handling(bytes);
    Some(words.split('\0').next().unwrap_or_default().to_owned())
}

/// The day of a moment in tenths of microseconds since 1601; `None` for spans of time and for what no document has.
fn day_of_file_time(value: &[u8]) -> Option<String> {
    const FILE_TIME: u16 = 0x40;
    const PER_DAY: u64 = 24 * 60 * 60 * 10_000_000;
    const FIRST_YEAR: u64 = 1970;
    if u16_at(value, 0)? != FILE_TIME {
        return None;
    }
    let ticks = u64::from(u32_at(value, 8)?) << 32 | u64::from(u32_at(value, 4)?);
    let (mut year, mut day) = (1601, ticks / PER_DAY);
    // Eras of 400 years are all of one length; within one the years are counted off.
    const DAYS_OF_ERA: u64 = 146_097;
    year += day / DAYS_OF_ERA * 400;
    day %= DAYS_OF_ERA;
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    loop {
        let days_of_year = if is_leap(year) { 366 } else { 365 };
        if day < days_of_year {
            break;
        }
        day -= days_of_year;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    (FIRST_YEAR..10_000).contains(&year).then(|| format!("{year:04}-{month:02}-{:02}", day + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_days() {
        let day = |ticks: u64| {
            let mut value = vec![0x40, 0, 0, 0];
            value.extend_from_slice(&ticks.to_le_bytes());
            day_of_file_time(&value)
        };
        // Seconds between 1601 and 1970.
        let unix = |seconds: u64| day((seconds + 11_644_473_600) * 10_000_000);
        assert_eq!(unix(0).as_deref(), Some("1970-01-01"));
        assert_eq!(unix(951_782_400).as_deref(), Some("2000-02-29"));
        assert_eq!(unix(951_868_800).as_deref(), Some("2000-03-01"));
        assert_eq!(unix(1_709_251_199).as_deref(), Some("2024-02-29"));
        assert_eq!(unix(4_107_542_399).as_deref(), Some("2100-02-28"));
        assert_eq!(unix(4_107_542_400).as_deref(), Some("2100-03-01"));
        // How long the document was open, and the end of time.
        assert_eq!(day(36_000_000_000), None);
        assert_eq!(day(u64::MAX), None);
    }

    #[test]
    fn nonsense_says_nothing() {
        assert_eq!(summary(&[]), None);
        assert_eq!(summary(&[0xFF; 200]), None);
        assert_eq!(string(&[0x1E, 0, 0, 0, 200, 0, 0, 0, b'a', b'b'], 9999).as_deref(), Some("ab"));
    }
}
