//! Who hears what the daemon does: its log, and the people who wait for it.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use serde::Serialize;

use super::locked;
use super::log::Log;
use super::protocol::Event;
use crate::app::{Listener, Message};
use crate::errors::CliError;

/// A client that takes nothing for so long is given up.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);

/// A client's end of a connection.
pub struct Wire {
    stream: Mutex<UnixStream>,
    gone: AtomicBool,
}

impl Wire {
    /// Over a stream that was accepted.
    pub fn new(stream: UnixStream) -> std::io::Result<Self> {
        stream.set_write_timeout(Some(WRITE_PATIENCE))?;
        Ok(Self { stream: Mutex::new(stream), gone: AtomicBool::new(false) })
    }

    /// Sends a line; to a client that is gone nothing is sent.
    pub fn send(&self, line: &impl Serialize) {
        if self.is_gone() {
            return;
        }
        let Ok(mut text) = serde_json::to_vec(line) else { return };
        text.push(b'\n');
        let mut stream = locked(&self.stream);
        if stream.write_all(&text).is_err() {
            self.gone.store(true, Ordering::Relaxed);
        }
    }

    /// How it ended.
    pub fn end(&self, outcome: Result<u8, CliError>) {
        match outcome {
            Ok(code) => self.send(&Event::End { code }),
            Err(error) => {
                let (message, hint, code) = error.into_parts();
                self.send(&Event::Error { message, hint, code });
            }
        }
    }

    /// Whether the client went away.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}

impl Listener for Wire {
    fn message(&self, kind: Message, text: &str) {
        let text = text.to_owned();
        self.send(&match kind {
            Message::Say => Event::Say { text },
            Message::Detail => Event::Detail { text },
            Message::Warn => Event::Warn { text },
        });
    }

    fn progress(&self, stage: &str, done: u64, total: u64, words: &str) {
        let (stage, words) = (stage.to_owned(), words.to_owned());
        self.send(&Event::Progress { stage, done, total, words });
    }
}

/// The log and everyone who subscribed.
pub struct Hub {
    log: Arc<Log>,
    detailed: bool,
    subscribers: Mutex<Vec<Weak<dyn Listener>>>,
    doing: Mutex<Option<Doing>>,
}

/// A stage of work and how far it has come.
#[derive(Debug, Clone)]
pub struct Doing {
    /// A verb such as "reading".
    pub stage: String,
    /// In words.
    pub words: String,
}

impl Hub {
    /// With nobody but the log, which gets details only when asked for.
    pub fn new(log: Arc<Log>, detailed: bool) -> Self {
        Self { log, detailed, subscribers: Mutex::default(), doing: Mutex::default() }
    }

    /// Lets someone hear everything for as long as they are there.
    pub fn subscribe(&self, listener: &Arc<dyn Listener>) {
        self.subscribers().push(Arc::downgrade(listener));
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// What is being done.
    pub fn doing(&self) -> Option<Doing> {
        locked(&self.doing).clone()
    }

    /// Nothing is being done any more.
    pub fn at_rest(&self) {
        *locked(&self.doing) = None;
    }

    fn subscribers(&self) -> std::sync::MutexGuard<'_, Vec<Weak<dyn Listener>>> {
        locked(&self.subscribers)
    }

    fn all(&self) -> Vec<Arc<dyn Listener>> {
        let mut subscribers = self.subscribers();
        subscribers.retain(|one| one.strong_count() > 0);
        subscribers.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Listener for Hub {
    fn message(&self, kind: Message, text: &str) {
        match kind {
            Message::Warn => self.log.line(&format!("warning: {text}")),
            Message::Say => self.log.line(text),
            Message::Detail if self.detailed => self.log.line(text),
            Message::Detail => {}
        }
        for listener in self.all() {
            listener.message(kind, text);
        }
    }

    fn progress(&self, stage: &str, done: u64, total: u64, words: &str) {
        let doing = Doing { stage: stage.to_owned(), words: words.to_owned() };
        *locked(&self.doing) = Some(doing);
        for listener in self.all() {
            listener.progress(stage, done, total, words);
        }
    }
}

/// A client that a job is done for hears it, and so does the hub.
pub struct Both(pub Arc<Wire>, pub Arc<Hub>);

impl Listener for Both {
    fn message(&self, kind: Message, text: &str) {
        self.0.message(kind, text);
        self.1.message(kind, text);
    }

    fn progress(&self, stage: &str, done: u64, total: u64, words: &str) {
        self.0.progress(stage, done, total, words);
        self.1.progress(stage, done, total, words);
    }
}
