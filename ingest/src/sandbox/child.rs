//! The parent's hold on one child.

use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use super::extractor::ExtractorOptions;
use super::protocol::{PROTOCOL_VERSION, Reply, Request, Setup, read_frame, write_frame};
use crate::{EXTRACTOR_VERSION, ExtractLimits, FailReason, Outcome};

/// How long a child may take to come up.
const START_SEC: u64 = 20;
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
}

/// Why a child gave no answer.
pub(super) struct Death {
    pub(super) reason: FailReason,
    /// The page of the file it was at, and for how long.
    pub(super) page: Option<(u32, Duration)>,
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
        let mut child = Self { process, requests, replies, last_words, listener, files_done: 0 };
        match child.set_up(options) {
            Ok(()) => Ok(child),
            Err(e) => {
                let (status, words) = child.end();
                let words = words.trim();
                let words = if words.is_empty() { String::new() } else { format!(": {words}") };
                Err(format!("{}: {e} ({}){words}", program.display(), describe(status)))
            }
        }
    }

    fn set_up(&mut self, options: &ExtractorOptions) -> io::Result<()> {
        let limits = ExtractLimits {
            max_file_bytes: options.max_file_bytes,
            max_text_bytes: options.max_text_bytes,
        };
        let (memory_bytes, cpu_sec) = (options.memory_bytes, options.cpu_sec);
        let ocr = options.ocr.clone();
        let setup = Request::Setup(Setup { limits, memory_bytes, cpu_sec, ocr });
        write_frame(&mut self.requests, &setup, &[])?;
        let mut replies = Timed::new(&mut self.replies, Duration::from_secs(START_SEC));
        match read_frame(&mut replies, 0)?.0 {
            Reply::Ready { protocol: PROTOCOL_VERSION, extractor: EXTRACTOR_VERSION } => Ok(()),
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

    /// Has the file extracted; true with the outcome means that the child should be let go.
    ///
    /// After an error the child is of no further use.
    pub(super) fn extract(
        &mut self,
        path: &Path,
        skip_pages: &[u32],
        options: &ExtractorOptions,
    ) -> Result<(Outcome, bool), Death> {
        let mut page: Option<(u32, Instant)> = None;
        let result = self.converse(path, skip_pages, options, &mut page);
        self.files_done += 1;
        result.map_err(|e| {
            let page = page.map(|(number, since)| (number, since.elapsed()));
            Death { reason: self.reason(&e, options), page }
        })
    }

    fn converse(
        &mut self,
        path: &Path,
        skip_pages: &[u32],
        options: &ExtractorOptions,
        page: &mut Option<(u32, Instant)>,
    ) -> io::Result<(Outcome, bool)> {
        let request = Request::Extract { skip_pages: skip_pages.to_vec() };
        write_frame(&mut self.requests, &request, path.as_os_str().as_bytes())?;
        let limit = Duration::from_secs(options.wall_sec);
        let mut replies = Timed::new(&mut self.replies, limit);
        loop {
            match read_frame(&mut replies, options.max_text_bytes)? {
                (Reply::Page { number }, _) => *page = Some((number, Instant::now())),
                (Reply::Done { outcome, retire }, body) => {
                    return outcome
                        .join(body)
                        .map(|outcome| (outcome, retire))
                        .ok_or_else(|| io::Error::other("the answer does not hold together"));
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
