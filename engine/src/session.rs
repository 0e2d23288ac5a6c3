//! One ONNX graph, loaded on one device.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::ep;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{RunOptions, Session, SessionInputValue};
use ort::value::TensorRef;

use crate::bundle::{Bundle, Graph};
use crate::device::Device;
use crate::error::EngineError;
use crate::pool;
use crate::runtime::Runtime;

/// How sessions are set up.
#[derive(Debug, Clone)]
pub(crate) struct SessionSettings {
    pub(crate) device: Device,
    pub(crate) threads: usize,
    pub(crate) cuda_device: i32,
    pub(crate) cuda_memory_bytes: Option<usize>,
}

/// A batch of sequences, padded and laid out for a graph.
#[derive(Debug)]
pub(crate) struct Input {
    /// `[sequences, tokens]`, padded.
    pub(crate) ids: Vec<i64>,
    /// True length of each sequence.
    pub(crate) lengths: Vec<usize>,
    /// Length of a row.
    pub(crate) tokens: usize,
    /// Rows of each sequence's output to sum.
    pub(crate) spans: Vec<Vec<Range<usize>>>,
}

impl Input {
    fn part(&self, sequences: Range<usize>) -> Input {
        Input {
            ids: self.ids[sequences.start * self.tokens..sequences.end * self.tokens].to_vec(),
            lengths: self.lengths[sequences.clone()].to_vec(),
            tokens: self.tokens,
            spans: self.spans[sequences].to_vec(),
        }
    }
}

/// A loaded graph.
pub(crate) struct GraphSession {
    session: Session,
    path: PathBuf,
    inputs: Vec<String>,
    output: String,
    /// Whether the graph sums spans itself.
    pools: bool,
    dimensions: usize,
    device: Device,
}

/// Creating sessions side by side has crashed execution providers; one at a time is no loss.
static CREATING: Mutex<()> = Mutex::new(());

impl GraphSession {
    pub(crate) fn open(
        bundle: &Bundle,
        graph: &Graph,
        runtime: &Runtime,
        settings: &SessionSettings,
    ) -> Result<GraphSession, EngineError> {
        let path = bundle.dir().join(&graph.file);
        let session = {
            let _one_at_a_time = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
            create(&path, runtime, settings)
        };
        let session = session.map_err(|error| match settings.device {
            Device::Cpu => {
                EngineError::GraphInvalid { path: path.clone(), reason: error.to_string() }
            }
            Device::Cuda => {
                EngineError::CudaUnavailable { reason: cuda_reason(&error.to_string()) }
            }
        })?;
        let opened = GraphSession {
            session,
            path,
            inputs: graph.inputs.clone(),
            output: graph.output.clone(),
            pools: graph.pools(),
            dimensions: bundle.dimensions(),
            device: settings.device,
        };
        opened.check_names()?;
        Ok(opened)
    }

    /// Whether the graph has the inputs and the output that the manifest says.
    fn check_names(&self) -> Result<(), EngineError> {
        let mut has: Vec<&str> = self.session.inputs().iter().map(|input| input.name()).collect();
        let mut wants: Vec<&str> = self.inputs.iter().map(String::as_str).collect();
        has.sort_unstable();
        wants.sort_unstable();
        if has != wants {
            return Err(self.invalid(format!("its inputs are {has:?}, not {wants:?}")));
        }
        let has: Vec<&str> = self.session.outputs().iter().map(|output| output.name()).collect();
        if !has.contains(&self.output.as_str()) {
            return Err(self.invalid(format!("its outputs are {has:?}, without {:?}", self.output)));
        }
        Ok(())
    }

    fn invalid(&self, reason: String) -> EngineError {
        EngineError::GraphInvalid { path: self.path.clone(), reason }
    }

    /// Runs a batch and sums the rows of its spans: `[spans of all sequences, dimensions]`.
    ///
    /// Where memory runs out the batch is halved, down to one sequence.
    pub(crate) fn run(
        &mut self,
        input: &Input,
        options: &RunOptions,
    ) -> Result<Vec<f32>, EngineError> {
        let sequences = input.lengths.len();
        match self.run_once(input, options) {
            Err(EngineError::OutOfMemory { .. }) if sequences > 1 => {
                let half = sequences / 2;
                let mut sums = self.run(&input.part(0..half), options)?;
                sums.extend(self.run(&input.part(half..sequences), options)?);
                Ok(sums)
            }
            result => result,
        }
    }

    fn run_once(&mut self, input: &Input, options: &RunOptions) -> Result<Vec<f32>, EngineError> {
        let (sequences, tokens, dimensions) = (input.lengths.len(), input.tokens, self.dimensions);
        let device = self.device;
        let failed = |error: ort::Error| run_error(&error, sequences, tokens, device);
        let wants_mask = self.inputs.iter().any(|name| name == "attention_mask");
        let mask = if wants_mask { mask(input) } else { Vec::new() };
        let lengths: Vec<i64> = input.lengths.iter().map(|&length| length as i64).collect();
        let (starts, ends) = flat_spans(input);
        let count = starts.len();
        let mut values: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = Vec::new();
        for name in &self.inputs {
            let tensor = match name.as_str() {
                "attention_mask" => TensorRef::from_array_view(([sequences, tokens], &*mask)),
                "lengths" => TensorRef::from_array_view(([sequences], &*lengths)),
                "span_starts" => TensorRef::from_array_view(([count], &*starts)),
                "span_ends" => TensorRef::from_array_view(([count], &*ends)),
                _ => TensorRef::from_array_view(([sequences, tokens], &*input.ids)),
            };
            values.push((name.as_str().into(), tensor.map_err(failed)?.into()));
        }
        let outputs = self.session.run_with_options(values, options).map_err(failed)?;
        let output = outputs.get(self.output.as_str()).ok_or(EngineError::WorkerGone)?;
        let (shape, vectors) = output.try_extract_tensor::<f32>().map_err(failed)?;
        let expected = match self.pools {
            true => vec![count as i64, dimensions as i64],
            false => vec![sequences as i64, tokens as i64, dimensions as i64],
        };
        if **shape != *expected {
            let reason = format!("its output has the shape {shape:?}, not {expected:?}");
            return Err(EngineError::GraphInvalid { path: self.path.clone(), reason });
        }
        if self.pools {
            pool::check_finite(vectors)?;
            return Ok(vectors.to_vec());
        }
        let mut sums = vec![0.0; count * dimensions];
        let mut slots = sums.chunks_exact_mut(dimensions);
        for (matrix, spans) in vectors.chunks_exact(tokens * dimensions).zip(&input.spans) {
            for (rows, slot) in spans.iter().zip(&mut slots) {
                pool::sum_rows(matrix, dimensions, rows.clone(), slot);
            }
        }
        pool::check_finite(&sums)?;
        Ok(sums)
    }
}

/// First and end rows of all spans, counted over all sequences of the batch.
fn flat_spans(input: &Input) -> (Vec<i64>, Vec<i64>) {
    let rows = input.spans.iter().enumerate();
    rows.flat_map(|(row, spans)| {
        let first = row * input.tokens;
        spans.iter().map(move |s| ((first + s.start) as i64, (first + s.end) as i64))
    })
    .unzip()
}

/// One for each true token, zero for padding.
fn mask(input: &Input) -> Vec<i64> {
    let row = |&length: &usize| (0..input.tokens).map(move |token| i64::from(token < length));
    input.lengths.iter().flat_map(row).collect()
}

fn create(path: &Path, runtime: &Runtime, settings: &SessionSettings) -> ort::Result<Session> {
    let builder = Session::builder(runtime.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(settings.threads)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .with_memory_pattern(false)?;
    let mut builder = with_device(builder, settings)?;
    builder.commit_from_file(path)
}

fn with_device(builder: SessionBuilder, settings: &SessionSettings) -> ort::Result<SessionBuilder> {
    let provider = match settings.device {
        Device::Cpu => ep::CPU::default().with_arena_allocator(false).build(),
        Device::Cuda => {
            let mut cuda = ep::CUDA::default()
                .with_device_id(settings.cuda_device)
                .with_arena_extend_strategy(ep::ArenaExtendStrategy::SameAsRequested);
            if let Some(bytes) = settings.cuda_memory_bytes {
                cuda = cuda.with_memory_limit(bytes);
            }
            cuda.build().error_on_failure()
        }
    };
    Ok(builder.with_execution_providers([provider])?)
}

/// Tells running out of memory from other failures; ONNX Runtime has no code of its own for it.
fn run_error(error: &ort::Error, sequences: usize, tokens: usize, device: Device) -> EngineError {
    let reason = error.to_string();
    if is_out_of_memory(&reason) {
        return EngineError::OutOfMemory { tokens, device: device.to_string() };
    }
    EngineError::Run { sequences, tokens, reason }
}

/// The message without the place in ONNX Runtime's sources, and what to do where the provider's own
/// libraries are missing.
fn cuda_reason(message: &str) -> String {
    let message = message.rsplit(" : FAIL : ").next().unwrap_or(message).trim();
    if message.contains("cannot open shared object file") {
        return format!("{message} (CUDA 13 and cuDNN 9 must be installed)");
    }
    message.to_string()
}

fn is_out_of_memory(message: &str) -> bool {
    const SIGNS: [&str; 5] =
        ["allocate memory", "bad_alloc", "out of memory", "BFCArena", "ALLOC_FAILED"];
    SIGNS.iter().any(|sign| message.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_marks_true_tokens() {
        let input = Input { ids: vec![0; 6], lengths: vec![1, 3], tokens: 3, spans: vec![] };
        assert_eq!(mask(&input), [1, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn spans_count_over_the_whole_batch() {
        let spans = vec![vec![0..1, 1..3], vec![], vec![2..3]];
        let input = Input { ids: vec![0; 9], lengths: vec![3, 1, 3], tokens: 3, spans };
        assert_eq!(flat_spans(&input), (vec![0, 1, 8], vec![1, 3, 9]));
    }

    #[test]
    fn messages_about_memory() {
        for message in [
            "Non-zero status code returned while running MatMul node. Name:'q' Status Message: \
             std::bad_alloc",
            "bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 1073741824",
            "CUDA failure 2: out of memory ; GPU=0",
            "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED",
        ] {
            assert!(is_out_of_memory(message), "{message}");
        }
        assert!(!is_out_of_memory("Exiting due to terminate flag being set to true."));
    }

    #[test]
    fn reasons_against_cuda_are_plain() {
        let message = "/src/provider_bridge_ort.cc:2043 Provider& Get() [ONNXRuntimeError] : 1 : \
                       FAIL : Failed to load library /x/libonnxruntime_providers_cuda.so with \
                       error: libcublasLt.so.13: cannot open shared object file: No such file or \
                       directory\n";
        let reason = cuda_reason(message);
        assert!(reason.starts_with("Failed to load library /x/"), "{reason}");
        assert!(reason.ends_with("(CUDA 13 and cuDNN 9 must be installed)"), "{reason}");
        assert_eq!(cuda_reason("CUDA failure 100: no device"), "CUDA failure 100: no device");
    }

    #[test]
    fn a_part_keeps_its_rows() {
        let input = Input {
            ids: (0..6).collect(),
            lengths: vec![1, 2, 2],
            tokens: 2,
            spans: vec![vec![0..1, 1..2], vec![0..2, 1..1], vec![1..2, 0..1]],
        };
        let part = input.part(1..3);
        assert_eq!(part.ids, [2, 3, 4, 5]);
        assert_eq!(part.lengths, [2, 2]);
        assert_eq!(part.spans, [[0..2, 1..1], [1..2, 0..1]]);
    }
}
