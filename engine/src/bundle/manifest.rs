//! `manifest.json`: what a bundle is made of and how it wants to be used.

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use crate::error::EngineError;

/// The bundle format this engine reads.
pub(crate) const FORMAT: u64 = 1;

/// A bundle's manifest, format 1.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    /// Version of the format; always 1 here.
    pub format: u64,
    /// Short name, shown to people.
    pub name: String,
    /// One sentence about the encoder.
    #[serde(default)]
    pub description: String,
    /// SPDX expression of the weights' licence.
    #[serde(default)]
    pub licence: String,
    /// Where the weights come from.
    #[serde(default)]
    pub source: String,
    /// Length of every vector.
    pub dimensions: usize,
    /// Rows of the embedding table; every token id is lower.
    pub vocabulary: usize,
    /// The tokenizer's file name.
    pub tokenizer: String,
    /// Ids put around each sequence.
    pub special: Special,
    /// Text put before a query.
    #[serde(default)]
    pub query_prefix: String,
    /// Text put before each sequence of a document.
    #[serde(default)]
    pub document_prefix: String,
    /// How token vectors become one vector.
    pub pooling: Pooling,
    /// Where passages have their vectors from; see [`Manifest::passages`].
    #[serde(default)]
    pub passages: Option<Passages>,
    /// What a graph with an input `position_ids` is given there.
    #[serde(default)]
    pub positions: Positions,
    /// Whether vectors are scaled to unit length. Format 1 knows only `true`.
    pub normalize: bool,
    /// How a section becomes sequences.
    pub mode: Mode,
    /// Tokens after which a document is cut into another section.
    pub section_tokens: usize,
    /// The graphs to choose from by device.
    pub graphs: Vec<Graph>,
    /// Every file of the bundle but the manifest.
    pub files: Vec<BundleFile>,
}

/// Token ids that are put around each sequence given to a graph.
#[derive(Debug, Clone, Deserialize)]
pub struct Special {
    /// Ids before the text's own.
    pub prefix_ids: Vec<u32>,
    /// Ids after the text's own.
    pub suffix_ids: Vec<u32>,
    /// Id that fills a sequence up to the length of its batch.
    pub pad_id: u32,
}

/// How token vectors become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean over all tokens of a sequence, special ones included.
    Mean,
    /// The vector of the first token, such as `[CLS]`.
    Cls,
    /// The vector of the last token that is no padding: decoders see the whole text only there.
    Last,
    /// The graph's output is one vector a sequence already, `[batch, dimensions]`.
    Output,
}

/// Where passages have their vectors from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Passages {
    /// Means of token vectors, from the run that reads the whole section.
    Spans,
    /// Each passage is a sequence of its own: for encoders whose token vectors are not made to be compared.
    Sequences,
    /// They have that of their section: for encoders of which every run costs its full length.
    None,
}

/// Which position each token is said to have. With an encoder of absolute positions these stretch its trained length
/// without training, as LongEmbed (Zhu et al., arXiv 2404.12096) compares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions {
    /// How positions follow one another.
    #[serde(flatten)]
    pub kind: PositionKind,
    /// The first one: 0, or 2 for encoders in the line of RoBERTa.
    #[serde(default)]
    pub offset: usize,
}

/// How positions follow one another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum PositionKind {
    /// One after the other.
    #[default]
    Plain,
    /// So many neighbours share one.
    Grouped {
        /// How many.
        group: usize,
    },
    /// They begin again after so many.
    Recurrent {
        /// How many.
        period: usize,
    },
}

impl Positions {
    /// The position of the token at `index`.
    pub fn of(&self, index: usize) -> usize {
        let position = match self.kind {
            PositionKind::Plain => index,
            PositionKind::Grouped { group } => index / group,
            PositionKind::Recurrent { period } => index % period,
        };
        self.offset + position
    }
}

/// How a section becomes sequences.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Mode {
    /// Windows of a fixed number of tokens, each its own sequence.
    Windows {
        /// Tokens of text in a window, special ones not counted.
        window_tokens: usize,
        /// Tokens that a window shares with the one before it.
        overlap_tokens: usize,
    },
    /// One sequence for the whole section, padded to the next bucket.
    Whole {
        /// Tokens in the longest sequence, special ones included.
        max_tokens: usize,
        /// Lengths to pad to, ascending, the last equal to `max_tokens`.
        buckets: Vec<usize>,
        /// Tokens shared by neighbouring sequences of a section longer than one.
        overlap_tokens: usize,
    },
}

/// One ONNX graph of the bundle.
#[derive(Debug, Clone, Deserialize)]
pub struct Graph {
    /// File name.
    pub file: String,
    /// Arithmetic inside the graph.
    pub precision: Precision,
    /// Devices it is meant for: "cpu", "cuda".
    pub devices: Vec<String>,
    /// Whether it takes sequences of unequal length, padded and told apart by an input.
    pub masked: bool,
    /// Tokens in the longest sequence it takes. In `whole` mode a graph may take less than the mode's
    /// longest sequence where another one takes that: a sequence runs in the smallest that fits.
    pub max_tokens: usize,
    /// Names of its inputs: `input_ids`, `attention_mask` or `lengths` where masked, `token_type_ids` (given
    /// zeros), `position_ids` (see [`Positions`]), and `span_starts` with `span_ends` where it pools.
    pub inputs: Vec<String>,
    /// Name of the output, float32 or float16: the token vectors `[batch, tokens, dimensions]`, or where it pools
    /// their sums over the spans, `[spans, dimensions]`, or with [`Pooling::Output`] `[batch, dimensions]`.
    pub output: String,
    /// Name of a second output, float32 `[batch, dimensions]`: each sequence's vector as a document, of
    /// unit length. Without it a document's vector is the mean of its token vectors. All graphs of a
    /// bundle have it or none; queries are means all the same.
    #[serde(default)]
    pub document_output: Option<String>,
    /// What runs cost, where that was measured.
    #[serde(default)]
    pub memory: Option<GraphMemory>,
}

/// Memory that a graph takes, as measured, to be compared with what is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct GraphMemory {
    /// Bytes of every run, beside what the opened graph holds.
    pub run_bytes: u64,
    /// Bytes more for each padded token.
    pub token_bytes: u64,
    /// Bytes more for each pair of tokens of a sequence, where attention is computed as a matrix.
    #[serde(default)]
    pub pair_bytes: u64,
}

impl GraphMemory {
    /// Bytes that a run of so many sequences takes, each padded to so many tokens.
    pub fn of_run(&self, sequences: usize, tokens: usize) -> u64 {
        let (sequences, tokens) = (sequences as u64, tokens as u64);
        let of_token = self.token_bytes.saturating_add(self.pair_bytes.saturating_mul(tokens));
        self.run_bytes.saturating_add(of_token.saturating_mul(sequences.saturating_mul(tokens)))
    }

    /// Padded tokens that a run may have within so many bytes, as far as pairs do not count.
    pub fn tokens_within(&self, bytes: u64) -> usize {
        let tokens = bytes.saturating_sub(self.run_bytes) / self.token_bytes.max(1);
        usize::try_from(tokens).unwrap_or(usize::MAX)
    }
}

impl Graph {
    /// Whether it sums token vectors over given spans itself, so that only sums leave the device.
    /// A span is a range of rows of `[batch x tokens]`.
    pub fn pools(&self) -> bool {
        self.has_input("span_starts")
    }

    fn has_input(&self, name: &str) -> bool {
        self.inputs.iter().any(|input| input == name)
    }
}

/// Arithmetic inside a graph. What goes in and comes out is the same for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point.
    Fp32,
    /// 16-bit floating point.
    Fp16,
    /// 8-bit integers in the matrix products.
    Int8,
}

/// A file of the bundle and what it must be.
#[derive(Debug, Clone, Deserialize)]
pub struct BundleFile {
    /// Path below the bundle's folder.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// sha256 of the content, in lower-case hex.
    pub sha256: String,
}

/// Names of graph inputs that the engine can feed.
pub(crate) const KNOWN_INPUTS: [&str; 7] = [
    "input_ids",
    "attention_mask",
    "token_type_ids",
    "position_ids",
    "lengths",
    "span_starts",
    "span_ends",
];

impl Manifest {
    /// Where passages have their vectors from: where the manifest does not say, from spans of token vectors that are
    /// pooled by their mean, otherwise each from a sequence of its own.
    pub fn passages(&self) -> Passages {
        self.passages.unwrap_or(match self.pooling {
            Pooling::Mean => Passages::Spans,
            Pooling::Cls | Pooling::Last | Pooling::Output => Passages::Sequences,
        })
    }

    /// Special tokens around each sequence.
    pub(crate) fn special_tokens(&self) -> usize {
        self.special.prefix_ids.len() + self.special.suffix_ids.len()
    }

    /// The recorded facts about one file.
    pub(crate) fn file(&self, path: &str) -> Option<&BundleFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Refuses what parses but cannot be run, so that later code need not ask again.
    pub(crate) fn check(&self, path: &Path) -> Result<(), EngineError> {
        self.problem().map_or(Ok(()), |reason| {
            Err(EngineError::ManifestUnsupported { path: path.to_path_buf(), reason })
        })
    }

    fn problem(&self) -> Option<String> {
        if self.dimensions == 0 || self.vocabulary == 0 || self.section_tokens == 0 {
            return Some("dimensions, vocabulary and section_tokens must be above zero".into());
        }
        if !self.normalize {
            return Some("normalize must be true".into());
        }
        if self.pooling == Pooling::Output && self.passages == Some(Passages::Spans) {
            return Some("passages cannot be spans of tokens where the graph pools itself".into());
        }
        if matches!(
            self.positions.kind,
            PositionKind::Grouped { group: 0 } | PositionKind::Recurrent { period: 0 }
        ) {
            return Some("positions must have a group or period above zero".into());
        }
        if let Some(file) = self.files.iter().find(|file| !is_plain_relative(&file.path)) {
            return Some(format!("file path {:?} leaves the bundle's folder", file.path));
        }
        let used = self.graphs.iter().map(|graph| &graph.file).chain([&self.tokenizer]);
        if let Some(name) = used.into_iter().find(|name| self.file(name).is_none()) {
            return Some(format!("{name:?} is used but not listed in files"));
        }
        self.mode_problem()
            .or_else(|| self.graphs.iter().find_map(|graph| self.graph_problem(graph)))
    }

    fn mode_problem(&self) -> Option<String> {
        let (tokens, overlap) = match &self.mode {
            Mode::Windows { window_tokens, overlap_tokens } => (*window_tokens, *overlap_tokens),
            Mode::Whole { max_tokens, buckets, overlap_tokens } => {
                if !buckets.is_sorted_by(|a, b| a < b) || buckets.last() != Some(max_tokens) {
                    return Some("buckets must ascend and end with max_tokens".into());
                }
                (max_tokens.saturating_sub(self.special_tokens()), *overlap_tokens)
            }
        };
        (overlap >= tokens).then(|| "a sequence must be longer than its overlap".into())
    }

    fn graph_problem(&self, graph: &Graph) -> Option<String> {
        let name = &graph.file;
        if !graph.has_input("input_ids") {
            return Some(format!("graph {name} lacks the input input_ids"));
        }
        if let Some(input) = graph.inputs.iter().find(|i| !KNOWN_INPUTS.contains(&i.as_str())) {
            return Some(format!("graph {name} has the unknown input {input:?}"));
        }
        if graph.masked != (graph.has_input("attention_mask") || graph.has_input("lengths")) {
            return Some(format!("graph {name}: masked does not fit its inputs"));
        }
        if self.positions != Positions::default() && !graph.has_input("position_ids") {
            return Some(format!("graph {name} has no input position_ids to give positions to"));
        }
        if self.pooling != Pooling::Mean && (graph.pools() || graph.document_output.is_some()) {
            return Some(format!("graph {name}: what it pools itself is a mean"));
        }
        if graph.has_input("span_starts") != graph.has_input("span_ends") {
            return Some(format!("graph {name}: span_starts and span_ends belong together"));
        }
        if self
            .graphs
            .iter()
            .any(|g| g.document_output.is_some() != graph.document_output.is_some())
        {
            return Some(format!("graph {name}: all graphs have a document_output or none"));
        }
        let longest = match &self.mode {
            Mode::Windows { window_tokens, .. } => window_tokens + self.special_tokens(),
            Mode::Whole { max_tokens, .. } => *max_tokens,
        };
        let fills_in = graph.devices.iter().all(|device| {
            self.graphs.iter().any(|other| {
                other.max_tokens >= longest
                    && other.masked == graph.masked
                    && other.devices.contains(device)
            })
        });
        let whole = matches!(self.mode, Mode::Whole { .. });
        (graph.max_tokens < longest && !(whole && fills_in)).then(|| {
            format!("graph {name} takes {} tokens, the mode needs {longest}", graph.max_tokens)
        })
    }
}

/// Whether a path stays below the folder it is joined to.
fn is_plain_relative(path: &str) -> bool {
    let path = Path::new(path);
    path.components().next().is_some()
        && path.components().all(|part| matches!(part, Component::Normal(_)))
}
