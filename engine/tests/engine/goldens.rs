//! Against vectors that independent implementations made.

use std::ops::Range;

use lsearch_engine::{Bundle, Encoder, Section, Verify};
use serde_json::Value;

use crate::support::*;

fn ranges(passages: &Value) -> Vec<Range<usize>> {
    let passages = passages.as_array().unwrap();
    passages.iter().map(|p| number(&p["start"])..number(&p["end"])).collect()
}

/// Whether a document was cut into the sections that the reference cuts it into.
fn assert_cut_as(cut: &[Section], expected: &[Value]) {
    assert_eq!(cut.len(), expected.len());
    for (section, expected) in cut.iter().zip(expected) {
        assert_eq!(section.passages.start, number(&expected["first_passage"]));
        assert_eq!(section.passages.end, number(&expected["end_passage"]));
        assert_eq!(section.tokens(), number(&expected["tokens"]));
    }
}

/// A BERT in numpy, which shares no code with the graphs. Some of the texts are longer than a window.
#[test]
fn a_windowed_bundle_agrees_with_its_reference_on_short_texts() {
    let golden = golden("tiny-windows.json");
    for case in golden["texts"].as_array().unwrap() {
        let (name, text) = (&case["name"], case["text"].as_str().unwrap());
        let expected = vector(&case["vector"]);
        assert_eq!(WINDOWED.count_tokens(text).unwrap(), case["ids"].as_array().unwrap().len());
        let query = WINDOWED.encode_query(text).unwrap();
        assert!(largest_difference(&query, &expected) < 1e-5, "{name}");
        assert!((length(&query) - 1.0).abs() < 1e-5, "{name}");
        let (document, passages) = document(&WINDOWED, text, &[0..text.len()]);
        assert!(largest_difference(&document, &expected) < 1e-5, "{name}");
        assert_eq!(passages.len(), 1, "{name}");
    }
}

#[test]
fn a_windowed_bundle_agrees_with_its_reference_on_a_long_document() {
    let golden = golden("tiny-windows.json");
    let long = &golden["long"];
    let file = engine_folder().join("tests/golden").join(long["file"].as_str().unwrap());
    let text = fs_err::read_to_string(file).unwrap();
    let passages = ranges(&long["passages"]);
    let cut = sections(&WINDOWED, &text, &passages);
    assert_eq!(cut.iter().map(Section::tokens).sum::<usize>(), number(&long["tokens"]));
    let expected = long["sections"].as_array().unwrap();
    assert_cut_as(&cut, expected);
    for (vectors, expected) in encode(&WINDOWED, &cut).iter().zip(expected) {
        // Three special tokens a window.
        assert_eq!(vectors.tokens, number(&expected["tokens"]) + 3 * number(&expected["windows"]));
        assert!(largest_difference(&vectors.mean, &vector(&expected["mean"])) < 1e-5);
    }
    let (document, found) = document(&WINDOWED, &text, &passages);
    assert!(largest_difference(&document, &vector(&long["vector"])) < 1e-5);
    assert_eq!(found.len(), passages.len());
    for (index, expected) in long["passages"].as_array().unwrap().iter().enumerate() {
        let found = &found[index];
        let difference = largest_difference(found, &vector(&expected["vector"]));
        assert!(difference < 1e-5, "passage {index}: {difference}");
        assert!((length(found) - 1.0).abs() < 1e-5, "passage {index}");
    }
}

/// Compares an encoder with the PyTorch model of the same weights, at lengths of up to `longest` on both
/// sides of the borders between graphs and chunks. The model pads to other lengths than the engine:
/// agreement also says that padding changes nothing.
fn agrees_with_its_model(encoder: &Encoder, longest: usize, (least, least_passage): (f64, f64)) {
    let golden = golden("monarch.json");
    let file = engine_folder().join("tests/golden").join(golden["file"].as_str().unwrap());
    let text = fs_err::read_to_string(file).unwrap().repeat(number(&golden["times"]));
    let cases = golden["cases"].as_array().unwrap().iter();
    let cases: Vec<_> = cases.filter(|case| number(&case["tokens"]) <= longest).collect();
    assert!(!cases.is_empty());
    for case in cases {
        let (tokens, text) = (number(&case["tokens"]), &text[..number(&case["bytes"])]);
        assert_eq!(encoder.count_tokens(text).unwrap(), tokens);
        let (document, passages) = document(encoder, text, &ranges(&case["passages"]));
        let similarity = cosine(&document, &vector(&case["vector"]));
        assert!(similarity > least, "{tokens} tokens: {similarity}");
        let expected = case["passages"].as_array().unwrap();
        assert_eq!(passages.len(), expected.len());
        for (found, expected) in passages.iter().zip(expected) {
            let similarity = cosine(found, &vector(&expected["vector"]));
            assert!(similarity > least_passage, "a passage of {tokens} tokens: {similarity}");
        }
        if let Some(expected) = case.get("query") {
            let query = encoder.encode_query(text).unwrap();
            let similarity = cosine(&query, &vector(expected));
            assert!(similarity > least, "{tokens} tokens as a query: {similarity}");
        }
    }
}

#[test]
fn monarch_in_fp32_agrees_with_its_model_from_one_token_to_32k() {
    agrees_with_its_model(&MONARCH_EXACT, 32_766, (0.9999, 0.9999));
}

/// As it is shipped for CPUs, most of its products in 8-bit integers. The text has passages of rare
/// scripts, whose values are unlike those that the steps were made for.
#[test]
fn monarch_as_shipped_is_close_to_its_model() {
    let bundle = Bundle::open(&monarch_folder(), Verify::Full).unwrap();
    let golden = golden("monarch.json");
    assert_eq!(bundle.fingerprint(), golden["fingerprint"].as_str().unwrap());
    agrees_with_its_model(&MONARCH, 8_191, (0.998, 0.99));
}

/// Sequences of one bucket run together: a shorter one is padded, and sees nothing of its neighbours.
#[test]
fn monarch_gives_the_same_vectors_alone_and_in_company() {
    let texts = ["boats and tides ".repeat(45), "a lease of land ".repeat(60), "fog ".repeat(200)];
    let passages = |text: &str| [0..text.len() / 2, text.len() / 2..text.len()];
    // In integers a last digit may be rounded the other way; what was rounded must not depend on others.
    for (encoder, least) in [(&MONARCH_EXACT, 0.999_999), (&MONARCH, 0.9999)] {
        let cut: Vec<_> =
            texts.iter().flat_map(|text| sections(encoder, text, &passages(text))).collect();
        let together = encode(encoder, &cut);
        for (section, expected) in cut.iter().zip(&together) {
            let alone = &encode(encoder, std::slice::from_ref(section))[0];
            assert!(cosine(&alone.mean, &expected.mean) > least);
            for (a, b) in alone.passages.iter().zip(&expected.passages) {
                assert!(cosine(a, b) > least);
            }
        }
    }
}

#[test]
fn a_whole_document_bundle_agrees_with_its_reference_in_every_bucket() {
    let golden = golden("tiny-whole.json");
    for case in golden["texts"].as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let (document, _) = document(&TINY, text, &[0..text.len()]);
        let difference = largest_difference(&document, &vector(&case["vector"]));
        assert!(difference < 1e-5, "{}: {difference}", case["name"]);
    }
    for case in golden["queries"].as_array().unwrap() {
        let query = TINY.encode_query(case["text"].as_str().unwrap()).unwrap();
        assert!(largest_difference(&query, &vector(&case["vector"])) < 1e-5, "{}", case["name"]);
    }
}

#[test]
fn a_whole_document_bundle_agrees_with_its_reference_over_sections() {
    let golden = golden("tiny-whole.json");
    let long = &golden["long"];
    let text = long["text"].as_str().unwrap();
    let passages = ranges(&long["passages"]);
    let cut = sections(&TINY, text, &passages);
    let expected = long["sections"].as_array().unwrap();
    assert_cut_as(&cut, expected);
    for (section, expected) in encode(&TINY, &cut).iter().zip(expected) {
        assert!(largest_difference(&section.mean, &vector(&expected["mean"])) < 1e-5);
    }
    let (document, found) = document(&TINY, text, &passages);
    assert!(largest_difference(&document, &vector(&long["vector"])) < 1e-5);
    for (found, expected) in found.iter().zip(long["passages"].as_array().unwrap()) {
        assert!(largest_difference(found, &vector(&expected["vector"])) < 1e-5);
    }
}

#[test]
fn the_fingerprint_is_the_one_the_exporter_computes() {
    for (folder, name) in
        [(tiny_folder(), "tiny-whole.json"), (windowed_folder(), "tiny-windows.json")]
    {
        let bundle = Bundle::open(&folder, Verify::Full).unwrap();
        assert_eq!(bundle.fingerprint(), golden(name)["fingerprint"].as_str().unwrap());
    }
}
