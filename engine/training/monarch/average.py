"""The mean of two checkpoints of one training, which does better on other text than either.

    python -m monarch.average ONE.pt OTHER.pt OUT.pt [SHARE_OF_OTHER]

Weights that were trained on from one another lie in one basin, and what each has learnt about its
own data only is halved (Wortsman et al., arXiv 2203.05482). Calibrate it anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from . import checkpoint


@torch.no_grad()
def main() -> None:
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    share = float(sys.argv[4]) if len(sys.argv) == 5 else 0.5
    model, _ = checkpoint.load(Path(sys.argv[1]))
    other, notes = checkpoint.load(Path(sys.argv[2]))
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        mine.lerp_(theirs, share)
    notes.pop("ranges", None)
    notes["settings"] = f"{share} of the way from the one before to: {notes.get('settings')}"
    checkpoint.save(model, Path(sys.argv[3]), notes)


if __name__ == "__main__":
    main()
