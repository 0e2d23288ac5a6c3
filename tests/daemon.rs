//! The daemon, driven as a person would: started, watched at work, killed, and asked through the command line.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use serde_json::Value;

use crate::common::office::{Office, is_zombie};
use crate::common::{Ran, note};

#[test]
fn folders_stay_indexed_by_themselves() {
    let office = Office::new();
    office.write("a.txt", note("the harbour"));
    office.start();
    office.run(&["add", "docs"]).ok().says("1 file seen").says("encoded");
    assert_eq!(office.find("harbour"), ["a.txt"]);

    // Made, changed, renamed and removed.
    office.write("b.txt", note("the lighthouse"));
    office.comes_to("lighthouse", &["b.txt"]);
    office.write("b.txt", note("the windmill"));
    office.comes_to("windmill", &["b.txt"]);
    office.comes_to("lighthouse", &[]);
    std::fs::rename(office.docs().join("b.txt"), office.docs().join("c.txt")).unwrap();
    office.comes_to("windmill", &["c.txt"]);
    std::fs::remove_file(office.docs().join("c.txt")).unwrap();
    office.comes_to("windmill", &[]);

    // As editors save: a new file in the place of the old one, which becomes a backup for a moment.
    let (old, new) = (office.docs().join("a.txt"), office.docs().join("a.txt.new"));
    std::fs::rename(&old, office.docs().join("a.txt~")).unwrap();
    std::fs::write(&new, note("the granary")).unwrap();
    std::fs::rename(&new, &old).unwrap();
    std::fs::remove_file(office.docs().join("a.txt~")).unwrap();
    office.comes_to("granary", &["a.txt"]);
    office.comes_to("harbour", &[]);
    office.run(&["status", "--wait"]).ok();
    assert_eq!(office.run(&["status", "--json"]).json()["documents"]["semantic"], 1);
}

#[test]
fn trees_that_come_go_and_move_are_followed() {
    let office = Office::new();
    office.write("keep.txt", note("keeping"));
    office.start();
    office.run(&["add", "docs"]).ok();
    // A tree made in one go, and one that is moved in.
    office.write("x/y/z/deep.txt", note("the quarry"));
    office.comes_to("quarry", &["x/y/z/deep.txt"]);
    let outside = office.desk.home().join("outside");
    std::fs::create_dir_all(outside.join("p/q")).unwrap();
    std::fs::write(outside.join("p/q/in.txt"), note("the brewery")).unwrap();
    std::fs::rename(&outside, office.docs().join("inside")).unwrap();
    office.comes_to("brewery", &["inside/p/q/in.txt"]);
    // A document keeps its number when its folder is renamed.
    let id = |path: &str| {
        let ran = office.run(&["get", "--json", &office.docs().join(path).to_string_lossy()]);
        ran.json()["id"].as_u64()
    };
    let before = id("inside/p/q/in.txt").unwrap();
    std::fs::rename(office.docs().join("inside"), office.docs().join("moved")).unwrap();
    office.comes_to("brewery", &["moved/p/q/in.txt"]);
    assert_eq!(id("moved/p/q/in.txt"), Some(before));
    // Under its new name it is watched, too.
    office.write("moved/p/q/in.txt", note("the bakery"));
    office.comes_to("bakery", &["moved/p/q/in.txt"]);
    office.write("moved/p/new/other.txt", note("the dairy"));
    office.comes_to("dairy", &["moved/p/new/other.txt"]);
    // Into another added folder.
    let other = office.desk.home().join("other");
    std::fs::create_dir(&other).unwrap();
    office.run(&["add", "other"]).ok();
    std::fs::rename(office.docs().join("moved/p/new"), other.join("new")).unwrap();
    office.comes_to("dairy", &[&other.join("new/other.txt").to_string_lossy()]);
    std::fs::write(other.join("new/other.txt"), note("the forge")).unwrap();
    office.comes_to("forge", &[&other.join("new/other.txt").to_string_lossy()]);
    // Out again, and away.
    std::fs::rename(office.docs().join("moved"), office.desk.home().join("outside")).unwrap();
    office.comes_to("bakery", &[]);
    std::fs::remove_dir_all(office.docs().join("x")).unwrap();
    office.comes_to("quarry", &[]);
    assert_eq!(office.find("keeping"), ["keep.txt"]);
}

#[test]
fn rules_links_and_rights_that_change_are_heeded() {
    let office = Office::new();
    office.write("logs/day.txt", note("the furnace"));
    office.write("a.txt", note("the furnace"));
    office.start();
    office.run(&["add", "docs"]).ok();
    office.comes_to("furnace", &["a.txt", "logs/day.txt"]);
    office.write(".lsearchignore", "logs/\n");
    office.comes_to("furnace", &["a.txt"]);
    // What is left out from the beginning is not heard of.
    office.write("logs/night.txt", note("the furnace"));
    std::fs::remove_file(office.docs().join(".lsearchignore")).unwrap();
    office.comes_to("furnace", &["a.txt", "logs/day.txt", "logs/night.txt"]);
    // A file that becomes a link is left out, as links are.
    let elsewhere = office.desk.home().join("elsewhere.txt");
    std::fs::rename(office.docs().join("a.txt"), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, office.docs().join("a.txt")).unwrap();
    office.comes_to("furnace", &["logs/day.txt", "logs/night.txt"]);
    let day = office.docs().join("logs/day.txt");
    std::fs::set_permissions(&day, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads it all the same.
    if std::fs::read(&day).is_err() {
        office.wait_until("the failure is told", || {
            office.run(&["status", "--json"]).json()["documents"]["failed"] == 1
        });
        std::fs::set_permissions(&day, std::fs::Permissions::from_mode(0o600)).unwrap();
        office.comes_to("furnace", &["logs/day.txt", "logs/night.txt"]);
    }
}

#[test]
fn a_folder_that_goes_keeps_its_documents_and_comes_back() {
    let office = Office::new();
    office.write("a.txt", note("the harbour"));
    office.start();
    office.run(&["add", "docs"]).ok();
    let away = office.desk.home().join("away");
    std::fs::rename(office.docs(), &away).unwrap();
    office.wait_until("it is told", || office.status()["roots"][0]["online"] == false);
    assert_eq!(office.find("harbour"), ["a.txt"]);
    // An empty folder is what an unmounted disk leaves.
    std::fs::create_dir(office.docs()).unwrap();
    std::fs::write(away.join("b.txt"), note("the lighthouse")).unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(office.find("harbour"), ["a.txt"]);
    std::fs::remove_dir(office.docs()).unwrap();
    std::fs::rename(&away, office.docs()).unwrap();
    office.comes_to("lighthouse", &["b.txt"]);
    office.write("c.txt", note("the windmill"));
    office.comes_to("windmill", &["c.txt"]);
}

#[test]
fn every_verb_works_through_it() {
    let office = Office::new();
    office.write("a.txt", note("the harbour"));
    office.write("broken.pdf", "%PDF-1.4 broken");
    // Before anything is added.
    office.start();
    office.run(&["search", "harbour"]).exits(2).says("nothing is indexed yet");
    office.run(&["add"]).exits(2).says("no folder is added yet");
    office.run(&["add", "docs"]).ok().says("2 files seen").says("1 failed").says("broken.pdf");
    for args in [
        &["search", "harbour"][..],
        &["search", "--json", "harbour"],
        &["search", "-l", "harbour"],
        &["search", "--explain", "-C", "1", "harbour"],
        &["search", "nowhere-to-be-found", "--mode", "keyword"],
        &["search", "after:nonsense"],
        &["folders"],
        &["get", "docs/a.txt"],
    ] {
        let with = office.run(args);
        let without = {
            let mut command = office.command(args);
            Ran::of(command.env("LSEARCH_NO_DAEMON", "1").output().unwrap())
        };
        assert_eq!(with.code, without.code, "{args:?}: {with:?} {without:?}");
        assert_eq!(untimed(&with.stdout), untimed(&without.stdout), "{args:?}");
        assert_eq!(untimed(&with.stderr), untimed(&without.stderr), "{args:?}");
    }
    office.run(&["retry"]).ok().says("reading 1 file again").says("broken.pdf");
    office.run(&["rebuild"]).ok().says("1 document rebuilt");
    assert_eq!(office.find("harbour"), ["a.txt"]);
    office.run(&["add", "docs/missing"]).exits(2).says("no such folder");
    office.run(&["doctor"]).ok();
    office.run(&["remove", "docs"]).ok().says("forgotten, 2 files");
    assert_eq!(office.find("harbour"), [""; 0]);
    assert_eq!(office.status()["roots"], Value::Array(Vec::new()));
    // What is no longer added is no longer watched.
    office.write("later.txt", note("the harbour"));
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(office.find("harbour"), [""; 0]);
}

/// Without what a clock says.
fn untimed(text: &str) -> String {
    let text = text.split("\"took_ms\":").map(|part| {
        part.trim_start_matches(|character: char| character.is_ascii_digit() || character == '.')
    });
    text.collect()
}

#[test]
fn one_runs_and_the_others_name_it() {
    let office = Office::new();
    let starts: Vec<Child> = (0..20)
        .map(|number| {
            let args: &[&str] =
                if number % 2 == 0 { &["daemon", "start"] } else { &["daemon", "run"] };
            office.command(args).spawn().expect("a runnable lsearch")
        })
        .collect();
    office.wait_until("one is ready", || office.status()["state"] == "idle");
    let pid = office.pid();
    let (mut refused, mut runs) = (0, 0);
    for (number, mut child) in starts.into_iter().enumerate() {
        if number % 2 == 1 && u64::from(child.id()) == pid {
            runs += 1;
            continue;
        }
        if number % 2 == 1 {
            office.wait_until("it ends", || child_has_ended(child.id()));
        }
        let ran = Ran::of(wait(&mut child));
        assert!(ran.stderr.contains(&pid.to_string()), "{pid} is not named: {ran:?}");
        assert_eq!(ran.code, if number % 2 == 0 { 0 } else { 2 }, "{ran:?}");
        refused += 1;
    }
    assert_eq!(refused + runs, 20);
    office.run(&["daemon", "stop"]).ok().says("has ended");
    office.run(&["daemon", "stop"]).ok().says("no daemon is running");
    office.run(&["daemon", "status"]).exits(1);
}

fn child_has_ended(pid: u32) -> bool {
    is_zombie(&pid.to_string()) || !Path::new("/proc").join(pid.to_string()).exists()
}

fn wait(child: &mut Child) -> std::process::Output {
    use std::io::Read;
    let status = child.wait().unwrap();
    let read = |from: Option<&mut dyn Read>| {
        let mut bytes = Vec::new();
        if let Some(from) = from {
            from.read_to_end(&mut bytes).unwrap();
        }
        bytes
    };
    let stdout = read(child.stdout.as_mut().map(|out| out as &mut dyn Read));
    let stderr = read(child.stderr.as_mut().map(|out| out as &mut dyn Read));
    std::process::Output { status, stdout, stderr }
}

#[test]
fn in_the_foreground_it_ends_in_order() {
    let office = Office::new();
    office.write("a.txt", note("the harbour"));
    let socket = office.desk.data().join("run/daemon.sock");
    for by_signal in [false, true] {
        let mut daemon = office.command(&["daemon", "run"]).spawn().unwrap();
        office.wait_until("it answers", || office.status()["state"] == "idle");
        office.run(&["add", "docs"]).ok();
        if by_signal {
            let pid = daemon.id().to_string();
            assert!(std::process::Command::new("kill").arg(&pid).status().unwrap().success());
        } else {
            office.run(&["daemon", "stop"]).ok();
        }
        let ended = wait(&mut daemon);
        // Anything else and a service manager would start it again.
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        assert!(!socket.exists());
        assert!(String::from_utf8_lossy(&ended.stderr).contains("ending"), "{ended:?}");
    }
}

#[test]
fn killed_it_leaves_nothing_in_the_way() {
    let office = Office::new();
    office.write("a.txt", note("the harbour"));
    office.start();
    office.run(&["add", "docs"]).ok();
    office.kill();
    // Its socket is still there, and nobody behind it.
    assert!(office.desk.data().join("run/daemon.sock").exists());
    assert_eq!(office.find("harbour"), ["a.txt"]);
    office.write("b.txt", note("the lighthouse"));
    office.run(&["add"]).ok();
    std::fs::remove_file(office.docs().join("a.txt")).unwrap();
    office.start();
    office.comes_to("harbour", &[]);
    office.comes_to("lighthouse", &["b.txt"]);
}

#[test]
fn encoding_is_paused_and_resumed() {
    let office = Office::new();
    office.start();
    office.run(&["daemon", "pause", "--for", "2h"]).ok();
    office.write("a.txt", note("the harbour"));
    office.run(&["add", "docs"]).ok().says("encoding is paused").says("for 2");
    let counts = || office.run(&["status", "--json"]).json()["documents"].clone();
    assert_eq!((&counts()["keyword"], &counts()["semantic"]), (&1.into(), &0.into()));
    office.run(&["status"]).ok();
    assert_eq!(office.status()["state"], "paused");
    office.run(&["daemon", "resume"]).ok();
    office.run(&["status", "--wait"]).ok();
    assert_eq!(counts()["semantic"], 1);
    office.run(&["daemon", "pause", "--for", "soon"]).exits(2).says("length of time");
}

#[test]
fn its_socket_is_its_owners_alone_and_takes_no_nonsense() {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixStream;
    let office = Office::new();
    office.start();
    let socket = office.desk.data().join("run/daemon.sock");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&socket), mode(socket.parent().unwrap())), (0o600, 0o700));
    let answer = |request: &[u8]| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(request).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let lines: Vec<String> = BufReader::new(stream).lines().map_while(Result::ok).collect();
        lines
    };
    for nonsense in
        [&b"\xff\xfe\n"[..], b"{}\n", b"GET / HTTP/1.1\r\n\r\n", b"{\"verb\":\"search\"", b"\n"]
    {
        let lines = answer(nonsense);
        let hello: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(hello["protocol"], 2);
        assert!(lines.len() <= 2, "{lines:?}");
        if let Some(line) = lines.get(1) {
            assert!(line.contains("\"event\":\"error\""), "{line}");
        }
    }
    let long = [b"{\"verb\":\"search\",\"query\":[\"".as_slice(), &vec![b'x'; 3 << 20]].concat();
    let mut stream = UnixStream::connect(&socket).unwrap();
    let _ = stream.write_all(&long);
    // And it still answers.
    assert_eq!(office.status()["running"], true);
}

#[test]
fn a_daemon_of_another_protocol_is_told_apart() {
    use std::io::Write;
    let office = Office::new();
    office.write("a.txt", note("the harbour"));
    office.run(&["add", "docs"]).ok();
    let folder = office.desk.data().join("run");
    std::fs::create_dir_all(&folder).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(folder.join("daemon.sock")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.write_all(
                b"{\"lsearch\":\"9.9.9\",\"protocol\":99,\"pid\":1,\"ready\":true,\"device\":\"auto\",\
                  \"encoder\":null,\"config\":\"\"}\n",
            );
        }
    });
    // What only reads is done without it, what writes is refused with a way out.
    assert_eq!(office.find("harbour"), ["a.txt"]);
    office.run(&["add"]).exits(2).says("9.9.9").says("daemon stop");
}

#[test]
fn installing_writes_a_service_that_runs_it() {
    let office = Office::new();
    let unit = office.run(&["daemon", "install", "--print"]).ok().stdout;
    assert!(unit.contains("\"daemon\" \"run\""), "{unit}");
    assert!(unit.contains(&*office.desk.data().to_string_lossy()), "{unit}");
    // There is no service manager behind this home: it says what to do instead.
    let ran = office.run(&["daemon", "install"]);
    let file = office.desk.home().join(".config/systemd/user/lsearch.service");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), unit, "{ran:?}");
    if ran.code != 0 {
        assert!(ran.stderr.contains("lsearch daemon start"), "{ran:?}");
    }
    office.run(&["daemon", "uninstall"]).ok().says("removed");
    assert!(!file.exists());
}
