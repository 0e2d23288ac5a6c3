//! Documents that are a zip archive of parts: office files and books.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::read::{ZipFile, read_zipfile_from_stream};
use zip::result::ZipError;

use super::Outcome;
use crate::encoding::decode;
use crate::sniff::ZIP;
use crate::{FailReason, SkipReason};

/// Largest part that is unpacked.
const MAX_PART_BYTES: u64 = 256 << 20;
/// All parts together may unpack to so many times the bytes of the file …
const MAX_RATIO: u64 = 200;
/// … or to so many bytes where that is less, as small files are often packed much tighter …
const LEAST_TOTAL_BYTES: u64 = 64 << 20;
/// … but never to more than this.
const MAX_TOTAL_BYTES: u64 = 1 << 30;

/// A document's parts by their names, unpacked one at a time and never without bound.
pub(super) struct Package<'a> {
    bytes: &'a [u8],
    /// The table of contents, unless it is lost.
    archive: Option<ZipArchive<Cursor<&'a [u8]>>>,
    format: String,
    /// Places by name in small letters, as the names of parts have no case: in the table of
    /// contents or, where that is lost, among the bytes.
    places: HashMap<String, usize>,
    /// What may still be unpacked.
    left_bytes: u64,
    /// Parts that are lost or of which only the beginning could be read.
    warnings: Vec<String>,
}

/// How much of a part could be read.
struct Unpacked {
    bytes: u64,
    /// What stopped it early.
    complaint: Option<String>,
}

impl<'a> Package<'a> {
    /// Reads the table of contents. Where there is none, as in a file that was cut off, the parts
    /// are looked for one by one.
    ///
    /// # Errors
    /// [`FailReason::Damaged`] when there are no parts either.
    pub(super) fn open(bytes: &'a [u8], format: &str) -> Result<Self, Outcome> {
        let left_bytes = (bytes.len() as u64)
            .saturating_mul(MAX_RATIO)
            .clamp(LEAST_TOTAL_BYTES, MAX_TOTAL_BYTES);
        let mut package = Self {
            bytes,
            archive: None,
            format: format.to_owned(),
            places: HashMap::new(),
            left_bytes,
            warnings: Vec::new(),
        };
        match ZipArchive::new(Cursor::new(bytes)) {
            Ok(archive) => {
                for index in 0..archive.len() {
                    if let Some(Ok(name)) = archive.name_for_index(index) {
                        package.places.entry(key(&name)).or_insert(index);
                    }
                }
                package.archive = Some(archive);
            }
            Err(error) => {
                package.places = local_entries(bytes);
                if package.places.is_empty() {
                    return Err(damaged(format, error.to_string()));
                }
                package.warnings.push(format!("the file is damaged, parts may be lost: {error}"));
            }
        }
        Ok(package)
    }

    /// The names of all parts, in small letters.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// Whether there is a part of this name.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.places.contains_key(&key(name))
    }

    /// The text of an XML part; `None` where there is no such part, or nothing of it can be read.
    /// What is lost is told with a warning.
    ///
    /// # Errors
    /// When the part is encrypted or unpacks to more than is sound.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Outcome> {
        // XML names its encoding, but only UTF-8 and UTF-16 occur in these formats.
        Ok(self.bytes(name)?.map(|bytes| decode(bytes, None).text))
    }

    /// The text of a part without which there is no document.
    ///
    /// # Errors
    /// As [`text`](Self::text), and when there is nothing to read.
    pub(super) fn required_text(&mut self, name: &str) -> Result<String, Outcome> {
        let warnings = self.warnings.len();
        match self.text(name)? {
            Some(text) => Ok(text),
            None if self.warnings.len() > warnings => {
                Err(self.damaged(self.warnings[warnings].clone()))
            }
            None => Err(self.damaged(format!("it has no {name}"))),
        }
    }

    /// The bytes of a part; the rest is as with [`text`](Self::text).
    pub(super) fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, Outcome> {
        let limit = self.left_bytes.min(MAX_PART_BYTES);
        let mut bytes = Vec::new();
        let unpacked = self.unpack(name, limit, &mut |chunk| bytes.extend_from_slice(chunk))?;
        let Some(Unpacked { bytes: read, complaint }) = unpacked else { return Ok(None) };
        self.left_bytes -= read;
        let Some(complaint) = complaint else { return Ok(Some(bytes)) };
        let lost = if bytes.is_empty() { "it is lost" } else { "its end may be lost" };
        self.warnings.push(format!("{name} is damaged, {lost}: {complaint}"));
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// Unpacks a part without keeping it, to see that it is no larger than `limit_bytes`.
    pub(super) fn check_size(&mut self, name: &str, limit_bytes: u64) -> Result<(), Outcome> {
        self.unpack(name, limit_bytes, &mut |_| ()).map(drop)
    }

    /// What was lost so far.
    pub(super) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// The outcome for a file that does not keep to its format.
    pub(super) fn damaged(&self, detail: String) -> Outcome {
        damaged(&self.format, detail)
    }

    /// Hands a part to `take` piece by piece.
    fn unpack(
        &mut self,
        name: &str,
        limit: u64,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Unpacked>, Outcome> {
        let Some(&place) = self.places.get(&key(name)) else { return Ok(None) };
        let mut local = Cursor::new(&self.bytes[place.min(self.bytes.len())..]);
        let opened = match &mut self.archive {
            Some(archive) => archive.by_index(place),
            None => open_local(&mut local),
        };
        let mut part = match opened {
            Ok(part) => part,
            Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => {
                return Err(Outcome::Skipped(SkipReason::Encrypted));
            }
            Err(e) => return Ok(Some(Unpacked { bytes: 0, complaint: Some(e.to_string()) })),
        };
        let mut buffer = [0; 16 << 10];
        let mut bytes = 0;
        loop {
            match part.read(&mut buffer) {
                Ok(0) => return Ok(Some(Unpacked { bytes, complaint: None })),
                Ok(count) => {
                    bytes += count as u64;
                    if bytes > limit {
                        let detail = format!("{name} unpacks to more than {limit} bytes");
                        return Err(damaged(&self.format, detail));
                    }
                    take(&buffer[..count]);
                }
                Err(e) => {
                    return Ok(Some(Unpacked { bytes, complaint: Some(e.to_string()) }));
                }
            }
        }
    }
}

/// Opens the part whose header is the next thing to be read.
fn open_local<'c, 'a>(
    bytes: &'c mut Cursor<&'a [u8]>,
) -> Result<ZipFile<'c, Cursor<&'a [u8]>>, ZipError> {
    read_zipfile_from_stream(bytes)?.ok_or(ZipError::FileNotFound)
}

/// The places of the headers that stand before each part, by the parts' names.
fn local_entries(bytes: &[u8]) -> HashMap<String, usize> {
    const HEADER_BYTES: usize = 30;
    /// No document has as many parts.
    const MAX_ENTRIES: usize = 100_000;
    let mut places = HashMap::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() > HEADER_BYTES)
        && places.len() < MAX_ENTRIES
    {
        if rest.starts_with(ZIP) {
            let name_bytes = usize::from(u16::from_le_bytes([rest[26], rest[27]]));
            if let Some(name) = rest.get(HEADER_BYTES..HEADER_BYTES + name_bytes)
                && let Ok(name) = std::str::from_utf8(name)
                && !name.is_empty()
            {
                places.entry(key(name)).or_insert(at);
            }
        }
        at += 1;
    }
    places
}

/// How a part is looked up: some programs write `\` for `/`, and some a `/` at the start.
fn key(name: &str) -> String {
    name.trim_start_matches('/').replace('\\', "/").to_lowercase()
}

/// The folder of a part, with a `/` at its end unless it is the outermost.
pub(super) fn folder_of(name: &str) -> &str {
    name.rfind('/').map_or("", |end| &name[..=end])
}

/// The name of the part that `target` means when it is written in a part of this folder.
pub(super) fn resolve(folder: &str, target: &str) -> String {
    let from_root = target.starts_with('/');
    let mut steps: Vec<&str> = Vec::new();
    let base = if from_root { "" } else { folder };
    for step in base.split('/').chain(target.split('/')) {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.join("/")
}

fn damaged(format: &str, detail: String) -> Outcome {
    Outcome::Failed(FailReason::Damaged { format: format.to_owned(), detail })
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    /// A zip archive of these parts; the first is stored, the others are packed.
    pub(in crate::extract) fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (index, (name, content)) in parts.iter().enumerate() {
            let method =
                if index == 0 { CompressionMethod::Stored } else { CompressionMethod::Deflated };
            let options = SimpleFileOptions::default().compression_method(method);
            writer.start_file(*name, options).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn parts_are_found_by_name_without_case() {
        let bytes = archive(&[("a", "first"), ("Word\\Document.xml", "<x/>")]);
        let mut package = Package::open(&bytes, "docx").unwrap();
        assert_eq!(package.text("/word/document.XML").unwrap().as_deref(), Some("<x/>"));
        assert_eq!(package.text("b").unwrap(), None);
        assert!(package.contains("A"));
        let missing = package.required_text("b").unwrap_err();
        let Outcome::Failed(reason) = missing else { panic!() };
        assert_eq!(reason.to_string(), "damaged docx file: it has no b");
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let bytes = archive(&[("a", ""), ("bomb", &" ".repeat(70 << 20))]);
        assert!(bytes.len() < 100_000);
        let mut package = Package::open(&bytes, "docx").unwrap();
        let Err(Outcome::Failed(reason)) = package.text("bomb") else { panic!() };
        assert_eq!(
            reason.to_string(),
            "damaged docx file: bomb unpacks to more than 67108864 bytes"
        );
        // Nor many small ones that are large together.
        let mib = " ".repeat(1 << 20);
        let names: Vec<String> = (0..70).map(|number| number.to_string()).collect();
        let parts: Vec<(&str, &str)> = names.iter().map(|name| (&**name, &*mib)).collect();
        let bytes = archive(&parts[..]);
        let mut package = Package::open(&bytes, "docx").unwrap();
        package.left_bytes = LEAST_TOTAL_BYTES;
        let read = names.iter().take_while(|name| package.bytes(name).is_ok()).count();
        assert_eq!(read, 64);
    }

    #[test]
    fn the_beginning_of_a_damaged_part_is_kept() {
        let text: String = (0..20_000).map(|n| format!("line {n} ")).collect();
        let mut bytes = archive(&[("a", ""), ("b", &text)]);
        let end = bytes.len() - 300;
        bytes[end - 40..end].fill(0xFF);
        let mut package = Package::open(&bytes, "docx").unwrap();
        let read = package.text("b").unwrap().unwrap();
        assert!(read.starts_with("line 0 line 1 ") && read.len() > text.len() / 2);
        assert_eq!(package.take_warnings().len(), 1);
    }

    #[test]
    fn parts_are_found_without_the_table_of_contents() {
        let text: String = (0..20_000).map(|n| format!("line {n} ")).collect();
        let bytes = archive(&[("a", "first"), ("b", "second"), ("c", &text), ("d", "lost")]);
        let mut package = Package::open(&bytes[..30_000], "docx").unwrap();
        assert_eq!(package.text("a").unwrap().as_deref(), Some("first"));
        assert_eq!(package.text("b").unwrap().as_deref(), Some("second"));
        assert!(package.text("c").unwrap().is_some_and(|read| read.len() > 50_000));
        assert_eq!(package.text("d").unwrap(), None);
        let warnings = package.take_warnings();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(Package::open(&bytes[..20], "docx").is_err());
    }

    #[test]
    fn targets_are_resolved_like_paths() {
        assert_eq!(
            resolve("ppt/slides/", "../notesSlides/notesSlide1.xml"),
            "ppt/notesSlides/notesSlide1.xml"
        );
        assert_eq!(resolve("word/", "/word/styles.xml"), "word/styles.xml");
        assert_eq!(resolve("", "./../a.xml"), "a.xml");
        assert_eq!(folder_of("a/b/c.xml"), "a/b/");
        assert_eq!(folder_of("c.xml"), "");
    }
}
