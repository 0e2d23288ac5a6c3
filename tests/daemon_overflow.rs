//! More happens than the system's queue of events holds.

use std::process::Command;

use crate::common::note;
use crate::common::office::Office;

fn signal(name: &str, pid: u64) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn what_happened_while_events_were_lost_is_found() {
    let queue = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events");
    let queue: u64 = queue.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(16_384);
    // Where somebody raised the limit this would take too long.
    if queue > 40_000 {
        return;
    }
    let office = Office::new();
    office.write("gone.txt", note("the harbour"));
    office.start();
    office.run(&["add", "docs"]).ok();
    let pid = office.pid();
    // Held, it takes no events, while files of the cheapest kind fill the queue.
    signal("-STOP", pid);
    let flood = office.docs().join("flood");
    std::fs::create_dir(&flood).unwrap();
    for number in 0..=queue / 2 {
        std::fs::write(office.docs().join(format!("{number}.jpg")), "x").unwrap();
    }
    for number in 0..50 {
        office.write(&format!("flood/{}/{number}.txt", number % 5), note("the lighthouse"));
    }
    std::fs::remove_file(office.docs().join("gone.txt")).unwrap();
    signal("-CONT", pid);
    office.wait_until("all is found", || office.find("lighthouse").len() == 50);
    office.comes_to("harbour", &[]);
    office.run(&["status", "--wait"]).ok();
    let status = office.run(&["status", "--json"]).json();
    assert_eq!(status["documents"]["seen"], 50 + queue / 2 + 1, "{status:#}");
    // And it hears again.
    office.write("flood/3/new.txt", note("the windmill"));
    office.comes_to("windmill", &["flood/3/new.txt"]);
}
