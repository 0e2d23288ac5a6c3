//! Where an encoder's time goes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Time that an [`Encoder`](crate::Encoder) has spent on documents since it was opened; queries do
/// not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EncoderTimes {
    /// In the tokenizer, added up over all threads that were in it.
    pub tokenise: Duration,
    /// In runs of the graphs, from the tensors handed over to the sums received. Runs follow one
    /// another, so it is time by the clock: what is left of it is time in which the device had
    /// nothing to do. The opening of a graph by the first sequence that needs it is part of it.
    pub run: Duration,
}

/// Adds up the time of what several threads do.
#[derive(Debug, Default)]
pub struct Clock(AtomicU64);

impl Clock {
    /// Does some work and adds the time it took.
    pub fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = work();
        self.0.fetch_add(started.elapsed().as_nanos() as u64, Ordering::Relaxed);
        result
    }

    /// The time so far.
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}
