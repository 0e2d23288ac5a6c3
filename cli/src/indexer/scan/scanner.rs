//! The one thread of a scan that compares with the catalog and writes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use lsearch_index::{Content, ContentKey, FileRecord, FileStat, FileState, PassageSpan, Writer};
use lsearch_ingest::{
    Document, FailReason, FoundFile, Guess, IngestError, Ocr, Passage, Places, SkipReason,
    WalkEvent, container_of,
};

use super::known::{Known, KnownFile, inside_of};
use super::members::Tallies;
use super::names::{extract_key, holding_key, own_title, span_of, stat_of};
use super::renames::Renames;
use super::rulebook::RuleBook;
use super::work::{Event, Extracted, Job};
use super::{Interlude, ScanReport, Unscanned};
use crate::app::App;
use crate::errors::CliError;
use crate::indexer::plan::{Plan, Sort, Work};
use crate::indexer::{COMMIT_EVERY, ocr, rates};
use crate::output::progress::Stage;
use crate::output::units;

/// How often a scan looks up from its work: for a stop, and for what came in between.
const LOOK_UP_EVERY: Duration = Duration::from_millis(100);

/// Reading waits no longer than this for the walk to tell what is ahead.
const AHEAD_WITHIN: Duration = Duration::from_secs(3);

/// So often a file that changes while it is read is read anew within a scan.
const CHANGES_FOLLOWED: u32 = 4;

/// Compares, writes and counts.
pub struct Scanner<'a> {
    app: &'a App,
    writer: &'a Writer,
    root: &'a Path,
    only: Option<&'a Places>,
    unchanged_too: bool,
    renames: Renames,
    jobs: Option<Sender<Job>>,
    /// What the walk came by so far, where that is to be told.
    plan: Option<Plan>,
    /// Jobs that wait until it is told.
    held: Option<Vec<Job>>,
    outstanding: u64,
    walk_result: Option<Result<(), IngestError>>,
    known: Known,
    rules: &'a RuleBook,
    /// What lies in the files that are being read.
    tallies: Tallies,
    /// What the walk came by, where only some places are looked at.
    found: Vec<PathBuf>,
    unreadable: Vec<PathBuf>,
    /// How often each file was seen to change while it was read.
    changing: HashMap<PathBuf, u32>,
    /// How pages that are pictures are read.
    ocr: Option<Ocr>,
    /// What was read, and what text came of it.
    read: Work,
    texts: rates::Texts,
    report: ScanReport,
    bytes_done: u64,
    last_commit: Instant,
    stage: Stage,
}

impl<'a> Scanner<'a> {
    /// Ready to go over a root.
    pub fn new(
        scan: &'a super::Scan<'_>,
        rules: &'a RuleBook,
        jobs: Sender<Job>,
    ) -> Result<Self, CliError> {
        let only = scan.only.as_deref();
        let known = Known::below(scan.writer, scan.root, only)?;
        let renames = only.map(|places| Renames::among(&known, places)).unwrap_or_default();
        Ok(Self {
            app: scan.app,
            writer: scan.writer,
            root: scan.root,
            only,
            unchanged_too: scan.unchanged_too,
            renames,
            jobs: Some(jobs),
            plan: scan.announce.then(Plan::default),
            held: scan.announce.then(Vec::new),
            outstanding: 0,
            walk_result: None,
            known,
            rules,
            tallies: Tallies::default(),
            found: Vec::new(),
            unreadable: Vec::new(),
            changing: HashMap::new(),
            ocr: ocr::setting(&scan.app.config),
            read: Work::default(),
            texts: rates::Texts::default(),
            report: ScanReport::default(),
            bytes_done: 0,
            last_commit: Instant::now(),
            stage: Stage::new(scan.app, "reading"),
        })
    }

    /// Handles events until the walk has ended and every job is done.
    pub fn run(
        &mut self,
        events: &Receiver<Event>,
        mut interlude: Option<Interlude<'_>>,
    ) -> Result<(), CliError> {
        let mut looked_up = Instant::now();
        while self.walk_result.is_none() || self.outstanding > 0 {
            if self.app.stop.requested() {
                self.report.cancelled = true;
                return Ok(());
            }
            // The timeout is there for a stop: a long extraction sends nothing for a while.
            match events.recv_timeout(LOOK_UP_EVERY) {
                Ok(event) => self.handle(event)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Some(interlude) = &mut interlude
                && looked_up.elapsed() >= LOOK_UP_EVERY
            {
                for path in interlude()? {
                    self.known.take(&path);
                    self.known.take_members(&path);
                }
                looked_up = Instant::now();
            }
            if self.held.is_some() && self.stage.elapsed() >= AHEAD_WITHIN {
                self.release();
            }
            if self.last_commit.elapsed() >= COMMIT_EVERY {
                self.writer.commit()?;
                self.last_commit = Instant::now();
            }
            self.show();
        }
        Ok(())
    }

    /// Tells the threads that no more jobs come.
    pub fn end_of_jobs(&mut self) {
        self.jobs = None;
    }

    /// Whether it stopped before its end.
    pub fn is_cancelled(&self) -> bool {
        self.report.cancelled
    }

    fn handle(&mut self, event: Event) -> Result<(), CliError> {
        match event {
            Event::Walk(event) => self.walked(event),
            Event::WalkEnded(result) => {
                if result.is_ok()
                    && let Some(plan) = self.plan.take()
                    && plan.is_worth_telling(self.app)
                {
                    self.stage.say(self.app, plan.in_words(self.app, self.root));
                }
                self.walk_result = Some(result);
                self.release();
                Ok(())
            }
            Event::Hashed(file, _) | Event::Extracted(file, ..) if is_stale(&file) => {
                self.outstanding -= 1;
                self.again(file)
            }
            Event::Hashed(file, Ok(hash)) => self.hashed(file, hash),
            Event::Hashed(file, Err(reason)) => {
                self.done(&file);
                // Not held against the file: rights given back change neither its size nor its time.
                self.failed(&file.path, None, reason)
            }
            Event::Offered(member, hash, answer) => {
                let wanted = self.offered(&member, hash)?;
                // Whoever asked may have ended meanwhile.
                let _ = answer.send(wanted);
                Ok(())
            }
            Event::Member(member, extracted, has_members) => {
                self.tallies.count(&member.path, &extracted);
                self.extracted(&member, extracted, has_members)
            }
            Event::Extracted(file, extracted, has_members) => {
                self.done(&file);
                self.extracted(&file, extracted, has_members)
            }
        }
    }

    /// Whether something in a file is to be read; what is known by its bytes is written down at once.
    fn offered(&mut self, member: &FoundFile, hash: [u8; 32]) -> Result<bool, CliError> {
        let Some(content) =
            self.writer.content_of(&extract_key(member, hash, self.ocr.as_ref()))?
        else {
            return Ok(true);
        };
        self.known.take(&member.path);
        self.tallies.count_document(&member.path);
        self.report.reused += 1;
        self.put_document(member, hash, content)?;
        Ok(false)
    }

    /// Writes down what came of a file, or of something in one.
    fn extracted(
        &mut self,
        file: &FoundFile,
        extracted: Extracted,
        has_members: bool,
    ) -> Result<(), CliError> {
        let sort = Sort::of(file);
        if container_of(&file.path).is_none() {
            self.read.add(sort, file.size_bytes);
            self.texts.file(sort, file.size_bytes);
        }
        if let Extracted::Document(document, _) = &extracted {
            self.texts.text(sort, document.text.len() as u64);
        }
        match extracted {
            Extracted::Document(document, cut) => self.document(file, &document, &cut, has_members),
            Extracted::Container(stopped) => self.container(file, stopped),
            Extracted::Skipped(reason) => self.skipped(&file.path, Some(file), &reason),
            // Ctrl-C in a terminal reaches the extraction child, too; its death tells nothing of
            // the file, which the next scan reads.
            Extracted::Failed(_) if self.app.stop.requested() => Ok(()),
            // Trouble of the moment is not held against the file: without its size and time on
            // record the next scan reads it again. What lay in it is still there.
            Extracted::Failed(reason) if reason.is_temporary() => {
                self.known.take_members(&file.path);
                self.failed(&file.path, None, reason.to_string())
            }
            Extracted::Failed(reason) => self.failed(&file.path, Some(file), reason.to_string()),
        }
    }

    /// Writes down that a file holds documents, which were written down before it: while it has no record, or an older
    /// one, the next scan reads it again.
    fn container(&mut self, file: &FoundFile, stopped: Option<FailReason>) -> Result<(), CliError> {
        let tally = self.tallies.take(&file.path);
        if let Some(reason) = stopped {
            return self.failed(&file.path, Some(file), reason.to_string());
        }
        self.app.detail(format_args!("read {}: {tally}", file.path.display()));
        let on_disk = container_of(&file.path).unwrap_or(&file.path);
        let rules = self.rules.within(on_disk).digest;
        self.record(&file.path, Some(file), tally.into_state(rules))
    }

    fn walked(&mut self, event: WalkEvent) -> Result<(), CliError> {
        if let Some(plan) = &mut self.plan {
            plan.walked(&event);
        }
        match event {
            WalkEvent::File(file) => {
                self.report.seen += 1;
                let known = self.came_by(&file.path)?;
                if let Some(known) = &known
                    && !self.unchanged_too
                    && known.stat == stat_of(&file)
                    && known.same_root
                    && !self.is_ruled_otherwise(&file, &known.state)
                {
                    self.report.unchanged += 1;
                    self.plan.iter_mut().for_each(|plan| plan.unchanged += 1);
                    self.count_known(&known.state);
                    self.keep_members(&file, known);
                    return Ok(());
                }
                if known.is_none() && self.renamed(&file)? {
                    return Ok(());
                }
                self.report.bytes += file.size_bytes;
                self.plan.iter_mut().for_each(|plan| plan.file(&file));
                self.enqueue(first_job(file));
                Ok(())
            }
            WalkEvent::Folder(_) | WalkEvent::LeftOut(_) => Ok(()),
            WalkEvent::Skipped { path, reason } => self.skipped(&path, None, &reason),
            WalkEvent::Failed { path, reason } => {
                // What stands below an unreadable folder is not known to be gone.
                self.unreadable.push(path.clone());
                self.failed(&path, None, reason.to_string())
            }
        }
    }

    /// What was known of something that is there.
    fn came_by(&mut self, path: &Path) -> Result<Option<KnownFile>, CliError> {
        if self.only.is_some() {
            self.found.push(path.to_owned());
        }
        if let Some(known) = self.known.take(path) {
            return Ok(Some(known));
        }
        // It may have come to be known since the scan began.
        let record = self.writer.file(path)?;
        Ok(record.map(|FileRecord { root, stat, state, .. }| KnownFile {
            same_root: root == self.root,
            stat,
            state,
        }))
    }

    /// Moves the record of a file that went from elsewhere; false when there is none.
    fn renamed(&mut self, file: &FoundFile) -> Result<bool, CliError> {
        let Some(from) = self.renames.take(file) else { return Ok(false) };
        if !self.writer.rename_file(&from, &file.path, self.root, &stat_of(file))? {
            return Ok(false);
        }
        self.app.detail(format_args!("moved {} to {}", from.display(), file.path.display()));
        self.report.reused += 1;
        // What lies in it goes with it.
        let (inside, new_inside) = (inside_of(&from), inside_of(&file.path));
        for (path, member) in self.known.take_members(&from) {
            let Ok(below) = path.strip_prefix(&inside) else { continue };
            let stat = FileStat { size_bytes: member.stat.size_bytes, ..stat_of(file) };
            self.writer.rename_file(&path, &new_inside.join(below), self.root, &stat)?;
        }
        Ok(true)
    }

    /// Whether the rules by which things in the file are left out are others than when it was read.
    fn is_ruled_otherwise(&self, file: &FoundFile, state: &FileState) -> bool {
        match state {
            FileState::Container { rules, .. } => *rules != self.rules.within(&file.path).digest,
            _ => false,
        }
    }

    /// What lies in an unchanged file is unchanged, too.
    fn keep_members(&mut self, file: &FoundFile, known: &KnownFile) {
        let members = self.known.take_members(&file.path);
        if members.is_empty() {
            return;
        }
        // The record of a container tells that the rules are the same; that of a message does not.
        let rules = match known.state {
            FileState::Container { .. } => None,
            _ => Some(self.rules.within(&file.path)),
        };
        let inside = inside_of(&file.path);
        for (path, member) in members {
            let left_out = rules
                .as_ref()
                .is_some_and(|rules| rules.compiled().against(&path, &inside).is_some());
            let is_secret = left_out && matches!(member.state, FileState::Skipped { .. });
            if member.lies_in(&known.stat) && (!left_out || is_secret) {
                self.count_known(&member.state);
            } else {
                self.known.put_back(path, member);
            }
        }
    }

    /// Takes up a file that changed while it was read.
    fn again(&mut self, file: FoundFile) -> Result<(), CliError> {
        match file.again() {
            Ok(Some(now)) => {
                let times = self.changing.entry(file.path.clone()).or_insert(0);
                *times += 1;
                // One that is being written all the time is read by the next scan, as it stands then.
                self.tallies.take(&file.path);
                if *times < CHANGES_FOLLOWED {
                    self.enqueue(first_job(now));
                } else {
                    self.bytes_done += file.size_bytes;
                    self.known.take_members(&file.path);
                }
            }
            _ => {
                self.bytes_done += file.size_bytes;
                for record in self.writer.files_under(&inside_of(&file.path))? {
                    let FileRecord { path, root, stat, state, .. } = record?;
                    self.known
                        .put_back(path, KnownFile { same_root: root == self.root, stat, state });
                }
                if let Some(known) = self.came_by(&file.path)? {
                    self.known.put_back(file.path, known);
                }
            }
        }
        Ok(())
    }

    /// Unchanged files that were skipped or failed before are still skipped or failed.
    fn count_known(&mut self, state: &FileState) {
        match state {
            FileState::Document { .. } | FileState::Container { .. } => {}
            FileState::Skipped { .. } => self.report.skipped += 1,
            FileState::Failed { .. } => self.report.failed += 1,
        }
    }

    fn hashed(&mut self, file: FoundFile, hash: [u8; 32]) -> Result<(), CliError> {
        let key = extract_key(&file, hash, self.ocr.as_ref());
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
        has_members: bool,
    ) -> Result<(), CliError> {
        self.known.take(&file.path);
        self.app.detail(format_args!("read {}", file.path.display()));
        for warning in &document.warnings {
            self.app.detail(format_args!("{}: {warning}", file.path.display()));
        }
        let spans: Vec<PassageSpan> = cut.iter().map(span_of).collect();
        let headings: Vec<_> =
            document.headings.iter().map(|heading| heading.bytes.clone()).collect();
        let key = match has_members {
            false => extract_key(file, document.file_hash, self.ocr.as_ref()),
            true => holding_key(file, document.file_hash, self.ocr.as_ref()),
        };
        let content = self.writer.put_content(
            &key,
            &Content {
                title: own_title(file, document),
                kind: document.kind.as_str(),
                format: &document.format,
                language: document.language.as_deref(),
                author: document.author.as_deref(),
                dated: document.dated.as_deref(),
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
        let known = self.came_by(path)?;
        if known.is_some_and(|known| known.state == state && known.stat == stat && known.same_root)
        {
            return Ok(());
        }
        self.report.recorded += 1;
        Ok(self.writer.put_file(path, self.root, &stat, None, state)?)
    }

    /// Lets reading begin.
    fn release(&mut self) {
        for job in self.held.take().unwrap_or_default() {
            self.outstanding -= 1;
            self.enqueue(job);
        }
    }

    fn enqueue(&mut self, job: Job) {
        if let Some(held) = &mut self.held {
            held.push(job);
            self.outstanding += 1;
            return;
        }
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
    pub fn finish(mut self, started: Instant) -> Result<ScanReport, Unscanned> {
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
            if self.only.is_none() {
                rates::note_scan(self.app, &self.read, &self.texts, started.elapsed());
            }
        }
        self.writer.commit().map_err(CliError::from)?;
        self.report.found = std::mem::take(&mut self.found);
        self.report.elapsed = started.elapsed();
        Ok(self.report)
    }

    fn forget_missing(&mut self) -> Result<(), CliError> {
        let left_over = std::mem::take(&mut self.known).left_over();
        let hidden = |path: &PathBuf| {
            let on_disk = container_of(path).unwrap_or(path);
            self.unreadable.iter().any(|folder| on_disk.starts_with(folder))
        };
        let gone: Vec<PathBuf> = left_over.filter(|path| !hidden(path)).collect();
        for path in gone {
            self.app.detail(format_args!("gone {}", path.display()));
            self.report.removed += u64::from(self.writer.remove_file(&path)?);
        }
        Ok(())
    }
}

/// What is known of a document is known by its bytes; what several lie in is read for what each of them is.
fn first_job(file: FoundFile) -> Job {
    match file.guess {
        Guess::Container(_) => Job::Extract(file),
        Guess::Known(..) | Guess::Unknown | Guess::Skip(_) => Job::Hash(file),
    }
}

/// Whether the file is no more what it was when the walk came by.
fn is_stale(file: &FoundFile) -> bool {
    // What cannot be looked at is told by the reading itself.
    file.again().is_ok_and(|now| now.is_none_or(|now| stat_of(&now) != stat_of(file)))
}
