//! `lsearch completions SHELL`, and what the shell then asks on each Tab.
//!
//! The script is a few lines that ask this program, with the command line so far in its arguments, so that it can
//! offer what only the index knows: the folders added, and the types of their documents.

use std::collections::BTreeSet;

use clap::CommandFactory;
use clap::builder::StyledStr;
use clap_complete::CompletionCandidate;
use clap_complete::env::{CompleteEnv, Shells};
use lsearch_index::Reader;
use lsearch_index::folders::Folders;
use lsearch_ingest::{Kind, type_names};

use crate::app::App;
use crate::args::{Cli, GlobalArgs, ShellArg};
use crate::config::KEYS;
use crate::encoder;
use crate::errors::{CliError, EXIT_OK};
use crate::output;
use crate::places::Places;

/// The environment variable by which a script asks, set to the shell's name.
const VARIABLE: &str = "LSEARCH_COMPLETE";
/// The program that scripts call, found on the PATH.
const PROGRAM: &str = "lsearch";

/// Prints the script.
pub fn run(shell: ShellArg) -> Result<u8, CliError> {
    output::print(&script(shell)?)?;
    Ok(EXIT_OK)
}

/// The script to be run when the shell starts.
pub fn script(shell: ShellArg) -> Result<String, CliError> {
    let shells = Shells::builtins();
    let completer = shells
        .completer(shell.name())
        .ok_or_else(|| CliError::new(format!("there are no completions for {}", shell.name())))?;
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)
        .map_err(|error| CliError::new(format!("cannot write the script: {error}")))?;
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// Answers a shell's question and ends the process, if this process was started for one. To be called before
/// anything else, while there is one thread.
pub fn answer() {
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).bin(PROGRAM).complete();
}

/// The folders that are indexed.
pub fn folders() -> Vec<CompletionCandidate> {
    let folders = places().and_then(|places| Folders::load(&places.data).ok());
    let folders = folders.into_iter().flat_map(|folders| folders.folders);
    folders.map(|folder| CompletionCandidate::new(folder.path)).collect()
}

/// Kinds, and the types that documents have; all that are known where there are no documents.
pub fn types() -> Vec<CompletionCandidate> {
    let kinds = Kind::ALL.into_iter().map(Kind::as_str);
    let kinds = kinds.map(|kind| candidate(kind, "all documents of this kind"));
    let of_documents =
        places().and_then(|places| Reader::open(&places.data).and_then(|it| it.types()).ok());
    let types = of_documents.unwrap_or_else(|| type_names().map(str::to_owned).collect());
    let is_kind = |name: &String| Kind::ALL.into_iter().any(|kind| kind.as_str() == name);
    let types: BTreeSet<String> = types.into_iter().filter(|name| !is_kind(name)).collect();
    kinds.chain(types.into_iter().map(CompletionCandidate::new)).collect()
}

/// The encoders there are.
pub fn encoders() -> Vec<CompletionCandidate> {
    let app = App::new(&GlobalArgs::from_environment()).ok();
    let names = app.map(|app| encoder::installed::names(&app));
    names.into_iter().flatten().map(CompletionCandidate::new).collect()
}

/// The keys of the configuration.
pub fn keys() -> Vec<CompletionCandidate> {
    KEYS.iter().map(|key| candidate(key.name, key.about)).collect()
}

fn candidate(value: &str, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).help(Some(StyledStr::from(help.to_owned())))
}

/// Those of an ordinary call: what the command line so far says of others is not known here.
fn places() -> Option<Places> {
    Places::find(&GlobalArgs::from_environment()).ok()
}
