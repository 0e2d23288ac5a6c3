//! The thread that encodes: a slice at a time, so that what comes in soon has its turn.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lsearch_engine::{Device, Encoder, Verify};
use lsearch_index::Writer;

use super::locked;
use super::shared::Shared;
use crate::app::App;
use crate::encoder;
use crate::errors::CliError;
use crate::indexer::{Course, encode_pending};
use crate::interrupt::Stop;
use crate::output::units;

/// Text of one slice on the CPU: some ten seconds on two cores. A longer document is a slice of its own.
const SLICE_BYTES: u64 = 200_000;
/// The same on a GPU.
const SLICE_BYTES_CUDA: u64 = 100_000_000;
/// The encoder is kept so long after its last work: an editor may save again.
const KEPT_FOR: Duration = Duration::from_secs(20);
/// How often is looked whether a pause has ended.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a failure of the encoder it is tried again after so long, and ever more, up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(1800));

/// What the encoding thread is told and tells.
#[derive(Default)]
pub struct Turnout {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How often there was something new.
    rung: u64,
    /// Up to which of these all is encoded that can be.
    done: u64,
    trouble: Option<String>,
}

impl Turnout {
    /// There may be something to encode, or a reason to look up.
    pub fn ring(&self) -> u64 {
        let mut state = self.lock();
        state.rung += 1;
        self.changed.notify_all();
        state.rung
    }

    /// Whether all is encoded that can be.
    pub fn is_done(&self) -> bool {
        let state = self.lock();
        state.done >= state.rung
    }

    /// What keeps the encoder from working.
    pub fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    /// Waits a little for the encoder to be through with what there was at a ring; true when it is.
    pub fn wait_for(&self, ring: u64, time: Duration) -> bool {
        let state = self.lock();
        let (state, _) = self
            .changed
            .wait_timeout_while(state, time, |state| state.done < ring)
            .unwrap_or_else(PoisonError::into_inner);
        state.done >= ring
    }

    /// Waits for a ring after this one; gives the last there was.
    fn heard_after(&self, ring: u64, time: Duration) -> u64 {
        let state = self.lock();
        let (state, _) = self
            .changed
            .wait_timeout_while(state, time, |state| state.rung <= ring)
            .unwrap_or_else(PoisonError::into_inner);
        state.rung
    }

    /// How often there was something new.
    pub fn rung(&self) -> u64 {
        self.lock().rung
    }

    fn through(&self, ring: u64, trouble: Option<String>) {
        let mut state = self.lock();
        state.done = state.done.max(ring);
        state.trouble = trouble;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

/// Encodes whatever waits until the session ends.
///
/// # Errors
/// The index's. What is wrong with the encoder is told and tried again later.
pub fn run(shared: &Shared, writer: &Writer, end: &Stop) -> Result<(), CliError> {
    let mut work =
        Work { shared, writer, end, encoder: None, course: Course::default(), maintained: None };
    let (mut ring, mut pause) = (0, PAUSES.0);
    while !work.is_over() {
        let heard = shared.turnout.rung();
        if shared.pause.reason().is_some() {
            work.encoder = None;
            shared.turnout.heard_after(heard, LOOK_EVERY);
            continue;
        }
        let idle = heard == ring;
        if !idle {
            match work.all() {
                Ok(true) => {
                    pause = PAUSES.0;
                    ring = heard;
                    shared.turnout.through(heard, None);
                }
                // A pause or the end came in between.
                Ok(false) => continue,
                Err(Failed::Index(error)) => return Err(error),
                Err(Failed::Encoder(error)) => {
                    shared
                        .app
                        .warn(format_args!("documents stay searchable by word only: {error}"));
                    shared.turnout.through(heard, Some(error.message().to_owned()));
                    work.encoder = None;
                    work.sleep(pause);
                    pause = (pause * 2).min(PAUSES.1);
                    continue;
                }
            }
        }
        let time = if work.encoder.is_some() { KEPT_FOR } else { Duration::from_secs(3600) };
        if shared.turnout.heard_after(heard, time) == heard && work.encoder.take().is_some() {
            super::manners::give_back_memory();
        }
    }
    Ok(())
}

enum Failed {
    Index(CliError),
    Encoder(CliError),
}

struct Work<'a> {
    shared: &'a Shared,
    writer: &'a Writer,
    end: &'a Stop,
    encoder: Option<Encoder>,
    course: Course,
    /// The commit after which maintenance was done.
    maintained: Option<u64>,
}

impl Work<'_> {
    fn is_over(&self) -> bool {
        is_over(self.shared, self.end)
    }

    /// Rests, unless it is over.
    fn sleep(&self, time: Duration) {
        let until = Instant::now() + time;
        while !self.is_over()
            && let Some(left) = until.checked_duration_since(Instant::now())
        {
            std::thread::sleep(left.min(Duration::from_millis(200)));
        }
    }

    /// Encodes until nothing waits; false when a pause or the end came in between.
    fn all(&mut self) -> Result<bool, Failed> {
        let bundle = encoder::bundle(&self.shared.app, Verify::Sizes).map_err(Failed::Encoder)?;
        loop {
            let waiting = self.writer.pending(bundle.fingerprint()).map_err(index)?;
            let given_up = &self.course.given_up;
            if waiting.iter().all(|document| given_up.contains(&document.content)) {
                self.shared.hub.at_rest();
                self.course.arrived();
                return self.maintain();
            }
            if is_to_rest(self.shared, self.end) {
                self.shared.hub.at_rest();
                return Ok(false);
            }
            self.slice(&bundle)?;
        }
    }

    fn slice(&mut self, bundle: &lsearch_engine::Bundle) -> Result<(), Failed> {
        let encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => encoder::open(&self.shared.app, bundle).map_err(Failed::Encoder)?,
        };
        self.course.run_bytes = Some(match encoder.device() {
            Device::Cpu => SLICE_BYTES,
            Device::Cuda => SLICE_BYTES_CUDA,
        });
        // Asked for by a pause and by the end of the session, neither of which ends the daemon.
        let app = App { stop: Stop::default(), ..self.shared.app.clone() };
        let (shared, end) = (self.shared, self.end);
        let report = std::thread::scope(|scope| {
            let (done, is_done) = crossbeam_channel::bounded::<()>(0);
            let stop = app.stop.clone();
            scope.spawn(move || {
                let timeout = crossbeam_channel::RecvTimeoutError::Timeout;
                while is_done.recv_timeout(Duration::from_millis(100)) == Err(timeout) {
                    if is_to_rest(shared, end) {
                        stop.ask();
                    }
                }
            });
            let report = encode_pending(&app, self.writer, &encoder, &mut self.course);
            drop(done);
            report
        });
        let report = report.map_err(index)?;
        if report.documents > 0 {
            self.shared.app.say(format_args!(
                "{} encoded in {}",
                units::plural(report.documents, "document"),
                units::duration(report.elapsed)
            ));
            self.shared.queries.index_changed();
        }
        let share = self.shared.app.config.encode_share_percent();
        self.encoder = Some(encoder);
        self.sleep(report.elapsed * (100 - share) / share);
        Ok(())
    }

    fn maintain(&mut self) -> Result<bool, Failed> {
        let sequence = self.writer.commit().map_err(index)?;
        if self.maintained == Some(sequence) {
            return Ok(true);
        }
        let cancel = || is_to_rest(self.shared, self.end);
        match self.writer.maintain(&cancel) {
            Ok(_) => {
                self.maintained = Some(sequence);
                self.shared.queries.index_changed();
                Ok(true)
            }
            Err(lsearch_index::IndexError::Cancelled) => Ok(false),
            Err(error) => Err(index(error)),
        }
    }
}

/// Whether the session, or the daemon, is to end.
fn is_over(shared: &Shared, end: &Stop) -> bool {
    end.requested() || shared.app.stop.requested()
}

/// Whether it is to end, or encoding is paused.
fn is_to_rest(shared: &Shared, end: &Stop) -> bool {
    is_over(shared, end) || shared.pause.reason().is_some()
}

fn index(error: impl Into<CliError>) -> Failed {
    Failed::Index(error.into())
}
