//! SIGKILL and Ctrl-C at any moment: nothing acknowledged is lost and nobody has to repair anything.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::{Desk, Ran, note, tiny_encoder};

const DOCUMENTS: u64 = 60;

fn many(desk: &Desk) {
    for number in 0..DOCUMENTS {
        let body = note(&format!("subject{number}")).repeat(8);
        desk.write(&format!("{:02}/{number}.txt", number % 7), body);
    }
}

/// Everything is there once, by word and by meaning.
fn assert_whole(desk: &Desk) {
    let status = desk.status();
    let documents = &status["documents"];
    assert_eq!(documents["keyword"], DOCUMENTS, "{status:#}");
    assert_eq!(documents["semantic"], DOCUMENTS, "{status:#}");
    assert_eq!(documents["failed"], 0, "{status:#}");
    let all = desk
        .run(["search", "--json", "--mode", "keyword", "--all", "-n", "500", "notes"])
        .ok()
        .json();
    let mut found = desk.relative(&all);
    found.sort();
    found.dedup();
    assert_eq!(found.len() as u64, DOCUMENTS);
    assert_eq!(
        all["hits"].as_array().unwrap().len() as u64,
        DOCUMENTS,
        "a document stands there twice"
    );
    let checks = desk.run(["doctor", "--json"]).ok().json();
    assert!(checks.as_array().unwrap().iter().all(|check| check["level"] != "error"), "{checks:#}");
}

#[test]
fn killed_at_many_moments_then_finished() {
    let desk = Desk::new();
    many(&desk);
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..8_u64 {
        // Each add starts with a few milliseconds more than the last one had, plus a jitter.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let moment = Duration::from_millis(30 + round * 130 + (seed >> 57));
        let mut add = desk.start(["add", "docs"]);
        std::thread::sleep(moment);
        add.kill().expect("a kill");
        add.wait().expect("its end");
        let before =
            desk.run(["status", "--json"]).ok().json()["documents"]["keyword"].as_u64().unwrap();
        if before > 0 {
            // What was counted can be found, without any repair.
            let found =
                desk.run(["search", "--json", "--all", "-n", "500", "--mode", "keyword", "notes"]);
            assert!(found.json()["hits"].as_array().unwrap().len() as u64 >= before, "{found:?}");
        }
    }
    desk.add();
    assert_whole(&desk);
    desk.add().does_not_say("encoded in");
}

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// A folder in which a person works: its documents by name, with the subject of each.
struct Work {
    desk: Desk,
    documents: BTreeMap<String, String>,
    random: Random,
    made: usize,
}

impl Work {
    fn new(documents: usize) -> Self {
        let random = Random(0x9E37_79B9_7F4A_7C15);
        let mut work = Work { desk: Desk::new(), documents: BTreeMap::new(), random, made: 0 };
        for _ in 0..documents {
            work.create();
        }
        work.desk.write("broken.pdf", "%PDF-1.4 and nothing else");
        work.desk.write("image.bin", [0; 64]);
        work
    }

    fn write(&mut self, name: &str) {
        self.made += 1;
        let subject = format!("subject{}", self.made);
        self.desk.write(name, note(&subject).repeat(1 + self.made % 9));
        self.documents.insert(name.to_owned(), subject);
    }

    fn create(&mut self) {
        let name = format!("{}/{}.txt", self.made % 5, self.made);
        self.write(&name);
    }

    fn any(&mut self) -> String {
        let at = self.random.below(self.documents.len());
        self.documents.keys().nth(at).expect("a document").clone()
    }

    /// Makes, edits, renames and deletes a few files.
    fn change(&mut self) {
        for _ in 0..6 {
            match self.random.below(4) {
                0 => self.create(),
                1 => {
                    let name = self.any();
                    self.write(&name);
                }
                2 if self.documents.len() > 12 => {
                    let name = self.any();
                    std::fs::remove_file(self.desk.docs().join(&name)).unwrap();
                    self.documents.remove(&name);
                }
                2 => self.create(),
                _ => {
                    let name = self.any();
                    self.made += 1;
                    let to = format!("{}/moved-{}.txt", self.made % 5, self.made);
                    let docs = self.desk.docs();
                    std::fs::create_dir_all(docs.join(&to).parent().unwrap()).unwrap();
                    std::fs::rename(docs.join(&name), docs.join(&to)).unwrap();
                    let subject = self.documents.remove(&name).unwrap();
                    self.documents.insert(to, subject);
                }
            }
        }
    }

    fn command(&self, args: &[&str], data: &Path) -> std::process::Command {
        let mut command = self.desk.command(args);
        command.env("LSEARCH_ENCODER", tiny_encoder()).env("LSEARCH_DATA_DIR", data);
        command.env("LSEARCH_NO_DAEMON", "1");
        command
    }

    fn run(&self, args: &[&str], data: &Path) -> Ran {
        Ran::of(self.command(args, data).output().expect("a runnable lsearch"))
    }

    /// The paths found by a word of every document, sorted.
    fn found(&self, mode: &str, data: &Path) -> Vec<String> {
        let all = ["search", "--json", "--mode", mode, "--all", "-n", "1000", "notes"];
        let mut found = self.desk.relative(&self.run(&all, data).ok().json());
        found.sort();
        found
    }
}

/// With `LSEARCH_KILL_ROUNDS=500` it takes some minutes.
#[test]
fn killed_while_files_come_change_and_go() {
    let rounds =
        std::env::var("LSEARCH_KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let mut work = Work::new(20);
    let data = work.desk.data();
    // How long an add takes here, so that the kills fall anywhere within one.
    let begun = Instant::now();
    work.run(&["add", "docs"], &data).ok();
    let whole = begun.elapsed();
    let mut killed = 0;
    for round in 0..rounds {
        work.change();
        let args: &[&str] =
            if round % 3 == 0 { &["add", "docs", "--no-wait"] } else { &["add", "docs"] };
        let mut add = work.command(args, &data).spawn().expect("a runnable lsearch");
        let moment = whole.mul_f64(work.random.below(1000) as f64 / 1300.0);
        std::thread::sleep(moment);
        add.kill().expect("a kill");
        killed += usize::from(add.wait().expect("its end").code().is_none());
        // What is found may be of before or after, but is found, and once, without any repair.
        let found = work.found("keyword", &data);
        assert!(found.is_sorted_by(|a, b| a < b), "round {round}: twice in {found:?}");
        assert!(found.len() >= 12 / 2, "round {round}: {found:?}");
    }
    println!("{killed} of {rounds} adds were killed; one takes {whole:.1?}");
    assert!(killed > 0, "every add was quicker than its kill");

    work.run(&["add", "docs"], &data).ok();
    let fresh = work.desk.home().join("fresh");
    work.run(&["add", "docs"], &fresh).ok();
    let names: Vec<String> = work.documents.keys().cloned().collect();
    for mode in ["keyword", "semantic"] {
        assert_eq!(work.found(mode, &data), names, "{mode}");
        assert_eq!(work.found(mode, &fresh), names, "{mode}, fresh");
    }
    let counts =
        |data: &Path| work.run(&["status", "--json"], data).ok().json()["documents"].clone();
    assert_eq!(counts(&data), counts(&fresh));
    // The texts are those of now, not of before.
    for (name, subject) in work.documents.iter().take(40) {
        let ran = work.run(&["search", "--json", "--mode", "keyword", subject], &data);
        assert_eq!(work.desk.relative(&ran.ok().json()), [name.as_str()], "{subject}");
    }
    let checks = work.run(&["doctor", "--json"], &data).ok().json();
    for check in checks.as_array().expect("checks").iter().filter(|check| check["name"] == "index")
    {
        assert_eq!(check["level"], "good", "{checks:#}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_cleanly_and_the_next_add_goes_on() {
    let desk = Desk::new();
    many(&desk);
    let add = desk.start(["add", "docs"]);
    std::thread::sleep(Duration::from_millis(900));
    let pid = i32::try_from(add.id()).expect("a pid");
    let kill =
        std::process::Command::new("kill").args(["-INT", &pid.to_string()]).status().unwrap();
    let asked = Instant::now();
    let output = add.wait_with_output().unwrap();
    if kill.success() && output.status.code() == Some(130) {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("Run `lsearch add` again"), "{said}");
        assert!(asked.elapsed() < Duration::from_secs(60), "it went on working");
    } else {
        // It had finished before the signal came.
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    desk.add();
    assert_whole(&desk);
}

#[test]
fn two_adds_at_once_one_works_the_other_says_who() {
    let desk = Desk::new();
    many(&desk);
    let mut first = desk.start(["add", "docs"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    // Until the first holds the lock, the second could be the one that works.
    let holder = || std::fs::read_to_string(desk.data().join("LOCK")).unwrap_or_default();
    while holder().trim() != first.id().to_string() {
        assert!(Instant::now() < deadline && first.try_wait().unwrap().is_none());
    }
    let second = loop {
        let second = desk.run(["add", "docs"]);
        if second.code == 2 || Instant::now() > deadline || first.try_wait().unwrap().is_some() {
            break second;
        }
    };
    assert_eq!(second.code, 2, "{second:?}");
    assert!(second.stderr.contains(&first.id().to_string()), "no pid in: {}", second.stderr);
    // Searching goes on meanwhile: whatever is committed is found, and nothing is an error.
    let searched = desk.run(["search", "--mode", "keyword", "notes"]);
    assert!(searched.code == 0 || searched.stderr.contains("nothing"), "{searched:?}");
    assert!(first.wait().unwrap().success());
    assert_whole(&desk);
}

/// The first extraction child of an add, once it is there.
#[cfg(target_os = "linux")]
fn extraction_child(add: &mut std::process::Child) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", add.id())).unwrap();
        let children: String = tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok())
            .collect();
        if let Some(child) = children.split_whitespace().next() {
            return child.to_owned();
        }
        assert!(add.try_wait().unwrap().is_none() && Instant::now() < deadline, "no child came");
    }
}

#[cfg(target_os = "linux")]
fn signal(name: &str, pid: &str) {
    std::process::Command::new("kill").args([name, "--", pid]).status().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_in_a_terminal_counts_no_file_as_failed() {
    use std::os::unix::process::CommandExt;
    let desk = Desk::new();
    // Long enough to be in the extraction child's hands when the signal comes.
    for number in 0..4 {
        desk.write(&format!("{number}.md"), note(&format!("subject{number}")).repeat(40_000));
    }
    let mut add = desk.command(["add", "docs", "--no-wait"]).process_group(0).spawn().unwrap();
    extraction_child(&mut add);
    std::thread::sleep(Duration::from_millis(300));
    // A terminal sends the signal to the whole group, the extraction children too.
    signal("-INT", &format!("-{}", add.id()));
    let output = add.wait_with_output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 130)), "{output:?}");
    assert_eq!(desk.count("failed"), 0, "{:#}", desk.status());
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_does_not_wait_for_a_file_that_takes_for_ever() {
    let desk = Desk::new();
    // Long enough that the child cannot be done with them before it is stopped, however busy the machine.
    for number in 0..4 {
        desk.write(&format!("{number}.md"), note(&format!("harbour{number}")).repeat(40_000));
    }
    let mut add = desk.start(["add", "docs", "--no-wait"]);
    // The child is stopped as soon as it is there, and answers nothing from then on.
    let child = extraction_child(&mut add);
    signal("-STOP", &child);
    signal("-INT", &add.id().to_string());
    let asked = Instant::now();
    while add.try_wait().unwrap().is_none() && asked.elapsed() < Duration::from_secs(15) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let ended = add.try_wait().unwrap();
    signal("-KILL", &child);
    let _ = add.kill();
    assert_eq!(ended.and_then(|status| status.code()), Some(130), "it waited for the child");
}
