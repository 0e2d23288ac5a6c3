//! What all connections share: the index and the encoder, in memory, and how much is done at a time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lsearch_engine::{Bundle, Verify};
use lsearch_index::Reader;
use tokio::sync::Semaphore;

use super::guard::Guard;
use crate::app::{App, Listener, Message};
use crate::daemon::queries::Queries;
use crate::encoder;
use crate::errors::CliError;
use crate::interrupt;

/// So many searches run side by side; others wait, or are given up by a browser that has typed on.
const SEARCHES: usize = 4;
/// A daemon that does not answer holds up whoever asks how things stand, and no search.
const LOOKS: usize = 2;
/// The index is asked for new commits at most so often.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// After a commit, what the next search needs is read so soon.
const WARM_EVERY: Duration = Duration::from_millis(500);

/// Shared by all connections.
pub struct State {
    /// This invocation.
    pub app: App,
    /// Who may ask.
    pub guard: Guard,
    /// Reader and encoder.
    pub queries: Queries,
    /// A permit for each search that runs.
    pub searches: Semaphore,
    /// A permit for each look at how things stand.
    pub looks: Semaphore,
    looked: Mutex<Option<Instant>>,
    bundle: Mutex<Option<Arc<Bundle>>>,
}

impl State {
    /// With nothing in memory yet.
    pub fn new(app: &App, guard: Guard) -> Self {
        Self {
            app: app.clone(),
            guard,
            queries: Queries::new(app.clone()),
            searches: Semaphore::new(SEARCHES),
            looks: Semaphore::new(LOOKS),
            looked: Mutex::default(),
            bundle: Mutex::default(),
        }
    }

    /// Has the next search look for new commits, unless one just did.
    pub fn look(&self) {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.is_none_or(|at| at.elapsed() > LOOK_EVERY) {
            *looked = Some(Instant::now());
            self.queries.index_changed();
        }
    }

    /// The index as of a moment ago.
    pub fn reader(&self) -> Result<Arc<Reader>, CliError> {
        self.look();
        self.queries.reader()
    }

    /// The encoder's bundle; `None` where it cannot be used, which a search tells.
    pub fn bundle(&self) -> Option<Arc<Bundle>> {
        let mut held = self.bundle.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            *held = encoder::bundle(&self.app, Verify::Sizes).ok().map(Arc::new);
        }
        held.clone()
    }

    /// Keeps searches warm while there are any, and memory free while there are none, up to the end.
    pub fn tidy(&self) {
        while !interrupt::requested() {
            std::thread::sleep(WARM_EVERY);
            if self.queries.is_warm() {
                self.look();
                self.queries.warm_up();
                self.queries.cool_down();
            }
        }
    }
}

/// Hears what is said of one request, for its answer: nothing of it goes to the terminal.
#[derive(Default)]
pub struct Remarks(Mutex<Vec<(Message, String)>>);

impl Remarks {
    /// What was said.
    pub fn take(&self) -> Vec<String> {
        self.drain().into_iter().map(|(_, text)| text).collect()
    }

    /// What was warned of alone.
    pub fn take_warnings(&self) -> Vec<String> {
        let warnings = self.drain().into_iter().filter(|(kind, _)| *kind == Message::Warn);
        warnings.map(|(_, text)| text).collect()
    }

    fn drain(&self) -> Vec<(Message, String)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Listener for Remarks {
    fn message(&self, kind: Message, text: &str) {
        if kind != Message::Detail {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((kind, text.to_owned()));
        }
    }

    fn progress(&self, _stage: &str, _done: u64, _total: u64, _words: &str) {}
}
