//! SIGKILL and Ctrl-C at any moment: nothing acknowledged is lost and nobody has to repair anything.

use std::time::{Duration, Instant};

use crate::common::{Desk, note};

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
