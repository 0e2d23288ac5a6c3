//! What parent and child say to each other: frames of a JSON header and a body of raw bytes.
//!
//! ```text
//! u32 LE: bytes of the header │ u64 LE: bytes of the body │ header │ body
//! ```

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::confine::Confinement;
use crate::{
    Document, ExtractLimits, FailReason, Heading, Kind, Ocr, Outcome, RuleFiles, SkipReason,
};

/// Changes with the frames; parent and child may be different builds when the program is replaced
/// while it runs.
pub(super) const PROTOCOL_VERSION: u32 = 3;

/// Headings are the only part of a header that grows with the file.
const MAX_HEADER_BYTES: u32 = 64 << 20;

/// From parent to child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Request {
    /// The first request of all.
    Setup(Setup),
    /// Extract the file whose path is the body.
    Extract(Errand),
    /// The answer to `Offer`: whether the member is to be read.
    Answer { wanted: bool },
}

/// How a file is to be extracted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Errand {
    /// Pages of a PDF that a former child did not survive.
    pub(super) skip_pages: Vec<u32>,
    /// Members before this one were handed over by a former child.
    pub(super) first_member: u64,
    /// Members that a former child did not survive.
    pub(super) skip_members: Vec<u64>,
    /// What leaves members out by their names.
    pub(super) rules: RuleFiles,
}

/// The limits that the child puts on itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Setup {
    pub(super) limits: ExtractLimits,
    /// Address space of the whole child.
    pub(super) memory_bytes: u64,
    /// Processor time for each file.
    pub(super) cpu_sec: u64,
    /// How pages that are pictures are read, if at all.
    pub(super) ocr: Option<Ocr>,
    /// What it may read, as bytes of paths.
    pub(super) readable: Vec<Vec<u8>>,
}

/// From child to parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reply {
    /// The answer to `Setup`.
    Ready { protocol: u32, extractor: u32, confinement: Confinement },
    /// This page of the file, or of the member, comes next.
    Page { number: u32 },
    /// This member comes next; its path is the body.
    Begin { number: u64 },
    /// Whether the member at hand is known by its bytes; its path is the body.
    Offer { size_bytes: u64, hash: [u8; 32] },
    /// What came of a member; the body begins with its path.
    Member { outcome: DoneOutcome, path_bytes: u32, has_members: bool },
    /// The answer to `Extract`.
    Done {
        outcome: DoneOutcome,
        /// Whether it is a document that holds others.
        has_members: bool,
        /// The child has grown or been shaken and should not be given another file.
        retire: bool,
    },
}

/// An [`Outcome`] whose text is the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum DoneOutcome {
    Document(Box<Header>),
    Container { stopped: Option<FailReason> },
    Skipped(SkipReason),
    Failed(FailReason),
}

/// A [`Document`] without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    file_hash: [u8; 32],
    kind: Kind,
    format: String,
    title: String,
    author: Option<String>,
    dated: Option<String>,
    headings: Vec<Heading>,
    pages: Vec<usize>,
    language: Option<String>,
    encoding: Option<String>,
    warnings: Vec<String>,
}

impl DoneOutcome {
    /// Takes the text apart from the rest.
    pub(super) fn split(outcome: Outcome) -> (Self, String) {
        match outcome {
            Outcome::Container { stopped } => (Self::Container { stopped }, String::new()),
            Outcome::Skipped(reason) => (Self::Skipped(reason), String::new()),
            Outcome::Failed(reason) => (Self::Failed(reason), String::new()),
            Outcome::Document(document) => {
                let Document {
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
                } = *document;
                let header = Header {
                    file_hash,
                    kind,
                    format,
                    title,
                    author,
                    dated,
                    headings,
                    pages,
                    language,
                    encoding,
                    warnings,
                };
                (Self::Document(Box::new(header)), text)
            }
        }
    }

    /// Puts the text back. `None` when the two do not fit together: the child is not trusted to be
    /// in its right mind after the files it has seen.
    pub(super) fn join(self, body: Vec<u8>) -> Option<Outcome> {
        let header = match self {
            Self::Container { stopped } => return Some(Outcome::Container { stopped }),
            Self::Skipped(reason) => return Some(Outcome::Skipped(reason)),
            Self::Failed(reason) => return Some(Outcome::Failed(reason)),
            Self::Document(header) => *header,
        };
        let text = String::from_utf8(body).ok()?;
        let headings_fit = header.headings.iter().all(|h| text.get(h.bytes.clone()).is_some())
            && header.headings.is_sorted_by(|a, b| a.bytes.end <= b.bytes.start);
        let pages_fit =
            header.pages.iter().all(|&at| text.is_char_boundary(at)) && header.pages.is_sorted();
        if !headings_fit || !pages_fit || header.title.is_empty() {
            return None;
        }
        Some(Outcome::Document(Box::new(Document {
            file_hash: header.file_hash,
            kind: header.kind,
            format: header.format,
            title: header.title,
            author: header.author,
            dated: header.dated,
            text,
            headings: header.headings,
            pages: header.pages,
            language: header.language,
            encoding: header.encoding,
            warnings: header.warnings,
        })))
    }
}

pub(super) fn write_frame(
    output: &mut impl Write,
    header: &impl Serialize,
    body: &[u8],
) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    let header_bytes = u32::try_from(header.len())
        .ok()
        .filter(|&bytes| bytes <= MAX_HEADER_BYTES)
        .ok_or_else(|| io::Error::other("the header of a frame is too large"))?;
    let mut start = Vec::with_capacity(12 + header.len());
    start.extend(header_bytes.to_le_bytes());
    start.extend((body.len() as u64).to_le_bytes());
    start.extend(header);
    output.write_all(&start)?;
    output.write_all(body)?;
    output.flush()
}

/// The body of a member's frame: its path, then the text.
pub(super) fn with_path(path: &Path, text: &str) -> (u32, Vec<u8>) {
    let path = path.as_os_str().as_bytes();
    let mut body = Vec::with_capacity(path.len() + text.len());
    body.extend_from_slice(path);
    body.extend_from_slice(text.as_bytes());
    (path.len() as u32, body)
}

/// Takes the path off a member's body.
pub(super) fn path_of(path_bytes: u32, mut body: Vec<u8>) -> Option<(PathBuf, Vec<u8>)> {
    if path_bytes as usize > body.len() {
        return None;
    }
    let text = body.split_off(path_bytes as usize);
    Some((PathBuf::from(OsString::from_vec(body)), text))
}

/// Reads a frame whose body has no more than `max_body_bytes`.
pub(super) fn read_frame<H: DeserializeOwned>(
    input: &mut impl Read,
    max_body_bytes: u64,
) -> io::Result<(H, Vec<u8>)> {
    let mut lengths = [0; 12];
    input.read_exact(&mut lengths)?;
    let [h0, h1, h2, h3, body_bytes @ ..] = lengths;
    let header_bytes = u32::from_le_bytes([h0, h1, h2, h3]);
    let body_bytes = u64::from_le_bytes(body_bytes);
    if header_bytes > MAX_HEADER_BYTES || body_bytes > max_body_bytes {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too large"));
    }
    let mut header = vec![0; header_bytes as usize];
    input.read_exact(&mut header)?;
    let header = serde_json::from_slice(&header)?;
    let mut body = vec![0; body_bytes as usize];
    input.read_exact(&mut body)?;
    Ok((header, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract_bytes;

    fn document() -> Outcome {
        extract_bytes(Path::new("a.md"), b"# Title\n\ntext\n".to_vec(), &ExtractLimits::default())
    }

    #[test]
    fn outcomes_survive_the_pipe() {
        for outcome in [document(), Outcome::Skipped(SkipReason::Empty)] {
            let (done, text) = DoneOutcome::split(outcome.clone());
            let mut pipe = Vec::new();
            write_frame(&mut pipe, &done, text.as_bytes()).unwrap();
            let (done, body) = read_frame::<DoneOutcome>(&mut &pipe[..], 100).unwrap();
            assert_eq!(done.join(body), Some(outcome));
        }
    }

    #[test]
    fn frames_that_lie_are_refused() {
        let mut pipe = Vec::new();
        write_frame(&mut pipe, &1, b"0123456789").unwrap();
        assert!(read_frame::<u32>(&mut &pipe[..], 9).is_err());
        assert!(read_frame::<u32>(&mut &pipe[..pipe.len() - 1], 100).is_err());
        pipe[3] = 0xFF;
        assert!(read_frame::<u32>(&mut &pipe[..], 100).is_err());
    }

    #[test]
    fn documents_whose_parts_do_not_fit_are_refused() {
        let (done, _) = DoneOutcome::split(document());
        assert_eq!(done.clone().join(b"short".to_vec()), None);
        assert_eq!(done.join(vec![0xFF; 100]), None);
    }
}
