//! What a scan did, in figures.

use std::path::PathBuf;
use std::time::Duration;

use crate::output::units;

/// What a scan found and did, in files.
#[derive(Debug, Default, Clone)]
pub struct ScanReport {
    /// Files the walk offered.
    pub seen: u64,
    /// Files whose size, time and inode were as recorded.
    pub unchanged: u64,
    /// New or changed documents that were read.
    pub extracted: u64,
    /// New paths of content that was already known (copied, moved or re-added).
    pub reused: u64,
    /// Files left out, with a recorded reason.
    pub skipped: u64,
    /// Files that could not be read, with a recorded reason.
    pub failed: u64,
    /// Files that are gone.
    pub removed: u64,
    /// Files of which it was not known before that they are left out or failed, or why.
    pub recorded: u64,
    /// Bytes of the files that were new or changed.
    pub bytes: u64,
    /// The first few failures, for showing.
    pub failures: Vec<(PathBuf, String)>,
    /// What was seen to be there, where only some places were looked at.
    pub found: Vec<PathBuf>,
    /// Stopped by Ctrl-C before the end.
    pub cancelled: bool,
    /// Time taken.
    pub elapsed: Duration,
}

impl ScanReport {
    /// Of how many files something else is known than before.
    pub fn changed(&self) -> u64 {
        self.extracted + self.reused + self.removed + self.recorded
    }

    /// What became of the files, in words; nothing for what did not happen.
    pub fn parts(&self) -> Vec<String> {
        let parts = [
            (self.extracted, "read"),
            (self.reused, "known by content"),
            (self.unchanged, "unchanged"),
            (self.removed, "gone"),
            (self.skipped, "left out"),
            (self.failed, "failed"),
        ];
        let happened = parts.iter().filter(|(number, _)| *number > 0);
        happened.map(|(number, what)| format!("{} {what}", units::count(*number))).collect()
    }

    /// Adds another folder's figures.
    pub fn merge(&mut self, other: Self) {
        self.seen += other.seen;
        self.unchanged += other.unchanged;
        self.extracted += other.extracted;
        self.reused += other.reused;
        self.skipped += other.skipped;
        self.failed += other.failed;
        self.removed += other.removed;
        self.recorded += other.recorded;
        self.bytes += other.bytes;
        self.failures.extend(other.failures);
        self.found.extend(other.found);
        self.cancelled |= other.cancelled;
        self.elapsed += other.elapsed;
    }
}
