//! `lsearch manual DIR`: the manual pages, made from the same texts as `--help`, for those who make packages.

use std::path::Path;

use clap::{Command, CommandFactory};

use crate::args::Cli;
use crate::errors::{CliError, EXIT_OK};
use crate::output;

/// Writes `lsearch.1` and a page for each verb into the folder, which is made if it is not there.
pub fn run(folder: &Path) -> Result<u8, CliError> {
    fs_err::create_dir_all(folder).map_err(|error| CliError::io(folder, &error))?;
    let mut command = Cli::command().version(env!("CARGO_PKG_VERSION"));
    command.build();
    let mut names = Vec::new();
    write(&command, "lsearch", folder, &mut names)?;
    output::print(&format!("{}\n", names.join("\n")))?;
    Ok(EXIT_OK)
}

fn write(
    command: &Command,
    name: &str,
    folder: &Path,
    names: &mut Vec<String>,
) -> Result<(), CliError> {
    let path = folder.join(format!("{name}.1"));
    let mut page = Vec::new();
    let titled = command.clone().display_name(name);
    clap_mangen::Man::new(titled)
        .source(format!("lsearch {}", env!("CARGO_PKG_VERSION")))
        .manual("lsearch")
        .render(&mut page)
        .and_then(|()| fs_err::write(&path, page))
        .map_err(|error| CliError::io(&path, &error))?;
    names.push(path.display().to_string());
    for verb in command.get_subcommands() {
        if !verb.is_hide_set() && verb.get_name() != "help" {
            write(verb, &format!("{name}-{}", verb.get_name()), folder, names)?;
        }
    }
    Ok(())
}
