//! How far the encoder has come, told by the threads that wait for it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Text done so far; what is being encoded counts by its share.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    tokens: AtomicU64,
}

/// One call of the encoder.
pub struct Call<'a> {
    progress: &'a Progress,
    bytes: u64,
    tokens: u64,
    told: AtomicU64,
}

impl Progress {
    /// Bytes of text that are done, or will not be.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Tokens that are done.
    pub fn tokens(&self) -> u64 {
        self.tokens.load(Ordering::Relaxed)
    }

    /// Counts text that will not be encoded.
    pub fn skip(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Begins a call for so much text.
    pub fn call(&self, bytes: u64, tokens: u64) -> Call<'_> {
        Call { progress: self, bytes, tokens, told: AtomicU64::new(0) }
    }
}

impl Call<'_> {
    /// So many tokens of the call are done, special ones included.
    pub fn done(&self, tokens: usize) {
        let before = self.told.swap(tokens as u64, Ordering::Relaxed);
        self.progress.tokens.fetch_add(tokens as u64 - before, Ordering::Relaxed);
        let bytes = self.share(tokens as u64) - self.share(before);
        self.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes back what was told: the call failed.
    pub fn failed(&self) {
        let told = self.told.swap(0, Ordering::Relaxed);
        self.progress.tokens.fetch_sub(told, Ordering::Relaxed);
        self.progress.bytes.fetch_sub(self.share(told), Ordering::Relaxed);
    }

    /// The bytes that so many tokens stand for.
    fn share(&self, tokens: u64) -> u64 {
        let share = (tokens as f64 / self.tokens.max(1) as f64).min(1.0);
        (self.bytes as f64 * share) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_by_its_share_and_not_at_all_when_it_fails() {
        let progress = Progress::default();
        let call = progress.call(1000, 100);
        call.done(50);
        assert_eq!((progress.bytes(), progress.tokens()), (500, 50));
        // Special tokens come on top of those that the share is counted by.
        call.done(102);
        assert_eq!((progress.bytes(), progress.tokens()), (1000, 102));
        call.failed();
        assert_eq!((progress.bytes(), progress.tokens()), (0, 0));
        progress.skip(7);
        assert_eq!(progress.bytes(), 7);
    }
}
