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
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from torch import Tensor

from bundle_format import WeightsFile
from minilm_graph import Variant, build, collect_weights

from .absolute import Extension
from .formulas import SHAPE, VOCABULARY, Extended, position_rows, random_bert, rotary_scores
from .onnx_rope import rewrite
from .rotary import Rotary, frequencies

CLOSE = 1e-4
TRAINED, LENGTH = 64, 512
LENGTHS = (40, 64, 65, 200, 512)

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


def check_rewriting() -> bool:
    """A graph of plain rotary positions, rewritten, gives what one built for the method gives; and
    frequencies from which a graph makes its angles are found and replaced."""
    tensors = random_bert(TRAINED)
    ids = np.random.default_rng(6).integers(0, VOCABULARY, (1, LENGTH))
    worst = 0.0
    for method in ("linear", "ntk", "truncated"):
        target = Rotary(method, TRAINED, LENGTH, base=50000.0)
        outputs = []
        for how in (Rotary("plain", TRAINED, TRAINED, base=50000.0), target):
            shape = replace(SHAPE, positions=how)
            with tempfile.TemporaryDirectory() as folder:
                weights = WeightsFile("weights.bin")
                collect_weights(tensors, shape, weights)
                weights.write(Path(folder))
                model = build(Variant(False, False), shape, weights)
                onnx.external_data_helper.load_external_data_for_model(model, folder)
                if how is not target:
                    rewrite(model, target)
                outputs.append(session(model, Path(folder)).run(None, {"input_ids": ids})[0])
        worst = max(worst, float(np.abs(outputs[0] - outputs[1]).max()))

        theta = frequencies(Rotary(base=50000.0), 16)[None, :, None].astype(np.float32)
        graph = onnx.helper.make_graph(
            [], "angles", [], [], [onnx.numpy_helper.from_array(theta, "inv_freq")]
        )
        rewrite(made := onnx.helper.make_model(graph), target)
        found = onnx.numpy_helper.to_array(made.graph.initializer[0])
        expected = frequencies(target, 16)[None, :, None]
        worst = max(worst, float(np.abs(found - expected).max()))
    print(f"rewritten graphs: {worst:.1e}")
    return worst <= CLOSE


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
    good = check_rewriting() and good
    if len(sys.argv) > 1:
        good = check_longembed(Path(sys.argv[1])) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
