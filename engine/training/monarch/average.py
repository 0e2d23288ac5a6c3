"""A mean of checkpoints of one training, which does better on other text than each of them.

    python -m monarch.average OUT.pt ONE.pt=SHARE OTHER.pt=SHARE…

Weights that were trained on from one another lie in one basin, and what each has learnt about its
own data only shrinks in their mean (Wortsman et al., arXiv 2203.05482); so does, with a share of
where fine-tuning began, what fine-tuning has forgotten (arXiv 2109.01903). Shares are
taken of their sum. Calibrate the result anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from . import checkpoint
from .model import Monarch


@torch.no_grad()
def mean_of(models: Iterable[Monarch], shares: Sequence[float]) -> Monarch:
    """The mean of models, which must be of one form; the first of them becomes it."""
    total, mean = sum(shares), None
    for model, share in zip(models, shares, strict=True):
        if mean is None:
            mean = model
            torch._foreach_mul_(list(mean.parameters()), share / total)
        else:
            torch._foreach_add_(
                list(mean.parameters()), list(model.parameters()), alpha=share / total
            )
    return mean


def main() -> None:
    if len(sys.argv) < 3 or not all("=" in part for part in sys.argv[2:]):
        sys.exit(__doc__)
    shares = dict(part.rsplit("=", 1) for part in sys.argv[2:])
    models = (checkpoint.load(Path(path))[0] for path in shares)
    mean = mean_of(models, [float(share) for share in shares.values()])
    made = " and ".join(f"{share} of {Path(path).stem}" for path, share in shares.items())
    checkpoint.save(mean, Path(sys.argv[1]), {"stage": "average", "settings": made})


if __name__ == "__main__":
    main()
