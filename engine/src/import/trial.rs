//! Encoding a few texts, to see whether what was read from a model's files is true of it.

use std::ops::Range;
use std::path::Path;

use ort::session::RunOptions;

use super::refused;
use crate::bundle::{Bundle, Graph, Mode};
use crate::device::DeviceChoice;
use crate::encoder::{Encoder, EncoderOptions};
use crate::error::EngineError;
use crate::input::Input;
use crate::memory;
use crate::runtime::Runtime;
use crate::session::{GraphSession, SessionSettings};
use crate::tokens::Tokens;

/// Tokens of the longest text that is tried: longer ones would take minutes on a slow machine.
const LONGEST: usize = 2048;

/// Cosine that a text's vector must have with itself when it is padded; 16-bit and 8-bit arithmetic cost far less than a
/// mask that is not heeded.
const SAME: f32 = 0.99;

/// Encodes texts of several lengths and refuses the model where their vectors are not what they should be.
pub(super) fn run(
    source: &Path,
    bundle: &Bundle,
    runtime: &Runtime,
    notes: &mut Vec<String>,
) -> Result<(), EngineError> {
    let explain = |error: EngineError| match error {
        EngineError::TokenizerMismatch { id, vocabulary, .. } => refused(
            source,
            format!(
                "its tokenizer has the token {id}, but the model only {vocabulary}: they do not belong together"
            ),
        ),
        EngineError::MemoryShort { .. } | EngineError::OutOfMemory { .. } => error,
        error => refused(source, format!("a trial encoding failed: {error}")),
    };
    let options = EncoderOptions { device: DeviceChoice::Cpu, ..EncoderOptions::default() };
    let encoder = Encoder::open(bundle, runtime, &options).map_err(explain)?;
    let short = "The tenant may end the lease with three months' notice.";
    let other = "Photosynthesis turns sunlight into sugar in the leaves of plants.";
    let vectors = [short, other].map(|text| encoder.encode_query(text));
    let [of_short, of_other] = vectors;
    let (of_short, of_other) = (of_short.map_err(explain)?, of_other.map_err(explain)?);
    if cosine(&of_short, &of_other) > 0.9999 {
        return Err(refused(
            source,
            "it gives different texts the same vector; is the pooling right?",
        ));
    }

    let manifest = bundle.manifest();
    let longest = match &manifest.mode {
        Mode::Whole { max_tokens, .. } => *max_tokens,
        Mode::Windows { window_tokens, .. } => *window_tokens,
    };
    let tried = longest.min(LONGEST);
    let sentence = encoder.count_tokens(short).map_err(explain)?.max(1);
    let long = format!("{short} ").repeat(tried / sentence);
    let document = |text: &str| -> Result<(), EngineError> {
        let passages: Vec<Range<usize>> = std::iter::once(0..text.len()).collect();
        let section = encoder.next_section(text, &passages, 0)?.ok_or(EngineError::WorkerGone)?;
        encoder.encode_sections(&[section], &|| false, &|_| {}).map(drop)
    };
    let is_fixed = matches!(&manifest.mode, Mode::Whole { buckets, .. } if buckets.len() == 1);
    if let Some(graph) = manifest.graphs.first()
        && graph.masked
        && !is_fixed
    {
        let same = with_padding(bundle, graph, runtime, short).map_err(explain)?;
        if same < SAME {
            let reason = format!(
                "a text's vector depends on the padding it is given (cosine {same:.3}): if the model is made so, import it with a fixed length"
            );
            return Err(refused(source, reason));
        }
    }
    document(&long).map_err(explain)?;
    if tried < longest {
        notes.push(format!("tried with up to {tried} of its {longest} tokens"));
    }
    if let (Some(graph), Some(free)) = (manifest.graphs.first(), memory::available())
        && let Some(needed) = graph.memory.map(|memory| memory.of_run(1, longest))
        && needed > free
    {
        notes.push(format!(
            "{longest} tokens at once take about {:.0} GB of memory, of which {:.0} are free: shorter sequences may be better",
            needed as f64 / 1e9,
            free as f64 / 1e9
        ));
    }
    Ok(())
}

/// Cosine of a text's vector with itself when it is padded.
fn with_padding(
    bundle: &Bundle,
    graph: &Graph,
    runtime: &Runtime,
    text: &str,
) -> Result<f32, EngineError> {
    let settings = SessionSettings::plain_cpu();
    let mut session = GraphSession::open(bundle, graph, runtime, &settings)?;
    let special = &bundle.manifest().special;
    let ids = Tokens::open(bundle)?.ids(text)?;
    let ids = special.prefix_ids.iter().chain(&ids).chain(&special.suffix_ids);
    let ids: Vec<i64> = ids.map(|&id| i64::from(id)).collect();
    let mut vector = |tokens: usize| -> Result<Vec<f32>, EngineError> {
        let mut padded = ids.clone();
        padded.resize(tokens, i64::from(special.pad_id));
        let spans = vec![std::iter::once(0..ids.len()).collect()];
        let input = Input { ids: padded, lengths: vec![ids.len()], tokens, spans };
        let options = RunOptions::new().map_err(|error| EngineError::Run {
            sequences: 1,
            tokens,
            reason: error.to_string(),
        })?;
        let output = session.run(&input, &options)?;
        Ok(if output.documents.is_empty() { output.sums } else { output.documents })
    };
    let room = graph.max_tokens.saturating_sub(ids.len());
    Ok(cosine(&vector(ids.len())?, &vector(ids.len() + room.min(PADDING))?))
}

/// Padding that is tried.
const PADDING: usize = 16;

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f32::MIN_POSITIVE)
}
