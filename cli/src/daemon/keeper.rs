//! The keeper: the one thread that scans, and that changes the list of folders.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, select};
use lsearch_index::folders::Folders;
use lsearch_index::{IndexError, Writer};

use super::hub::Both;
use super::shared::{Reply, Shared};
use super::{encoding, look, manners, tries_again};
use crate::app::App;
use crate::commands::{add, rebuild, remove, retry};
use crate::errors::{CliError, EXIT_OK};
use crate::indexer;
use crate::interrupt::Stop;
use crate::places::shorten_home;

/// All folders are compared with the disk so often, events or not.
const RECONCILE_EVERY: Duration = Duration::from_secs(600);
/// Roots that went, or are not heard of, are looked after so often; the others' being there, too.
const LOOK_AFTER_EVERY: Duration = Duration::from_secs(5);
/// Where nothing needs looking after, the clock and the roots are.
const LOOK_UP_EVERY: Duration = Duration::from_secs(20);
/// A clock that is so far ahead of the time that passed tells that the machine slept.
const SLEPT: Duration = Duration::from_secs(60);
/// After a failure the index is opened again after so long, and ever more, up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Something a client wants of the index.
pub enum Job {
    /// Add folders; with none, bring all up to date.
    Add { folders: Vec<PathBuf>, exclude: Vec<String>, reply: Reply },
    /// Forget added folders.
    Remove { folders: Vec<PathBuf>, reply: Reply },
    /// Read the failed files again.
    Retry { reply: Reply },
    /// Build the caches anew.
    Rebuild { reply: Reply },
}

/// Opens the index, works, and opens it again after a failure, until the daemon is to end.
pub fn run(shared: &Arc<Shared>, jobs: &Receiver<Job>) {
    manners::step_back();
    let stop = &shared.app.stop;
    let mut pause = PAUSES.0;
    while !stop.requested() {
        let started = Instant::now();
        let worked = catch_unwind(AssertUnwindSafe(|| session(shared, jobs)));
        let error = match worked {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(_) => panicked(),
        };
        shared.hub.at_rest();
        if stop.requested() {
            return;
        }
        shared.app.warn(format_args!("{error}"));
        *shared.trouble() = Some(error.message().to_owned());
        // One that worked for a while begins again with a short pause.
        pause = if started.elapsed() > PAUSES.1 { PAUSES.0 } else { (pause * 2).min(PAUSES.1) };
        rest(shared, jobs, pause, &error);
    }
}

/// Waits a while; jobs that come meanwhile are told why they cannot be done.
fn rest(shared: &Shared, jobs: &Receiver<Job>, pause: Duration, error: &CliError) {
    let until = Instant::now() + pause;
    while !shared.app.stop.requested()
        && let Some(left) = until.checked_duration_since(Instant::now())
    {
        if let Ok(job) = jobs.recv_timeout(left.min(Duration::from_millis(200))) {
            answer(shared, reply_of(job), Err(tries_again(error.message())));
        }
    }
}

fn reply_of(job: Job) -> Reply {
    match job {
        Job::Add { reply, .. }
        | Job::Remove { reply, .. }
        | Job::Retry { reply }
        | Job::Rebuild { reply } => reply,
    }
}

fn answer(shared: &Shared, reply: Reply, outcome: Result<u8, CliError>) {
    shared.jobs_waiting.fetch_sub(1, Ordering::Relaxed);
    // The client may be gone.
    let _ = reply.outcome.send(outcome);
}

fn session(shared: &Arc<Shared>, jobs: &Receiver<Job>) -> Result<(), CliError> {
    let app = &shared.app;
    let Some(writer) = open(shared)? else { return Ok(()) };
    *shared.trouble() = None;
    shared.index_changed();
    // Ends encoding with the session, while the daemon may go on.
    let end = Stop::default();
    let worked = std::thread::scope(|scope| {
        let encoding = scope.spawn(|| {
            manners::step_back();
            let _ended = Ended { shared, end: &end };
            encoding::run(shared, &writer, &end)
        });
        let mut keeper = Keeper { shared, app, writer: &writer, clock: Clock::now() };
        let kept = catch_unwind(AssertUnwindSafe(|| keeper.keep(jobs, &end)));
        end.ask();
        shared.turnout.ring();
        let encoded = encoding.join();
        match (kept, encoded) {
            (Ok(Err(error)), _) => Err(error),
            (Ok(Ok(())), Ok(Ok(()))) => Ok(()),
            (Ok(Ok(())), Ok(Err(error))) => Err(error),
            (Err(_), _) | (_, Err(_)) => Err(panicked()),
        }
    });
    worked?;
    Ok(writer.close()?)
}

/// Ends the session with the encoding, however that ends: a disk that fails it is told and tried again by the next
/// session only.
struct Ended<'a> {
    shared: &'a Shared,
    end: &'a Stop,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.end.ask();
        self.shared.changes.wake();
    }
}

fn panicked() -> CliError {
    CliError::new("a part of the daemon failed; the log tells where")
}

/// Opens the writer, waiting for another process that has it; `None` when the daemon is to end meanwhile.
fn open(shared: &Shared) -> Result<Option<Writer>, CliError> {
    let app = &shared.app;
    let mut told = false;
    while !app.stop.requested() {
        match indexer::try_open_writer(app, &app.places.data) {
            Ok(writer) => return Ok(Some(writer)),
            Err(error @ IndexError::Locked { .. }) => {
                if !told {
                    app.warn(format_args!("{error}; waiting until it is done"));
                    *shared.trouble() = Some(error.to_string());
                    told = true;
                }
                std::thread::sleep(Duration::from_millis(200));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

struct Keeper<'a> {
    shared: &'a Arc<Shared>,
    app: &'a App,
    writer: &'a Writer,
    clock: Clock,
}

impl Keeper<'_> {
    /// Until the daemon or the session is to end.
    fn keep(&mut self, jobs: &Receiver<Job>, end: &Stop) -> Result<(), CliError> {
        // What changed while nobody looked.
        self.reconcile()?;
        let mut looked_after = Instant::now();
        while !end.requested() && !self.app.stop.requested() {
            let every = match self.shared.roots.needs_looking_after() {
                true => LOOK_AFTER_EVERY,
                false => LOOK_UP_EVERY,
            };
            let due = self.shared.changes.settle().due();
            let wait = due.unwrap_or(looked_after + every).min(looked_after + every);
            select! {
                recv(jobs) -> job => match job {
                    Ok(job) => self.job(job)?,
                    Err(_) => return Ok(()),
                },
                recv(self.shared.changes.bell) -> _ => {}
                default(wait.saturating_duration_since(Instant::now())) => {}
            }
            self.changes()?;
            if looked_after.elapsed() >= every {
                self.look_after()?;
                looked_after = Instant::now();
            }
        }
        Ok(())
    }

    /// Looks at what has come to rest.
    fn changes(&mut self) -> Result<(), CliError> {
        let changes = &self.shared.changes;
        changes.in_hand(true);
        let batch = changes.settle().take(Instant::now());
        let done = self.batch(&batch);
        changes.in_hand(false);
        done
    }

    fn batch(&mut self, batch: &lsearch_ingest::watch::Batch) -> Result<(), CliError> {
        if batch.everything {
            self.app.say("events were lost: looking at everything");
            return self.reconcile();
        }
        if batch.paths.is_empty() {
            return Ok(());
        }
        let looked = look::at_batch(self.shared, self.writer, batch)?;
        if !looked.whole.is_empty() {
            self.look_at(Some(&looked.whole))?;
        }
        self.shared.hub.at_rest();
        Ok(())
    }

    /// What no event tells: roots that went or came, those that are polled, a machine that slept, and once in a while
    /// everything.
    fn look_after(&mut self) -> Result<(), CliError> {
        self.shared.pause.battery(self.app.config.pauses_on_battery() && manners::on_battery());
        let reconciled = self.shared.roots.reconciled();
        let stale = reconciled.is_none_or(|at| at.elapsed() >= RECONCILE_EVERY);
        if self.clock.slept() || stale {
            return self.reconcile();
        }
        let due = self.shared.roots.due();
        if !due.is_empty() {
            self.look_at(Some(&due))?;
        }
        Ok(())
    }

    fn reconcile(&mut self) -> Result<(), CliError> {
        self.look_at(None)?;
        self.shared.roots.reconcile_ended();
        Ok(())
    }

    /// Looks at some roots whole, or at all of them.
    fn look_at(&mut self, some: Option<&[PathBuf]>) -> Result<(), CliError> {
        let folders = Folders::load(&self.app.places.data)?;
        self.shared.roots.follow(&folders);
        let chosen = |path: &Path| some.is_none_or(|some| some.iter().any(|one| one == path));
        let roots: Vec<_> = folders
            .folders
            .iter()
            .filter(|folder| chosen(&folder.path))
            .map(|folder| (folder.path.clone(), folder.exclude.clone()))
            .collect();
        let before: Vec<_> = self.shared.roots.each(|path, root| (path.to_owned(), root.online));
        let report = look::at_roots(self.shared, self.app, self.writer, &roots, false)?;
        self.shared.hub.at_rest();
        if report.scan.changed() > 0 || report.scan.failed > 0 {
            let parts = report.scan.parts().join(", ");
            self.app.detail(format_args!("looked at {} folders: {parts}", roots.len()));
        }
        for (root, was_online) in before {
            let is_offline = report.offline.contains(&root);
            let shown = shorten_home(&root);
            if is_offline && was_online {
                self.app.warn(format_args!("{shown} is not there now; its documents are kept"));
            } else if !was_online && !is_offline && chosen(&root) {
                self.app.say(format_args!("{shown} is there again"));
            }
        }
        for (_, error) in &report.unreadable {
            self.app.warn(format_args!("{error}; its documents are kept"));
        }
        Ok(())
    }

    fn job(&mut self, job: Job) -> Result<(), CliError> {
        let client = |reply: &Reply| {
            self.app.heard_by(Arc::new(Both(Arc::clone(&reply.wire), Arc::clone(&self.shared.hub))))
        };
        let (outcome, reply) = match job {
            Job::Add { folders, exclude, reply } => {
                (self.add(&client(&reply), &folders, &exclude), reply)
            }
            Job::Remove { folders, reply } => (self.remove(&client(&reply), &folders), reply),
            Job::Retry { reply } => {
                let app = client(&reply);
                let outcome = retry::forget_failures(&app, self.writer)
                    .and_then(|failed| if failed { self.add(&app, &[], &[]) } else { Ok(EXIT_OK) });
                (outcome, reply)
            }
            Job::Rebuild { reply } => (rebuild::rebuild(&client(&reply), self.writer), reply),
        };
        self.shared.hub.at_rest();
        self.shared.index_changed();
        // What the index says ends the session, too; the client hears it in either case.
        let broken = self.writer.commit().map_err(CliError::from).err();
        answer(self.shared, reply, outcome);
        broken.map_or(Ok(()), Err)
    }

    fn add(&mut self, app: &App, wanted: &[PathBuf], exclude: &[String]) -> Result<u8, CliError> {
        let mut folders = Folders::load(&app.places.data)?;
        let roots = add::register(app, &mut folders, wanted, exclude)?;
        self.shared.roots.follow(&folders);
        let report = look::at_roots(self.shared, app, self.writer, &roots, true)?;
        add::say_update(app, &report);
        if wanted.is_empty() {
            self.shared.roots.reconcile_ended();
        }
        add::code_of(report)
    }

    fn remove(&mut self, app: &App, folders: &[PathBuf]) -> Result<u8, CliError> {
        remove::forget(app, self.writer, folders)?;
        self.shared.roots.follow(&Folders::load(&app.places.data)?);
        Ok(EXIT_OK)
    }
}

/// Tells when the machine slept.
struct Clock {
    passed: Instant,
    wall: SystemTime,
}

impl Clock {
    fn now() -> Self {
        Self { passed: Instant::now(), wall: SystemTime::now() }
    }

    /// Whether the wall's clock went on while time stood still, since the last time it was asked.
    fn slept(&mut self) -> bool {
        let before = std::mem::replace(self, Self::now());
        let wall = self.wall.duration_since(before.wall).unwrap_or_default();
        wall.saturating_sub(self.passed.duration_since(before.passed)) > SLEPT
    }
}
