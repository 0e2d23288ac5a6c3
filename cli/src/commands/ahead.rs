//! What an add would do, told without doing it, and asked about where it is likely to be a mistake.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use lsearch_index::folders::Folders;

use super::add;
use crate::app::App;
use crate::errors::{CliError, EXIT_INTERRUPTED, EXIT_OK};
use crate::indexer::survey;
use crate::output::{self, units};
use crate::places::shorten_home;

/// A whole disk or home folder of so many files is asked about.
const VAST: u64 = 100_000;

/// `add --dry-run`: prints what would be read and left out; with no folders given, of all that were added.
pub fn tell(app: &App, wanted: &[PathBuf], exclude: &[String]) -> Result<u8, CliError> {
    let folders = Folders::load(&app.places.data)?;
    let roots: Vec<(PathBuf, Vec<String>)> = if wanted.is_empty() {
        let all = folders.folders.iter();
        all.map(|folder| (folder.path.clone(), folder.exclude.clone())).collect()
    } else {
        let with_known = |path: &PathBuf| (path.clone(), add::with_known(&folders, path, exclude));
        wanted.iter().map(with_known).collect()
    };
    if roots.is_empty() {
        return Err(add::no_folder());
    }
    for (root, exclude) in &roots {
        if !root.is_dir() {
            app.warn(format_args!("{} is not there now", shorten_home(root)));
            continue;
        }
        let plan = survey(app, root, exclude)?;
        if app.stop.requested() {
            return Ok(EXIT_INTERRUPTED);
        }
        output::print(&format!("{}\n", plan.in_words(app, root)))?;
        if let Some(known) = folders.covering(root) {
            let shown = shorten_home(&known.path);
            app.say(format_args!(
                "  {shown} is added already: of these, what did not change since is not read again"
            ));
        }
    }
    app.say("nothing was changed");
    Ok(EXIT_OK)
}

/// Whether the folders are meant: one that is a whole disk or home folder, and vast, is asked about on a terminal.
pub fn is_meant(app: &App, wanted: &[PathBuf], exclude: &[String]) -> Result<bool, CliError> {
    let doubtful = |folder: &&PathBuf| is_sweeping(folder, home().as_deref());
    let known = Folders::load(&app.places.data)?;
    for folder in wanted.iter().filter(doubtful).filter(|folder| known.covering(folder).is_none()) {
        let plan = survey(app, folder, exclude)?;
        let (files, _) = plan.work.total();
        if files < VAST {
            continue;
        }
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            app.warn(format_args!(
                "{} holds {}; folders of documents are found more quickly",
                folder.display(),
                units::plural(files, "file")
            ));
            continue;
        }
        anstream::eprintln!("{}", plan.in_words(app, folder));
        anstream::eprint!("That is everything in {}. Index all of it? [y/N] ", folder.display());
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        read.map_err(|error| CliError::new(format!("cannot read the answer: {error}")))?;
        if !is_yes(&answer) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn home() -> Option<PathBuf> {
    let dirs = directories::BaseDirs::new()?;
    Some(std::fs::canonicalize(dirs.home_dir()).unwrap_or_else(|_| dirs.home_dir().to_owned()))
}

/// Whether a folder is a home folder as a whole, or has it within.
fn is_sweeping(folder: &Path, home: Option<&Path>) -> bool {
    folder == Path::new("/") || home.is_some_and(|home| home.starts_with(folder))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_disks_and_homes_are_doubtful_and_folders_in_them_are_not() {
        let home = Some(Path::new("/home/ada"));
        for (folder, doubtful) in [
            ("/", true),
            ("/home", true),
            ("/home/ada", true),
            ("/home/ada/Documents", false),
            ("/home/adam", false),
            ("/srv", false),
        ] {
            assert_eq!(is_sweeping(Path::new(folder), home), doubtful, "{folder}");
        }
        assert!(is_sweeping(Path::new("/"), None) && !is_sweeping(Path::new("/srv"), None));
    }

    #[test]
    fn only_a_clear_yes_is_one() {
        assert!(is_yes("y\n") && is_yes(" YES\n"));
        for answer in ["", "\n", "n\n", "yellow\n"] {
            assert!(!is_yes(answer), "{answer:?}");
        }
    }
}
