//! Files and requests that are wrong: each is told by name, and the rest goes on.

use std::path::Path;

use crate::common::{Desk, note, repository};

#[test]
fn folders_that_are_none() {
    let desk = Desk::new();
    let file = desk.write("page.txt", note("the harbour"));
    desk.run(["add", "no/such/folder"]).exits(2).says("no/such/folder").says("no such folder");
    desk.run(["add".as_ref(), file.as_os_str()]).exits(2).says("not a folder");
    desk.run(["add", "docs", "missing"]).exits(2).says("missing");
    assert_eq!(desk.count("seen"), 0, "nothing is touched when one of the folders is wrong");
    desk.run(["add", "docs", "--no-wait"]).ok();
    desk.run(["add", "data", "--no-wait"]).exits(2).says("keeps its index there");
    desk.run(["add", "data/texts", "--no-wait"]).exits(2).says("keeps its index there");
    assert_eq!(desk.count("seen"), 1);
}

#[test]
fn queries_that_are_wrong() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.run(["add", "docs", "--no-wait"]).ok();
    desk.run(["search", ""]).exits(2).says("lsearch search");
    desk.run(["search", "   "]).exits(2);
    desk.run(["search", "--", "-harbour"]).exits(2);
    let unbalanced = desk.run(["search", "--mode", "keyword", "\"the harbour"]).ok();
    assert!(unbalanced.stderr.contains("\n  \"the harbour\n  ^"), "{}", unbalanced.stderr);
    assert!(unbalanced.stdout.contains("page.txt"));
}

#[test]
fn hostile_files_are_told_by_name_and_the_rest_is_indexed() {
    let desk = Desk::new();
    let broken = repository().join("fixtures/broken");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&broken).expect("fixtures/broken") {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        desk.write(&name, std::fs::read(&path).unwrap());
        names.push(name);
    }
    assert!(names.len() >= 6, "{names:?}");
    desk.write("good.txt", note("the harbour"));
    desk.run(["add", "docs", "--no-wait"]).ok();
    assert_eq!(desk.find("harbour"), ["good.txt"]);
    let status = desk.status();
    let failed = status["failed"].as_array().unwrap();
    for failure in failed {
        assert!(failure["reason"].as_str().unwrap().len() > 5, "{failure:#}");
    }
    let documents = &status["documents"];
    let accounted = ["keyword", "failed", "skipped"].map(|key| documents[key].as_u64().unwrap());
    assert_eq!(accounted.iter().sum::<u64>(), names.len() as u64 + 1, "{status:#}");
    let reasons: Vec<_> =
        failed.iter().map(|failure| failure["reason"].as_str().unwrap().to_lowercase()).collect();
    for wanted in ["password", "text layer"] {
        assert!(
            reasons.iter().any(|reason| reason.contains(wanted)),
            "no {wanted:?} in {reasons:#?}"
        );
    }
}

#[test]
fn binary_under_a_text_name_and_an_empty_file_are_left_out() {
    let desk = Desk::new();
    let bytes: Vec<u8> = (0..4000_u32).map(|number| (number * 7919 % 251) as u8).collect();
    desk.write("program.txt", bytes);
    desk.write("nothing.md", "");
    desk.run(["add", "docs", "--no-wait"]).ok();
    let status = desk.status();
    assert_eq!(status["documents"]["keyword"], 0);
    let left_out = status["skipped"].as_object().unwrap();
    assert!(left_out.keys().any(|reason| reason.contains("binary")), "{left_out:?}");
    assert!(left_out.keys().any(|reason| reason.contains("empty")), "{left_out:?}");
}

#[cfg(unix)]
#[test]
fn links_loops_pipes_and_odd_names() {
    use std::os::unix::ffi::OsStrExt;
    let desk = Desk::new();
    desk.write("deep/page.txt", note("the harbour"));
    std::os::unix::fs::symlink(desk.docs(), desk.docs().join("deep/loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", desk.docs().join("dangling")).unwrap();
    let pipe = desk.docs().join("pipe.txt");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    desk.write("with\nnewline.txt", note("a railway"));
    let odd = desk.docs().join(std::ffi::OsStr::from_bytes(b"not-utf8-\xff.txt"));
    std::fs::write(&odd, note("the viaduct")).unwrap();
    desk.run(["add", "docs", "--no-wait"]).ok();
    assert_eq!(desk.find("harbour"), ["deep/page.txt"]);
    assert_eq!(desk.find("railway"), ["with\nnewline.txt"]);
    assert_eq!(desk.find("viaduct").len(), 1);
    assert_eq!(desk.count("keyword"), 3);
    // The path that is no UTF-8 can be removed again like any other.
    std::fs::remove_file(odd).unwrap();
    desk.run(["add", "--no-wait"]).ok().says("1 gone");
    assert!(desk.find("viaduct").is_empty());
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_told_and_not_forgotten() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    desk.write("open.txt", note("the harbour"));
    let closed = desk.write("closed/page.txt", note("the lighthouse"));
    desk.run(["add", "docs", "--no-wait"]).ok();
    let folder = closed.parent().unwrap();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o000)).unwrap();
    let readable_anyway = std::fs::read_dir(folder).is_ok();
    desk.run(["add", "--no-wait"]).ok();
    // For the superuser nothing is closed; for everyone else the document is kept and the folder is named.
    assert_eq!(desk.find("lighthouse"), ["closed/page.txt"]);
    if !readable_anyway {
        assert!(desk.failure("closed").contains("ermission"));
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_damaged_encoder_is_refused_and_words_still_work() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.add();
    let damaged = desk.home().join("encoder");
    copy_folder(&repository().join("engine/encoders/monarch-32k-384"), &damaged);
    let weights = damaged.join("weights.bin");
    let length = std::fs::metadata(&weights).unwrap().len();
    std::fs::File::options().write(true).open(&weights).unwrap().set_len(length / 2).unwrap();
    let run = |args: &[&str]| {
        let output = desk.command(args).env("LSEARCH_ENCODER", &damaged).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned(), output.stdout)
    };
    let (code, said, found) = run(&["search", "harbour"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("weights.bin") && said.contains("by word only"), "{said}");
    assert!(String::from_utf8_lossy(&found).contains("page.txt"));
    let (code, said, _) = run(&["search", "--mode", "semantic", "harbour"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("weights.bin"), "{said}");
    assert_eq!(desk.count("semantic"), 1, "the index is untouched");
    let (code, said, shown) = run(&["status", "--json"]);
    assert_eq!(code, Some(0), "what is indexed is told all the same: {said}");
    assert!(said.contains("weights.bin"), "{said}");
    let status: serde_json::Value = serde_json::from_slice(&shown).unwrap();
    assert_eq!(status["documents"]["keyword"], 1);
    assert!(status["encoder"].is_null());
}

#[test]
fn a_wrong_runtime_is_named_and_cuda_is_never_replaced_in_silence() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.add();
    let fake = desk.home().join("libonnxruntime.so");
    std::fs::write(&fake, b"no library").unwrap();
    let output = desk
        .command(["search", "--mode", "semantic", "harbour"])
        .env("LSEARCH_ORT_LIB", &fake)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("libonnxruntime.so") && said.contains("lsearch setup"), "{said}");
    if !Path::new("/dev/nvidia0").exists() {
        desk.run(["search", "--device", "cuda", "harbour"]).exits(2).says("CUDA");
    }
}

#[test]
fn damaged_index_files_are_mended_or_named() {
    let desk = Desk::new();
    for number in 0..6 {
        desk.write(&format!("{number}.txt"), note(&format!("subject{number}")));
    }
    desk.add();
    for part in ["lexical", "catalog", "graph"] {
        for file in files_under(&desk.data().join(part)) {
            let bytes = std::fs::read(&file).unwrap();
            if !bytes.is_empty() {
                std::fs::write(&file, &bytes[..bytes.len() / 3]).unwrap();
            }
        }
        desk.add();
        assert_eq!(
            desk.find("subject3").first().map(String::as_str),
            Some("3.txt"),
            "after damage to {part}"
        );
        assert_eq!(desk.count("keyword"), 6, "after damage to {part}");
        assert_eq!(desk.count("semantic"), 6, "after damage to {part}");
    }
    // Vectors and texts cannot be made from anything else: they are made again from the files.
    for part in ["vectors", "texts"] {
        for file in files_under(&desk.data().join(part)) {
            let mut bytes = std::fs::read(&file).unwrap();
            let middle = bytes.len() / 2;
            for byte in bytes.iter_mut().skip(middle).take(64) {
                *byte ^= 0xA5;
            }
            std::fs::write(&file, &bytes).unwrap();
        }
        desk.add();
        assert_eq!(
            desk.find("subject3").first().map(String::as_str),
            Some("3.txt"),
            "after damage to {part}"
        );
        assert_eq!(
            (desk.count("keyword"), desk.count("semantic")),
            (6, 6),
            "after damage to {part}"
        );
    }
}

#[test]
fn a_damaged_catalog_is_made_again_by_itself() {
    let desk = Desk::new();
    for number in 0..6 {
        desk.write(&format!("{number}.txt"), note(&format!("subject{number}")));
    }
    desk.run(["add", "docs", "--no-wait"]).ok();
    let id = |desk: &Desk| {
        let found = desk.run(["search", "--json", "--mode", "keyword", "subject3"]).ok().json();
        found["hits"][0]["id"].clone()
    };
    let before = id(&desk);
    for file in files_under(&desk.data().join("catalog")) {
        let length = std::fs::metadata(&file).unwrap().len();
        std::fs::write(&file, vec![0xA5; length as usize]).unwrap();
    }
    // Nothing that reads needs it.
    assert_eq!(desk.find("subject3"), ["3.txt"]);
    desk.run(["add", "docs", "--no-wait"]).ok().says("catalog").says("6 unchanged");
    assert_eq!(id(&desk), before);
    assert_eq!(desk.count("seen"), 6);
    desk.run(["add", "docs", "--no-wait"]).ok().does_not_say("catalog");
}

#[test]
fn an_index_of_a_newer_release_is_left_alone() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.run(["add", "docs", "--no-wait"]).ok();
    let version = desk.data().join("VERSION");
    std::fs::write(&version, "2\n").unwrap();
    let content = |file: &std::path::PathBuf| (file.clone(), std::fs::read(file).unwrap());
    let before: Vec<_> = files_under(&desk.data()).iter().map(content).collect();
    for args in [&["add", "docs"][..], &["search", "harbour"], &["rebuild"], &["remove", "docs"]] {
        desk.run(args).exits(2).says("newer release").says("format 2").says("VERSION");
    }
    let after: Vec<_> = files_under(&desk.data()).iter().map(content).collect();
    assert_eq!(before, after);
    // A number that no release wrote is damage, and mended.
    std::fs::write(&version, "0\n").unwrap();
    desk.run(["add", "docs", "--no-wait"]).ok();
    assert_eq!(desk.find("harbour"), ["page.txt"]);
}

fn files_under(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push(path);
        }
    }
    files
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn a_pattern_that_is_none_is_refused_before_it_is_written_down() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.run(["add", "docs", "--no-wait", "--exclude", "a{b"]).exits(2).says("a{b");
    assert!(!desk.data().join("folders.json").exists());
    desk.run(["add", "docs", "--no-wait"]).ok();
    assert_eq!(desk.find("harbour"), ["page.txt"]);
    let config = desk.home().join("config.toml");
    std::fs::write(&config, "exclude = [\"a{b\"]\n").unwrap();
    let config = config.to_string_lossy().into_owned();
    desk.run(["--config", &config, "add", "--no-wait"])
        .exits(2)
        .says("a{b")
        .says("config.toml:1: ");
}

#[cfg(unix)]
#[test]
fn a_file_is_read_again_when_it_may_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let path = desk.write("page.txt", note("the harbour"));
    let rights = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode));
    rights(0o000).unwrap();
    if std::fs::read(&path).is_ok() {
        return; // For the superuser nothing is closed.
    }
    desk.run(["add", "docs", "--no-wait"]).ok();
    assert!(desk.failure("page.txt").contains("ermission"));
    // Neither its size nor its time tells that anything changed.
    rights(0o600).unwrap();
    desk.run(["add", "--no-wait"]).ok();
    assert_eq!(desk.find("harbour"), ["page.txt"]);
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_read_does_not_stop_the_others() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let closed = desk.write("a/page.txt", note("the harbour"));
    let closed = closed.parent().unwrap();
    let other = desk.write("b/page.txt", note("the lighthouse"));
    desk.run(["add", "docs/a", "docs/b", "--no-wait"]).ok();
    std::fs::write(other, note("the viaduct, built since")).unwrap();
    std::fs::set_permissions(closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    let readable_anyway = std::fs::read_dir(closed).is_ok();
    let ran = desk.run(["add", "--no-wait"]);
    std::fs::set_permissions(closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(desk.find("viaduct"), ["b/page.txt"]);
    assert_eq!(desk.find("harbour"), ["a/page.txt"]);
    if !readable_anyway {
        ran.exits(2).says("docs/a");
    }
}

#[test]
fn a_damaged_list_of_folders_is_named_with_what_to_do() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.run(["add", "docs", "--no-wait"]).ok();
    std::fs::write(desk.data().join("folders.json"), "{\"folders\":[").unwrap();
    desk.run(["add", "--no-wait"]).exits(2).says("folders.json").says("add your folders again");
    assert_eq!(desk.find("harbour"), ["page.txt"], "searching needs no list");
}

#[test]
fn nobody_needs_to_read_what_is_said() {
    let desk = Desk::new();
    for number in 0..20 {
        desk.write(&format!("{number}.txt"), note("the harbour"));
    }
    // As in `lsearch -v add docs 2>&1 | head -1`.
    let mut add = desk.start(["-v", "add", "docs", "--no-wait"]);
    drop(add.stderr.take());
    assert_eq!(add.wait().unwrap().code(), Some(0));
    assert_eq!(desk.count("keyword"), 20);
    let mut search = desk.start(["search", "--mode", "keyword", "harbour"]);
    drop(search.stdout.take());
    assert_eq!(search.wait().unwrap().code(), Some(0));
}
