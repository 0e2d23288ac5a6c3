//! Children that crash, hang or take too much, as seen by the caller.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use lsearch_ingest::{
    Extractor, ExtractorOptions, FailReason, Member, MemberVisitor, NewBytes, Outcome, RuleFiles,
    SkipReason,
};

/// The example that cargo builds beside the tests.
fn worker_program() -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let program = profile.join("examples/extract_worker");
    assert!(program.exists(), "cargo test --examples builds {}", program.display());
    program
}

fn options() -> ExtractorOptions {
    ExtractorOptions {
        worker_program: worker_program(),
        worker_args: vec![OsString::from("--misbehave")],
        readable: vec!["/".into()],
        workers: 2,
        memory_bytes: 512 << 20,
        cpu_sec: 30,
        wall_sec: 30,
        max_file_bytes: 64 << 20,
        max_text_bytes: 64 << 20,
        ocr: None,
    }
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn title(outcome: Outcome) -> String {
    match outcome {
        Outcome::Document(document) => document.title,
        other => panic!("no document but {other:?}"),
    }
}

fn failure(outcome: Outcome) -> FailReason {
    match outcome {
        Outcome::Failed(reason) => reason,
        other => panic!("no failure but {other:?}"),
    }
}

#[test]
fn one_bad_file_does_not_harm_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let extractor = Extractor::new(options());
    let good = file(folder.path(), "good.txt", b"A fine title\n\nand text\n");
    for name in ["abort", "exit", "memory", "overflow"] {
        let bad = file(folder.path(), &format!("{name}.txt"), b"text");
        let reason = failure(extractor.extract(&bad));
        let expected = match name {
            "abort" => FailReason::Crashed { detail: "signal 6".to_owned() },
            "exit" => FailReason::Crashed { detail: "exit status 3".to_owned() },
            "memory" => FailReason::MemoryLimit { limit_bytes: 512 << 20 },
            _ => FailReason::TooDeep,
        };
        assert_eq!(reason, expected, "{name}");
        assert_eq!(title(extractor.extract(&good)), "A fine title", "after {name}");
    }
}

#[test]
fn hanging_and_spinning_children_are_ended() {
    let folder = tempfile::tempdir().unwrap();
    let hang = file(folder.path(), "hang.txt", b"text");
    let spin = file(folder.path(), "spin.txt", b"text");
    let extractor = Extractor::new(ExtractorOptions { wall_sec: 1, ..options() });
    assert_eq!(failure(extractor.extract(&hang)), FailReason::TimeLimit { limit_sec: 1 });
    let extractor = Extractor::new(ExtractorOptions { cpu_sec: 1, ..options() });
    assert_eq!(failure(extractor.extract(&spin)), FailReason::CpuLimit { limit_sec: 1 });
}

#[test]
fn a_confined_child_reads_its_folders_and_reaches_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let reach = file(folder.path(), "reach.txt", b"Reached nothing\n");
    let elsewhere = tempfile::tempdir().unwrap();
    let other = file(elsewhere.path(), "other.txt", b"Elsewhere\n");
    let readable = vec![folder.path().to_owned()];
    let extractor = Extractor::new(ExtractorOptions { readable, ..options() });
    let confinement = extractor.confinement().unwrap();
    if !confinement.files {
        return; // This kernel cannot, and doctor says so.
    }
    assert_eq!(failure(extractor.extract(&other)), FailReason::PermissionDenied);
    // A kernel without filters of system calls has no such line.
    let status = fs::read_to_string("/proc/self/status").unwrap();
    assert_eq!(confinement.network, status.contains("\nSeccomp_filters:"));
    match extractor.extract(&reach) {
        Outcome::Document(document) => assert_eq!(document.title, "Reached nothing"),
        outcome => assert_eq!(
            (failure(outcome), confinement.network),
            (FailReason::Crashed { detail: "exit status 14".to_owned() }, false)
        ),
    }
    assert!(reach.exists() && fs::read_dir(folder.path()).unwrap().count() == 1);
}

#[test]
fn one_bad_member_does_not_harm_the_others() {
    struct Heard(Vec<(String, Outcome)>);
    impl MemberVisitor for Heard {
        fn is_wanted(&mut self, bytes: &NewBytes) -> bool {
            !bytes.path.ends_with("known.txt")
        }
        fn member(&mut self, member: Member) {
            let name = member.path.file_name().unwrap().to_string_lossy().into_owned();
            self.0.push((name, member.outcome));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut builder = tar::Builder::new(Vec::new());
    for name in ["a.txt", "abort.txt", "known.txt", "b.txt", "hang.txt", "overflow.txt", "c.txt"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(5);
        builder.append_data(&mut header, name, &b"text\n"[..]).unwrap();
    }
    let archive = file(folder.path(), "x.tar", &builder.into_inner().unwrap());
    let extractor = Extractor::new(ExtractorOptions { wall_sec: 2, ..options() });
    let mut heard = Heard(Vec::new());
    let (outcome, _) = extractor.extract_all(&archive, &RuleFiles::none(), &mut heard);
    assert_eq!(outcome, Outcome::Container { stopped: None });
    let names: Vec<&str> = heard.0.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a.txt", "abort.txt", "b.txt", "hang.txt", "overflow.txt", "c.txt"]);
    let crashed = FailReason::Crashed { detail: "signal 6".to_owned() };
    for (at, reason) in
        [(1, crashed), (3, FailReason::TimeLimit { limit_sec: 2 }), (4, FailReason::TooDeep)]
    {
        assert_eq!(heard.0[at].1, Outcome::Failed(reason));
    }
    assert_eq!(title(heard.0.pop().unwrap().1), "text");
}

#[test]
fn what_a_library_prints_is_not_taken_for_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let print = file(folder.path(), "print.txt", b"Printed\n");
    assert_eq!(title(Extractor::new(options()).extract(&print)), "Printed");
}

#[test]
fn many_threads_share_the_children() {
    let folder = tempfile::tempdir().unwrap();
    let extractor = Extractor::new(options());
    thread::scope(|scope| {
        for thread in 0..6 {
            let (extractor, folder) = (&extractor, folder.path());
            scope.spawn(move || {
                for index in 0..20 {
                    let name = format!("{thread}-{index}.md");
                    let path = file(folder, &name, format!("# Note {name}\n").as_bytes());
                    assert_eq!(title(extractor.extract(&path)), format!("Note {name}"));
                    if index == 10 {
                        let bad = folder.join(format!("{thread}")).join("abort.txt");
                        fs::create_dir(bad.parent().unwrap()).unwrap();
                        fs::write(&bad, "x").unwrap();
                        failure(extractor.extract(&bad));
                    }
                }
            });
        }
    });
}

#[test]
fn children_do_not_outlive_the_extractor() {
    let folder = tempfile::tempdir().unwrap();
    let extractor = Extractor::new(options());
    extractor.extract(&file(folder.path(), "a.txt", b"Some words\n"));
    assert_eq!(children().len(), 1);
    drop(extractor);
    assert_eq!(children(), Vec::<u32>::new());
}

/// Processes that the calling thread has started.
fn children() -> Vec<u32> {
    let list = fs::read_to_string("/proc/thread-self/children").unwrap();
    list.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

#[test]
fn children_die_with_their_parent_even_while_they_hang() {
    let folder = tempfile::tempdir().unwrap();
    let hang = file(folder.path(), "hang.txt", b"text");
    // The parent is a process of its own: this test again, told what to do by a variable.
    let mut parent = Command::new(env::current_exe().unwrap())
        .args(["--exact", "parent_that_waits_on_a_hanging_child", "--ignored", "--nocapture"])
        .env("LSEARCH_TEST_HANG", &hang)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let child = wait_for(|| descendants(parent.id()).into_iter().next());
    parent.kill().unwrap();
    parent.wait().unwrap();
    wait_for(|| (!is_running(child)).then_some(()));
}

#[test]
#[ignore = "run by another test as a process of its own"]
fn parent_that_waits_on_a_hanging_child() {
    let Some(hang) = env::var_os("LSEARCH_TEST_HANG") else { return };
    Extractor::new(options()).extract(Path::new(&hang));
}

fn descendants(parent: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{parent}/task")) else { return Vec::new() };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().map(|p| p.parse().unwrap()).collect::<Vec<u32>>())
        .collect()
}

fn is_running(pid: u32) -> bool {
    // A zombie that nobody has reaped yet has ended all the same.
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().starts_with(" Z"))
}

fn wait_for<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(value) = ready() {
            return value;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("it did not happen within 30 s");
}

#[test]
fn limits_of_size_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "a.txt", &b"word ".repeat(1000));
    let extractor = Extractor::new(ExtractorOptions { max_file_bytes: 4999, ..options() });
    let too_large = Outcome::Skipped(SkipReason::TooLarge { limit_bytes: 4999 });
    assert_eq!(extractor.extract(&path), too_large);
    let extractor = Extractor::new(ExtractorOptions { max_text_bytes: 4999, ..options() });
    assert_eq!(failure(extractor.extract(&path)), FailReason::TextTooLong { limit_bytes: 4999 });
}

#[test]
fn a_large_file_that_is_no_document_is_not_read_into_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "film.unknown", b"\x1A\x45\xDF\xA3");
    // A hole: long, but no room on the disk.
    fs::File::options().write(true).open(&path).unwrap().set_len(2 << 30).unwrap();
    let extractor = Extractor::new(ExtractorOptions { max_file_bytes: 4 << 30, ..options() });
    let unsupported = SkipReason::Unsupported { format: "mkv".to_owned() };
    assert_eq!(extractor.extract(&path), Outcome::Skipped(unsupported));
}

#[test]
fn a_worker_that_cannot_start_says_nothing_about_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "a.txt", b"text");
    for program in ["/nowhere/lsearch", "/bin/true", "/bin/cat"] {
        let worker_program = PathBuf::from(program);
        let extractor = Extractor::new(ExtractorOptions {
            worker_program,
            worker_args: Vec::new(),
            ..options()
        });
        let reason = failure(extractor.extract(&path));
        assert!(matches!(reason, FailReason::Unavailable { .. }), "{program}: {reason}");
        assert!(reason.is_temporary());
    }
}
