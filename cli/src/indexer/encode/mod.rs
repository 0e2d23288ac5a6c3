//! Texts to vectors: whole documents, section by section, smallest first, durable every few seconds.
//!
//! Three stages go on side by side, each at most a little ahead of the next: several threads read and
//! tokenise ([`sections`], handed on in order by [`produce`] under the bounds of [`ahead`]); one or two wait
//! for the encoder ([`groups`], kept in order by [`turns`]); the calling thread writes ([`store`]).
//! On a GPU all three matter; on the CPU the encoder is all but everything, and one thread tokenises.

mod ahead;
mod groups;
mod produce;
mod progress;
mod sections;
mod stages;
mod store;
mod turns;

use std::cell::Cell;
use std::collections::HashSet;
use std::time::{Duration, Instant};

use lsearch_engine::{Clock, Device, Encoder, Section};
use lsearch_index::{ContentKey, Pending, Writer};
use rayon::ThreadPoolBuilder;

use self::ahead::{Ahead, AheadLimits, StopOnDrop};
use self::groups::{Group, Groups};
use self::progress::Progress;
use self::sections::{GivenUp, SectionCutter};
use self::stages::StageTimes;
use self::store::{Encoded, Store};
use crate::app::App;
use crate::errors::CliError;
use crate::indexer::rates;
use crate::output::progress::Stage;
use crate::output::units;

/// How often is written down what still waits.
const NOTE_EVERY: Duration = Duration::from_secs(5);

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

/// How much of each stage there is.
#[derive(Debug, Clone, Copy)]
struct Plan {
    /// Threads that read and tokenise.
    threads: usize,
    /// How far they may be ahead.
    ahead: AheadLimits,
    /// Tokens gathered before the encoder is called.
    group_tokens: usize,
    /// Groups that are with the encoder at a time.
    groups: usize,
}

impl Plan {
    fn new(device: Device, threads: usize) -> Self {
        match device {
            // A group is a second or two of work on two cores, so that a kill costs no more. One thread
            // tokenises a hundred times as fast as that, and takes next to nothing from the encoder.
            Device::Cpu => Plan {
                threads: 1,
                ahead: AheadLimits { weight: 4096, text_bytes: 0 },
                group_tokens: 4096,
                groups: 1,
            },
            // A group is less than a tenth of a second. The second one is laid out, and the first one
            // pooled, while the other runs.
            Device::Cuda => Plan {
                threads,
                ahead: AheadLimits { weight: 1 << 20, text_bytes: 64 << 20 },
                group_tokens: 1 << 18,
                groups: 2,
            },
        }
    }
}

/// A way through the documents that wait, in one run or in several.
#[derive(Debug, Default)]
pub struct Course {
    /// Text that a run takes on, in bytes, though at least one document; `None` for all. Between two runs what came
    /// in meanwhile gets its turn.
    pub run_bytes: Option<u64>,
    /// Documents that could not be encoded.
    pub given_up: HashSet<ContentKey>,
    /// Documents and bytes of text behind us.
    done: (u64, u64),
}

/// Encodes the live documents that have no vectors of this encoder yet, in order of size.
///
/// # Errors
/// The index's failures, and the encoder's when it cannot run at all. One document that cannot be encoded is
/// counted and warned about; it never stops the others.
pub fn encode_pending(
    app: &App,
    writer: &Writer,
    encoder: &Encoder,
    course: &mut Course,
) -> Result<EncodeReport, CliError> {
    let stage = Stage::new(app, "encoding");
    let mut documents = writer.pending(encoder.fingerprint())?;
    documents.retain(|document| !course.given_up.contains(&document.content));
    documents.sort_by_key(|document| (document.text_bytes, document.content));
    let total_documents = documents.len() as u64;
    let total_bytes: u64 = documents.iter().map(|document| document.text_bytes).sum();
    documents.truncate(course.first(&documents));
    let run_bytes: u64 = documents.iter().map(|document| document.text_bytes).sum();
    let done = course.done;
    let plan = Plan::new(encoder.device(), app.config.threads());
    let pool = ThreadPoolBuilder::new()
        .num_threads(plan.threads)
        .thread_name(|number| format!("lsearch-tokens-{number}"))
        .build()
        .map_err(|error| CliError::new(format!("cannot start threads to tokenise: {error}")))?;
    let (given_up, progress) = (GivenUp::default(), Progress::default());
    let (reading, storing) = (Clock::default(), Clock::default());
    let times_before = encoder.times();
    let ahead = Ahead::new(plan.ahead);
    let cutter = SectionCutter { writer, encoder, given_up: &given_up, reading: &reading };
    let (producer, pieces) = produce::produce(&cutter, &documents, &ahead);
    let (turns, encoded) = turns::turns(Groups { pieces, tokens: plan.group_tokens }, 1);
    let mut store = Store {
        app,
        writer,
        fingerprint: encoder.fingerprint(),
        given_up: &given_up,
        progress: &progress,
        storing: &storing,
        report: EncodeReport::default(),
        last_commit: Instant::now(),
    };
    let on_cpu = Cell::new(0_u64);
    let noted = Cell::new(Instant::now());
    let note = |report: &EncodeReport| {
        let documents = total_documents.saturating_sub(report.documents + report.failed);
        rates::note_waiting(app, documents, total_bytes.saturating_sub(progress.bytes()));
    };
    let show = |report: &EncodeReport| {
        if noted.get().elapsed() >= NOTE_EVERY {
            noted.set(Instant::now());
            note(report);
        }
        for notice in encoder.take_notices() {
            if on_cpu.replace(on_cpu.get() + 1) == 0 {
                app.warn(notice);
            }
        }
        show(&stage, report, &progress, (total_documents, total_bytes), done);
    };
    std::thread::scope(|scope| {
        // On the pool's own threads, so that a long text is tokenised by those that stand idle, not by more.
        scope.spawn(|| pool.broadcast(|_| producer.run()));
        for _ in 0..plan.groups {
            scope.spawn(|| turns.run(|group| encode(app, encoder, &progress, &ahead, group)));
        }
        let _stop = StopOnDrop(&ahead);
        // Moved here, so that it is gone when storing ends, and no one waits to hand in more.
        let encoded = encoded;
        store.run(&encoded, show)
    })?;
    if on_cpu.get() > 1 {
        app.warn(format_args!(
            "{} parts of documents in all were encoded on the CPU",
            on_cpu.get()
        ));
    }
    let mut report = store.report;
    note(&report);
    rates::note_encoding(app, encoder.device(), progress.bytes(), stage.elapsed());
    course.done.0 += report.documents + report.failed;
    course.done.1 += if report.cancelled { progress.bytes() } else { run_bytes };
    course.given_up.extend(given_up.into_contents());
    report.elapsed = stage.elapsed();
    report.waiting = total_documents - report.documents.min(total_documents);
    let mut times = StageTimes {
        elapsed: report.elapsed,
        read: reading.total(),
        threads: plan.threads,
        store: storing.total(),
        ..StageTimes::default()
    };
    times.add_encoder(times_before, encoder.times());
    app.detail(times.line(report.tokens));
    Ok(report)
}

impl Course {
    /// Nothing waits any more: what comes next is another way. What could not be encoded stays given up.
    pub fn arrived(&mut self) {
        self.done = (0, 0);
    }

    /// How many of the documents a run takes on.
    fn first(&self, documents: &[Pending]) -> usize {
        let Some(budget) = self.run_bytes else { return documents.len() };
        let mut bytes = 0;
        let fitting = documents.iter().take_while(|document| {
            bytes += document.text_bytes;
            bytes <= budget
        });
        fitting.count().max(1)
    }
}

/// Runs a group; `None` when cancelled.
fn encode(
    app: &App,
    encoder: &Encoder,
    progress: &Progress,
    ahead: &Ahead,
    group: Group,
) -> Option<Encoded> {
    let cancel = || app.stop.requested() || ahead.is_stopped();
    let outcomes = groups::outcomes(&group.places, |range| {
        let bytes = group.places[range.clone()].iter().map(|place| place.bytes).sum();
        let sections = &group.sections[range];
        let tokens = sections.iter().map(|section| Section::tokens(section) as u64).sum();
        let call = progress.call(bytes, tokens);
        let vectors = encoder.encode_sections(sections, &cancel, &|tokens| call.done(tokens));
        if vectors.is_err() {
            call.failed();
        }
        vectors
    })?;
    let Group { places, failed, fatal, .. } = group;
    Some(Encoded { places, outcomes, failed, fatal })
}

fn show(
    stage: &Stage,
    report: &EncodeReport,
    progress: &Progress,
    (total_documents, total_bytes): (u64, u64),
    before: (u64, u64),
) {
    let done_bytes = progress.bytes();
    let seconds = stage.elapsed().as_secs_f64().max(0.001);
    stage.update(before.1 + done_bytes, before.1 + total_bytes, || {
        format!(
            "{} of {}, {} tokens/s{}",
            units::count(before.0 + report.documents),
            units::plural(before.0 + total_documents, "document"),
            units::count((progress.tokens() as f64 / seconds) as u64),
            stage.time_left(done_bytes, total_bytes)
        )
    });
}
