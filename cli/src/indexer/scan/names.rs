//! Names, patterns and keys: a walk's terms in those of the index.

use std::path::Path;

use lsearch_index::{ExtractKey, FileStat, PassageSpan};
use lsearch_ingest::{Document, FoundFile, Guess, Kind, Ocr, Passage};

use crate::app::App;

/// The data folder as a pattern, where it lies inside the root: its own files are never documents.
pub fn own_folder(app: &App, root: &Path) -> Option<String> {
    let data = fs_err::canonicalize(&app.places.data).ok()?;
    let inside = data.strip_prefix(root).ok()?.to_str()?;
    Some(format!("/{}", escape_glob(inside)))
}

/// A path as a pattern that matches it alone.
pub fn escape_glob(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for character in path.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\' | '!' | '#' | ' ' | '{' | '}') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// The document's title, or nothing where it is only the file's name: content outlives names.
pub fn own_title<'a>(file: &FoundFile, document: &'a Document) -> &'a str {
    let name = |part: Option<&std::ffi::OsStr>| {
        part.is_some_and(|part| part.to_string_lossy() == document.title)
    };
    if name(file.path.file_stem()) || name(file.path.file_name()) { "" } else { &document.title }
}

/// Size, time and inode.
pub fn stat_of(file: &FoundFile) -> FileStat {
    FileStat { size_bytes: file.size_bytes, modified_ns: file.modified_ns, inode: file.inode }
}

/// The name decides how bytes are read, so the same bytes as `.md` and as `.txt` are two extractions;
/// so are those of a PDF whose pictures are read, in these languages, and of one where they are not.
pub fn extract_key(file: &FoundFile, file_hash: [u8; 32], ocr: Option<&Ocr>) -> ExtractKey {
    let kind = match &file.guess {
        Guess::Known(kind, format) => format!("{}/{format}", kind.as_str()),
        Guess::Unknown | Guess::Container(_) | Guess::Skip(_) => "unknown".to_owned(),
    };
    let may_be_pdf = matches!(file.guess, Guess::Known(Kind::Pdf, _) | Guess::Unknown);
    ExtractKey {
        file_hash,
        kind: match ocr.filter(|_| may_be_pdf) {
            Some(ocr) => format!("{kind}+ocr:{}", ocr.languages),
            None => kind,
        },
        extractor_version: lsearch_ingest::EXTRACTOR_VERSION,
    }
}

/// The same for a document that holds others, which no bytes known by [`extract_key`] may stand for: what lies in it
/// has to be read along with it.
pub fn holding_key(file: &FoundFile, file_hash: [u8; 32], ocr: Option<&Ocr>) -> ExtractKey {
    let key = extract_key(file, file_hash, ocr);
    ExtractKey { kind: format!("{} that holds others", key.kind), ..key }
}

/// A passage in the index's terms.
pub fn span_of(passage: &Passage) -> PassageSpan {
    PassageSpan {
        start: passage.bytes.start,
        end: passage.bytes.end,
        page: passage.page,
        line: passage.line,
        heading: passage.heading.clone(),
    }
}
