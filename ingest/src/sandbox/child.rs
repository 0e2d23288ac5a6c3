//! The parent's hold on one child.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use super::confine::Confinement;
use super::extractor::{ExtractorOptions, Member, MemberVisitor, NewBytes};
use super::protocol::{
    Errand, PROTOCOL_VERSION, Reply, Request, Setup, path_of, read_frame, write_frame,
};
use crate::container::MAX_MEMBERS;
use crate::{EXTRACTOR_VERSION, ExtractLimits, FailReason, Outcome};

/// How long a child may take to come up.
const START_SEC: u64 = 20;
/// Longest path of a member that is taken.
const MAX_PATH_BYTES: u64 = 1 << 20;
/// How much of what a child writes to standard error is kept: its last words.
const LAST_WORDS_BYTES: usize = 4096;

/// A running child process; killed when dropped.
pub(super) struct Child {
    process: std::process::Child,
    requests: ChildStdin,
    replies: ChildStdout,
    last_words: Arc<Mutex<Vec<u8>>>,
    listener: Option<JoinHandle<()>>,
    pub(super) files_done: usize,
    pub(super) confinement: Confinement,
}

/// Why a child gave no answer.
pub(super) struct Death {
    pub(super) reason: FailReason,
    pub(super) at: Place,
}

/// How far a child has come in a file.
#[derive(Default)]
pub(super) struct Place {
    /// The member it is at, by number and path.
    pub(super) member: Option<(u64, PathBuf)>,
    /// The page that it is at, and since when.
    pub(super) page: Option<(u32, Instant)>,
}

/// What a child says at the end of a file.
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    /// Whether it is a document that holds others.
    pub(super) has_members: bool,
    /// Whether the child should be let go.
    pub(super) retire: bool,
}

/// A member's path, which must lie in the container: the child is not trusted to be in its right mind.
fn below(container: &Path, member: PathBuf) -> io::Result<PathBuf> {
    let (container, path) = (container.as_os_str().as_bytes(), member.as_os_str().as_bytes());
    let inside = path.strip_prefix(container).is_some_and(|rest| rest.starts_with(b"!/"));
    let sane = !path.contains(&0) && path.len() as u64 <= MAX_PATH_BYTES;
    if inside && sane { Ok(member) } else { Err(incoherent()) }
}

fn incoherent() -> io::Error {
    io::Error::other("the answer does not hold together")
}

impl Child {
    /// Starts a child and waits until it is ready. `Err` says why that failed.
    pub(super) fn start(options: &ExtractorOptions) -> Result<Self, String> {
        let program = &options.worker_program;
        let mut process = Command::new(program)
            .args(&options.worker_args)
            // So that a child keeps no file system busy; all paths are absolute.
            .current_dir("/")
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{}: {e}", program.display()))?;
        let (Some(requests), Some(replies), Some(stderr)) =
            (process.stdin.take(), process.stdout.take(), process.stderr.take())
        else {
            unreachable!("all three were asked to be pipes");
        };
        let last_words = Arc::new(Mutex::new(Vec::new()));
        let listener = thread::spawn({
            let last_words = Arc::clone(&last_words);
            move || listen(stderr, &last_words)
        });
        let listener = Some(listener);
        let confinement = Confinement::default();
        let files_done = 0;
        let mut child =
            Self { process, requests, replies, last_words, listener, files_done, confinement };
        match child.set_up(options) {
            Ok(confinement) => {
                child.confinement = confinement;
                Ok(child)
            }
            Err(e) => {
                let (status, words) = child.end();
                let words = words.trim();
                let words = if words.is_empty() { String::new() } else { format!(": {words}") };
                Err(format!("{}: {e} ({}){words}", program.display(), describe(status)))
            }
        }
    }

    fn set_up(&mut self, options: &ExtractorOptions) -> io::Result<Confinement> {
        let limits = ExtractLimits {
            max_file_bytes: options.max_file_bytes,
            max_text_bytes: options.max_text_bytes,
        };
        let (memory_bytes, cpu_sec) = (options.memory_bytes, options.cpu_sec);
        let readable = options.readable.iter().map(|path| path.as_os_str().as_bytes().to_vec());
        let (readable, ocr) = (readable.collect(), options.ocr.clone());
        let setup = Request::Setup(Setup { limits, memory_bytes, cpu_sec, readable, ocr });
        write_frame(&mut self.requests, &setup, &[])?;
        let mut replies = Timed::new(&mut self.replies, Duration::from_secs(START_SEC));
        match read_frame(&mut replies, 0)?.0 {
            Reply::Ready {
                protocol: PROTOCOL_VERSION,
                extractor: EXTRACTOR_VERSION,
                confinement,
            } => Ok(confinement),
            Reply::Ready { .. } => Err(io::Error::other(
                "the program on disk is another version than the one running; restart it",
            )),
            _ => Err(io::Error::other("it does not speak the protocol of an extraction worker")),
        }
    }

    /// Whether the child still stands.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Has the file extracted, and hands over its members as they come.
    ///
    /// After an error the child is of no further use.
    pub(super) fn extract(
        &mut self,
        path: &Path,
        errand: &Errand,
        options: &ExtractorOptions,
        visitor: &mut dyn MemberVisitor,
    ) -> Result<Answer, Death> {
        let mut at = Place::default();
        let result = self.converse(path, errand, options, visitor, &mut at);
        self.files_done += 1;
        result.map_err(|e| Death { reason: self.reason(&e, options), at })
    }

    fn converse(
        &mut self,
        path: &Path,
        errand: &Errand,
        options: &ExtractorOptions,
        visitor: &mut dyn MemberVisitor,
        at: &mut Place,
    ) -> io::Result<Answer> {
        let request = Request::Extract(errand.clone());
        write_frame(&mut self.requests, &request, path.as_os_str().as_bytes())?;
        let limit = Duration::from_secs(options.wall_sec);
        let mut replies = Timed::new(&mut self.replies, limit);
        let mut told = 0;
        let max_body_bytes = options.max_text_bytes.saturating_add(MAX_PATH_BYTES);
        loop {
            match read_frame(&mut replies, max_body_bytes)? {
                (Reply::Page { number }, _) => at.page = Some((number, Instant::now())),
                (Reply::Begin { number }, member) => {
                    let member = below(path, PathBuf::from(OsString::from_vec(member)))?;
                    *at = Place { member: Some((number, member)), page: None };
                    replies = Timed::new(&mut self.replies, limit);
                }
                (Reply::Offer { size_bytes, hash }, member) => {
                    let member = below(path, PathBuf::from(OsString::from_vec(member)))?;
                    let wanted = visitor.is_wanted(&NewBytes { path: member, size_bytes, hash });
                    write_frame(&mut self.requests, &Request::Answer { wanted }, &[])?;
                    // What the visitor took its time for is not the child's time.
                    replies = Timed::new(&mut self.replies, limit);
                }
                (Reply::Member { outcome, path_bytes, has_members }, body) => {
                    let (member, body) = path_of(path_bytes, body).ok_or_else(incoherent)?;
                    let path = below(path, member)?;
                    // Each member and each container among them is told of once.
                    told += 1;
                    if told > MAX_MEMBERS {
                        return Err(incoherent());
                    }
                    let outcome = outcome.join(body).ok_or_else(incoherent)?;
                    visitor.member(Member { path, outcome, has_members });
                    replies = Timed::new(&mut self.replies, limit);
                }
                (Reply::Done { outcome, has_members, retire }, body) => {
                    let outcome = outcome.join(body).ok_or_else(incoherent)?;
                    return Ok(Answer { outcome, has_members, retire });
                }
                (Reply::Ready { .. }, _) => return Err(io::Error::other("an answer out of turn")),
            }
        }
    }

    /// Ends the child and tells why it gave no answer.
    fn reason(&mut self, error: &io::Error, options: &ExtractorOptions) -> FailReason {
        if error.kind() == io::ErrorKind::TimedOut {
            return FailReason::TimeLimit { limit_sec: options.wall_sec };
        }
        let (status, last_words) = self.end();
        // The runtime's own words, before it aborts.
        if last_words.contains("memory allocation of") {
            return FailReason::MemoryLimit { limit_bytes: options.memory_bytes };
        }
        if last_words.contains("overflowed its stack") {
            return FailReason::TooDeep;
        }
        let signal = status.and_then(|status| status.signal());
        if signal == Some(Signal::XCPU.as_raw()) {
            return FailReason::CpuLimit { limit_sec: options.cpu_sec };
        }
        let detail = match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => describe(status),
            _ => error.to_string(),
        };
        FailReason::Crashed { detail }
    }

    /// Kills the child, if it is not dead already, and hears its last words.
    fn end(&mut self) -> (Option<ExitStatus>, String) {
        // A child that is already dying keeps the status it dies with.
        let _ = self.process.kill();
        let status = self.process.wait().ok();
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        let words = self.last_words.lock().unwrap_or_else(|e| e.into_inner());
        (status, String::from_utf8_lossy(&words).into_owned())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

fn describe(status: Option<ExitStatus>) -> String {
    match status {
        Some(status) => match (status.signal(), status.code()) {
            (Some(9), _) => "killed, perhaps because the machine ran out of memory".to_owned(),
            (Some(signal), _) => format!("signal {signal}"),
            (None, Some(code)) => format!("exit status {code}"),
            (None, None) => "no exit status".to_owned(),
        },
        None => "no exit status".to_owned(),
    }
}

/// Keeps the pipe empty, or the child would wait for ever, and remembers the end of what came.
fn listen(mut stderr: ChildStderr, last_words: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut buffer) {
        let mut words = last_words.lock().unwrap_or_else(|e| e.into_inner());
        words.extend(&buffer[..count]);
        let surplus = words.len().saturating_sub(LAST_WORDS_BYTES);
        words.drain(..surplus);
    }
}

/// Reads until a moment and no longer.
struct Timed<'a> {
    pipe: &'a mut ChildStdout,
    deadline: Instant,
}

impl<'a> Timed<'a> {
    fn new(pipe: &'a mut ChildStdout, limit: Duration) -> Self {
        // A limit beyond what the clock can hold is none.
        let far = Duration::from_secs(u64::from(u32::MAX));
        Self { pipe, deadline: Instant::now() + limit.min(far) }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
            let mut fds = [PollFd::new(&*self.pipe, PollFlags::IN)];
            match poll(&mut fds, Some(&timeout)) {
                Ok(0) => {}
                Ok(_) => return self.pipe.read(buffer),
                Err(e) if e == rustix::io::Errno::INTR => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
}
