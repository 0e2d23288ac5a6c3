"""Measures how large the inputs of linear maps become, which the graphs in integers need to know.

    python -m monarch.calibrate PREPARED CHECKPOINT.pt

Runs some training documents and puts the largest absolute value of each channel into the
checkpoint.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from . import checkpoint
from .corpus import Corpus, wrapped
from .model import Monarch

# How many documents of how many tokens.
SAMPLE = {128: 48, 1024: 48, 8192: 4}


@torch.no_grad()
def ranges(model: Monarch, batches: list[Tensor]) -> dict[str, list[float]]:
    """The largest absolute value of each channel, by the names that the graphs have for inputs."""
    found: dict[str, Tensor] = {}

    def watch(module: nn.Module, name: str) -> None:
        def seen(_module: nn.Module, inputs: tuple) -> None:
            size = inputs[0].abs().flatten(0, -2).amax(0)
            found[name] = torch.maximum(found[name], size) if name in found else size

        watching.append(module.register_forward_pre_hook(seen))

    watching: list = []
    for index, layer in enumerate(model.layers):
        watch(layer, f"layer{index}.x")
        watch(layer.out, f"layer{index}.gated")
        watch(layer.up, f"layer{index}.mixed")
    for ids in batches:
        model(ids)
    for each in watching:
        each.remove()
    return {name: [round(v, 3) for v in size.tolist()] for name, size in found.items()}


def sample(corpus: Corpus) -> list[Tensor]:
    """Batches of documents without padding."""
    random = np.random.default_rng(7)
    batches = []
    for tokens, count in SAMPLE.items():
        fits = np.flatnonzero(corpus.lengths >= tokens - 2)
        for number in random.choice(fits, count, replace=False):
            ids = wrapped(corpus.document(int(number))[: tokens - 2], tokens)
            batches.append(torch.tensor(ids)[None])
    return batches


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    path = Path(sys.argv[2])
    model, notes = checkpoint.load(path)
    notes["ranges"] = ranges(model.eval(), sample(Corpus(Path(sys.argv[1]) / "train")))
    checkpoint.save(model, path, notes)
    largest = max(max(values) for values in notes["ranges"].values())
    print(f"{len(notes['ranges'])} inputs, the largest value {largest:.1f}")


if __name__ == "__main__":
    main()
