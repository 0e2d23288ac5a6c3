//! The thread that owns a device's sessions: ONNX sessions are not to be run from two threads.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{
    Receiver, RecvTimeoutError, SendTimeoutError, Sender, TryRecvError, bounded, select,
};
use ort::session::RunOptions;

use crate::bundle::Graph;
use crate::error::EngineError;
use crate::input::Input;
use crate::notice::Notice;
use crate::opening::Opening;
use crate::output::Output;
use crate::session::GraphSession;
use crate::times::Clock;

/// The sessions of one device.
pub(crate) struct Sessions {
    /// For sequences of equal length.
    pub(crate) plain: Option<GraphSession>,
    /// For sequences of unequal length, by ascending `max_tokens`.
    pub(crate) masked: Vec<LazySession>,
    /// For what does not fit the device's memory; on the CPU there is nothing else to try.
    pub(crate) fallback: Option<Fallback>,
}

/// The CPU's sessions beside a GPU's, opened when a sequence first needs them.
pub(crate) struct Fallback {
    opening: Opening,
    sessions: Option<Box<Sessions>>,
}

impl Fallback {
    pub(crate) fn new(opening: Opening) -> Fallback {
        Fallback { opening, sessions: None }
    }

    fn run(&mut self, job: &Job, reason: &EngineError) -> Result<Output, EngineError> {
        let sessions = match self.sessions.take() {
            Some(sessions) => sessions,
            None => Box::new(self.opening.sessions()?),
        };
        let sessions = self.sessions.insert(sessions);
        // One by one, as is best on a CPU; and its graphs need not take padding.
        let masked = !sessions.masked.is_empty();
        let mut output = Output::default();
        for sequence in 0..job.input.lengths.len() {
            let input = match masked {
                true => job.input.alone(sequence),
                false => job.input.trimmed(sequence),
            };
            output.append(sessions.run_here(&input, masked, &job.options)?);
        }
        let (tokens, reason) = (job.input.tokens, reason.to_string());
        self.opening.notices.add(Notice::RanOnCpu { tokens, reason });
        Ok(output)
    }
}

/// A graph that is opened when a sequence first needs it: a query on the command line does not wait
/// for what only long documents run in.
pub(crate) struct LazySession {
    graph: Graph,
    opening: Opening,
    session: Option<GraphSession>,
}

impl LazySession {
    pub(crate) fn new(graph: Graph, opening: Opening) -> LazySession {
        LazySession { graph, opening, session: None }
    }

    /// The session, opened now if it was not.
    pub(crate) fn session(&mut self) -> Result<&mut GraphSession, EngineError> {
        let session = match self.session.take() {
            Some(session) => session,
            None => self.opening.session(&self.graph)?,
        };
        Ok(self.session.insert(session))
    }
}

impl Sessions {
    fn run(&mut self, job: &Job) -> Result<Output, EngineError> {
        let result = self.run_here(&job.input, job.masked, &job.options);
        match (result, &mut self.fallback) {
            (Err(error), Some(fallback)) if error.is_about_memory() => fallback.run(job, &error),
            (result, _) => result,
        }
    }

    fn run_here(
        &mut self,
        input: &Input,
        masked: bool,
        options: &RunOptions,
    ) -> Result<Output, EngineError> {
        if !masked {
            let session = self.plain.as_mut().ok_or(EngineError::WorkerGone)?;
            return session.run(input, options);
        }
        // The last one takes the longest sequences there are.
        let fits = |lazy: &LazySession| lazy.graph.max_tokens >= input.tokens;
        let last = self.masked.len().checked_sub(1).ok_or(EngineError::WorkerGone)?;
        let index = self.masked.iter().position(fits).unwrap_or(last);
        self.masked[index].session()?.run(input, options)
    }
}

/// A thread with sessions, and the queues before it.
pub(crate) struct Worker {
    /// Dropped first, which ends the thread.
    queues: Option<Queues>,
    thread: Option<JoinHandle<()>>,
    /// Time in the runs of documents.
    clock: Arc<Clock>,
}

struct Queues {
    /// Queries: served before the next batch of a document.
    urgent: Sender<Job>,
    bulk: Sender<Job>,
}

struct Job {
    input: Input,
    masked: bool,
    options: Arc<RunOptions>,
    reply: Sender<Result<Output, EngineError>>,
}

/// A batch handed to the worker.
pub(crate) struct Pending {
    options: Arc<RunOptions>,
    reply: Receiver<Result<Output, EngineError>>,
}

/// How often a waiting caller asks whether to go on.
const CANCEL_POLL: Duration = Duration::from_millis(20);

impl Worker {
    pub(crate) fn start(sessions: Sessions) -> Result<Worker, EngineError> {
        // A short queue: callers wait with their batches, not with all their documents.
        let (urgent, urgent_jobs) = bounded(4);
        let (bulk, bulk_jobs) = bounded(1);
        let clock = Arc::new(Clock::default());
        let times = clock.clone();
        let thread = Builder::new()
            .name("lsearch-encoder".into())
            .spawn(move || serve(sessions, &urgent_jobs, &bulk_jobs, &times))?;
        Ok(Worker { queues: Some(Queues { urgent, bulk }), thread: Some(thread), clock })
    }

    /// Time that the runs of documents took so far.
    pub(crate) fn time(&self) -> Duration {
        self.clock.total()
    }

    /// Queues a batch; waits while the queue is full, unless `cancel` turns true.
    pub(crate) fn submit(
        &self,
        input: Input,
        masked: bool,
        urgent: bool,
        cancel: &dyn Fn() -> bool,
    ) -> Result<Pending, EngineError> {
        let sequences = input.lengths.len();
        let tokens = input.tokens;
        let failed =
            |error: ort::Error| EngineError::Run { sequences, tokens, reason: error.to_string() };
        let options = Arc::new(run_options(&input).map_err(failed)?);
        let (reply, receiver) = bounded(1);
        let mut job = Job { input, masked, options: options.clone(), reply };
        let queues = self.queues.as_ref().ok_or(EngineError::WorkerGone)?;
        let queue = if urgent { &queues.urgent } else { &queues.bulk };
        loop {
            match queue.send_timeout(job, CANCEL_POLL) {
                Ok(()) => return Ok(Pending { options, reply: receiver }),
                Err(SendTimeoutError::Disconnected(_)) => return Err(EngineError::WorkerGone),
                Err(SendTimeoutError::Timeout(_)) if cancel() => {
                    return Err(EngineError::Cancelled);
                }
                Err(SendTimeoutError::Timeout(unsent)) => job = unsent,
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.queues.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported to whoever waited for it.
            let _ = thread.join();
        }
    }
}

impl Pending {
    /// Waits for the batch's vectors. When `cancel` turns true, the run is broken off at
    /// its next operator.
    pub(crate) fn wait(self, cancel: &dyn Fn() -> bool) -> Result<Output, EngineError> {
        loop {
            match self.reply.recv_timeout(CANCEL_POLL) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Disconnected) => return Err(EngineError::WorkerGone),
                Err(RecvTimeoutError::Timeout) if cancel() => {
                    // Terminating cannot fail in a way that matters: at worst the run ends by itself.
                    let _ = self.options.terminate();
                    let _ = self.reply.recv();
                    return Err(EngineError::Cancelled);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// A batch whose caller is gone need not be run to its end.
impl Drop for Pending {
    fn drop(&mut self) {
        let _ = self.options.terminate();
    }
}

/// Padded tokens after whose run the CPU's arena gives back to the system what it does not use: after
/// each long one, not after every query.
const SHRINK_TOKENS: usize = 4096;

fn run_options(input: &Input) -> ort::Result<RunOptions> {
    let mut options = RunOptions::new()?;
    if input.padded_tokens() >= SHRINK_TOKENS {
        options.set("memory.enable_memory_arena_shrinkage", "cpu:0")?;
    }
    Ok(options)
}

fn serve(mut sessions: Sessions, urgent: &Receiver<Job>, bulk: &Receiver<Job>, clock: &Clock) {
    loop {
        let (job, is_urgent) = match urgent.try_recv() {
            Ok(job) => (job, true),
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => select! {
                recv(urgent) -> job => match job { Ok(job) => (job, true), Err(_) => return },
                recv(bulk) -> job => match job { Ok(job) => (job, false), Err(_) => return },
            },
        };
        let result = match is_urgent {
            true => sessions.run(&job),
            false => clock.time(|| sessions.run(&job)),
        };
        // A caller that has gone away does not want the answer.
        let _ = job.reply.send(result);
    }
}
