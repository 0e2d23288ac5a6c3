//! What every verb works with: places, configuration, and how talkative to be.

use crate::args::{DeviceArg, GlobalArgs};
use crate::config::Config;
use crate::errors::CliError;
use crate::places::Places;

/// How much goes to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// Progress and warnings.
    Normal,
    /// Each file, repairs and timings too.
    Verbose,
}

/// One invocation.
#[derive(Debug, Clone)]
pub struct App {
    /// Folders and files.
    pub places: Places,
    /// The configuration file's contents.
    pub config: Config,
    /// Flag over configuration over `auto`.
    pub device: DeviceArg,
    /// From `-q` and `-v`.
    pub verbosity: Verbosity,
}

impl App {
    /// Finds the folders and reads the configuration.
    pub fn new(global: &GlobalArgs) -> Result<Self, CliError> {
        let places = Places::find(global)?;
        let config = Config::load(&places)?;
        let device = match global.device {
            Some(device) => device,
            None => config.device()?,
        };
        let verbosity = match (global.quiet, global.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, _) => Verbosity::Verbose,
        };
        Ok(Self { places, config, device, verbosity })
    }

    /// A line on stderr, unless `-q`.
    pub fn say(&self, message: impl std::fmt::Display) {
        if self.verbosity >= Verbosity::Normal {
            anstream::eprintln!("{message}");
        }
    }

    /// A line on stderr with `-v`.
    pub fn detail(&self, message: impl std::fmt::Display) {
        if self.verbosity >= Verbosity::Verbose {
            anstream::eprintln!("{message}");
        }
    }

    /// A warning on stderr, unless `-q`.
    pub fn warn(&self, message: impl std::fmt::Display) {
        if self.verbosity >= Verbosity::Normal {
            crate::output::warning(message);
        }
    }
}
