"""Checks every extension's graph against its formula, on the CPU and in small, below and beyond the
trained length.

    python -m extend.check [LONGEMBED_CHECKOUT]

With a working tree of github.com/dwzhu-pku/LongEmbed the formulas themselves are compared with that
code: its functions are run beside this one. Exits 1 where something is too far from what it should
be.
"""

from __future__ import annotations

import ast
import math
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from torch import Tensor

from bundle_format import WeightsFile
from minilm_graph import Shape, Variant, build, collect_weights
from reference import Bert

from .absolute import Extension
from .rotary import Rotary, frequencies

CLOSE = 1e-4
SHAPE = Shape(layers=2, heads=4, hidden=32)
TRAINED, LENGTH = 64, 512
LENGTHS = (40, 64, 65, 200, 512)
VOCABULARY, INNER = 100, 64

EXTENSIONS = [
    Extension(kind, TRAINED, LENGTH, scaled)
    for kind in ("pi", "grouped", "recurrent")
    for scaled in (False, True)
]
ROTARIES = [
    Rotary("plain", TRAINED, LENGTH),
    Rotary("linear", TRAINED, LENGTH),
    Rotary("ntk", TRAINED, LENGTH, scaled=True),
    Rotary("truncated", TRAINED, LENGTH),
    Rotary("selfextend", TRAINED, LENGTH, group=16, window=24),
    Rotary("selfextend", TRAINED, LENGTH, group=16, window=24, scaled=True),
]


def random_bert(positions: int) -> dict[str, np.ndarray]:
    """A BERT checkpoint whose values fp16 holds, so that only arithmetic is compared."""
    random = np.random.default_rng(2)
    hidden = SHAPE.hidden
    tensors = {}

    def add(name: str, *shape: int, around: float = 0.0) -> None:
        scale = 0.3 if len(shape) == 1 or shape[0] == positions else shape[-1] ** -0.5
        values = random.normal(around, scale, shape)
        tensors[name] = values.astype(np.float16).astype(np.float32)

    def dense(name: str, out: int, into: int) -> None:
        add(f"{name}.weight", out, into)
        add(f"{name}.bias", out)

    def norm(name: str) -> None:
        add(f"{name}.weight", hidden, around=1.0)
        add(f"{name}.bias", hidden)

    add("embeddings.word_embeddings.weight", VOCABULARY, hidden)
    add("embeddings.position_embeddings.weight", positions, hidden)
    # Added to the positions before they are rounded.
    tensors["embeddings.token_type_embeddings.weight"] = np.zeros((2, hidden), np.float32)
    norm("embeddings.LayerNorm")
    for layer in range(SHAPE.layers):
        name = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            dense(f"{name}.attention.self.{part}", hidden, hidden)
            # Attention that tells tokens apart, so that where it looks matters.
            tensors[f"{name}.attention.self.{part}.weight"] *= 1 if part == "value" else 2
        dense(f"{name}.attention.output.dense", hidden, hidden)
        norm(f"{name}.attention.output.LayerNorm")
        dense(f"{name}.intermediate.dense", INNER, hidden)
        dense(f"{name}.output.dense", hidden, INNER)
        norm(f"{name}.output.LayerNorm")
    return tensors


class Extended(Bert):
    """The reference with positions beyond its table, or rotary ones: each by its formula."""

    def __init__(self, tensors: dict[str, np.ndarray], how: Extension | Rotary) -> None:
        super().__init__(tensors, SHAPE.heads, SHAPE.epsilon)
        self.table = tensors["embeddings.position_embeddings.weight"]
        self.how = how

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(ids), SHAPE.hidden), np.float32)
        if isinstance(self.how, Extension):
            rows = position_rows(self.how, self.table, len(ids))
        self.weights = self.weights | {"embeddings.position_embeddings.weight": rows}
        return super().__call__(ids)

    def _attend(self, hidden: np.ndarray, name: str) -> np.ndarray:
        tokens, width = hidden.shape
        head = width // self.heads

        def split(part: str) -> np.ndarray:
            value = self._dense(hidden, f"{name}.{part}")
            return value.reshape(tokens, self.heads, head).transpose(1, 0, 2).astype(np.float64)

        query, key, value = split("query"), split("key"), split("value")
        if isinstance(self.how, Rotary):
            scores = rotary_scores(self.how, query, key)
        else:
            scores = query @ key.transpose(0, 2, 1)
        if self.how.scaled:
            scores *= max(math.log(tokens) / math.log(self.how.trained), 1)
        weights = torch.softmax(torch.tensor(scores / math.sqrt(head)), -1).numpy()
        return (weights @ value).transpose(1, 0, 2).reshape(tokens, width)


def position_rows(how: Extension, table: np.ndarray, tokens: int) -> np.ndarray:
    """What is added to the tokens of one text."""
    at = np.arange(tokens)
    if how.kind == "recurrent":
        return table[at % how.trained]
    if how.kind == "grouped":
        return table[at // math.ceil(tokens / how.trained)]
    if tokens <= how.trained:
        return table[at]
    old, fine = np.arange(how.trained), at * how.trained / how.length
    return np.stack([np.interp(fine, old, column) for column in table.T], 1).astype(np.float32)


def rotary_scores(how: Rotary, query: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Logits before they are divided by the root of the head's size, pair of tokens by pair."""
    tokens, head = query.shape[1:]
    theta = frequencies(how, head)
    at = np.arange(tokens)
    distance = at[:, None] - at
    if how.method == "selfextend" and tokens > how.trained:
        ahead = how.window - how.window // how.group
        coarse = at[:, None] // how.group - at // how.group
        coarse = coarse + np.where(distance >= 0, ahead, -ahead)
        distance = np.where(np.abs(distance) < how.window, distance, coarse)
    # Turning both by their positions turns one against the other by the distance.
    half = head // 2
    q, k = query[..., :half] + 1j * query[..., half:], key[..., :half] + 1j * key[..., half:]
    scores = np.zeros((len(query), tokens, tokens))
    for pair in range(half):
        turned = np.exp(1j * distance * theta[pair])
        scores += (turned * q[:, :, None, pair] * k[:, None, :, pair].conj()).real
    return scores


def check_graphs() -> bool:
    """Each method at each length: alone, and masked beside a longer text."""
    good = True
    tensors = random_bert(TRAINED)
    random = np.random.default_rng(6)
    texts = [random.integers(0, VOCABULARY, length) for length in LENGTHS]
    for how in EXTENSIONS + ROTARIES:
        model = Extended(tensors, how)
        expected = [model(ids) for ids in texts]
        shape = replace(SHAPE, positions=how)
        with tempfile.TemporaryDirectory() as folder:
            weights = WeightsFile("weights.bin")
            collect_weights(tensors, shape, weights)
            weights.write(Path(folder))
            plain, masked = (
                session(build(Variant(False, with_mask), shape, weights), Path(folder))
                for with_mask in (False, True)
            )
        ids = np.zeros((len(texts), LENGTH), np.int64)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = text
        mask = (np.arange(LENGTH) < np.array(LENGTHS)[:, None]).astype(np.int64)
        (together,) = masked.run(None, {"input_ids": ids, "attention_mask": mask})
        worst = 0.0
        for row, text in enumerate(texts):
            (alone,) = plain.run(None, {"input_ids": text[None]})
            for found in (alone[0], together[row, : len(text)]):
                worst = max(worst, float(np.abs(found - expected[row]).max()))
        good = good and worst <= CLOSE
        name = how.kind if isinstance(how, Extension) else f"RoPE {how.method}"
        print(f"{name}{', scaled' if how.scaled else ''}: {worst:.1e}")
    return good


def session(model, folder: Path) -> onnxruntime.InferenceSession:
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])


def functions(file: Path, *names: str) -> dict:
    """Functions of a source file, without what that file imports."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    tree.body = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in names
    ]
    space = {"torch": torch, "nn": torch.nn, "F": F, "math": math, "Tensor": Tensor, "np": np}
    exec("from typing import *", space)
    exec(compile(tree, str(file), "exec"), space)
    return space


def check_longembed(checkout: Path) -> bool:
    """The formulas above against LongEmbed's own code."""
    source = checkout / "src"
    theirs = functions(source / "encoder_model.py", "get_position_ids")["get_position_ids"]
    table = np.random.default_rng(8).normal(size=(TRAINED, 4)).astype(np.float32)
    # What it takes fractional positions from is a model whose table is as fine already.
    steps = LENGTH // TRAINED
    fine = np.stack([np.interp(np.arange(LENGTH) / steps, np.arange(TRAINED), c) for c in table.T])
    tables = {"interpolate": fine.T, "group": table, "recurrent": table}
    worst = 0.0
    for mode, kind in (("interpolate", "pi"), ("group", "grouped"), ("recurrent", "recurrent")):
        for tokens in LENGTHS:
            ids = theirs(torch.zeros(1, tokens), mode, TRAINED, LENGTH)[0].numpy()
            own = position_rows(Extension(kind, TRAINED, LENGTH), table, tokens)
            worst = max(worst, float(np.abs(tables[mode][ids] - own).max()))
    print(f"positions against LongEmbed's: {worst:.1e}")
    extended = check_self_extend(source / "self_extend_patch.py")
    print(f"SelfExtend against LongEmbed's: {extended:.1e}")
    return max(worst, extended) <= CLOSE


def check_self_extend(file: Path) -> float:
    """SelfExtend with its scaling, as LongEmbed patches it into an encoder of 512 tokens."""
    space = functions(
        file,
        "rotate_half",
        "apply_rotary_pos_emb",
        "apply_grouped_rotary_pos_emb",
        "apply_grouped_rotary_pos_emb_upper",
        "e5rope_self_extend_forward",
    )
    tokens, heads, head = 700, 2, 16
    how = Rotary("selfextend", 512, 4096, scaled=True)
    angles = torch.outer(torch.arange(4096.0), torch.tensor(frequencies(how, head)).float())
    angles = torch.cat([angles, angles], 1)[None, None]
    query, key, value = torch.randn(
        3, 1, heads, tokens, head, generator=torch.Generator().manual_seed(1)
    )

    class Layer:
        num_attention_heads, attention_head_size, all_head_size = heads, head, heads * head
        is_decoder = False

        def query(self, x: Tensor) -> Tensor:
            return query

        def key(self, x: Tensor) -> Tensor:
            return key

        def value(self, x: Tensor) -> Tensor:
            return value

        def transpose_for_scores(self, x: Tensor) -> Tensor:
            return x

        def rotary_emb(self, x: Tensor, seq_len: int) -> tuple[Tensor, Tensor]:
            return angles.cos(), angles.sin()

    (found,) = space["e5rope_self_extend_forward"](
        Layer(),
        torch.zeros(1, tokens, heads * head),
        attention_mask=torch.zeros(1, 1, 1, tokens),
        position_ids=torch.arange(tokens)[None],
        group_size_1=how.group,
        group_size_2=how.window,
    )
    scores = rotary_scores(how, query[0].double().numpy(), key[0].double().numpy())
    scores *= math.log(tokens) / math.log(how.trained) / math.sqrt(head)
    own = torch.softmax(torch.tensor(scores), -1) @ value[0].double()
    return float((own.transpose(0, 1).reshape(tokens, -1) - found[0]).abs().max())


def main() -> None:
    good = check_graphs()
    if len(sys.argv) > 1:
        good = check_longembed(Path(sys.argv[1])) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
