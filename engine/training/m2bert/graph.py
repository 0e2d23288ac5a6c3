"""M2-BERT as an ONNX graph, written node by node.

A layer mixes tokens by two long convolutions and then each token by itself; its only plain residual
is around the second. Tokens are the leading axis everywhere, channels the last.

Nothing is masked but a mean: padding goes through every convolution as the token that it is, as it
did when the model was trained. So a vector depends on the length that its text is padded to, and
that length is part of the model.
"""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from bundle_format import WeightsFile
from graph_builder import CONTRIB, GraphBuilder

from .checkpoint import Config
from .convolution import Fourier

INPUTS = ("input_ids", "attention_mask")
OUTPUT = "document_vectors"
_FROM_END = -(2**63)


def build(config: Config, weights: WeightsFile) -> onnx.ModelProto:
    """The graph: `input_ids` and `attention_mask` [batch, tokens] to `document_vectors`
    [batch, hidden], not normalised. The mask is read only where the model pools by a mean."""
    graph = GraphBuilder(False, weights)
    fourier = Fourier(graph, config.tokens, config.hidden)
    x = _embed(graph, config)
    for layer in range(config.layers):
        first_only = layer == config.layers - 1 and config.pooling != "mean"
        x = _mix(graph, config, fourier, f"layer{layer}", x, first_only)
        x = _transform(graph, config, f"layer{layer}", x)
    _pool(graph, config, x)
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in INPUTS
    ]
    sizes = ["batch", config.hidden]
    output = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, sizes)
    return graph.model(inputs, [output], "encoder")


def _embed(graph: GraphBuilder, config: Config) -> str:
    op = graph.op
    # Only the rows that are looked up are cast: the table itself stays as it is, mapped from disk.
    rows = op("Gather", [graph.stored("embed.word"), "input_ids"], "embed.rows")
    rows = op("Cast", [rows], "embed.words", to=TensorProto.FLOAT)
    total = op("Add", [rows, graph.single("embed.type")], "embed.typed")
    if config.positions:
        total = op("Add", [total, graph.single("embed.position")], "embed.sum")
    return _norm(graph, config, "embed.norm", total)


def _norm(graph: GraphBuilder, config: Config, name: str, value: str) -> str:
    return graph.op(
        "LayerNormalization",
        [value, graph.single(f"{name}.gamma"), graph.single(f"{name}.beta")],
        f"{name}.out",
        axis=-1,
        epsilon=config.epsilon,
    )


def _dense(graph: GraphBuilder, name: str, value: str) -> str:
    total = graph.op("MatMul", [value, graph.single(f"{name}.weight")], f"{name}.dense")
    return graph.op("Add", [total, graph.single(f"{name}.bias")], f"{name}.out")


def _mix(
    graph: GraphBuilder, config: Config, fourier: Fourier, layer: str, x: str, first_only: bool
) -> str:
    """The gated long convolution of three short ones, and that of the input itself.

    `first_only`: of the last layer no more than the first token is asked for.
    """
    op = graph.op
    x1, x2, v = (
        _short(graph, f"{layer}.{part}", _dense(graph, f"{layer}.{part}", x))
        for part in ("x1", "x2", "v")
    )

    def cut(value: str) -> str:
        if not first_only:
            return value
        bounds = [graph.integers(0), graph.integers(1), graph.integers(1)]
        return op("Slice", [value, *bounds], f"{value}.first")

    gated = op("Mul", [v, x1], f"{layer}.gated")
    y = cut(_convolve(graph, fourier, f"{layer}.long", gated, x))
    y = op("Mul", [y, cut(x2)], f"{layer}.y")
    if config.residual:
        around = cut(_convolve(graph, fourier, f"{layer}.residual", x, x))
        y = op("Add", [y, around], f"{layer}.mixed")
    return _dense(graph, f"{layer}.out", y)


def _short(graph: GraphBuilder, name: str, value: str) -> str:
    """A filter of three taps, each token's own and the two before it. As slices: a convolution
    operator would want channels before tokens."""
    op, integers = graph.op, graph.integers
    wide = op("Pad", [value, integers(0, 2, 0, 0, 0, 0)], f"{name}.wide")
    total = op("Mul", [value, graph.single(f"{name}.taps.2")], f"{name}.at.2")
    for tap in (1, 0):
        bounds = [integers(tap), integers(tap - 2), integers(1)]
        before = op("Slice", [wide, *bounds], f"{name}.before.{tap}")
        before = op("Mul", [before, graph.single(f"{name}.taps.{tap}")], f"{name}.at.{tap}")
        total = op("Add", [total, before], f"{name}.taps.{tap}.sum")
    return op("Add", [total, graph.single(f"{name}.taps.bias")], f"{name}.short")


def _convolve(graph: GraphBuilder, fourier: Fourier, name: str, value: str, x: str) -> str:
    """The long convolution with its direct term."""
    kernel = fourier.of_kernel(f"{name}.kernel", _kernel(graph, name, x))
    spectrum = fourier.of_text(f"{name}.text", value)
    y = fourier.back(f"{name}.back", fourier.multiply(name, spectrum, kernel))
    direct = graph.op("Mul", [value, graph.stored(f"{name}.direct")], f"{name}.straight")
    return graph.op("Add", [y, direct], f"{name}.convolved")


def _kernel(graph: GraphBuilder, name: str, x: str) -> str:
    """The taps of lags 0, 1, …, then those of lags …, -2, -1: [2 x tokens, hidden].

    They are the same in every run, but as constants they would all be held at once: gigabytes of
    long texts. So what they are made of is cut to the length of x, which it has already: then each
    run makes them anew, and not before the layer that they are of.
    """
    op, integers = graph.op, graph.integers
    size = op("Shape", [x], f"{name}.size", start=1, end=2)
    bounds = [integers(0), size, integers(0)]
    features, time = (
        op("Slice", [graph.stored(f"{name}.{part}"), *bounds], f"{name}.{part}.cut")
        for part in ("features", "time")
    )
    decay = op("Mul", [time, graph.stored(f"{name}.rate")], f"{name}.exponent")
    decay = op("Exp", [decay], f"{name}.decay")
    ahead = _filter(graph, f"{name}.ahead", f"{name}.frequency", features)
    back = _filter(graph, f"{name}.back", f"{name}.frequency", features)
    ahead = op("Mul", [ahead, decay], f"{name}.ahead.taps")
    back = op("Mul", [back, decay], f"{name}.back.taps")
    bounds = [integers(-1), integers(_FROM_END), integers(0), integers(-1)]
    back = op("Slice", [back, *bounds], f"{name}.back.turned")
    return op("Concat", [ahead, back], f"{name}.taps", axis=0)


def _filter(graph: GraphBuilder, name: str, frequency: str, features: str) -> str:
    """The implicit filter: a small network of sines from a lag's features to its taps."""
    op = graph.op
    hidden = features
    for step in range(3):
        hidden = op("MatMul", [hidden, graph.stored(f"{name}.{step}.weight")], f"{name}.{step}.on")
        hidden = op("Add", [hidden, graph.stored(f"{name}.{step}.bias")], f"{name}.{step}.biased")
        angle = op("Mul", [hidden, graph.stored(frequency)], f"{name}.{step}.angle")
        hidden = op("Sin", [angle], f"{name}.{step}.sine")
    return op("MatMul", [hidden, graph.stored(f"{name}.3.weight")], f"{name}.open")


def _transform(graph: GraphBuilder, config: Config, layer: str, x: str) -> str:
    """The gated MLP, whose matrices have blocks on their diagonals and nothing else."""
    op, blocks = graph.op, config.blocks

    def product(name: str, value: str, part: int) -> str:
        weight = graph.single(f"{layer}.{name}.{part}.weight")
        return op("MatMul", [value, weight], f"{layer}.{name}.{part}")

    def cut(value: str, width: int, parts: int, name: str) -> list[str]:
        if parts == 1:
            return [value]
        return graph.split(value, [width // parts] * parts, f"{layer}.{name}", axis=-1)

    # Gates come out of the first half of the blocks, what they let through out of the second.
    given = cut(x, config.hidden, blocks, "up.given")
    wide = graph.weights.shape(f"{layer}.up.0.weight")[1]
    pairs = max(blocks // 2, 1)
    active = []
    for pair in range(pairs):
        if blocks == 1:
            gate, value = cut(product("up", given[0], 0), wide, 2, "up.halves")
        else:
            gate, value = (product("up", given[part], part) for part in (pair, pair + pairs))
        gate = op("Gelu", [gate], f"{layer}.gate.{pair}", domain=CONTRIB)
        through = op("Mul", [gate, value], f"{layer}.through.{pair}")
        active += cut(through, wide, blocks // pairs, f"active.{pair}")
    parts = [product("down", value, part) for part, value in enumerate(active)]
    total = parts[0] if blocks == 1 else op("Concat", parts, f"{layer}.down.all", axis=-1)
    total = op("Add", [total, graph.single(f"{layer}.down.bias")], f"{layer}.down.biased")
    return _norm(graph, config, f"{layer}.norm", op("Add", [total, x], f"{layer}.down.sum"))


def _pool(graph: GraphBuilder, config: Config, x: str) -> None:
    op, integers = graph.op, graph.integers
    if config.pooling == "mean":
        mask = op("Cast", ["attention_mask"], "pool.live", to=TensorProto.FLOAT)
        count = op("ReduceSum", [mask, integers(1)], "pool.count", keepdims=1)
        mask = op("Unsqueeze", [mask, integers(2)], "pool.mask")
        total = op(
            "ReduceSum", [op("Mul", [x, mask], "pool.kept"), integers(1)], "pool.sum", keepdims=0
        )
        first = op("Div", [total, count], "pool.mean")
    else:
        first = op("Squeeze", [x, integers(1)], "pool.first")
    if config.pooling == "token":
        op("Identity", [first], OUTPUT)
    else:
        op("Tanh", [_dense(graph, "pooler", first)], OUTPUT)
