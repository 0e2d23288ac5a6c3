//! Files into documents, one module a format.

mod epub;
mod flow;
mod html;
mod markdown;
mod ocr;
mod office;
mod package;
mod pdf;
mod plain;
mod rtf;
mod xml;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use ocr::Ocr;

use crate::language::detect_language;
use crate::{Document, FailReason, Heading, Kind, SkipReason, identify, read, title};

/// How much one extraction may read and give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtractLimits {
    /// Largest file that is read, in bytes.
    pub max_file_bytes: u64,
    /// Longest text that a document may have, in bytes.
    pub max_text_bytes: u64,
}

impl Default for ExtractLimits {
    fn default() -> Self {
        Self { max_file_bytes: 1 << 30, max_text_bytes: 1 << 30 }
    }
}

/// What came of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its document.
    Document(Box<Document>),
    /// The file is left out on purpose.
    Skipped(SkipReason),
    /// Something went wrong.
    Failed(FailReason),
}

/// What a format's own module makes of the bytes; the rest of a [`Document`] is common to all.
#[derive(Debug, Default)]
struct Extracted {
    text: String,
    title: Option<String>,
    author: Option<String>,
    dated: Option<String>,
    headings: Vec<Heading>,
    pages: Vec<usize>,
    encoding: Option<String>,
    warnings: Vec<String>,
}

/// Reads and extracts one file in this very process.
///
/// A hostile file can make this run out of memory or stack and take the process with it, so files
/// that are not one's own belong into an [`Extractor`](crate::Extractor).
pub fn extract_in_process(path: &Path, limits: &ExtractLimits) -> Outcome {
    extract_file(path, limits, &Course::default())
}

/// Extracts the bytes as if a file of this path held them. Does not touch the file system.
///
/// The same caution holds as for [`extract_in_process`].
pub fn extract_bytes(path: &Path, bytes: Vec<u8>, limits: &ExtractLimits) -> Outcome {
    extract(path, bytes, limits, &Course::default())
}

/// How an extraction is to go and whom it tells about it.
#[derive(Default)]
pub(crate) struct Course<'a> {
    /// Pages that a former try did not survive.
    pub(crate) skip_pages: &'a [u32],
    /// Called with the number of each page before it is read.
    pub(crate) at_page: Option<&'a (dyn Fn(u32) + Sync)>,
    /// How pages that are pictures are read, if at all.
    pub(crate) ocr: Option<&'a Ocr>,
}

pub(crate) fn extract_file(path: &Path, limits: &ExtractLimits, course: &Course) -> Outcome {
    let accept = |head: &[u8]| identify(path, head).map(drop);
    match read::read_whole(path, limits.max_file_bytes, accept) {
        Ok(bytes) => extract(path, bytes, limits, course),
        Err(outcome) => outcome,
    }
}

fn extract(path: &Path, bytes: Vec<u8>, limits: &ExtractLimits, course: &Course) -> Outcome {
    let (kind, format) = match identify(path, &bytes) {
        Ok(known) => known,
        Err(reason) => return Outcome::Skipped(reason),
    };
    let file_hash = *blake3::hash(&bytes).as_bytes();
    // The parsers are other people's code on other people's data: a panic is an answer too.
    let extracted = catch_unwind(AssertUnwindSafe(|| match kind {
        Kind::Text => Ok(plain::text(bytes)),
        Kind::Code => Ok(plain::code(bytes, path)),
        Kind::Markdown => Ok(markdown::extract(bytes)),
        Kind::Html => Ok(html::extract(bytes)),
        Kind::Pdf => pdf::extract(&bytes, limits, course),
        Kind::Word | Kind::Slides | Kind::Sheet => office::extract(bytes, &format, limits),
        Kind::Book => epub::extract(&bytes, limits),
        // No name and no bytes stand for it yet.
        Kind::Mail => Err(Outcome::Skipped(SkipReason::Unsupported { format: format.clone() })),
    }));
    let extracted = match extracted {
        Ok(Ok(extracted)) => extracted,
        Ok(Err(outcome)) => return outcome,
        Err(panic) => {
            let detail = panic_message(&*panic);
            return Outcome::Failed(FailReason::Crashed { detail });
        }
    };
    let Extracted { text, title, author, dated, headings, pages, encoding, warnings } = extracted;
    if text.len() as u64 > limits.max_text_bytes {
        let limit_bytes = limits.max_text_bytes;
        return Outcome::Failed(FailReason::TextTooLong { limit_bytes });
    }
    if !text.contains(|c: char| !c.is_whitespace()) {
        return Outcome::Skipped(SkipReason::NoText);
    }
    let language = if kind == Kind::Code { None } else { detect_language(&text) };
    let title = title.unwrap_or_else(|| title::from_stem(path));
    Outcome::Document(Box::new(Document {
        file_hash,
        kind,
        format,
        title,
        author,
        dated,
        text,
        headings,
        pages,
        language,
        encoding,
        warnings,
    }))
}

/// The words of a caught panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let message = panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    let message = message.as_deref().and_then(title::clean);
    message.unwrap_or_else(|| "unknown panic".to_owned())
}
