//! `lsearch completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::errors::{CliError, EXIT_OK};
use crate::output;

/// Prints the script.
pub fn run(shell: Shell) -> Result<u8, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lsearch", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(EXIT_OK)
}
