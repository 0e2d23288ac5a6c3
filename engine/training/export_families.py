"""Small models of the families that `lsearch model add` takes, for the engine's tests.

Each has random weights, the architecture and the config files of its family in the layout of
Hugging Face, a graph as exported from PyTorch, and what PyTorch itself gives for a few texts. Needs
`requirements-families.txt`.

    python export_families.py      # writes ../tests/families
"""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    MistralConfig,
    MistralModel,
    ModernBertConfig,
    ModernBertModel,
    Qwen3Config,
    Qwen3Model,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from family_models import AlibiBert, HeedlessBert, RotaryBert
from tiny_text import make_tokenizer

FOLDER = Path(__file__).parent / "../tests/families"
HIDDEN, LAYERS, HEADS, WIDE = 32, 2, 4, 64
TEXTS = (
    "boat",
    "the ferry leaves the harbour at low tide",
    "the boat waits for the tide and the ferry returns to find a bridge " * 3,
)


def tokenizer(before: list[str], after: list[str]) -> dict:
    """The tiny tokenizer, which puts these special tokens around a text."""
    spec = make_tokenizer()
    ids = {entry["content"]: entry["id"] for entry in spec["added_tokens"]}
    part = [{"SpecialToken": {"id": name, "type_id": 0}} for name in before]
    part += [{"Sequence": {"id": "A", "type_id": 0}}]
    part += [{"SpecialToken": {"id": name, "type_id": 0}} for name in after]
    spec["post_processor"] = {
        "type": "TemplateProcessing",
        "single": part,
        "pair": part,
        "special_tokens": {
            name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in before + after
        },
    }
    return spec


class Wrapped(nn.Module):
    """A model of transformers with plain inputs and one output."""

    def __init__(
        self, model: nn.Module, pooled: bool = False, types: bool = False, causal: bool = False
    ) -> None:
        super().__init__()
        self.model, self.pooled, self.types, self.causal = model, pooled, types, causal

    def forward(self, input_ids, attention_mask, token_type_ids=None):
        extra = {"token_type_ids": token_type_ids} if self.types else {}
        mask = seen(attention_mask) if self.causal else attention_mask
        tokens = self.model(input_ids=input_ids, attention_mask=mask, **extra)[0]
        if not self.pooled:
            return tokens
        weights = attention_mask.unsqueeze(-1).to(tokens.dtype)
        return (tokens * weights).sum(1) / weights.sum(1)


def seen(mask: torch.Tensor) -> torch.Tensor:
    """What each token of a decoder may look at: itself and true ones before it.

    The library's own way to this mask cannot be traced.
    """
    tokens = torch.arange(mask.shape[1])
    allowed = (tokens[None, :] <= tokens[:, None]) & mask[:, None, None, :].to(torch.bool)
    return torch.where(allowed, 0.0, -1e9)


def pool(tokens: torch.Tensor, pooling: str) -> torch.Tensor:
    vector = {"mean": tokens[0].mean(0), "cls": tokens[0, 0], "last": tokens[0, -1]}[pooling]
    return nn.functional.normalize(vector, dim=0)


def pooling_module(pooling: str) -> dict:
    return {
        "word_embedding_dimension": HIDDEN,
        "pooling_mode_cls_token": pooling == "cls",
        "pooling_mode_mean_tokens": pooling == "mean",
        "pooling_mode_max_tokens": False,
        "pooling_mode_lasttoken": pooling == "last",
    }


def write(
    name: str,
    model: nn.Module,
    config: dict,
    pooling: str,
    around: tuple[list[str], list[str]],
    *,
    types: bool = False,
    pooled: bool = False,
    add: list[int] | None = None,
    files: dict | None = None,
) -> dict:
    """A family's folder, and its goldens: unit vectors of `TEXTS`, computed without padding."""
    folder = FOLDER / name
    folder.mkdir(parents=True)
    spec = tokenizer(*around)
    config = {**config, "vocab_size": max(spec["model"]["vocab"].values()) + 1}
    files = dict(files or {})
    files["config.json"] = config
    files["tokenizer.json"] = spec
    if not pooled:
        files["1_Pooling/config.json"] = pooling_module(pooling)
        files["modules.json"] = [
            {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ]
    for path, content in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(json.dumps(content, indent=1) + "\n")

    wrapped = Wrapped(model.eval(), pooled, types, pooling == "last").eval()
    inputs = {
        "input_ids": torch.randint(5, 60, (2, 11)),
        "attention_mask": torch.tensor([[1] * 11, [1] * 7 + [0] * 4]),
    }
    if types:
        inputs["token_type_ids"] = torch.zeros(2, 11, dtype=torch.int64)
    output = "sentence_embedding" if pooled else "last_hidden_state"
    axes = {0: "batch", 1: "tokens"}
    (folder / "onnx").mkdir()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            wrapped,
            tuple(inputs.values()),
            folder / "onnx/model.onnx",
            input_names=list(inputs),
            output_names=[output],
            dynamic_axes={name: axes for name in inputs}
            | {output: {0: "batch"} if pooled else axes},
            opset_version=17,
            dynamo=False,
        )
        encode = Tokenizer.from_str(json.dumps(spec)).encode
        vectors = []
        for text in TEXTS:
            ids = torch.tensor([encode(text).ids + (add or [])])
            mask = torch.ones_like(ids)
            extra = (torch.zeros_like(ids),) if types else ()
            tokens = wrapped(ids, mask, *extra)
            whole = nn.functional.normalize(tokens[0], dim=0)
            vector = whole if pooled else pool(tokens, pooling)
            vectors.append([round(float(value), 6) for value in vector])
    return {"pooling": "output" if pooled else pooling, "vectors": vectors}


def main() -> None:
    torch.manual_seed(384)
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    vocabulary = max(make_tokenizer()["model"]["vocab"].values()) + 1
    shape = {
        "vocab_size": vocabulary,
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": WIDE,
        "initializer_range": 0.3,
        "attn_implementation": "eager",
    }
    bert = ["[BEGIN]"], ["[END]"]

    def saved(config) -> dict:
        return json.loads(config.to_json_string(use_diff=False))

    goldens = {}
    config = BertConfig(**shape, max_position_embeddings=128, pad_token_id=1)
    goldens["bert"] = write(
        "bert",
        BertModel(config, add_pooling_layer=False),
        saved(config),
        "mean",
        bert,
        types=True,
        files={"sentence_bert_config.json": {"max_seq_length": 96, "do_lower_case": False}},
    )
    goldens["bert-pooled"] = write(
        "bert-pooled",
        BertModel(config, add_pooling_layer=False),
        saved(config),
        "mean",
        bert,
        types=True,
        pooled=True,
    )
    config = XLMRobertaConfig(
        **shape, max_position_embeddings=130, pad_token_id=1, type_vocab_size=1
    )
    goldens["xlm-roberta"] = write(
        "xlm-roberta",
        XLMRobertaModel(config, add_pooling_layer=False),
        saved(config),
        "cls",
        bert,
        files={
            "config_sentence_transformers.json": {"prompts": {"query": "find ", "passage": "the "}}
        },
    )
    config = ModernBertConfig(
        **shape,
        max_position_embeddings=2048,
        pad_token_id=1,
        local_attention=16,
        global_attn_every_n_layers=2,
        reference_compile=False,
        cls_token_id=2,
        sep_token_id=4,
        bos_token_id=2,
        eos_token_id=4,
    )
    goldens["modernbert"] = write("modernbert", ModernBertModel(config), saved(config), "cls", bert)
    decoder = {
        **shape,
        "num_key_value_heads": 2,
        "pad_token_id": 1,
        "eos_token_id": 4,
        "use_cache": False,
    }
    config = Qwen3Config(**decoder, head_dim=8, max_position_embeddings=4096)
    goldens["qwen3"] = write(
        "qwen3",
        Qwen3Model(config),
        saved(config),
        "last",
        ([], ["[END]"]),
        files={
            "config_sentence_transformers.json": {"prompts": {"query": "find : ", "document": ""}}
        },
    )
    config = MistralConfig(
        **decoder, max_position_embeddings=4096, sliding_window=None, bos_token_id=2
    )
    goldens["mistral"] = write(
        "mistral", MistralModel(config), saved(config), "last", (["[BEGIN]"], []), add=[4]
    )
    jina = AlibiBert(vocabulary, HIDDEN, LAYERS, HEADS, WIDE)
    goldens["jina-v2"] = write(
        "jina-v2",
        jina,
        {
            "model_type": "bert",
            "position_embedding_type": "alibi",
            "hidden_size": HIDDEN,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "intermediate_size": WIDE,
            "max_position_embeddings": 2048,
            "pad_token_id": 1,
            "feed_forward_type": "geglu",
        },
        "mean",
        bert,
    )
    heedless = HeedlessBert(vocabulary, HIDDEN, LAYERS, HEADS, WIDE)
    config = {
        "model_type": "bert",
        "hidden_size": HIDDEN,
        "max_position_embeddings": 256,
        "pad_token_id": 1,
    }
    write("heedless", heedless, config, "mean", bert)
    nomic = RotaryBert(vocabulary, HIDDEN, LAYERS, HEADS, WIDE)
    goldens["nomic"] = write(
        "nomic",
        nomic,
        {
            "model_type": "nomic_bert",
            "n_embd": HIDDEN,
            "n_layer": LAYERS,
            "n_head": HEADS,
            "n_inner": WIDE,
            "n_positions": 2048,
            "pad_token_id": 1,
            "activation_function": "swiglu",
            "rotary_emb_fraction": 1.0,
            "rotary_emb_base": 1000,
        },
        "mean",
        bert,
        files={
            "config_sentence_transformers.json": {
                "prompts": {"query": "find : ", "document": "the : "}
            }
        },
    )
    text = json.dumps({"texts": TEXTS, "families": goldens}, indent=1)
    (FOLDER / "goldens.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
