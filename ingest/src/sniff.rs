//! Which format a zip archive or a compound file of Microsoft's (OLE) is the container of.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::Kind;
use crate::compound::Compound as CompoundFile;

/// Longest list of parts that is looked at.
const MAX_CONTENT_TYPES_BYTES: u64 = 1 << 20;

/// The start of every zip archive that is not empty.
pub(crate) const ZIP: &[u8] = b"PK\x03\x04";
/// The start of every compound file.
pub(crate) const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// What a zip archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zipped {
    /// A document of this kind and format.
    Document(Kind, &'static str),
    /// An office file, but which only the whole of it can tell.
    SomeDocument,
    /// Anything else.
    Other,
}

/// What a zip archive holds, by what it says of itself. The whole file is sure to tell, its first
/// bytes alone mostly do.
pub(crate) fn content_of_zip(bytes: &[u8]) -> Zipped {
    let sure = |known: Option<(Kind, &'static str)>| {
        known.map_or(Zipped::Other, |(kind, format)| Zipped::Document(kind, format))
    };
    match ZipArchive::new(Cursor::new(bytes)) {
        Ok(mut archive) => {
            let mut start_of = |name: &str| {
                let part = archive.by_name(name).ok()?;
                let mut start = Vec::new();
                // A damaged part gives what can be read of it.
                let _ = part.take(MAX_CONTENT_TYPES_BYTES).read_to_end(&mut start);
                Some(start)
            };
            if let Some(media_type) = start_of("mimetype") {
                return sure(by_media_type(&media_type));
            }
            let types = start_of("[Content_Types].xml").unwrap_or_default();
            sure(by_content_types(&String::from_utf8_lossy(&types)))
        }
        Err(_) => by_first_entries(bytes),
    }
}

fn by_media_type(media_type: &[u8]) -> Option<(Kind, &'static str)> {
    let media_type = media_type.trim_ascii();
    if media_type == b"application/epub+zip" {
        return Some((Kind::Book, "epub"));
    }
    let kind = media_type.strip_prefix(b"application/vnd.oasis.opendocument.")?;
    [
        (&b"text"[..], Kind::Word, "odt"),
        (b"presentation", Kind::Slides, "odp"),
        (b"spreadsheet", Kind::Sheet, "ods"),
    ]
    .into_iter()
    // Templates have a suffix.
    .find(|(name, _, _)| kind.starts_with(name))
    .map(|(_, kind, format)| (kind, format))
}

/// By the type of the main part; templates, shows and files with macros are read like the others.
fn by_content_types(types: &str) -> Option<(Kind, &'static str)> {
    let has = |main: &str| types.contains(main);
    if has("wordprocessingml.document.main+xml")
        || has("wordprocessingml.template.main+xml")
        || has("ms-word.document.macroEnabled.main+xml")
        || has("ms-word.template.macroEnabledTemplate.main+xml")
    {
        Some((Kind::Word, "docx"))
    } else if has("ms-excel.sheet.binary.macroEnabled.main") {
        Some((Kind::Sheet, "xlsb"))
    } else if has("spreadsheetml.sheet.main+xml")
        || has("spreadsheetml.template.main+xml")
        || has("ms-excel.sheet.macroEnabled.main+xml")
        || has("ms-excel.template.macroEnabled.main+xml")
    {
        Some((Kind::Sheet, "xlsx"))
    } else if has("presentationml.presentation.main+xml")
        || has("presentationml.slideshow.main+xml")
        || has("presentationml.template.main+xml")
        || has("ms-powerpoint.presentation.macroEnabled.main+xml")
        || has("ms-powerpoint.slideshow.macroEnabled.main+xml")
        || has("ms-powerpoint.template.macroEnabled.main+xml")
    {
        Some((Kind::Slides, "pptx"))
    } else {
        None
    }
}

/// By the entries that stand in the first bytes, each before its content.
fn by_first_entries(bytes: &[u8]) -> Zipped {
    let mut maybe_office = false;
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + 30).filter(|header| header.starts_with(ZIP)) {
        let number = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let packed_bytes = u32::from_le_bytes([header[18], header[19], header[20], header[21]]);
        let (name_bytes, extra_bytes) = (number(26), number(28));
        let Some(name) = bytes.get(at + 30..at + 30 + name_bytes) else { break };
        let start = at + 30 + name_bytes + extra_bytes;
        let end = start.saturating_add(packed_bytes as usize);
        let is_packed = number(8) != 0;
        let starts_with = |folder: &[u8]| name.starts_with(folder);
        if name == b"mimetype" && !is_packed {
            return match bytes.get(start..end).and_then(by_media_type) {
                Some((kind, format)) => Zipped::Document(kind, format),
                None => Zipped::Other,
            };
        } else if starts_with(b"word/") {
            return Zipped::Document(Kind::Word, "docx");
        } else if starts_with(b"xl/") {
            return Zipped::Document(Kind::Sheet, "xlsx");
        } else if starts_with(b"ppt/") {
            return Zipped::Document(Kind::Slides, "pptx");
        }
        maybe_office |= name == b"mimetype"
            || starts_with(b"[Content_Types].xml")
            || starts_with(b"_rels/")
            || starts_with(b"docProps/");
        // Programs that write as they go put the size behind the content, and zero here.
        if packed_bytes == 0 && header[6] & 8 != 0 {
            break;
        }
        at = end;
    }
    if maybe_office { Zipped::SomeDocument } else { Zipped::Other }
}

/// What a compound file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compound {
    /// A document of Office Open XML behind a password.
    Encrypted,
    /// A document of an office program before 2007.
    Document(Kind, &'static str),
    /// A format that is not read.
    Other(&'static str),
}

/// What a compound file holds, by the names in its directory, as far as that is within `bytes`.
pub(crate) fn content_of_compound(bytes: &[u8]) -> Option<Compound> {
    const ENTRY_BYTES: usize = 128;
    // A text may have slides and tables in it, but hardly the other way round: the first that is found counts.
    const NAMES: [(&str, Compound); 8] = [
        ("EncryptedPackage", Compound::Encrypted),
        ("__nameid_version1.0", Compound::Other("msg")),
        ("__properties_version1.0", Compound::Other("msg")),
        ("WordDocument", Compound::Document(Kind::Word, "doc")),
        ("PowerPoint Document", Compound::Document(Kind::Slides, "ppt")),
        ("VisioDocument", Compound::Other("vsd")),
        ("Workbook", Compound::Document(Kind::Sheet, "xls")),
        ("Book", Compound::Document(Kind::Sheet, "xls")),
    ];
    let of_outermost = |file: &CompoundFile<'_>| {
        let names = file.outermost_names();
        NAMES
            .iter()
            .find(|(name, _)| names.iter().any(|other| other.eq_ignore_ascii_case(name)))
            .copied()
    };
    // What is embedded lies in folders of its own.
    if let Some((_, content)) = CompoundFile::open(bytes).ok().and_then(|file| of_outermost(&file))
    {
        return Some(content);
    }
    // Of a damaged file, or of the beginning of one, what is there of the directory is looked for: a row of entries of
    // 128 bytes, in sectors that lie anywhere; an entry begins with its name in UTF-16, and its length stands in a
    // fixed place.
    let names =
        NAMES.map(|(name, _)| name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    let rank = bytes
        .chunks_exact(ENTRY_BYTES)
        .skip(4)
        .filter(|entry| matches!(entry[66], 1 | 2))
        .filter_map(|entry| {
            let length = usize::from(u16::from_le_bytes([entry[64], entry[65]]));
            let name = entry.get(..length.checked_sub(2)?)?;
            names.iter().position(|units| units == name)
        })
        .min()?;
    Some(NAMES[rank].1)
}

#[cfg(test)]
mod tests;
