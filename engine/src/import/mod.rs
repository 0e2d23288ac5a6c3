//! Encoders of others: a folder in the layout of Hugging Face, with an ONNX file, becomes a bundle.
//!
//! What the usual files beside the model say is believed as far as a trial encoding bears it out; what they leave open
//! has to be said. Nothing is kept of a model that is refused.

mod onnx;
mod settings;
mod special;
mod trial;

use std::path::{Component, Path, PathBuf};

use ort::session::Session;
use ort::value::{TensorElementType, ValueType};
use serde_json::{Value, json};

use crate::bundle::{Bundle, Passages, Pooling, PositionKind, Positions, Verify, sha256_of_file};
use crate::error::EngineError;
use crate::runtime::Runtime;
use crate::session::{SessionSettings, create};
use onnx::Model;
use settings::Settings;

/// What the person says about a model; what is left out is read from its files.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The bundle's name, and that of its folder.
    pub name: Option<String>,
    /// The ONNX file, below the model's folder.
    pub onnx: Option<PathBuf>,
    /// How token vectors become one.
    pub pooling: Option<Pooling>,
    /// Where passages have their vectors from.
    pub passages: Option<Passages>,
    /// Text put before a query.
    pub query_prefix: Option<String>,
    /// Text put before each sequence of a document.
    pub document_prefix: Option<String>,
    /// Tokens in the longest sequence, special ones included.
    pub max_tokens: Option<usize>,
    /// Documents are read in windows of the longest sequence even where that is long.
    pub windows: bool,
    /// Every sequence is padded to the longest: for models that are made so and see their padding.
    pub fixed_length: bool,
    /// Stretches the trained length to `max_tokens` by what positions tokens are said to have.
    pub extend: Option<Extension>,
}

/// Ways to a length beyond the trained one that need no other graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// Neighbours share a position.
    Grouped,
    /// Positions begin again.
    Recurrent,
}

/// What became of a model.
#[derive(Debug)]
pub struct Imported {
    /// The bundle, in its folder.
    pub bundle: Bundle,
    /// What was assumed, in words for a person.
    pub notes: Vec<String>,
}

/// Where ONNX files are looked for, the exact ones first.
const ONNX_FILES: [&str; 4] =
    ["onnx/model.onnx", "model.onnx", "onnx/model_fp16.onnx", "onnx/model_quantized.onnx"];

/// From this length on a document is read whole.
const WHOLE_TOKENS: usize = 1024;

/// Makes a bundle of the model in `source`, below the folder `encoders`. `progress` hears of the steps.
///
/// # Errors
/// [`EngineError::ImportRefused`] where the model is of a kind that cannot be used, names what it does not bring, or does
/// not work in a trial; its reason says what can be done. Nothing is left behind then, and a bundle of the same name
/// stays as it was.
pub fn import(
    source: &Path,
    encoders: &Path,
    options: &ImportOptions,
    runtime: &Runtime,
    progress: &dyn Fn(&str),
) -> Result<Imported, EngineError> {
    if !source.is_dir() {
        return Err(refused(source, "it is no folder"));
    }
    let settings = settings::read(source, options)?;
    let destination = encoders.join(&settings.name);
    if destination.exists() {
        let reason =
            format!("there is an encoder {:?} already: give this one another name", settings.name);
        return Err(refused(&destination, reason));
    }
    progress("reading the model");
    let graph = Graph::look(source, options, runtime)?;
    let mut notes = Vec::new();
    let manifest = describe(source, &settings, &graph, options, &mut notes)?;

    progress("copying it");
    fs_err::create_dir_all(encoders)?;
    let temporary = tempfile::Builder::new().prefix(".import-").tempdir_in(encoders)?;
    write_bundle(source, temporary.path(), &graph, manifest)?;
    progress("trying it");
    let bundle = Bundle::open(temporary.path(), Verify::Sizes)?;
    trial::run(source, &bundle, runtime, &mut notes)?;
    drop(bundle);
    fs_err::rename(temporary.path(), &destination)?;
    // What it named is now elsewhere.
    let _ = temporary.keep();
    Ok(Imported { bundle: Bundle::open(&destination, Verify::Sizes)?, notes })
}

pub(super) fn refused(path: &Path, reason: impl Into<String>) -> EngineError {
    EngineError::ImportRefused { path: path.to_path_buf(), reason: reason.into() }
}

/// The ONNX file that is used, as far as it can be known without running it.
struct Graph {
    /// Below the model's folder.
    file: PathBuf,
    /// Other files with its weights, beside it.
    external: Vec<PathBuf>,
    inputs: Vec<String>,
    output: String,
    /// Whether the output is one vector a sequence.
    pooled: bool,
    dimensions: Option<usize>,
    fused_attention: bool,
}

impl Graph {
    fn look(
        source: &Path,
        options: &ImportOptions,
        runtime: &Runtime,
    ) -> Result<Graph, EngineError> {
        let file = match &options.onnx {
            Some(named) => named.strip_prefix(source).unwrap_or(named).to_path_buf(),
            None => ONNX_FILES.iter().map(PathBuf::from).find(|file| source.join(file).is_file()).ok_or_else(|| {
                let reason = format!(
                    "it has no ONNX file ({}): export it, for example with `optimum-cli export onnx --model {} OUT`, or name the file",
                    ONNX_FILES.join(", "),
                    source.display()
                );
                refused(source, reason)
            })?,
        };
        let path = source.join(&file);
        let model = Model::parse(&fs_err::read(&path)?).ok_or_else(|| {
            refused(&path, "it is no ONNX model, or was cut short: fetch it again (git lfs pull, if it came by git)")
        })?;
        if let Some((domain, operator)) = model.custom_operator() {
            let reason = format!(
                "it asks for the operator {operator} of {domain}, which ONNX Runtime does not have: export it without custom operators"
            );
            return Err(refused(&path, reason));
        }
        let external = weights_beside(source, &file, &model)?;
        let session = create(&path, runtime, &SessionSettings::plain_cpu())
            .map_err(|error| refused(&path, format!("ONNX Runtime cannot load it: {error}")))?;
        let inputs = inputs_of(&session).map_err(|reason| refused(&path, reason))?;
        let wants_pooled = options.pooling == Some(Pooling::Output);
        let (output, shape) =
            output_of(&session, wants_pooled).map_err(|reason| refused(&path, reason))?;
        Ok(Graph {
            pooled: shape.len() == 2,
            dimensions: shape.last().and_then(|&size| usize::try_from(size).ok()),
            output,
            fused_attention: model.has_fused_attention(),
            file,
            external,
            inputs,
        })
    }

    fn has(&self, input: &str) -> bool {
        self.inputs.iter().any(|name| name == input)
    }
}

/// Other files with the model's weights, below its folder: they lie beside the graph, and nowhere else.
fn weights_beside(source: &Path, file: &Path, model: &Model) -> Result<Vec<PathBuf>, EngineError> {
    let beside = file.parent().unwrap_or(Path::new(""));
    let mut external = Vec::new();
    for name in &model.external {
        let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || name.is_empty() {
            let reason = format!("its weights lie in {name:?}, which leaves its folder");
            return Err(refused(&source.join(file), reason));
        }
        let weights = beside.join(name);
        if !source.join(&weights).is_file() {
            let reason = "the file with the model's weights is missing";
            return Err(refused(&source.join(&weights), reason));
        }
        external.push(weights);
    }
    Ok(external)
}

/// The names of a graph's inputs, or why the engine cannot feed them.
fn inputs_of(session: &Session) -> Result<Vec<String>, String> {
    let mut inputs = Vec::new();
    for input in session.inputs() {
        let name = input.name();
        if !["input_ids", "attention_mask", "token_type_ids", "position_ids"].contains(&name) {
            let what = if name.starts_with("past_key_values") {
                "it was exported to write text, with the input"
            } else {
                "it has the input"
            };
            return Err(format!(
                "{what} {name}, which an encoder does not have: export it for feature extraction"
            ));
        }
        if !matches!(input.dtype(), ValueType::Tensor { ty: TensorElementType::Int64, .. }) {
            return Err(format!(
                "its input {name} does not take 64-bit integers: {}",
                input.dtype()
            ));
        }
        inputs.push(name.to_owned());
    }
    match inputs.iter().any(|name| name == "input_ids") {
        true => Ok(inputs),
        false => Err("it has no input input_ids".to_owned()),
    }
}

/// The name and shape of the output with token vectors, or else with a vector a sequence, which alone will do where the
/// graph is to pool.
fn output_of(session: &Session, pooled: bool) -> Result<(String, Vec<i64>), String> {
    let shape = |dtype: &ValueType| match dtype {
        ValueType::Tensor {
            ty: TensorElementType::Float32 | TensorElementType::Float16,
            shape,
            ..
        } => Some(shape.to_vec()),
        _ => None,
    };
    let of_rank = |rank: usize| {
        let outputs = session.outputs().iter();
        let mut shaped =
            outputs.filter_map(|output| Some((output.name().to_owned(), shape(output.dtype())?)));
        shaped.find(|(_, shape)| shape.len() == rank)
    };
    let tokens = if pooled { None } else { of_rank(3) };
    tokens.or_else(|| of_rank(2)).ok_or_else(|| {
        let outputs = session.outputs().iter();
        let names: Vec<String> =
            outputs.map(|output| format!("{} {}", output.name(), output.dtype())).collect();
        let names = names.join(", ");
        format!("none of its outputs are token vectors or sentence vectors: {names}")
    })
}

/// The manifest, but for the list of files.
fn describe(
    source: &Path,
    settings: &Settings,
    graph: &Graph,
    options: &ImportOptions,
    notes: &mut Vec<String>,
) -> Result<Value, EngineError> {
    let pooling = match (settings.pooling, graph.pooled) {
        (Some(Pooling::Output) | None, true) => Pooling::Output,
        (Some(other), true) => {
            notes.push(format!(
                "the graph pools by itself; {other:?} of its files is taken to be how"
            ));
            Pooling::Output
        }
        (Some(pooling), false) => pooling,
        (None, false) => {
            return Err(refused(
                source,
                "nothing says how its token vectors become one (1_Pooling/config.json is missing): see its model card and say mean, cls or last",
            ));
        }
    };
    if let (Some(gives), Some(says), false) = (graph.dimensions, settings.dimensions, graph.pooled)
        && gives != says
    {
        return Err(refused(
            source,
            format!(
                "config.json says {says} dimensions, the graph gives {gives}: the files are not of one model"
            ),
        ));
    }
    let dimensions = graph.dimensions.or(settings.dimensions).ok_or_else(|| {
        refused(source, "nothing says how long its vectors are (hidden_size in config.json)")
    })?;
    let vocabulary = settings.vocabulary.ok_or_else(|| {
        refused(source, "nothing says how many tokens it knows (vocab_size in config.json)")
    })?;
    let max_tokens = settings.max_tokens.ok_or_else(|| {
        refused(source, "nothing says how long a text it takes (max_position_embeddings in config.json): say how many tokens")
    })?;
    let masked = graph.has("attention_mask");
    let special = special::read(source, settings, pooling, notes)?;
    let around = special.prefix_ids.len() + special.suffix_ids.len();
    let (tokens, positions) = lengths(source, settings, graph, options, max_tokens)?;
    let fixed = options.fixed_length;
    let whole = (fixed || tokens >= WHOLE_TOKENS) && !options.windows && (masked || fixed);
    if tokens >= WHOLE_TOKENS && !whole && !options.windows {
        notes.push("it has no attention_mask, so documents are read in windows".to_owned());
    }
    if tokens <= around + 1 {
        return Err(refused(source, format!("{tokens} tokens leave no room for text")));
    }
    let mode = if whole {
        let buckets = if fixed { vec![tokens] } else { buckets(tokens) };
        json!({"kind": "whole", "max_tokens": tokens, "buckets": buckets, "overlap_tokens": tokens / 16})
    } else {
        json!({"kind": "windows", "window_tokens": tokens - around, "overlap_tokens": 0})
    };
    let pairs =
        if graph.fused_attention { 0 } else { ATTENTION_COPIES * 4 * settings.heads as u64 };
    let mut manifest = json!({
        "format": 1,
        "name": settings.name,
        "description": format!("{} encoder, imported", settings.family),
        "dimensions": dimensions,
        "vocabulary": vocabulary,
        "tokenizer": "tokenizer.json",
        "special": {"prefix_ids": special.prefix_ids, "suffix_ids": special.suffix_ids, "pad_id": special.pad_id},
        "query_prefix": settings.query_prefix,
        "document_prefix": settings.document_prefix,
        "pooling": pooling,
        "normalize": true,
        "mode": mode,
        "section_tokens": (tokens * 4).max(8192),
        "graphs": [{
            "file": file_name(&graph.file),
            "precision": precision(&graph.file),
            "devices": ["cpu", "cuda"],
            "masked": masked,
            "max_tokens": tokens,
            "inputs": graph.inputs,
            "output": graph.output,
            "memory": {"run_bytes": 0, "token_bytes": 16 * 4 * dimensions, "pair_bytes": pairs},
        }],
    });
    if let Some(passages) = options.passages {
        manifest["passages"] = json!(passages);
    } else if fixed {
        manifest["passages"] = json!(Passages::None);
    }
    if positions != Positions::default() {
        manifest["positions"] = json!(positions);
    }
    Ok(manifest)
}

/// Copies of a layer's matrix of attention that are alive at once where it is not one operator.
const ATTENTION_COPIES: u64 = 3;

/// The longest sequence, and the positions its tokens are said to have.
fn lengths(
    source: &Path,
    settings: &Settings,
    graph: &Graph,
    options: &ImportOptions,
    max_tokens: usize,
) -> Result<(usize, Positions), EngineError> {
    let offset = if graph.has("position_ids") { settings.first_position } else { 0 };
    let plain = Positions { kind: PositionKind::Plain, offset };
    let Some(extension) = options.extend else { return Ok((max_tokens, plain)) };
    if !graph.has("position_ids") {
        let reason = "its graph has no input position_ids, so its length can only be extended by an export: see engine/training/extend";
        return Err(refused(source, reason));
    }
    let trained = settings.trained_tokens.filter(|&trained| trained < max_tokens);
    let trained = trained.ok_or_else(|| {
        refused(source, "to extend it, say to how many tokens: more than it was trained with")
    })?;
    let kind = match extension {
        Extension::Grouped => PositionKind::Grouped { group: max_tokens.div_ceil(trained) },
        Extension::Recurrent => PositionKind::Recurrent { period: trained },
    };
    Ok((max_tokens, Positions { kind, offset }))
}

/// Lengths to pad to: few enough to share runs, close enough that padding costs an eighth at most.
fn buckets(max_tokens: usize) -> Vec<usize> {
    let mut buckets = vec![16];
    while let Some(&last) = buckets.last()
        && last < max_tokens
    {
        buckets.push((last + (last / 8).next_multiple_of(8)).min(max_tokens));
    }
    buckets.retain(|&bucket| bucket <= max_tokens);
    if buckets.last() != Some(&max_tokens) {
        buckets.push(max_tokens);
    }
    buckets
}

fn precision(file: &Path) -> &'static str {
    let name = file_name(file).to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    match () {
        () if has(&["fp16", "float16"]) => "fp16",
        () if has(&["quantized", "int8", "uint8", "qint8"]) => "int8",
        () => "fp32",
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Copies what belongs to the bundle and writes the manifest beside it.
fn write_bundle(
    source: &Path,
    folder: &Path,
    graph: &Graph,
    mut manifest: Value,
) -> Result<(), EngineError> {
    let about = ["LICENSE", "LICENSE.md", "LICENSE.txt", "NOTICE", "README.md"].map(PathBuf::from);
    let about = about.into_iter().filter(|file| source.join(file).is_file());
    let tokenizer = PathBuf::from("tokenizer.json");
    let wanted = [tokenizer, graph.file.clone()].into_iter().chain(graph.external.clone());
    let mut files = Vec::new();
    let beside = graph.file.parent().unwrap_or(Path::new(""));
    for from in wanted.chain(about) {
        // What the graph names lies where it names it, beside the graph.
        let to = from.strip_prefix(beside).unwrap_or(&from).to_path_buf();
        let path = folder.join(&to);
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        let bytes = fs_err::copy(source.join(&from), &path)?;
        files.push(
            json!({"path": to.to_string_lossy(), "bytes": bytes, "sha256": sha256_of_file(&path)?}),
        );
    }
    manifest["files"] = Value::Array(files);
    let text = serde_json::to_string_pretty(&manifest).map_err(std::io::Error::from)?;
    fs_err::write(folder.join("manifest.json"), text + "\n")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_ascend_to_the_longest() {
        for max_tokens in [1, 16, 17, 100, 2048, 8192, 32_768] {
            let buckets = buckets(max_tokens);
            assert!(buckets.is_sorted_by(|a, b| a < b), "{buckets:?}");
            assert_eq!(buckets.last(), Some(&max_tokens));
            let wide = |pair: &[usize]| pair[0] >= 64 && pair[1] * 8 > pair[0] * 9 + 64;
            assert!(!buckets.windows(2).any(wide), "{buckets:?}");
        }
    }
}
