//! What the engine did otherwise than asked, for the caller to pass on.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Something that went another way than asked, without failing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A sequence did not fit the GPU's memory and ran on the CPU.
    RanOnCpu {
        /// Its padded length, in tokens.
        tokens: usize,
        /// What the GPU's run said.
        reason: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::RanOnCpu { tokens, reason } => {
                write!(f, "{tokens} tokens at once were encoded on the CPU instead: {reason}")
            }
        }
    }
}

/// Notices not yet taken, shared by the worker that makes them and the encoder that hands them out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notices(Arc<Mutex<Vec<Notice>>>);

/// More than so many are not kept: nobody reads them.
const KEPT: usize = 100;

impl Notices {
    pub(crate) fn add(&self, notice: Notice) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() < KEPT {
            held.push(notice);
        }
    }

    pub(crate) fn take(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
