//! The child's side.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, Signal, getpid, getrlimit, kill_process, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::confine::{Confinement, confine};
use super::protocol::{
    DoneOutcome, PROTOCOL_VERSION, Reply, Request, Setup, read_frame, with_path, write_frame,
};
use crate::container::{MemberSink, Offer};
use crate::extract::{Course, extract_file};
use crate::{EXTRACTOR_VERSION, ExtractLimits, FailReason, Ocr, Outcome};

/// Longest path that is taken.
const MAX_PATH_BYTES: u64 = 1 << 20;
/// File descriptors that a child may hold: the two pipes, the standard ones and the file it reads.
const MAX_FILES: u64 = 16;

/// Runs this process as a child of an [`Extractor`](crate::Extractor) until its parent lets it go:
/// takes over standard input and output, puts the limits that the parent asks for on the process
/// and silences panics. To be called first thing by the program that the extractor starts.
///
/// # Errors
/// When a pipe to the parent breaks or the limits cannot be set; the process should then exit.
pub fn worker_process() -> io::Result<()> {
    worker_process_with(&|_| ())
}

/// [`worker_process`] with a hook that is called before each file, under all limits: the seam
/// through which tests make a child misbehave.
#[doc(hidden)]
pub fn worker_process_with(before_file: &(dyn Fn(&Path) + Sync)) -> io::Result<()> {
    // Libraries may print; what they print must not mix with the frames, nor may they read them.
    let mut input = File::from(take_over(io::stdin().as_fd())?);
    let mut output = File::from(take_over(io::stdout().as_fd())?);
    let null = fs_err::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    drop(null);
    std::panic::set_hook(Box::new(|_| ()));

    let (request, _) = read_frame(&mut input, 0)?;
    let Request::Setup(setup) = request else { return Err(unexpected()) };
    let path = |bytes: &Vec<u8>| PathBuf::from(OsStr::from_bytes(bytes));
    let mut readable: Vec<PathBuf> = setup.readable.iter().map(path).collect();
    // Where it looks up how much it has grown.
    readable.push(PathBuf::from("/proc/self"));
    // Before any other thread starts: it holds for those that come after it.
    let confinement = confine(&readable, setup.ocr.is_some());
    die_with_parent(input.try_clone()?)?;
    limit_process(&setup)?;
    let (protocol, extractor) = (PROTOCOL_VERSION, EXTRACTOR_VERSION);
    let ready = Reply::Ready { protocol, extractor, confinement };
    write_frame(&mut output, &ready, &[])?;
    let before_file = |path: &Path| {
        // Fails only where the limit stands lower already.
        let _ = limit_processor_time(setup.cpu_sec);
        before_file(path);
    };
    let memory_bytes = Some(setup.memory_bytes);
    serve(input, &mut output, &setup.limits, memory_bytes, setup.ocr.as_ref(), &before_file)
}

/// Answers requests on `input` until it ends, without touching the process: the loop of
/// [`worker_process`] for callers who set up the process themselves. The limits take the place of
/// those that the parent sends.
///
/// # Errors
/// When reading or writing fails or the other side does not keep to the protocol.
pub fn worker_main(
    mut input: impl Read + Send,
    output: impl Write + Send,
    limits: &ExtractLimits,
) -> io::Result<()> {
    let mut output = output;
    let (request, _) = read_frame(&mut input, 0)?;
    let Request::Setup(setup) = request else { return Err(unexpected()) };
    let (protocol, extractor) = (PROTOCOL_VERSION, EXTRACTOR_VERSION);
    let ready = Reply::Ready { protocol, extractor, confinement: Confinement::default() };
    write_frame(&mut output, &ready, &[])?;
    serve(input, &mut output, limits, None, setup.ocr.as_ref(), &|_| ())
}

fn serve(
    input: impl Read + Send,
    output: &mut (impl Write + Send),
    limits: &ExtractLimits,
    memory_bytes: Option<u64>,
    ocr: Option<&Ocr>,
    before_file: &(dyn Fn(&Path) + Sync),
) -> io::Result<()> {
    let talk = Talk { input: Mutex::new(input), output: Mutex::new(output), before_file };
    loop {
        let (request, path) = match talk.hear(MAX_PATH_BYTES) {
            Ok(frame) => frame,
            // The parent has closed the pipe: there is nothing more to do.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(e) => return Err(e),
        };
        let Request::Extract(errand) = request else { return Err(unexpected()) };
        let path = Path::new(OsStr::from_bytes(&path));
        before_file(path);
        // A parent that does not hear of a page only knows less about a crash.
        let at_page = |number| drop(talk.say(&Reply::Page { number }, &[]));
        let course = Course {
            skip_pages: &errand.skip_pages,
            at_page: Some(&at_page),
            ocr,
            sink: Some(&talk),
            rules: &errand.rules,
            first_member: errand.first_member,
            skip_members: &errand.skip_members,
        };
        let (outcome, has_members) = extract_file(path, limits, &course);
        let panicked = matches!(outcome, Outcome::Failed(FailReason::Crashed { .. }));
        let (outcome, text) = DoneOutcome::split(outcome);
        let retire = panicked || memory_bytes.is_some_and(has_grown);
        talk.say(&Reply::Done { outcome, has_members, retire }, text.as_bytes())?;
    }
}

/// Both pipes to the parent.
struct Talk<'a, I, O> {
    input: Mutex<I>,
    output: Mutex<&'a mut O>,
    before_file: &'a (dyn Fn(&Path) + Sync),
}

impl<I: Read, O: Write> Talk<'_, I, O> {
    fn say(&self, reply: &Reply, body: &[u8]) -> io::Result<()> {
        let mut output = self.output.lock().unwrap_or_else(|e| e.into_inner());
        write_frame(&mut **output, reply, body)
    }

    fn hear(&self, max_body_bytes: u64) -> io::Result<(Request, Vec<u8>)> {
        let mut input = self.input.lock().unwrap_or_else(|e| e.into_inner());
        read_frame(&mut *input, max_body_bytes)
    }
}

impl<I: Read + Send, O: Write + Send> MemberSink for Talk<'_, I, O> {
    fn begin(&self, number: u64, path: &Path) -> io::Result<()> {
        self.say(&Reply::Begin { number }, path.as_os_str().as_bytes())?;
        // Each member has the time of a file.
        (self.before_file)(path);
        Ok(())
    }

    fn is_wanted(&self, offer: &Offer<'_>) -> io::Result<bool> {
        let (size_bytes, hash) = (offer.size_bytes, offer.hash);
        self.say(&Reply::Offer { size_bytes, hash }, offer.path.as_os_str().as_bytes())?;
        match self.hear(0)? {
            (Request::Answer { wanted }, _) => Ok(wanted),
            _ => Err(unexpected()),
        }
    }

    fn done(&self, path: &Path, outcome: Outcome, has_members: bool) -> io::Result<()> {
        let (outcome, text) = DoneOutcome::split(outcome);
        let (path_bytes, body) = with_path(path, &text);
        self.say(&Reply::Member { outcome, path_bytes, has_members }, &body)
    }
}

fn take_over(fd: impl AsFd) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, 3)?)
}

fn unexpected() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not what the protocol asks for here")
}

/// Kills this process as soon as the other end of `input` is closed, be it in the middle of a file.
///
/// The kernel's own parent death signal would come when the *thread* ends that started the child,
/// which may be long before the parent does.
fn die_with_parent(input: File) -> io::Result<()> {
    let watch = move || {
        loop {
            // No event is asked for: hanging up is reported regardless.
            let mut fds = [PollFd::new(&input, PollFlags::empty())];
            match poll(&mut fds, None) {
                Ok(_) if fds[0].revents().is_empty() => {}
                Ok(_) => break,
                Err(e) if e == rustix::io::Errno::INTR => {}
                Err(_) => return,
            }
        }
        let _ = kill_process(getpid(), Signal::KILL);
    };
    thread::Builder::new().stack_size(64 << 10).spawn(watch)?;
    Ok(())
}

fn limit_process(setup: &Setup) -> io::Result<()> {
    let limits = [
        (Resource::As, setup.memory_bytes),
        // Nobody wants the memory of somebody's documents in a core file.
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, MAX_FILES),
    ];
    for (resource, limit) in limits {
        let maximum = getrlimit(resource).maximum;
        let limit = maximum.map_or(limit, |maximum| limit.min(maximum));
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    Ok(())
}

/// Grants so much processor time from now on. Only the soft limit moves, as the hard one could not
/// be raised again for the next file.
fn limit_processor_time(seconds: u64) -> io::Result<()> {
    let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec as u64;
    let maximum = getrlimit(Resource::Cpu).maximum;
    let limit = used.saturating_add(seconds).saturating_add(1);
    let current = Some(maximum.map_or(limit, |maximum| limit.min(maximum)));
    Ok(setrlimit(Resource::Cpu, Rlimit { current, maximum })?)
}

/// Whether what the process holds on to leaves too little for the next file.
fn has_grown(memory_bytes: u64) -> bool {
    // Pages of address space in use, see proc_pid_statm(5); elsewhere the count of files decides.
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').next().and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64 > memory_bytes / 2
}

#[cfg(test)]
mod tests {
    use super::super::protocol::Errand;
    use super::*;
    use crate::RuleFiles;

    fn errand() -> Errand {
        let rules = RuleFiles::none();
        Errand { skip_pages: Vec::new(), first_member: 0, skip_members: Vec::new(), rules }
    }

    #[test]
    fn the_loop_answers_in_turn_and_ends_with_its_input() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs_err::write(&path, "Notes\n\nSome text.\n").unwrap();
        let limits = ExtractLimits::default();
        let setup = Setup { limits, memory_bytes: 1, cpu_sec: 1, readable: Vec::new(), ocr: None };
        let mut input = Vec::new();
        write_frame(&mut input, &Request::Setup(setup), &[]).unwrap();
        for path in [path.as_os_str(), OsStr::new("/missing")] {
            let request = Request::Extract(errand());
            write_frame(&mut input, &request, path.as_bytes()).unwrap();
        }
        let mut output = Vec::new();
        worker_main(&input[..], &mut output, &limits).unwrap();

        let mut replies = &output[..];
        let mut next = || read_frame::<Reply>(&mut replies, 1000).unwrap();
        assert!(matches!(next().0, Reply::Ready { .. }));
        let (Reply::Done { outcome, retire: false, .. }, body) = next() else { panic!() };
        let Some(Outcome::Document(document)) = outcome.join(body) else { panic!() };
        assert_eq!(document.title, "Notes");
        let (Reply::Done { outcome, .. }, body) = next() else { panic!() };
        assert_eq!(outcome.join(body), Some(Outcome::Failed(FailReason::Vanished)));
        assert!(replies.is_empty());
    }

    #[test]
    fn nonsense_is_an_error() {
        let limits = ExtractLimits::default();
        assert!(worker_main(&b"nonsense nonsense"[..], Vec::new(), &limits).is_err());
        let mut input = Vec::new();
        write_frame(&mut input, &Request::Extract(errand()), &[]).unwrap();
        assert!(worker_main(&input[..], Vec::new(), &limits).is_err());
    }
}
