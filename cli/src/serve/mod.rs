//! `lsearch serve`: a page in the browser, for one person on this machine.
//!
//! ```text
//! browser ──▶ server (sockets, limits) ──▶ routes ──▶ guard: host, origin, key
//!                                            │
//!                                            ├──▶ page: the files of the page itself
//!                                            └──▶ api, document: JSON from reader and encoder that stay in memory
//! ```
//!
//! Nothing of queries or documents is logged, and nothing is fetched from elsewhere.

mod api;
mod document;
mod flow;
mod guard;
mod page;
mod parameters;
mod reply;
mod routes;
mod server;
mod state;

use std::ffi::OsStr;
use std::sync::Arc;

use crate::app::App;
use crate::args::ServeArgs;
use crate::commands::open::hand_over;
use crate::daemon::manners;
use crate::errors::{CliError, EXIT_INTERRUPTED};
use crate::interrupt;
use crate::output;

use self::guard::Guard;
use self::state::State;

/// Serves until it is told to end.
pub fn run(app: &App, args: &ServeArgs) -> Result<u8, CliError> {
    manners::share_memory();
    interrupt::install()
        .map_err(|error| CliError::new(format!("cannot watch for Ctrl-C: {error}")))?;
    let listeners = server::bind(args.port)?;
    let guard = Guard::new(listeners.port())?;
    let address = guard.address();
    let state = Arc::new(State::new(app, guard));
    output::print(&format!("{address}\n"))?;
    app.say("open this address in a browser; Ctrl-C ends it");
    if args.open
        && let Err(error) = hand_over(OsStr::new(&address))
    {
        app.warn(error);
    }
    let tidying = Arc::clone(&state);
    std::thread::Builder::new()
        .name("lsearch-tidy".into())
        .spawn(move || tidying.tidy())
        .map_err(|error| CliError::new(format!("cannot start threads: {error}")))?;
    server::serve(&state, listeners)?;
    app.say("ended");
    Ok(EXIT_INTERRUPTED)
}
