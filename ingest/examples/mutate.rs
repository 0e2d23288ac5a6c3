//! Damages real files in many ways, extracts each in a child process as the program does, and prints what became of
//! them by format, with the memory that the children took.
//!
//! ```text
//! cargo run --release -p lsearch-ingest --example mutate -- COUNT [--memory-mb N] [--keep FOLDER] FOLDER…
//! ```
//!
//! The files of the folders are the seeds, as many of each format as of any other. The same folders and count give the
//! same damage. With `--keep`, files that a child did not survive are copied there.

#[allow(dead_code)]
#[path = "../fuzz/src/mutation.rs"]
mod mutation;
#[allow(dead_code)]
#[path = "../fuzz/src/package.rs"]
mod package;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use lsearch_ingest::{
    Extractor, ExtractorOptions, FailReason, Guess, Member, MemberVisitor, NewBytes, Outcome,
    PassageOptions, RuleFiles, guess_by_name, identify, passages,
};
use mutation::Mutator;

/// So many files of a format are seeds, at most.
const SEEDS: usize = 60;
/// Larger files are no seeds: they would only be slower, not worse.
const MAX_SEED_BYTES: u64 = 2 << 20;
const WALL_SEC: u64 = 60;
const CPU_SEC: u64 = 30;

struct Arguments {
    count: usize,
    memory_bytes: u64,
    keep: Option<PathBuf>,
    folders: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let Some(arguments) = arguments(env::args_os().skip(1)) else {
        eprintln!("mutate COUNT [--memory-mb N] [--keep FOLDER] FOLDER…");
        return ExitCode::from(2);
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut given: impl Iterator<Item = OsString>) -> Option<Arguments> {
    let count = given.next()?.to_str()?.parse().ok()?;
    let mut arguments = Arguments { count, memory_bytes: 1 << 30, keep: None, folders: Vec::new() };
    while let Some(argument) = given.next() {
        match argument.to_str() {
            Some("--memory-mb") => {
                arguments.memory_bytes = given.next()?.to_str()?.parse::<u64>().ok()? << 20;
            }
            Some("--keep") => arguments.keep = Some(given.next()?.into()),
            _ => arguments.folders.push(argument.into()),
        }
    }
    (!arguments.folders.is_empty()).then_some(arguments)
}

fn run(arguments: &Arguments) -> io::Result<()> {
    let seeds = seeds(&arguments.folders);
    let formats: Vec<(&String, &Vec<PathBuf>)> = seeds.iter().collect();
    if formats.is_empty() {
        return Err(io::Error::other("there is no file to begin with"));
    }
    let folder = env::temp_dir().join(format!("lsearch-mutate-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let worker_program = env::current_exe()?.with_file_name("extract_worker");
    let extractor = Extractor::new(ExtractorOptions {
        worker_program,
        worker_args: Vec::new(),
        readable: vec![folder.clone()],
        workers: 2,
        memory_bytes: arguments.memory_bytes,
        cpu_sec: CPU_SEC,
        wall_sec: WALL_SEC,
        max_file_bytes: 1 << 30,
        max_text_bytes: 1 << 30,
        ocr: None,
    });
    let tally = Mutex::new(Tally::default());
    let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let start = Instant::now();
    let result = thread::scope(|scope| {
        scope.spawn(|| watch_memory(&is_over, &tally));
        let workers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| -> io::Result<()> {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= arguments.count {
                            return Ok(());
                        }
                        let (format, files) = formats[number % formats.len()];
                        one(number, format, files, &folder, &extractor, arguments, &tally)?;
                    }
                })
            })
            .collect();
        let results: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Ordering::Relaxed);
        results.into_iter().try_for_each(|result| {
            result.unwrap_or_else(|_| Err(io::Error::other("the parent panicked")))
        })
    });
    let _ = fs::remove_dir_all(&folder);
    result?;
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.print(start.elapsed(), arguments.memory_bytes);
    Ok(())
}

/// The files of the folders by format, as many as are wanted of each, from all over the folders.
fn seeds(folders: &[PathBuf]) -> BTreeMap<String, Vec<PathBuf>> {
    let mut all: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let mut waiting = folders.to_vec();
    while let Some(path) = waiting.pop() {
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if metadata.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            waiting.extend(entries.map(|entry| entry.path()));
        } else if metadata.is_file()
            && (1..=MAX_SEED_BYTES).contains(&metadata.len())
            && let Some(format) = format_of(&path)
        {
            all.entry(format).or_default().push(path);
        }
    }
    for files in all.values_mut() {
        files.sort();
        let step = files.len().div_ceil(SEEDS);
        *files = files.iter().step_by(step).cloned().collect();
    }
    all
}

/// What the file is, by name and beginning; `None` when it is nothing that is read.
fn format_of(path: &Path) -> Option<String> {
    let name = match guess_by_name(path) {
        Guess::Container(format) => return Some(format.to_owned()),
        Guess::Skip(_) => return None,
        Guess::Known(_, format) => Some(format),
        Guess::Unknown => None,
    };
    let mut head = Vec::new();
    fs::File::open(path).ok()?.take(8 << 10).read_to_end(&mut head).ok()?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    if let Some(packing @ ("gz" | "bz2" | "xz" | "zst")) = extension {
        return Some(packing.to_owned());
    }
    match identify(path, &head) {
        Ok((_, format)) => Some(format),
        // Older office files, whose beginning does not say enough.
        Err(_) => name.map(str::to_owned),
    }
}

/// Damages one file and has it extracted.
fn one(
    number: usize,
    format: &str,
    files: &[PathBuf],
    folder: &Path,
    extractor: &Extractor,
    arguments: &Arguments,
    tally: &Mutex<Tally>,
) -> io::Result<()> {
    let mut mutator = Mutator::new(number as u64);
    let seed = &files[mutator.below(files.len())];
    let other = fs::read(&files[mutator.below(files.len())])?;
    let bytes = fs::read(seed)?;
    // Of zip archives half are damaged below the compression.
    let parts = if mutator.below(2) == 0 { package::to_parts(&bytes) } else { None };
    let mut mutated = mutator.mutate(parts.as_ref().unwrap_or(&bytes), &other);
    if parts.is_some() {
        mutated = package::from_parts(&mutated).unwrap_or(mutated);
    }
    let name = seed.file_name().unwrap_or_default();
    // A folder of its own keeps the name, which says what the file is.
    let place = folder.join(number.to_string());
    fs::create_dir(&place)?;
    let path = place.join(name);
    fs::write(&path, &mutated)?;
    let mut members = Members::default();
    let start = Instant::now();
    let (outcome, _) = extractor.extract_all(&path, &RuleFiles::none(), &mut members);
    let time = start.elapsed();
    if let Outcome::Document(document) = &outcome {
        passages(document, &PassageOptions::default());
    }
    let is_harmful = matches!(
        outcome,
        Outcome::Failed(
            FailReason::Crashed { .. }
                | FailReason::TooDeep
                | FailReason::MemoryLimit { .. }
                | FailReason::CpuLimit { .. }
                | FailReason::TimeLimit { .. }
        )
    );
    if let Some(keep) = arguments.keep.as_ref().filter(|_| is_harmful) {
        let kept = keep.join(format!("{number}-{}", name.to_string_lossy()));
        fs::copy(&path, kept)?;
    }
    fs::remove_dir_all(&place)?;
    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    tally.members += members.0.len();
    for outcome in &members.0 {
        *tally.of_members.entry(reason(outcome)).or_default() += 1;
    }
    *tally.by_format.entry(format.to_owned()).or_default().entry(reason(&outcome)).or_default() +=
        1;
    if tally.slowest.as_ref().is_none_or(|(slowest, _)| *slowest < time) {
        tally.slowest = Some((time, format!("{number} {}", seed.display())));
    }
    Ok(())
}

/// Takes every member.
#[derive(Default)]
struct Members(Vec<Outcome>);

impl MemberVisitor for Members {
    fn is_wanted(&mut self, _: &NewBytes) -> bool {
        true
    }

    fn member(&mut self, member: Member) {
        self.0.push(member.outcome);
    }
}

/// What became of a file, without what is particular to it.
fn reason(outcome: &Outcome) -> String {
    let name = |reason: String| reason.split([' ', '{', '(']).next().unwrap_or_default().to_owned();
    match outcome {
        Outcome::Document(document) if document.warnings.is_empty() => "document".to_owned(),
        Outcome::Document(_) => "document with a warning".to_owned(),
        Outcome::Container { stopped: None } => "container".to_owned(),
        Outcome::Container { stopped: Some(reason) } => {
            format!("container, stopped: {}", name(format!("{reason:?}")))
        }
        Outcome::Skipped(reason) => format!("skipped: {}", name(format!("{reason:?}"))),
        Outcome::Failed(reason) => format!("failed: {}", name(format!("{reason:?}"))),
    }
}

#[derive(Default)]
struct Tally {
    by_format: BTreeMap<String, BTreeMap<String, usize>>,
    members: usize,
    of_members: BTreeMap<String, usize>,
    slowest: Option<(Duration, String)>,
    /// Most memory in use by a child, and most address space, in KiB.
    peak_resident: u64,
    peak_address: u64,
}

impl Tally {
    fn print(&self, time: Duration, limit: u64) {
        let mut totals: BTreeMap<&str, usize> = BTreeMap::new();
        for (format, reasons) in &self.by_format {
            let count: usize = reasons.values().sum();
            println!("{format}\t{count}\t{}", list(reasons.iter().map(|(r, n)| (r.as_str(), *n))));
            for (reason, count) in reasons {
                *totals.entry(reason).or_default() += count;
            }
        }
        let files: usize = totals.values().sum();
        println!("all\t{files}\t{}", list(totals.iter().map(|(r, n)| (*r, *n))));
        let of_members = self.of_members.iter().map(|(r, n)| (r.as_str(), *n));
        println!("members\t{}\t{}", self.members, list(of_members));
        println!(
            "memory of a child: {} MiB resident, {} MiB of address space at most; its limit {} MiB",
            self.peak_resident >> 10,
            self.peak_address >> 10,
            limit >> 20
        );
        if let Some((slowest, file)) = &self.slowest {
            println!("slowest: {:.2} s, {file}", slowest.as_secs_f64());
        }
        println!("{:.0} s", time.as_secs_f64());
    }
}

fn list<'a>(counts: impl Iterator<Item = (&'a str, usize)>) -> String {
    counts.map(|(reason, count)| format!("{count} {reason}")).collect::<Vec<_>>().join(", ")
}

/// Looks at the children's peaks again and again; the kernel keeps them for as long as a child lives.
fn watch_memory(is_over: &AtomicBool, tally: &Mutex<Tally>) {
    while !is_over.load(Ordering::Relaxed) {
        for status in
            children().filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok())
        {
            let field = |name: &str| -> u64 {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                let digits = line.and_then(|line| line.split_whitespace().next());
                digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
            };
            let (resident, address) = (field("VmHWM:"), field("VmPeak:"));
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.peak_resident = tally.peak_resident.max(resident);
            tally.peak_address = tally.peak_address.max(address);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn children() -> impl Iterator<Item = u32> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| {
        list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()
    })
}
