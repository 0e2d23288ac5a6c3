//! What the daemon's threads share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use lsearch_ingest::watch::{Change, Settle};

use super::encoding::Turnout;
use super::hub::{Hub, Wire};
use super::keeper::Job;
use super::locked;
use super::protocol::{DaemonStatus, RootStatus};
use super::queries::Queries;
use super::roots::Roots;
use crate::app::App;

/// Everything that more than one thread looks at.
pub struct Shared {
    /// Heard by the hub.
    pub app: App,
    /// Log and subscribers.
    pub hub: Arc<Hub>,
    /// Changed paths on their way to rest.
    pub changes: Arc<Changes>,
    /// Work for the keeper, in order.
    pub jobs: Sender<Job>,
    /// Jobs that are not done.
    pub jobs_waiting: AtomicU64,
    /// The added folders as the daemon follows them.
    pub roots: Roots,
    /// What the encoding thread is told and tells.
    pub turnout: Turnout,
    /// Why encoding rests.
    pub pause: Pause,
    /// Searches.
    pub queries: Queries,
    /// What keeps the index from being written.
    pub trouble: Mutex<Option<String>>,
    /// The watches stand.
    pub ready: AtomicBool,
    started: Instant,
}

impl Shared {
    /// At the start; also gives the end at which the keeper takes its jobs.
    pub fn new(app: &App, hub: Arc<Hub>) -> (Self, Receiver<Job>) {
        let (jobs, keeper) = unbounded();
        let app = app.heard_by(hub.clone());
        let shared = Self {
            queries: Queries::new(app.clone()),
            app,
            hub,
            changes: Arc::new(Changes::new()),
            jobs,
            jobs_waiting: AtomicU64::new(0),
            roots: Roots::default(),
            turnout: Turnout::default(),
            pause: Pause::default(),
            trouble: Mutex::default(),
            ready: AtomicBool::new(false),
            started: Instant::now(),
        };
        (shared, keeper)
    }

    /// Hands the keeper a job.
    pub fn give(&self, job: Job) {
        self.jobs_waiting.fetch_add(1, Ordering::Relaxed);
        if self.jobs.send(job).is_err() {
            self.jobs_waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// There may be something to encode and to find.
    pub fn index_changed(&self) -> u64 {
        self.queries.index_changed();
        self.turnout.ring()
    }

    /// What keeps the index from being written.
    pub fn trouble(&self) -> MutexGuard<'_, Option<String>> {
        locked(&self.trouble)
    }

    /// How the daemon stands.
    pub fn status(&self) -> DaemonStatus {
        let doing = self.hub.doing();
        let paused = self.pause.reason();
        let trouble = self.trouble().clone().or_else(|| self.turnout.trouble());
        let waiting = self.jobs_waiting.load(Ordering::Relaxed) + self.changes.waiting();
        let state = match (&doing, &paused, &trouble) {
            _ if !self.ready.load(Ordering::Relaxed) => "starting",
            (_, _, Some(_)) => "trouble",
            (Some(doing), _, _) => doing.stage.as_str(),
            (None, Some(_), _) => "paused",
            (None, None, _) if waiting > 0 => "reading",
            _ => "idle",
        };
        DaemonStatus {
            running: true,
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_sec: self.started.elapsed().as_secs(),
            state: state.to_owned(),
            doing: doing.as_ref().map(|doing| doing.words.clone()).unwrap_or_default(),
            paused,
            trouble,
            reconciled_sec_ago: self.roots.reconciled().map(|at| at.elapsed().as_secs()),
            waiting,
            watched_folders: self.roots.watched_folders() as u64,
            roots: self.roots.each(|path, root| RootStatus {
                path: path.to_string_lossy().into_owned(),
                online: root.online,
                watching: if root.polled.is_some() { "polling" } else { "events" }.to_owned(),
                reason: root.polled.clone(),
            }),
            encoder_loaded: self.queries.is_warm(),
            memory_bytes: super::manners::resident_bytes(),
            log: self.hub.log().path().to_string_lossy().into_owned(),
        }
    }

    /// Whether nothing waits to be read or encoded.
    pub fn is_at_rest(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
            && self.jobs_waiting.load(Ordering::Relaxed) == 0
            && self.changes.is_at_rest()
            && self.roots.reconciled().is_some()
            && self.turnout.is_done()
    }
}

/// Changed paths, noted by the watcher's thread and taken by the keeper.
pub struct Changes {
    settle: Mutex<Settle>,
    /// The keeper looks at these now.
    in_hand: AtomicBool,
    ring: Sender<()>,
    /// Rings when there is something new.
    pub bell: Receiver<()>,
}

impl Changes {
    fn new() -> Self {
        let (ring, bell) = bounded(1);
        Self { settle: Mutex::default(), in_hand: AtomicBool::new(false), ring, bell }
    }

    /// Notes what the watcher heard.
    pub fn note(&self, change: &Change) {
        let (mut settle, now) = (self.settle(), Instant::now());
        match change {
            Change::At { path, replaced } => settle.changed(path, *replaced, now),
            Change::Lost => settle.lost(now),
        }
        drop(settle);
        // A bell that rings already need not be rung.
        let _ = self.ring.try_send(());
    }

    /// Wakes the keeper.
    pub fn wake(&self) {
        let _ = self.ring.try_send(());
    }

    /// The changed paths.
    pub fn settle(&self) -> MutexGuard<'_, Settle> {
        locked(&self.settle)
    }

    /// The keeper takes changes in hand, or has dealt with them.
    pub fn in_hand(&self, yes: bool) {
        self.in_hand.store(yes, Ordering::Relaxed);
    }

    fn waiting(&self) -> u64 {
        self.settle().len() as u64
    }

    fn is_at_rest(&self) -> bool {
        let settle = self.settle();
        settle.due().is_none() && !self.in_hand.load(Ordering::Relaxed)
    }
}

/// Why encoding rests, if it does.
#[derive(Default)]
pub struct Pause {
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    by_person: Option<Until>,
    by_battery: bool,
}

#[derive(Clone, Copy)]
enum Until {
    Resumed,
    Time(Instant),
}

impl Pause {
    /// A person wants quiet, for a while or until they say otherwise.
    pub fn pause(&self, time: Option<Duration>) {
        let until = time.and_then(|time| Instant::now().checked_add(time));
        self.asked().by_person = Some(until.map_or(Until::Resumed, Until::Time));
    }

    /// The person wants it to go on, on battery too.
    pub fn resume(&self) {
        *self.asked() = Asked::default();
    }

    /// The machine runs on its battery, or does no more.
    pub fn battery(&self, on: bool) {
        self.asked().by_battery = on;
    }

    /// In words; `None` when nothing keeps it from encoding.
    pub fn reason(&self) -> Option<String> {
        let mut asked = self.asked();
        match asked.by_person {
            Some(Until::Time(end)) if end <= Instant::now() => asked.by_person = None,
            Some(Until::Time(end)) => {
                let left = end.duration_since(Instant::now());
                let left = crate::output::units::duration(left);
                return Some(format!("for {left} more (lsearch daemon resume ends it)"));
            }
            Some(Until::Resumed) => return Some("until lsearch daemon resume".to_owned()),
            None => {}
        }
        asked
            .by_battery
            .then(|| "while on battery (lsearch daemon resume goes on all the same)".to_owned())
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        locked(&self.asked)
    }
}

/// A job's client, and where it waits for the end.
pub struct Reply {
    /// The client.
    pub wire: Arc<Wire>,
    /// Takes the outcome.
    pub outcome: Sender<Result<u8, crate::errors::CliError>>,
}
