"""Encoders beside the plain one, to be compared with it: what `monarch.trials` puts into a model.

Each takes a plain layer or model, started from the teacher, and keeps of it what it can.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .model import Basis, Config, Layer, LongConvolution, Monarch
from .teacher import HEADS

BLOCKS = 4
# How far a token sees in a layer with attention; also the length of the blocks it is computed in.
WINDOW = 128
WINDOWED = (1, 4)


class Residual(Layer):
    """M2-BERT's second long convolution (arXiv 2310.12109), of the layer's input as it is, added to
    what the gates let through. It starts from nothing."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(layer.config)
        self.load_state_dict(layer.state_dict())
        self.residual = LongConvolution(layer.config)
        nn.init.zeros_(self.residual.coefficients)
        nn.init.zeros_(self.residual.local)

    def convolved(self, given: Tensor, mask: Tensor | None, basis: Basis) -> Tensor:
        batch, tokens, hidden = given.shape
        y = super().convolved(given, mask, basis)
        chunk = min(self.config.chunk, tokens)
        flat = given.reshape(-1, hidden).T.reshape(hidden, batch, tokens // chunk, chunk)
        return y + self.residual(flat, basis).view_as(y)


class Blocks(nn.Module):
    """A block-diagonal matrix with bias, made of the diagonal of a dense one."""

    def __init__(self, dense: nn.Linear, blocks: int = BLOCKS) -> None:
        super().__init__()
        out, into = (size // blocks for size in dense.weight.shape)
        parts = dense.weight.detach().view(blocks, out, blocks, into)
        kept = torch.stack([parts[block, :, block] for block in range(blocks)])
        self.weight = nn.Parameter(kept.clone())
        self.bias = nn.Parameter(dense.bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        blocks, _, into = self.weight.shape
        parts = x.reshape(-1, blocks, into).transpose(0, 1)
        parts = torch.bmm(parts, self.weight.transpose(1, 2)).transpose(0, 1)
        return parts.reshape(*x.shape[:-1], -1) + self.bias


class BlockMlp(Layer):
    """M2-BERT's MLP: block-diagonal, a quarter of the parameters and products."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(layer.config)
        self.load_state_dict(layer.state_dict())
        self.up, self.down = Blocks(layer.up), Blocks(layer.down)


class BlockGlu(BlockMlp):
    """The same, gated (arXiv 2002.05202). The gate starts open."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(layer)
        self.beside = Blocks(layer.up)
        nn.init.zeros_(self.beside.weight)
        nn.init.ones_(self.beside.bias)

    def mlp(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x)) * self.beside(x))


class Windowed(Layer):
    """Attention among the nearest tokens in place of the convolution, started from the teacher's;
    positions by rotation (arXiv 2104.09864)."""

    def __init__(self, layer: Layer, weights: dict, index: int) -> None:
        super().__init__(layer.config)
        self.load_state_dict(layer.state_dict())
        del self.convolution
        names = [f"layer{index}.{part}.weight" for part in ("query", "key", "value")]
        with torch.no_grad():
            self.into.weight.copy_(torch.cat([torch.tensor(weights[n].T) for n in names]))
            self.into.bias.copy_(torch.tensor(weights[f"layer{index}.qkv.bias"]))

    def mix(self, x: Tensor, mask: Tensor | None, basis: Basis) -> Tensor:
        batch, tokens, hidden = x.shape
        size = min(WINDOW, tokens)
        q, k, v = self.into(x).view(batch, tokens, 3, HEADS, -1).unbind(2)
        live = torch.ones(batch, tokens, device=x.device) if mask is None else mask
        # [batch x blocks, heads, tokens of a block (or of three), values]
        q = turned(q).reshape(-1, size, HEADS, hidden // HEADS).transpose(1, 2)
        k, v = (threes(part.flatten(2), size) for part in (turned(k), v))
        k, v = (
            part.reshape(-1, 3 * size, HEADS, hidden // HEADS).transpose(1, 2) for part in (k, v)
        )
        at = torch.arange(size, device=x.device)
        lag = torch.arange(-size, 2 * size, device=x.device)[None] - at[:, None]
        seen = (lag.abs() <= WINDOW) & (threes(live[:, :, None], size).reshape(-1, 1, 3 * size) > 0)
        # Padding sees itself, so that no row of a softmax is empty.
        seen = (seen | (lag == 0))[:, None]
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        return self.out(y.transpose(1, 2).reshape(batch, tokens, hidden))


def threes(x: Tensor, size: int) -> Tensor:
    """Each block of tokens with those before and after it: [batch, blocks, 3 x size, values]."""
    wide = F.pad(x, (0, 0, size, size))
    return wide.unfold(1, 3 * size, size).transpose(2, 3)


def turned(x: Tensor) -> Tensor:
    """[batch, tokens, heads, values] with pairs of values turned by their position."""
    half = x.shape[3] // 2
    at = torch.arange(x.shape[1], device=x.device, dtype=torch.float32)
    rate = 10_000 ** (-torch.arange(half, device=x.device) / half)
    angle = at[:, None] * rate
    cos, sin = (part[:, None].to(x.dtype) for part in (angle.cos(), angle.sin()))
    a, b = x.chunk(2, 3)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], 3)


class WithFirst(Monarch):
    """A document's vector is its mean and what its first token, [CLS], makes of it (DupMAE, arXiv
    2211.08769). That starts from nothing."""

    def __init__(self, model: Monarch) -> None:
        super().__init__(model.config)
        self.load_state_dict(model.state_dict())
        self.first = nn.Linear(model.config.hidden, model.config.hidden)
        nn.init.zeros_(self.first.weight)
        nn.init.zeros_(self.first.bias)

    def document(self, x: Tensor, vectors: Tensor, mask: Tensor | None) -> Tensor:
        first = self.first(x[:, 0].to(self.first.weight.dtype)).float()
        return F.normalize(super().document(x, vectors, mask) + first, dim=1)


def plugged(model: Monarch, name: str, weights: dict) -> Monarch:
    """A plain model as one of the variants."""
    if name == "first":
        return WithFirst(model)
    kinds = {"residual": Residual, "block": BlockMlp, "glu": BlockGlu}
    if name in kinds:
        model.layers = nn.ModuleList(kinds[name](layer) for layer in model.layers)
    elif name == "windowed":
        for index in WINDOWED:
            model.layers[index] = Windowed(model.layers[index], weights, index)
    elif name != "plain":
        raise SystemExit(f"there is no variant {name!r}")
    return model


def load(path: Path, weights: dict) -> tuple[Monarch, dict]:
    """A checkpoint of a variant, or of the plain model."""
    held = torch.load(path, map_location="cpu", weights_only=True)
    model = plugged(
        Monarch(Config(**held["config"])), held["notes"].get("variant", "plain"), weights
    )
    model.load_state_dict({name: value.float() for name, value in held["state"].items()})
    return model, held["notes"]


ARCHITECTURES = ("plain", "residual", "block", "glu", "windowed")
