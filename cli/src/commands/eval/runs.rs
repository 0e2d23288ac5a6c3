//! Run files in TREC's form, for `trec_eval` and its like.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use lsearch_index::Mode;

use super::collection::{Collection, Task};
use crate::errors::CliError;
use crate::output::json;

/// The run files of one task, one a mode.
pub struct Runs {
    files: Vec<(PathBuf, &'static str, BufWriter<fs_err::File>)>,
}

impl Runs {
    /// Makes the files in a folder; without a folder, none.
    pub fn create(
        folder: Option<&Path>,
        collection: &Collection,
        task: &Task,
        modes: &[Mode],
    ) -> Result<Self, CliError> {
        let mut files = Vec::new();
        if let Some(folder) = folder {
            fs_err::create_dir_all(folder).map_err(|error| CliError::io(folder, &error))?;
            for mode in modes {
                let mode = json::mode_name(*mode);
                let path = folder.join(format!("{}.{}.{mode}.run", collection.name, task.name));
                let file =
                    fs_err::File::create(&path).map_err(|error| CliError::io(&path, &error))?;
                files.push((path, mode, BufWriter::new(file)));
            }
        }
        Ok(Runs { files })
    }

    /// Writes what one query found in the mode at this place: query, `Q0`, document, rank, score and
    /// the run's name.
    pub fn write(
        &mut self,
        mode: usize,
        query: &str,
        ranked: &[(String, f32)],
    ) -> Result<(), CliError> {
        let Some((path, mode, file)) = self.files.get_mut(mode) else { return Ok(()) };
        for (at, (document, score)) in ranked.iter().enumerate() {
            writeln!(file, "{query} Q0 {document} {} {score} lsearch-{mode}", at + 1)
                .map_err(|error| CliError::io(path, &error))?;
        }
        file.flush().map_err(|error| CliError::io(path, &error))
    }
}
