//! One ONNX graph, loaded on one device.

use std::borrow::Cow;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::ep;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{RunOptions, Session, SessionInputValue};
use ort::value::{DynValue, TensorRef};

use crate::bundle::{Bundle, Graph, GraphMemory, Pooling, Positions};
use crate::device::Device;
use crate::error::EngineError;
use crate::input::Input;
use crate::memory::Limit;
use crate::output::Output;
use crate::placement;
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

impl SessionSettings {
    /// One thread of the CPU, for a look at a graph.
    pub(crate) fn plain_cpu() -> SessionSettings {
        SessionSettings { device: Device::Cpu, threads: 1, cuda_device: 0, cuda_memory_bytes: None }
    }

    /// What limits the memory of runs on the device.
    pub(crate) fn limit(&self) -> Limit {
        match self.device {
            Device::Cpu => Limit::cpu(),
            Device::Cuda => Limit::cuda(self.cuda_device, self.cuda_memory_bytes),
        }
    }
}

/// A loaded graph.
pub(crate) struct GraphSession {
    session: Session,
    path: PathBuf,
    inputs: Vec<String>,
    output: String,
    document_output: Option<String>,
    /// Whether the graph sums spans itself.
    pools: bool,
    pooling: Pooling,
    positions: Positions,
    dimensions: usize,
    device: Device,
    memory: Option<GraphMemory>,
    limit: Limit,
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
            document_output: graph.document_output.clone(),
            pools: graph.pools(),
            pooling: bundle.manifest().pooling,
            positions: bundle.manifest().positions,
            dimensions: bundle.dimensions(),
            device: settings.device,
            memory: graph.memory,
            limit: settings.limit(),
        };
        opened.check_names()?;
        if settings.device == Device::Cuda {
            opened.check_placement()?;
        }
        Ok(opened)
    }

    /// Whether all that computes vectors runs on the GPU.
    fn check_placement(&self) -> Result<(), EngineError> {
        let unavailable = |reason| EngineError::CudaUnavailable { reason };
        let placed = placement::placed(&self.session).map_err(unavailable)?;
        let strays = placement::strays(&placed);
        let Some(first) = strays.first() else { return Ok(()) };
        Err(unavailable(format!(
            "ONNX Runtime left {} of {} operators of {} to the CPU, the first of them {} ({})",
            strays.len(),
            placed.len(),
            self.path.display(),
            first.name,
            first.operator
        )))
    }

    /// Whether the graph has the inputs and the outputs that the manifest says.
    fn check_names(&self) -> Result<(), EngineError> {
        let mut has: Vec<&str> = self.session.inputs().iter().map(|input| input.name()).collect();
        let mut wants: Vec<&str> = self.inputs.iter().map(String::as_str).collect();
        has.sort_unstable();
        wants.sort_unstable();
        if has != wants {
            return Err(self.invalid(format!("its inputs are {has:?}, not {wants:?}")));
        }
        let has: Vec<&str> = self.session.outputs().iter().map(|output| output.name()).collect();
        let mut wants = iter::once(&self.output).chain(&self.document_output);
        if let Some(missing) = wants.find(|output| !has.contains(&output.as_str())) {
            return Err(self.invalid(format!("its outputs are {has:?}, without {missing:?}")));
        }
        Ok(())
    }

    fn invalid(&self, reason: String) -> EngineError {
        EngineError::GraphInvalid { path: self.path.clone(), reason }
    }

    /// Runs a batch and sums the rows of its spans.
    ///
    /// Where memory is short or runs out the batch is halved, down to one sequence.
    pub(crate) fn run(
        &mut self,
        input: &Input,
        options: &RunOptions,
    ) -> Result<Output, EngineError> {
        halving(input, &mut |input| {
            self.check_memory(input)?;
            self.run_once(input, options)
        })
    }

    /// Whether a run would take more memory than there is: starting it could end the whole process.
    fn check_memory(&self, input: &Input) -> Result<(), EngineError> {
        let Some(memory) = self.memory else { return Ok(()) };
        let needed = memory.of_run(input.lengths.len(), input.tokens);
        if needed < UNASKED {
            return Ok(());
        }
        match self.limit.bytes() {
            Some(free) if needed > free => Err(EngineError::MemoryShort {
                tokens: input.tokens,
                device: self.device.to_string(),
                needed,
                free,
            }),
            _ => Ok(()),
        }
    }

    fn run_once(&mut self, input: &Input, options: &RunOptions) -> Result<Output, EngineError> {
        let (sequences, tokens, dimensions) = (input.lengths.len(), input.tokens, self.dimensions);
        let device = self.device;
        let failed = |error: ort::Error| run_error(&error, sequences, tokens, device);
        let wants = |wanted: &str| self.inputs.iter().any(|name| name == wanted);
        let mask = if wants("attention_mask") { input.mask() } else { Vec::new() };
        let types = if wants("token_type_ids") { vec![0; input.ids.len()] } else { Vec::new() };
        let positions = match wants("position_ids") {
            true => input.positions(&self.positions),
            false => Vec::new(),
        };
        let lengths: Vec<i64> = input.lengths.iter().map(|&length| length as i64).collect();
        let (starts, ends) = input.flat_spans();
        let count = starts.len();
        let mut values: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = Vec::new();
        for name in &self.inputs {
            let tensor = match name.as_str() {
                "attention_mask" => TensorRef::from_array_view(([sequences, tokens], &*mask)),
                "token_type_ids" => TensorRef::from_array_view(([sequences, tokens], &*types)),
                "position_ids" => TensorRef::from_array_view(([sequences, tokens], &*positions)),
                "lengths" => TensorRef::from_array_view(([sequences], &*lengths)),
                "span_starts" => TensorRef::from_array_view(([count], &*starts)),
                "span_ends" => TensorRef::from_array_view(([count], &*ends)),
                _ => TensorRef::from_array_view(([sequences, tokens], &*input.ids)),
            };
            values.push((name.as_str().into(), tensor.map_err(failed)?.into()));
        }
        let outputs = self.session.run_with_options(values, options).map_err(failed)?;
        let vectors = |name: &str, expected: &[usize]| -> Result<Cow<'_, [f32]>, EngineError> {
            let output = outputs.get(name).ok_or(EngineError::WorkerGone)?;
            let (shape, vectors) = floats(output).map_err(failed)?;
            if shape.iter().map(|&size| size as usize).ne(expected.iter().copied()) {
                let reason = format!("{name} has the shape {shape:?}, not {expected:?}");
                return Err(EngineError::GraphInvalid { path: self.path.clone(), reason });
            }
            Ok(vectors)
        };
        let (mut sums, mut documents) = (Vec::new(), Vec::new());
        if self.pools {
            sums = vectors(&self.output, &[count, dimensions])?.into_owned();
        } else if self.pooling == Pooling::Output {
            documents = vectors(&self.output, &[sequences, dimensions])?.into_owned();
        } else {
            let vectors = vectors(&self.output, &[sequences, tokens, dimensions])?;
            sums = span_sums(&vectors, input, dimensions);
            documents = token_vectors(&vectors, input, dimensions, self.pooling);
        }
        if let Some(name) = &self.document_output {
            documents = vectors(name, &[sequences, dimensions])?.into_owned();
        }
        pool::check_finite(&sums)?;
        pool::check_finite(&documents)?;
        Ok(Output { sums, documents })
    }
}

/// An output of 32-bit or 16-bit floating-point numbers, with its shape.
fn floats(output: &DynValue) -> ort::Result<(&[i64], Cow<'_, [f32]>)> {
    if let Ok((shape, halves)) = output.try_extract_tensor::<half::f16>() {
        return Ok((shape, halves.iter().map(|half| half.to_f32()).collect()));
    }
    let (shape, values) = output.try_extract_tensor::<f32>()?;
    Ok((shape, values.into()))
}

/// The vector of each sequence's first or last token; nothing where all of them are pooled.
fn token_vectors(vectors: &[f32], input: &Input, dimensions: usize, pooling: Pooling) -> Vec<f32> {
    let row = |length: usize| match pooling {
        Pooling::Cls => Some(0),
        Pooling::Last => Some(length - 1),
        Pooling::Mean | Pooling::Output => None,
    };
    let matrices = vectors.chunks_exact(input.tokens * dimensions).zip(&input.lengths);
    let rows = matrices.filter_map(|(matrix, &length)| Some((matrix, row(length)?)));
    rows.flat_map(|(matrix, row)| &matrix[row * dimensions..(row + 1) * dimensions])
        .copied()
        .collect()
}

/// Sums over spans of token vectors `[sequences, tokens, dimensions]`.
fn span_sums(vectors: &[f32], input: &Input, dimensions: usize) -> Vec<f32> {
    let count: usize = input.spans.iter().map(Vec::len).sum();
    let mut sums = vec![0.0; count * dimensions];
    let mut slots = sums.chunks_exact_mut(dimensions);
    for (matrix, spans) in vectors.chunks_exact(input.tokens * dimensions).zip(&input.spans) {
        for (rows, slot) in spans.iter().zip(&mut slots) {
            pool::sum_rows(matrix, dimensions, rows.clone(), slot);
        }
    }
    sums
}

/// Memory that a run may take without a look at what is free.
const UNASKED: u64 = 64 << 20;

/// Runs a batch, or where memory does not suffice its halves, and theirs.
fn halving(
    input: &Input,
    run: &mut dyn FnMut(&Input) -> Result<Output, EngineError>,
) -> Result<Output, EngineError> {
    match run(input) {
        Err(error) if error.is_about_memory() => {
            let Some([first, second]) = input.halves() else { return Err(error) };
            let mut output = halving(&first, run)?;
            output.append(halving(&second, run)?);
            Ok(output)
        }
        result => result,
    }
}

pub(crate) fn create(
    path: &Path,
    runtime: &Runtime,
    settings: &SessionSettings,
) -> ort::Result<Session> {
    let builder = Session::builder(runtime.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(settings.threads)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .with_memory_pattern(false)?;
    let mut builder = with_device(builder, settings)?;
    if settings.device == Device::Cuda {
        builder = builder.with_config_entry(placement::RECORD.0, placement::RECORD.1)?;
    }
    builder.commit_from_file(path)
}

fn with_device(builder: SessionBuilder, settings: &SessionSettings) -> ort::Result<SessionBuilder> {
    let provider = match settings.device {
        // The arena keeps what a run gives back for the next operator. Left to the C library, large
        // buffers are either given back to the system and cleared anew each time (1.7 times the CPU
        // at 32K tokens), or fragment (twice the memory).
        Device::Cpu => ep::CPU::default().with_arena_allocator(true).build(),
        Device::Cuda => {
            // The arena grows by powers of two: documents come by length, and what was fitted to one
            // length is too small for the next (1.8 times the memory, measured on the CPU).
            let mut cuda = ep::CUDA::default()
                .with_device_id(settings.cuda_device)
                .with_arena_extend_strategy(ep::ArenaExtendStrategy::NextPowerOfTwo);
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
        return format!("{message} (`lsearch setup --gpu` fetches what is missing)");
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
    use std::ops::Range;

    use super::*;

    #[test]
    fn a_batch_is_halved_until_it_fits() {
        let spans = (0..5).map(|_| vec![Range { start: 0, end: 1 }]).collect();
        let input = Input { ids: (0..10).collect(), lengths: vec![2; 5], tokens: 2, spans };
        let mut runs = Vec::new();
        let mut run = |input: &Input| {
            runs.push(input.lengths.len());
            match input.lengths.len() {
                0..=2 => {
                    let sums: Vec<f32> = input.ids.iter().step_by(2).map(|&id| id as f32).collect();
                    Ok(Output { documents: sums.iter().map(|sum| -sum).collect(), sums })
                }
                _ => Err(EngineError::OutOfMemory { tokens: input.tokens, device: "it".into() }),
            }
        };
        let output = halving(&input, &mut run).expect("two fit");
        assert_eq!(output.sums, [0.0, 2.0, 4.0, 6.0, 8.0], "in order");
        assert_eq!(output.documents, [0.0, -2.0, -4.0, -6.0, -8.0], "in order");
        assert_eq!(runs, [5, 2, 3, 1, 2]);
    }

    #[test]
    fn one_sequence_that_does_not_fit_is_an_error_and_so_is_any_other_failure() {
        let spans = vec![Vec::new(); 2];
        let input = Input { ids: vec![0; 4], lengths: vec![2; 2], tokens: 2, spans };
        let full = halving(&input, &mut |input| {
            Err(EngineError::OutOfMemory { tokens: input.tokens, device: "it".into() })
        });
        assert!(matches!(full, Err(EngineError::OutOfMemory { tokens: 2, .. })));
        let mut runs = 0;
        let broken = halving(&input, &mut |_| {
            runs += 1;
            Err(EngineError::WorkerGone)
        });
        assert!(matches!(broken, Err(EngineError::WorkerGone)));
        assert_eq!(runs, 1);
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
        assert!(reason.ends_with("(`lsearch setup --gpu` fetches what is missing)"), "{reason}");
        assert_eq!(cuda_reason("CUDA failure 100: no device"), "CUDA failure 100: no device");
    }
}
