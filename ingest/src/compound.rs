//! Compound files (OLE), in which the older office programs keep their streams.

use crate::sniff::COMPOUND;

const HEADER_BYTES: usize = 512;
const ENTRY_BYTES: usize = 128;
/// Numbers from here on are no sectors: ends of chains, free sectors and those of the tables themselves.
const FIRST_NO_SECTOR: u32 = 0xFFFF_FFFA;
/// Shorter streams lie together in one, in sectors of their own.
const MIN_STREAM_BYTES: usize = 4096;
const SMALL_SECTOR_BYTES: usize = 64;

/// A compound file's streams by their names: a file system of sectors, of each of which a table says which one follows.
/// Whatever is missing ends a stream early and does no more harm.
pub(crate) struct Compound<'a> {
    bytes: &'a [u8],
    sector_bytes: usize,
    next_sectors: Vec<u32>,
    next_small_sectors: Vec<u32>,
    small_sectors: Vec<u8>,
    entries: Vec<Entry>,
}

/// A stream or a folder.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    kind: u8,
    /// Entries to both sides of it in the tree of its folder, and one within it.
    neighbours: [u32; 2],
    child: u32,
    first_sector: u32,
    size_bytes: usize,
}

impl<'a> Compound<'a> {
    const ROOT: u8 = 5;
    const STREAM: u8 = 2;

    /// Reads the tables and the directory.
    ///
    /// # Errors
    /// What is wrong, when there is no directory.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, &'static str> {
        const LARGE_SECTORS: u16 = 12;
        if !bytes.starts_with(COMPOUND) || bytes.len() < HEADER_BYTES {
            return Err("it has no header");
        }
        let is_large = u16_at(bytes, 0x1E) == Some(LARGE_SECTORS);
        let mut file = Self {
            bytes,
            sector_bytes: if is_large { 4096 } else { 512 },
            next_sectors: Vec::new(),
            next_small_sectors: Vec::new(),
            small_sectors: Vec::new(),
            entries: Vec::new(),
        };
        file.read_table();
        let start = |at| u32_at(bytes, at).unwrap_or(u32::MAX);
        file.entries =
            file.chain(start(0x30), usize::MAX).chunks_exact(ENTRY_BYTES).map(entry).collect();
        file.next_small_sectors = numbers(&file.chain(start(0x3C), usize::MAX));
        let root = file.entries.iter().find(|entry| entry.kind == Self::ROOT);
        let Some((first, size)) = root.map(|root| (root.first_sector, root.size_bytes)) else {
            return Err("its directory is lost");
        };
        file.small_sectors = file.chain(first, size);
        Ok(file)
    }

    /// A stream of the outermost folder, as far as it can be read.
    pub(crate) fn stream(&self, name: &str) -> Option<Vec<u8>> {
        // Names have no case.
        let is_wanted =
            |entry: &&Entry| entry.kind == Self::STREAM && entry.name.eq_ignore_ascii_case(name);
        let mut entries = self.outermost().into_iter();
        // Where the tree is damaged, any stream of the name is likely to be the one.
        let entry = entries.find(is_wanted).or_else(|| self.entries.iter().find(is_wanted))?;
        if entry.size_bytes < MIN_STREAM_BYTES {
            return Some(self.small_chain(entry.first_sector, entry.size_bytes));
        }
        Some(self.chain(entry.first_sector, entry.size_bytes))
    }

    /// The names of the streams and folders in the outermost folder.
    pub(crate) fn outermost_names(&self) -> Vec<&str> {
        self.outermost().into_iter().map(|entry| entry.name.as_str()).collect()
    }

    fn sector(&self, number: u32) -> Option<&'a [u8]> {
        if number >= FIRST_NO_SECTOR {
            return None;
        }
        // The header takes the room of the first.
        let start = (number as usize + 1) * self.sector_bytes;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        Some(&rest[..self.sector_bytes.min(rest.len())])
    }

    /// Reads the table that says which sector follows which. Its own sectors are listed in the header and, where they are
    /// many, in sectors that name one another.
    fn read_table(&mut self) {
        const LISTED_AT: usize = 0x4C;
        let mut listed = numbers(&self.bytes[LISTED_AT..HEADER_BYTES]);
        let most = self.bytes.len() / self.sector_bytes + 1;
        let mut next = u32_at(self.bytes, 0x44).unwrap_or(u32::MAX);
        for _ in 0..most {
            let Some(sector) = self.sector(next) else { break };
            let mut more = numbers(sector);
            next = more.pop().unwrap_or(u32::MAX);
            listed.append(&mut more);
        }
        let per_sector = self.sector_bytes / 4;
        // No file has more sectors than it has room for.
        for number in listed.into_iter().take(most / per_sector + 1) {
            let mut row = self.sector(number).map(numbers).unwrap_or_default();
            row.resize(per_sector, u32::MAX);
            self.next_sectors.append(&mut row);
        }
    }

    fn chain(&self, first: u32, limit_bytes: usize) -> Vec<u8> {
        let mut chain = Vec::new();
        let mut next = first;
        // A chain that bites its own tail is no longer than the file.
        let limit_bytes = limit_bytes.min(self.bytes.len());
        while chain.len() < limit_bytes
            && let Some(sector) = self.sector(next)
        {
            chain.extend_from_slice(sector);
            next = self.next_sectors.get(next as usize).copied().unwrap_or(u32::MAX);
        }
        chain.truncate(limit_bytes);
        chain
    }

    fn small_chain(&self, first: u32, size_bytes: usize) -> Vec<u8> {
        let mut chain = Vec::new();
        let mut next = first;
        while chain.len() < size_bytes
            && let Some(rest) = self.small_sectors.get(next as usize * SMALL_SECTOR_BYTES..)
            && !rest.is_empty()
        {
            chain.extend_from_slice(&rest[..SMALL_SECTOR_BYTES.min(rest.len())]);
            next = self.next_small_sectors.get(next as usize).copied().unwrap_or(u32::MAX);
        }
        chain.truncate(size_bytes);
        chain
    }

    /// The entries of the outermost folder.
    fn outermost(&self) -> Vec<&Entry> {
        let mut found = Vec::new();
        let mut seen = vec![false; self.entries.len()];
        let root = self.entries.iter().find(|entry| entry.kind == Self::ROOT);
        let mut waiting: Vec<u32> = root.map(|root| root.child).into_iter().collect();
        while let Some(number) = waiting.pop() {
            let number = number as usize;
            let Some(entry) = self.entries.get(number) else { continue };
            if !std::mem::replace(&mut seen[number], true) {
                found.push(entry);
                waiting.extend(entry.neighbours);
            }
        }
        found
    }
}

fn entry(bytes: &[u8]) -> Entry {
    const NAME_BYTES: usize = 64;
    let number = |at| u32_at(bytes, at).unwrap_or(u32::MAX);
    let units =
        bytes[..NAME_BYTES].chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let name = char::decode_utf16(units.take_while(|&unit| unit != 0));
    Entry {
        name: name.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect(),
        kind: bytes[66],
        neighbours: [number(68), number(72)],
        child: number(76),
        first_sector: number(116),
        size_bytes: number(120) as usize,
    }
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        .collect()
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// A number as an offset or a length.
pub(crate) fn size_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(bytes, at)?).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    /// A compound file of these streams.
    pub(crate) fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
        let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        for (name, content) in streams {
            file.create_stream(name).unwrap().write_all(content).unwrap();
        }
        file.flush().unwrap();
        file.into_inner().into_inner()
    }

    #[test]
    fn streams_come_back_long_and_short() {
        let long: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
        let bytes = compound(&[("Long", &long), ("Short", b"a few words"), ("Empty", b"")]);
        let file = Compound::open(&bytes).unwrap();
        assert_eq!(file.stream("Long").as_ref(), Some(&long));
        assert_eq!(file.stream("SHORT").unwrap(), b"a few words");
        assert_eq!(file.stream("Empty").unwrap(), b"");
        assert_eq!(file.stream("Other"), None);
        // What is cut off ends a stream early.
        let file = Compound::open(&bytes[..bytes.len() / 2]).unwrap();
        let left = file.stream("Long").unwrap_or_default();
        assert!(left.len() < long.len() && long.starts_with(&left));
    }

    #[test]
    fn what_is_no_compound_file_is_damaged() {
        for bytes in [&b""[..], b"words", COMPOUND, &[COMPOUND, &[0xFF; 2000]].concat()] {
            assert!(Compound::open(bytes).is_err());
        }
    }

    #[test]
    fn chains_that_go_round_in_circles_end() {
        let bytes = compound(&[("Long", &[7; 20_000])]);
        let mut file = Compound::open(&bytes).unwrap();
        file.next_sectors.fill(3);
        assert!(file.stream("Long").unwrap().len() <= bytes.len());
    }

    proptest::proptest! {
        #[test]
        fn any_damage_is_survived(at in 0..9000_usize, with: [u8; 4]) {
            let mut bytes = compound(&[("Long", &[7; 6000]), ("Short", b"words")]);
            let at = at.min(bytes.len() - 4);
            bytes[at..at + 4].copy_from_slice(&with);
            if let Ok(file) = Compound::open(&bytes) {
                for name in ["Long", "Short"] {
                    let stream = file.stream(name).unwrap_or_default();
                    proptest::prop_assert!(stream.len() <= bytes.len());
                }
            }
        }
    }
}
