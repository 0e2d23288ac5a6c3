"""Random numbers that are the same on every machine and with every version of every library."""

from __future__ import annotations

import numpy as np


class FixedRandom:
    """A linear congruential generator."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1."""
        # Knuth's MMIX constants; the upper bits are the good ones.
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % limit

    def pick(self, words: str) -> str:
        """One of several words separated by bars."""
        choices = words.split("|")
        return choices[self.below(len(choices))]

    def uniform(self, shape: tuple[int, ...], scale: float) -> np.ndarray:
        """fp32 values between -`scale` and `scale`."""
        count = int(np.prod(shape))
        values = [self.below(2**20) / 2**19 - 1.0 for _ in range(count)]
        return (np.array(values) * scale).reshape(shape).astype(np.float32)
