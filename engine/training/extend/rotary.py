"""Longer texts for encoders with rotary positions (RoPE), without training.

A head's pair i of values is turned by position x theta_i. What a model has not seen in training are
the large angles of its slow pairs: `frequencies` makes them turn more slowly, or not at all;
SelfExtend (`Grouped`) gives distant tokens coarser positions, so that no distance is larger
than those of training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bundle_format import WeightsFile
from graph_builder import CONTRIB, GraphBuilder

METHODS = {
    "plain": "positions as in training",
    "linear": "all pairs turn so many times slower as texts are longer (arXiv 2306.15595)",
    "ntk": "a larger base: fast pairs stay as they are, the slowest is slowed by the factor",
    "truncated": "pairs too slow to have turned in training stand still or turn at one rate "
    "(Giraffe, arXiv 2308.10882)",
    "selfextend": "distant tokens are counted in groups (arXiv 2401.01325)",
}
_FAR = -1e4
"""Added to the logits of padding: fp16 holds it, and its exponential is zero."""


@dataclass(frozen=True)
class Rotary:
    """How positions turn the queries and keys of texts of up to `length` tokens."""

    method: str = "plain"
    trained: int = 512
    length: int = 512
    base: float = 10000.0
    group: int = 9
    """SelfExtend: tokens that share a position, and the distance up to which none do. Those are
    LongEmbed's values for an encoder of 512 tokens."""
    window: int = 64
    scaled: bool = False
    """As in `absolute.Extension`."""

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"{self.method} is none of {', '.join(METHODS)}")
        if self.method == "selfextend" and self.furthest > self.trained:
            raise ValueError(
                f"{self.length} tokens in groups of {self.group} beyond {self.window} are "
                f"{self.furthest} apart: more than the {self.trained} of training"
            )

    @property
    def furthest(self) -> int:
        """The largest distance that SelfExtend leaves between two tokens."""
        return (self.length - 1) // self.group + self.window - self.window // self.group


def frequencies(rotary: Rotary, head: int) -> np.ndarray:
    """What a position turns each pair of a head of `head` values by, in radians."""
    factor = rotary.length / rotary.trained
    base = rotary.base
    if rotary.method == "ntk":
        base *= factor ** (head / (head - 2))
    theta = base ** (-np.arange(0, head, 2) / head)
    if rotary.method == "linear":
        return theta / factor
    if rotary.method == "truncated":
        # What has turned once in training is kept. The paper leaves both bounds and the rate
        # between them to choice: these are ours.
        kept = 2 * math.pi / rotary.trained
        slow = kept / 16
        return np.where(theta >= kept, theta, np.where(theta > slow, slow, 0.0))
    return theta


def collect_weights(rotary: Rotary, head: int, weights: WeightsFile) -> None:
    """Adds the cosines and sines of all positions, [length, head / 2], in fp32."""
    angles = np.outer(np.arange(rotary.length), frequencies(rotary, head))
    weights.add("rotary.cosine", np.cos(angles).astype(np.float32))
    weights.add("rotary.sine", np.sin(angles).astype(np.float32))


def turn(graph: GraphBuilder, heads: int, value: str, at: str, name: str) -> str:
    """Queries or keys [batch, tokens, hidden] at positions `at`, [batch, tokens], or from the one
    that it holds on."""
    tables = [graph.table("rotary.cosine"), graph.table("rotary.sine")]
    return graph.op("RotaryEmbedding", [value, at, *tables], name, domain=CONTRIB, num_heads=heads)


def attend(graph: GraphBuilder, heads: int, layer: str, parts: list[str], mask: str) -> str:
    """Attention in which only the tables tell a method from another. `parts`: queries, keys and
    values with their biases; `mask`: how many tokens of each text are real."""
    start = graph.integers(0)
    turned = [
        turn(graph, heads, part, start, f"{layer}.{name}.turned")
        for name, part in zip(("query", "key"), parts, strict=False)
    ]
    inputs = [*turned, parts[2], *(["", mask] if mask else [])]
    return graph.op(
        "MultiHeadAttention", inputs, f"{layer}.context", domain=CONTRIB, num_heads=heads
    )


class Grouped:
    """SelfExtend's attention. It needs the logits of all pairs of tokens at once, three times over,
    so its memory grows with the square of a text: 1.6 GB at 4,096 tokens for 8 heads."""

    def __init__(self, graph: GraphBuilder, rotary: Rotary, lengths: str, mask: str) -> None:
        self.graph = graph
        op, scalar = graph.op, graph.scalar
        size = op("Shape", ["input_ids"], "grouped.size", start=1, end=2)
        at = op("Range", [scalar(0), op("Squeeze", [size], "grouped.tokens"), scalar(1)], "near.at")
        group = op("Div", [at, scalar(rotary.group)], "group.at")
        ahead = rotary.window - rotary.window // rotary.group
        shape = op("Shape", ["input_ids"], "grouped.shape")
        self.near, self.grouped, self.shifted = (
            op("Expand", [value, shape], f"{name}.positions")
            for name, value in (
                ("near", at),
                ("group", group),
                ("shifted", op("Add", [group, scalar(ahead)], "shifted.at")),
            )
        )
        row = op("Unsqueeze", [at, graph.integers(1)], "grouped.row")
        apart = op("Sub", [row, at], "grouped.apart")
        self.before = op("GreaterOrEqual", [apart, scalar(0)], "grouped.before")
        far = op("GreaterOrEqual", [op("Abs", [apart], "far.by"), scalar(rotary.window)], "far")
        longer = op("Greater", [lengths, scalar(rotary.trained)], "far.longer")
        longer = op("Unsqueeze", [longer, graph.integers(1, 2)], "far.longer.all")
        self.far = op("And", [far, longer], "far.pairs")
        live = op("Less", [at, lengths], "grouped.live")
        live = op("Where", [live, graph.real(0.0), graph.real(_FAR)], "grouped.hidden")
        live = op("Cast", [live], "grouped.hidden.element", to=graph.element)
        self.hidden = op("Unsqueeze", [live, graph.integers(1, 2)], "grouped.hidden.keys")
        self.masked = bool(mask)

    def attend(self, heads: int, width: int, layer: str, parts: list[str]) -> str:
        """As the function of this name."""
        op = self.graph.op
        query, key, value = parts
        # Which of two tokens comes first decides whose positions the distance is added to.
        turns = {
            "close": (self.near, self.near),
            "earlier": (self.shifted, self.grouped),
            "later": (self.grouped, self.shifted),
        }
        logits = {}
        for name, (query_at, key_at) in turns.items():
            q = turn(self.graph, heads, query, query_at, f"{layer}.query.{name}")
            k = turn(self.graph, heads, key, key_at, f"{layer}.key.{name}")
            q = self._heads(heads, width, q, [0, 2, 1, 3])
            k = self._heads(heads, width, k, [0, 2, 3, 1])
            logits[name] = op("MatMul", [q, k], f"{layer}.logits.{name}")
        chosen = [self.before, logits["earlier"], logits["later"]]
        total = op("Where", chosen, f"{layer}.logits.far")
        total = op("Where", [self.far, total, logits["close"]], f"{layer}.logits.all")
        root = op("Cast", [self.graph.real(width**-0.5)], f"{layer}.root", to=self.graph.element)
        total = op("Mul", [total, root], f"{layer}.logits")
        if self.masked:
            total = op("Add", [total, self.hidden], f"{layer}.logits.live")
        weights = op("Softmax", [total], f"{layer}.attention.weights", axis=-1)
        v = self._heads(heads, width, value, [0, 2, 1, 3])
        context = op("MatMul", [weights, v], f"{layer}.context.heads")
        context = op("Transpose", [context], f"{layer}.context.tokens", perm=[0, 2, 1, 3])
        return op(
            "Reshape", [context, self.graph.integers(0, 0, heads * width)], f"{layer}.context"
        )

    def _heads(self, heads: int, width: int, value: str, order: list[int]) -> str:
        shape = self.graph.integers(0, 0, heads, width)
        split = self.graph.op("Reshape", [value, shape], f"{value}.split")
        return self.graph.op("Transpose", [split], f"{value}.heads", perm=order)
