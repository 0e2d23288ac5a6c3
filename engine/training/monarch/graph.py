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

from .integers import input_of

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
    unlike: float
    even: int

    @property
    def lanes(self) -> int:
        """What a chunk hands on in one direction, in pairs: its states, real and imaginary, and
        the tokens at its edge that free taps reach."""
        return self.states + self.taps // 2


@dataclass(frozen=True)
class Variant:
    """One graph over the shared weights."""

    half: bool
    """Compute in fp16 (else in fp32)."""
    short: bool
    """Take at most SHORT tokens of any number; else a multiple of a chunk."""
    pooled: bool
    """Give sums over spans of tokens instead of token vectors."""
    int8: bool = False
    """Multiply by most dense weights in 8-bit integers; all else is in fp32."""

    @property
    def precision(self) -> str:
        """As manifests name it."""
        return "fp16" if self.half else "int8" if self.int8 else "fp32"


def build(variant: Variant, sizes: Sizes, weights: WeightsFile) -> onnx.ModelProto:
    """Builds one graph.

    Inputs: `input_ids` [batch, tokens], `lengths` [batch], both int64, and where pooled
    `span_starts` and `span_ends` [spans], which count in [batch x tokens]. Outputs, float32:
    `token_vectors` [batch, tokens, hidden] or `span_sums` [spans, hidden], and
    `document_vectors` [batch, hidden].
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
        self.quantised = input_of(sizes.layers)
        self.made: set[str] = set()
        op, integers = graph.op, graph.integers
        self.batch = op("Shape", ["input_ids"], "batch", start=0, end=1)
        self.tokens = op("Shape", ["input_ids"], "tokens", start=1, end=2)
        self.hidden = integers(sizes.hidden)
        token = op("Squeeze", [self.tokens], "tokens.scalar")
        at = op("Range", [graph.scalar(0), token, graph.scalar(1)], "tokens.at")
        lengths = op("Unsqueeze", ["lengths", integers(1)], "lengths.column")
        live = op("Less", [at, lengths], "live")
        self.live = live
        live = op("Cast", [live], "live.element", to=graph.element)
        # [tokens, 1] beside token vectors, [tokens] beside channels.
        across = integers(-1) if variant.half else integers(-1, 1)
        self.mask = op("Reshape", [live, across], "mask")
        self.by_token = op("Concat", [self.batch, self.tokens, self.hidden], "by_token", axis=0)
        if not variant.short:
            self.chunks = op("Div", [self.tokens, integers(sizes.chunk)], "chunks")
            self.carry = _carry(self)
            self._shapes()

    def _shapes(self) -> None:
        """What the states of chunks are laid out as on their way: see `_convolve`."""
        op, integers = self.graph.op, self.graph.integers
        parts, rest = integers(4 * self.sizes.lanes), integers(-1)
        columns = op("Mul", [self.chunks, parts], "chunks.parts")
        doubled = op("Mul", [self.chunks, integers(2)], "chunks.doubled")

        def shape(name: str, *sizes: str) -> str:
            return op("Concat", list(sizes), name, axis=0)

        self.by_chunk = shape("by_chunk", rest, columns)
        self.by_part = shape("by_part", self.chunks, parts, rest)
        self.by_lane = shape("by_lane", integers(2 * self.sizes.lanes), doubled, rest)
        self.by_turn = shape("by_turn", parts, self.chunks, rest)
        self.by_column = shape("by_column", columns, rest)


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
    given = _shift(frame, layer, x) if frame.sizes.shift else x
    mixed = (_mix_half if frame.graph.half else _mix_full)(frame, layer, given)
    return _residual(frame, f"{layer}.mixer", mixed, x)


def _mix_half(frame: _Frame, layer: str, x: str) -> str:
    """On a GPU: channels first from the projections on. A product that adds its bias itself costs
    four times as much there as one followed by an addition."""
    graph, op = frame.graph, frame.graph.op
    parts = {}
    for part in ("gate", "inner", "value"):
        name = f"{layer}.{part}"
        dense = op(
            "FusedMatMul",
            [graph.weight(f"{name}.weight"), x],
            f"{name}.dense",
            domain=CONTRIB,
            transA=1,
            transB=1,
        )
        bias = op("Unsqueeze", [graph.weight(f"{name}.bias"), graph.integers(1)], f"{name}.column")
        parts[part] = op("Add", [dense, bias], name)
    z = op("Mul", [parts["inner"], parts["value"]], f"{layer}.z.open")
    z = op("Mul", [z, frame.mask], f"{layer}.z")
    y = (_convolve_short if frame.variant.short else _convolve)(frame, layer, z)
    y = op("Mul", [parts["gate"], y], f"{layer}.gated")
    return op("Gemm", [y, graph.weight(f"{layer}.mixer.weight")], f"{layer}.mixer", transA=1)


def _mix_full(frame: _Frame, layer: str, x: str) -> str:
    """On a CPU: products with weights on their right, which ONNX Runtime packs once, so that only
    the convolution itself is channels first."""
    op = frame.graph.op
    inner, value = (_dense(frame, f"{layer}.{part}", x) for part in ("inner", "value"))
    z = op("Mul", [inner, value], f"{layer}.z.open")
    z = op("Mul", [z, frame.mask], f"{layer}.z.tokens")
    z = op("Transpose", [z], f"{layer}.z", perm=[1, 0])
    y = (_convolve_short if frame.variant.short else _convolve)(frame, layer, z)
    y = op("Transpose", [y], f"{layer}.y.tokens", perm=[1, 0])
    y = op("Mul", [_dense(frame, f"{layer}.gate", x), y], f"{layer}.gated")
    return _dense(frame, f"{layer}.mixer", y)


def _dense(frame: _Frame, name: str, x: str, part: str = "") -> str:
    """A linear map with its bias."""
    graph, op = frame.graph, frame.graph.op
    if frame.variant.int8 and name in frame.quantised:
        return _dense_int8(frame, name, x, part)
    weight, bias = graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias")
    return op("Gemm", [x, weight, bias], f"{name}.dense{part}")


def _dense_int8(frame: _Frame, name: str, x: str, part: str) -> str:
    """The same in 8-bit integers. What they stand for is fixed beforehand, so that no token's
    vector depends on the tokens beside it: see `integers.py`."""
    graph, op = frame.graph, frame.graph.op
    zero, one = graph.byte(128), graph.real(1.0)
    quantised = f"{x}.u8"
    if quantised not in frame.made:
        frame.made.add(quantised)
        inverse = graph.stored(f"{frame.quantised[name]}.inverse")
        steps = op("Mul", [x, inverse], f"{x}.in.steps")
        op("QuantizeLinear", [steps, one, zero], quantised)
    weight, scale = graph.stored(f"{name}.int8"), graph.stored(f"{name}.scale")
    return op(
        "MatMulIntegerToFloat",
        [quantised, weight, one, scale, zero, "", graph.weight(f"{name}.bias")],
        f"{name}.dense{part}",
        domain=CONTRIB,
    )


def _residual(frame: _Frame, name: str, value: str, residual: str, part: str = "") -> str:
    """The residual and the layer norm after it. In fp16 the bias is not yet in `value`."""
    graph, op = frame.graph, frame.graph.op
    if graph.half:
        norm = [graph.weight(f"{name}.norm.{kind}") for kind in ("gamma", "beta")]
        return op(
            "SkipLayerNormalization",
            [value, residual, *norm, graph.weight(f"{name}.bias")],
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
    mask = op("Reshape", [frame.mask, integers(-1, 1)], f"{layer}.shift.mask")
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
    """The convolution in chunks: within each, and from all before and after.

    A chunk's own states and the tokens at its edges are lanes of two parts, [lanes x 2, chunks,
    hidden x batch]; what reaches each chunk from the others is one product a lane.
    """
    graph, op, sizes, integers = frame.graph, frame.graph.op, frame.sizes, frame.graph.integers
    hidden, chunk, lanes = sizes.hidden, sizes.chunk, 2 * sizes.lanes
    rows = op("Reshape", [z, integers(hidden, -1, chunk)], f"{layer}.z.rows")
    own = op("MatMul", [rows, graph.weight("basis.into")], f"{layer}.own")
    # Turned in two steps, each of which both devices have a fast way for: one of all three axes at
    # once took ten times as long on the CPU.
    own = op("Reshape", [own, frame.by_chunk], f"{layer}.own.chunks")
    own = op("Transpose", [own], f"{layer}.own.turned", perm=[1, 0])
    own = op("Reshape", [own, frame.by_part], f"{layer}.own.parts")
    own = op("Transpose", [own], f"{layer}.own.swapped", perm=[1, 0, 2])
    own = op("Reshape", [own, frame.by_lane], f"{layer}.own.lanes")
    reached = op("MatMul", [frame.carry, own], f"{layer}.reached.lanes")
    reached = op("Reshape", [reached, frame.by_turn], f"{layer}.reached.parts")
    reached = op("Transpose", [reached], f"{layer}.reached.swapped", perm=[1, 0, 2])
    reached = op("Reshape", [reached, frame.by_column], f"{layer}.reached.columns")
    reached = op("Transpose", [reached], f"{layer}.reached.turned", perm=[1, 0])
    reached = op("Reshape", [reached, integers(hidden, -1, 2 * lanes)], f"{layer}.reached")
    kernel = op(
        "MatMul",
        [graph.weight(f"{layer}.coefficients"), graph.weight("basis.long")],
        f"{layer}.kernel.flat",
    )
    shape = integers(hidden, chunk + 2 * lanes, chunk)
    kernel = op("Reshape", [kernel, shape], f"{layer}.kernel")
    seen = op("Concat", [rows, reached], f"{layer}.seen", axis=2)
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
    name, down = f"{layer}.mlp.up", f"{layer}.mlp.down"
    if frame.variant.int8:
        wide = _dense(frame, name, x, part)
        active = op("Gelu", [wide], f"{layer}.mlp.active{part}", domain=CONTRIB)
    else:
        wide = op("MatMul", [x, graph.weight(f"{name}.weight")], f"{name}{part}")
        bias = graph.weight(f"{name}.bias")
        active = op("BiasGelu", [wide, bias], f"{layer}.mlp.active{part}", domain=CONTRIB)
    if graph.half:
        value = op("MatMul", [active, graph.weight(f"{down}.weight")], f"{down}.dense{part}")
    else:
        value = _dense(frame, down, active, part)
    return _residual(frame, down, value, x, part)


def _finish(frame: _Frame, x: str) -> None:
    """Each token's weight, and the output."""
    graph, op = frame.graph, frame.graph.op
    weight = op("Gemm", [x, graph.weight("weigh.weight"), graph.weight("weigh.bias")], "weigh.log")
    low, high = (graph.weight(f"weigh.{end}") for end in ("low", "high"))
    weight = op("Exp", [op("Clip", [weight, low, high], "weigh.cut")], "weigh")
    plain = x
    if graph.half:
        # Sums over 32K tokens are beyond fp16.
        plain = op("Cast", [x], "out.fp32", to=TensorProto.FLOAT)
        weight = op("Cast", [weight], "weigh.fp32", to=TensorProto.FLOAT)
    x = op("Mul", [plain, weight], "vectors")
    _document(frame, plain, x, weight)
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


def _document(frame: _Frame, x: str, vectors: str, weights: str) -> None:
    """The documents' vectors (see `Monarch.document`), all in fp32: [batch, hidden]."""
    graph, op, integers, sizes = frame.graph, frame.graph.op, frame.graph.integers, frame.sizes

    def unit(value: str, name: str) -> str:
        size = op("ReduceL2", [value], f"{name}.size", axes=[-1], keepdims=1)
        # A chunk of nothing but padding has no direction.
        return op("Div", [value, op("Add", [size, graph.real(1e-9)], f"{name}.some")], name)

    # Rows of tokens: [batch, 1, tokens].
    row = op("Concat", [frame.batch, integers(1), frame.tokens], "document.by_row", axis=0)
    live = op("Cast", [frame.live], "document.live.flat", to=TensorProto.FLOAT)
    live = op("Unsqueeze", [live, integers(1)], "document.live")
    by_token = op("Reshape", [vectors, frame.by_token], "document.vectors")
    mean = unit(op("MatMul", [live, by_token], "document.total"), "document.mean")
    length = op("ReduceL2", [x], "document.lengths", axes=[-1], keepdims=1)
    x = op("Reshape", [x, frame.by_token], "document.x")
    like = op("FusedMatMul", [mean, x], "document.product", domain=CONTRIB, transB=1)
    like = op("Div", [like, op("Reshape", [length, row], "document.lengths.row")], "document.like")
    unlike = op("Mul", [like, graph.real(-sizes.unlike)], "document.unlike")
    counts = op("Mul", [op("Exp", [unlike], "document.exp"), live], "document.live.counts")
    counts = op(
        "Mul", [counts, op("Reshape", [weights, row], "document.weights")], "document.counts"
    )
    if frame.variant.short:
        total = op("MatMul", [counts, by_token], "document.sum")
    else:
        chunk = sizes.chunk
        counts = op("Reshape", [counts, integers(-1, 1, chunk)], "document.counts.chunks")
        chunks = op("Reshape", [vectors, integers(-1, chunk, sizes.hidden)], "document.chunks")
        sums = op("MatMul", [counts, chunks], "document.sums")
        shape = op("Concat", [frame.batch, frame.chunks, frame.hidden], "document.by_chunk", axis=0)
        sums = op("Reshape", [sums, shape], "document.chunks.sums")
        shape = op("Concat", [frame.batch, frame.chunks, integers(-1)], "live.by_chunk", axis=0)
        tokens = op("Reshape", [live, shape], "document.live.chunks")
        tokens = op("ReduceSum", [tokens, integers(2)], "document.sizes", keepdims=1)
        all_tokens = op("ReduceSum", [tokens, integers(1)], "document.tokens", keepdims=1)
        evenly = op("Mul", [all_tokens, graph.real(1 / sizes.even)], "document.share")
        evenly = op("Min", [evenly, graph.real(1.0)], "document.evenly")
        loud = op("ReduceL2", [sums], "document.loud", axes=[-1], keepdims=1)
        loud = op("Add", [loud, graph.real(1e-9)], "document.loud.some")
        scale = op("Pow", [op("Div", [tokens, loud], "document.mute"), evenly], "document.scale")
        scale = op("Transpose", [scale], "document.scale.row", perm=[0, 2, 1])
        total = op("MatMul", [scale, sums], "document.sum")
    op("Squeeze", [unit(total, "document.row"), integers(1)], "document_vectors")


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
    documents = helper.make_tensor_value_info(
        "document_vectors", TensorProto.FLOAT, ["batch", hidden]
    )
    return frame.graph.model(inputs, [output, documents], "monarch")


def collect_basis(weights: WeightsFile, sizes: Sizes, near, short, out, into, carry) -> None:
    """Adds what the kernels of all layers are made of, in fp16.

    `near` [kinds, chunk, chunk] and `short` [kinds, SHORT, SHORT] are Toeplitz matrices [to, from],
    `out` [kinds, 4 x states + 2 x taps, chunk] takes what reaches a chunk to its tokens, `into`
    [chunk, 4 x states], `carry` the real and imaginary part of the exponentials at whole chunks.
    """
    states, taps, chunk = sizes.states, sizes.taps, sizes.chunk
    ends = np.eye(chunk, dtype=into.dtype)
    ends = np.concatenate([ends[:, chunk - taps :], ends[:, :taps]], 1)
    order = _lane_order(states, taps)
    into = np.concatenate([into, ends], 1)[:, order]
    out = out[:, order]
    # An edge reaches the next chunk as it is, and no other.
    once = np.zeros((taps // 2, len(carry[0][0])), carry[0].dtype)
    once[:, 0] = 1
    carry = [np.concatenate([carry[0], once]), np.concatenate([carry[1], 0 * once])]

    def half(name: str, values: np.ndarray) -> None:
        weights.add(name, np.ascontiguousarray(values).astype(np.float16))

    kinds = len(near)
    long = np.concatenate([near.transpose(0, 2, 1), out], 1)
    half("basis.long", long.reshape(kinds, -1))
    half("basis.short", short.transpose(0, 2, 1).reshape(kinds, -1))
    half("basis.into", into)
    for part, values in zip(("real", "imaginary"), carry, strict=True):
        zero = np.zeros((sizes.lanes, 1), values.dtype)
        half(f"basis.carry.{part}", np.concatenate([values, zero], 1))


def _lane_order(states: int, taps: int) -> list[int]:
    """Where each part of each lane stands among [states forward, real then imaginary, states
    backward, edge before, edge after]."""
    order = []
    for direction in range(2):
        first = 2 * states * direction
        order += [n for state in range(states) for n in (first + state, first + states + state)]
        edge = 4 * states + taps * direction
        order += range(edge, edge + taps)
    return order
