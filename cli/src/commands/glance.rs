//! `lsearch` alone: what it is and how to begin, or how everything stands and what to do next.

use std::path::PathBuf;

use directories::UserDirs;
use lsearch_index::folders::Folders;

use super::status;
use crate::app::App;
use crate::errors::{CliError, EXIT_OK};
use crate::output;
use crate::output::style::{self, paint};
use crate::places::shorten_home;

/// Column where it is said what a command does.
const SAID_AT: usize = 46;

/// Prints it.
pub fn run(app: &App) -> Result<u8, CliError> {
    let folders = Folders::load(&app.places.data)?;
    let text = if folders.folders.is_empty() { welcome() } else { standing(app)? };
    output::print(&text)?;
    Ok(EXIT_OK)
}

fn welcome() -> String {
    let add = format!("lsearch add {}", shell_path(&documents()));
    format!(
        "lsearch searches your own documents, by meaning and by word. Nothing leaves this machine.\n\n\
         Nothing is indexed yet. Begin with:\n\n{}{}{}\n\
         `lsearch add -n DIR` only tells what it would read; `lsearch --help` lists all commands.\n",
        line(&add, "read a folder, once"),
        line("lsearch search \"who pays for the repairs\"", "ask for what you remember"),
        line("lsearch daemon start", "keep it up to date by itself"),
    )
}

fn standing(app: &App) -> Result<String, CliError> {
    let glance = status::glance(app)?;
    let mut text = glance.text;
    text.push('\n');
    let mut next = Vec::new();
    if glance.is_unfinished {
        next.push(line("lsearch add", "go on with what waits"));
    }
    if glance.has_failures {
        next.push(line("lsearch status", "what failed, what was left out, and why"));
    }
    next.push(line("lsearch search \"who pays for the repairs\"", "ask for what you remember"));
    next.push(line("lsearch search -i", "the same as you type"));
    if glance.has_daemon {
        next.push(line("lsearch serve --open", "the same in the browser"));
    } else {
        next.push(line("lsearch daemon start", "keep it up to date by itself"));
    }
    text.push_str(&next.concat());
    text.push_str("\n`lsearch --help` lists all commands.\n");
    Ok(text)
}

fn line(command: &str, what: &str) -> String {
    format!("  {command:<SAID_AT$}{}\n", paint(style::DIM, what))
}

/// The folder in which this person's documents are likely to lie.
fn documents() -> PathBuf {
    let dirs = UserDirs::new();
    let likely = dirs.as_ref().and_then(|dirs| {
        let home = dirs.home_dir();
        let named = dirs.document_dir().map(PathBuf::from);
        let usual = ["Documents", "documents", "docs"].map(|name| home.join(name));
        // Desktops may name the home folder itself, which holds much that is no document.
        named.into_iter().chain(usual).find(|folder| folder.is_dir() && folder != home)
    });
    likely.unwrap_or_else(|| PathBuf::from("~/Documents"))
}

/// A path as it is typed.
fn shell_path(path: &std::path::Path) -> String {
    let shown = shorten_home(path);
    if shown.contains([' ', '\'', '"', '$', '(', '&', ';']) {
        format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
    } else {
        shown
    }
}
