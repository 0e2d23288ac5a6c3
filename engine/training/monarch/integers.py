"""Dense weights as 8-bit integers, for CPUs.

A channel of the input that has large values gives some of its size to the weights it meets, by the
square root of both, so that one step fits all channels (SmoothQuant, arXiv 2211.10438). Steps come
from a calibration and are fixed: the vector of a token does not depend on the tokens beside it, as
it would if each run looked for its own largest value.
"""

from __future__ import annotations

import numpy as np

QUANTISED = {
    "x": ("gate", "inner", "value"),
    "gated": ("mixer",),
    "mixed": ("mlp.up",),
}
"""Inputs, and the linear maps of each that keep their quality in integers: not the one out of the
MLP, whose inputs have rare values ten times as large as all others (RUNS.md)."""

# 8 bits around 128 for inputs. 7 for weights: two products of both then still fit the 16 bits that
# processors without VNNI add them in.
INPUT_MOST, WEIGHT_MOST = 127, 63


def input_of(layers: int) -> dict[str, str]:
    """The input of each linear map that runs in integers."""
    return {
        f"layer{layer}.{part}": f"layer{layer}.{source}"
        for layer in range(layers)
        for source, parts in QUANTISED.items()
        for part in parts
    }


def steps_of(reach: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """The step of each channel of an input, [in], from its largest values and the weights [in, out]
    that it meets."""
    largest = np.max([np.abs(weight).max(1) for weight in weights], axis=0)
    reach, largest = np.maximum(reach, 1e-3), np.maximum(largest, 1e-4)
    share = np.sqrt(reach / largest)
    return share * (reach / share).max() / INPUT_MOST


def quantised(weight: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A weight [in, out] for inputs in steps: integers, and what one is worth by output, [out]."""
    weight = weight * steps[:, None]
    scale = np.maximum(np.abs(weight).max(0) / WEIGHT_MOST, 1e-9)
    return np.round(weight / scale).astype(np.int8), scale.astype(np.float32)
