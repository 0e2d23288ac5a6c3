//! `lsearch folders`.

use lsearch_index::Reader;
use lsearch_index::folders::Folders;
use serde::Serialize;

use super::{is_empty_index, why};
use crate::app::App;
use crate::args::FoldersArgs;
use crate::errors::{CliError, EXIT_NOTHING_FOUND, EXIT_OK};
use crate::output::{self, json, units};
use crate::places::shorten_home;

#[derive(Serialize)]
struct FolderLine<'a> {
    path: std::borrow::Cow<'a, str>,
    exclude: &'a [String],
    documents: u64,
    online: bool,
}

/// Lists the folders with their number of documents.
pub fn run(app: &App, args: &FoldersArgs) -> Result<u8, CliError> {
    if let Some(path) = &args.why {
        return why::run(app, path, args.json);
    }
    let folders = Folders::load(&app.places.data)?;
    let counts = match Reader::open(&app.places.data).and_then(|reader| reader.status()) {
        Ok(status) => status.roots,
        Err(error) if is_empty_index(&error) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let lines: Vec<FolderLine<'_>> = folders
        .folders
        .iter()
        .map(|folder| FolderLine {
            path: folder.path.to_string_lossy(),
            exclude: &folder.exclude,
            documents: counts
                .iter()
                .find(|count| count.path == folder.path)
                .map_or(0, |count| count.documents as u64),
            online: folder.path.is_dir(),
        })
        .collect();
    if args.json {
        output::print(&json::line(&lines)?)?;
        return Ok(EXIT_OK);
    }
    if lines.is_empty() {
        app.say("no folder is added yet: lsearch add ~/Documents");
        return Ok(EXIT_NOTHING_FOUND);
    }
    let mut text = String::new();
    for (line, folder) in lines.iter().zip(&folders.folders) {
        let offline = if line.online { "" } else { "  (not there now)" };
        text.push_str(&format!(
            "{}  {}{offline}\n",
            shorten_home(&folder.path),
            units::plural(line.documents, "document")
        ));
        for glob in line.exclude {
            text.push_str(&format!("    without {glob}\n"));
        }
    }
    output::print(&text)?;
    Ok(EXIT_OK)
}
