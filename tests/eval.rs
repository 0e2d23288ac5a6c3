//! `lsearch eval` on a collection small enough to know the answer.

use crate::common::Desk;

fn collection(desk: &Desk) {
    let corpus = [
        ("d1", "Tides", "The tide rises twice a day along this coast and falls as often."),
        ("d2", "", "Bread needs flour, water, salt and time; the oven should be hot."),
        ("d3", "", "The railway crosses the valley on a viaduct of forty arches."),
    ];
    let lines: String = corpus
        .iter()
        .map(|(id, title, text)| {
            serde_json::json!({"_id": id, "title": title, "text": text}).to_string() + "\n"
        })
        .collect();
    desk.write("small/corpus.jsonl", lines);
    let ask = [
        ("q1", "how often does the tide rise"),
        ("q2", "viaduct arches"),
        ("q3", "quoted \"oven hot words"),
    ];
    let lines: String = ask
        .iter()
        .map(|(id, text)| serde_json::json!({"_id": id, "text": text}).to_string() + "\n")
        .collect();
    desk.write("small/ask/queries.jsonl", lines);
    desk.write(
        "small/ask/qrels.tsv",
        "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td3\t1\nq3\td2\t1\n",
    );
}

#[test]
fn scores_the_modes_and_keeps_the_encoded_collection() {
    let desk = Desk::new();
    collection(&desk);
    let report = desk.run(["eval", "docs/small", "--json", "--cache-dir", "cache"]).ok();
    assert!(report.stderr.contains("3 documents encoded"), "{}", report.stderr);
    let report = report.json();
    assert_eq!(report["tasks"].as_array().unwrap().len(), 3, "{report:#}");
    for task in report["tasks"].as_array().unwrap() {
        assert_eq!((task["queries"].as_u64(), task["documents"].as_u64()), (Some(3), Some(3)));
        assert_eq!(task["ndcg_at_10"], 1.0, "{task:#}");
        assert_eq!(task["accuracy_at_1"], 1.0, "{task:#}");
    }
    assert_eq!(report["mean_ndcg_at_10"], 1.0, "a number: {report:#}");
    assert_eq!(report["modes"].as_array().unwrap().len(), 3, "{report:#}");
    let again = desk.run(["eval", "docs", "--mode", "hybrid", "--cache-dir", "cache"]).ok();
    assert!(!again.stderr.contains("encoded"), "{}", again.stderr);
    assert!(
        again.stdout.contains("small/ask") && again.stdout.contains("100.0"),
        "{}",
        again.stdout
    );
}

#[test]
fn two_settings_are_compared_and_answers_looked_for() {
    let desk = Desk::new();
    collection(&desk);
    let answers = [("q1", "twice a day"), ("q2", "of stone")];
    let lines: String = answers
        .iter()
        .map(|(id, text)| serde_json::json!({"_id": id, "answers": [text]}).to_string() + "\n")
        .collect();
    desk.write("small/ask/answers.jsonl", lines);
    let eval = ["eval", "docs/small", "--json", "--mode", "keyword", "--cache-dir", "cache"];
    let first = desk.run([&eval[..], &["--save", "before.jsonl", "--runs", "runs"]].concat()).ok();
    let task = &first.json()["tasks"][0];
    assert_eq!(task["answered"], 0.5, "one passage of two holds its answer: {task:#}");
    assert!(task["against"].is_null(), "{task:#}");
    let read = |name: &str| std::fs::read_to_string(desk.home().join(name)).unwrap();
    let run = read("runs/small.ask.keyword.run");
    assert!(run.lines().any(|line| line.starts_with("q1 Q0 d1 1 ")), "{run}");

    let before = read("before.jsonl");
    assert_eq!(before.lines().count(), 3, "{before}");
    let lower = before.replacen("\"ndcg_at_10\":1.0", "\"ndcg_at_10\":0.5", 1);
    std::fs::write(desk.home().join("before.jsonl"), lower).unwrap();
    let second = desk.run([&eval[..], &["--against", "before.jsonl"]].concat()).ok().json();
    let against = &second["tasks"][0]["against"];
    assert_eq!((against["better"].as_u64(), against["worse"].as_u64()), (Some(1), Some(0)));
    assert_eq!(against["p"], 1.0, "one query alone tells nothing: {against:#}");
}

#[test]
fn a_folder_without_a_collection_is_told_so() {
    let desk = Desk::new();
    desk.run(["eval", "docs"]).exits(2).says("no collection").says("corpus.jsonl");
    desk.run(["eval", "nowhere"]).exits(2).says("nowhere");
    collection(&desk);
    desk.write("small/ask/qrels.tsv", "query-id\tcorpus-id\tscore\nq1 d1 1\n");
    desk.run(["eval", "docs"]).exits(2).says("qrels.tsv:2");
    desk.run(["eval", "docs", "--against", "nowhere.jsonl"]).exits(2).says("nowhere.jsonl");
}
