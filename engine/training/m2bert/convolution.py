"""Long convolutions as dense products: the discrete Fourier transform in its Monarch form, order 2.

A text of `tokens` is convolved at 2 x tokens = rows x columns points, so that nothing wraps around.
With the time t = a x columns + b and the frequency f = c + rows x d,

    X[f] = sum over b of e^(-2 pi i b f / points) times (sum over a of e^(-2 pi i a c / rows) x[t]),

two batches of matrix products. Tokens stay the leading axis and channels the last one throughout,
so nothing is ever transposed. Complex numbers are stacked: real parts, then imaginary ones.

Text is real, so half the values of c say everything; and the padding half of the text and of the
result is never multiplied.
"""

from __future__ import annotations

import numpy as np

from bundle_format import WeightsFile
from graph_builder import CONTRIB, GraphBuilder

SHORTEST = 8
"""Tokens below which the factorisation is not worth its name."""


def factors(tokens: int) -> tuple[int, int]:
    """Rows and columns. Both products cost the same where there are four times as many rows."""
    if tokens < SHORTEST or tokens & (tokens - 1):
        raise ValueError(f"{tokens} tokens are not a power of two from {SHORTEST}")
    points = 2 * tokens
    columns = 2 ** ((points.bit_length() - 1) // 2 - 1)
    return points // columns, columns


def collect_weights(tokens: int, weights: WeightsFile) -> None:
    """Adds the first product's matrices and one turn of the cosine to a weights file.

    The second product's matrices differ for each c: 67 MB at 32,768 tokens. The graph reads them
    off the cosine when it is opened.
    """
    rows, columns = factors(tokens)
    a, c = np.arange(rows), np.arange(rows // 2 + 1)
    angle = 2 * np.pi / rows * (np.outer(c, a) % rows)
    # [rows + 2, rows]: each c's real part, then its imaginary one.
    into = np.stack([np.cos(angle), -np.sin(angle)], 1).reshape(-1, rows)
    # A c between the ends stands for its conjugate, too.
    counts = np.where((c == 0) | (c == rows // 2), 1.0, 2.0) / (rows * columns)
    out = into.T[: rows // 2] * np.repeat(counts, 2)
    weights.add("fourier.kernel", into.astype(np.float32))
    weights.add("fourier.text", into[:, : rows // 2].astype(np.float32))
    weights.add("fourier.back", out.astype(np.float32))
    turn = np.cos(2 * np.pi * np.arange(2 * tokens) / (2 * tokens))
    weights.add("fourier.turn", turn.astype(np.float32))


class Fourier:
    """The transform and its inverse in a graph, for one number of tokens."""

    def __init__(self, graph: GraphBuilder, tokens: int, channels: int) -> None:
        self.graph = graph
        self.rows, self.columns = factors(tokens)
        integers = graph.integers
        half = self.rows // 2
        self._by_row = integers(-1, half, self.columns * channels)
        self._by_part = integers(-1, 2 * (half + 1), self.columns * channels)
        self._by_frequency = integers(-1, half + 1, 2 * self.columns, channels)
        self._by_token = integers(-1, tokens, channels)
        self._kernel_by_row = integers(self.rows, self.columns * channels)
        self._inner = self._inner_matrices(2 * tokens)

    def _inner_matrices(self, points: int) -> str:
        """The second product's matrices, [c, 2 x d, 2 x b]."""
        graph, op = self.graph, self.graph.op
        f = np.arange(self.rows // 2 + 1)[:, None] + self.rows * np.arange(self.columns)
        steps = op(
            "Mul",
            [
                graph.integer_array("fourier.f", f[:, :, None]),
                graph.integer_array("fourier.b", np.arange(self.columns)),
            ],
            "fourier.steps",
        )
        parts = {}
        # The sine is the cosine of a quarter of a turn less.
        for name, ahead in (("cosine", 0), ("sine", 3 * points // 4)):
            at = op("Add", [steps, graph.scalar(ahead)], f"fourier.{name}.steps")
            at = op("Mod", [at, graph.scalar(points)], f"fourier.{name}.at")
            parts[name] = op("Gather", [graph.stored("fourier.turn"), at], f"fourier.{name}")
        cosine, sine = parts["cosine"], parts["sine"]
        against = op("Neg", [sine], "fourier.against")
        top = op("Concat", [cosine, sine], "fourier.top", axis=2)
        bottom = op("Concat", [against, cosine], "fourier.bottom", axis=2)
        return op("Concat", [top, bottom], "fourier.inner", axis=1)

    def of_text(self, name: str, value: str) -> str:
        """[batch, tokens, channels] to its spectrum, [batch, c, 2 x d, channels]."""
        return self._spectrum(name, value, self._by_row, "fourier.text")

    def of_kernel(self, name: str, value: str) -> str:
        """[2 x tokens, channels] to its spectrum, [1, c, 2 x d, channels]."""
        return self._spectrum(name, value, self._kernel_by_row, "fourier.kernel")

    def _spectrum(self, name: str, value: str, shape: str, matrix: str) -> str:
        graph, op = self.graph, self.graph.op
        rows = op("Reshape", [value, shape], f"{name}.rows")
        parts = op("MatMul", [graph.stored(matrix), rows], f"{name}.parts")
        parts = op("Reshape", [parts, self._by_frequency], f"{name}.parts.inner")
        return op("MatMul", [self._inner, parts], f"{name}.spectrum")

    def multiply(self, name: str, one: str, other: str) -> str:
        """The complex product of two spectra."""
        op, sizes = self.graph.op, [self.columns, self.columns]
        one_real, one_imaginary = self.graph.split(one, sizes, f"{name}.one", axis=2)
        real, imaginary = self.graph.split(other, sizes, f"{name}.other", axis=2)
        squares = [
            op("Mul", [one_real, real], f"{name}.real.plus"),
            op("Mul", [one_imaginary, imaginary], f"{name}.real.minus"),
        ]
        crossed = [
            op("Mul", [one_real, imaginary], f"{name}.imaginary.one"),
            op("Mul", [one_imaginary, real], f"{name}.imaginary.other"),
        ]
        total = [
            op("Sub", squares, f"{name}.real"),
            op("Add", crossed, f"{name}.imaginary"),
        ]
        return op("Concat", total, f"{name}.product", axis=2)

    def back(self, name: str, spectrum: str) -> str:
        """A spectrum to the first half of what it stands for, [batch, tokens, channels]."""
        graph, op = self.graph, self.graph.op
        parts = op(
            "FusedMatMul", [self._inner, spectrum], f"{name}.inner", domain=CONTRIB, transA=1
        )
        parts = op("Reshape", [parts, self._by_part], f"{name}.outer")
        rows = op("MatMul", [graph.stored("fourier.back"), parts], f"{name}.rows")
        return op("Reshape", [rows, self._by_token], f"{name}.tokens")
