use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::*;

fn watch() -> (Watch, Receiver<Change>) {
    let (send, receive) = crossbeam_channel::unbounded();
    (Watch::new(move |change| drop(send.send(change))).unwrap(), receive)
}

/// Waits until something is heard of a path.
#[track_caller]
fn hears(changes: &Receiver<Change>, path: &Path) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match changes.recv_deadline(until).expect("a change") {
            Change::At { path: heard, replaced } if heard == path => return replaced,
            _ => {}
        }
    }
}

#[test]
fn changes_in_watched_folders_are_heard_and_reading_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let root = std::fs::canonicalize(folder.path()).unwrap();
    let (watch, changes) = watch();
    watch.folder(&root).unwrap();
    watch.folder(&root).unwrap();
    assert_eq!(watch.folders(), 1);
    let file = root.join("a.txt");
    std::fs::write(&file, "x").unwrap();
    assert!(hears(&changes, &file), "made");
    std::fs::rename(&file, root.join("b.txt")).unwrap();
    assert!(hears(&changes, &root.join("b.txt")), "renamed");
    std::thread::sleep(Duration::from_millis(200));
    changes.try_iter().for_each(drop);
    std::fs::read(root.join("b.txt")).unwrap();
    std::fs::remove_file(root.join("b.txt")).unwrap();
    assert_eq!(
        changes.recv_timeout(Duration::from_secs(10)).unwrap(),
        Change::At { path: root.join("b.txt"), replaced: true }
    );
}

#[test]
fn a_moved_folder_is_heard_under_its_new_name_alone() {
    let folder = tempfile::tempdir().unwrap();
    let root = std::fs::canonicalize(folder.path()).unwrap();
    let (watch, changes) = watch();
    let (old, new) = (root.join("old"), root.join("new"));
    std::fs::create_dir(&old).unwrap();
    watch.folder(&root).unwrap();
    watch.folder(&old).unwrap();
    std::fs::rename(&old, &new).unwrap();
    // In the order in which it may go wrong: the new name first.
    watch.folder(&new).unwrap();
    watch.forget_under(&old);
    assert!(watch.watches(&new) && !watch.watches(&old));
    std::fs::write(new.join("x.txt"), "x").unwrap();
    hears(&changes, &new.join("x.txt"));
    std::fs::remove_dir_all(&new).unwrap();
    watch.forget_under(&root);
    assert_eq!(watch.folders(), 0);
    assert!(matches!(watch.folder(&new), Err(WatchError::Gone { .. })));
}
