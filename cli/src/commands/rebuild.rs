//! `lsearch rebuild`: the caches (lexical index, graph) anew from the stored texts and vectors.

use crate::app::App;
use crate::errors::{CliError, EXIT_OK};
use crate::indexer;
use crate::output::units;

/// Rebuilds and says what stands now.
pub fn run(app: &App) -> Result<u8, CliError> {
    let writer = indexer::open_writer(app, &app.places.data)?;
    let started = std::time::Instant::now();
    let documents = writer.rebuild_caches()? as u64;
    app.say(format_args!(
        "{} rebuilt in {}; no vector was lost. `lsearch add` brings the folders up to date",
        units::plural(documents, "document"),
        units::duration(started.elapsed())
    ));
    Ok(EXIT_OK)
}
