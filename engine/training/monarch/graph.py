"""The Monarch encoder as an ONNX graph, written node by node.

Everything between the projections is channels first, [hidden, batch x tokens], so that each step is
a dense product on contiguous rows and nothing is ever transposed but a few small states. The kernel
matrices are products of constants: ONNX Runtime computes them once, when it opens the graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from bundle_format import WeightsFile
from graph_builder import CONTRIB, GraphBuilder

SHORT = 32
"""Tokens that the short graph takes at most: queries, in one chunk and with small constants."""

PARTS = 4
"""Parts that the CPU's MLP is run in, each of a quarter of the tokens."""


@dataclass(frozen=True)
class Sizes:
    """What of a model's configuration its graph depends on."""

    hidden: int
    layers: int
    states: int
    taps: int
    chunk: int
    max_tokens: int
    epsilon: float
    shift: bool


@dataclass(frozen=True)
class Variant:
    """One graph over the shared weights."""

    half: bool
    """Compute in fp16 (else in fp32)."""
    short: bool
    """Take at most SHORT tokens of any number; else a multiple of a chunk."""
    pooled: bool
    """Give sums over spans of tokens instead of token vectors."""


def build(variant: Variant, sizes: Sizes, weights: WeightsFile) -> onnx.ModelProto:
    """Builds one graph.

    Inputs: `input_ids` [batch, tokens], `lengths` [batch], both int64, and where pooled
    `span_starts` and `span_ends` [spans], which count in [batch x tokens]. Output, float32:
    `token_vectors` [batch, tokens, hidden] or `span_sums` [spans, hidden].
    """
    graph = GraphBuilder(variant.half, weights)
    frame = _Frame(graph, sizes, variant)
    x = _embed(frame)
    for layer in range(sizes.layers):
        x = _mix(frame, f"layer{layer}", x)
        x = _transform(frame, f"layer{layer}", x)
    _finish(frame, x)
    return _model(frame)


class _Frame:
    """A graph with what all its layers share: the input's sizes, the mask, the carry matrix."""

    def __init__(self, graph: GraphBuilder, sizes: Sizes, variant: Variant) -> None:
        self.graph, self.sizes, self.variant = graph, sizes, variant
        op, integers = graph.op, graph.integers
        self.batch = op("Shape", ["input_ids"], "batch", start=0, end=1)
        self.tokens = op("Shape", ["input_ids"], "tokens", start=1, end=2)
        self.hidden = integers(sizes.hidden)
        token = op("Squeeze", [self.tokens], "tokens.scalar")
        at = op("Range", [graph.scalar(0), token, graph.scalar(1)], "tokens.at")
        lengths = op("Unsqueeze", ["lengths", integers(1)], "lengths.column")
        live = op("Less", [at, lengths], "live")
        live = op("Cast", [live], "live.element", to=graph.element)
        self.mask = op("Reshape", [live, integers(-1)], "mask")
        self.by_token = op("Concat", [self.batch, self.tokens, self.hidden], "by_token", axis=0)
        if not variant.short:
            self.chunks = op("Div", [self.tokens, integers(sizes.chunk)], "chunks")
            self.carry = _carry(self)


def _carry(frame: _Frame) -> str:
    """From each chunk's own states to what reaches each chunk: see `Exponents.carry`."""
    graph, op = frame.graph, frame.graph.op
    chunks = op("Squeeze", [frame.chunks], "chunks.scalar")
    at = op("Range", [graph.scalar(0), chunks, graph.scalar(1)], "chunks.at")
    row = op("Unsqueeze", [at, graph.integers(1)], "carry.row")
    lag = op("Sub", [op("Sub", [row, at], "carry.apart"), graph.scalar(1)], "carry.lag")
    # The table's last entry is zero: nothing is carried to where it did not come from.
    never = graph.scalar(frame.sizes.max_tokens // frame.sizes.chunk)
    reached = op("GreaterOrEqual", [lag, graph.scalar(0)], "carry.reached")
    index = op("Where", [reached, lag, never], "carry.index")
    both = []
    for direction, turn in (("ahead", None), ("back", (0, 2, 1))):
        parts = {}
        for part in ("real", "imaginary"):
            name = f"carry.{direction}.{part}"
            if turn is None:
                table = graph.weight(f"basis.carry.{part}")
                parts[part] = op("Gather", [table, index], name, axis=1)
            else:
                parts[part] = op("Transpose", [f"carry.ahead.{part}"], name, perm=turn)
        name = f"carry.{direction}"
        against = op("Neg", [parts["imaginary"]], f"{name}.against")
        top = op("Concat", [parts["real"], against], f"{name}.top", axis=2)
        bottom = op("Concat", [parts["imaginary"], parts["real"]], f"{name}.bottom", axis=2)
        both.append(op("Concat", [top, bottom], name, axis=1))
    return op("Concat", both, "carry", axis=0)


def _embed(frame: _Frame) -> str:
    graph, op = frame.graph, frame.graph.op
    # Only the rows that are looked up are cast: the table itself stays in fp16, mapped from disk.
    rows = op("Gather", [graph.stored("embed.word"), "input_ids"], "embed.rows")
    rows = op("Reshape", [rows, graph.integers(-1, frame.sizes.hidden)], "embed.flat")
    return _norm(frame, "embed.norm", graph.compute(rows), "embed.out")


def _norm(frame: _Frame, name: str, value: str, output: str) -> str:
    graph = frame.graph
    return graph.op(
        "LayerNormalization",
        [value, graph.weight(f"{name}.gamma"), graph.weight(f"{name}.beta")],
        output,
        axis=-1,
        epsilon=frame.sizes.epsilon,
    )


def _mix(frame: _Frame, layer: str, x: str) -> str:
    """The gated convolution with its residual and norm."""
    graph, op, sizes = frame.graph, frame.graph.op, frame.sizes
    given = _shift(frame, layer, x) if sizes.shift else x
    parts = {}
    for part in ("gate", "inner", "value"):
        name = f"{layer}.{part}"
        inputs = [graph.weight(f"{name}.weight"), given, graph.weight(f"{name}.bias")]
        parts[part] = op("Gemm", inputs, name, transB=1)
    z = op("Mul", [parts["inner"], parts["value"]], f"{layer}.z.open")
    z = op("Mul", [z, frame.mask], f"{layer}.z")
    y = (_convolve_short if frame.variant.short else _convolve)(frame, layer, z)
    y = op("Mul", [parts["gate"], y], f"{layer}.gated")
    weight, bias = graph.weight(f"{layer}.mixer.weight"), graph.weight(f"{layer}.mixer.bias")
    if graph.half:
        y = op("Gemm", [y, weight], f"{layer}.mixer", transA=1)
        return _residual(frame, f"{layer}.mixer", y, x, bias)
    y = op("Gemm", [y, weight, bias], f"{layer}.mixer", transA=1)
    return _residual(frame, f"{layer}.mixer", y, x, "")


def _residual(
    frame: _Frame, name: str, value: str, residual: str, bias: str, part: str = ""
) -> str:
    """The residual and the layer norm after it. `bias`, if any, is not yet in `value`."""
    graph, op = frame.graph, frame.graph.op
    if graph.half:
        norm = [graph.weight(f"{name}.norm.gamma"), graph.weight(f"{name}.norm.beta")]
        return op(
            "SkipLayerNormalization",
            [value, residual, *norm, bias],
            f"{name}.out{part}",
            domain=CONTRIB,
            epsilon=frame.sizes.epsilon,
        )
    # On the CPU the fused operator's loop is slower than these two (RUNS.md).
    total = op("Add", [value, residual], f"{name}.sum{part}")
    return _norm(frame, f"{name}.norm", total, f"{name}.out{part}")


def _shift(frame: _Frame, layer: str, x: str) -> str:
    """The filter of three taps before the projections; padding is zero for it."""
    graph, op, integers = frame.graph, frame.graph.op, frame.graph.integers
    mask = op("Unsqueeze", [frame.mask, integers(1)], f"{layer}.shift.mask")
    live = op("Mul", [x, mask], f"{layer}.shift.live")
    live = op("Reshape", [live, frame.by_token], f"{layer}.shift.in")
    wide = op("Pad", [live, integers(0, 1, 0, 0, 1, 0)], f"{layer}.shift.wide")
    before = op("Slice", [wide, integers(0), integers(-2), integers(1)], f"{layer}.shift.before")
    after = op(
        "Slice", [wide, integers(2), integers(2**31 - 1), integers(1)], f"{layer}.shift.after"
    )
    parts = []
    for part, value in (("left", before), ("middle", live), ("right", after)):
        taps = graph.weight(f"{layer}.shift.{part}")
        parts.append(op("Mul", [value, taps], f"{layer}.shift.{part}.value"))
    total = op("Add", parts[:2], f"{layer}.shift.two")
    total = op("Add", [total, parts[2]], f"{layer}.shift.three")
    return op("Reshape", [total, integers(-1, frame.sizes.hidden)], f"{layer}.shift.out")


def _convolve_short(frame: _Frame, layer: str, z: str) -> str:
    """The convolution of text that is one chunk: a Toeplitz matrix a channel."""
    graph, op, sizes = frame.graph, frame.graph.op, frame.sizes
    kernel = op(
        "MatMul",
        [graph.weight(f"{layer}.coefficients"), graph.weight("basis.short")],
        f"{layer}.kernel.flat",
    )
    shape = graph.integers(sizes.hidden, SHORT, SHORT)
    kernel = op("Reshape", [kernel, shape], f"{layer}.kernel")
    size = op("Concat", [frame.tokens, frame.tokens], f"{layer}.size", axis=0)
    axes = graph.integers(1, 2)
    kernel = op("Slice", [kernel, graph.integers(0, 0), size, axes], f"{layer}.kernel.cut")
    shape = op("Concat", [frame.hidden, frame.batch, frame.tokens], f"{layer}.by_channel", axis=0)
    y = op("MatMul", [op("Reshape", [z, shape], f"{layer}.z.rows"), kernel], f"{layer}.y.rows")
    return op("Reshape", [y, graph.integers(sizes.hidden, -1)], f"{layer}.y")


def _convolve(frame: _Frame, layer: str, z: str) -> str:
    """The convolution in chunks: within each, from all before and after, and over the edges."""
    graph, op, sizes, integers = frame.graph, frame.graph.op, frame.sizes, frame.graph.integers
    hidden, chunk, states, taps = sizes.hidden, sizes.chunk, sizes.states, sizes.taps
    # A Slice, Concat or MatMul over a million rows of 128 is what both devices do best.
    rows = op("Reshape", [z, integers(hidden, -1, chunk)], f"{layer}.z.rows")
    own = op("MatMul", [rows, graph.weight("basis.into")], f"{layer}.own")

    def shape(name: str, *parts: str) -> str:
        return op("Concat", list(parts), f"{layer}.{name}", axis=0)

    six = shape("six", frame.hidden, frame.batch, frame.chunks, integers(2, 2, states))
    own = op("Reshape", [own, six], f"{layer}.own.six")
    own = op("Transpose", [own], f"{layer}.own.turned", perm=[3, 5, 4, 2, 0, 1])
    doubled = op("Mul", [frame.chunks, integers(2)], f"{layer}.doubled")
    own = op(
        "Reshape",
        [own, shape("own.shape", integers(2 * states), doubled, integers(-1))],
        f"{layer}.own.rows",
    )
    reached = op("MatMul", [frame.carry, own], f"{layer}.reached.rows")
    turned = shape("turned", integers(2, states, 2), frame.chunks, frame.hidden, frame.batch)
    reached = op("Reshape", [reached, turned], f"{layer}.reached.six")
    reached = op("Transpose", [reached], f"{layer}.reached.turned", perm=[4, 5, 3, 0, 2, 1])
    reached = op("Reshape", [reached, integers(hidden, -1, 4 * states)], f"{layer}.reached")

    by_chunk = shape("by_chunk", frame.hidden, frame.batch, frame.chunks, integers(chunk))
    grid = op("Reshape", [z, by_chunk], f"{layer}.z.grid")
    edges = []
    for name, first, last, pads, start, end in (
        ("before", chunk - taps, chunk, (0, 0, 1, 0, 0, 0, 0, 0), 0, -1),
        ("after", 0, taps, (0, 0, 0, 0, 0, 0, 1, 0), 1, 2**31 - 1),
    ):
        label = f"{layer}.{name}"
        cut = [grid, integers(first), integers(last), integers(3)]
        edge = op("Slice", cut, f"{label}.edge")
        edge = op("Pad", [edge, integers(*pads)], f"{label}.wide")
        edge = op("Slice", [edge, integers(start), integers(end), integers(2)], f"{label}.moved")
        edges.append(op("Reshape", [edge, integers(hidden, -1, taps)], label))

    kernel = op(
        "MatMul",
        [graph.weight(f"{layer}.coefficients"), graph.weight("basis.long")],
        f"{layer}.kernel.flat",
    )
    reach = chunk + 4 * states + 2 * taps
    kernel = op("Reshape", [kernel, integers(hidden, reach, chunk)], f"{layer}.kernel")
    seen = op("Concat", [rows, reached, *edges], f"{layer}.seen", axis=2)
    y = op("MatMul", [seen, kernel], f"{layer}.y.rows")
    return op("Reshape", [y, integers(hidden, -1)], f"{layer}.y")


def _transform(frame: _Frame, layer: str, x: str) -> str:
    """The MLP with its residual and norm."""
    if frame.graph.half or frame.variant.short:
        return _mlp(frame, layer, x, "")
    # On the CPU in parts: what is four times as wide as all else would take most of the memory.
    parts = [f"{layer}.part{part}" for part in range(PARTS)]
    frame.graph.nodes.append(helper.make_node("Split", [x], parts, name=f"{layer}.split", axis=0))
    done = [_mlp(frame, layer, part, f".{number}") for number, part in enumerate(parts)]
    return frame.graph.op("Concat", done, f"{layer}.out", axis=0)


def _mlp(frame: _Frame, layer: str, x: str, part: str) -> str:
    graph, op = frame.graph, frame.graph.op
    up = graph.weight(f"{layer}.mlp.up.weight")
    wide = op("MatMul", [x, up], f"{layer}.mlp.up{part}")
    bias = graph.weight(f"{layer}.mlp.up.bias")
    active = op("BiasGelu", [wide, bias], f"{layer}.mlp.active{part}", domain=CONTRIB)
    name = f"{layer}.mlp.down"
    weight, bias = graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias")
    if graph.half:
        value = op("MatMul", [active, weight], f"{name}.dense{part}")
        return _residual(frame, name, value, x, bias, part)
    value = op("Gemm", [active, weight, bias], f"{name}.dense{part}")
    return _residual(frame, name, value, x, "", part)


def _finish(frame: _Frame, x: str) -> None:
    """Each token's weight, and the output."""
    graph, op = frame.graph, frame.graph.op
    weight = op("Gemm", [x, graph.weight("weigh.weight"), graph.weight("weigh.bias")], "weigh.log")
    low, high = (graph.weight(f"weigh.{end}") for end in ("low", "high"))
    weight = op("Exp", [op("Clip", [weight, low, high], "weigh.cut")], "weigh")
    x = op("Mul", [x, weight], "vectors")
    if graph.half:
        x = op("Cast", [x], "vectors.fp32", to=TensorProto.FLOAT)
    if not frame.variant.pooled:
        op("Reshape", [x, frame.by_token], "token_vectors")
        return
    count = op("Squeeze", [op("Shape", ["vectors"], "rows", start=0, end=1)], "rows.scalar")
    at = op("Range", [graph.scalar(0), count, graph.scalar(1)], "rows.at")
    starts = op("Unsqueeze", ["span_starts", graph.integers(1)], "spans.first")
    ends = op("Unsqueeze", ["span_ends", graph.integers(1)], "spans.end")
    begun = op("GreaterOrEqual", [at, starts], "spans.begun")
    inside = op("And", [begun, op("Less", [at, ends], "spans.going")], "spans.inside")
    inside = op("Cast", [inside], "spans.matrix", to=TensorProto.FLOAT)
    op("MatMul", [inside, x], "span_sums")


def _model(frame: _Frame) -> onnx.ModelProto:
    def integer(name: str, *shape: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.INT64, list(shape))

    inputs = [integer("input_ids", "batch", "tokens"), integer("lengths", "batch")]
    hidden = frame.sizes.hidden
    if frame.variant.pooled:
        inputs += [integer("span_starts", "spans"), integer("span_ends", "spans")]
        shape = ["spans", hidden]
        output = helper.make_tensor_value_info("span_sums", TensorProto.FLOAT, shape)
    else:
        shape = ["batch", "tokens", hidden]
        output = helper.make_tensor_value_info("token_vectors", TensorProto.FLOAT, shape)
    return frame.graph.model(inputs, [output], "monarch")


def collect_basis(weights: WeightsFile, sizes: Sizes, near, short, out, into, carry) -> None:
    """Adds what the kernels of all layers are made of, in fp16.

    `near` [kinds, chunk, chunk] and `short` [kinds, SHORT, SHORT] are Toeplitz matrices [to, from],
    `out` [kinds, 4 x states + 2 x taps, chunk] takes what reaches a chunk to its tokens, `into`
    [chunk, 4 x states], `carry` the real and imaginary part of the exponentials at whole chunks.
    """

    def half(name: str, values: np.ndarray) -> None:
        weights.add(name, np.ascontiguousarray(values).astype(np.float16))

    kinds = len(near)
    long = np.concatenate([near.transpose(0, 2, 1), out], 1)
    half("basis.long", long.reshape(kinds, -1))
    half("basis.short", short.transpose(0, 2, 1).reshape(kinds, -1))
    half("basis.into", into)
    for part, values in zip(("real", "imaginary"), carry, strict=True):
        zero = np.zeros((sizes.states, 1), values.dtype)
        half(f"basis.carry.{part}", np.concatenate([values, zero], 1))
