//! `lsearch search`: the query language, the filters, the outputs.

use std::time::{Duration, SystemTime};

use crate::common::{Desk, note};

fn desk_of_notes() -> Desk {
    let desk = Desk::new();
    desk.write("harbour.txt", note("the harbour"));
    desk.write("lighthouse.md", format!("# The lighthouse\n\n{}", note("the lighthouse keeper")));
    desk.write("code/tide.rs", "/// Height of the tide in metres.\nfn tide_height(hour: u32) -> f64 {\n    f64::from(hour)\n}\n");
    desk.run(["add", "docs", "--no-wait"]).ok();
    desk
}

#[test]
fn found_is_0_nothing_is_1_wrong_is_2() {
    let desk = desk_of_notes();
    desk.run(["search", "--mode", "keyword", "harbour"]).exits(0);
    let nothing = desk.run(["search", "--mode", "keyword", "xylophone"]).exits(1);
    assert_eq!(nothing.stdout, "");
    assert!(nothing.stderr.contains("nothing found"), "{}", nothing.stderr);
    desk.run(["search", "--mode", "loud", "harbour"]).exits(2);
}

#[test]
fn phrases_must_stand_exclusions_must_not() {
    let desk = desk_of_notes();
    assert_eq!(desk.find("\"lighthouse keeper\""), ["lighthouse.md"]);
    assert!(desk.find("\"keeper lighthouse\"").is_empty());
    let without = desk.find("notes -harbour");
    assert!(
        without.contains(&"lighthouse.md".to_owned())
            && !without.contains(&"harbour.txt".to_owned())
    );
}

#[test]
fn filters_by_path_and_type() {
    let desk = desk_of_notes();
    assert_eq!(desk.find("type:rust tide"), ["code/tide.rs"]);
    assert_eq!(
        desk.find_with(&["--mode", "keyword", "--type", "markdown,pdf"], "notes"),
        ["lighthouse.md"]
    );
    assert_eq!(
        desk.find_with(&["--mode", "keyword", "--path", "**/harbour*"], "notes"),
        ["harbour.txt"]
    );
    assert!(desk.find_with(&["--mode", "keyword", "--path", "elsewhere/**"], "notes").is_empty());
}

#[test]
fn filters_by_day() {
    let desk = desk_of_notes();
    let old = desk.write("old.txt", note("the old jetty"));
    let day = SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000); // 2017-07-14
    std::fs::File::options().write(true).open(old).unwrap().set_modified(day).unwrap();
    desk.run(["add", "--no-wait"]).ok();
    assert_eq!(desk.find_with(&["--mode", "keyword", "--before", "2018"], "notes"), ["old.txt"]);
    assert!(!desk.find("notes after:2018").contains(&"old.txt".to_owned()));
    assert_eq!(desk.find("notes after:2017-07-14 before:2017-07-15"), ["old.txt"]);
    desk.run(["search", "--after", "yesteryear", "notes"]).exits(2).says("yesteryear");
}

#[test]
fn identifiers_are_found_whole_and_in_parts() {
    let desk = desk_of_notes();
    assert_eq!(desk.find("tide_height"), ["code/tide.rs"]);
    assert_eq!(desk.find("height"), ["code/tide.rs"]);
}

#[test]
fn a_path_finds_its_file_first() {
    let desk = desk_of_notes();
    desk.write("index/Cargo.toml", "[package]\nname = \"index\"\n");
    desk.write("lock.txt", "index index Cargo.toml cargo toml index\n".repeat(9));
    desk.run(["add", "--no-wait"]).ok();
    for query in ["Cargo.toml", "index/Cargo.toml", "cargo.toml"] {
        assert_eq!(desk.find(query)[0], "index/Cargo.toml", "{query}");
    }
    assert_eq!(desk.find("tide.rs")[0], "code/tide.rs");
}

#[test]
fn json_has_the_shape_of_the_contract() {
    let desk = desk_of_notes();
    let results = desk.run(["search", "--json", "--mode", "keyword", "harbour"]).ok().json();
    for key in ["query", "mode", "took_ms", "total", "hits"] {
        assert!(!results[key].is_null(), "no {key} in {results:#}");
    }
    let hit = &results["hits"][0];
    for key in ["rank", "id", "path", "title", "type", "modified", "score"] {
        assert!(!hit[key].is_null(), "no {key} in {hit:#}");
    }
    assert!(hit["scores"]["keyword"].is_number() && hit["scores"]["document"].is_null());
    let passage = &hit["passage"];
    assert!(passage["text"].as_str().unwrap().contains("harbour"), "{passage:#}");
    assert_eq!(passage["line"], 1);
    assert!(passage["end"].as_u64() > passage["start"].as_u64());
}

#[test]
fn json_lines_and_paths_hold_one_hit_each() {
    let desk = desk_of_notes();
    let lines = desk.run(["search", "--jsonl", "--mode", "keyword", "notes"]).ok().stdout;
    assert_eq!(lines.lines().count(), 2);
    for line in lines.lines() {
        let hit: serde_json::Value = serde_json::from_str(line).expect("JSON on each line");
        assert!(hit["path"].is_string());
    }
    let paths = desk.run(["search", "-l", "-n", "1", "--mode", "keyword", "notes"]).ok().stdout;
    assert_eq!(paths.lines().count(), 1);
    assert!(std::path::Path::new(paths.trim_end()).is_file(), "{paths}");
}

#[test]
fn output_for_people_names_place_and_marks_nothing_without_a_terminal() {
    let desk = desk_of_notes();
    let shown = desk.run(["search", "--mode", "keyword", "tide_height"]).ok().stdout;
    assert!(!shown.contains('\x1b'), "{shown:?}");
    let home = desk.home().to_string_lossy().into_owned();
    // Which file is read first, and so which number it gets, is up to the threads that read them.
    let number: String = shown
        .split_once('#')
        .expect("a number")
        .1
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let shown = shown.replace(&home, "~").replace(&format!("#{number}"), "#N");
    insta::assert_snapshot!("search_for_people", shown);
}

#[test]
fn explain_shows_every_signal() {
    let desk = Desk::new();
    desk.write("harbour.txt", note("the harbour"));
    desk.write("bread.txt", note("baking bread"));
    desk.add();
    let shown = desk.run(["search", "--explain", "harbour"]).ok().stdout;
    for signal in ["keyword", "document", "passage", "(rank 1, z +", " × 0.3)", "named exactly"] {
        assert!(shown.contains(signal), "no {signal} in:\n{shown}");
    }
    let hit = &desk.run(["search", "--explain", "--json", "harbour"]).ok().json()["hits"][0];
    let explained = &hit["explained"];
    assert_eq!(explained["ranks"]["document"], 1);
    assert_eq!(explained["weights"]["keyword"], 1.0);
    assert_eq!(explained["exact_name"], true);
    assert!(explained["standardised"]["passage"].is_number(), "{explained:#}");
    // In its terms the score is the weighted sum.
    let sum: f64 = ["keyword", "document", "passage"]
        .map(|name| {
            let number = |part: &str| explained[part][name].as_f64().expect("a number");
            number("standardised") * number("weights")
        })
        .iter()
        .sum();
    assert!((sum - hit["score"].as_f64().unwrap()).abs() < 1e-3, "{hit:#}");
}

#[test]
fn meaning_finds_what_shares_no_word() {
    let desk = Desk::new();
    desk.write(
        "a.txt",
        "The physician examined the child and prescribed an antibiotic for the infection.\n",
    );
    desk.write(
        "b.txt",
        "The mason laid bricks along the garden and mixed more mortar after lunch.\n",
    );
    desk.write(
        "c.txt",
        "Quarterly revenue fell because two large customers cancelled their subscriptions.\n",
    );
    desk.add();
    assert_eq!(desk.find_with(&["--mode", "semantic"], "a doctor treating a sick kid")[0], "a.txt");
    assert_eq!(desk.find_with(&[], "business lost income when clients left")[0], "c.txt");
}

#[test]
fn copies_are_shown_once_unless_all_are_wanted() {
    let desk = Desk::new();
    desk.write("one.txt", note("the harbour"));
    desk.write("copy/two.txt", note("the harbour"));
    desk.run(["add", "docs", "--no-wait"]).ok();
    let once = desk.run(["search", "--json", "--mode", "keyword", "harbour"]).ok().json();
    assert_eq!(once["hits"].as_array().unwrap().len(), 1);
    assert_eq!(once["hits"][0]["also_at"].as_array().unwrap().len(), 1);
    assert_eq!(desk.find_with(&["--mode", "keyword", "--all"], "harbour").len(), 2);
}

#[test]
fn neighbouring_passages_on_request() {
    let desk = Desk::new();
    let mut text = String::new();
    for number in 0..40 {
        text.push_str(&format!("Paragraph {number} goes on for a while about the weather of day {number}, its winds, its clouds and its rain, so that a passage is soon full and another one has to begin after it. {}\n\n", "Nothing else happened. ".repeat(12)));
    }
    text = text.replace("about the weather of day 20,", "about the zeppelin of day 20,");
    desk.write("long.txt", &text);
    desk.run(["add", "docs", "--no-wait"]).ok();
    let alone = desk.run(["search", "--mode", "keyword", "zeppelin"]).ok().stdout;
    let around = desk.run(["search", "--mode", "keyword", "-C", "1", "zeppelin"]).ok().stdout;
    assert!(around.len() > alone.len());
    assert!(around.contains("Paragraph 18") || around.contains("Paragraph 17"), "{around}");
    assert!(!around.contains("Paragraph 3 "), "{around}");
}

#[test]
fn patterns_and_tildes_find_words_spelt_so() {
    let desk = desk_of_notes();
    assert_eq!(desk.find("lightho*"), ["lighthouse.md"]);
    assert_eq!(desk.find("l?ghthouse"), ["lighthouse.md"]);
    assert_eq!(desk.find("title:harb*"), ["harbour.txt"]);
    assert_eq!(desk.find("notes -harb*"), ["lighthouse.md"]);
    assert_eq!(desk.find("haborur~2"), ["harbour.txt"]);
    desk.run(["search", "--mode", "keyword", "zebr*"]).exits(1).says("spelt like zebr*");
}

#[test]
fn words_that_no_document_has_are_corrected_and_told() {
    let desk = desk_of_notes();
    let found = desk.run(["search", "--json", "--mode", "keyword", "lighthuose keeper"]).ok();
    let results = found.json();
    assert_eq!(desk.relative(&results), ["lighthouse.md"]);
    let correction = &results["corrections"][0];
    assert_eq!(correction["written"], "lighthuose");
    assert_eq!(correction["meant"], "lighthouse");
    assert_eq!(correction["searched"], true);
    found.says("no document has “lighthuose”: searched for “lighthouse”");
    let quoted = desk.run(["search", "--mode", "keyword", "\"lighthuose\""]).exits(1);
    quoted.does_not_say("lighthouse”");
    let right = desk.run(["search", "--json", "--mode", "keyword", "lighthouse"]).ok().json();
    assert!(right["corrections"].is_null());
}

#[test]
fn errors_and_warnings_point_at_the_place() {
    let desk = desk_of_notes();
    let mut said = String::new();
    for (query, code) in [
        ("harbour type:pfd", 2),
        ("harbour type:zebra", 2),
        ("harbour after:someday", 2),
        ("harbour -after:2024", 2),
        ("harbour path:[a", 2),
        ("harbour title:*", 2),
        ("*", 2),
        ("-draft type:pdf", 2),
        ("type:pdf", 2),
        ("", 2),
        ("harbour \"the keeper", 0),
        ("harbour tittle:notes", 0),
        ("harbour title: notes", 0),
        ("harbour *.rs", 0),
        ("harbour x after:2024 before:2023", 1),
    ] {
        let ran = desk.run(["search", "--mode", "keyword", "--", query]).exits(code);
        said.push_str(&format!("$ lsearch search '{query}'\n{}\n", ran.stderr));
    }
    insta::assert_snapshot!("search_errors", said);
    desk.run(["search", "--type", "pfd", "harbour"]).exits(2).says("did you mean pdf?");
    // Known, though no document here is one; and an extension that documents have.
    desk.run(["search", "--mode", "keyword", "--type", "docx", "harbour"]).exits(1);
    desk.write("log.harbourlog", note("the harbour's log"));
    desk.run(["add", "--no-wait"]).ok();
    assert_eq!(desk.find("notes type:harbourlog"), ["log.harbourlog"]);
}
