//! The third stage: vectors into the index, in order, durable every few seconds.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use lsearch_engine::{Clock, SectionVectors};
use lsearch_index::vectors::VectorError;
use lsearch_index::{ContentKey, FileState, IndexError, SectionRecord, Writer};

use super::EncodeReport;
use super::groups::Outcome;
use super::progress::Progress;
use super::sections::{FailedDocument, GivenUp, Place};
use crate::app::App;
use crate::errors::CliError;
use crate::indexer::COMMIT_EVERY;

/// A group that has been through the encoder.
pub struct Encoded {
    /// Where each section belongs.
    pub places: Vec<Place>,
    /// What became of each of them.
    pub outcomes: Vec<Outcome>,
    /// Documents that end here, after their sections.
    pub failed: Vec<FailedDocument>,
    /// Why nothing can follow.
    pub fatal: Option<CliError>,
}

/// How often progress is shown while nothing comes.
const SHOW_EVERY: Duration = Duration::from_millis(100);

/// The one that writes, and keeps the report.
pub struct Store<'a> {
    /// The invocation.
    pub app: &'a App,
    /// The one writer.
    pub writer: &'a Writer,
    /// Whose vectors they are.
    pub fingerprint: &'a str,
    /// Documents to leave; this one decides which.
    pub given_up: &'a GivenUp,
    /// How far encoding has come.
    pub progress: &'a Progress,
    /// Time that storing took.
    pub storing: &'a Clock,
    /// What was done so far.
    pub report: EncodeReport,
    /// When it was made durable.
    pub last_commit: Instant,
}

impl Store<'_> {
    /// Stores groups as they come. A group that is `None` was cancelled, and ends it.
    ///
    /// # Errors
    /// The index's failures, and what made the stages before give up.
    pub fn run(
        &mut self,
        groups: &Receiver<Receiver<Option<Encoded>>>,
        show: impl Fn(&EncodeReport),
    ) -> Result<(), CliError> {
        while let Some(group) = wait(groups, || show(&self.report)) {
            // Nothing comes out of a channel whose thread panicked: the panic goes on when it is joined.
            let Some(Some(group)) = wait(&group, || show(&self.report)) else {
                self.report.cancelled = true;
                break;
            };
            self.group(group)?;
            show(&self.report);
        }
        self.storing.time(|| self.writer.commit())?;
        Ok(())
    }

    fn group(&mut self, group: Encoded) -> Result<(), CliError> {
        for (place, outcome) in group.places.iter().zip(group.outcomes) {
            match outcome {
                Outcome::Vectors(vectors) => self.section(place, &vectors)?,
                Outcome::Failed(error) => self.give_up(&place.content, place.bytes, &error),
                Outcome::LeftOut => {}
            }
        }
        for failed in group.failed {
            self.give_up(&failed.content, failed.bytes, &*failed.error);
            if failed.unreadable {
                self.app.warn("`lsearch rebuild` and another `lsearch add` read it again");
            }
        }
        if let Some(error) = group.fatal {
            return Err(error);
        }
        if self.last_commit.elapsed() >= COMMIT_EVERY {
            self.storing.time(|| self.writer.commit())?;
            self.last_commit = Instant::now();
        }
        Ok(())
    }

    fn section(&mut self, place: &Place, vectors: &SectionVectors) -> Result<(), CliError> {
        // It was encoded beside the one that failed, or before that was known.
        if self.given_up.contains(&place.content) {
            return Ok(());
        }
        let record = SectionRecord {
            first_passage: place.first_passage,
            last: place.last,
            tokens: vectors.tokens,
            mean: &vectors.mean,
            passages: &vectors.passages,
        };
        let put = || self.writer.put_section(self.fingerprint, &place.content, &record);
        match self.storing.time(put) {
            Ok(()) => {
                self.report.tokens += vectors.tokens as u64;
                self.report.documents += u64::from(place.last);
            }
            // A vector that is none concerns this document alone: the others go on.
            Err(error @ IndexError::Vector(VectorError::Zero | VectorError::NotFinite { .. })) => {
                self.give_up(&place.content, 0, &error);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn give_up(&mut self, content: &ContentKey, bytes: u64, error: &dyn std::error::Error) {
        // Two groups may each have found a section of it that fails.
        if !self.given_up.add(content) {
            return;
        }
        self.report.failed += 1;
        self.progress.skip(bytes);
        let name = match self.path_of(content) {
            Some(path) => path.display().to_string(),
            None => "a document".to_owned(),
        };
        self.app.warn(format_args!(
            "{name} could not be encoded and stays searchable by word only: {error}"
        ));
    }

    /// A file with this content. It looks at every file, which a failure as rare as this may cost.
    fn path_of(&self, content: &ContentKey) -> Option<PathBuf> {
        let mut files = self.writer.files_under(Path::new("/")).ok()?.flatten();
        files
            .find(|file| matches!(&file.state, FileState::Document { content: c } if c == content))
            .map(|file| file.path)
    }
}

/// What comes next, `meanwhile` called every so often; `None` when nothing will.
fn wait<T>(channel: &Receiver<T>, meanwhile: impl Fn()) -> Option<T> {
    loop {
        match channel.recv_timeout(SHOW_EVERY) {
            Ok(received) => return Some(received),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => meanwhile(),
        }
    }
}
