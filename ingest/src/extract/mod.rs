//! Files into documents, one module a format.

mod accents;
mod code;
mod declared;
mod epub;
mod flow;
mod html;
mod latex;
pub(crate) mod mail;
mod man;
mod markdown;
mod markup;
mod notebook;
mod ocr;
mod office;
mod package;
mod pdf;
mod plain;
mod rtf;
mod subtitles;
mod xml;
mod xml_title;

pub(crate) use man::looks_like_man;

use std::any::Any;
use std::io::{self, Cursor};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use ocr::Ocr;

use crate::container::{self, Attachment, MemberSink, Offer};
use crate::identify::HEAD_BYTES;
use crate::language::detect_language;
use crate::rules::RuleFiles;
use crate::secrets::begins_with_secret;
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
    /// It holds several documents, which were handed over each on its own.
    Container {
        /// Why not all of it was read, if it was not.
        stopped: Option<FailReason>,
    },
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
    attachments: Vec<Attachment>,
}

/// Reads and extracts one file in this very process.
///
/// A hostile file can make this run out of memory or stack and take the process with it, so files
/// that are not one's own belong into an [`Extractor`](crate::Extractor).
pub fn extract_in_process(path: &Path, limits: &ExtractLimits) -> Outcome {
    extract_file(path, limits, &Course::default()).0
}

/// Extracts the bytes as if a file of this path held them. Does not touch the file system.
///
/// The same caution holds as for [`extract_in_process`].
pub fn extract_bytes(path: &Path, bytes: Vec<u8>, limits: &ExtractLimits) -> Outcome {
    extract(path, bytes, limits, &Course::default()).0
}

/// [`extract_bytes`], but containers are looked into, and each member is handed to `visit`: the seam through which
/// tests and fuzzing reach the way through archives, mailboxes and messages.
#[doc(hidden)]
pub fn extract_members(
    path: &Path,
    bytes: Vec<u8>,
    limits: &ExtractLimits,
    visit: &(dyn Fn(&Path, Outcome) + Sync),
) -> Outcome {
    let course = Course { sink: Some(&Visited(visit)), ..Course::default() };
    match container::recognise(path, &bytes[..bytes.len().min(HEAD_BYTES)]) {
        Some(format) => {
            let size_bytes = bytes.len() as u64;
            container::read_file(path, format, Cursor::new(bytes), size_bytes, limits, &course)
        }
        None => extract_with_attachments(path, bytes, limits, &course).0,
    }
}

/// Hands every member to a function.
struct Visited<'a>(&'a (dyn Fn(&Path, Outcome) + Sync));

impl MemberSink for Visited<'_> {
    fn begin(&self, _: u64, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn is_wanted(&self, _: &Offer<'_>) -> io::Result<bool> {
        Ok(true)
    }

    fn done(&self, path: &Path, outcome: Outcome, _: bool) -> io::Result<()> {
        (self.0)(path, outcome);
        Ok(())
    }
}

/// How an extraction is to go and whom it tells about it.
#[derive(Clone, Copy)]
pub(crate) struct Course<'a> {
    /// Pages that a former try did not survive.
    pub(crate) skip_pages: &'a [u32],
    /// Called with the number of each page before it is read.
    pub(crate) at_page: Option<&'a (dyn Fn(u32) + Sync)>,
    /// How pages that are pictures are read, if at all.
    pub(crate) ocr: Option<&'a Ocr>,
    /// Takes the members of a container; `None` when nobody wants them.
    pub(crate) sink: Option<&'a dyn MemberSink>,
    /// What leaves members out by their names.
    pub(crate) rules: &'a RuleFiles,
    /// Members before this one were handed over by a former try.
    pub(crate) first_member: u64,
    /// Members that a former try did not survive.
    pub(crate) skip_members: &'a [u64],
}

impl Default for Course<'_> {
    fn default() -> Self {
        static NO_RULES: RuleFiles = RuleFiles::none();
        Self {
            skip_pages: &[],
            at_page: None,
            ocr: None,
            sink: None,
            rules: &NO_RULES,
            first_member: 0,
            skip_members: &[],
        }
    }
}

/// Extracts a file, and hands over what else it holds. Also tells whether it holds anything else.
pub(crate) fn extract_file(
    path: &Path,
    limits: &ExtractLimits,
    course: &Course<'_>,
) -> (Outcome, bool) {
    let opened = match read::open_container(path, limits.max_file_bytes) {
        Ok(opened) => opened,
        Err(outcome) => return (outcome, false),
    };
    if let Some((format, file, size_bytes)) = opened {
        let outcome = container::read_file(path, format, file, size_bytes, limits, course);
        let outcome = match outcome {
            // Packed alone: the text is known by the bytes on the disk.
            Outcome::Document(mut document) => match read::hash_file(path) {
                Ok((hash, _)) => {
                    document.file_hash = hash;
                    Outcome::Document(document)
                }
                Err(_) => Outcome::Failed(FailReason::Changed),
            },
            outcome => outcome,
        };
        return (outcome, false);
    }
    let accept = |head: &[u8]| identify(path, head).map(drop);
    let bytes = match read::read_whole(path, limits.max_file_bytes, accept) {
        Ok(bytes) => bytes,
        Err(outcome) => return (outcome, false),
    };
    extract_with_attachments(path, bytes, limits, course)
}

/// Extracts bytes, and hands over what hangs on them. Also tells whether anything does.
fn extract_with_attachments(
    path: &Path,
    bytes: Vec<u8>,
    limits: &ExtractLimits,
    course: &Course<'_>,
) -> (Outcome, bool) {
    let size_bytes = bytes.len() as u64;
    let (mut outcome, attachments) = extract(path, bytes, limits, course);
    let has_members = !attachments.is_empty();
    let stopped = container::read_attachments(path, attachments, size_bytes, limits, course);
    if let (Outcome::Document(document), Some(reason)) = (&mut outcome, stopped) {
        document.warnings.push(format!("not all that is attached was read: {reason}"));
    }
    (outcome, has_members)
}

/// Makes a document of bytes, and gives the files that hang on it.
pub(crate) fn extract(
    path: &Path,
    bytes: Vec<u8>,
    limits: &ExtractLimits,
    course: &Course<'_>,
) -> (Outcome, Vec<Attachment>) {
    let (kind, format) = match identify(path, &bytes) {
        Ok(known) => known,
        Err(reason) => return (Outcome::Skipped(reason), Vec::new()),
    };
    if course.rules.skip_secrets() && begins_with_secret(&bytes[..bytes.len().min(HEAD_BYTES)]) {
        return (Outcome::Skipped(SkipReason::Secret), Vec::new());
    }
    let file_hash = *blake3::hash(&bytes).as_bytes();
    // The parsers are other people's code on other people's data: a panic is an answer too.
    let extracted = catch_unwind(AssertUnwindSafe(|| match kind {
        Kind::Text => Ok(text(bytes, &format)),
        Kind::Code => Ok(code::extract(bytes, path, &format)),
        Kind::Markdown if format == "ipynb" => Ok(notebook::extract(bytes)),
        Kind::Markdown => Ok(markdown::extract(bytes)),
        Kind::Html => Ok(html::extract(bytes)),
        Kind::Pdf => pdf::extract(&bytes, limits, course),
        Kind::Word | Kind::Slides | Kind::Sheet => office::extract(bytes, &format, limits),
        Kind::Book => epub::extract(&bytes, limits),
        Kind::Mail => mail::extract(&bytes),
    }));
    let extracted = match extracted {
        Ok(Ok(extracted)) => extracted,
        Ok(Err(outcome)) => return (outcome, Vec::new()),
        Err(panic) => {
            let detail = panic_message(&*panic);
            return (Outcome::Failed(FailReason::Crashed { detail }), Vec::new());
        }
    };
    let Extracted { text, title, author, dated, headings, pages, encoding, warnings, attachments } =
        extracted;
    if text.len() as u64 > limits.max_text_bytes {
        let limit_bytes = limits.max_text_bytes;
        return (Outcome::Failed(FailReason::TextTooLong { limit_bytes }), attachments);
    }
    if !text.contains(|c: char| !c.is_whitespace()) {
        return (Outcome::Skipped(SkipReason::NoText), attachments);
    }
    let language = if kind == Kind::Code { None } else { detect_language(&text) };
    let title = title.unwrap_or_else(|| title::from_stem(path));
    let document = Document {
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
    };
    (Outcome::Document(Box::new(document)), attachments)
}

fn text(bytes: Vec<u8>, format: &str) -> Extracted {
    match format {
        "tex" => latex::extract(bytes),
        "man" => man::extract(bytes),
        "subtitles" => subtitles::extract(bytes),
        _ => markup::extract(bytes, format),
    }
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
