"""Slows the rotary positions of an ONNX model that someone else exported.

    python -m extend.onnx_rope MODEL.onnx OUT.onnx --method METHOD --trained TOKENS --length TOKENS

METHOD is linear, ntk or truncated, as in extend/rotary.py. Found are frequencies that a graph turns
into angles, known by their values (each the same part of the one before), and the tables of
RotaryEmbedding operators. A model with several bases, as ModernBERT has one for its local and one
for its global attention, needs --base to say which; the others stay as they are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from .rotary import Rotary, frequencies

METHODS = ("linear", "ntk", "truncated")
_LEAST_PAIRS = 4
_EXACT = 2e-3
"""By which ratios of frequencies may differ: fp16 has three digits."""


def base_of(theta: np.ndarray) -> float | None:
    """The base of a head's frequencies, or None if they are something else."""
    theta = theta.astype(np.float64).ravel()
    if len(theta) < _LEAST_PAIRS or not np.isclose(theta[0], 1, atol=_EXACT):
        return None
    if (theta <= 0).any() or (np.diff(theta) >= 0).any():
        return None
    steps = np.log(theta[:-1] / theta[1:])
    if np.ptp(steps) > _EXACT * 2:
        return None
    return float(np.exp(steps.mean() * len(theta)))


class Found:
    """Frequencies in a model: the tensor or tensors that hold them, and how to write others."""

    def __init__(self, tensors: list[onnx.TensorProto], theta: np.ndarray, base: float) -> None:
        self.tensors, self.theta, self.base = tensors, theta, base

    def replace(self, rotary: Rotary) -> None:
        theta = frequencies(rotary, 2 * self.theta.size)
        if len(self.tensors) == 1:
            self._write(self.tensors[0], theta.reshape(self.theta.shape))
            return
        angles = np.outer(np.arange(rotary.length), theta)
        for tensor, table in zip(self.tensors, (np.cos(angles), np.sin(angles)), strict=True):
            self._write(tensor, table)

    @staticmethod
    def _write(tensor: onnx.TensorProto, values: np.ndarray) -> None:
        kind = numpy_helper.to_array(tensor).dtype
        tensor.CopyFrom(numpy_helper.from_array(values.astype(kind), tensor.name))


def find(graph: onnx.GraphProto) -> list[Found]:
    """All frequencies of a graph."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensors[node.output[0]] = node.attribute[0].t
    found, tables = [], set()
    for node in graph.node:
        if node.op_type != "RotaryEmbedding":
            continue
        # ONNX's own operator takes its tables before the positions, ONNX Runtime's after them.
        first = 2 if node.domain == "com.microsoft" else 1
        names = tuple(node.input[first : first + 2])
        if names in tables or not all(name in tensors for name in names):
            continue
        tables.add(names)
        cosine, sine = (numpy_helper.to_array(tensors[name])[1] for name in names)
        theta = np.arctan2(sine.astype(np.float64), cosine.astype(np.float64))
        base = base_of(theta)
        if base is not None:
            found.append(Found([tensors[name] for name in names], theta, base))
    for tensor in tensors.values():
        values = numpy_helper.to_array(tensor)
        if values.dtype in (np.float16, np.float32) and values.size == max(values.shape, default=0):
            base = base_of(values)
            if base is not None:
                found.append(Found([tensor], values, base))
    return found


def rewrite(model: onnx.ModelProto, rotary: Rotary, only: float | None = None) -> float:
    """Replaces a model's frequencies and returns their base. Raises ValueError if there are none,
    or several kinds and none is asked for."""
    found = find(model.graph)
    if only is not None:
        found = [item for item in found if np.isclose(item.base, only, rtol=0.05)]
    if not found:
        raise ValueError("no rotary frequencies found")
    bases = sorted({float(f"{item.base:.2g}") for item in found})
    if len(bases) > 1:
        raise ValueError(f"several bases, {', '.join(f'{b:g}' for b in bases)}: choose by --base")
    for item in found:
        # The base as its author wrote it, where it is a round one; else as it was found.
        base = bases[0] if np.isclose(item.base, bases[0], rtol=0.005) else item.base
        item.replace(
            Rotary(rotary.method, rotary.trained, rotary.length, base=only if only else base)
        )
    return bases[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--method", choices=METHODS, required=True)
    parser.add_argument("--trained", type=int, required=True)
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--base", type=float)
    given = parser.parse_args()
    model = onnx.load(given.model)
    try:
        base = rewrite(model, Rotary(given.method, given.trained, given.length), given.base)
    except ValueError as error:
        sys.exit(f"{given.model}: {error}")
    # Weights in a file of their own, as ONNX demands it beyond 2 GB.
    data = given.out.name + ".data"
    (given.out.parent / data).unlink(missing_ok=True)
    onnx.save(model, given.out, save_as_external_data=True, location=data)
    print(
        f"{given.out}: base {base:g}, {given.method} from {given.trained} to {given.length} tokens"
    )


if __name__ == "__main__":
    main()
