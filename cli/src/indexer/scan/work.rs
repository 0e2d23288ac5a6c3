//! The threads that hash and extract.

use crossbeam_channel::{Receiver, Sender};
use lsearch_ingest::{
    Document, Extractor, FailReason, FoundFile, IngestError, Outcome, Passage, PassageOptions,
    SkipReason, WalkEvent, hash_file, passages,
};

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
    Extracted(FoundFile, Extracted),
}

/// What came of a file.
pub enum Extracted {
    Document(Box<Document>, Vec<Passage>),
    Skipped(SkipReason),
    Failed(FailReason),
}

/// Hashes and extracts until there are no more jobs or nobody listens.
pub fn work(jobs: &Receiver<Job>, events: &Sender<Event>, extractor: &Extractor, stop: &Stop) {
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
                let extracted = match extractor.extract(&file.path) {
                    Outcome::Document(document) => {
                        let cut = passages(&document, &PassageOptions::default());
                        Extracted::Document(document, cut)
                    }
                    Outcome::Skipped(reason) => Extracted::Skipped(reason),
                    Outcome::Failed(reason) => Extracted::Failed(reason),
                };
                Event::Extracted(file, extracted)
            }
        };
        if events.send(event).is_err() {
            return;
        }
    }
}
