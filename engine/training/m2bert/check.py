"""Compares exported graphs with the reference implementation of M2-BERT, on the CPU.

    python -m m2bert.check M2_CHECKOUT [TOKENS[xLAYERS]…]

M2_CHECKOUT is a working tree of github.com/HazyResearch/m2, which is run beside this code and needs
einops, opt_einsum and transformers. Weights are random, in the layout and with the sizes of the
published retrieval models; they are written as a checkpoint and read as one. Each line says how far
apart the unit vectors are (largest difference) and the pooler's outputs (relative), with weights in
bfloat16, as published, and with weights that use all of fp32. It must not be beyond 1e-3.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
import time
import types
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from .checkpoint import read
from .export import GRAPH, write_graph
from .weights import collect

LENGTHS = ("128x12", "2048x12", "32768x2")
CLOSE = 1e-3

# As in the published `config.json`, lengths aside.
PUBLISHED = {
    "attention_probs_dropout_prob": 0.0,
    "bidirectional": True,
    "classifier_dropout": None,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 768,
    "hyena_emb_dim": 5,
    "hyena_filter_dropout": 0.2,
    "hyena_filter_order": 128,
    "hyena_lr_pos_emb": 1e-05,
    "hyena_training_additions": False,
    "hyena_w": 10,
    "hyena_w_mod": 1,
    "hyena_wd": 0.1,
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "layer_norm_eps": 1e-12,
    "long_conv_kernel_learning_rate": 0.001,
    "monarch_mlp_nblocks": 4,
    "num_attention_heads": 12,
    "pad_token_id": 0,
    "pool_all": False,
    "residual_long_conv": True,
    "type_vocab_size": 2,
    "use_glu_mlp": True,
    "use_monarch_mlp": True,
    "use_positional_encodings": True,
    "vocab_size": 30528,
}
# What the reference asks of a configuration beside that.
_UNPUBLISHED = {
    "monarch_mixer_sequence_mixing": True,
    "use_cls_token": False,
    "sequence_token_planting": False,
}


def reference(checkout: Path, config: dict) -> torch.nn.Module:
    """The reference's encoder with its own random weights."""
    folder = checkout / "bert"
    if "src" not in sys.modules:
        # As a bare package: what its own __init__ imports is for training.
        package = types.ModuleType("src")
        package.__path__ = [str(folder / "src")]
        sys.modules["src"] = package
        sys.path += [str(folder), str(folder / "src")]
    with contextlib.redirect_stdout(io.StringIO()):
        from src.bert_layers import BertModel
        from src.configuration_bert import BertConfig

        given = BertConfig(**{k: v for k, v in config.items() if k != "num_labels"})
        for field, value in (config | _UNPUBLISHED).items():
            setattr(given, field, value)
        return BertModel(given).eval()


def randomise(model: torch.nn.Module, tokens: int, exact: bool) -> None:
    """Random weights with which every layer counts in the output, and no layer multiplies what
    rounding left of the one before it: gates are about half open, and filters are smooth.

    `exact`: bfloat16 holds them.
    """
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, value in model.named_parameters():
            noise = torch.randn(value.shape, generator=generator)
            part = name.rsplit(".", 2)[-2:]
            in_filter = "filter_fn" in name
            if part[0] in ("LayerNorm", "layernorm") and part[1] == "weight":
                value.copy_(1 + 0.1 * noise)
            elif part[1] in ("z", "freq"):
                value.add_(0.01 * noise)
            elif "implicit_filter" in name:
                scale = {"0": 0.2, "6": tokens**-0.5}.get(part[0], 0.03)
                value.copy_(scale * noise)
            elif part == ["short_filter", "bias"]:
                value.copy_(0.1 * noise)
                value[: 2 * len(value) // 3] += 1
            elif part == ["short_filter", "weight"]:
                value.copy_(0.6 * noise)
            elif part == ["in_linear", "weight"]:
                value.copy_(0.3 * noise * value.shape[1] ** -0.5)
            elif "embeddings" in name:
                value.copy_(0.05 * noise)
            elif part[1] == "bias":
                value.copy_((1 if in_filter else 0.1) * noise)
            else:
                value.copy_(noise * value.shape[-1] ** -0.5)
            if exact and not in_filter:
                value.copy_(value.bfloat16().float())


def texts(tokens: int) -> np.ndarray:
    """Token ids of a short and of a full text, padded as the retrieval code pads them."""
    random = np.random.default_rng(7)
    ids = np.zeros((2, tokens), np.int64)
    for row, count in enumerate((tokens // 10 + 1, tokens - 2)):
        ids[row, : count + 2] = [101, *random.integers(1000, 30000, count), 102]
    return ids


def compare(checkout: Path, tokens: int, layers: int, exact: bool) -> tuple[float, float]:
    """Distance of the unit vectors and relative distance of the outputs."""
    lengths = {
        "alibi_starting_size": tokens,
        "long_conv_l_max": tokens,
        "max_position_embeddings": tokens,
        "num_hidden_layers": layers,
    }
    config = PUBLISHED | lengths
    model = reference(checkout, config)
    randomise(model, tokens, exact)
    ids = texts(tokens)
    with torch.no_grad():
        # One at a time: the reference holds several spectra of each.
        expected = torch.cat([model(torch.tensor(row[None]))[1] for row in ids]).numpy()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "config.json").write_text(json.dumps(config))
        state = {f"bert.{name}": value for name, value in model.state_dict().items()}
        torch.save(state, path / "pytorch_model.bin")
        del model, state
        own, tensors = read(path)
        write_graph(own, collect(own, tensors), path)
        found = run(path / GRAPH, ids)
    worst = np.abs(unit(found) - unit(expected)).max()
    relative = np.abs(found - expected).max() / np.abs(expected).max()
    return float(worst), float(relative)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def run(graph: Path, ids: np.ndarray) -> np.ndarray:
    """The graph's output for each row by itself."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(graph), options, ["CPUExecutionProvider"])
    mask = (ids != 0).astype(np.int64)
    rows = [
        session.run(None, {"input_ids": ids[row : row + 1], "attention_mask": mask[row : row + 1]})
        for row in range(len(ids))
    ]
    return np.concatenate([output for (output,) in rows])


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    good = True
    for case in sys.argv[2:] or LENGTHS:
        tokens, _, layers = case.partition("x")
        for exact in (True, False):
            start = time.monotonic()
            worst, relative = compare(Path(sys.argv[1]), int(tokens), int(layers or 12), exact)
            passes = max(worst, relative) <= CLOSE
            good = good and passes
            print(
                f"{tokens} tokens, {layers or 12} layers, "
                f"{'bfloat16' if exact else 'fp32'} weights: "
                f"unit vectors differ by {worst:.1e}, outputs by {relative:.1e}"
                f"{'' if passes else '  TOO FAR'} ({time.monotonic() - start:.0f} s)",
                flush=True,
            )
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
