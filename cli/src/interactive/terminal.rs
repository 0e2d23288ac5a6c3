//! The terminal while the interface has it, and its return in every case.

use std::io::{BufWriter, IsTerminal, Write};
use std::sync::Once;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal};

use crate::errors::CliError;
use crate::interrupt;

/// The terminal, the interface's until it is dropped.
pub(super) struct Screen {
    /// There from the first drawing on.
    terminal: Option<Terminal<CrosstermBackend<BufWriter<Side>>>>,
    side: Side,
}

/// Where is drawn: on stdout, or where another program reads that, on stderr.
#[derive(Debug, Clone, Copy)]
enum Side {
    Stdout,
    Stderr,
}

impl Side {
    fn find() -> Result<Self, CliError> {
        if !std::io::stdin().is_terminal() {
            return Err(no_terminal("stdin"));
        }
        if std::io::stdout().is_terminal() {
            Ok(Side::Stdout)
        } else if std::io::stderr().is_terminal() {
            Ok(Side::Stderr)
        } else {
            Err(no_terminal("neither stdout nor stderr"))
        }
    }
}

fn no_terminal(what: &str) -> CliError {
    let verb = if what == "stdin" { "is no terminal" } else { "is a terminal" };
    CliError::new(format!("-i needs a terminal: {what} {verb}"))
        .hint("without -i, `lsearch search QUERY` prints its results")
}

impl Write for Side {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Side::Stdout => std::io::stdout().write(bytes),
            Side::Stderr => std::io::stderr().write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Side::Stdout => std::io::stdout().flush(),
            Side::Stderr => std::io::stderr().flush(),
        }
    }
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn enter() -> Result<Self, CliError> {
        let side = Side::find()?;
        interrupt::install()
            .map_err(|error| CliError::new(format!("cannot watch for signals: {error}")))?;
        give_back_on_panic(side);
        take(side).map_err(|error| failed(&error))?;
        // From here on it is given back whatever comes.
        let mut screen = Self { terminal: None, side };
        screen.begin()?;
        Ok(screen)
    }

    /// Everything is drawn anew.
    fn begin(&mut self) -> Result<(), CliError> {
        // Clearing by `Terminal` asks the terminal where its cursor is, which some never answer.
        let mut side = self.side;
        let cleared = execute!(side, Clear(ClearType::All));
        let backend = CrosstermBackend::new(BufWriter::new(side));
        let terminal = cleared.and_then(|()| Terminal::new(backend));
        self.terminal = Some(terminal.map_err(|error| failed(&error))?);
        Ok(())
    }

    /// Draws.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<(), CliError> {
        let Some(terminal) = &mut self.terminal else { return Ok(()) };
        terminal.draw(draw).map(|_| ()).map_err(|error| failed(&error))
    }

    /// Sends the terminal something that is not drawn.
    pub(super) fn write(&mut self, text: &str) -> Result<(), CliError> {
        let mut side = self.side;
        side.write_all(text.as_bytes()).and_then(|()| side.flush()).map_err(|error| failed(&error))
    }

    /// Gives the terminal to another program, and takes it again afterwards.
    pub(super) fn lend<T>(&mut self, work: impl FnOnce() -> T) -> Result<T, CliError> {
        give_back(self.side);
        let done = work();
        take(self.side).map_err(|error| failed(&error))?;
        self.begin()?;
        Ok(done)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back(self.side);
    }
}

fn take(mut side: Side) -> std::io::Result<()> {
    enable_raw_mode()?;
    execute!(side, EnterAlternateScreen, EnableBracketedPaste)
}

/// What cannot be given back is nobody's to be told: the terminal is gone.
fn give_back(mut side: Side) {
    let _ = execute!(
        side,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        ratatui::crossterm::cursor::Show
    );
    let _ = disable_raw_mode();
}

/// A message about a panic is to be read on an orderly terminal.
fn give_back_on_panic(side: Side) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back(side);
            before(panic);
        }));
    });
}

fn failed(error: &std::io::Error) -> CliError {
    CliError::new(format!("cannot use the terminal: {error}"))
}
