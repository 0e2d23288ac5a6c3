"""The BERT encoder of MiniLM as an ONNX graph, written node by node.

The graph reads token ids and gives the last hidden state. Where ONNX Runtime has a fused operator
(domain com.microsoft) that is faster, the graph names it itself and needs no fusion passes. Its
attention, given no mask, takes memory linear in the number of tokens on the CPU.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from bundle_format import WeightsFile
from extend import rotary
from extend.absolute import Extension, positions, sharpness
from extend.rotary import Rotary
from graph_builder import CONTRIB, GraphBuilder


@dataclass(frozen=True)
class Shape:
    """The sizes of a BERT encoder."""

    layers: int = 6
    heads: int = 12
    hidden: int = 384
    epsilon: float = 1e-12
    positions: Extension | Rotary | None = None
    """How texts longer than the position table are read, if they are; or positions that turn
    queries and keys, in place of a table."""


@dataclass(frozen=True)
class Variant:
    """One graph over the shared weights."""

    half: bool
    """Compute in fp16 (else in fp32); the output is fp32 either way."""
    masked: bool
    """Take an attention_mask for sequences padded at the end."""


def collect_weights(tensors: dict[str, np.ndarray], shape: Shape, weights: WeightsFile) -> None:
    """Adds a BERT checkpoint to a weights file, in fp16 and in the layout the graph uses.

    Dense weights are transposed to [in, out]. The token type is always 0 here, so its embedding is
    added to the position table before rounding.
    """

    def half(name: str, values: np.ndarray) -> None:
        weights.add(name, values.astype(np.float16))

    half("embed.word", tensors["embeddings.word_embeddings.weight"])
    kind = tensors["embeddings.token_type_embeddings.weight"][0]
    if isinstance(shape.positions, Rotary):
        half("embed.type", kind)
        rotary.collect_weights(shape.positions, shape.hidden // shape.heads, weights)
    else:
        half("embed.position", tensors["embeddings.position_embeddings.weight"] + kind)
    half("embed.norm.gamma", tensors["embeddings.LayerNorm.weight"])
    half("embed.norm.beta", tensors["embeddings.LayerNorm.bias"])
    for layer in range(shape.layers):
        source = f"encoder.layer.{layer}"
        target = f"layer{layer}"
        attention = f"{source}.attention"
        parts = ("query", "key", "value")
        for part in parts:
            half(f"{target}.{part}.weight", tensors[f"{attention}.self.{part}.weight"].T)
        half(
            f"{target}.qkv.bias",
            np.concatenate([tensors[f"{attention}.self.{part}.bias"] for part in parts]),
        )
        for name, dense, norm in (
            ("attention", f"{attention}.output.dense", f"{attention}.output.LayerNorm"),
            ("mlp.down", f"{source}.output.dense", f"{source}.output.LayerNorm"),
        ):
            half(f"{target}.{name}.weight", tensors[f"{dense}.weight"].T)
            half(f"{target}.{name}.bias", tensors[f"{dense}.bias"])
            half(f"{target}.{name}.norm.gamma", tensors[f"{norm}.weight"])
            half(f"{target}.{name}.norm.beta", tensors[f"{norm}.bias"])
        half(f"{target}.mlp.up.weight", tensors[f"{source}.intermediate.dense.weight"].T)
        half(f"{target}.mlp.up.bias", tensors[f"{source}.intermediate.dense.bias"])


def build(variant: Variant, shape: Shape, weights: WeightsFile) -> onnx.ModelProto:
    """Builds one graph: `input_ids` [batch, tokens] to `token_vectors` [batch, tokens, hidden]."""
    graph = GraphBuilder(variant.half, weights)
    mask = _key_lengths(graph) if variant.masked else ""
    lengths = _lengths(graph, mask) if shape.positions else ""
    sharp, grouped = "", None
    if shape.positions and shape.positions.scaled:
        sharp = sharpness(graph, shape.positions.trained, lengths)
    if isinstance(shape.positions, Rotary) and shape.positions.method == "selfextend":
        grouped = rotary.Grouped(graph, shape.positions, lengths, mask)
    hidden = _embed(graph, shape, lengths)
    for layer in range(shape.layers):
        hidden = _attend(graph, shape, f"layer{layer}", hidden, mask, sharp, grouped)
        hidden = _transform(graph, shape, f"layer{layer}", hidden)
    graph.op("Cast", [hidden], "token_vectors", to=TensorProto.FLOAT)
    return _model(graph, shape, variant.masked)


def _key_lengths(graph: GraphBuilder) -> str:
    """The number of real tokens of each sequence, the form of mask that the fused kernels take."""
    mask = graph.op("Cast", ["attention_mask"], "mask.int32", to=TensorProto.INT32)
    axis = graph.constant("mask.axis", [1])
    return graph.op("ReduceSum", [mask, axis], "mask.lengths", keepdims=0)


def _lengths(graph: GraphBuilder, mask: str) -> str:
    """The same as int64 [batch, 1]; without a mask [1, 1]."""
    if not mask:
        size = graph.op("Shape", ["input_ids"], "lengths.tokens", start=1, end=2)
        return graph.op("Unsqueeze", [size, graph.integers(0)], "lengths.column")
    lengths = graph.op("Cast", [mask], "lengths.int64", to=TensorProto.INT64)
    return graph.op("Unsqueeze", [lengths, graph.integers(1)], "lengths.column")


def _embed(graph: GraphBuilder, shape: Shape, lengths: str) -> str:
    # Only the rows that are looked up are cast: the table itself stays in fp16, mapped from disk.
    word = graph.compute(
        graph.op("Gather", [graph.stored("embed.word"), "input_ids"], "embed.rows")
    )
    if isinstance(shape.positions, Rotary):
        position = graph.weight("embed.type")
    elif shape.positions:
        table = graph.stored("embed.position")
        position = positions(graph, shape.positions, table, lengths)
    else:
        size = graph.op("Shape", ["input_ids"], "embed.size", start=1, end=2)
        start = graph.constant("embed.start", [0])
        table = graph.stored("embed.position")
        rows = graph.op("Slice", [table, start, size, start], "embed.positions")
        position = graph.compute(rows)
    total = graph.op("Add", [word, position], "embed.sum")
    return graph.op(
        "LayerNormalization",
        [total, graph.weight("embed.norm.gamma"), graph.weight("embed.norm.beta")],
        "embed.out",
        axis=-1,
        epsilon=shape.epsilon,
    )


def _attend(
    graph: GraphBuilder,
    shape: Shape,
    layer: str,
    hidden: str,
    mask: str,
    sharp: str,
    grouped: rotary.Grouped | None,
) -> str:
    parts = [
        graph.op("MatMul", [hidden, graph.weight(f"{layer}.{part}.weight")], f"{layer}.{part}")
        for part in ("query", "key", "value")
    ]
    bias = graph.weight(f"{layer}.qkv.bias")
    turns = isinstance(shape.positions, Rotary)
    if sharp or turns:
        # The operator would add the biases only afterwards.
        biases = graph.split(bias, [shape.hidden] * 3, f"{layer}.biases", axis=0)
        for part, own in enumerate(biases):
            parts[part] = graph.op("Add", [parts[part], own], f"{parts[part]}.biased")
        bias = ""
    if sharp:
        parts[0] = graph.op("Mul", [parts[0], sharp], f"{layer}.query.sharp")
    if grouped:
        context = grouped.attend(shape.heads, shape.hidden // shape.heads, layer, parts)
    elif turns:
        context = rotary.attend(graph, shape.heads, layer, parts, mask)
    else:
        inputs = [*parts, bias]
        context = graph.op(
            "MultiHeadAttention",
            [*inputs, mask] if mask else inputs,
            f"{layer}.context",
            domain=CONTRIB,
            num_heads=shape.heads,
        )
    return _project(graph, shape, f"{layer}.attention", context, hidden)


def _transform(graph: GraphBuilder, shape: Shape, layer: str, hidden: str) -> str:
    wide = graph.op("MatMul", [hidden, graph.weight(f"{layer}.mlp.up.weight")], f"{layer}.mlp.up")
    active = graph.op(
        "BiasGelu",
        [wide, graph.weight(f"{layer}.mlp.up.bias")],
        f"{layer}.mlp.active",
        domain=CONTRIB,
    )
    return _project(graph, shape, f"{layer}.mlp.down", active, hidden)


def _project(graph: GraphBuilder, shape: Shape, name: str, value: str, residual: str) -> str:
    """A dense layer, the residual and the layer norm after it."""
    dense = graph.op("MatMul", [value, graph.weight(f"{name}.weight")], f"{name}.dense")
    bias = graph.weight(f"{name}.bias")
    norm = [graph.weight(f"{name}.norm.gamma"), graph.weight(f"{name}.norm.beta")]
    if graph.half:
        return graph.op(
            "SkipLayerNormalization",
            [dense, residual, *norm, bias],
            f"{name}.out",
            domain=CONTRIB,
            epsilon=shape.epsilon,
        )
    # The fused kernel is one pass less on a GPU, but on the CPU its loop is slower than these
    # three vectorised operators together (RUNS.md).
    biased = graph.op("Add", [dense, bias], f"{name}.biased")
    total = graph.op("Add", [biased, residual], f"{name}.sum")
    return graph.op(
        "LayerNormalization", [total, *norm], f"{name}.out", axis=-1, epsilon=shape.epsilon
    )


def _model(graph: GraphBuilder, shape: Shape, masked: bool) -> onnx.ModelProto:
    names = ["input_ids", "attention_mask"] if masked else ["input_ids"]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in names
    ]
    output = helper.make_tensor_value_info(
        "token_vectors", TensorProto.FLOAT, ["batch", "tokens", shape.hidden]
    )
    return graph.model(inputs, [output], "encoder")
