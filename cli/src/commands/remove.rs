//! `lsearch remove`: forget folders. The vectors stay in the store, so that adding again costs little.

use std::path::{Path, PathBuf};

use lsearch_index::Writer;
use lsearch_index::folders::Folders;

use crate::app::App;
use crate::args::RemoveArgs;
use crate::daemon::client;
use crate::daemon::protocol::Request;
use crate::errors::{CliError, EXIT_OK};
use crate::indexer;
use crate::nearest::nearest;
use crate::output::units;
use crate::places::{absolute, shorten_home};

/// Takes the folders off the list and their documents out of the index.
pub fn run(app: &App, args: &RemoveArgs) -> Result<u8, CliError> {
    let folders = Folders::load(&app.places.data)?;
    let roots = args
        .folders
        .iter()
        .map(|folder| known_root(&folders, folder))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(client) = client::connect(app)? {
        return client.call(app, &Request::Remove { folders: roots });
    }
    let writer = indexer::open_writer(app, &app.places.data)?;
    forget(app, &writer, &roots)?;
    Ok(EXIT_OK)
}

/// Forgets added folders and what was indexed from them.
pub fn forget(app: &App, writer: &Writer, roots: &[PathBuf]) -> Result<(), CliError> {
    // Read under the lock: an add may have changed the list meanwhile.
    let mut folders = Folders::load(&app.places.data)?;
    for root in roots {
        let removed = writer.remove_under(root)?;
        // Documents first: a list without the folder but with its documents would leave them for ever.
        writer.commit()?;
        folders.remove(root);
        folders.save(&app.places.data)?;
        app.say(format_args!(
            "{} forgotten, {}",
            shorten_home(root),
            units::plural(removed as u64, "file")
        ));
    }
    Ok(())
}

/// What to do about a folder that was not added.
fn near_folder(folders: &Folders, wanted: &Path) -> String {
    let names: Vec<String> =
        folders.folders.iter().map(|known| known.path.display().to_string()).collect();
    match nearest(&wanted.display().to_string(), names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}? `lsearch folders` lists all"),
        None => "`lsearch folders` lists them".to_owned(),
    }
}

/// The root a person means, also when the folder itself is gone from the disk.
fn known_root(folders: &Folders, folder: &Path) -> Result<PathBuf, CliError> {
    let path = absolute(folder)?;
    let canonical = fs_err::canonicalize(&path).unwrap_or_else(|_| path.clone());
    for candidate in [&canonical, &path] {
        if folders.folders.iter().any(|known| known.path == *candidate) {
            return Ok(candidate.clone());
        }
    }
    let error = CliError::new(format!("{}: not an added folder", folder.display()));
    match folders.folders.iter().find(|known| canonical.starts_with(&known.path)) {
        Some(parent) => Err(error.hint(format!(
            "it lies inside {}: leave it out with `lsearch add {} --exclude '{}/'`,\nor with a \
             .lsearchignore file there",
            parent.path.display(),
            parent.path.display(),
            canonical.strip_prefix(&parent.path).unwrap_or(&canonical).display()
        ))),
        None => Err(error.hint(near_folder(folders, &canonical))),
    }
}
