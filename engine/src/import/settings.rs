//! What the usual files beside a model say about how it wants to be used.

use std::path::Path;

use serde_json::Value;

use super::{ImportOptions, refused};
use crate::bundle::Pooling;
use crate::error::EngineError;

/// The answers, flags first.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) name: String,
    /// `config.json`'s `model_type`, such as `bert` or `qwen3`.
    pub(super) family: String,
    /// `None` where nothing says: the graph may tell.
    pub(super) pooling: Option<Pooling>,
    pub(super) query_prefix: String,
    pub(super) document_prefix: String,
    /// Tokens in the longest sequence, special ones included.
    pub(super) max_tokens: Option<usize>,
    /// The same as the files have it, whatever the flags say.
    pub(super) trained_tokens: Option<usize>,
    pub(super) vocabulary: Option<usize>,
    pub(super) dimensions: Option<usize>,
    pub(super) pad_id: Option<u32>,
    pub(super) end_id: Option<u32>,
    /// The first position: models in the line of RoBERTa count on from their padding's id.
    pub(super) first_position: usize,
    pub(super) heads: usize,
}

/// Lengths that tokenizers name to say "no limit" are higher than this.
const LONGEST: u64 = 1 << 24;

/// Reads the files of a folder in the layout of Hugging Face and sentence-transformers.
pub(super) fn read(folder: &Path, options: &ImportOptions) -> Result<Settings, EngineError> {
    let config = json(folder, "config.json")?.ok_or_else(|| {
        refused(folder, "it has no config.json: a folder in the layout of Hugging Face is needed")
    })?;
    let module = json(folder, "1_Pooling/config.json")?;
    let sentence = json(folder, "sentence_bert_config.json")?;
    let prompts = json(folder, "config_sentence_transformers.json")?;
    let tokenizer = json(folder, "tokenizer_config.json")?;
    check_modules(folder)?;

    let family = config["model_type"].as_str().unwrap_or_default().to_owned();
    let first_position = match family.as_str() {
        "roberta" | "xlm-roberta" | "camembert" | "mpnet" => {
            config["pad_token_id"].as_u64().unwrap_or(1) as usize + 1
        }
        _ => 0,
    };
    let number = |value: &Value| value.as_u64().filter(|&number| number < LONGEST);
    let of_config =
        ["max_position_embeddings", "n_positions", "max_trained_positions", "seq_length"]
            .iter()
            .find_map(|name| number(&config[*name]))
            .map(|positions| positions.saturating_sub(first_position as u64));
    let named = [
        sentence.as_ref().and_then(|file| number(&file["max_seq_length"])),
        tokenizer.as_ref().and_then(|file| number(&file["model_max_length"])),
        of_config,
    ];
    let trained_tokens = named.into_iter().flatten().min().map(|n| n as usize);
    let id = |name: &str| match &config[name] {
        Value::Array(ids) => ids.first().and_then(Value::as_u64),
        value => value.as_u64(),
    };
    let prompt = |names: &[&str]| {
        let prompts = &prompts.as_ref()?["prompts"];
        names.iter().find_map(|name| prompts[*name].as_str()).map(str::to_owned)
    };
    let size = |names: &[&str]| names.iter().find_map(|name| number(&config[*name]));
    Ok(Settings {
        name: match &options.name {
            Some(name) => name.clone(),
            None => name_of(folder, &config),
        },
        pooling: match options.pooling {
            Some(pooling) => Some(pooling),
            None => module.as_ref().map(|module| pooling(folder, module)).transpose()?.flatten(),
        },
        query_prefix: options
            .query_prefix
            .clone()
            .or_else(|| prompt(&["query", "web_search_query"]))
            .unwrap_or_default(),
        document_prefix: options
            .document_prefix
            .clone()
            .or_else(|| prompt(&["document", "passage", "corpus"]))
            .unwrap_or_default(),
        max_tokens: options.max_tokens.or(trained_tokens),
        trained_tokens,
        vocabulary: size(&["vocab_size"]).map(|n| n as usize),
        dimensions: size(&["hidden_size", "n_embd", "dim", "d_model"]).map(|n| n as usize),
        pad_id: id("pad_token_id").and_then(|id| u32::try_from(id).ok()),
        end_id: id("eos_token_id").and_then(|id| u32::try_from(id).ok()),
        heads: size(&["num_attention_heads", "n_head", "num_heads"]).unwrap_or(12) as usize,
        family,
        first_position,
    })
}

/// The last part of the name it was published under, otherwise the folder's.
fn name_of(folder: &Path, config: &Value) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let of_folder = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let published = config["_name_or_path"].as_str().filter(|name| !name.contains(['\\', '.']));
    let name = of_folder
        .filter(|name| name != "onnx")
        .or_else(|| published.and_then(|name| name.rsplit('/').next()).map(str::to_owned));
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = name.unwrap_or_default().to_lowercase().chars().map(plain).collect();
    let name = name.trim_matches(['-', '.']).to_owned();
    if name.is_empty() { "imported".to_owned() } else { name }
}

/// Which of sentence-transformers' poolings is switched on.
fn pooling(folder: &Path, module: &Value) -> Result<Option<Pooling>, EngineError> {
    let on = |name: &str| module[name].as_bool() == Some(true);
    let known = [
        ("pooling_mode_mean_tokens", Pooling::Mean),
        ("pooling_mode_cls_token", Pooling::Cls),
        ("pooling_mode_lasttoken", Pooling::Last),
    ];
    let chosen: Vec<Pooling> =
        known.iter().filter(|(name, _)| on(name)).map(|&(_, pooling)| pooling).collect();
    let other = module.as_object().into_iter().flatten().find(|(name, value)| {
        let is_mode = name.starts_with("pooling_mode_") && value.as_bool() == Some(true);
        is_mode && !known.iter().any(|(known, _)| known == name)
    });
    match (chosen.as_slice(), other) {
        (_, Some((name, _))) => {
            Err(refused(folder, format!("its pooling is {name}, which is not known here")))
        }
        ([pooling], None) => Ok(Some(*pooling)),
        ([], None) => Ok(None),
        _ => Err(refused(
            folder,
            "it pools in several ways at once, side by side, which is not known here",
        )),
    }
}

/// Refuses what follows pooling in `modules.json` but for scaling to unit length, which is done here in any case.
fn check_modules(folder: &Path) -> Result<(), EngineError> {
    let Some(modules) = json(folder, "modules.json")? else { return Ok(()) };
    for module in modules.as_array().into_iter().flatten() {
        let kind =
            module["type"].as_str().unwrap_or_default().rsplit('.').next().unwrap_or_default();
        if !["Transformer", "Pooling", "Normalize"].contains(&kind) {
            let reason = format!(
                "modules.json has a layer {kind:?} after the encoder, which the ONNX file does not hold"
            );
            return Err(refused(folder, reason));
        }
    }
    Ok(())
}

/// A file's JSON; `None` where there is no such file.
pub(super) fn json(folder: &Path, name: &str) -> Result<Option<Value>, EngineError> {
    let path = folder.join(name);
    let text = match fs_err::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| refused(&path, format!("it is no JSON: {error}")))
}
