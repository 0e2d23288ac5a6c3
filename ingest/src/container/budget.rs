//! How much a container may unpack to.

use std::cell::Cell;
use std::io::{self, Read};

use crate::FailReason;

/// Anything may unpack to so much.
const FREE_BYTES: u64 = 64 << 20;
/// Beyond, a container may unpack to so many times its own size. Text compresses to a tenth, figures and logs to a
/// fiftieth; what goes far beyond was made to.
const RATIO: u64 = 200;
/// In all, a container may unpack to so many of the largest files that are read.
const LARGEST_FILES: u64 = 8;

/// What may still be unpacked of one file on the disk, over all containers within it.
#[derive(Debug)]
pub(super) struct Budget {
    limit_bytes: u64,
    unpacked_bytes: Cell<u64>,
}

impl Budget {
    /// For a file of this size, where no file of more than `max_file_bytes` is read.
    pub(super) fn new(size_bytes: u64, max_file_bytes: u64) -> Self {
        let in_proportion = size_bytes.saturating_mul(RATIO).max(FREE_BYTES);
        let limit_bytes = in_proportion.min(max_file_bytes.saturating_mul(LARGEST_FILES));
        Self { limit_bytes, unpacked_bytes: Cell::new(0) }
    }

    /// What to report once it is used up.
    pub(super) fn exceeded(&self) -> Option<FailReason> {
        let limit_bytes = self.limit_bytes;
        (self.unpacked_bytes.get() > limit_bytes).then_some(FailReason::TooInflated { limit_bytes })
    }

    /// Reads on the budget's account.
    pub(super) fn metered<R: Read>(&self, inner: R) -> Metered<'_, R> {
        Metered { budget: self, inner }
    }
}

/// A reader that fails once the budget is used up.
pub(super) struct Metered<'a, R> {
    budget: &'a Budget,
    inner: R,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let unpacked = &self.budget.unpacked_bytes;
        unpacked.set(unpacked.get().saturating_add(count as u64));
        match self.budget.exceeded() {
            Some(reason) => Err(io::Error::other(reason.to_string())),
            None => Ok(count),
        }
    }
}
