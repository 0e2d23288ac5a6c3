use std::ffi::OsString;
use std::path::{Path, PathBuf, absolute};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::child::{Answer, Child, Death};
use super::confine::Confinement;
use super::protocol::Errand;
use crate::{FailReason, Ocr, Outcome, RuleFiles};

/// A child is replaced after so many files, against whatever may pile up in it.
const FILES_PER_CHILD: usize = 500;
/// How often a PDF is tried again without the page that the child did not survive.
const RETRIES: usize = 2;

/// After so many members that a child did not survive, the rest of a container is left alone.
const HARMFUL_MEMBERS: usize = 8;

/// A document within another file, or why it gave none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The path of the file that holds it, `!`, and its own path in there.
    pub path: PathBuf,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether it is a document that holds others.
    pub has_members: bool,
}

/// The bytes of a member before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBytes {
    /// The member's path, as in [`Member`].
    pub path: PathBuf,
    /// How many they are.
    pub size_bytes: u64,
    /// Their BLAKE3.
    pub hash: [u8; 32],
}

/// Takes the documents that a file holds.
pub trait MemberVisitor {
    /// Whether these bytes are to be read; `false` when what they come to is known.
    fn is_wanted(&mut self, bytes: &NewBytes) -> bool;

    /// A member that was read, left out or failed.
    fn member(&mut self, member: Member);
}

/// How files are extracted in child processes.
#[derive(Debug, Clone)]
pub struct ExtractorOptions {
    /// The program to start, which must call [`worker_process`](crate::worker_process).
    pub worker_program: PathBuf,
    /// Its arguments.
    pub worker_args: Vec<OsString>,
    /// How many children may run at the same time; at least one.
    pub workers: usize,
    /// What the children may read, as far as the system can hold them to it: files, and folders with all below them.
    pub readable: Vec<PathBuf>,
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

    /// Starts a child and tells what it is kept from.
    ///
    /// # Errors
    /// Why none could be started.
    pub fn confinement(&self) -> Result<Confinement, String> {
        let _turn = Turn::wait(self);
        let child = Child::start(&self.options)?;
        let confinement = child.confinement;
        self.lock().idle.push(child);
        Ok(confinement)
    }

    /// Extracts one file's own document. Waits while as many files as there may be children are being extracted.
    ///
    /// Whatever the file does to the child comes back as an outcome: a child that crashes, hangs or
    /// runs over a limit is replaced. A PDF that breaks on one of its pages is read without it.
    pub fn extract(&self, path: &Path) -> Outcome {
        self.extract_all(path, &RuleFiles::none(), &mut Unwanted).0
    }

    /// Extracts one file, and hands over the documents that it holds as they are read. Also tells whether it is a
    /// document that holds others.
    ///
    /// A member that breaks is handed over as failed, and those after it are read all the same.
    pub fn extract_all(
        &self,
        path: &Path,
        rules: &RuleFiles,
        visitor: &mut dyn MemberVisitor,
    ) -> (Outcome, bool) {
        let path = match absolute(path) {
            Ok(path) => path,
            Err(e) => return (Outcome::Failed(FailReason::from_io(&e)), false),
        };
        let _turn = Turn::wait(self);
        let mut course = Course::new(rules);
        loop {
            match self.attempt(&path, &course.errand, visitor) {
                // The first reason says more than what is left of the file.
                Ok(answer) => match (&course.first_reason, &answer.outcome) {
                    (Some(_), Outcome::Document(_) | Outcome::Container { .. }) | (None, _) => {
                        return (answer.outcome, answer.has_members);
                    }
                    (Some(reason), _) => return (Outcome::Failed(reason.clone()), false),
                },
                Err(death) => {
                    if let Some(outcome) = course.after(death, visitor) {
                        return (outcome, false);
                    }
                }
            }
        }
    }

    fn attempt(
        &self,
        path: &Path,
        errand: &Errand,
        visitor: &mut dyn MemberVisitor,
    ) -> Result<Answer, Death> {
        let mut child = match self.take_idle() {
            Some(child) => child,
            None => match Child::start(&self.options) {
                Ok(child) => child,
                Err(detail) => {
                    let outcome = Outcome::Failed(FailReason::Unavailable { detail });
                    return Ok(Answer { outcome, has_members: false, retire: true });
                }
            },
        };
        let answer = child.extract(path, errand, &self.options, visitor)?;
        if !answer.retire && child.files_done < FILES_PER_CHILD {
            self.lock().idle.push(child);
        }
        Ok(answer)
    }

    fn take_idle(&self) -> Option<Child> {
        loop {
            let mut child = self.lock().idle.pop()?;
            if child.is_alive() {
                return Some(child);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is never left half changed.
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// Nobody wants the members.
struct Unwanted;

impl MemberVisitor for Unwanted {
    fn is_wanted(&mut self, _: &NewBytes) -> bool {
        false
    }

    fn member(&mut self, _: Member) {}
}

/// The tries at one file.
struct Course {
    errand: Errand,
    /// Why the first try at the file itself, not at a member of it, came to nothing.
    first_reason: Option<FailReason>,
    /// Why the first try at the member at hand came to nothing.
    member_reason: Option<FailReason>,
}

impl Course {
    fn new(rules: &RuleFiles) -> Self {
        let errand = Errand {
            skip_pages: Vec::new(),
            first_member: 0,
            skip_members: Vec::new(),
            rules: rules.clone(),
        };
        Self { errand, first_reason: None, member_reason: None }
    }

    /// What a child died of decides whether there is another try, which leaves out the page or the member that is to
    /// blame; otherwise what became of the file.
    fn after(&mut self, death: Death, visitor: &mut dyn MemberVisitor) -> Option<Outcome> {
        if let Some((number, _)) = &death.at.member
            && *number != self.errand.first_member
        {
            // What was tried before concerned another.
            self.errand.skip_pages.clear();
            self.member_reason = None;
        }
        let page = guilty_page(&death).filter(|page| !self.errand.skip_pages.contains(page));
        let page = page.filter(|_| self.errand.skip_pages.len() < RETRIES);
        let Some((number, path)) = death.at.member else {
            let reason = self.first_reason.get_or_insert(death.reason);
            if let Some(page) = page {
                self.errand.skip_pages.push(page);
                return None;
            }
            return Some(Outcome::Failed(reason.clone()));
        };
        let reason = self.member_reason.get_or_insert(death.reason).clone();
        if let Some(page) = page {
            self.errand.first_member = number;
            self.errand.skip_pages.push(page);
            return None;
        }
        visitor.member(Member { path, outcome: Outcome::Failed(reason), has_members: false });
        self.errand.skip_members.push(number);
        self.errand.first_member = number + 1;
        self.errand.skip_pages.clear();
        self.member_reason = None;
        if self.errand.skip_members.len() < HARMFUL_MEMBERS {
            return None;
        }
        let stopped = Some(FailReason::TooHarmful { limit: HARMFUL_MEMBERS });
        Some(Outcome::Container { stopped })
    }
}

/// The page that brought the child down. Time may also have run out because there are so many
/// pages; one of them is to blame if it took half of it.
fn guilty_page(death: &Death) -> Option<u32> {
    let (page, since) = death.at.page?;
    let half_sec = match death.reason {
        FailReason::TimeLimit { limit_sec } | FailReason::CpuLimit { limit_sec } => limit_sec / 2,
        _ => 0,
    };
    (since.elapsed() >= Duration::from_secs(half_sec)).then_some(page)
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
