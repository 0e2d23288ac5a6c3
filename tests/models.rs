//! Encoders of one's own: brought, used, and taken away again.

use std::path::PathBuf;

use crate::common::{Desk, Ran, note, repository};

/// A small model in the layout of Hugging Face.
fn family(name: &str) -> PathBuf {
    repository().join("engine/tests/families").join(name)
}

/// As for a person who has set no encoder by the environment.
fn run(desk: &Desk, arguments: &[&str]) -> Ran {
    let mut command = desk.command(arguments);
    command.env_remove("LSEARCH_ENCODER");
    Ran::of(command.output().expect("a runnable lsearch"))
}

fn bring(desk: &Desk, name: &str) {
    let family = family(name).to_string_lossy().into_owned();
    run(desk, &["--config", "config.toml", "model", "add", &family]).ok();
}

/// The names of the encoders with what `model list` says of them.
fn encoder(desk: &Desk, name: &str) -> serde_json::Value {
    let list = run(desk, &["--config", "config.toml", "model", "list", "--json"]).ok().json();
    let found = list.as_array().unwrap().iter().find(|line| line["name"] == name).cloned();
    found.unwrap_or_else(|| panic!("no {name} in {list:#}"))
}

#[test]
fn another_encoder_takes_over_when_it_has_read_everything() {
    let desk = Desk::new();
    std::fs::write(desk.home().join("config.toml"), "# mine\nthreads = 2\n").unwrap();
    let lsearch =
        |arguments: &[&str]| run(&desk, &[&["--config", "config.toml"], arguments].concat());
    for topic in ["harbour", "mountain", "kitchen"] {
        desk.write(&format!("{topic}.txt"), note(&format!("the {topic}")));
    }
    bring(&desk, "bert");
    bring(&desk, "modernbert");
    lsearch(&["model", "use", "bert"]).ok();
    lsearch(&["add", "docs"]).ok();
    assert_eq!(encoder(&desk, "bert")["documents"], 3);
    assert_eq!(encoder(&desk, "bert")["serving"], true);

    // The new one is wanted, the old one answers.
    let said = lsearch(&["model", "use", "modernbert"]).ok().stdout;
    assert!(said.contains("3 documents wait") && said.contains("bert answers as before"), "{said}");
    let [old, new] = ["bert", "modernbert"].map(|name| encoder(&desk, name));
    assert_eq!((&old["wanted"], &old["serving"]), (&false.into(), &true.into()));
    assert_eq!((&new["wanted"], &new["documents"]), (&true.into(), &0.into()));
    let hits = lsearch(&["search", "--mode", "semantic", "--json", "the harbour"]).ok().json();
    assert_eq!(hits["hits"].as_array().unwrap().len(), 3);
    assert!(lsearch(&["status"]).ok().stdout.contains("bert answers until"));

    lsearch(&["add"]).ok();
    let new = encoder(&desk, "modernbert");
    assert_eq!((&new["documents"], &new["serving"]), (&3.into(), &true.into()));
    let hits = lsearch(&["search", "--mode", "semantic", "--json", "the harbour"]).ok().json();
    assert_eq!(hits["hits"].as_array().unwrap().len(), 3);

    // Switching back costs nothing: its vectors are there.
    let said = lsearch(&["model", "use", "bert"]).ok().stdout;
    assert!(!said.contains("wait"), "{said}");
    assert_eq!(encoder(&desk, "bert")["serving"], true);
    let config = std::fs::read_to_string(desk.home().join("config.toml")).unwrap();
    assert_eq!(config, "# mine\nthreads = 2\nencoder = \"bert\"\n");
}

#[test]
fn what_is_brought_is_told_and_can_go() {
    let desk = Desk::new();
    std::fs::write(desk.home().join("config.toml"), "").unwrap();
    let lsearch =
        |arguments: &[&str]| run(&desk, &[&["--config", "config.toml"], arguments].concat());
    bring(&desk, "nomic");
    let info = lsearch(&["model", "info", "nomic"]).ok().stdout;
    for part in ["32 dimensions, the mean of the tokens", "read whole, up to 2,048", "\"find : \""]
    {
        assert!(info.contains(part), "no {part:?} in {info}");
    }
    lsearch(&["model", "info", "nomik"]).exits(2).says("did you mean `nomic`?");
    lsearch(&["model", "use", "nomik"]).exits(2).says("no encoder `nomik`");
    lsearch(&["model", "use", "nomic"]).ok();
    lsearch(&["model", "remove", "nomic"]).exits(2).says("model use monarch-32k-384");
    lsearch(&["model", "use", "monarch-32k-384"]).ok();
    lsearch(&["model", "remove", "nomic"]).ok();
    lsearch(&["model", "remove", "nomic"]).exits(2).says("no encoder `nomic`");
    lsearch(&["model", "remove", "monarch-32k-384"]).exits(2).says("stays");
    // A name in the file that is none is told with the way back.
    std::fs::write(desk.home().join("config.toml"), "encoder = \"gone\"\n").unwrap();
    desk.write("a.txt", note("the harbour"));
    lsearch(&["search", "--mode", "semantic", "x"]).exits(2);
    lsearch(&["doctor"]).exits(2);
}

#[test]
fn a_model_that_cannot_be_used_changes_nothing() {
    let desk = Desk::new();
    desk.write("a.txt", note("the harbour"));
    run(&desk, &["add", "docs", "--no-wait"]).ok();
    let before = desk.status();
    let cut = desk.home().join("cut");
    std::fs::create_dir_all(cut.join("onnx")).unwrap();
    for name in ["config.json", "tokenizer.json"] {
        std::fs::copy(family("bert").join(name), cut.join(name)).unwrap();
    }
    let graph = std::fs::read(family("bert").join("onnx/model.onnx")).unwrap();
    std::fs::write(cut.join("onnx/model.onnx"), &graph[..graph.len() / 2]).unwrap();
    run(&desk, &["model", "add", "cut"]).exits(2).says("cut short").says("nothing was changed");
    run(&desk, &["model", "add", "docs"]).exits(2).says("no config.json");
    run(&desk, &["model", "add", "nowhere"]).exits(2).says("no folder");
    run(&desk, &["model", "add", "cut", "--name", "../x"]).exits(2).says("letters, digits");
    assert_eq!(desk.status(), before);
    assert_eq!(desk.count("keyword"), 1);
}
