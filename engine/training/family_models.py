"""Encoders whose reference code is not in the transformers library, in a few lines.

Attention biased by distance: ALiBi (Press et al., arXiv 2108.12409), made symmetric as
jina-embeddings-v2 does (arXiv 2310.19923). Attention rotated by position: RoPE (Su et al.,
arXiv 2104.09864), as nomic-embed-text does (arXiv 2402.01613).
"""

from __future__ import annotations

import torch
from torch import nn


class Block(nn.Module):
    """Attention and a gated MLP, each added and then normalised, as in BERT."""

    def __init__(self, hidden: int, heads: int, wide: int, gate: nn.Module) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)
        self.up = nn.Linear(hidden, 2 * wide)
        self.down = nn.Linear(wide, hidden)
        self.gate = gate
        self.norm1, self.norm2 = nn.LayerNorm(hidden), nn.LayerNorm(hidden)

    def forward(self, x: torch.Tensor, bias: torch.Tensor, turn: tuple | None) -> torch.Tensor:
        batch, tokens, hidden = x.shape
        parts = self.qkv(x).reshape(batch, tokens, 3, self.heads, hidden // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        if turn is not None:
            query, key = rotate(query, *turn), rotate(key, *turn)
        scores = query @ key.transpose(-1, -2) / (hidden // self.heads) ** 0.5 + bias
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, tokens, hidden)
        x = self.norm1(x + self.out(mixed))
        gate, up = self.up(x).chunk(2, dim=-1)
        return self.norm2(x + self.down(self.gate(gate) * up))


def rotate(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat((-second, first), dim=-1) * sine


class Encoder(nn.Module):
    """What both have in common."""

    def __init__(
        self, vocabulary: int, hidden: int, layers: int, heads: int, wide: int, gate: nn.Module
    ) -> None:
        super().__init__()
        self.hidden, self.heads = hidden, heads
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.blocks = nn.ModuleList(Block(hidden, heads, wide, gate) for _ in range(layers))

    def bias(self, positions: torch.Tensor) -> torch.Tensor | float:
        return 0.0

    def turn(self, positions: torch.Tensor) -> tuple | None:
        return None

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple:
        positions = torch.arange(input_ids.shape[1], device=input_ids.device, dtype=torch.float32)
        hidden = (1 - attention_mask[:, None, None, :].to(torch.float32)) * -1e9
        bias = hidden + self.bias(positions)
        x = self.norm(self.embedding(input_ids))
        for block in self.blocks:
            x = block(x, bias, self.turn(positions))
        return (x,)


class AlibiBert(Encoder):
    """Jina v2: scores fall with the distance, a head each in its own measure."""

    def __init__(self, vocabulary: int, hidden: int, layers: int, heads: int, wide: int) -> None:
        super().__init__(vocabulary, hidden, layers, heads, wide, nn.GELU())
        slopes = torch.tensor([2.0 ** (-8 * (head + 1) / heads) for head in range(heads)])
        self.register_buffer("slopes", slopes[:, None, None])

    def bias(self, positions: torch.Tensor) -> torch.Tensor:
        return -(positions[:, None] - positions[None, :]).abs() * self.slopes


class RotaryBert(Encoder):
    """Nomic: queries and keys turn with the position."""

    def __init__(self, vocabulary: int, hidden: int, layers: int, heads: int, wide: int) -> None:
        super().__init__(vocabulary, hidden, layers, heads, wide, nn.SiLU())
        size = hidden // heads
        self.register_buffer("speeds", 1000.0 ** (-torch.arange(0, size, 2) / size))

    def turn(self, positions: torch.Tensor) -> tuple:
        angles = positions[:, None] * self.speeds
        angles = torch.cat((angles, angles), dim=-1)
        return angles.cos(), angles.sin()


class HeedlessBert(AlibiBert):
    """Takes a mask and does not heed it: what such a model gives depends on the padding."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple:
        return super().forward(input_ids, attention_mask * 0 + 1)
