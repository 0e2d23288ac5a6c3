//! A system that gives no more watches: the daemon says so by name, and looks by itself.

use crate::common::{Desk, in_namespace, note};

/// Runs a shell script where so many folders may be watched; `None` where such limits are not to be had.
fn with_few_watches(desk: &Desk, watches: u32, script: &str) -> Option<(i32, String)> {
    let limit = format!("echo {watches} > /proc/sys/user/max_inotify_watches");
    in_namespace(desk, "-r", &limit, &format!("{limit} && {script}"))
}

#[test]
fn without_watches_it_looks_by_itself_and_says_why() {
    let desk = Desk::new();
    for number in 0..8 {
        desk.write(&format!("folder{number}/a.txt"), note("the harbour"));
    }
    let script = r#"
        trap '"$1" daemon stop >/dev/null 2>&1' EXIT
        "$1" add docs --no-wait 2>/dev/null || exit 90
        "$1" daemon start || exit 91
        "$1" daemon status
        "$1" doctor
        echo "the lighthouse" > docs/folder7/new.txt
        tries=0
        until "$1" search -l --mode keyword lighthouse; do
            tries=$((tries + 1)); [ $tries -gt 900 ] && { echo "never found"; "$1" daemon logs; exit 92; }
            sleep 0.1
        done
    "#;
    let Some((code, said)) = with_few_watches(&desk, 4, script) else { return };
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("looked at every now and then"), "{said}");
    assert!(said.contains("sudo sysctl fs.inotify.max_user_watches="), "{said}");
    assert!(said.contains("is looked at only every now and then"), "doctor: {said}");
    assert!(said.contains("folder7/new.txt"), "{said}");
}
