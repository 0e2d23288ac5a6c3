//! `lsearch retry`: read the failed files again, whether they changed or not.

use lsearch_index::Writer;
use lsearch_index::folders::Folders;

use super::add;
use crate::app::App;
use crate::args::RetryArgs;
use crate::daemon::client;
use crate::daemon::protocol::Request;
use crate::errors::{CliError, EXIT_OK};
use crate::indexer;
use crate::interrupt;
use crate::output::units;

/// Forgets the failures and brings every folder up to date.
pub fn run(app: &App, args: &RetryArgs) -> Result<u8, CliError> {
    interrupt::install()
        .map_err(|error| CliError::new(format!("cannot watch for Ctrl-C: {error}")))?;
    if let Some(client) = client::connect(app)? {
        return client.call(app, &Request::Retry { no_wait: args.no_wait });
    }
    let writer = indexer::open_writer(app, &app.places.data)?;
    if !forget_failures(app, &writer)? {
        return Ok(EXIT_OK);
    }
    let mut folders = Folders::load(&app.places.data)?;
    let roots = add::register(app, &mut folders, &[], &[])?;
    add::update(app, &writer, &roots, args.no_wait)
}

/// Makes the failed files be read again by the next update; false when there are none.
pub fn forget_failures(app: &App, writer: &Writer) -> Result<bool, CliError> {
    let failed = writer.retry_failed()? as u64;
    match failed {
        0 => app.say("no file has failed"),
        _ => app.say(format_args!("reading {} again", units::plural(failed, "file"))),
    }
    Ok(failed > 0)
}
