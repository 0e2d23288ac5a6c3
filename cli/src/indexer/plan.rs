//! What lies ahead of an add: the files to read by kind, what is left out and why, and how long it will take.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lsearch_engine::{Device, nvidia_device_present};
use lsearch_ingest::{
    FoundFile, Guess, Kind, LeftOut, SkipReason, WalkEvent, WalkOptions, container_of, walk,
};

use super::rates::Rates;
use super::scan::walk_options;
use crate::app::App;
use crate::args::DeviceArg;
use crate::encoder::gpu;
use crate::errors::CliError;
use crate::output::units;

/// Work that takes less is done sooner than it is read about.
const WORTH_TELLING: Duration = Duration::from_secs(10);
/// Sorts of files that are told by name.
const SORTS_TOLD: usize = 6;
/// Formats that are told by name.
const FORMATS_TOLD: usize = 4;

/// Files that take alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// Their names tell what they are.
    Kind(Kind),
    /// They hold others.
    Archive,
    /// Their bytes will tell.
    Unknown,
}

impl Sort {
    /// By the file's name, or that of the file it lies in.
    pub fn of(file: &FoundFile) -> Self {
        match file.guess {
            _ if container_of(&file.path).is_some() => Self::Archive,
            Guess::Known(kind, _) => Self::Kind(kind),
            Guess::Container(_) => Self::Archive,
            Guess::Unknown | Guess::Skip(_) => Self::Unknown,
        }
    }

    /// As it is told and written down.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kind(kind) => kind.as_str(),
            Self::Archive => "archive",
            Self::Unknown => "other",
        }
    }

    /// Milliseconds of work that a file takes, and megabytes that a core reads in a second.
    fn pace(self) -> (f64, f64) {
        match self {
            Self::Kind(Kind::Pdf) => (16.0, 2.5),
            Self::Kind(Kind::Word | Kind::Slides | Kind::Sheet | Kind::Book) => (10.0, 1.5),
            Self::Kind(Kind::Mail) | Self::Archive => (5.0, 3.0),
            Self::Kind(Kind::Text | Kind::Markdown | Kind::Html | Kind::Code) | Self::Unknown => {
                (3.0, 3.0)
            }
        }
    }

    /// How much text a byte of the file holds.
    pub fn text_share(self) -> f64 {
        match self {
            Self::Kind(Kind::Pdf) => 0.3,
            Self::Kind(Kind::Text | Kind::Markdown | Kind::Code) | Self::Archive => 1.0,
            Self::Kind(Kind::Html | Kind::Mail | Kind::Book | Kind::Sheet) => 0.5,
            Self::Kind(Kind::Word | Kind::Slides) => 0.1,
            // Many of them will turn out to be none.
            Self::Unknown => 0.3,
        }
    }
}

/// Files to read, or that were read.
#[derive(Debug, Clone, Default)]
pub struct Work(BTreeMap<Sort, (u64, u64)>);

impl Work {
    /// Counts a file.
    pub fn add(&mut self, sort: Sort, bytes: u64) {
        let (files, sum) = self.0.entry(sort).or_default();
        *files += 1;
        *sum += bytes;
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many files, and how large they are together.
    pub fn total(&self) -> (u64, u64) {
        self.0
            .values()
            .fold((0, 0), |(files, bytes), (more, larger)| (files + more, bytes + larger))
    }

    /// How large those of each sort are together.
    pub fn bytes_by_sort(&self) -> impl Iterator<Item = (Sort, u64)> {
        self.0.iter().map(|(sort, (_, bytes))| (*sort, *bytes))
    }

    /// Seconds that reading it takes with so many threads where nothing was measured.
    pub fn expected_sec(&self, threads: usize) -> f64 {
        let one = |(sort, (files, bytes)): (&Sort, &(u64, u64))| {
            let (milliseconds, megabytes) = sort.pace();
            *files as f64 * milliseconds / 1e3 + *bytes as f64 / (megabytes * 1e6)
        };
        // One thread writes, however many read.
        self.0.iter().map(one).sum::<f64>() / threads.clamp(1, 8) as f64
    }

    /// `pdf 12 (3.4 MB), code 3 (12 KB)`, the largest sorts first.
    fn in_words(&self) -> String {
        let mut sorts: Vec<_> = self.0.iter().collect();
        sorts.sort_by_key(|(_, (files, bytes))| std::cmp::Reverse((*bytes, *files)));
        let shown = sorts.iter().take(SORTS_TOLD).map(|(sort, (files, bytes))| {
            format!("{} {} ({})", sort.name(), units::count(*files), units::bytes(*bytes))
        });
        let mut shown: Vec<String> = shown.collect();
        let more: u64 = sorts.iter().skip(SORTS_TOLD).map(|(_, (files, _))| files).sum();
        if more > 0 {
            shown.push(format!("{} more", units::count(more)));
        }
        shown.join(", ")
    }
}

/// What a walk through a folder came to.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// What is to be read.
    pub work: Work,
    /// Files that did not change since they were read.
    pub unchanged: u64,
    skipped: BTreeMap<&'static str, u64>,
    formats: BTreeMap<String, u64>,
    rules: LeftOut,
    unreadable: u64,
}

impl Plan {
    /// Takes note of what a walk came by. Files are counted by [`Plan::file`], for which more has to be known.
    pub fn walked(&mut self, event: &WalkEvent) {
        match event {
            WalkEvent::File(_) | WalkEvent::Folder(_) => {}
            WalkEvent::Skipped { reason, .. } => self.skipped(reason),
            WalkEvent::Failed { .. } => self.unreadable += 1,
            WalkEvent::LeftOut(rules) => self.rules = *rules,
        }
    }

    /// Takes note of a file to read.
    pub fn file(&mut self, file: &FoundFile) {
        self.work.add(Sort::of(file), file.size_bytes);
    }

    fn skipped(&mut self, reason: &SkipReason) {
        let name = match reason {
            SkipReason::Unsupported { format } => {
                *self.formats.entry(format.clone()).or_default() += 1;
                return;
            }
            SkipReason::Binary => "binary",
            SkipReason::Empty | SkipReason::NoText | SkipReason::NoTextLayer => "empty",
            SkipReason::Encrypted => "encrypted",
            SkipReason::TooLarge { .. } => "too large (max_file_mb)",
            SkipReason::Secret => "secrets",
            SkipReason::Symlink => "symbolic links",
            SkipReason::Special { .. } => "no regular files",
        };
        *self.skipped.entry(name).or_default() += 1;
    }

    /// How long it takes until all is found by word, and after that until all is found by meaning.
    pub fn times(&self, app: &App) -> (Duration, Duration) {
        let rates = Rates::load(&app.places.data);
        let threads = app.config.threads();
        let text_bytes = rates.text_bytes(&self.work);
        let by_meaning = rates.encoding(likely_device(app), threads, text_bytes);
        (rates.reading(&self.work, threads), by_meaning)
    }

    /// Whether it takes long enough to be told.
    pub fn is_worth_telling(&self, app: &App) -> bool {
        let (by_word, by_meaning) = self.times(app);
        by_word + by_meaning >= WORTH_TELLING
    }

    /// The plan for a folder, in a few lines.
    pub fn in_words(&self, app: &App, folder: &Path) -> String {
        let (files, bytes) = self.work.total();
        let unchanged = match self.unchanged {
            0 => String::new(),
            unchanged => format!(", {} unchanged", units::count(unchanged)),
        };
        let mut lines = vec![format!(
            "{}: {} to read ({}){unchanged}",
            crate::places::shorten_home(folder),
            units::plural(files, "file"),
            units::bytes(bytes)
        )];
        if files > 0 {
            lines.push(format!("  {}", self.work.in_words()));
        }
        let left_out = self.left_out_in_words();
        if !left_out.is_empty() {
            lines.push(format!("  left out: {left_out}"));
        }
        if self.unreadable > 0 {
            lines.push(format!("  {} may not be read", units::count(self.unreadable)));
        }
        if files > 0 {
            let (by_word, by_meaning) = self.times(app);
            let device = match likely_device(app) {
                Device::Cpu => "on the CPU",
                Device::Cuda => "on the GPU",
            };
            lines.push(format!(
                "  found by word in {}, by meaning {} later ({device})",
                units::about(by_word),
                units::about(by_meaning)
            ));
        }
        lines.join("\n")
    }

    fn left_out_in_words(&self) -> String {
        let mut parts: Vec<(u64, String)> = Vec::new();
        let formats: u64 = self.formats.values().sum();
        if formats > 0 {
            let mut names: Vec<_> = self.formats.iter().collect();
            names.sort_by_key(|(name, number)| (std::cmp::Reverse(**number), name.as_str()));
            let mut shown: Vec<&str> =
                names.iter().take(FORMATS_TOLD).map(|(name, _)| name.as_str()).collect();
            if names.len() > FORMATS_TOLD {
                shown.push("…");
            }
            parts.push((formats, format!("of formats that are not read ({})", shown.join(", "))));
        }
        let LeftOut { hidden, ignored, excluded, system } = self.rules;
        parts.extend(self.skipped.iter().map(|(name, number)| (*number, (*name).to_owned())));
        for (number, name) in [
            (hidden, "hidden"),
            (ignored, "named by .gitignore and the like"),
            (excluded, "excluded"),
            (system, "of version control and the system"),
        ] {
            parts.push((number, name.to_owned()));
        }
        parts.retain(|(number, _)| *number > 0);
        parts.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        let parts = parts.iter().map(|(number, name)| format!("{} {name}", units::count(*number)));
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// Walks a folder as an add would and reads nothing.
///
/// # Errors
/// When the folder itself cannot be walked.
pub fn survey(app: &App, root: &Path, exclude: &[String]) -> Result<Plan, CliError> {
    let plan = Mutex::new(Plan::default());
    let options = WalkOptions { count_left_out: true, ..walk_options(app, root, exclude) };
    let visit = |event| {
        let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.walked(&event);
        if let WalkEvent::File(file) = event {
            plan.file(&file);
        }
    };
    walk(root, &options, &visit, &|| app.stop.requested())?;
    Ok(plan.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The device that will encode, as far as can be told without opening the encoder.
pub fn likely_device(app: &App) -> Device {
    match app.device {
        DeviceArg::Cpu => Device::Cpu,
        DeviceArg::Cuda => Device::Cuda,
        DeviceArg::Auto if !nvidia_device_present() => Device::Cpu,
        DeviceArg::Auto => match gpu::state(app) {
            Ok(gpu::State::Ready(_)) => Device::Cuda,
            _ => Device::Cpu,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_by_reason_the_most_frequent_first() {
        let mut plan = Plan::default();
        let skipped = |reason| WalkEvent::Skipped { path: "/x".into(), reason };
        let png = || SkipReason::Unsupported { format: "png".to_owned() };
        for reason in [png(), png(), SkipReason::Secret, SkipReason::Empty] {
            plan.walked(&skipped(reason));
        }
        plan.walked(&WalkEvent::LeftOut(LeftOut { hidden: 3, ..LeftOut::default() }));
        assert_eq!(
            plan.left_out_in_words(),
            "3 hidden, 2 of formats that are not read (png), 1 empty, 1 secrets"
        );
    }

    #[test]
    fn work_is_told_by_kind_the_largest_first() {
        let mut work = Work::default();
        work.add(Sort::Kind(Kind::Code), 2000);
        work.add(Sort::Kind(Kind::Pdf), 1_000_000);
        work.add(Sort::Kind(Kind::Pdf), 2_000_000);
        assert_eq!(work.in_words(), "pdf 2 (3.0 MB), code 1 (2.0 KB)");
        assert_eq!(work.total(), (3, 3_002_000));
        assert!(work.expected_sec(1) > work.expected_sec(2));
    }
}
