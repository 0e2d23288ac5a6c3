//! The threads that hash and extract.

use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, Sender, bounded};
use lsearch_ingest::{
    Document, Extractor, FailReason, FoundFile, IngestError, Member, MemberVisitor, NewBytes,
    Outcome, Passage, PassageOptions, SkipReason, WalkEvent, guess_by_name, hash_file, passages,
};

use super::rulebook::RuleBook;
use crate::interrupt::Stop;

/// Something to do with a file.
pub enum Job {
    Hash(FoundFile),
    Extract(FoundFile),
}

/// What the writing thread hears.
pub enum Event {
    Walk(WalkEvent),
    WalkEnded(Result<(), IngestError>),
    Hashed(FoundFile, Result<[u8; 32], String>),
    /// Whether something in a file is to be read, now that its bytes are there.
    Offered(FoundFile, [u8; 32], Sender<bool>),
    /// Something in a file; whether it holds others in its turn.
    Member(FoundFile, Extracted, bool),
    /// A file, after all that is in it; whether it is a document that holds others.
    Extracted(FoundFile, Extracted, bool),
}

/// What came of a file.
pub enum Extracted {
    Document(Box<Document>, Vec<Passage>),
    Container(Option<FailReason>),
    Skipped(SkipReason),
    Failed(FailReason),
}

impl From<Outcome> for Extracted {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Document(document) => {
                let cut = passages(&document, &PassageOptions::default());
                Self::Document(document, cut)
            }
            Outcome::Container { stopped } => Self::Container(stopped),
            Outcome::Skipped(reason) => Self::Skipped(reason),
            Outcome::Failed(reason) => Self::Failed(reason),
        }
    }
}

/// Hashes and extracts until there are no more jobs or nobody listens.
pub fn work(
    jobs: &Receiver<Job>,
    events: &Sender<Event>,
    extractor: &Extractor,
    rules: &RuleBook,
    stop: &Stop,
) {
    for job in jobs {
        if stop.requested() {
            return;
        }
        let event = match job {
            Job::Hash(file) => {
                let hash =
                    hash_file(&file.path).map(|(hash, _)| hash).map_err(|error| error.to_string());
                Event::Hashed(file, hash)
            }
            Job::Extract(file) => {
                let mut members = Members { container: &file, events, sizes: None };
                let rules = rules.within(&file.path);
                let (outcome, has_members) =
                    extractor.extract_all(&file.path, &rules.files, &mut members);
                Event::Extracted(file, outcome.into(), has_members)
            }
        };
        if events.send(event).is_err() {
            return;
        }
    }
}

/// Hands what is in a file to the writing thread.
struct Members<'a> {
    container: &'a FoundFile,
    events: &'a Sender<Event>,
    /// The size of what was offered last.
    sizes: Option<(PathBuf, u64)>,
}

impl Members<'_> {
    /// It has the date of the file that holds it.
    fn found(&self, path: &Path, size_bytes: u64) -> FoundFile {
        let guess = guess_by_name(path);
        FoundFile { path: path.to_owned(), size_bytes, guess, ..self.container.clone() }
    }
}

impl MemberVisitor for Members<'_> {
    fn is_wanted(&mut self, bytes: &NewBytes) -> bool {
        let (answer, answered) = bounded(1);
        let member = self.found(&bytes.path, bytes.size_bytes);
        self.sizes = Some((bytes.path.clone(), bytes.size_bytes));
        let asked = self.events.send(Event::Offered(member, bytes.hash, answer));
        // Where nobody listens any more, nothing is worth reading.
        asked.is_ok() && answered.recv().unwrap_or(false)
    }

    fn member(&mut self, member: Member) {
        let size_bytes = match &self.sizes {
            Some((path, size_bytes)) if *path == member.path => *size_bytes,
            _ => 0,
        };
        let found = self.found(&member.path, size_bytes);
        let event = Event::Member(found, member.outcome.into(), member.has_members);
        let _ = self.events.send(event);
    }
}
