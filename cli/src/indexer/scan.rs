//! One folder: walk it, compare with the catalog, hash and extract what changed, forget what is gone.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use lsearch_index::{
    Content, ContentKey, ExtractKey, FileRecord, FileStat, FileState, PassageSpan, Writer,
};
use lsearch_ingest::{
    Document, Extractor, FailReason, FoundFile, Guess, IngestError, Outcome, Passage,
    PassageOptions, SkipReason, WalkEvent, WalkOptions, hash_file, passages, walk,
};

use super::COMMIT_EVERY;
use crate::app::App;
use crate::errors::CliError;
use crate::interrupt;
use crate::output::progress::Stage;
use crate::output::units;

/// Documents that may wait for the writer: bounds memory when extraction is faster than indexing.
const WAITING_DOCUMENTS: usize = 32;

/// What a scan found and did, in files.
#[derive(Debug, Default, Clone)]
pub struct ScanReport {
    /// Files the walk offered.
    pub seen: u64,
    /// Files whose size, time and inode were as recorded.
    pub unchanged: u64,
    /// New or changed documents that were read.
    pub extracted: u64,
    /// New paths of content that was already known (copied, moved or re-added).
    pub reused: u64,
    /// Files left out, with a recorded reason.
    pub skipped: u64,
    /// Files that could not be read, with a recorded reason.
    pub failed: u64,
    /// Files that are gone.
    pub removed: u64,
    /// Bytes of the files that were new or changed.
    pub bytes: u64,
    /// The first few failures, for showing.
    pub failures: Vec<(PathBuf, String)>,
    /// Stopped by Ctrl-C before the end.
    pub cancelled: bool,
    /// Time taken.
    pub elapsed: Duration,
}

impl ScanReport {
    /// Adds another folder's figures.
    pub fn merge(&mut self, other: Self) {
        self.seen += other.seen;
        self.unchanged += other.unchanged;
        self.extracted += other.extracted;
        self.reused += other.reused;
        self.skipped += other.skipped;
        self.failed += other.failed;
        self.removed += other.removed;
        self.bytes += other.bytes;
        self.failures.extend(other.failures);
        self.cancelled |= other.cancelled;
        self.elapsed += other.elapsed;
    }
}

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

enum Job {
    Hash(FoundFile),
    Extract(FoundFile),
}

enum Event {
    Walk(WalkEvent),
    WalkEnded(Result<(), IngestError>),
    Hashed(FoundFile, Result<[u8; 32], String>),
    Extracted(FoundFile, Extracted),
}

enum Extracted {
    Document(Box<Document>, Vec<Passage>),
    Skipped(SkipReason),
    Failed(FailReason),
}

/// Brings one root's files into the index, searchable by word, and commits.
///
/// # Errors
/// The index's own failures, and when the root itself cannot be walked. A file that cannot be read is recorded
/// with its reason and never an error here.
pub fn scan(
    app: &App,
    writer: &Writer,
    extractor: &Arc<Extractor>,
    root: &Path,
    exclude: &[String],
) -> Result<ScanReport, Unscanned> {
    let started = Instant::now();
    let mut exclude = exclude.to_vec();
    exclude.extend(app.config.exclude.iter().cloned());
    exclude.extend(own_folder(app, root));
    let threads = app.config.threads();
    let options = WalkOptions {
        exclude,
        max_file_bytes: Some(app.config.max_file_mb * 1_000_000),
        threads,
        ..WalkOptions::default()
    };

    let (jobs_in, jobs_out) = unbounded::<Job>();
    let (events_in, events_out) = bounded::<Event>(WAITING_DOCUMENTS);
    let mut scanner = Scanner {
        app,
        writer,
        root,
        jobs: Some(jobs_in),
        outstanding: 0,
        walk_result: None,
        seen: HashSet::new(),
        unreadable: Vec::new(),
        report: ScanReport::default(),
        bytes_done: 0,
        last_commit: Instant::now(),
        stage: Stage::new(app, "reading"),
    };

    let mut threads_at_work = Vec::with_capacity(threads + 1);
    let (walk_root, walk_events) = (root.to_path_buf(), events_in.clone());
    threads_at_work.push(std::thread::spawn(move || {
        let visit = |event: WalkEvent| {
            // A closed channel means that the scan is over; the walk then ends by `cancel`.
            let _ = walk_events.send(Event::Walk(event));
        };
        let ended = walk(&walk_root, &options, &visit, &interrupt::requested);
        let _ = walk_events.send(Event::WalkEnded(ended));
    }));
    for _ in 0..threads {
        let (jobs, events) = (jobs_out.clone(), events_in.clone());
        let extractor = Arc::clone(extractor);
        threads_at_work.push(std::thread::spawn(move || work(&jobs, &events, &extractor)));
    }
    drop((jobs_out, events_in));
    let outcome = scanner.run(&events_out);
    // Whatever the outcome, the threads must see the end: no more jobs, nobody listening.
    scanner.jobs = None;
    drop(events_out);
    // After a Ctrl-C nobody waits for a file that takes minutes: the threads end with the process, and the
    // extraction children with their parent.
    if outcome.is_ok() && !scanner.report.cancelled {
        for thread in threads_at_work {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
    outcome?;
    scanner.finish(started)
}

/// A worker thread: hashes and extracts until there are no more jobs or nobody listens.
fn work(jobs: &Receiver<Job>, events: &Sender<Event>, extractor: &Extractor) {
    for job in jobs {
        if interrupt::requested() {
            return;
        }
        let event = match job {
            Job::Hash(file) => {
                let hash =
                    hash_file(&file.path).map(|(hash, _)| hash).map_err(|error| error.to_string());
                Event::Hashed(file, hash)
            }
            Job::Extract(file) => {
                let extracted = match extractor.extract(&file.path) {
                    Outcome::Document(document) => {
                        let cut = passages(&document, &PassageOptions::default());
                        Extracted::Document(document, cut)
                    }
                    Outcome::Skipped(reason) => Extracted::Skipped(reason),
                    Outcome::Failed(reason) => Extracted::Failed(reason),
                };
                Event::Extracted(file, extracted)
            }
        };
        if events.send(event).is_err() {
            return;
        }
    }
}

struct Scanner<'a> {
    app: &'a App,
    writer: &'a Writer,
    root: &'a Path,
    jobs: Option<Sender<Job>>,
    outstanding: u64,
    walk_result: Option<Result<(), IngestError>>,
    seen: HashSet<PathBuf>,
    unreadable: Vec<PathBuf>,
    report: ScanReport,
    bytes_done: u64,
    last_commit: Instant,
    stage: Stage,
}

impl Scanner<'_> {
    fn run(&mut self, events: &Receiver<Event>) -> Result<(), CliError> {
        while self.walk_result.is_none() || self.outstanding > 0 {
            if interrupt::requested() {
                self.report.cancelled = true;
                return Ok(());
            }
            // The timeout is there for Ctrl-C: a long extraction sends nothing for a while.
            match events.recv_timeout(Duration::from_millis(100)) {
                Ok(event) => self.handle(event)?,
                Err(crossbeam_channel::RecvTimeoutError::Timeout) => {}
                Err(crossbeam_channel::RecvTimeoutError::Disconnected) => break,
            }
            if self.last_commit.elapsed() >= COMMIT_EVERY {
                self.writer.commit()?;
                self.last_commit = Instant::now();
            }
            self.show();
        }
        Ok(())
    }

    fn handle(&mut self, event: Event) -> Result<(), CliError> {
        match event {
            Event::Walk(event) => self.walked(event),
            Event::WalkEnded(result) => {
                self.walk_result = Some(result);
                Ok(())
            }
            Event::Hashed(file, Ok(hash)) => self.hashed(file, hash),
            Event::Hashed(file, Err(reason)) => {
                self.done(&file);
                // Not held against the file: rights given back change neither its size nor its time.
                self.failed(&file.path, None, reason)
            }
            Event::Extracted(file, extracted) => {
                self.done(&file);
                match extracted {
                    Extracted::Document(document, cut) => self.document(&file, &document, &cut),
                    Extracted::Skipped(reason) => self.skipped(&file.path, Some(&file), &reason),
                    // Ctrl-C in a terminal reaches the extraction child, too; its death tells nothing of
                    // the file, which the next scan reads.
                    Extracted::Failed(_) if interrupt::requested() => Ok(()),
                    // Trouble of the moment is not held against the file: without its size and time on
                    // record the next scan reads it again.
                    Extracted::Failed(reason) if reason.is_temporary() => {
                        self.failed(&file.path, None, reason.to_string())
                    }
                    Extracted::Failed(reason) => {
                        self.failed(&file.path, Some(&file), reason.to_string())
                    }
                }
            }
        }
    }

    fn walked(&mut self, event: WalkEvent) -> Result<(), CliError> {
        match event {
            WalkEvent::File(file) => {
                self.report.seen += 1;
                self.seen.insert(file.path.clone());
                if let Some(record) = self.writer.file(&file.path)?
                    && record.stat == stat_of(&file)
                    && record.root == self.root
                {
                    self.report.unchanged += 1;
                    self.count_known(&record);
                    return Ok(());
                }
                self.report.bytes += file.size_bytes;
                self.enqueue(Job::Hash(file));
                Ok(())
            }
            WalkEvent::Skipped { path, reason } => {
                self.seen.insert(path.clone());
                self.skipped(&path, None, &reason)
            }
            WalkEvent::Failed { path, reason } => {
                // What stands below an unreadable folder is not known to be gone.
                self.unreadable.push(path.clone());
                self.seen.insert(path.clone());
                self.failed(&path, None, reason.to_string())
            }
        }
    }

    /// Unchanged files that were skipped or failed before are still skipped or failed.
    fn count_known(&mut self, record: &FileRecord) {
        match record.state {
            FileState::Document { .. } => {}
            FileState::Skipped { .. } => self.report.skipped += 1,
            FileState::Failed { .. } => self.report.failed += 1,
        }
    }

    fn hashed(&mut self, file: FoundFile, hash: [u8; 32]) -> Result<(), CliError> {
        let key = extract_key(&file, hash);
        if let Some(content) = self.writer.content_of(&key)? {
            self.done(&file);
            self.report.reused += 1;
            return self.put_document(&file, hash, content);
        }
        // Extraction replaces the hashing job: the count of outstanding jobs stays.
        self.outstanding -= 1;
        self.enqueue(Job::Extract(file));
        Ok(())
    }

    fn document(
        &mut self,
        file: &FoundFile,
        document: &Document,
        cut: &[Passage],
    ) -> Result<(), CliError> {
        self.app.detail(format_args!("read {}", file.path.display()));
        for warning in &document.warnings {
            self.app.detail(format_args!("{}: {warning}", file.path.display()));
        }
        let spans: Vec<PassageSpan> = cut.iter().map(span_of).collect();
        let headings: Vec<_> =
            document.headings.iter().map(|heading| heading.bytes.clone()).collect();
        let key = extract_key(file, document.file_hash);
        let content = self.writer.put_content(
            &key,
            &Content {
                title: own_title(file, document),
                kind: document.kind.as_str(),
                format: &document.format,
                language: document.language.as_deref(),
                text: &document.text,
                headings: &headings,
                passages: &spans,
                pages: &document.pages,
                warnings: &document.warnings,
            },
        )?;
        self.report.extracted += 1;
        self.put_document(file, document.file_hash, content)
    }

    fn put_document(
        &mut self,
        file: &FoundFile,
        hash: [u8; 32],
        content: ContentKey,
    ) -> Result<(), CliError> {
        let state = FileState::Document { content };
        Ok(self.writer.put_file(&file.path, self.root, &stat_of(file), Some(hash), state)?)
    }

    fn skipped(
        &mut self,
        path: &Path,
        file: Option<&FoundFile>,
        reason: &SkipReason,
    ) -> Result<(), CliError> {
        // A document that its owner wants but that cannot be read as it is must be named, not counted.
        if matches!(
            reason,
            SkipReason::Encrypted | SkipReason::NoTextLayer | SkipReason::TooLarge { .. }
        ) {
            return self.failed(path, file, reason.to_string());
        }
        let reason = reason.to_string();
        self.report.skipped += 1;
        self.app.detail(format_args!("skipped {}: {reason}", path.display()));
        self.record(path, file, FileState::Skipped { reason })
    }

    fn failed(
        &mut self,
        path: &Path,
        file: Option<&FoundFile>,
        reason: String,
    ) -> Result<(), CliError> {
        self.report.failed += 1;
        self.app.detail(format_args!("failed {}: {reason}", path.display()));
        self.report.failures.push((path.to_path_buf(), reason.clone()));
        self.record(path, file, FileState::Failed { reason })
    }

    /// Records a state without a document, unless the very same is recorded already.
    fn record(
        &mut self,
        path: &Path,
        file: Option<&FoundFile>,
        state: FileState,
    ) -> Result<(), CliError> {
        let stat = file.map_or_else(FileStat::default, stat_of);
        let known = self.writer.file(path)?;
        if known.is_some_and(|known| {
            known.state == state && known.stat == stat && known.root == self.root
        }) {
            return Ok(());
        }
        Ok(self.writer.put_file(path, self.root, &stat, None, state)?)
    }

    fn enqueue(&mut self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // The workers hold the other end until this scanner drops its own.
            if jobs.send(job).is_ok() {
                self.outstanding += 1;
            }
        }
    }

    fn done(&mut self, file: &FoundFile) {
        self.outstanding -= 1;
        self.bytes_done += file.size_bytes;
    }

    fn show(&self) {
        let (done, total) = (self.bytes_done, self.report.bytes);
        self.stage.update(done, total, || {
            format!(
                "{} seen, {} to read, {} of {}{}",
                units::plural(self.report.seen, "file"),
                units::count(self.outstanding),
                units::bytes(done),
                units::bytes(total),
                self.stage.time_left(done, total)
            )
        });
    }

    /// Forgets the files that are gone and makes the scan durable.
    fn finish(mut self, started: Instant) -> Result<ScanReport, Unscanned> {
        if !self.report.cancelled {
            if let Some(Err(error)) = self.walk_result.take() {
                self.writer.commit().map_err(CliError::from)?;
                return Err(match error {
                    // Those of folders are checked when they are added.
                    IngestError::Pattern { .. } => Unscanned::Index(
                        CliError::from(error).hint("correct `exclude` in the configuration file"),
                    ),
                    error => Unscanned::Walk(error.into()),
                });
            }
            self.forget_missing()?;
        }
        self.writer.commit().map_err(CliError::from)?;
        self.report.elapsed = started.elapsed();
        Ok(self.report)
    }

    fn forget_missing(&mut self) -> Result<(), CliError> {
        let mut gone = Vec::new();
        for record in self.writer.files_under(self.root)? {
            let path = record?.path;
            let hidden = self.unreadable.iter().any(|folder| path.starts_with(folder));
            if !self.seen.contains(&path) && !hidden {
                gone.push(path);
            }
        }
        for path in gone {
            self.app.detail(format_args!("gone {}", path.display()));
            self.writer.remove_file(&path)?;
            self.report.removed += 1;
        }
        Ok(())
    }
}

/// The data folder as a pattern, where it lies inside the root: its own files are never documents.
fn own_folder(app: &App, root: &Path) -> Option<String> {
    let data = fs_err::canonicalize(&app.places.data).ok()?;
    let inside = data.strip_prefix(root).ok()?.to_str()?;
    Some(format!("/{}", escape_glob(inside)))
}

/// A path as a pattern that matches it alone.
pub fn escape_glob(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for character in path.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\' | '!' | '#' | ' ' | '{' | '}') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// The document's title, or nothing where it is only the file's name: content outlives names.
fn own_title<'a>(file: &FoundFile, document: &'a Document) -> &'a str {
    let name = |part: Option<&std::ffi::OsStr>| {
        part.is_some_and(|part| part.to_string_lossy() == document.title)
    };
    if name(file.path.file_stem()) || name(file.path.file_name()) { "" } else { &document.title }
}

fn stat_of(file: &FoundFile) -> FileStat {
    FileStat { size_bytes: file.size_bytes, modified_ns: file.modified_ns, inode: file.inode }
}

/// The name decides how bytes are read, so the same bytes as `.md` and as `.txt` are two extractions.
fn extract_key(file: &FoundFile, file_hash: [u8; 32]) -> ExtractKey {
    ExtractKey {
        file_hash,
        kind: match &file.guess {
            Guess::Known(kind, format) => format!("{}/{format}", kind.as_str()),
            Guess::Unknown | Guess::Skip(_) => "unknown".to_owned(),
        },
        extractor_version: lsearch_ingest::EXTRACTOR_VERSION,
    }
}

/// A passage in the index's terms.
pub fn span_of(passage: &Passage) -> PassageSpan {
    PassageSpan {
        start: passage.bytes.start,
        end: passage.bytes.end,
        page: passage.page,
        line: passage.line,
        heading: passage.heading.clone(),
    }
}
