//! Bringing the index up to date: scan (files to texts, searchable by word), then encode (texts to vectors).

mod encode;
mod ocr;
mod plan;
mod rates;
mod read_by;
mod scan;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lsearch_engine::Encoder;
use lsearch_index::{IndexError, Writer, WriterOptions};
use lsearch_ingest::{Extractor, ExtractorOptions};

use self::read_by::ReadBy;
use crate::app::App;
use crate::errors::CliError;

pub use encode::{Course, EncodeReport, encode_pending};
pub use plan::{likely_device, survey};
pub use rates::{Rates, is_first_reading, note_waiting};
pub use scan::{
    FolderHook, Interlude, Scan, ScanReport, Unscanned, escape_glob, inside_of, span_of,
    walk_options,
};

/// How often work is made durable while it goes on: what a kill can cost.
const COMMIT_EVERY: Duration = Duration::from_secs(2);

/// Takes the write lock, mends what a crash left behind, and says what was mended.
pub fn open_writer(app: &App, data: &Path) -> Result<Writer, CliError> {
    Ok(try_open_writer(app, data)?)
}

/// The same with the index's own error.
pub fn try_open_writer(app: &App, data: &Path) -> Result<Writer, IndexError> {
    let options = WriterOptions {
        graph_threshold: app.config.graph_threshold(),
        threads: app.config.threads(),
        ..WriterOptions::default()
    };
    let (writer, report) = Writer::open(data, options)?;
    for note in &report.notes {
        app.warn(note);
    }
    Ok(writer)
}

/// The pool of extraction children: this same binary, by its hidden verb. They may read these folders alone.
pub fn open_extractor(app: &App, folders: Vec<PathBuf>) -> Result<Extractor, CliError> {
    let program = std::env::current_exe().map_err(|error| {
        CliError::new(format!("cannot find the lsearch program itself: {error}"))
    })?;
    Ok(Extractor::new(ExtractorOptions {
        worker_program: program,
        worker_args: vec!["extract-worker".into()],
        readable: folders,
        workers: app.config.threads(),
        memory_bytes: app.config.extract_memory_bytes(),
        cpu_sec: app.config.extract_wall_sec,
        wall_sec: app.config.extract_wall_sec,
        max_file_bytes: app.config.max_file_bytes(),
        max_text_bytes: app.config.max_file_bytes(),
        ocr: ocr::setting_or_warning(app),
    }))
}

/// Scans folders and, given an encoder, encodes what they brought.
pub struct Update<'a> {
    /// The invocation.
    pub app: &'a App,
    /// The one writer.
    pub writer: &'a Writer,
    /// Tell what is ahead before anything is read.
    pub announce: bool,
}

/// What an update did.
#[derive(Debug, Default)]
pub struct UpdateReport {
    /// Files looked at and what became of them.
    pub scan: ScanReport,
    /// Roots that are not there now, or stand empty as the place of an unmounted disk does; their
    /// documents are kept.
    pub offline: Vec<PathBuf>,
    /// Roots that could not be walked, and why; their documents are kept.
    pub unreadable: Vec<(PathBuf, CliError)>,
}

impl UpdateReport {
    /// Adds another root's.
    pub fn merge(&mut self, other: Self) {
        self.scan.merge(other.scan);
        self.offline.extend(other.offline);
        self.unreadable.extend(other.unreadable);
    }
}

impl Update<'_> {
    /// Brings each root's files into the index, searchable by word. `on_folder` and `interlude` are those of a
    /// [`Scan`].
    pub fn scan_all(
        &self,
        roots: &[(PathBuf, Vec<String>)],
        on_folder: Option<FolderHook>,
        mut interlude: Option<Interlude<'_>>,
    ) -> Result<UpdateReport, CliError> {
        let folders = roots.iter().map(|(root, _)| root.clone()).collect();
        let extractor = Arc::new(open_extractor(self.app, folders)?);
        let mut report = UpdateReport::default();
        let mut read_by = ReadBy::load(&self.app.places.data);
        for (root, exclude) in roots {
            if !root.is_dir() || stands_empty(self.writer, root)? {
                report.offline.push(root.clone());
                continue;
            }
            let known = self.writer.files_under(root)?.next().is_some();
            if !known {
                read_by.set_current(root)?;
            }
            if !known {
                rates::note_first_reading(self.app, root, true);
            }
            let scan = Scan {
                app: self.app,
                writer: self.writer,
                extractor: &extractor,
                root,
                exclude,
                only: None,
                unchanged_too: !read_by.is_current(root),
                on_folder: on_folder.clone(),
                announce: self.announce,
            };
            let one = match scan.run(interlude.as_deref_mut().map(|one| one as Interlude<'_>)) {
                Ok(one) => one,
                // One folder that cannot be walked does not keep the others waiting.
                Err(Unscanned::Walk(error)) => {
                    report.unreadable.push((root.clone(), error));
                    continue;
                }
                Err(Unscanned::Index(error)) => return Err(error),
            };
            report.scan.merge(one);
            if !known && !report.scan.cancelled {
                rates::note_first_reading(self.app, root, false);
            }
            if report.scan.cancelled {
                break;
            }
            read_by.set_current(root)?;
        }
        Ok(report)
    }

    /// Encodes what has no vectors of this encoder yet.
    pub fn encode(&self, encoder: &Encoder) -> Result<EncodeReport, CliError> {
        encode_pending(self.app, self.writer, encoder, &mut Course::default())
    }
}

/// True when nothing at all lies in a folder of which documents are known: what an unmounted disk
/// leaves behind cannot be told from a folder that was emptied, and forgetting would cost vectors.
pub fn stands_empty(writer: &Writer, root: &Path) -> Result<bool, CliError> {
    let empty = std::fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_none());
    Ok(empty && writer.files_under(root)?.next().is_some())
}
