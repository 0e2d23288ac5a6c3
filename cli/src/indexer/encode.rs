//! Texts to vectors: whole documents, section by section, smallest first, durable every few seconds.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lsearch_engine::{Device, Encoder, EngineError, Section};
use lsearch_index::vectors::VectorError;
use lsearch_index::{ContentKey, FileState, IndexError, Pending, SectionRecord, Writer};

use super::COMMIT_EVERY;
use crate::app::App;
use crate::errors::CliError;
use crate::interrupt;
use crate::output::progress::Stage;
use crate::output::units;

/// Tokens gathered before the encoder is called: a second or two of work on two cores, so that a kill costs no more.
const CPU_GROUP_TOKENS: usize = 4096;
/// The same for a GPU.
const CUDA_GROUP_TOKENS: usize = 262_144;
/// Passages gathered at most: text nearly without tokens would otherwise gather vectors without bound.
const GROUP_PASSAGES: usize = 8192;

/// What encoding did.
#[derive(Debug, Default)]
pub struct EncodeReport {
    /// Documents that got their vectors.
    pub documents: u64,
    /// Documents that could not be encoded; they stay searchable by word.
    pub failed: u64,
    /// Tokens encoded.
    pub tokens: u64,
    /// Documents that still wait, after a Ctrl-C.
    pub waiting: u64,
    /// Stopped by Ctrl-C before the end.
    pub cancelled: bool,
    /// Time taken.
    pub elapsed: Duration,
}

/// Where a section on its way through the encoder belongs.
#[derive(Clone, Copy)]
struct Place {
    content: ContentKey,
    last: bool,
}

/// Encodes every live document that has no vectors of this encoder yet.
///
/// # Errors
/// The index's failures, and the encoder's when it cannot run at all. One document that cannot be encoded is
/// counted and warned about; it never stops the others.
pub fn encode_pending(
    app: &App,
    writer: &Writer,
    encoder: &Encoder,
) -> Result<EncodeReport, CliError> {
    let fingerprint = encoder.fingerprint().to_owned();
    let mut pending = writer.pending(&fingerprint)?;
    pending.sort_by_key(|document| (document.text_bytes, document.content));
    let mut run = Run {
        app,
        writer,
        encoder,
        fingerprint,
        sections: Vec::new(),
        places: Vec::new(),
        given_up: HashSet::new(),
        group_tokens: 0,
        group_limit: match encoder.device() {
            Device::Cpu => CPU_GROUP_TOKENS,
            Device::Cuda => CUDA_GROUP_TOKENS,
        },
        group_passages: 0,
        total_documents: pending.len() as u64,
        total_bytes: pending.iter().map(|document| document.text_bytes).sum(),
        done_bytes: 0,
        last_commit: Instant::now(),
        stage: Stage::new(app, "encoding"),
        report: EncodeReport::default(),
    };
    for document in &pending {
        run.document(document)?;
        if run.report.cancelled {
            break;
        }
    }
    run.finish()
}

struct Run<'a> {
    app: &'a App,
    writer: &'a Writer,
    encoder: &'a Encoder,
    fingerprint: String,
    sections: Vec<Section>,
    places: Vec<Place>,
    given_up: HashSet<ContentKey>,
    group_tokens: usize,
    group_limit: usize,
    group_passages: usize,
    total_documents: u64,
    total_bytes: u64,
    done_bytes: u64,
    last_commit: Instant,
    stage: Stage,
    report: EncodeReport,
}

impl Run<'_> {
    fn document(&mut self, document: &Pending) -> Result<(), CliError> {
        let Pending { content, next_passage: first_passage, text_bytes, .. } = document;
        let (first_passage, text_bytes) = (*first_passage, *text_bytes);
        let stored = match self.writer.content(content) {
            Ok(stored) => stored,
            // One text that a failing disk has spoilt must not keep the others from their vectors.
            Err(error @ (IndexError::Damaged { .. } | IndexError::UnknownContent { .. })) => {
                self.given_up.insert(*content);
                self.give_up(content, text_bytes, &error);
                self.app.warn("`lsearch rebuild` and another `lsearch add` read it again");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let ranges: Vec<_> = stored.passages.iter().map(|span| span.start..span.end).collect();
        let mut next = first_passage;
        while !self.report.cancelled
            && !self.given_up.contains(content)
            && let Some(section) = self.encoder.next_section(&stored.text, &ranges, next)?
        {
            next = section.passages.end;
            self.group_tokens += section.tokens();
            self.group_passages += section.passages.len();
            self.places.push(Place { content: *content, last: next >= ranges.len() });
            self.sections.push(section);
            if self.group_tokens >= self.group_limit || self.group_passages >= GROUP_PASSAGES {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Runs the gathered sections and hands their vectors to the index.
    fn flush(&mut self) -> Result<(), CliError> {
        let sections = std::mem::take(&mut self.sections);
        let places = std::mem::take(&mut self.places);
        self.group_tokens = 0;
        self.group_passages = 0;
        match self.encode(&sections, &places) {
            Ok(()) => {}
            Err(Failure::Cancelled) => self.report.cancelled = true,
            Err(Failure::Index(error)) => return Err(error),
            // Find the one at fault: each on its own, so that the others get their vectors.
            Err(Failure::Encoder(_)) => self.one_by_one(&sections, &places)?,
        }
        if self.last_commit.elapsed() >= COMMIT_EVERY {
            self.writer.commit()?;
            self.last_commit = Instant::now();
        }
        Ok(())
    }

    fn one_by_one(&mut self, sections: &[Section], places: &[Place]) -> Result<(), CliError> {
        for (section, place) in sections.iter().zip(places) {
            if self.given_up.contains(&place.content) {
                continue;
            }
            match self.encode(std::slice::from_ref(section), &[*place]) {
                Ok(()) => {}
                Err(Failure::Cancelled) => {
                    self.report.cancelled = true;
                    break;
                }
                Err(Failure::Index(error)) => return Err(error),
                Err(Failure::Encoder(error)) => {
                    // Sections must follow on one another, so the rest of this document is left out too.
                    self.given_up.insert(place.content);
                    self.give_up(&place.content, section.bytes.len() as u64, &error);
                }
            }
        }
        Ok(())
    }

    fn encode(&mut self, sections: &[Section], places: &[Place]) -> Result<(), Failure> {
        let group_bytes: u64 = sections.iter().map(|section| section.bytes.len() as u64).sum();
        let group_tokens: usize = sections.iter().map(Section::tokens).sum();
        let vectors = self
            .encoder
            .encode_sections(sections, &interrupt::requested, &|tokens| {
                let share = (tokens as f64 / group_tokens.max(1) as f64).min(1.0);
                self.show(self.done_bytes + (group_bytes as f64 * share) as u64, tokens);
            })
            .map_err(|error| match error {
                EngineError::Cancelled => Failure::Cancelled,
                other => Failure::Encoder(other),
            })?;
        for ((section, place), vectors) in sections.iter().zip(places).zip(&vectors) {
            let record = SectionRecord {
                first_passage: section.passages.start,
                last: place.last,
                tokens: vectors.tokens,
                mean: &vectors.mean,
                passages: &vectors.passages,
            };
            if self.given_up.contains(&place.content) {
                continue;
            }
            match self.writer.put_section(&self.fingerprint, &place.content, &record) {
                Ok(()) => {}
                // A vector that is none concerns this document alone: the others go on.
                Err(
                    error @ IndexError::Vector(VectorError::Zero | VectorError::NotFinite { .. }),
                ) => {
                    self.given_up.insert(place.content);
                    self.give_up(&place.content, 0, &error);
                    continue;
                }
                Err(error) => return Err(Failure::Index(error.into())),
            }
            self.report.tokens += vectors.tokens as u64;
            self.report.documents += u64::from(place.last);
        }
        self.done_bytes += group_bytes;
        Ok(())
    }

    fn give_up(&mut self, content: &ContentKey, bytes: u64, error: &dyn std::error::Error) {
        self.report.failed += 1;
        self.done_bytes += bytes;
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

    fn show(&self, done_bytes: u64, extra_tokens: usize) {
        let tokens = self.report.tokens + extra_tokens as u64;
        let seconds = self.stage.elapsed().as_secs_f64().max(0.001);
        self.stage.update(done_bytes, self.total_bytes, || {
            format!(
                "{} of {}, {} tokens/s{}",
                units::count(self.report.documents),
                units::plural(self.total_documents, "document"),
                units::count((tokens as f64 / seconds) as u64),
                self.stage.time_left(done_bytes, self.total_bytes)
            )
        });
    }

    fn finish(mut self) -> Result<EncodeReport, CliError> {
        if !self.report.cancelled && !self.sections.is_empty() {
            self.flush()?;
        }
        self.writer.commit()?;
        self.report.elapsed = self.stage.elapsed();
        self.report.waiting =
            self.total_documents - self.report.documents.min(self.total_documents);
        Ok(self.report)
    }
}

enum Failure {
    Cancelled,
    Encoder(EngineError),
    Index(CliError),
}
