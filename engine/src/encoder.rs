//! The encoder: sections in, vectors out.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::batch::Batching;
use crate::bundle::{Bundle, Mode};
use crate::device::{Device, DeviceChoice};
use crate::error::EngineError;
use crate::notice::{Notice, Notices};
use crate::opening::{Opening, open_on_device};
use crate::run::{BatchSettings, Pooled, Run};
use crate::runtime::Runtime;
use crate::section::{self, Section};
use crate::session::SessionSettings;
use crate::times::EncoderTimes;
use crate::tokens::Tokens;
use crate::window::Windowing;
use crate::worker::{Sessions, Worker};

/// How an encoder is to run. `Default` suits a command line on a laptop.
#[derive(Debug, Clone, Default)]
pub struct EncoderOptions {
    /// The device.
    pub device: DeviceChoice,
    /// Threads for a run on the CPU; 0 means one for each core.
    pub threads: usize,
    /// Tokens in a run at most, padding included; 0 means what suits the device. A single sequence
    /// may be longer. More costs memory, and delays a query that waits for the run to end.
    pub batch_tokens: usize,
    /// Folders with CUDA and cuDNN libraries to use before the system's.
    pub cuda_folders: Vec<PathBuf>,
    /// Number of the CUDA device.
    pub cuda_device: i32,
    /// Bytes of GPU memory that runs may take at most.
    pub cuda_memory_bytes: Option<usize>,
    /// Gives queries a session of their own, made with the first query, so that they never wait for
    /// a document's run. Costs the weights' memory a second time; for a daemon.
    pub separate_queries: bool,
}

/// What a section's text became.
#[derive(Debug, Clone, PartialEq)]
pub struct SectionVectors {
    /// Tokens pooled, special ones included: the section's weight in the document.
    pub tokens: usize,
    /// Mean of its token vectors, or of its sequences' own vectors, each by its tokens; not normalised.
    pub mean: Vec<f32>,
    /// One vector of unit length for each passage. A passage without a token of its own has the
    /// section's, as all have where the bundle says so.
    pub passages: Vec<Vec<f32>>,
}

/// An encoder, loaded and ready. It can be shared between threads; runs happen one after another,
/// and queries go before documents.
pub struct Encoder {
    tokens: Tokens,
    document: Windowing,
    query: Windowing,
    batches: BatchSettings,
    section_tokens: usize,
    name: String,
    fingerprint: String,
    device: Device,
    cuda_obstacle: Option<String>,
    notices: Notices,
    documents: Worker,
    queries: Option<Queries>,
}

/// What it takes to make the queries' own worker when the first one comes.
struct Queries {
    opening: Opening,
    worker: OnceLock<Worker>,
}

/// Longest sequence that the masked graph takes on a GPU; beyond it, runs are long enough to pay off
/// without company, and attention with a mask costs memory in the square of the length.
const MASKED_TOKENS: usize = 256;

/// Padded tokens in a run where the caller names no number. On the CPU a second full window in a run
/// gains nothing and doubles what a waiting query waits.
const CPU_BATCH_TOKENS: usize = 512;
const CUDA_BATCH_TOKENS: usize = 64 << 10;

impl Encoder {
    /// Loads a bundle's tokenizer and graphs.
    ///
    /// # Errors
    /// When tokenizer and vocabulary do not fit, a graph cannot be loaded, or
    /// [`DeviceChoice::Cuda`] was asked for and CUDA does not work, for whatever reason
    /// ([`EngineError::CudaUnavailable`]).
    pub fn open(
        bundle: &Bundle,
        runtime: &Runtime,
        options: &EncoderOptions,
    ) -> Result<Encoder, EngineError> {
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let opening = Opening {
            bundle: bundle.clone(),
            runtime: runtime.clone(),
            settings: SessionSettings {
                device: Device::Cpu,
                threads,
                cuda_device: options.cuda_device,
                cuda_memory_bytes: options.cuda_memory_bytes,
            },
            notices: Notices::default(),
        };
        // Tokenizer and graphs take about as long to load, and a query on the command line waits for
        // both.
        let (tokens, opened) = std::thread::scope(|scope| {
            let tokens = scope.spawn(|| Tokens::open(bundle));
            let opened = open_on_device(opening, options);
            (tokens.join().unwrap_or(Err(EngineError::WorkerGone)), opened)
        });
        let (tokens, (opening, sessions, cuda_obstacle)) = (tokens?, opened?);
        Encoder::assemble(tokens, opening, sessions, options, cuda_obstacle)
    }

    fn assemble(
        tokens: Tokens,
        opening: Opening,
        sessions: Sessions,
        options: &EncoderOptions,
        cuda_obstacle: Option<String>,
    ) -> Result<Encoder, EngineError> {
        let bundle = opening.bundle.clone();
        let manifest = bundle.manifest();
        let device = opening.settings.device;
        let windowing = |prefix: &[u32]| {
            Windowing::new(manifest, prefix).ok_or_else(|| EngineError::ManifestUnsupported {
                path: bundle.manifest_path(),
                reason: "a prefix leaves no room for text in a sequence".into(),
            })
        };
        let document = windowing(&tokens.ids(&manifest.document_prefix)?)?;
        let query = windowing(&tokens.ids(&manifest.query_prefix)?)?;
        let batching = match &manifest.mode {
            Mode::Whole { buckets, .. } => Batching::Buckets(buckets.clone()),
            Mode::Windows { .. } if sessions.plain.is_none() => {
                Batching::MaskedShort { masked_tokens: usize::MAX }
            }
            Mode::Windows { .. } if !sessions.masked.is_empty() => {
                Batching::MaskedShort { masked_tokens: MASKED_TOKENS }
            }
            Mode::Windows { .. } => Batching::Equal,
        };
        let batch_tokens = match (options.batch_tokens, device) {
            (0, Device::Cpu) => CPU_BATCH_TOKENS,
            // What is free now; where it is less than a sequence takes, each runs alone.
            (0, Device::Cuda) => {
                CUDA_BATCH_TOKENS.min(opening.tokens_within_memory().unwrap_or(usize::MAX))
            }
            (tokens, _) => tokens,
        };
        Ok(Encoder {
            tokens,
            document,
            query,
            batches: BatchSettings {
                batching,
                batch_tokens,
                pad_id: manifest.special.pad_id,
                dimensions: bundle.dimensions(),
                pooling: manifest.pooling,
                passages: manifest.passages(),
            },
            section_tokens: manifest.section_tokens,
            name: bundle.name().to_string(),
            fingerprint: bundle.fingerprint().to_string(),
            device,
            cuda_obstacle,
            notices: opening.notices.clone(),
            documents: Worker::start(sessions)?,
            queries: options.separate_queries.then(|| Queries { opening, worker: OnceLock::new() }),
        })
    }

    /// The device it runs on.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Why [`DeviceChoice::Auto`] did not come to CUDA.
    pub fn cuda_obstacle(&self) -> Option<&str> {
        self.cuda_obstacle.as_deref()
    }

    /// What went another way than asked since this was last called.
    pub fn take_notices(&self) -> Vec<Notice> {
        self.notices.take()
    }

    /// Length of every vector.
    pub fn dimensions(&self) -> usize {
        self.batches.dimensions
    }

    /// The bundle's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bundle's [fingerprint](Bundle::fingerprint).
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Tokens in a text, without special ones.
    ///
    /// # Errors
    /// When the tokenizer fails, which only a broken one does.
    pub fn count_tokens(&self, text: &str) -> Result<usize, EngineError> {
        self.tokens.count(text)
    }

    /// The vector of a query, of unit length. A query longer than a window is read in windows, as
    /// documents are.
    ///
    /// # Errors
    /// When tokenising or running fails.
    pub fn encode_query(&self, text: &str) -> Result<Vec<f32>, EngineError> {
        let section = Section {
            bytes: 0..text.len(),
            passages: 0..0,
            ids: self.tokens.ids(text)?,
            spans: Vec::new(),
        };
        let worker = self.query_worker()?;
        let run = Run { settings: &self.batches, worker, windowing: &self.query, urgent: true };
        let pooled = run.sections(&[&section], &|| false, &|_| {})?;
        let pooled = pooled.into_iter().next().ok_or(EngineError::WorkerGone)?;
        pooled.query()
    }

    /// Tokenises on from passage `first_passage` and cuts off the next section, at a passage
    /// boundary and of at most the bundle's `section_tokens` tokens. `None` past the last passage.
    /// Go on with `section.passages.end`; a document interrupted can be taken up at any section.
    ///
    /// `passages` are byte ranges of `text`, sorted and apart. Text between them counts for the
    /// document, not for a passage; sections together cover every byte. A passage is never divided:
    /// one longer than `section_tokens` makes a longer section by itself, which costs memory for its
    /// tokens but not for its runs.
    ///
    /// # Errors
    /// When the passages are not sorted, overlap, or leave the text, or the tokenizer fails.
    pub fn next_section(
        &self,
        text: &str,
        passages: &[Range<usize>],
        first_passage: usize,
    ) -> Result<Option<Section>, EngineError> {
        section::next_section(&self.tokens, text, passages, first_passage, self.section_tokens)
    }

    /// Encodes sections, of one document or of several, and returns their vectors in order. Windows
    /// of all of them are batched together by length, so small documents are best given many at once.
    ///
    /// `cancel` is asked between and during runs; when it says yes, the run is broken off. `progress`
    /// hears how many tokens are done, special ones included, after each run.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`], or when a run fails. Nothing of the sections is kept then.
    pub fn encode_sections(
        &self,
        sections: &[Section],
        cancel: &dyn Fn() -> bool,
        progress: &dyn Fn(usize),
    ) -> Result<Vec<SectionVectors>, EngineError> {
        let run = Run {
            settings: &self.batches,
            worker: &self.documents,
            windowing: &self.document,
            urgent: false,
        };
        let sections: Vec<&Section> = sections.iter().collect();
        run.sections(&sections, cancel, progress)?.into_iter().map(Pooled::finish).collect()
    }

    /// Where the time went so far.
    pub fn times(&self) -> EncoderTimes {
        EncoderTimes { tokenise: self.tokens.time(), run: self.documents.time() }
    }

    fn query_worker(&self) -> Result<&Worker, EngineError> {
        let Some(queries) = &self.queries else { return Ok(&self.documents) };
        if let Some(worker) = queries.worker.get() {
            return Ok(worker);
        }
        let worker = Worker::start(queries.opening.sessions()?)?;
        Ok(queries.worker.get_or_init(|| worker))
    }
}
