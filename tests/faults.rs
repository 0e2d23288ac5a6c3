//! Every call that changes the index fails once: each one in turn, and from each one on as on a disk that stays full.
//!
//! A small library is preloaded into the real binary (`faults/shim.c`). A few of the calls are tried each time; with
//! `LSEARCH_FAULTS=all` all are, which takes an hour or so:
//!
//!     LSEARCH_FAULTS=all cargo test -p lsearch --test lsearch -- faults:: --nocapture
//!
//! `LSEARCH_FAULTS=86,87` tries those calls alone.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{Desk, Ran, note, repository, tiny_encoder};

/// Calls tried by each test when not all are.
const SAMPLE: usize = 4;
/// Longest that any command here may take.
const LIMIT: Duration = Duration::from_secs(120);
/// Runs without a failure after which the calls are at their end: their number varies a little.
const QUIET_RUNS: usize = 3;
/// Length of the text whose removal makes segments worth rewriting.
const BULK_BYTES: usize = 3 << 20;

/// The library to preload, compiled once.
pub fn shim() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("failing-disk.so");
        // Under a name of its own first: another run of these tests may have the library open.
        let fresh = library.with_extension(std::process::id().to_string());
        let source = repository().join("tests/faults/shim.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
            .args([&fresh, &source])
            .arg("-ldl")
            .output()
            .expect("a C compiler");
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        std::fs::rename(&fresh, &library).expect("a renamed library");
        library
    })
}

/// What the disk does.
#[derive(Clone, Copy, Debug)]
struct Fault {
    /// Number of the call that fails; 0 for none.
    at: usize,
    errno: i32,
    stays: bool,
}

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const KINDS: [(i32, bool); 3] = [(EIO, false), (ENOSPC, false), (ENOSPC, true)];

/// What the person does meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Story {
    /// The first `add` there ever was.
    First,
    /// Files were made, edited, renamed and removed; found by word afterwards.
    ByWord,
    /// The same, with vectors and a graph over them.
    ByMeaning,
}

struct Scene {
    desk: Desk,
    story: Story,
}

/// What a person can see of an index.
#[derive(Debug, PartialEq)]
struct Seen {
    by_word: Vec<String>,
    by_meaning: Vec<String>,
    edited: Vec<String>,
    unedited: Vec<String>,
    documents: Value,
}

/// Documents that are there before and after.
const KEPT: [&str; 5] = ["kept/0.txt", "kept/1.txt", "kept/2.md", "kept/3.txt", "kept/4.txt"];

impl Scene {
    fn new(story: Story) -> Self {
        let scene = Scene { desk: Desk::new(), story };
        let desk = &scene.desk;
        std::fs::create_dir_all(desk.home().join("config")).unwrap();
        // Small enough that a graph is made.
        std::fs::write(
            desk.home().join("config/config.toml"),
            "graph_threshold_documents = 4\nthreads = 2\n",
        )
        .unwrap();
        for (number, name) in KEPT.iter().enumerate() {
            desk.write(name, note(&format!("harbour{number}")));
        }
        desk.write("edited.txt", note("the mill before"));
        desk.write("gone.txt", note("the quarry"));
        desk.write("old/renamed.txt", note("the orchard"));
        if story != Story::First {
            scene.run(&scene.adding(), None).ok();
        }
        if story == Story::ByMeaning {
            // Only its text is stored: encoding it would take longer than all the rest.
            desk.write("bulk.txt", format!("{}\n{}", note("bulk"), noise(BULK_BYTES)));
            scene.run(&["add", "docs", "--no-wait"], None).ok();
        }
        // What the sweep starts from, each time.
        if story != Story::First {
            copy(&desk.data(), &desk.home().join("before"));
        }
        desk.write("edited.txt", note("the mill after"));
        desk.write("new/1.txt", note("lanterns"));
        desk.write("new/2.md", format!("# Ropes\n\n{}", note("ropes")));
        desk.write("broken.pdf", b"%PDF-1.4 and nothing else");
        desk.write("new/3.txt", note("harbour0"));
        std::fs::rename(desk.docs().join("old"), desk.docs().join("moved")).unwrap();
        std::fs::remove_file(desk.docs().join("gone.txt")).unwrap();
        if story == Story::ByMeaning {
            std::fs::remove_file(desk.docs().join("bulk.txt")).unwrap();
        }
        scene
    }

    fn adding(&self) -> Vec<&'static str> {
        match self.story {
            Story::ByMeaning => vec!["add", "docs"],
            Story::First | Story::ByWord => vec!["add", "docs", "--no-wait"],
        }
    }

    /// The index as it was before the changes.
    fn rewind(&self) {
        let data = self.desk.data();
        if data.exists() {
            std::fs::remove_dir_all(&data).unwrap();
        }
        if self.story != Story::First {
            copy(&self.desk.home().join("before"), &data);
        }
    }

    /// Runs a command, perhaps on a failing disk. It must end by itself.
    fn run(&self, args: &[&str], fault: Option<Fault>) -> Ran {
        let mut command = self.desk.command(args);
        command
            .env("LSEARCH_ENCODER", tiny_encoder())
            .env("LSEARCH_NO_DAEMON", "1")
            .env("LSEARCH_CONFIG", self.desk.home().join("config/config.toml"));
        if let Some(fault) = fault {
            let _ = std::fs::remove_file(self.log());
            command
                .env("LD_PRELOAD", shim())
                .env("LSEARCH_FAULT_FOLDER", self.desk.data())
                .env("LSEARCH_FAULT_AT", fault.at.to_string())
                .env("LSEARCH_FAULT_ERRNO", fault.errno.to_string())
                .env("LSEARCH_FAULT_STAYS", if fault.stays { "1" } else { "0" })
                .env("LSEARCH_FAULT_LOG", self.log());
        }
        // Into files, which unlike pipes never fill up while nobody reads them.
        let (out, err) = (self.desk.home().join("out"), self.desk.home().join("err"));
        let mut child = command
            .stdout(Stdio::from(std::fs::File::create(&out).unwrap()))
            .stderr(Stdio::from(std::fs::File::create(&err).unwrap()))
            .spawn()
            .expect("a runnable lsearch");
        let begun = Instant::now();
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if begun.elapsed() < LIMIT => std::thread::sleep(Duration::from_millis(5)),
                None => {
                    let _ = child.kill();
                    panic!("{args:?} hangs with {fault:?}: {}", said(&err));
                }
            }
        };
        let (stdout, stderr) = (said(&out), said(&err));
        assert!(status.code().is_some(), "{args:?} with {fault:?} ended with {status}:\n{stderr}");
        Ran { code: status.code().unwrap_or(-1), stdout, stderr }
    }

    fn log(&self) -> PathBuf {
        self.desk.home().join("log")
    }

    /// Number of calls of a whole run.
    fn calls(&self) -> usize {
        self.rewind();
        self.run(&self.adding(), Some(Fault { at: 0, errno: EIO, stays: false })).ok();
        let texts = std::fs::read_dir(self.desk.data().join("texts")).unwrap();
        let bytes: u64 = texts.map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
        assert!(bytes < BULK_BYTES as u64 / 4, "segments were not rewritten: {bytes} bytes");
        let log = said(&self.log());
        let counted =
            log.lines().filter_map(|line| line.strip_prefix("counted ")?.parse().ok()).max();
        counted.expect("the library was not loaded")
    }

    fn search(&self, mode: &str, query: &str) -> Ran {
        self.run(&["search", "--json", "--all", "-n", "500", "--mode", mode, query], None)
    }

    /// The paths found, sorted; a document found twice stands there twice.
    fn found(&self, mode: &str, query: &str) -> Vec<String> {
        let ran = self.search(mode, query);
        assert!(ran.code == 0 || ran.code == 1, "{ran:?}");
        let mut found = self.desk.relative(&ran.json());
        found.sort();
        found
    }

    fn doctor(&self) -> Vec<(String, String)> {
        let ran = self.run(&["doctor", "--json"], None);
        let checks = ran.json();
        let text = |check: &Value, name: &str| check[name].as_str().unwrap_or("").to_owned();
        let checks = checks.as_array().expect("checks");
        checks.iter().map(|check| (text(check, "level"), text(check, "message"))).collect()
    }

    fn seen(&self) -> Seen {
        let by_meaning = match self.story {
            Story::ByMeaning => self.found("semantic", "notes"),
            Story::First | Story::ByWord => Vec::new(),
        };
        let status = self.run(&["status", "--json"], None).ok().json();
        Seen {
            by_word: self.found("keyword", "notes"),
            by_meaning,
            edited: self.found("keyword", "\"mill after\""),
            unedited: self.found("keyword", "\"mill before\" OR quarry OR bulk"),
            documents: status["documents"].clone(),
        }
    }

    /// One run on a disk that fails, and all that a person does afterwards; false when the failure never came.
    fn survives(&self, fault: Fault, fresh: &Seen) -> bool {
        self.rewind();
        let added = self.run(&self.adding(), Some(fault));
        let log = said(&self.log());
        let Some(failed) = log.lines().find(|line| line.starts_with("failed")) else {
            assert_eq!(added.code, 0, "{added:?}");
            return false;
        };
        let what = format!("{fault:?}, {failed}\nadd ended with {}: {}", added.code, added.stderr);
        assert!(!added.stderr.contains("panicked at"), "{what}");
        match added.code {
            0 => {}
            2 => {
                assert!(added.stderr.contains("data/") || added.stderr.contains("/data"), "{what}");
                assert!(!fault.stays || added.stderr.contains("the disk is full"), "{what}");
            }
            _ => panic!("{what}"),
        }
        // Whatever was acknowledged is found without any repair, and nothing twice.
        let found = self.search("keyword", "notes");
        if self.story == Story::First {
            // Nothing was acknowledged unless the add said so.
            assert!(
                found.code != 2 || found.stderr.contains("nothing is indexed"),
                "{what}\n{found:?}"
            );
        } else {
            assert_eq!(found.code, 0, "{what}\n{found:?}");
            let hits = self.desk.relative(&found.json());
            let once: BTreeSet<_> = hits.iter().cloned().collect();
            assert_eq!(once.len(), hits.len(), "twice: {hits:?}\n{what}");
            assert!(KEPT.iter().all(|name| once.contains(*name)), "lost: {hits:?}\n{what}");
        }
        for (level, message) in self.doctor() {
            assert!(level != "error", "doctor: {message}\n{what}");
        }
        // The disk works again.
        let again = self.run(&self.adding(), None);
        assert_eq!(again.code, 0, "{again:?}\n{what}");
        assert_eq!(&self.seen(), fresh, "{what}\nthen: {}", again.stderr);
        for (level, message) in self.doctor() {
            let disk = message.ends_with("free") || message.contains("encoding worked");
            let gpu = message.starts_with("NVIDIA GPU");
            assert!(level == "good" || disk || gpu, "doctor at the end: {level} {message}\n{what}");
        }
        true
    }
}

fn said(file: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned()
}

/// Text that does not compress.
fn noise(bytes: usize) -> String {
    let mut seed = 7_u64;
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("{:x} ", seed >> 24));
    }
    text
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(std::fs::copy(&path, &target).unwrap()),
        }
    }
}

/// Which calls are to fail.
pub enum Asked {
    /// A few.
    Sample,
    /// One after the other until none fails.
    All,
    /// These.
    Named(Vec<usize>),
}

/// What `LSEARCH_FAULTS` says.
pub fn asked() -> Asked {
    match std::env::var("LSEARCH_FAULTS").unwrap_or_default().as_str() {
        "" => Asked::Sample,
        "all" => Asked::All,
        named => Asked::Named(
            named.split(',').map(|number| number.parse().expect("numbers of calls")).collect(),
        ),
    }
}

/// Tries each of the calls asked for; `try_one` says whether there was such a call.
pub fn each(asked: &Asked, sample: &[usize], mut try_one: impl FnMut(usize) -> bool) {
    let named = match asked {
        Asked::Sample => sample,
        Asked::Named(named) => named,
        Asked::All => {
            let mut quiet = 0;
            for at in 1.. {
                quiet = if try_one(at) { 0 } else { quiet + 1 };
                if quiet == QUIET_RUNS {
                    return;
                }
            }
            return;
        }
    };
    for &at in named {
        try_one(at);
    }
}

fn sweep(story: Story) {
    let scene = Scene::new(story);
    // What an index shows that never met a failure.
    let _ = std::fs::remove_dir_all(scene.desk.data());
    scene.run(&scene.adding(), None).ok();
    let fresh = scene.seen();
    assert_eq!(fresh.by_word.len(), KEPT.len() + 5, "{fresh:?}");
    assert!(fresh.unedited.is_empty() && fresh.edited == ["edited.txt"], "{fresh:?}");
    let calls = scene.calls();
    assert!(calls > 30, "only {calls} calls were seen");

    let asked = asked();
    let begun = Instant::now();
    let (mut tried, mut failures) = (0, 0);
    let mut one = |fault| {
        // All that fail are told, not only the first.
        let survived = catch_unwind(AssertUnwindSafe(|| scene.survives(fault, &fresh)));
        tried += usize::from(!matches!(survived, Ok(false)));
        failures += usize::from(survived.is_err());
        survived.unwrap_or(true)
    };
    for (kind, (errno, stays)) in KINDS.into_iter().enumerate() {
        // Each kind at places of its own.
        let place = |place| 1 + (place * KINDS.len() + kind) * calls / (SAMPLE * KINDS.len());
        let sample: Vec<usize> = (0..SAMPLE).map(place).collect();
        each(&asked, &sample, |at| one(Fault { at, errno, stays }));
    }
    println!(
        "{story:?}: {calls} calls in a run, {tried} failures tried in {:.0?}",
        begun.elapsed()
    );
    assert_eq!(failures, 0, "of {tried} failures so many were not survived");
}

#[test]
fn the_first_add_survives_a_failing_disk() {
    sweep(Story::First);
}

#[test]
fn changes_by_word_survive_a_failing_disk() {
    sweep(Story::ByWord);
}

#[test]
fn changes_by_meaning_survive_a_failing_disk() {
    sweep(Story::ByMeaning);
}
