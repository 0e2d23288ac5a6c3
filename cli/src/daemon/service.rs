//! The daemon from its start to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lsearch_index::folders::Folders;
use lsearch_ingest::watch::Watch;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::hub::Hub;
use super::lock::Lock;
use super::log::{self, Log};
use super::shared::Shared;
use super::{keeper, manners, server};
use crate::app::{App, Verbosity};
use crate::errors::{CliError, EXIT_ERROR, EXIT_OK};
use crate::places::shorten_home;

/// How often the memory of what is no longer used is looked after.
const TIDY_EVERY: Duration = Duration::from_secs(30);
/// After a commit, what the next search needs is read so soon.
const WARM_EVERY: Duration = Duration::from_millis(500);

/// Runs until it is told to end. `detached` says that nobody looks at stderr.
pub fn run(app: &App, detached: bool) -> Result<u8, CliError> {
    if detached {
        // Out of the terminal's session: closing the window is no reason to end.
        let _ = rustix::process::setsid();
    }
    manners::share_memory();
    // From here, because threads inherit the priority of those that start them: searches run in these, and must not
    // stand behind everyone else because the keeper was the first to need some.
    if let Err(error) =
        rayon::ThreadPoolBuilder::new().num_threads(app.config.threads()).build_global()
    {
        return Err(CliError::new(format!("cannot start threads: {error}")));
    }
    app.places.create_data()?;
    let _lock = match Lock::take(&app.places.data)? {
        Ok(lock) => lock,
        Err(holder) => {
            let who = holder.0.map(|pid| format!(" (process {pid})")).unwrap_or_default();
            return Err(CliError::new(format!("a daemon is running already{who}")).hint(
                "`lsearch daemon status` tells how it stands, `lsearch daemon stop` ends it",
            ));
        }
    };
    let path = log::path(&app.places.state, &app.places.socket);
    let log = Arc::new(Log::new(path, !detached && app.verbosity > Verbosity::Quiet));
    log_panics(&log);
    let hub = Arc::new(Hub::new(Arc::clone(&log), app.verbosity == Verbosity::Verbose));
    let (shared, jobs) = Shared::new(app, hub);
    let shared = Arc::new(shared);
    // Before anything else that lasts: whoever ends it from here on ends it in order.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| CliError::new(format!("cannot watch for signals: {error}")))?;
    let listener = server::bind(&app.places.socket)?;
    log.line(&format!(
        "lsearch {} began, process {}, index {}",
        env!("CARGO_PKG_VERSION"),
        std::process::id(),
        shorten_home(&app.places.data)
    ));
    let serving = Arc::clone(&shared);
    std::thread::spawn(move || server::serve(&serving, &listener));
    watch(&shared);
    let tidying = Arc::clone(&shared);
    std::thread::spawn(move || tidy(&tidying));
    let keeping = Arc::clone(&shared);
    let keeper = std::thread::spawn(move || {
        prepare(&keeping);
        keeper::run(&keeping, &jobs);
        // It never ends by itself; if it does, whoever watches over the daemon starts it again.
        if !keeping.app.stop.requested() {
            end();
        }
    });
    signals.forever().next();
    let code = if keeper.is_finished() { EXIT_ERROR } else { EXIT_OK };
    shared.app.say("ending");
    shared.app.stop.ask();
    shared.changes.wake();
    shared.turnout.ring();
    // A second signal does not wait for what is in hand.
    let impatient = std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            std::process::exit(crate::errors::EXIT_INTERRUPTED.into());
        }
    });
    let _ = keeper.join();
    drop(impatient);
    let _ = std::fs::remove_file(&app.places.socket);
    log.line("ended");
    Ok(code)
}

/// Ends this daemon as a signal would.
pub fn end() {
    let _ = signal_hook::low_level::raise(SIGTERM);
}

/// Hears events from here on. Without a watcher everything is polled.
fn watch(shared: &Shared) {
    let changes = Arc::clone(&shared.changes);
    match Watch::new(move |change| changes.note(&change)) {
        Ok(watch) => shared.roots.watch_with(watch),
        Err(error) => shared.app.warn(format_args!("changes cannot be heard of: {error}")),
    }
}

/// Watches all folders before anything is read, so that nothing is missed from here on.
fn prepare(shared: &Shared) {
    match Folders::load(&shared.app.places.data) {
        Ok(folders) => {
            shared.roots.follow(&folders);
            for folder in &folders.folders {
                shared.roots.watch_tree(&shared.app, &folder.path, &folder.exclude);
            }
        }
        // The keeper says so, and tries again.
        Err(error) => *shared.trouble() = Some(error.to_string()),
    }
    shared.ready.store(true, Ordering::Relaxed);
    shared.app.say(format_args!("{} folders are watched", shared.roots.watched_folders()));
}

/// Keeps searches warm while there are any, and memory free while there are none.
fn tidy(shared: &Shared) {
    let (mut since, mut tidied) = (Duration::ZERO, 0);
    loop {
        let every = if shared.queries.is_warm() { WARM_EVERY } else { TIDY_EVERY };
        std::thread::sleep(every);
        shared.queries.warm_up();
        since += every;
        if since >= TIDY_EVERY {
            since = Duration::ZERO;
            shared.queries.cool_down();
            // Of what was freed since: scans, passes of the encoder, older views of the index.
            let changed = shared.turnout.rung();
            if changed != tidied {
                tidied = changed;
                manners::give_back_memory();
            }
        }
    }
}

/// What made a thread fail goes where a person may find it.
fn log_panics(log: &Arc<Log>) {
    let log = Arc::clone(log);
    std::panic::set_hook(Box::new(move |panic| {
        log.line(&format!("a part of the daemon failed: {panic}"));
    }));
}
