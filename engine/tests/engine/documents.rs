//! Documents and queries through a whole encoder.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use lsearch_engine::{Encoder, EncoderOptions, EngineError, combine};

use crate::support::*;

/// Paragraphs of a text, without the empty lines between.
fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut passages = Vec::new();
    for part in text.split("\n\n") {
        passages.push(start..start + part.len());
        start += part.len() + 2;
    }
    passages
}

const STORY: &str = "The ferry crosses the river before evening.\n\n\
    Snow falls on the harbour and the old bridge.\n\n\
    Every boat waits for the tide.";

/// The tiny bundle with another `mode`, and its folder, from which graphs are opened as they are needed.
fn tiny_with(change: impl FnOnce(&mut serde_json::Value)) -> (Encoder, tempfile::TempDir) {
    tiny_with_manifest(|manifest| change(&mut manifest["mode"]))
}

fn tiny_with_manifest(change: impl FnOnce(&mut serde_json::Value)) -> (Encoder, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["model-short.onnx", "model.onnx", "weights.bin", "tokenizer.json"] {
        fs_err::copy(tiny_folder().join(name), folder.path().join(name)).unwrap();
    }
    let manifest = fs_err::read_to_string(tiny_folder().join("manifest.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    change(&mut manifest);
    fs_err::write(folder.path().join("manifest.json"), manifest.to_string()).unwrap();
    (open(folder.path(), EncoderOptions::default()), folder)
}

#[test]
fn padding_and_company_do_not_change_a_vector() {
    // Alone, each text runs in the bucket of its length; together with others of its bucket it is
    // a row of a batch.
    let texts = ["boat", "the ferry reads a map", "cold rain", STORY, "every bell in the west"];
    let alone: Vec<_> =
        texts.iter().map(|text| document(&TINY, text, &[0..text.len()]).0).collect();
    let wide = open(&tiny_folder(), EncoderOptions { batch_tokens: 4096, ..Default::default() });
    let all: Vec<_> =
        texts.iter().flat_map(|text| sections(&wide, text, &[0..text.len()])).collect();
    for (vectors, alone) in encode(&wide, &all).iter().zip(&alone) {
        let together = combine(&[(vectors.tokens, &vectors.mean)]);
        assert!(largest_difference(&together, alone) < 1e-5);
    }

    // The same text in ever larger buckets.
    for buckets in ["[32, 64, 128]", "[64, 128]", "[128]"] {
        let (encoder, _folder) =
            tiny_with(|mode| mode["buckets"] = serde_json::from_str(buckets).unwrap());
        for (text, alone) in texts.iter().zip(&alone) {
            let (vector, _) = document(&encoder, text, &[0..text.len()]);
            assert!(largest_difference(&vector, alone) < 1e-5, "{buckets}: {text}");
        }
    }
}

/// A run that the machine has no memory for would end the process; it is refused, and only that run is.
#[cfg(target_os = "linux")]
#[test]
fn a_run_beyond_the_free_memory_is_not_begun() {
    let (encoder, _folder) = tiny_with_manifest(|manifest| {
        for graph in manifest["graphs"].as_array_mut().unwrap() {
            graph["memory"] = serde_json::json!({"run_bytes": 0, "token_bytes": 1_u64 << 42});
        }
    });
    let error = encoder.encode_query("a boat").unwrap_err();
    assert!(matches!(error, EngineError::MemoryShort { needed, free, .. } if needed > free));
    let message = error.to_string();
    assert!(message.contains("MB of memory") && message.contains("are free"), "{message}");

    // What fits runs: the batch is halved until it does.
    let (encoder, _folder) = tiny_with_manifest(|manifest| {
        for graph in manifest["graphs"].as_array_mut().unwrap() {
            graph["memory"] = serde_json::json!({"run_bytes": 0, "token_bytes": 1});
        }
    });
    let (vector, _) = document(&encoder, STORY, &paragraphs(STORY));
    assert!(largest_difference(&vector, &document(&TINY, STORY, &paragraphs(STORY)).0) < 1e-6);
}

#[test]
fn equal_windows_in_one_run_give_what_they_give_alone() {
    let wide = EncoderOptions { batch_tokens: 4096, ..Default::default() };
    let wide = open(&windowed_folder(), wide);
    let text = "tide gauge and harbour clock ".repeat(200);
    let passages = [0..text.len() / 2, text.len() / 2..text.len()];
    let (one, one_passages) = document(&WINDOWED, &text, &passages);
    let (other, other_passages) = document(&wide, &text, &passages);
    assert!(cosine(&one, &other) > 0.99999);
    for (a, b) in one_passages.iter().zip(&other_passages) {
        assert!(cosine(a, b) > 0.99999);
    }
}

#[test]
fn a_document_taken_up_in_the_middle_gives_the_same_sections() {
    let text = [STORY; 8].join("\n\n");
    let passages = paragraphs(&text);
    let all = sections(&TINY, &text, &passages);
    assert!(all.len() > 1);
    let resumed = TINY.next_section(&text, &passages, all[1].passages.start).unwrap().unwrap();
    assert_eq!((&resumed.bytes, &resumed.passages), (&all[1].bytes, &all[1].passages));
    let (one, other) = (encode(&TINY, &all[1..2]), encode(&TINY, &[resumed]));
    assert!(largest_difference(&one[0].mean, &other[0].mean) < 1e-6);
    // Sections encoded one by one or all together are the same.
    let together = encode(&TINY, &all);
    let apart: Vec<_> = all.iter().flat_map(|s| encode(&TINY, std::slice::from_ref(s))).collect();
    for (a, b) in together.iter().zip(&apart) {
        assert_eq!(a.tokens, b.tokens);
        assert!(largest_difference(&a.mean, &b.mean) < 1e-5);
    }
}

#[test]
fn a_passage_longer_than_a_section_has_one_vector_over_all_its_windows() {
    let long = "the boat waits for the tide and the ferry returns ".repeat(40);
    let text = format!("snow\n\n{long}\n\nfog");
    let passages = [0..4, 6..6 + long.len(), text.len() - 3..text.len()];
    let cut = sections(&TINY, &text, &passages);
    assert_eq!(cut.len(), 3);
    assert_eq!(cut[1].tokens(), 400);
    let vectors = encode(&TINY, &cut);
    // 400 tokens in windows of 125, with three special tokens each.
    assert_eq!(vectors[1].tokens, 400 + 4 * 3);
    assert_eq!(vectors[1].passages.len(), 1);
    assert!((length(&vectors[1].passages[0]) - 1.0).abs() < 1e-5);
}

#[test]
fn overlapping_sequences_count_each_token_once_and_see_more() {
    let text = "the boat waits for the tide and the ferry returns ".repeat(40);
    let passages = [0..50 * 15, 50 * 15..text.len()];
    let (encoder, _folder) = tiny_with(|mode| mode["overlap_tokens"] = 25.into());
    let vectors = encode(&encoder, &sections(&encoder, &text, &passages));
    let plain = encode(&TINY, &sections(&TINY, &text, &passages));
    // 150 and 250 tokens in sequences of 125 that share 25, with three special tokens each.
    let tokens: Vec<_> = vectors.iter().map(|section| section.tokens).collect();
    assert_eq!(tokens, [150 + 2 * 3, 250 + 3 * 3]);
    for (overlapping, plain) in vectors.iter().zip(&plain) {
        assert!(cosine(&overlapping.mean, &plain.mean) > 0.9);
        assert!(largest_difference(&overlapping.mean, &plain.mean) > 1e-5);
    }
}

#[test]
fn a_passage_without_tokens_has_the_vector_of_its_section() {
    let text = "boat and rope\u{1}\u{2}\u{200B}clock";
    let control = 13..text.len() - 5;
    let passages = [0..13, control, text.len() - 5..text.len()];
    let vectors = encode(&WINDOWED, &sections(&WINDOWED, text, &passages));
    let section = combine(&[(vectors[0].tokens, &vectors[0].mean)]);
    assert!(largest_difference(&vectors[0].passages[1], &section) < 1e-6);
    assert!(cosine(&vectors[0].passages[0], &section) < 0.9999);

    // A document of nothing but control characters still has a vector.
    let (document, passages) = document(&WINDOWED, "\u{1}\u{2}", &[0..1, 1..2]);
    assert!((length(&document) - 1.0).abs() < 1e-5);
    assert_eq!(passages.len(), 2);
}

#[test]
fn a_query_longer_than_a_window_is_read_to_its_end() {
    let question = "where does the ferry wait for the tide ".repeat(80);
    let with_end = format!("{question} and who repairs the harbour clock");
    let (short, long) =
        (WINDOWED.encode_query(&question).unwrap(), WINDOWED.encode_query(&with_end).unwrap());
    assert!((length(&long) - 1.0).abs() < 1e-5);
    assert!(cosine(&short, &long) < 0.9999);
}

#[test]
fn special_tokens_written_in_a_text_change_little_and_break_nothing() {
    let text = "How to write [CLS] and [SEP] and [PAD] tokens";
    let (vector, _) = document(&MONARCH, text, &[0..text.len()]);
    assert!((length(&vector) - 1.0).abs() < 1e-5);
    let plain = MONARCH.encode_query("How to write cls and sep and pad tokens").unwrap();
    assert!(cosine(&vector, &plain) > 0.6);
}

#[test]
fn meaning_beats_words() {
    let query = MONARCH.encode_query("ending a lease early").unwrap();
    let near = MONARCH.encode_query("terminating the tenancy before its term").unwrap();
    let far = MONARCH.encode_query("early ending of the lease painting by the sea").unwrap();
    let unrelated = MONARCH.encode_query("photosynthesis in green algae").unwrap();
    assert!(cosine(&query, &near) > cosine(&query, &unrelated) + 0.3);
    assert!(cosine(&query, &far) > cosine(&query, &unrelated));
}

#[test]
fn progress_counts_every_pooled_token_and_never_falls() {
    let text = "tide ".repeat(2000);
    let cut = sections(&WINDOWED, &text, &[0..text.len()]);
    let heard = RefCell::new(Vec::new());
    let vectors = WINDOWED
        .encode_sections(&cut, &|| false, &|tokens| heard.borrow_mut().push(tokens))
        .unwrap();
    let heard = heard.into_inner();
    assert!(heard.len() > 1 && heard.is_sorted(), "{heard:?}");
    assert_eq!(heard.last(), Some(&vectors[0].tokens));
}

#[test]
fn cancelling_stops_between_runs_and_the_encoder_lives_on() {
    let text = "tide ".repeat(20_000);
    let cut = sections(&WINDOWED, &text, &[0..text.len()]);
    let runs = Cell::new(0);
    let error = WINDOWED
        .encode_sections(&cut, &|| runs.get() >= 2, &|_| runs.set(runs.get() + 1))
        .unwrap_err();
    assert!(matches!(error, EngineError::Cancelled), "{error}");
    assert!(runs.get() < 10, "{} of 68 windows ran", runs.get());
    assert!(matches!(
        WINDOWED.encode_sections(&cut, &|| true, &|_| panic!("nothing may run")),
        Err(EngineError::Cancelled)
    ));
    assert!(WINDOWED.encode_query("still here").is_ok());
}

#[test]
fn cancelling_breaks_off_a_run_in_its_middle_and_the_encoder_lives_on() {
    let encoder = open(&monarch_folder(), EncoderOptions::default());
    let text = "the tide ".repeat(4000);
    let cut = sections(&encoder, &text, &[0..text.len()]);
    // Asked once before the run, then every few milliseconds while it goes on, for a second or two.
    let asked = Cell::new(0);
    let cancel = || {
        asked.set(asked.get() + 1);
        asked.get() > 3
    };
    let error = encoder.encode_sections(&cut, &cancel, &|_| panic!("no run may end")).unwrap_err();
    assert!(matches!(error, EngineError::Cancelled), "{error}");
    assert!(encoder.encode_query("still here").is_ok());
}

#[test]
fn queries_are_answered_while_a_document_is_encoded() {
    for separate_queries in [false, true] {
        let options = EncoderOptions { separate_queries, threads: 1, ..Default::default() };
        let encoder = open(&windowed_folder(), options);
        let text = "tide ".repeat(6000);
        let cut = sections(&encoder, &text, &[0..text.len()]);
        let expected = WINDOWED.encode_query("harbour clock").unwrap();
        let stop = AtomicBool::new(false);
        let cancelled = || stop.load(Ordering::Relaxed);
        let (begun, first_run) = mpsc::channel();
        let (queries, error) = std::thread::scope(|scope| {
            // Over and over, so that it goes on for as long as the queries take.
            let document = scope.spawn(|| {
                // Gone with the thread, so that nobody waits for one that failed.
                let begun = begun;
                let tell = |_| begun.send(()).unwrap();
                loop {
                    if let Err(error) = encoder.encode_sections(&cut, &cancelled, &tell) {
                        return error;
                    }
                }
            });
            first_run.recv().unwrap();
            let queries: Vec<_> = (0..3).map(|_| encoder.encode_query("harbour clock")).collect();
            stop.store(true, Ordering::Relaxed);
            (queries, document.join().unwrap())
        });
        // Cancelled, not failed.
        assert!(matches!(error, EngineError::Cancelled), "{error}");
        for query in queries {
            assert!(cosine(&query.unwrap(), &expected) > 0.99999);
        }
    }
}

#[test]
fn an_encoder_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&*WINDOWED);
}

#[test]
fn no_sections_are_no_vectors() {
    assert!(encode(&TINY, &[]).is_empty());
    assert!(TINY.next_section("text", &[], 0).unwrap().is_none());
}
