//! `lsearch`: parse the command line, then one match.

mod app;
mod args;
mod commands;
mod config;
mod daemon;
mod encoder;
mod errors;
mod hints;
mod indexer;
mod interactive;
mod interrupt;
mod mcp;
mod nearest;
mod opening;
mod output;
mod places;
mod serve;
mod types;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::app::App;
use crate::args::{Cli, Command};
use crate::errors::{CliError, EXIT_OK};

fn main() -> ExitCode {
    let (name, value) = lsearch_engine::runtime::NO_TELEMETRY;
    // SAFETY: this is the only thread yet, so that nothing reads the environment meanwhile. Measured: without it, ONNX
    // Runtime keeps an identifier of the machine and events to be sent to its makers in the cache folder.
    unsafe { std::env::set_var(name, value) };
    commands::completions::answer();
    let done = match Cli::try_parse() {
        Ok(cli) => run(cli),
        Err(error) if error.kind() == ErrorKind::DisplayVersion => {
            commands::version::run(std::env::args_os().any(|argument| argument == "--version"))
        }
        Err(error) => return hints::tell(&error),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::error(&error);
            ExitCode::from(error.code())
        }
    }
}

fn run(cli: Cli) -> Result<u8, CliError> {
    let Some(command) = &cli.command else {
        return commands::glance::run(&App::new(&cli.global)?);
    };
    // The extraction child has no use for folders or configuration, and Ctrl-C is its parent's business.
    match command {
        Command::ExtractWorker => return commands::extract_worker::run(),
        Command::Completions { shell } => return commands::completions::run(*shell),
        // It mends the file without which nothing else works.
        Command::Config(args) => return commands::config::run(&cli.global, args.command.as_ref()),
        Command::Manual { folder } => return commands::manual::run(folder),
        _ => {}
    }
    let app = App::new(&cli.global)?;
    match command {
        Command::Add(args) => commands::add::run(&app, args),
        Command::Remove(args) => commands::remove::run(&app, args),
        Command::Folders(args) => commands::folders::run(&app, args),
        Command::Search(args) => commands::search::run(&app, args),
        Command::Similar(args) => commands::similar::run(&app, args),
        Command::Get(args) => commands::get::run(&app, args),
        Command::Open(args) => commands::open::run(&app, args),
        Command::Status(args) => commands::status::run(&app, args),
        Command::Retry(args) => commands::retry::run(&app, args),
        Command::Rebuild => commands::rebuild::run(&app),
        Command::Mcp => mcp::run(&app),
        Command::Daemon(command) => commands::daemon::run(&app, command),
        Command::Serve(args) => serve::run(&app, args),
        Command::Eval(args) => commands::eval::run(&app, args),
        Command::Doctor(args) => commands::doctor::run(&app, args),
        Command::Setup(args) => commands::setup::run(&app, args),
        Command::Model(command) => commands::model::run(&app, command),
        Command::ExtractWorker
        | Command::Completions { .. }
        | Command::Manual { .. }
        | Command::Config(_) => Ok(EXIT_OK),
    }
}
