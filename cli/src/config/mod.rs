//! `config.toml`: a person's lasting choices. Flags win over it, it wins over the defaults.

mod edit;
mod file;
mod keys;
#[cfg(test)]
mod tests;

use crate::args::DeviceArg;
use crate::errors::CliError;
use crate::places::Places;

pub use edit::Edited;
pub use file::{File, key};
pub use keys::{KEYS, Key, find};

/// The file's contents, with the defaults of what does not stand in it. [`KEYS`] tells what each is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The device asked for.
    pub device: DeviceArg,
    /// The name of the encoder that documents are read with.
    pub encoder: String,
    threads: u64,
    cuda_memory_mb: u64,
    /// Globs left out of every folder (gitignore syntax).
    pub exclude: Vec<String>,
    max_file_mb: u64,
    extract_memory_mb: u64,
    /// Wall-clock time one file's extraction may take.
    pub extract_wall_sec: u64,
    /// Pages of PDFs that are pictures are read with `tesseract`.
    pub ocr: bool,
    /// The languages they are in, as `tesseract` names them: `eng`, `eng+deu`.
    pub ocr_languages: String,
    graph_threshold_documents: u64,
    encode_share_percent: u64,
    encode_on_battery: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            device: DeviceArg::Auto,
            encoder: crate::encoder::SHIPPED.to_owned(),
            threads: 0,
            cuda_memory_mb: 0,
            exclude: Vec::new(),
            max_file_mb: 1024,
            extract_memory_mb: 2048,
            extract_wall_sec: 300,
            ocr: false,
            ocr_languages: "eng".to_owned(),
            graph_threshold_documents: 50_000,
            encode_share_percent: 100,
            encode_on_battery: false,
        }
    }
}

impl Config {
    /// Reads the file, or gives the defaults where there is none.
    pub fn load(places: &Places) -> Result<Self, CliError> {
        File::read(places)?.config()
    }

    /// Bytes of GPU memory that the encoder may take, where that was limited.
    pub fn cuda_memory_bytes(&self) -> Option<usize> {
        (self.cuda_memory_mb > 0).then(|| in_memory(self.cuda_memory_mb * 1_000_000))
    }

    /// Files larger than this are reported as failed instead of read.
    pub fn max_file_bytes(&self) -> u64 {
        self.max_file_mb * 1_000_000
    }

    /// Memory one extraction child may use.
    pub fn extract_memory_bytes(&self) -> u64 {
        self.extract_memory_mb * 1_000_000
    }

    /// From this many encoded documents on, the HNSW graph replaces the exact scan.
    pub fn graph_threshold(&self) -> usize {
        in_memory(self.graph_threshold_documents)
    }

    /// The daemon rests so that it encodes no more than this share of the time.
    pub fn encode_share_percent(&self) -> u32 {
        u32::try_from(self.encode_share_percent).unwrap_or(100).clamp(1, 100)
    }

    /// Whether the daemon leaves encoding until the machine is plugged in.
    pub fn pauses_on_battery(&self) -> bool {
        !self.encode_on_battery
    }

    /// Threads to use: the configured number, or one a core.
    pub fn threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => in_memory(threads),
        }
    }
}

fn in_memory(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
