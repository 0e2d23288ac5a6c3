//! What every verb works with: places, configuration, and how talkative to be.

use std::sync::{Arc, Mutex, PoisonError};

use crate::args::{DeviceArg, GlobalArgs};
use crate::config::Config;
use crate::errors::CliError;
use crate::interrupt::Stop;
use crate::places::Places;

/// Kinds of messages that are not results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// Shown unless `-q`.
    Say,
    /// Shown with `-v`.
    Detail,
    /// Shown unless `-q`, as a warning.
    Warn,
}

/// Who hears messages and progress in place of stderr: a log, or the person for whom a daemon works.
pub trait Listener: Send + Sync {
    /// A message.
    fn message(&self, kind: Message, text: &str);
    /// How far a stage of work (named by a verb such as "reading") has come, in any unit and in words.
    fn progress(&self, stage: &str, done: u64, total: u64, words: &str);
}

/// Keeps what a person would see on stderr, without colours, for those who show it elsewhere.
#[derive(Debug, Default)]
pub struct Notes(Mutex<Vec<String>>);

impl Notes {
    /// What was said since this was last asked.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Listener for Notes {
    fn message(&self, kind: Message, text: &str) {
        if kind != Message::Detail {
            let text = anstream::adapter::strip_str(text).to_string();
            let text = text.strip_prefix("note: ").unwrap_or(&text).to_owned();
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
    }

    fn progress(&self, _: &str, _: u64, _: u64, _: &str) {}
}

/// How much goes to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// Progress and warnings.
    Normal,
    /// Each file, repairs and timings too.
    Verbose,
}

/// One invocation.
#[derive(Clone)]
pub struct App {
    /// Folders and files.
    pub places: Places,
    /// The configuration file's contents.
    pub config: Config,
    /// Flag over configuration over `auto`.
    pub device: DeviceArg,
    /// From `-q` and `-v`.
    pub verbosity: Verbosity,
    /// Hears everything in place of stderr.
    pub listener: Option<Arc<dyn Listener>>,
    /// Says when long work is to end early.
    pub stop: Stop,
}

impl App {
    /// Finds the folders and reads the configuration.
    pub fn new(global: &GlobalArgs) -> Result<Self, CliError> {
        let places = Places::find(global)?;
        if places.data.exists() && !places.data.is_dir() {
            return Err(CliError::new(format!(
                "{}: the index lies in a folder, and this is none",
                places.data.display()
            ))
            .hint("move it away, or choose another place with --data-dir DIR"));
        }
        let config = Config::load(&places)?;
        let device = match global.device {
            Some(device) => device,
            None => config.device,
        };
        let verbosity = match (global.quiet, global.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, _) => Verbosity::Verbose,
        };
        Ok(Self { places, config, device, verbosity, listener: None, stop: Stop::default() })
    }

    /// The same invocation heard by someone else.
    pub fn heard_by(&self, listener: Arc<dyn Listener>) -> Self {
        Self { listener: Some(listener), ..self.clone() }
    }

    /// A line on stderr, unless `-q`.
    pub fn say(&self, message: impl std::fmt::Display) {
        self.tell(Message::Say, message);
    }

    /// A line on stderr with `-v`.
    pub fn detail(&self, message: impl std::fmt::Display) {
        self.tell(Message::Detail, message);
    }

    /// A warning on stderr, unless `-q`.
    pub fn warn(&self, message: impl std::fmt::Display) {
        self.tell(Message::Warn, message);
    }

    /// A message of any kind.
    pub fn tell(&self, kind: Message, message: impl std::fmt::Display) {
        if let Some(listener) = &self.listener {
            return listener.message(kind, &message.to_string());
        }
        let needed = if kind == Message::Detail { Verbosity::Verbose } else { Verbosity::Normal };
        if self.verbosity < needed {
            return;
        }
        match kind {
            Message::Warn => crate::output::warning(message),
            Message::Say | Message::Detail => anstream::eprintln!("{message}"),
        }
    }
}
