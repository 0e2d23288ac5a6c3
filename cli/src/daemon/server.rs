//! The socket: who may connect, what they ask for, and where it goes.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};

use super::hub::Wire;
use super::keeper::Job;
use super::protocol::{Event, Hello, PROTOCOL, REQUEST_BYTES, Request};
use super::queries::Queries;
use super::shared::{Reply, Shared};
use super::{service, tries_again};
use crate::app::{App, Listener, Message};
use crate::commands::search::Answer;
use crate::errors::{CliError, EXIT_OK};
use crate::places::{create_private, path_variable};

/// So many clients are served at a time.
const CLIENTS: usize = 64;
/// A client that connects and says nothing is given up after so long.
const REQUEST_PATIENCE: Duration = Duration::from_secs(10);
/// A search that takes longer is given up.
const SEARCH_PATIENCE: Duration = Duration::from_secs(30);
/// A client that waits is told of trouble that lasts so long.
const TROUBLE_PATIENCE: Duration = Duration::from_secs(8);
/// How often a client that waits is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Makes the socket, in place of one that a daemon before left behind; the caller holds the daemon's lock.
pub fn bind(socket: &Path) -> Result<UnixListener, CliError> {
    let folder = socket.parent().unwrap_or(Path::new("/"));
    create_private(folder).map_err(|error| CliError::io(folder, &error))?;
    private_folder(folder)?;
    // Under another name first: nobody is to connect before only its owner may.
    let temporary = socket.with_extension("new");
    for old in [socket, &temporary] {
        match std::fs::remove_file(old) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(CliError::io(old, &error));
            }
            _ => {}
        }
    }
    let bound = UnixListener::bind(&temporary).and_then(|listener| {
        std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&temporary, socket)?;
        Ok(listener)
    });
    bound.map_err(|error| CliError::io(socket, &error))
}

/// Refuses a folder in which others could put a socket of their own.
fn private_folder(folder: &Path) -> Result<(), CliError> {
    use std::os::unix::fs::MetadataExt;
    let metadata =
        std::fs::symlink_metadata(folder).map_err(|error| CliError::io(folder, &error))?;
    let mine = metadata.is_dir() && metadata.uid() == rustix::process::getuid().as_raw();
    if !mine || metadata.mode() & 0o077 != 0 {
        return Err(CliError::new(format!("{}: others have access to it", folder.display()))
            .hint("the daemon's socket needs a folder of your own: chmod 700 it, or remove it"));
    }
    Ok(())
}

/// Serves clients until the process ends.
pub fn serve(shared: &Arc<Shared>, listener: &UnixListener) {
    let clients = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // Too many open files, perhaps: others may close some.
            std::thread::sleep(LOOK_EVERY);
            continue;
        };
        if clients.fetch_add(1, Ordering::Relaxed) >= CLIENTS || !is_owner(&stream) {
            clients.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (served, counted) = (Arc::clone(shared), Counted(Arc::clone(&clients)));
        let spawned = std::thread::Builder::new().name("lsearch-client".into()).spawn(move || {
            let _counted = counted;
            // A client that goes away in the middle is its own affair.
            let _ = client(&served, stream);
        });
        if let Err(error) = spawned {
            shared.app.warn(format_args!("a client cannot be served: {error}"));
        }
    }
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the person at the other end is the one the daemon works for.
#[cfg(target_os = "linux")]
fn is_owner(stream: &UnixStream) -> bool {
    rustix::net::sockopt::socket_peercred(stream)
        .is_ok_and(|peer| peer.uid == rustix::process::getuid())
}

/// Elsewhere the folder's and the socket's rights keep others out.
#[cfg(not(target_os = "linux"))]
fn is_owner(_stream: &UnixStream) -> bool {
    true
}

fn client(shared: &Arc<Shared>, stream: UnixStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(REQUEST_PATIENCE))?;
    let reading = stream.try_clone()?;
    let wire = Arc::new(Wire::new(stream)?);
    wire.send(&hello(shared));
    let mut line = String::new();
    BufReader::new(reading.take(REQUEST_BYTES)).read_line(&mut line)?;
    if line.is_empty() {
        // Only the greeting was wanted.
        return Ok(());
    }
    let outcome = match serde_json::from_str::<Request>(&line) {
        Ok(request) => answer(shared, &wire, request),
        Err(error) => Err(CliError::new(format!("not a request of protocol {PROTOCOL}: {error}"))
            .hint("is the client of another version? restart the daemon: lsearch daemon stop, then start")),
    };
    wire.end(outcome);
    Ok(())
}

fn hello(shared: &Shared) -> Hello {
    Hello {
        lsearch: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: PROTOCOL,
        pid: std::process::id(),
        ready: shared.ready.load(Ordering::Relaxed),
        device: shared.app.device.name().to_owned(),
        encoder: path_variable("LSEARCH_ENCODER").map(|path| path.to_string_lossy().into_owned()),
        config: shared.app.places.config_file.to_string_lossy().into_owned(),
    }
}

fn answer(shared: &Arc<Shared>, wire: &Arc<Wire>, request: Request) -> Result<u8, CliError> {
    match request {
        Request::Search { args, rich } => {
            search(shared, wire, move |queries, app| queries.answer(app, &args, rich))
        }
        Request::Similar { args, rich } => {
            search(shared, wire, move |queries, app| queries.similar(app, &args, rich))
        }
        Request::Add { folders, exclude, no_wait } => {
            job(shared, wire, no_wait, |reply| Job::Add { folders, exclude, reply })
        }
        Request::Remove { folders } => {
            job(shared, wire, true, |reply| Job::Remove { folders, reply })
        }
        Request::Retry { no_wait } => job(shared, wire, no_wait, |reply| Job::Retry { reply }),
        Request::Rebuild => job(shared, wire, true, |reply| Job::Rebuild { reply }),
        Request::Status => {
            wire.send(&Event::Status { daemon: shared.status() });
            Ok(EXIT_OK)
        }
        Request::Wait => wait(shared, wire),
        Request::Pause { seconds } => {
            shared.pause.pause(seconds.map(Duration::from_secs));
            shared.app.say("encoding is paused");
            shared.turnout.ring();
            Ok(EXIT_OK)
        }
        Request::Resume => {
            shared.pause.resume();
            shared.app.say("encoding goes on");
            shared.turnout.ring();
            Ok(EXIT_OK)
        }
        Request::Stop => {
            service::end();
            Ok(EXIT_OK)
        }
    }
}

fn search(
    shared: &Arc<Shared>,
    wire: &Arc<Wire>,
    ask: impl FnOnce(&Queries, &App) -> Result<Answer, CliError> + Send + 'static,
) -> Result<u8, CliError> {
    let app = shared.app.heard_by(Arc::clone(wire) as Arc<dyn Listener>);
    let (send, receive) = bounded(1);
    let searching = Arc::clone(shared);
    // In a thread of its own, so that one that takes for ever holds up nobody but itself.
    std::thread::Builder::new()
        .name("lsearch-search".into())
        .spawn(move || drop(send.send(ask(&searching.queries, &app))))
        .map_err(|error| CliError::new(format!("cannot start a thread to search: {error}")))?;
    let answer = match receive.recv_timeout(SEARCH_PATIENCE) {
        Ok(answer) => answer?,
        Err(RecvTimeoutError::Timeout) => {
            return Err(CliError::new(format!(
                "the search took more than {} seconds and was given up",
                SEARCH_PATIENCE.as_secs()
            ))
            .hint("is the machine very busy? `lsearch daemon status` tells what the daemon does"));
        }
        Err(RecvTimeoutError::Disconnected) => {
            return Err(CliError::new("the search failed; `lsearch daemon logs` tells where"));
        }
    };
    wire.send(&Event::Out { text: answer.text });
    for (kind, text) in &answer.remarks {
        wire.message(*kind, text);
    }
    Ok(answer.code)
}

/// Hands the keeper a job and waits for its end, and unless `no_wait` until all is encoded.
fn job(
    shared: &Arc<Shared>,
    wire: &Arc<Wire>,
    no_wait: bool,
    job: impl FnOnce(Reply) -> Job,
) -> Result<u8, CliError> {
    let (outcome, outcomes) = bounded(1);
    if let Some(doing) = shared.hub.doing().filter(|doing| doing.stage == "reading") {
        wire.message(
            Message::Say,
            &format!("the daemon is reading ({}); this comes next", doing.words),
        );
    }
    shared.give(job(Reply { wire: Arc::clone(wire), outcome }));
    let code = match outcomes.recv() {
        Ok(outcome) => outcome?,
        Err(_) => return Err(CliError::new("the daemon ended before it was done")),
    };
    if no_wait || code != EXIT_OK {
        return Ok(code);
    }
    encoded(shared, wire)?;
    Ok(code)
}

/// Waits until all is encoded that can be.
fn encoded(shared: &Arc<Shared>, wire: &Arc<Wire>) -> Result<(), CliError> {
    let ring = shared.index_changed();
    let listener = Arc::clone(wire) as Arc<dyn Listener>;
    // Words come from the hub while it encodes.
    let listening: Arc<dyn Listener> = Arc::new(Encoding(listener));
    shared.hub.subscribe(&listening);
    let mut trouble = Trouble::default();
    while !shared.turnout.wait_for(ring, LOOK_EVERY) && !wire.is_gone() {
        if let Some(reason) = shared.pause.reason() {
            wire.message(Message::Say, &format!("searchable by word; encoding is paused {reason}"));
            return Ok(());
        }
        trouble.check(shared)?;
    }
    encoder_works(shared)
}

/// An error when the encoder could not do what it was to do.
fn encoder_works(shared: &Shared) -> Result<(), CliError> {
    match shared.turnout.trouble() {
        Some(trouble) => Err(CliError::new(trouble).hint("documents are searchable by word")),
        None => Ok(()),
    }
}

/// Trouble that a client who waits should hear of: what the daemon mends by itself within a few seconds is none.
#[derive(Default)]
struct Trouble {
    since: Option<Instant>,
}

impl Trouble {
    fn check(&mut self, shared: &Shared) -> Result<(), CliError> {
        let Some(trouble) = shared.trouble().clone() else {
            self.since = None;
            return Ok(());
        };
        if self.since.get_or_insert_with(Instant::now).elapsed() < TROUBLE_PATIENCE {
            return Ok(());
        }
        Err(tries_again(&trouble))
    }
}

/// Hears of encoding alone: what is read meanwhile is not what this client waits for.
struct Encoding(Arc<dyn Listener>);

impl Listener for Encoding {
    fn message(&self, kind: Message, text: &str) {
        self.0.message(kind, text);
    }

    fn progress(&self, stage: &str, done: u64, total: u64, words: &str) {
        if stage == "encoding" {
            self.0.progress(stage, done, total, words);
        }
    }
}

fn wait(shared: &Arc<Shared>, wire: &Arc<Wire>) -> Result<u8, CliError> {
    let listener = Arc::clone(wire) as Arc<dyn Listener>;
    shared.hub.subscribe(&listener);
    let mut trouble = Trouble::default();
    loop {
        if wire.is_gone() {
            return Ok(EXIT_OK);
        }
        if shared.is_at_rest() {
            return encoder_works(shared).map(|()| EXIT_OK);
        }
        trouble.check(shared)?;
        if let Some(reason) = shared.pause.reason() {
            wire.message(Message::Say, &format!("encoding is paused {reason}"));
            return Ok(EXIT_OK);
        }
        // A client that only waits sends nothing; that it went away shows when something is sent to it.
        if shared.hub.doing().is_none() {
            wire.progress("waiting", 0, 0, "");
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
