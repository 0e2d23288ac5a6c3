//! `lsearch rebuild`: the caches (lexical index, graph) anew from the stored texts and vectors.

use lsearch_index::Writer;

use crate::app::App;
use crate::daemon::client;
use crate::daemon::protocol::Request;
use crate::errors::{CliError, EXIT_OK};
use crate::indexer;
use crate::output::units;

/// Rebuilds and says what stands now.
pub fn run(app: &App) -> Result<u8, CliError> {
    if let Some(client) = client::connect(app)? {
        return client.call(app, &Request::Rebuild);
    }
    rebuild(app, &indexer::open_writer(app, &app.places.data)?)
}

/// The same with the writer at hand.
pub fn rebuild(app: &App, writer: &Writer) -> Result<u8, CliError> {
    let started = std::time::Instant::now();
    let documents = writer.rebuild_caches()? as u64;
    app.say(format_args!(
        "{} rebuilt in {}; no vector was lost. `lsearch add` brings the folders up to date",
        units::plural(documents, "document"),
        units::duration(started.elapsed())
    ));
    Ok(EXIT_OK)
}
