"""Longer texts for encoders with a table of absolute positions, without training.

The rows of the table are all there is, so longer texts share them: see `KINDS`. Each is as in
LongEmbed (arXiv 2404.12096), but that it goes by a text's own length, not by that of the batch it
is padded in: padding must change no vector.
"""

from __future__ import annotations

from dataclasses import dataclass

from onnx import TensorProto

from graph_builder import GraphBuilder

KINDS = {
    "pi": "linear interpolation: a text longer than the table walks it in steps of a fraction",
    "grouped": "as many neighbours share a row as the text is times longer than the table",
    "recurrent": "the table begins anew after its last row",
}


@dataclass(frozen=True)
class Extension:
    """How texts of up to `length` tokens are given the positions of `trained`."""

    kind: str
    trained: int
    length: int
    scaled: bool = False
    """Attention's logits are multiplied by log(tokens) / log(trained) in longer texts, so that
    attention stays as sharp among more tokens."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind} is none of {', '.join(KINDS)}")
        if self.length < self.trained or self.length % self.trained:
            raise ValueError(f"{self.length} is no multiple of {self.trained} tokens")


def positions(graph: GraphBuilder, extension: Extension, table: str, lengths: str) -> str:
    """The vectors added to those of the tokens, [batch or 1, tokens, hidden], in the type that the
    graph computes in. `lengths`: each text's, int64 [batch or 1, 1]."""
    op, scalar = graph.op, graph.scalar
    last = scalar(extension.trained - 1)
    size = op("Shape", ["input_ids"], "position.size", start=1, end=2)
    size = op("Squeeze", [size], "position.tokens")
    at = op("Range", [scalar(0), size, scalar(1)], "position.at")
    if extension.kind == "recurrent":
        at = op("Mod", [at, scalar(extension.trained)], "position.row")
        at = op("Unsqueeze", [at, graph.integers(0)], "position.rows")
        return graph.compute(op("Gather", [table, at], "position.vectors"))
    if extension.kind == "grouped":
        group = op("Add", [lengths, last], "position.group.up")
        group = op("Div", [group, scalar(extension.trained)], "position.group")
        at = op("Div", [at, group], "position.row")
        # Padding would run off the table's end.
        at = op("Min", [at, last], "position.rows")
        return graph.compute(op("Gather", [table, at], "position.vectors"))
    return _interpolated(graph, extension, table, lengths, at)


def _interpolated(
    graph: GraphBuilder, extension: Extension, table: str, lengths: str, at: str
) -> str:
    """A text that fits the table takes its rows as they are. A longer one takes those of a table
    `length / trained` times as fine, whose rows lie on the line between two of the old."""
    op, scalar = graph.op, graph.scalar
    last, steps = scalar(extension.trained - 1), scalar(extension.length // extension.trained)
    longer = op("Greater", [lengths, scalar(extension.trained)], "position.longer")
    stride = op("Where", [longer, scalar(1), steps], "position.stride")
    at = op("Mul", [at, stride], "position.fine")
    before = op("Div", [at, steps], "position.before.free")
    before = op("Min", [before, last], "position.before")
    after = op("Add", [before, scalar(1)], "position.after.free")
    after = op("Min", [after, last], "position.after")
    part = op("Mod", [at, steps], "position.part.steps")
    part = op("Cast", [part], "position.part.real", to=TensorProto.FLOAT)
    part = op("Div", [part, graph.real(extension.length // extension.trained)], "position.part")
    part = op("Unsqueeze", [part, graph.integers(2)], "position.part.column")
    part = op("Cast", [part], "position.part.element", to=graph.element)
    start = graph.compute(op("Gather", [table, before], "position.start"))
    end = graph.compute(op("Gather", [table, after], "position.end"))
    way = op("Sub", [end, start], "position.way")
    return op("Add", [start, op("Mul", [way, part], "position.gone")], "position.vectors")


def sharpness(graph: GraphBuilder, trained: int, lengths: str) -> str:
    """What attention's logits are multiplied by, [batch or 1, 1, 1]: 1 up to the trained length."""
    op = graph.op
    length = op("Cast", [lengths], "sharpness.length", to=TensorProto.FLOAT)
    length = op("Max", [length, graph.real(trained)], "sharpness.longer")
    ratio = op("Div", [op("Log", [length], "sharpness.log"), _log(graph, trained)], "sharpness.of")
    ratio = op("Unsqueeze", [ratio, graph.integers(2)], "sharpness.column")
    return op("Cast", [ratio], "sharpness", to=graph.element)


def _log(graph: GraphBuilder, trained: int) -> str:
    return graph.op("Log", [graph.real(trained)], "sharpness.trained")
