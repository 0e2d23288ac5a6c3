//! SIGKILL at any moment, over and over, while files come, change, move and go. `LSEARCH_KILLS` says how often.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::office::Office;
use crate::common::{Desk, Ran, note};

const KILLS: u64 = 20;
/// A start may take so long.
const START_PATIENCE: Duration = Duration::from_secs(5);

/// What stands on the disk: each file with the one word that only it has.
struct Workload<'a> {
    office: &'a Office,
    files: BTreeMap<String, String>,
    seed: u64,
    words: u64,
}

impl Workload<'_> {
    fn random(&mut self, below: u64) -> u64 {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % below
    }

    fn any(&mut self) -> Option<String> {
        let count = self.files.len() as u64;
        let at = if count == 0 { return None } else { self.random(count) };
        self.files.keys().nth(at as usize).cloned()
    }

    fn write(&mut self, name: &str) {
        self.words += 1;
        let word = format!("topic{}x", self.words);
        self.office.write(name, note(&word).repeat(1 + self.words as usize % 9));
        self.files.insert(name.to_owned(), word);
    }

    /// One change; gives the names it touched.
    fn change(&mut self) -> Vec<String> {
        let docs = self.office.docs();
        match (self.random(10), self.any()) {
            (0..=3, _) | (_, None) => {
                let name =
                    format!("d{}/e{}/{}.txt", self.random(4), self.random(3), self.random(80));
                self.write(&name);
                vec![name]
            }
            (4..=5, Some(name)) => {
                self.write(&name);
                vec![name]
            }
            (6..=7, Some(name)) => {
                let new = format!("d{}/r{}.txt", self.random(4), self.random(80));
                if new == name {
                    return Vec::new();
                }
                std::fs::create_dir_all(docs.join(&new).parent().unwrap()).unwrap();
                std::fs::rename(docs.join(&name), docs.join(&new)).unwrap();
                let word = self.files.remove(&name).unwrap();
                self.files.insert(new.clone(), word);
                vec![name, new]
            }
            (8, Some(name)) => {
                // The whole folder under another name.
                let Some((old, _)) = name.split_once('/') else { return Vec::new() };
                let new = format!("moved{}", self.random(1000));
                if docs.join(&new).exists() {
                    return Vec::new();
                }
                std::fs::rename(docs.join(old), docs.join(&new)).unwrap();
                let below = format!("{old}/");
                let names: Vec<String> =
                    self.files.keys().filter(|name| name.starts_with(&below)).cloned().collect();
                let mut touched = names.clone();
                for name in names {
                    let word = self.files.remove(&name).unwrap();
                    let name = format!("{new}/{}", &name[below.len()..]);
                    touched.push(name.clone());
                    self.files.insert(name, word);
                }
                touched
            }
            (_, Some(name)) => {
                std::fs::remove_file(docs.join(&name)).unwrap();
                self.files.remove(&name);
                vec![name]
            }
        }
    }
}

#[test]
fn killed_over_and_over_it_loses_nothing() {
    let kills = std::env::var("LSEARCH_KILLS").ok().and_then(|text| text.parse().ok());
    let office = Office::new();
    let mut work = Workload { office: &office, files: BTreeMap::new(), seed: 7, words: 0 };
    for number in 0..30 {
        work.write(&format!("d{}/{number}.txt", number % 4));
    }
    office.start();
    office.run(&["add", "docs"]).ok();
    let mut slowest = Duration::ZERO;
    for round in 0..kills.unwrap_or(KILLS) {
        for _ in 0..work.random(6) {
            work.change();
        }
        let acknowledged: BTreeSet<String> = office.find("notes").into_iter().collect();
        let mut touched = BTreeSet::new();
        for _ in 0..work.random(6) {
            touched.extend(work.change());
            std::thread::sleep(Duration::from_millis(work.random(120)));
        }
        std::thread::sleep(Duration::from_millis(work.random(700)));
        office.kill();
        // What could be found can be found, before anything is started again.
        let found: BTreeSet<String> = office.find("notes").into_iter().collect();
        let lost: Vec<&String> = acknowledged
            .iter()
            .filter(|name| !found.contains(*name) && !touched.contains(*name))
            // One that was changed or removed before, and was still found as it had been.
            .filter(|name| work.files.contains_key(*name))
            .collect();
        assert!(lost.is_empty(), "round {round}: {lost:?} cannot be found any more");
        let started = Instant::now();
        office.start();
        slowest = slowest.max(started.elapsed());
    }
    // Other tests run beside this one unless it is asked for by itself.
    assert!(kills.is_none() || slowest < START_PATIENCE, "a start took {slowest:?}");
    office.run(&["status", "--wait"]).ok();
    equals_the_disk(&office, &work.files);
    let log = office.run(&["daemon", "logs", "-n", "100000"]).stdout;
    assert!(!log.contains("a part of the daemon failed"), "{log}");
    eprintln!("slowest start {slowest:?}");
}

/// Catalog, lexical index and vectors hold what is on the disk, and a new index answers the same.
fn equals_the_disk(office: &Office, files: &BTreeMap<String, String>) {
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(office.find("notes"), names);
    for (name, word) in files {
        assert_eq!(office.find(word), [name.as_str()], "{word}");
    }
    let status = office.run(&["status", "--json"]).json();
    for count in ["seen", "keyword", "semantic"] {
        assert_eq!(status["documents"][count], files.len(), "{count}: {status:#}");
    }
    let checks = office.run(&["doctor", "--json"]).ok().json();
    assert!(checks.as_array().unwrap().iter().all(|check| check["level"] != "error"), "{checks:#}");

    let fresh = office.desk.home().join("fresh");
    let search = |data: &Path, mode: &str, query: &str| {
        let mut command =
            office.command(&["search", "--json", "-n", "1000", "--all", "--mode", mode]);
        command.arg(query).env("LSEARCH_DATA_DIR", data).env("LSEARCH_NO_DAEMON", "1");
        let ran = Ran::of(command.output().unwrap());
        scores(&office.desk, &ran)
    };
    let mut add = office.command(&["add", "docs"]);
    Ran::of(add.env("LSEARCH_DATA_DIR", &fresh).output().unwrap()).ok();
    for word in files.values().take(5) {
        for mode in ["keyword", "semantic"] {
            let ours = search(&office.desk.data(), mode, word);
            let new = search(&fresh, mode, word);
            if mode == "semantic" {
                assert_eq!(ours, new, "{word}");
            } else {
                // A word's weight counts documents that were replaced until their segment is merged.
                assert!(ours.keys().eq(new.keys()), "{word}: {ours:?} {new:?}");
            }
        }
    }
}

/// Each path with its score, in an order of its own: equal scores have none.
fn scores(desk: &Desk, ran: &Ran) -> BTreeMap<String, String> {
    let json = ran.json();
    let paths = desk.relative(&json);
    let hits = json["hits"].as_array().unwrap();
    let score = |hit: &serde_json::Value| format!("{:.3}", hit["score"].as_f64().unwrap());
    paths.into_iter().zip(hits.iter().map(score)).collect()
}
