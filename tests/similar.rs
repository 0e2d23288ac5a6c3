//! `lsearch similar`: documents like one.

use crate::common::office::Office;
use crate::common::{Desk, note};

/// Two subjects, three documents of each.
fn write_subjects(write: &dyn Fn(&str, &str)) {
    write(
        "illness-1.txt",
        "The physician examined the child and prescribed an antibiotic for the infection.\n",
    );
    write(
        "illness-2.txt",
        "A nurse took the patient's temperature; the doctor found the fever was an infection.\n",
    );
    write(
        "illness-3.txt",
        "In the hospital the surgeon and the nurse cared for a patient with a high fever.\n",
    );
    write(
        "masonry-1.txt",
        "The mason laid bricks along the garden wall and mixed more mortar after lunch.\n",
    );
    write(
        "masonry-2.txt",
        "Old walls of brick need new mortar in their joints before the winter frost.\n",
    );
    write(
        "masonry-3.txt",
        "A bricklayer builds a wall with a trowel, a level, bricks and mortar.\n",
    );
}

fn desk_of_subjects() -> Desk {
    let desk = Desk::new();
    write_subjects(&|name, text| drop(desk.write(name, text)));
    desk
}

fn similar(desk: &Desk, arguments: &[&str]) -> Vec<String> {
    let ran = desk.run(["similar", "--json"].iter().chain(arguments));
    assert!(ran.code == 0 || ran.code == 1, "{ran:?}");
    desk.relative(&ran.json())
}

#[test]
fn documents_of_the_same_subject_come_first_and_never_itself() {
    let desk = desk_of_subjects();
    desk.write("copy/of-illness-1.txt", std::fs::read(desk.docs().join("illness-1.txt")).unwrap());
    desk.add();
    let found = similar(&desk, &["docs/illness-1.txt"]);
    assert_eq!(found.len(), 5, "neither itself nor its copy: {found:?}");
    assert!(found[..2].iter().all(|path| path.starts_with("illness")), "{found:?}");
    let id = desk.run(["get", "--json", "docs/masonry-1.txt"]).ok().json()["id"].to_string();
    let found = similar(&desk, &[&id, "-n", "2"]);
    assert!(found.len() == 2 && found.iter().all(|path| path.starts_with("masonry")), "{found:?}");
    assert_eq!(similar(&desk, &[&format!("#{id}"), "--path", "*-3.txt"])[0], "masonry-3.txt");
    assert!(similar(&desk, &[&id, "--type", "pdf"]).is_empty());
    let shown = desk.run(["similar", "-n", "1", "docs/masonry-1.txt"]).ok().stdout;
    assert!(shown.contains("masonry-") && shown.contains("mortar"), "{shown}");
    let paths = desk.run(["similar", "-l", "docs/masonry-1.txt"]).ok().stdout;
    assert_eq!(paths.lines().count(), 5);
}

#[test]
fn a_file_that_is_not_indexed_is_read_and_encoded_for_it() {
    let desk = desk_of_subjects();
    desk.add();
    let outside = desk.home().join("letter.html");
    std::fs::write(
        &outside,
        "<p>Which bricks and which mortar does the builder use for our wall?</p>",
    )
    .unwrap();
    let found = similar(&desk, &["letter.html", "-n", "3"]);
    assert!(found.iter().all(|path| path.starts_with("masonry")), "{found:?}");
    assert_eq!(desk.count("keyword"), 6, "it is not added");
    desk.run(["similar", "missing.txt"]).exits(2).says("no such file");
    desk.run(["similar", "docs"]).exits(2).says("is a folder");
    std::fs::write(desk.home().join("noise.bin"), [0_u8, 159, 146, 150].repeat(99)).unwrap();
    desk.run(["similar", "noise.bin"]).exits(2).says("cannot be compared");
}

#[test]
fn without_vectors_its_words_are_compared() {
    let desk = desk_of_subjects();
    desk.run(["add", "docs", "--no-wait"]).ok();
    let ran = desk.run(["similar", "--json", "docs/masonry-2.txt"]).ok();
    let results = ran.json();
    assert_eq!(results["mode"], "keyword");
    let found = desk.relative(&results);
    assert!(!found.is_empty() && found.iter().all(|path| path.starts_with("masonry")), "{found:?}");
    ran.says("not encoded yet");
    desk.write("alone.txt", "Zyxwv utsrq ponml.\n");
    desk.run(["add", "--no-wait"]).ok();
    desk.run(["similar", "docs/alone.txt"]).exits(1).says("nothing like docs/alone.txt");
}

#[test]
fn the_daemon_answers_the_same() {
    let office = Office::new();
    write_subjects(&|name, text| drop(office.write(name, text)));
    office.start();
    office.run(&["add", "docs"]).ok();
    let outside = office.desk.home().join("outside.txt");
    std::fs::write(&outside, note("mortar and bricks")).unwrap();
    for arguments in [
        &["similar", "docs/illness-1.txt"][..],
        &["similar", "outside.txt", "-n", "3"],
        &["similar", "missing.txt"],
        &["similar", "docs/illness-1.txt", "--type", "pfd"],
        &["search", "lihgt* physisian type:text"],
        &["search", "fevre type:pfd"],
    ] {
        let by_daemon = office.run(arguments);
        let mut command = office.command(arguments);
        let alone = crate::common::Ran::of(command.env("LSEARCH_NO_DAEMON", "1").output().unwrap());
        assert_eq!(by_daemon.code, alone.code, "{arguments:?}: {by_daemon:?}");
        assert_eq!(by_daemon.stdout, alone.stdout, "{arguments:?}");
        // A daemon names a path as it was handed over: whole.
        let home = format!("{}/", office.desk.home().display());
        assert_eq!(by_daemon.stderr.replace(&home, ""), alone.stderr, "{arguments:?}");
    }
}
