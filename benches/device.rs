//! Tokens a second of whole documents through the engine, by length, on any device.
//!
//! `cargo bench -p lsearch --bench device -- [--device cpu|cuda] [--lengths 512,8192] [BUNDLE…]`
//!
//! Each bundle encodes the same sections of each length, in turns within one run, so that ratios hold
//! on a busy machine. A section is prose in passages of some 256 tokens; on a GPU as many sections as
//! fill 524,288 tokens are given at once. Tokenising is not timed. ONNX Runtime is the library named
//! by LSEARCH_ORT_LIB, else one below target/onnxruntime.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;

use lsearch_engine::{Bundle, DeviceChoice, Encoder, EncoderOptions, Section, Verify};

mod common;
use common::{beginning, runtime, workspace};

/// Bytes of a passage, about 256 tokens of prose.
const PASSAGE_BYTES: usize = 1100;
/// Tokens given to a GPU at once.
const CUDA_TOKENS: usize = 524_288;

struct Options {
    device: DeviceChoice,
    lengths: Vec<usize>,
    bundles: Vec<PathBuf>,
    rounds: usize,
}

fn options() -> Options {
    let mut options = Options {
        device: DeviceChoice::Cpu,
        lengths: vec![512, 2048, 8192, 32_768],
        bundles: Vec::new(),
        rounds: 3,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--bench" => {}
            "--device" => {
                options.device = match value().as_str() {
                    "cuda" => DeviceChoice::Cuda,
                    _ => DeviceChoice::Cpu,
                };
            }
            "--lengths" => {
                options.lengths = value().split(',').filter_map(|part| part.parse().ok()).collect();
            }
            "--rounds" => options.rounds = value().parse().unwrap_or(3),
            folder => options.bundles.push(folder.into()),
        }
    }
    if options.bundles.is_empty() {
        options.bundles = vec![workspace().join("engine/encoders/monarch-32k-384")];
    }
    options
}

/// Prose of at least so many tokens.
fn prose(tokens: usize) -> String {
    const TEXT: &str = include_str!("../engine/tests/golden/long.txt");
    TEXT.repeat(tokens / 15_000 + 1)
}

/// Ranges of whole words that cover a text.
fn passages(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let rest = &text.as_bytes()[(start + PASSAGE_BYTES).min(text.len())..];
        let end =
            text.len() - rest.len() + rest.iter().position(|&b| b == b' ').unwrap_or(rest.len());
        found.push(start..end);
        start = end;
    }
    found
}

fn main() {
    let options = options();
    let Some(runtime) = runtime() else { return };
    let encoders: Vec<Encoder> = options
        .bundles
        .iter()
        .map(|folder| {
            let bundle = Bundle::open(folder, Verify::Sizes).unwrap_or_else(|e| panic!("{e}"));
            let settings = EncoderOptions { device: options.device, ..Default::default() };
            Encoder::open(&bundle, &runtime, &settings).expect("an encoder")
        })
        .collect();
    for &tokens in &options.lengths {
        let copies = match options.device {
            DeviceChoice::Cuda => (CUDA_TOKENS / tokens).max(1),
            _ => 1,
        };
        let text = prose(tokens);
        let given: Vec<Vec<Section>> = encoders
            .iter()
            .map(|encoder| vec![beginning(encoder, &text, tokens, passages); copies])
            .collect();
        let counts: Vec<usize> =
            given.iter().map(|s| s.iter().map(Section::tokens).sum()).collect();
        let mut best = vec![f64::INFINITY; encoders.len()];
        for _ in 0..=options.rounds {
            for ((encoder, sections), best) in encoders.iter().zip(&given).zip(&mut best) {
                let begin = Instant::now();
                encoder.encode_sections(sections, &|| false, &|_| {}).expect("vectors");
                *best = best.min(begin.elapsed().as_secs_f64());
            }
        }
        let speeds: Vec<String> = encoders
            .iter()
            .zip(&best)
            .zip(&counts)
            .map(|((encoder, seconds), &count)| {
                let ratio = seconds / best[0] * counts[0] as f64 / count as f64;
                let speed = count as f64 / seconds;
                format!("{} {speed:.0} tokens/s ({ratio:.2} of the first's time)", encoder.name())
            })
            .collect();
        println!("{tokens} tokens: {}", speeds.join("; "));
    }
}
