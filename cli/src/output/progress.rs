//! Progress on stderr: bars on a terminal, a plain line now and then elsewhere, nothing with `-q`.

use std::cell::{Cell, RefCell};
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::app::{App, Listener, Verbosity};
use crate::output::units;

/// How often a plain line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// How often a listener is told.
const TELL_EVERY: Duration = Duration::from_millis(125);

enum Shown {
    Nothing,
    Lines { last: RefCell<Instant> },
    Bar(ProgressBar),
    Told { listener: Arc<dyn Listener>, last: Cell<Option<Instant>> },
}

/// One stage of work with a known or growing total.
pub struct Stage {
    label: &'static str,
    started: Instant,
    shown: Shown,
}

impl Stage {
    /// Starts a stage; `label` is a verb such as "reading".
    pub fn new(app: &App, label: &'static str) -> Self {
        let shown = if let Some(listener) = &app.listener {
            Shown::Told { listener: Arc::clone(listener), last: Cell::new(None) }
        } else if app.verbosity == Verbosity::Quiet {
            Shown::Nothing
        } else if std::io::stderr().is_terminal() && app.verbosity == Verbosity::Normal {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(8));
            let style = ProgressStyle::with_template("{prefix:>9} {bar:30} {percent:>3}% {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style);
            bar.set_prefix(label);
            Shown::Bar(bar)
        } else {
            Shown::Lines { last: RefCell::new(Instant::now()) }
        };
        Self { label, started: Instant::now(), shown }
    }

    /// Shows `done` of `total` (any unit) with a message in words.
    pub fn update(&self, done: u64, total: u64, message: impl FnOnce() -> String) {
        match &self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => {
                bar.set_length(total.max(1));
                bar.set_position(done.min(total));
                bar.set_message(message());
            }
            Shown::Told { listener, last } => {
                if last.get().is_none_or(|last| last.elapsed() >= TELL_EVERY) {
                    last.set(Some(Instant::now()));
                    listener.progress(self.label, done, total, &message());
                }
            }
            Shown::Lines { last } => {
                if last.borrow().elapsed() >= LINE_EVERY {
                    *last.borrow_mut() = Instant::now();
                    let percent = (done * 100).checked_div(total).unwrap_or(100);
                    anstream::eprintln!("{} {percent}%: {}", self.label, message());
                }
            }
        }
    }

    /// A message above the bar, if there is one.
    pub fn say(&self, app: &App, message: impl std::fmt::Display) {
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(|| app.say(message)),
            _ => app.say(message),
        }
    }

    /// Time since the stage began.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The time left in words, judged by the share done so far; empty until there is something to judge by.
    pub fn time_left(&self, done: u64, total: u64) -> String {
        let elapsed = self.elapsed();
        if done == 0 || total <= done || elapsed < Duration::from_secs(2) {
            return String::new();
        }
        let left = elapsed.mul_f64((total - done) as f64 / done as f64);
        format!(", about {} left", units::duration(left))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}
