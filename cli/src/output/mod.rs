//! Everything a person or a program reads: results on stdout, the rest on stderr.

pub mod hits;
pub mod json;
pub mod pointer;
pub mod progress;
pub mod style;
pub mod units;

use std::io::Write;

use crate::errors::CliError;

/// An error on stderr, with its hint.
pub fn error(error: &CliError) {
    anstream::eprintln!("{} {error}", style::paint(style::ERROR, "error:"));
}

/// A warning on stderr.
pub fn warning(message: impl std::fmt::Display) {
    anstream::eprintln!("{} {message}", style::paint(style::WARNING, "warning:"));
}

/// Writes a result to stdout. A closed pipe (`| head`) is the reader's choice, not an error.
pub fn print(text: &str) -> Result<(), CliError> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CliError::new(format!("cannot write the result: {error}")))
        }
        _ => Ok(()),
    }
}
