use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::*;
use crate::Kind;

fn tree(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn walked(root: &Path, options: &WalkOptions) -> BTreeMap<String, String> {
    let events = Mutex::new(BTreeMap::new());
    let visit = |event: WalkEvent| {
        let (path, what) = match event {
            WalkEvent::Folder(_) | WalkEvent::LeftOut(_) => return,
            WalkEvent::File(found) => (found.path, "file".to_owned()),
            WalkEvent::Skipped { path, reason } => (path, reason.to_string()),
            WalkEvent::Failed { path, reason } => (path, format!("failed: {reason}")),
        };
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        assert_eq!(events.lock().unwrap().insert(name.clone(), what), None, "{name} seen twice");
    };
    walk(root, options, &visit, &|| false).unwrap();
    events.into_inner().unwrap()
}

fn files(root: &Path, options: &WalkOptions) -> Vec<String> {
    walked(root, options).into_iter().filter(|(_, what)| what == "file").map(|(n, _)| n).collect()
}

#[test]
fn ignore_files_are_heeded_without_a_repository() {
    let folder = tree(&[
        (".gitignore", "target/\n*.tmp\n"),
        ("sub/.ignore", "draft*\n"),
        ("sub/.lsearchignore", "private/\n"),
        ("a.md", "x"),
        ("a.tmp", "x"),
        ("target/out.txt", "x"),
        ("sub/draft-1.txt", "x"),
        ("sub/private/b.txt", "x"),
        ("sub/b.txt", "x"),
        (".hidden/c.txt", "x"),
        (".hidden.txt", "x"),
        ("CVS/Entries", "x"),
    ]);
    assert_eq!(files(folder.path(), &WalkOptions::default()), ["a.md", "sub/b.txt"]);
}

#[test]
fn excludes_are_written_like_ignore_files() {
    let folder = tree(&[("a/x.txt", "x"), ("b/x.txt", "x"), ("b/keep.log", "x"), ("c.log", "x")]);
    let exclude = ["/a/", "*.log", "!keep.log"].map(str::to_owned).to_vec();
    let options = WalkOptions { exclude, ..WalkOptions::default() };
    assert_eq!(files(folder.path(), &options), ["b/keep.log", "b/x.txt"]);
    let options = WalkOptions { exclude: vec!["a/{b".to_owned()], ..WalkOptions::default() };
    let result = walk(folder.path(), &options, &|_| (), &|| false);
    assert!(matches!(result, Err(IngestError::Pattern { .. })), "{result:?}");
}

#[test]
fn rules_from_above_in_the_repository_hold_unless_they_hide_the_root() {
    let folder = tree(&[
        (".git/HEAD", "x"),
        (".gitignore", "*.gen.txt\n"),
        ("docs/a.txt", "x"),
        ("docs/b.gen.txt", "x"),
    ]);
    let root = folder.path().join("docs");
    assert_eq!(files(&root, &WalkOptions::default()), ["a.txt"]);
    fs::write(folder.path().join(".gitignore"), "*\n").unwrap();
    assert_eq!(files(&root, &WalkOptions::default()), ["a.txt", "b.gen.txt"]);
    assert_eq!(files(folder.path(), &WalkOptions::default()), [""; 0]);
}

#[test]
fn nearer_ignore_files_outrank_those_above_the_root() {
    let folder = tree(&[
        (".git/HEAD", "x"),
        (".gitignore", "*.log\n*.gen\n/docs/a/old/\n"),
        ("docs/.gitignore", "!*.log\n"),
        ("docs/a/.lsearchignore", "!keep.gen\n"),
        ("docs/a/x.log", "x"),
        ("docs/a/x.gen", "x"),
        ("docs/a/old/y.txt", "x"),
        ("docs/a/b/keep.gen", "x"),
    ]);
    let options = WalkOptions::default();
    let from_top = ["docs/a/b/keep.gen", "docs/a/x.log"];
    assert_eq!(files(folder.path(), &options), from_top);
    // The same files, whichever of the folders is the root.
    assert_eq!(files(&folder.path().join("docs"), &options), ["a/b/keep.gen", "a/x.log"]);
    assert_eq!(files(&folder.path().join("docs/a"), &options), ["b/keep.gen", "x.log"]);
}

#[test]
fn what_is_not_read_is_reported_with_a_reason() {
    let folder = tree(&[
        ("photo.jpg", "x"),
        ("empty.txt", ""),
        ("large.txt", "0123456789"),
        ("talk.vsd", "x"),
        ("server.pem", "x"),
        ("keyrings/list.txt", "x"),
        ("plain.txt", "x"),
        ("lib.so", "x"),
    ]);
    symlink(folder.path().join("plain.txt"), folder.path().join("link.txt")).unwrap();
    symlink(folder.path(), folder.path().join("loop")).unwrap();
    symlink("/nowhere", folder.path().join("dangling")).unwrap();
    let pipe = folder.path().join("pipe.txt");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let options = WalkOptions { max_file_bytes: Some(9), ..WalkOptions::default() };
    let expected = [
        ("dangling", "symbolic link (not followed)"),
        ("empty.txt", "empty file"),
        ("keyrings", "looks like a secret (key, password or credentials)"),
        ("large.txt", "larger than the limit of 9 bytes (max_file_mb in the configuration)"),
        ("talk.vsd", "format not supported yet (vsd)"),
        ("lib.so", "binary file"),
        ("link.txt", "symbolic link (not followed)"),
        ("loop", "symbolic link (not followed)"),
        ("photo.jpg", "format not supported yet (jpg)"),
        ("pipe.txt", "not a regular file (named pipe)"),
        ("plain.txt", "file"),
        ("server.pem", "looks like a secret (key, password or credentials)"),
    ];
    let expected: BTreeMap<String, String> =
        expected.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned())).collect();
    assert_eq!(walked(folder.path(), &options), expected);
    let options = WalkOptions { skip_secrets: false, ..WalkOptions::default() };
    assert!(files(folder.path(), &options).contains(&"server.pem".to_owned()));
}

#[test]
fn unreadable_folders_fail_and_the_walk_goes_on() {
    let folder = tree(&[("locked/a.txt", "x"), ("open/b.txt", "x")]);
    let locked = folder.path().join("locked");
    fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
    let seen = walked(folder.path(), &WalkOptions::default());
    fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(seen.get("open/b.txt").map(String::as_str), Some("file"));
    // The superuser may read everything.
    if !rustix::process::geteuid().is_root() {
        assert_eq!(seen.get("locked").map(String::as_str), Some("failed: permission denied"));
    }
}

#[test]
fn roots_that_are_files_links_or_missing() {
    let folder = tree(&[("real/a.txt", "x")]);
    let link = folder.path().join("link");
    symlink(folder.path().join("real"), &link).unwrap();
    assert_eq!(files(&link, &WalkOptions::default()), ["a.txt"]);
    assert_eq!(files(&folder.path().join("real/a.txt"), &WalkOptions::default()), [""]);
    let missing = folder.path().join("missing");
    let result = walk(&missing, &WalkOptions::default(), &|_| (), &|| false);
    assert!(matches!(result, Err(IngestError::RootMissing { path }) if path == missing));
    let result = walk(Path::new("/dev/null"), &WalkOptions::default(), &|_| (), &|| false);
    assert!(matches!(result, Err(IngestError::NotRegular { .. })));
}

#[test]
fn found_files_carry_what_the_file_system_says() {
    let folder = tree(&[("a.rs", "fn main() {}")]);
    let path = folder.path().join("a.rs");
    let found = Mutex::new(Vec::new());
    let visit = |event| found.lock().unwrap().push(event);
    walk(folder.path(), &WalkOptions::default(), &visit, &|| false).unwrap();
    let (modified_ns, inode) = read::stamp(&fs::metadata(&path).unwrap());
    let guess = Guess::Known(Kind::Code, "rust");
    let file = FoundFile { path, size_bytes: 12, modified_ns, inode, guess };
    let root = WalkEvent::Folder(folder.path().to_owned());
    assert_eq!(found.into_inner().unwrap(), [root, WalkEvent::File(file)]);
}

#[test]
fn a_cancelled_walk_stops() {
    let names: Vec<String> = (0..500).map(|index| format!("{index}.txt")).collect();
    let folder = tree(&names.iter().map(|name| (name.as_str(), "x")).collect::<Vec<_>>());
    let seen = AtomicUsize::new(0);
    let visit = |_| {
        seen.fetch_add(1, Ordering::SeqCst);
    };
    let cancel = || seen.load(Ordering::SeqCst) >= 5;
    let options = WalkOptions { threads: 1, ..WalkOptions::default() };
    walk(folder.path(), &options, &visit, &cancel).unwrap();
    assert_eq!(seen.into_inner(), 5);
}

#[test]
fn a_walk_of_some_places_follows_the_rules_of_a_whole_one() {
    let folder = tree(&[
        (".gitignore", "*.tmp\nbuild/\n"),
        ("a/x.txt", "x"),
        ("a/x.tmp", "x"),
        ("a/deep/y.txt", "x"),
        ("ab/z.txt", "x"),
        ("build/out.txt", "x"),
        (".hidden/h.txt", "x"),
        ("b.txt", "x"),
    ]);
    let only = |names: &[&str]| {
        let places = names.iter().map(|name| folder.path().join(name)).collect();
        let options = WalkOptions { only: Some(Arc::new(places)), ..WalkOptions::default() };
        files(folder.path(), &options)
    };
    assert_eq!(only(&["a"]), ["a/deep/y.txt", "a/x.txt"]);
    assert_eq!(only(&["a/deep/y.txt", "b.txt"]), ["a/deep/y.txt", "b.txt"]);
    // A place that is ignored, or below something hidden or ignored, is left out as ever.
    assert_eq!(only(&["a/x.tmp", "build/out.txt", ".hidden/h.txt", "gone.txt"]), [""; 0]);
    assert_eq!(only(&[""]).len(), 4);
}

#[test]
fn every_folder_is_told_before_what_is_in_it() {
    let folder = tree(&[("a/b/x.txt", "x"), ("skipped/y.txt", "x"), (".gitignore", "skipped/\n")]);
    let told = Mutex::new(Vec::new());
    let visit = |event| match event {
        WalkEvent::Folder(path) => told.lock().unwrap().push(path),
        WalkEvent::File(file) => {
            assert!(told.lock().unwrap().contains(&file.path.parent().unwrap().to_owned()));
        }
        _ => {}
    };
    walk(folder.path(), &WalkOptions::default(), &visit, &|| false).unwrap();
    let mut told = told.into_inner().unwrap();
    told.sort();
    let expected = ["", "a", "a/b"].map(|name| folder.path().join(name));
    // A path joined with nothing ends in a slash, which makes no difference to paths.
    assert_eq!(told, expected);
}

#[test]
fn what_rules_leave_out_is_counted() {
    let folder = tree(&[
        (".gitignore", "*.log\n/build/\n"),
        (".hidden/deep.txt", "x"),
        ("a.txt", "x"),
        ("a.log", "x"),
        ("build/deep.txt", "x"),
        ("CVS/deep.txt", "x"),
        ("drafts/deep.txt", "x"),
        ("sub/b.log", "x"),
        ("sub/.c.txt", "x"),
        ("sub/d.txt", "x"),
    ]);
    let options = WalkOptions {
        exclude: vec!["drafts/".to_owned()],
        count_left_out: true,
        ..WalkOptions::default()
    };
    let told = Mutex::new(Vec::new());
    let visit = |event| {
        if let WalkEvent::LeftOut(left_out) = event {
            told.lock().unwrap().push(left_out);
        }
    };
    walk(folder.path(), &options, &visit, &|| false).unwrap();
    // The ignore file itself is hidden.
    let expected = LeftOut { hidden: 3, ignored: 3, excluded: 1, system: 1 };
    assert_eq!(told.into_inner().unwrap(), [expected]);
}
