//! Waits until a changing path has come to rest.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A path is at rest when nothing was heard of it for so long …
const QUIET: Duration = Duration::from_millis(200);
/// … or taken anyway when it has not come to rest within so long.
const PATIENCE: Duration = Duration::from_millis(1000);
/// A path taken again and again is taken ever more rarely, up to this.
const RAREST: Duration = Duration::from_secs(60);
/// A path that rests so long after it was taken is saved by a person, not written by a program that goes on and on.
const CALM: Duration = Duration::from_secs(3);
/// A path that rests so long begins anew …
const FORGIVEN: Duration = Duration::from_secs(120);
/// … and one that was taken so often without that is taken no more often than so.
const OFTEN: (u32, Duration) = (30, Duration::from_secs(30));
/// So many paths below each other's folders are one look at everything.
const TOO_MANY: usize = 4096;

/// Paths to look at again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Each path, and whether it may be another file or folder than before. Nothing stands below another that
    /// was replaced.
    pub paths: BTreeMap<PathBuf, bool>,
    /// Events were lost, or there are too many: look at everything.
    pub everything: bool,
}

impl Batch {
    /// Whether there is nothing to look at.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.everything
    }
}

/// Changed paths on their way to rest.
#[derive(Debug, Default)]
pub struct Settle {
    waiting: BTreeMap<PathBuf, Waiting>,
    taken: HashMap<PathBuf, Taken>,
    everything: Option<Instant>,
}

#[derive(Debug)]
struct Waiting {
    due: Instant,
    at_latest: Instant,
    replaced: bool,
}

#[derive(Debug)]
struct Taken {
    last: Instant,
    /// In a row, with hardly a pause between.
    times: u32,
    /// In all since it last had a long rest.
    in_all: u32,
}

impl Taken {
    /// How long a change of now has to wait.
    fn pause(&mut self, now: Instant) -> Duration {
        let rested = now.duration_since(self.last);
        if rested >= CALM {
            self.times = 0;
        }
        if rested >= FORGIVEN {
            self.in_all = 0;
        }
        // The first few savings of a file are as quick as any; a log that grows all day is not worth it.
        let shift = self.times.saturating_sub(4).min(16);
        let pause = if shift == 0 { Duration::ZERO } else { (QUIET * (1 << shift)).min(RAREST) };
        let often = if self.in_all >= OFTEN.0 { OFTEN.1 } else { Duration::ZERO };
        pause.max(often).saturating_sub(rested)
    }
}

impl Settle {
    /// Something about a path changed.
    pub fn changed(&mut self, path: &Path, replaced: bool, now: Instant) {
        if self.everything.is_some() {
            return;
        }
        if let Some(waiting) = self.waiting.get_mut(path) {
            waiting.replaced |= replaced;
            waiting.due = (now + QUIET).max(waiting.due).min(waiting.at_latest);
            return;
        }
        if self.waiting.len() >= TOO_MANY {
            return self.lost(now);
        }
        let pause = self.taken.get_mut(path).map_or(Duration::ZERO, |taken| taken.pause(now));
        let due = now + pause.max(QUIET);
        let at_latest = now + pause.max(PATIENCE);
        self.waiting.insert(path.to_owned(), Waiting { due, at_latest, replaced });
    }

    /// Events were lost: everything has to be looked at.
    pub fn lost(&mut self, now: Instant) {
        // One after another may be lost; they are one look.
        self.everything.get_or_insert(now + PATIENCE);
        self.waiting.clear();
    }

    /// How many paths wait.
    pub fn len(&self) -> usize {
        self.waiting.len() + usize::from(self.everything.is_some())
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When [`Settle::take`] will have something; `None` while nothing waits.
    pub fn due(&self) -> Option<Instant> {
        self.everything.or_else(|| self.waiting.values().map(|waiting| waiting.due).min())
    }

    /// What has come to rest by now.
    pub fn take(&mut self, now: Instant) -> Batch {
        let mut batch = Batch::default();
        if let Some(at) = self.everything {
            if at <= now {
                self.everything = None;
                batch.everything = true;
            }
            return batch;
        }
        let ready: Vec<PathBuf> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.due <= now)
            .map(|(path, _)| path.clone())
            .collect();
        for path in ready {
            let replaced = self.waiting.remove(&path).is_some_and(|waiting| waiting.replaced);
            let below = path.ancestors().skip(1).any(|above| batch.paths.get(above) == Some(&true));
            self.count(&path, now);
            if !below {
                batch.paths.insert(path, replaced);
            }
        }
        if self.taken.len() > TOO_MANY {
            self.taken.retain(|_, taken| now.duration_since(taken.last) < FORGIVEN);
        }
        batch
    }

    fn count(&mut self, path: &Path, now: Instant) {
        let new = Taken { last: now, times: 0, in_all: 0 };
        let taken = self.taken.entry(path.to_owned()).or_insert(new);
        taken.times += 1;
        taken.in_all += 1;
        taken.last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn paths(batch: &Batch) -> Vec<&str> {
        batch.paths.keys().map(|path| path.to_str().unwrap()).collect()
    }

    #[test]
    fn a_path_is_taken_once_when_it_has_come_to_rest() {
        let (mut settle, start) = (Settle::default(), Instant::now());
        settle.changed(Path::new("/a"), true, start);
        settle.changed(Path::new("/a"), false, start + 150 * MS);
        assert!(settle.take(start + 300 * MS).is_empty());
        let batch = settle.take(start + 350 * MS);
        assert_eq!(batch.paths, BTreeMap::from([(PathBuf::from("/a"), true)]));
        assert!(settle.take(start + 9000 * MS).is_empty() && settle.due().is_none());
    }

    #[test]
    fn a_path_that_never_rests_is_taken_ever_more_rarely() {
        let (mut settle, start) = (Settle::default(), Instant::now());
        let mut taken = Vec::new();
        for tick in 0..6000_u32 {
            let now = start + tick * 100 * MS;
            settle.changed(Path::new("/log"), false, now);
            if !settle.take(now).is_empty() {
                taken.push(tick / 10);
            }
        }
        assert!(taken[0] <= 1, "{taken:?}");
        assert!((8..40).contains(&taken.len()), "{taken:?}");
        let pauses: Vec<u32> = taken.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses.iter().all(|pause| *pause <= 62), "{pauses:?}");
        assert!(*pauses.last().unwrap() >= 50, "{pauses:?}");
    }

    #[test]
    fn a_person_who_saves_every_few_seconds_does_not_wait() {
        let (mut settle, start) = (Settle::default(), Instant::now());
        for save in 0..25_u32 {
            let now = start + save * 5000 * MS;
            settle.changed(Path::new("/letter"), true, now);
            assert!(!settle.take(now + 250 * MS).is_empty(), "save {save}");
        }
    }

    #[test]
    fn what_lies_below_a_replaced_folder_is_looked_at_with_it() {
        let (mut settle, start) = (Settle::default(), Instant::now());
        for (path, replaced) in
            [("/a", true), ("/a/b", true), ("/ab", false), ("/c", false), ("/c/d", false)]
        {
            settle.changed(Path::new(path), replaced, start);
        }
        assert_eq!(paths(&settle.take(start + 500 * MS)), ["/a", "/ab", "/c", "/c/d"]);
    }

    #[test]
    fn too_many_changes_and_lost_events_are_a_look_at_everything() {
        let (mut settle, start) = (Settle::default(), Instant::now());
        for number in 0..TOO_MANY + 5 {
            settle.changed(Path::new(&format!("/{number}")), true, start);
        }
        let at = settle.due().unwrap();
        assert!(settle.take(at - MS).is_empty());
        assert_eq!(settle.take(at), Batch { everything: true, ..Batch::default() });
        assert!(settle.due().is_none());
    }
}
