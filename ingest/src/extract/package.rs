//! Documents that are a zip archive of parts: office files and books.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use zip::result::ZipError;
use zip::{ZipArchive, read::ZipFile};

use super::Outcome;
use crate::encoding::decode;
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
    archive: ZipArchive<Cursor<&'a [u8]>>,
    format: String,
    /// Places in the archive by name in small letters, as the names of parts have no case.
    places: HashMap<String, usize>,
    /// What may still be unpacked.
    left_bytes: u64,
    /// Parts of which only the beginning could be read.
    warnings: Vec<String>,
}

impl<'a> Package<'a> {
    /// Reads the table of contents.
    ///
    /// # Errors
    /// [`FailReason::Damaged`] when there is none, as in a file that was cut off.
    pub(super) fn open(bytes: &'a [u8], format: &str) -> Result<Self, Outcome> {
        let archive =
            ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(format, e.to_string()))?;
        let mut places = HashMap::with_capacity(archive.len());
        for index in 0..archive.len() {
            if let Some(Ok(name)) = archive.name_for_index(index) {
                places.entry(key(&name)).or_insert(index);
            }
        }
        let left_bytes = (bytes.len() as u64)
            .saturating_mul(MAX_RATIO)
            .clamp(LEAST_TOTAL_BYTES, MAX_TOTAL_BYTES);
        Ok(Self { archive, format: format.to_owned(), places, left_bytes, warnings: Vec::new() })
    }

    /// The names of all parts, in small letters.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// Whether there is a part of this name.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.places.contains_key(&key(name))
    }

    /// The text of an XML part; `None` where there is no such part.
    ///
    /// # Errors
    /// When the part is encrypted or unpacks to more than is sound. What of a damaged part can be
    /// read is given, with a warning.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Outcome> {
        // XML names its encoding, but only UTF-8 and UTF-16 occur in these formats.
        Ok(self.bytes(name)?.map(|bytes| decode(bytes, None).text))
    }

    /// The text of a part without which there is no document.
    ///
    /// # Errors
    /// As [`text`](Self::text), and when the part is missing.
    pub(super) fn required_text(&mut self, name: &str) -> Result<String, Outcome> {
        self.text(name)?.ok_or_else(|| self.damaged(format!("it has no {name}")))
    }

    /// The bytes of a part; the rest is as with [`text`](Self::text).
    pub(super) fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, Outcome> {
        let limit = self.left_bytes.min(MAX_PART_BYTES);
        let mut bytes = Vec::new();
        let Some((read, complaint)) = self.unpack(name, limit, &mut |chunk| {
            bytes.extend_from_slice(chunk);
        })?
        else {
            return Ok(None);
        };
        self.left_bytes -= read;
        if let Some(complaint) = complaint {
            if bytes.is_empty() {
                return Err(self.damaged(format!("{name}: {complaint}")));
            }
            self.warnings.push(format!("{name} is damaged, its end may be missing: {complaint}"));
        }
        Ok(Some(bytes))
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

    /// Hands a part to `take` piece by piece. Gives the number of bytes and what stopped it early.
    fn unpack(
        &mut self,
        name: &str,
        limit: u64,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<(u64, Option<String>)>, Outcome> {
        let Some(&place) = self.places.get(&key(name)) else { return Ok(None) };
        let mut part: ZipFile<_> = match self.archive.by_index(place) {
            Ok(part) => part,
            Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => {
                return Err(Outcome::Skipped(SkipReason::Encrypted));
            }
            Err(e) => return Err(damaged(&self.format, format!("{name}: {e}"))),
        };
        let mut buffer = [0; 16 << 10];
        let mut read = 0;
        loop {
            match part.read(&mut buffer) {
                Ok(0) => return Ok(Some((read, None))),
                Ok(count) => {
                    read += count as u64;
                    if read > limit {
                        let detail = format!("{name} unpacks to more than {limit} bytes");
                        return Err(damaged(&self.format, detail));
                    }
                    take(&buffer[..count]);
                }
                Err(e) => return Ok(Some((read, Some(e.to_string())))),
            }
        }
    }
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
