//! `lsearch retry`: read the failed files again, whether they changed or not.

use lsearch_index::folders::Folders;

use super::add;
use crate::app::App;
use crate::args::RetryArgs;
use crate::errors::{CliError, EXIT_OK};
use crate::indexer;
use crate::interrupt;
use crate::output::units;

/// Forgets the failures and brings every folder up to date.
pub fn run(app: &App, args: &RetryArgs) -> Result<u8, CliError> {
    interrupt::install()
        .map_err(|error| CliError::new(format!("cannot watch for Ctrl-C: {error}")))?;
    let writer = indexer::open_writer(app, &app.places.data)?;
    let failed = writer.retry_failed()? as u64;
    if failed == 0 {
        app.say("no file has failed");
        return Ok(EXIT_OK);
    }
    app.say(format_args!("reading {} again", units::plural(failed, "file")));
    let folders = Folders::load(&app.places.data)?;
    let roots: Vec<_> = folders
        .folders
        .iter()
        .map(|folder| (folder.path.clone(), folder.exclude.clone()))
        .collect();
    add::update(app, &writer, &roots, args.no_wait)
}
