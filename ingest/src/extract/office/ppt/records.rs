//! Records: a header of eight bytes, and behind it what it says it holds, which may be records again.

use crate::compound::{u16_at, u32_at};

const HEADER_BYTES: usize = 8;

/// Types of records.
pub(super) mod kinds {
    pub(in super::super) const DOCUMENT: u16 = 0x03E8;
    pub(in super::super) const SLIDE: u16 = 0x03EE;
    pub(in super::super) const NOTES: u16 = 0x03F0;
    pub(in super::super) const NOTES_ATOM: u16 = 0x03F1;
    pub(in super::super) const SLIDE_PERSIST: u16 = 0x03F3;
    pub(in super::super) const PLACEHOLDER: u16 = 0x0BC3;
    pub(in super::super) const OUTLINE_TEXT: u16 = 0x0F9E;
    pub(in super::super) const TEXT_HEADER: u16 = 0x0F9F;
    pub(in super::super) const TEXT_WIDE: u16 = 0x0FA0;
    pub(in super::super) const TEXT_NARROW: u16 = 0x0FA8;
    pub(in super::super) const SLIDE_LIST: u16 = 0x0FF0;
    pub(in super::super) const USER_EDIT: u16 = 0x0FF5;
    pub(in super::super) const PERSIST_DIRECTORY: u16 = 0x1772;
    pub(in super::super) const COMMENT: u16 = 0x2EE0;
    /// The last that a comment holds.
    pub(in super::super) const COMMENT_ATOM: u16 = 0x2EE1;
    pub(in super::super) const STRING: u16 = 0x0FBA;
    /// A shape on a slide.
    pub(in super::super) const SHAPE: u16 = 0xF004;
}

/// A record and where it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) kind: u16,
    /// What records of one type are told apart by.
    pub(super) instance: u16,
    pub(super) content: &'a [u8],
    pub(super) holds_records: bool,
}

impl<'a> Record<'a> {
    /// The record at an offset; one that breaks off holds what is left.
    pub(super) fn at(stream: &'a [u8], at: usize) -> Option<Self> {
        let version = u16_at(stream, at)?;
        let kind = u16_at(stream, at.checked_add(2)?)?;
        let length = u32_at(stream, at.checked_add(4)?)? as usize;
        let rest = stream.get(at + HEADER_BYTES..)?;
        let content = &rest[..length.min(rest.len())];
        Some(Self { kind, instance: version >> 4, content, holds_records: version & 0xF == 0xF })
    }

    /// The records in this one.
    pub(super) fn children(&self) -> Records<'a> {
        Records { rest: if self.holds_records { self.content } else { &[] } }
    }

    /// All records in this one, each before those that it holds. Those deeper than any program nests them are left
    /// out.
    pub(super) fn descendants(&self) -> Descendants<'a> {
        Descendants { open: vec![self.children()] }
    }
}

/// Records behind one another.
#[derive(Debug)]
pub(super) struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    pub(super) fn of(stream: &'a [u8]) -> Self {
        Self { rest: stream }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let record = Record::at(self.rest, 0)?;
        self.rest = &self.rest[HEADER_BYTES + record.content.len()..];
        Some(record)
    }
}

/// Records within one another.
pub(super) struct Descendants<'a> {
    open: Vec<Records<'a>>,
}

impl<'a> Descendants<'a> {
    /// All records of a stream.
    pub(super) fn of(stream: &'a [u8]) -> Self {
        Self { open: vec![Records::of(stream)] }
    }
}

impl<'a> Iterator for Descendants<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        const MAX_DEPTH: usize = 32;
        loop {
            let record = self.open.last_mut()?.next();
            match record {
                Some(record) => {
                    if record.holds_records && self.open.len() < MAX_DEPTH {
                        self.open.push(record.children());
                    }
                    return Some(record);
                }
                None => drop(self.open.pop()),
            }
        }
    }
}
