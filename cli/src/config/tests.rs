use proptest::prelude::*;

use super::*;

fn error(text: &str) -> String {
    File::of(text).config().unwrap_err().to_string()
}

fn config(text: &str) -> Config {
    File::of(text).config().unwrap()
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
    let error = error("# mine\nocr = true\nthread = 3\n");
    assert!(error.starts_with("config.toml:3: there is no key `thread`"), "{error}");
    assert!(error.contains("\n  thread = 3\n  ^^^^^^\n"), "{error}");
    assert!(error.contains("did you mean `threads`?"), "{error}");
}

#[test]
fn keys_left_out_keep_their_defaults() {
    let config = config("exclude = [\"*.log\"]\n");
    assert_eq!(config, Config { exclude: vec!["*.log".to_owned()], ..Config::default() });
}

#[test]
fn wrong_values_are_told_with_what_is_allowed() {
    for (text, line, allowed) in [
        ("device = \"gpu\"", 1, r#""auto", "cpu" or "cuda""#),
        ("\nthreads = -1", 2, "from 0 to 1024"),
        ("threads = \"2\"", 1, "from 0 to 1024"),
        ("max_file_mb = 0", 1, "from 1 to"),
        ("encode_share_percent = 101", 1, "from 1 to 100"),
        ("ocr = 1", 1, "true or false"),
        ("exclude = \"*.log\"", 1, "a list of patterns"),
        ("exclude = [1]", 1, "a list of patterns"),
        ("exclude = [\"a{b\"]", 1, "a{b"),
        ("[threads]\nx = 1", 1, "from 0 to 1024"),
        ("ocr_languages = \"--help\"", 1, "eng+deu"),
        ("ocr_languages = \"\"", 1, "eng+deu"),
        ("ocr_languages = \"eng+\"", 1, "eng+deu"),
        ("ocr_languages = \"eng deu\"", 1, "eng+deu"),
    ] {
        let error = error(text);
        assert!(error.starts_with(&format!("config.toml:{line}: ")), "{error}");
        assert!(error.contains(allowed), "{error}");
    }
    assert_eq!(config("ocr_languages = \"eng+chi_sim\"").ocr_languages, "eng+chi_sim");
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let error = error("threads = 2\nexclude = [\"a\"\nocr = true\n");
    assert!(
        error.starts_with("config.toml:3: ") || error.starts_with("config.toml:2: "),
        "{error}"
    );
}

#[test]
fn every_default_can_be_set_and_comes_back() {
    let defaults = Config::default();
    for key in &KEYS {
        let value = key.value(&defaults);
        let mut config = Config { threads: 7, ..Config::default() };
        key.set(&mut config, &value).unwrap();
        assert_eq!(key.value(&config).to_string(), value.to_string(), "{}", key.name);
        assert!(!key.takes().is_empty() && key.about.ends_with('.'), "{}", key.name);
    }
    let names: std::collections::BTreeSet<_> = KEYS.iter().map(|key| key.name).collect();
    assert_eq!(names.len(), KEYS.len());
}

#[test]
fn values_of_the_command_line_need_no_quotes() {
    let parse = |name: &str, words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        find(name).unwrap().parse(&words).map(|value| value.to_string())
    };
    assert_eq!(parse("device", &["cpu"]).unwrap(), "\"cpu\"");
    assert_eq!(parse("ocr", &["on"]).unwrap(), "true");
    assert_eq!(parse("max_file_mb", &["2_000"]).unwrap(), "2000");
    assert_eq!(parse("exclude", &["[\"*.log\", 'a b']"]).unwrap(), "[\"*.log\", 'a b']");
    assert_eq!(parse("exclude", &["*.log", "b/"]).unwrap(), "[\"*.log\", \"b/\"]");
    for (name, words) in [
        ("device", &["gpu"][..]),
        ("threads", &["many"]),
        ("ocr", &["true", "false"]),
        ("exclude", &["[1]"]),
    ] {
        assert!(parse(name, words).is_err(), "{name} {words:?}");
    }
}

#[test]
fn changes_keep_comments_and_order() {
    let text = "# Settings of mine.\n\n# as few as can be\nthreads = 2 # of 8\nocr = true\n";
    let changed = |change: &dyn Fn(&mut Edited)| {
        let mut edited = File::of(text).edit().unwrap();
        change(&mut edited);
        edited.text()
    };
    let threads = find("threads").unwrap();
    assert_eq!(
        changed(&|edited| edited.set(threads, 4.into())),
        text.replace("threads = 2", "threads = 4")
    );
    assert_eq!(
        changed(&|edited| edited.set(find("device").unwrap(), "cpu".into())),
        format!("{text}device = \"cpu\"\n")
    );
    assert_eq!(
        changed(&|edited| assert!(edited.unset("threads"))),
        "# Settings of mine.\n\nocr = true\n"
    );
    assert_eq!(changed(&|edited| assert!(!edited.unset("device"))), text);
    let mut last = File::of("# Mine.\n\nocr = true\n").edit().unwrap();
    assert!(last.unset("ocr"));
    assert_eq!(last.text(), "# Mine.\n\n");
}

#[test]
fn lists_grow_and_shrink_in_their_layout() {
    let exclude = find("exclude").unwrap();
    let list = |words: &[&str]| toml_edit::Array::from_iter(words.iter().copied());
    let mut edited = File::of("exclude = [\n  \"*.log\", # noise\n  \"a/\",\n]\n").edit().unwrap();
    edited.add(exclude, &list(&["a/", "b/"]));
    assert_eq!(edited.text(), "exclude = [\n  \"*.log\", # noise\n  \"a/\",\n  \"b/\",\n]\n");
    assert_eq!(edited.remove(exclude, &list(&["a/", "c/"])), ["c/"]);
    assert_eq!(edited.text(), "exclude = [\n  \"*.log\", # noise\n  \"b/\",\n]\n");
    let mut none = File::of("").edit().unwrap();
    none.add(exclude, &list(&["x"]));
    none.add(exclude, &list(&["y"]));
    assert_eq!(none.text(), "exclude = [\"x\", \"y\"]\n");
}

/// The table of `docs/CONFIG.md` is made from the one table of keys.
#[test]
fn the_documentation_has_every_key_as_it_is() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/CONFIG.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let defaults = Config::default();
    let mut table = "| key | default | takes | |\n|---|---|---|---|\n".to_owned();
    for key in &KEYS {
        let value = key.value(&defaults).to_string();
        table.push_str(&format!(
            "| `{}` | `{}` | {} | {} Takes effect {}. |\n",
            key.name,
            value.trim(),
            key.takes(),
            key.about,
            key.effect
        ));
    }
    assert!(docs.contains(&table), "docs/CONFIG.md should have this table:\n{table}");
}

proptest! {
    #[test]
    fn nothing_that_stands_in_a_file_panics(text in "[a-z_=\\[\\]\"#.\n é0-9]{0,80}") {
        let _ = File::of(&text).config();
        if let Ok(mut edited) = File::of(&text).edit() {
            edited.unset("ocr");
            edited.set(find("threads").unwrap(), 3.into());
            let _ = edited.text();
        }
    }

    #[test]
    fn what_was_set_is_read(threads in 0_i64..1024, exclude in prop::collection::vec("[a-z*é\"\\\\]{1,8}", 0..3)) {
        let mut edited = File::of("# a\n\nocr = true\n").edit().unwrap();
        edited.set(find("threads").unwrap(), threads.into());
        edited.add(find("exclude").unwrap(), &toml_edit::Array::from_iter(exclude.iter()));
        let read = File::of(&edited.text()).set().unwrap().config;
        prop_assert_eq!(read.threads, threads as u64);
        prop_assert!(read.ocr);
    }
}
