//! Zip archives as a plain list of their parts: a change of one byte then changes one byte of a part, not a checksum.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Stands before the name of each part; the name ends with a line feed.
const MARK: &[u8] = b"\0PART ";
/// Largest part that is taken apart.
const MAX_PART_BYTES: u64 = 4 << 20;

/// The parts of a zip archive by name, in its own order.
pub fn parts(archive: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    // Other files may have an archive within them.
    if !archive.starts_with(b"PK") {
        return None;
    }
    let mut archive = ZipArchive::new(Cursor::new(archive)).ok()?;
    let mut parts = Vec::new();
    for index in 0..archive.len() {
        let part = archive.by_index(index).ok()?;
        let name = part.name().ok()?.into_owned();
        let mut content = Vec::new();
        part.take(MAX_PART_BYTES).read_to_end(&mut content).ok()?;
        parts.push((name, content));
    }
    Some(parts)
}

/// A zip archive of these parts, not compressed.
pub fn archive<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in parts {
        // Names that cannot be written, such as one that stands there already, are left out.
        if writer.start_file(name, options).is_ok() {
            let _ = writer.write_all(content);
        }
    }
    writer.finish().map(Cursor::into_inner).unwrap_or_default()
}

/// The list of parts for a zip archive.
pub fn to_parts(archive: &[u8]) -> Option<Vec<u8>> {
    let mut list = Vec::new();
    for (name, content) in parts(archive)? {
        list.extend_from_slice(MARK);
        list.extend_from_slice(name.as_bytes());
        list.push(b'\n');
        list.extend_from_slice(&content);
    }
    Some(list)
}

/// The zip archive for a list of parts; `None` when it is none.
pub fn from_parts(list: &[u8]) -> Option<Vec<u8>> {
    if !list.starts_with(MARK) {
        return None;
    }
    let mut starts = Vec::new();
    let mut at = 0;
    while let Some(rest) = list.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(MARK) {
            starts.push(at);
        }
        at += 1;
    }
    let ends = starts.iter().copied().skip(1).chain([list.len()]);
    let parts = starts.iter().zip(ends).map(|(&start, end)| {
        let part = &list[start + MARK.len()..end];
        let name_bytes = part.iter().position(|&byte| byte == b'\n').unwrap_or(part.len());
        let (name, content) = part.split_at(name_bytes);
        (std::str::from_utf8(name).unwrap_or("?"), content.get(1..).unwrap_or_default())
    });
    Some(archive(parts))
}
