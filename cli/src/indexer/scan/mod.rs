//! One folder, or some places in it: walk, compare with the catalog, hash and extract what changed, forget what is
//! gone.
//!
//! A walking thread and some that hash and extract ([`work`]) hand their events to the calling thread, the only
//! one that writes ([`scanner`]).

mod known;
mod members;
mod names;
mod renames;
mod report;
mod rulebook;
mod scanner;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{bounded, unbounded};
use lsearch_index::Writer;
use lsearch_ingest::{Extractor, Places, WalkEvent, WalkOptions, walk};

use self::rulebook::RuleBook;
use self::scanner::Scanner;
use self::work::{Event, work};
use crate::app::App;
use crate::errors::CliError;

pub use known::inside_of;
pub use names::{escape_glob, span_of};
pub use report::ScanReport;

/// Documents that may wait for the writer: bounds memory when extraction is faster than indexing.
const WAITING_DOCUMENTS: usize = 32;

/// Called for every folder a walk goes into, before its entries are listed.
pub type FolderHook = Arc<dyn Fn(&Path) + Send + Sync>;

/// Called every now and then during a long scan, on its thread; gives the files that were seen to be there meanwhile.
pub type Interlude<'a> = &'a mut dyn FnMut() -> Result<Vec<PathBuf>, CliError>;

/// Why a root was not scanned.
#[derive(Debug)]
pub enum Unscanned {
    /// The folder cannot be walked; the others may go on.
    Walk(CliError),
    /// The index cannot be written.
    Index(CliError),
}

impl From<CliError> for Unscanned {
    fn from(error: CliError) -> Self {
        Self::Index(error)
    }
}

/// A look at a root's files.
pub struct Scan<'a> {
    /// The invocation.
    pub app: &'a App,
    /// The one writer.
    pub writer: &'a Writer,
    /// The extraction children.
    pub extractor: &'a Arc<Extractor>,
    /// The added folder.
    pub root: &'a Path,
    /// What is left out of it.
    pub exclude: &'a [String],
    /// These places alone; `None` for everything.
    pub only: Option<Arc<Places>>,
    /// Read also what did not change: an earlier version of the extractor read it.
    pub unchanged_too: bool,
    /// Told of every folder.
    pub on_folder: Option<FolderHook>,
    /// Tell what is ahead before anything is read.
    pub announce: bool,
}

impl Scan<'_> {
    /// Brings the root's files into the index, searchable by word, and commits.
    ///
    /// # Errors
    /// The index's own failures, and when the root itself cannot be walked. A file that cannot be read is recorded
    /// with its reason and never an error here.
    pub fn run(self, interlude: Option<Interlude<'_>>) -> Result<ScanReport, Unscanned> {
        let started = Instant::now();
        let app = self.app;
        let options = WalkOptions {
            only: self.only.clone(),
            count_left_out: self.announce,
            ..walk_options(app, self.root, self.exclude)
        };
        // Threads cost little, but a saved file needs no more than one of them.
        let threads = match &self.only {
            Some(only) => app.config.threads().min(only.iter().count()).max(1),
            None => app.config.threads(),
        };
        let (jobs_in, jobs_out) = unbounded();
        let (events_in, events_out) = bounded::<Event>(WAITING_DOCUMENTS);
        let rules = Arc::new(RuleBook::new(self.root, options.clone()));
        let mut scanner = Scanner::new(&self, &rules, jobs_in)?;

        let mut threads_at_work = Vec::with_capacity(threads + 1);
        let (walk_root, walk_events) = (self.root.to_path_buf(), events_in.clone());
        let (on_folder, stop) = (self.on_folder.clone(), app.stop.clone());
        threads_at_work.push(std::thread::spawn(move || {
            let visit = |event: WalkEvent| match (event, &on_folder) {
                (WalkEvent::Folder(folder), Some(hook)) => hook(&folder),
                (WalkEvent::Folder(_), None) => {}
                // A closed channel means that the scan is over; the walk then ends by `cancel`.
                (event, _) => drop(walk_events.send(Event::Walk(event))),
            };
            let ended = walk(&walk_root, &options, &visit, &|| stop.requested());
            let _ = walk_events.send(Event::WalkEnded(ended));
        }));
        for _ in 0..threads {
            let (jobs, events) = (jobs_out.clone(), events_in.clone());
            let (extractor, stop) = (Arc::clone(self.extractor), app.stop.clone());
            let rules = Arc::clone(&rules);
            threads_at_work
                .push(std::thread::spawn(move || work(&jobs, &events, &extractor, &rules, &stop)));
        }
        drop((jobs_out, events_in));
        let outcome = scanner.run(&events_out, interlude);
        // Whatever the outcome, the threads must see the end: no more jobs, nobody listening.
        scanner.end_of_jobs();
        drop(events_out);
        // After a Ctrl-C nobody waits for a file that takes minutes: the threads end with the process, and the
        // extraction children with their parent.
        if outcome.is_ok() && !scanner.is_cancelled() {
            for thread in threads_at_work {
                if let Err(panic) = thread.join() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
        outcome?;
        scanner.finish(started)
    }
}

/// How an added folder is walked.
pub fn walk_options(app: &App, root: &Path, exclude: &[String]) -> WalkOptions {
    let mut exclude = exclude.to_vec();
    exclude.extend(app.config.exclude.iter().cloned());
    exclude.extend(names::own_folder(app, root));
    WalkOptions {
        exclude,
        max_file_bytes: Some(app.config.max_file_bytes()),
        threads: app.config.threads(),
        ..WalkOptions::default()
    }
}
