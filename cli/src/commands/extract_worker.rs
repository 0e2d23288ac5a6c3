//! The extraction child's side: requests on stdin, documents on stdout, under the limits its parent set.

use crate::errors::{CliError, EXIT_OK};

/// Serves until stdin closes.
pub fn run() -> Result<u8, CliError> {
    lsearch_ingest::worker_process()
        .map_err(|error| CliError::new(format!("extraction child: {error}")))?;
    Ok(EXIT_OK)
}
