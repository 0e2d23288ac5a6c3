//! A disk that fails under the daemon: it goes on answering, and works on as soon as it can.
//!
//! A few of the calls that write are tried each time; with `LSEARCH_FAULTS=all` all are, with numbers in it those.

use std::time::{Duration, Instant};

use crate::common::note;
use crate::common::office::Office;
use crate::faults::{Asked, asked, each, shim};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
/// Calls tried of each kind when not all are.
const SAMPLE: [usize; 6] = [3, 30, 55, 80, 120, 178];

/// The daemon's first days, with one call that fails; false when there are not so many calls.
fn survives(at: usize, errno: i32) -> bool {
    let office = Office::new();
    let log = office.desk.home().join("faults.log");
    let start = || {
        let mut command = office.command(&["daemon", "start"]);
        let fault = [("AT", at.to_string()), ("ERRNO", errno.to_string()), ("STAYS", "0".into())];
        for (name, value) in fault {
            command.env(format!("LSEARCH_FAULT_{name}"), value);
        }
        command
            .env("LD_PRELOAD", shim())
            .env("LSEARCH_FAULT_FOLDER", office.desk.data())
            .env("LSEARCH_FAULT_LOG", &log);
        crate::common::Ran::of(command.output().unwrap())
    };
    office.write("a.txt", note("the harbour"));
    office.write("b/c.txt", note("the harbour"));
    let what = format!("call {at}, error {errno}");
    let started = start();
    if started.code != 0 {
        // Told, and with the next start it is over.
        let words = ["Input/output error", "No space left"];
        let told = words.iter().any(|words| started.stderr.contains(words));
        assert!(told, "{what}: {started:?}");
        office.start();
    }
    // A failure that meets the person's own command is told; the same again works.
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let added = office.run(&["add", "docs"]);
        if added.code == 0 {
            break;
        }
        assert!(added.code == 2 && Instant::now() < until, "{what}: {added:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    office.comes_to("harbour", &["a.txt", "b/c.txt"]);
    // One that meets the daemon at its own work is mended by itself, and searches go on.
    office.write("d.txt", note("the harbour"));
    std::fs::remove_file(office.docs().join("a.txt")).unwrap();
    office.comes_to("harbour", &["b/c.txt", "d.txt"]);
    office.run(&["status", "--wait"]).ok();
    let documents = office.run(&["status", "--json"]).ok().json()["documents"].clone();
    for count in ["seen", "keyword", "semantic"] {
        assert_eq!(documents[count], 2, "{what}: {count} in {documents}");
    }
    assert_eq!(office.status()["trouble"], serde_json::Value::Null, "{what}");
    office.run(&["daemon", "stop"]).ok();
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    said.contains("failed ")
}

#[test]
fn a_failing_call_delays_the_daemon_and_no_more() {
    let asked = asked();
    let mut tried = 0;
    for errno in [EIO, ENOSPC] {
        let sample = SAMPLE.map(|at| at + usize::from(errno == EIO));
        each(&asked, &sample, |at| {
            let failed = survives(at, errno);
            tried += usize::from(failed);
            failed
        });
    }
    println!("{tried} failing calls were survived");
    assert!(tried >= SAMPLE.len() || !matches!(asked, Asked::Sample), "hardly any: {tried}");
}
