//! `lsearch search -i`: hits as one types, with a preview, in the terminal.
//!
//! ```text
//! keys ─▶ State ─▶ draw ─▶ terminal
//!          │ ▲
//!          ▼ │ answers, stale ones dropped
//!        workers: one searches (by word at once, then by meaning), one reads documents
//! ```

mod clipboard;
mod draw;
mod line;
mod preview;
mod state;
mod terminal;
#[cfg(test)]
mod tests;
mod workers;
mod wrap;

use std::time::Duration;

use ratatui::crossterm::event::{self, Event};

use crate::app::App;
use crate::args::SearchArgs;
use crate::errors::{CliError, EXIT_INTERRUPTED, EXIT_NOTHING_FOUND, EXIT_OK};
use crate::interrupt;
use crate::opening::{Place, Preferences, on_disk, opening};
use crate::output;
use state::{Action, State};
use terminal::Screen;
use workers::Workers;

/// How often answers are looked for while some are awaited, and signals otherwise.
const AWAITING: Duration = Duration::from_millis(15);
const IDLE: Duration = Duration::from_millis(200);

/// How the interface is left.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Left {
    /// With a path that is to be printed.
    Chosen(std::path::PathBuf),
    /// By Esc; whether anything was opened before.
    Done(bool),
    /// By Ctrl-C, or a signal.
    Interrupted,
}

/// Shows the interface until it is left.
pub fn run(app: &App, args: &SearchArgs) -> Result<u8, CliError> {
    let mut screen = Screen::enter()?;
    let left = converse(app, args, &mut screen);
    drop(screen);
    match left? {
        Left::Chosen(path) => {
            output::print(&format!("{}\n", path.display()))?;
            Ok(EXIT_OK)
        }
        Left::Done(true) => Ok(EXIT_OK),
        Left::Done(false) => Ok(EXIT_NOTHING_FOUND),
        Left::Interrupted => Ok(EXIT_INTERRUPTED),
    }
}

fn converse(app: &App, args: &SearchArgs, screen: &mut Screen) -> Result<Left, CliError> {
    let workers = Workers::start(app, args)?;
    let mut state = State::new(&args.query.join(" "), args.mode);
    let (theme, mut opened, mut dirty) = (draw::Theme::of_environment(), false, true);
    workers.search(&state);
    loop {
        while let Some(news) = workers.news()? {
            if state.hear(news) {
                workers.show(&state);
            }
            dirty = true;
        }
        if dirty {
            screen.draw(|frame| draw::draw(frame, &mut state, &theme))?;
            dirty = false;
        }
        if interrupt::requested() {
            return Ok(Left::Interrupted);
        }
        let Some(event) = next(if state.awaits() { AWAITING } else { IDLE })? else { continue };
        dirty = true;
        let action = match event {
            Event::Key(key) => state.press(key),
            Event::Paste(text) => state.paste(&text),
            _ => Action::Nothing,
        };
        match action {
            Action::Nothing => {}
            Action::Search => workers.search(&state),
            Action::Show => workers.show(&state),
            Action::Open => match open(&state, screen) {
                Ok(was) => opened |= was,
                Err(error) => state.say(&error.to_string()),
            },
            Action::Copy => {
                if let Some(hit) = state.hit() {
                    let path = on_disk(&hit.path).display().to_string();
                    screen.write(&clipboard::copy(&path))?;
                    state.say(&format!("copied {path}"));
                }
            }
            Action::Choose => {
                if let Some(hit) = state.hit() {
                    return Ok(Left::Chosen(on_disk(&hit.path).to_owned()));
                }
            }
            Action::Leave => return Ok(Left::Done(opened)),
            Action::Interrupt => return Ok(Left::Interrupted),
        }
    }
}

/// The next event, if one comes in time.
fn next(patience: Duration) -> Result<Option<Event>, CliError> {
    let read = || if event::poll(patience)? { event::read().map(Some) } else { Ok(None) };
    match read() {
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(None),
        read => read.map_err(|error| CliError::new(format!("cannot read the keyboard: {error}"))),
    }
}

/// Opens the selected hit at its place; false where there is none.
fn open(state: &State, screen: &mut Screen) -> Result<bool, CliError> {
    let Some(hit) = state.hit() else { return Ok(false) };
    let passage = hit.passage.as_ref();
    let place = Place {
        page: passage.and_then(|passage| passage.page),
        line: passage.map(|passage| passage.line),
    };
    let opening = opening(&hit.path, &hit.kind, &hit.format, place, &Preferences::find(&hit.kind))?;
    if opening.takes_terminal() {
        screen.lend(|| opening.run(false))??;
    } else {
        opening.run(true)?;
    }
    Ok(true)
}
