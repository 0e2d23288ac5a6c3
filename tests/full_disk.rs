//! A disk that fills up: a small file system of our own, where the system lets us mount one.

use std::path::Path;

use crate::common::{Desk, in_namespace, note};

/// Runs a shell script with a file system of `size` mounted at `place`, in a mount namespace of its own; `None`
/// where namespaces are not to be had.
fn with_small_disk(desk: &Desk, place: &Path, size: &str, script: &str) -> Option<(i32, String)> {
    std::fs::create_dir_all(place).unwrap();
    let whole = format!("mount -t tmpfs -o size={size} none '{}' && {script}", place.display());
    in_namespace(desk, "-rm", "true", &whole)
}

#[test]
fn a_full_disk_is_told_and_what_was_indexed_is_kept() {
    let desk = Desk::new();
    desk.write("first/page.txt", note("the harbour"));
    // Text that does not compress, well over what the disk below has room for.
    let mut seed = 7_u64;
    for number in 0..40 {
        let words: String = (0..40_000)
            .map(|_| {
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                format!("{:x} ", seed >> 24)
            })
            .collect();
        desk.write(&format!("second/{number}.txt"), words);
    }
    let script = r#"
        "$1" add --no-wait docs/first >/dev/null 2>&1 || exit 90
        "$1" add --no-wait docs/second; echo "add ended with $?"
        "$1" search -l --mode keyword harbour; echo "search ended with $?"
        "$1" status >/dev/null; echo "status ended with $?"
    "#;
    let Some((_, said)) = with_small_disk(&desk, &desk.data(), "12m", script) else {
        // Without namespaces the script cannot be run here; CI runs where it can.
        return;
    };
    assert!(said.contains("add ended with 2"), "{said}");
    assert!(said.contains("the disk is full"), "{said}");
    assert!(said.contains("first/page.txt") && said.contains("search ended with 0"), "{said}");
    assert!(said.contains("status ended with 0"), "{said}");
}

#[test]
fn the_daemon_waits_for_room_and_goes_on() {
    let desk = Desk::new();
    desk.write("first.txt", note("the harbour"));
    let script = r#"
        trap '"$1" daemon stop >/dev/null 2>&1' EXIT
        "$1" daemon start || exit 90
        "$1" add docs --no-wait >/dev/null 2>&1 || exit 91
        head -c 100m /dev/zero > data/filler 2>/dev/null
        seq 1 60000 | sed 's/^/lighthouse /' > docs/second.txt
        tries=0
        until "$1" daemon status --json | grep -q '"state":"trouble"'; do
            tries=$((tries + 1)); [ $tries -gt 300 ] && { echo "no trouble told"; "$1" daemon logs; exit 92; }
            sleep 0.1
        done
        "$1" daemon status
        "$1" search -l --mode keyword harbour; echo "search ended with $?"
        "$1" add docs --no-wait; echo "add ended with $?"
        rm data/filler
        tries=0
        until "$1" search -l --mode keyword lighthouse; do
            tries=$((tries + 1)); [ $tries -gt 600 ] && { echo "never found"; "$1" daemon logs; exit 93; }
            sleep 0.1
        done
        "$1" daemon status --json
    "#;
    let Some((code, said)) = with_small_disk(&desk, &desk.data(), "12m", script) else { return };
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("first.txt") && said.contains("search ended with 0"), "{said}");
    assert!(said.contains("add ended with 2") && said.contains("No space left"), "{said}");
    assert!(said.contains("second.txt") && said.contains("\"trouble\":null"), "{said}");
}
