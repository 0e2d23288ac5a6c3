//! Against the shipped encoder's tokenizer.

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::bundle::Verify;

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("encoders/monarch-32k-384");
    Tokens::open(&Bundle::open(&dir, Verify::Sizes).unwrap()).unwrap()
});

/// Each token's id and the text from its first byte to the next token's.
fn parts(text: &str) -> Vec<(String, &str)> {
    let encoded = TOKENS.encode(text, 0..text.len()).unwrap();
    let ends = encoded.starts.iter().copied().skip(1).chain([text.len()]);
    let parts = encoded.ids.iter().zip(encoded.starts.iter().zip(ends));
    parts
        .map(|(&id, (&start, end))| (TOKENS.tokenizer.id_to_token(id).unwrap(), &text[start..end]))
        .collect()
}

/// Those of the library that made the tokenizer's file, with its original.
#[test]
fn ids_are_those_of_the_goldens() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let golden = fs_err::read_to_string(folder.join("minilm.json")).unwrap();
    let golden: serde_json::Value = serde_json::from_str(&golden).unwrap();
    for case in golden["texts"].as_array().unwrap() {
        let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        assert_eq!(TOKENS.ids(case["text"].as_str().unwrap()).unwrap(), ids, "{}", case["name"]);
    }
    let long = &golden["long"];
    let text = fs_err::read_to_string(folder.join(long["file"].as_str().unwrap())).unwrap();
    let ids = TOKENS.ids(&text).unwrap();
    assert_eq!(ids.len() as u64, long["tokens"].as_u64().unwrap());
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, long["ids_sha256"].as_str().unwrap());
}

#[test]
fn tokens_start_at_bytes_of_the_text_as_written() {
    let expected = [
        ("cafe", "Café "),
        ("naive", "naïve "),
        ("[UNK]", "港"),
        ("口", "口"),
        (",", ", "),
        ("[UNK]", "🌊 "),
        ("ang", "A\u{30A}ng"),
        ("##strom", "stro\u{308}m\u{200B}"),
        ("!", "!"),
    ];
    let text: String = expected.iter().map(|(_, part)| *part).collect();
    let found = parts(&text);
    let found: Vec<(&str, &str)> = found.iter().map(|(id, part)| (id.as_str(), *part)).collect();
    assert_eq!(found, expected);
}

#[test]
fn starts_count_from_the_beginning_of_the_text_not_of_the_range() {
    let text = "éé one two";
    let encoded = TOKENS.encode(text, 5..text.len()).unwrap();
    assert_eq!(encoded.starts, [5, 9]);
}

#[test]
fn special_tokens_in_a_text_are_plain_words() {
    let special = [0, 100, 101, 102, 103];
    for text in ["[SEP]", "a [CLS] b [SEP][MASK] c[PAD]", "[sep]"] {
        let ids = TOKENS.ids(text).unwrap();
        assert!(ids.len() >= 3, "{text}: {ids:?}");
        assert!(ids.iter().all(|id| !special.contains(id)), "{text}: {ids:?}");
    }
}

#[test]
fn a_large_text_has_the_tokens_it_has_in_one_piece() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/long.txt");
    let mut text = fs_err::read_to_string(golden).unwrap();
    text.push_str("  \u{301}港口的潮汐表每年春天重写一次。 naïve\tcafé [SEP] don't\r\n\r\n");
    let whole = TOKENS.encode_in_pieces(&text, 0..text.len(), usize::MAX).unwrap();
    assert!(whole.len() > 19_000);
    for piece_bytes in [64, 1000, split::PIECE_BYTES] {
        let pieces = TOKENS.encode_in_pieces(&text, 0..text.len(), piece_bytes).unwrap();
        assert!(pieces == whole, "pieces of {piece_bytes} bytes");
    }
    assert_eq!(TOKENS.ids(&text).unwrap(), whole.ids);
    assert_eq!(TOKENS.count(&text).unwrap(), whole.len());
}

#[test]
fn text_without_tokens() {
    for text in ["", "  \n\t", "\u{0}\u{1}\u{200B}"] {
        assert_eq!(TOKENS.encode(text, 0..text.len()).unwrap(), Encoded::default(), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Over letters, marks, ideographs, emoji, punctuation and control characters.
    #[test]
    fn pieces_never_change_the_tokens(
        text in "([a-zA-Z'é]{1,12}|[ \n\t\u{A0}\u{3000}]{1,3}|[漢字港口かな]{1,4}|[.,!?。、\\[\\]#]|\\PC|\u{301}|\u{200D}|\u{0}){0,60}",
        piece_bytes in 1usize..40,
    ) {
        let whole = TOKENS.encode_in_pieces(&text, 0..text.len(), usize::MAX).unwrap();
        let pieces = TOKENS.encode_in_pieces(&text, 0..text.len(), piece_bytes).unwrap();
        prop_assert_eq!(&pieces, &whole);
        prop_assert!(whole.starts.is_sorted());
        prop_assert!(whole.starts.iter().all(|&start| text.is_char_boundary(start)));
    }
}
