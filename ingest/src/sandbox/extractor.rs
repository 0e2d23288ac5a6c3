use std::ffi::OsString;
use std::path::{Path, PathBuf, absolute};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::child::{Child, Death};
use crate::{FailReason, Ocr, Outcome};

/// A child is replaced after so many files, against whatever may pile up in it.
const FILES_PER_CHILD: usize = 500;
/// How often a PDF is tried again without the page that the child did not survive.
const RETRIES: usize = 2;

/// How files are extracted in child processes.
#[derive(Debug, Clone)]
pub struct ExtractorOptions {
    /// The program to start, which must call [`worker_process`](crate::worker_process).
    pub worker_program: PathBuf,
    /// Its arguments.
    pub worker_args: Vec<OsString>,
    /// How many children may run at the same time; at least one.
    pub workers: usize,
    /// Address space of each child in bytes. A file needs two to three times its size, a large PDF
    /// more; 1 GiB is a good start.
    pub memory_bytes: u64,
    /// Processor time for each file in seconds.
    pub cpu_sec: u64,
    /// Time on the clock for each file in seconds.
    pub wall_sec: u64,
    /// Largest file that is read, in bytes.
    pub max_file_bytes: u64,
    /// Longest text that a document may have, in bytes.
    pub max_text_bytes: u64,
    /// How pages of PDFs that are pictures are read; they are left unread without it.
    pub ocr: Option<Ocr>,
}

/// Extracts files in child processes that it starts, supervises and replaces. Can be used from
/// several threads at the same time.
pub struct Extractor {
    options: ExtractorOptions,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Child>,
    running: usize,
}

impl Extractor {
    /// Starts no process yet; that happens with the first file.
    pub fn new(mut options: ExtractorOptions) -> Self {
        options.workers = options.workers.max(1);
        // Children work in another folder, where a relative path would mean something else.
        if options.worker_program.components().count() > 1 {
            options.worker_program =
                absolute(&options.worker_program).unwrap_or(options.worker_program);
        }
        Self { options, state: Mutex::default(), freed: Condvar::new() }
    }

    /// Extracts one file. Waits while as many files as there may be children are being extracted.
    ///
    /// Whatever the file does to the child comes back as an outcome: a child that crashes, hangs or
    /// runs over a limit is replaced. A PDF that breaks on one of its pages is read without it.
    pub fn extract(&self, path: &Path) -> Outcome {
        let path = match absolute(path) {
            Ok(path) => path,
            Err(e) => return Outcome::Failed(FailReason::from_io(&e)),
        };
        let _turn = Turn::wait(self);
        let first = match self.attempt(&path, &[]) {
            Ok(outcome) => return outcome,
            Err(death) => death,
        };
        let reason = first.reason.clone();
        let mut guilty = self.guilty_page(&first);
        let mut skip_pages = Vec::new();
        for _ in 0..RETRIES {
            let Some(page) = guilty.filter(|page| !skip_pages.contains(page)) else { break };
            skip_pages.push(page);
            match self.attempt(&path, &skip_pages) {
                Ok(outcome @ Outcome::Document(_)) => return outcome,
                // The first reason says more than what is left of the file.
                Ok(_) => break,
                Err(death) => guilty = self.guilty_page(&death),
            }
        }
        Outcome::Failed(reason)
    }

    fn attempt(&self, path: &Path, skip_pages: &[u32]) -> Result<Outcome, Death> {
        let mut child = match self.take_idle() {
            Some(child) => child,
            None => match Child::start(&self.options) {
                Ok(child) => child,
                Err(detail) => return Ok(Outcome::Failed(FailReason::Unavailable { detail })),
            },
        };
        let (outcome, retire) = child.extract(path, skip_pages, &self.options)?;
        if !retire && child.files_done < FILES_PER_CHILD {
            self.lock().idle.push(child);
        }
        Ok(outcome)
    }

    fn take_idle(&self) -> Option<Child> {
        loop {
            let mut child = self.lock().idle.pop()?;
            if child.is_alive() {
                return Some(child);
            }
        }
    }

    /// The page that brought the child down. Time may also have run out because there are so many
    /// pages; one of them is to blame if it took half of it.
    fn guilty_page(&self, death: &Death) -> Option<u32> {
        let (page, elapsed) = death.page?;
        let half_sec = match death.reason {
            FailReason::TimeLimit { limit_sec } | FailReason::CpuLimit { limit_sec } => {
                limit_sec / 2
            }
            _ => 0,
        };
        (elapsed >= Duration::from_secs(half_sec)).then_some(page)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is never left half changed.
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// The right to run a child.
struct Turn<'a>(&'a Extractor);

impl<'a> Turn<'a> {
    fn wait(extractor: &'a Extractor) -> Self {
        let mut state = extractor.lock();
        while state.running >= extractor.options.workers {
            state = extractor.freed.wait(state).unwrap_or_else(|e| e.into_inner());
        }
        state.running += 1;
        Self(extractor)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        self.0.freed.notify_one();
    }
}
