//! Documents made up of words as frequent as in prose, with vectors, for benches of the index.

use std::path::{Path, PathBuf};

use lsearch_index::{
    Content, ContentKey, ExtractKey, FileStat, FileState, PassageSpan, SectionRecord, Writer,
};

/// What made-up vectors are filed under.
pub const ENCODER: &str = "bench-encoder";
/// Length of a vector.
pub const DIMS: usize = 384;
/// Words of a passage.
const PASSAGE_WORDS: usize = 80;

/// Numbers that look random and are the same in every run (SplitMix64).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A word of a vocabulary of 30,000, the frequent ones as frequent as in prose (Zipf).
    pub fn word(&mut self) -> String {
        let rank = 30_000f64.powf(self.unit()) as u64;
        let mut word = String::new();
        let mut rest = rank.wrapping_mul(2_654_435_761) % 1_000_003 + 17;
        while rest > 0 {
            word.push((b'a' + (rest % 26) as u8) as char);
            rest /= 26;
        }
        word
    }

    /// A vector of length 1 in any direction.
    pub fn vector(&mut self) -> Vec<f32> {
        let raw: Vec<f32> = (0..DIMS).map(|_| self.unit() as f32 - 0.5).collect();
        let length = raw.iter().map(|value| value * value).sum::<f32>().sqrt();
        raw.into_iter().map(|value| value / length).collect()
    }
}

/// A made-up document.
pub struct Made {
    pub text: String,
    pub passages: Vec<PassageSpan>,
}

/// Makes a document of so many words.
pub fn make(seed: u64, words: usize) -> Made {
    let mut numbers = Numbers(seed);
    let mut text = String::new();
    let mut passages = Vec::new();
    for first in (0..words).step_by(PASSAGE_WORDS) {
        let start = text.len();
        for _ in 0..PASSAGE_WORDS {
            text.push_str(&numbers.word());
            text.push(' ');
        }
        let line = (first / PASSAGE_WORDS + 1) as u32;
        passages.push(PassageSpan { start, end: text.len(), page: None, line, heading: None });
    }
    Made { text, passages }
}

/// Files a document in an index.
pub fn put(writer: &Writer, number: u64, made: &Made) -> ContentKey {
    let content = Content {
        title: "",
        kind: "text",
        format: "txt",
        language: Some("eng"),
        author: None,
        dated: None,
        text: &made.text,
        headings: &[],
        passages: &made.passages,
        pages: &[],
        warnings: &[],
    };
    let mut file_hash = [0; 32];
    file_hash[..8].copy_from_slice(&number.to_le_bytes());
    let key = ExtractKey { file_hash, kind: "text/txt".to_owned(), extractor_version: 1 };
    let content = writer.put_content(&key, &content).expect("the text is stored");
    let stat = FileStat { size_bytes: made.text.len() as u64, modified_ns: 1, inode: number };
    let state = FileState::Document { content };
    writer
        .put_file(&path(number), Path::new("/bench"), &stat, None, state)
        .expect("the file is recorded");
    content
}

pub fn path(number: u64) -> PathBuf {
    PathBuf::from(format!("/bench/{number:06}.txt"))
}

/// Gives a document these vectors.
pub fn encode_as(writer: &Writer, key: &ContentKey, document: &[f32], passages: &[Vec<f32>]) {
    let section = SectionRecord {
        first_passage: 0,
        last: true,
        tokens: passages.len() * PASSAGE_WORDS,
        mean: document,
        passages,
    };
    writer.put_section(ENCODER, key, &section).expect("the section is stored");
}
