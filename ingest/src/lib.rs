//! Paths into documents: finds the files under a folder, decides what each one is, extracts its
//! text with page, heading and line marks in a supervised child process, and cuts the text into
//! passages.
//!
//! ```text
//! walk ──▶ FoundFile ──▶ Extractor (child process) ──▶ Document ──▶ passages
//! ```
//!
//! Nothing here prints, reads the environment or looks for a home directory, and nothing here knows
//! of vectors or indexes: everything comes in as an argument and goes out as a value.

mod compound;
mod container;
mod dated;
mod document;
mod encoding;
mod error;
mod extract;
mod headings;
mod identify;
mod kind;
mod language;
mod passage;
mod read;
mod reason;
mod rules;
mod sandbox;
mod secrets;
mod sniff;
mod title;
mod walk;
pub mod watch;

pub use container::{container_of, member_path};
pub use document::{Document, Heading};
pub use encoding::{Decoded, decode};
pub use error::IngestError;
#[doc(hidden)]
pub use extract::extract_members;
pub use extract::{ExtractLimits, Ocr, Outcome, extract_bytes, extract_in_process};
pub use identify::identify;
pub use kind::{Guess, Kind, guess_by_name, type_names};
pub use language::detect_language;
pub use passage::{Passage, PassageOptions, estimate_tokens, passages};
pub use read::hash_file;
pub use reason::{FailReason, SkipReason};
pub use rules::{Rule, RuleFiles, Rules};
#[doc(hidden)]
pub use sandbox::worker_process_with;
pub use sandbox::{
    Confinement, Extractor, ExtractorOptions, Member, MemberVisitor, NewBytes, worker_main,
    worker_process,
};
pub use secrets::is_secret;
pub use walk::{
    FoundFile, LeftOut, Places, WalkEvent, WalkOptions, check_patterns, is_ignore_file, walk,
};

/// Changes whenever the same file may come out as a different [`Document`] or be cut into different
/// [`Passage`]s, so that what was extracted by an older version is known to be out of date.
pub const EXTRACTOR_VERSION: u32 = 4;
