//! Everything that can go wrong between a text and its vectors.

use std::io;
use std::path::PathBuf;

/// An error of the engine. Each names the file, device or input it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Reading or writing a file failed; the message carries the path and the operation.
    #[error(transparent)]
    Io(#[from] io::Error),

    /// The folder holds no `manifest.json`, so it is no encoder bundle.
    #[error("{} is not an encoder bundle: it has no manifest.json", .dir.display())]
    ManifestMissing {
        /// The folder that was opened.
        dir: PathBuf,
    },

    /// The manifest is not valid JSON or lacks a field.
    #[error("{}: the manifest cannot be read: {source}", .path.display())]
    ManifestInvalid {
        /// The manifest file.
        path: PathBuf,
        /// Where and why parsing stopped.
        source: serde_json::Error,
    },

    /// The manifest is well-formed but asks for something impossible or unknown.
    #[error("{}: {reason}", .path.display())]
    ManifestUnsupported {
        /// The manifest file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The bundle was made for another version of this program.
    #[error("{}: bundle format {found}, but this version reads format {supported}", .path.display())]
    FormatUnknown {
        /// The manifest file.
        path: PathBuf,
        /// The format the manifest declares.
        found: u64,
        /// The format this engine reads.
        supported: u64,
    },

    /// A file the manifest lists is not there.
    #[error("{}: the file is missing from the encoder bundle", .path.display())]
    FileMissing {
        /// The missing file.
        path: PathBuf,
    },

    /// A file is longer or shorter than recorded: truncated, or not the one that was published.
    #[error("{}: {found} bytes, expected {expected}", .path.display())]
    FileSize {
        /// The file.
        path: PathBuf,
        /// The recorded length in bytes.
        expected: u64,
        /// The length found.
        found: u64,
    },

    /// A file's content is not what was recorded.
    #[error("{}: sha256 is {found}, expected {expected}", .path.display())]
    FileHash {
        /// The file.
        path: PathBuf,
        /// The recorded sha256, in hex.
        expected: String,
        /// The sha256 found, in hex.
        found: String,
    },

    /// The tokenizer file cannot be used.
    #[error("{}: the tokenizer cannot be loaded: {reason}", .path.display())]
    TokenizerInvalid {
        /// The tokenizer file.
        path: PathBuf,
        /// Why it was refused.
        reason: String,
    },

    /// The tokenizer makes ids that the graph's embedding table does not have.
    #[error(
        "{}: token id {id}, but the encoder's vocabulary has {vocabulary} tokens", .path.display()
    )]
    TokenizerMismatch {
        /// The tokenizer file.
        path: PathBuf,
        /// The highest id that the tokenizer or the special tokens use.
        id: u32,
        /// The vocabulary's size in the manifest.
        vocabulary: usize,
    },

    /// A model of someone else cannot be made a bundle.
    #[error("{}: {reason}", .path.display())]
    ImportRefused {
        /// The model's folder, or the file in it that is at fault.
        path: PathBuf,
        /// Why, and what can be done.
        reason: String,
    },

    /// A text could not be tokenised.
    #[error("tokenising failed: {reason}")]
    Tokenize {
        /// The tokenizer's message.
        reason: String,
    },

    /// Passage ranges that are not sorted, overlap, or do not lie on character boundaries.
    #[error("passage {index} ({start}..{end}) overlaps the one before it or leaves the text")]
    PassagesInvalid {
        /// Index of the first bad passage.
        index: usize,
        /// Its first byte.
        start: usize,
        /// The byte after its last.
        end: usize,
    },

    /// The ONNX Runtime library named is not there.
    #[error("{}: no ONNX Runtime library there", .path.display())]
    RuntimeMissing {
        /// The file that was named.
        path: PathBuf,
    },

    /// The library could not be loaded, or is something else.
    #[error("{}: cannot be loaded as ONNX Runtime: {reason}", .path.display())]
    RuntimeUnusable {
        /// The library file.
        path: PathBuf,
        /// The loader's message.
        reason: String,
    },

    /// The library is ONNX Runtime, but of a version this engine cannot use.
    #[error("{}: ONNX Runtime {found}, but {needed} is needed", .path.display())]
    RuntimeVersion {
        /// The library file.
        path: PathBuf,
        /// The version found.
        found: String,
        /// The versions that work, in words.
        needed: String,
    },

    /// ONNX Runtime can be loaded once a process, and another copy is in place already.
    #[error(
        "ONNX Runtime is loaded from {} already and cannot be loaded again from {}",
        .loaded.display(), .wanted.display()
    )]
    RuntimeAlreadyLoaded {
        /// The library in use.
        loaded: PathBuf,
        /// The library asked for now.
        wanted: PathBuf,
    },

    /// ONNX Runtime would report to its makers.
    #[error(
        "ONNX Runtime is not loaded while it may send telemetry: {}={} is not set",
        crate::runtime::NO_TELEMETRY.0, crate::runtime::NO_TELEMETRY.1
    )]
    TelemetryAllowed,

    /// No ONNX Runtime package is known for this operating system and processor.
    #[error(
        "no ONNX Runtime package is known for {platform}; install ONNX Runtime yourself and name its \
         library file"
    )]
    PlatformUnsupported {
        /// Operating system and processor.
        platform: String,
    },

    /// Python, which fetches ONNX Runtime, could not be started.
    #[error(
        "{} cannot be started ({source}); Python 3 with pip is needed to fetch ONNX Runtime, or name \
         an installed library file instead", .python.display()
    )]
    PythonUnusable {
        /// The Python that was tried.
        python: PathBuf,
        /// Why it did not start.
        source: io::Error,
    },

    /// pip ran and failed.
    #[error("fetching {package} with pip failed: {fix}\n{stderr_tail}")]
    PipFailed {
        /// Package and version asked for.
        package: String,
        /// What to do about it.
        fix: String,
        /// The last lines pip wrote.
        stderr_tail: String,
    },

    /// The package that was fetched does not hold what was expected.
    #[error("{}: the package does not hold {member}: {reason}", .path.display())]
    PackageInvalid {
        /// The archive.
        path: PathBuf,
        /// The file looked for inside it.
        member: String,
        /// What went wrong.
        reason: String,
    },

    /// CUDA was asked for by name and is not to be had.
    #[error("CUDA is not available: {reason}")]
    CudaUnavailable {
        /// What is missing or what the driver said.
        reason: String,
    },

    /// The bundle has no graph for the device.
    #[error("{}: no graph for {device}", .path.display())]
    GraphMissing {
        /// The manifest file.
        path: PathBuf,
        /// The device, in words.
        device: String,
    },

    /// A graph could not be loaded, or its inputs and outputs are not those of the manifest.
    #[error("{}: the graph cannot be used: {reason}", .path.display())]
    GraphInvalid {
        /// The graph file.
        path: PathBuf,
        /// Why.
        reason: String,
    },

    /// Running a graph failed.
    #[error("encoding {sequences} x {tokens} tokens failed: {reason}")]
    Run {
        /// Sequences in the batch.
        sequences: usize,
        /// Padded length of each, in tokens.
        tokens: usize,
        /// ONNX Runtime's message.
        reason: String,
    },

    /// Memory ran out, even with one sequence at a time.
    #[error("out of memory while encoding {tokens} tokens at once on {device}")]
    OutOfMemory {
        /// Padded length of the sequence, in tokens.
        tokens: usize,
        /// The device, in words.
        device: String,
    },

    /// A run would take more memory than is free; it was not begun.
    #[error(
        "encoding {tokens} tokens at once on {device} takes about {} MB of memory, of which {} MB are free",
        .needed / 1_000_000, .free / 1_000_000
    )]
    MemoryShort {
        /// Padded length of the sequence, in tokens.
        tokens: usize,
        /// The device, in words.
        device: String,
        /// Bytes that the run would take.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },

    /// The encoder returned NaN, infinity or a zero vector: damaged weights or a broken driver.
    #[error("the encoder returned {what}; its weights or the device's driver are broken")]
    BadOutput {
        /// What it returned.
        what: &'static str,
    },

    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,

    /// The thread that owns the ONNX session is gone.
    #[error("the encoder's thread has ended unexpectedly")]
    WorkerGone,
}

impl EngineError {
    /// Whether less work at once, or another device, may help.
    pub fn is_about_memory(&self) -> bool {
        matches!(self, EngineError::OutOfMemory { .. } | EngineError::MemoryShort { .. })
    }
}
