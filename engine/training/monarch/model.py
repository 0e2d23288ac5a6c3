"""The Monarch encoder: attention-free, any length, in time linear in the number of tokens.

A layer mixes tokens with a gated long convolution (Hyena, arXiv 2302.10866; Monarch Mixer, arXiv
2310.12109) whose kernel reaches over the whole document in both directions:

    x1, x2, v = split(shift(x) W_in + b)
    x = LN(x + (x1 * (k (*) (x2 * v))) W_out + b)
    x = LN(x + MLP(x))

The kernel `k` of a channel is a sum of decaying complex exponentials (S4D, arXiv 2206.11893) and of
a few free taps around lag 0. The exponents are shared by all channels and layers, only the
coefficients are a channel's own. That makes the convolution, seen as a matrix, one Toeplitz block a
chunk of tokens on the diagonal plus low rank everywhere else (state-space duality, arXiv
2405.21060), and so it is computed by dense products only: no FFT, no scan over tokens, no operator
that ONNX lacks. Against the order-2 Monarch factorisation of the DFT it needs some thirty times
fewer operations at 32K tokens.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    """The sizes of an encoder."""

    vocabulary: int = 30522
    hidden: int = 384
    inner: int = 1536
    layers: int = 6
    scales: int = 8
    """Decay rates, log-spaced from `fastest` to `slowest` per token."""
    angles: int = 2
    """Exponents a decay rate: the first does not turn, the others turn ever faster."""
    fastest: float = 0.7
    slowest: float = 1 / 8192
    taps: int = 4
    """Free taps of the kernel on each side of lag 0."""
    chunk: int = 128
    """Tokens a Toeplitz block; a matter of speed, not of what is computed."""
    shift: str = "input"
    """Where a 3-tap filter stands before the gates: on the layer's `input`, on its `projections`
    (as in Hyena), or `none`."""
    epsilon: float = 1e-12
    unlike: float = 4.0
    """How much more a token counts in a document's vector the less it is like the whole."""
    even: int = 8192
    """Tokens from which on each chunk counts alike in a document's vector, however loud it is."""

    @property
    def states(self) -> int:
        """Complex exponents a direction."""
        return self.scales * self.angles

    def as_dict(self) -> dict:
        """For checkpoints."""
        return asdict(self)


class Exponents(nn.Module):
    """The decay rates and angles that all kernels are made of."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        scales = torch.logspace(
            math.log10(config.fastest), math.log10(config.slowest), config.scales
        )
        rates = scales.repeat_interleave(config.angles)
        turns = torch.arange(config.angles).repeat(config.scales).float()
        self.log_rate = nn.Parameter(rates.log())
        self.angle = nn.Parameter(rates * turns * math.pi / 2)
        self.taps = config.taps

    def powers(self, lags: Tensor) -> tuple[Tensor, Tensor]:
        """Real and imaginary part of the exponentials at some lags: each [states, *lags.shape]."""
        shape = (-1,) + (1,) * lags.dim()
        size = torch.exp(-self.log_rate.exp().view(shape) * lags)
        turn = self.angle.view(shape) * lags
        return size * torch.cos(turn), size * torch.sin(turn)

    def gain(self) -> Tensor:
        """What keeps white noise white at every decay rate, and sums within fp16: [states]."""
        return torch.exp(0.5 * self.log_rate)

    def forward(self, chunk: int, chunks: int) -> Basis:
        """Everything that depends on the exponents and the length but on no layer."""
        device = self.log_rate.device
        at = torch.arange(chunk, device=device, dtype=torch.float32)
        lag = at[:, None] - at[None, :]
        gain = self.gain()[:, None, None]
        near = []
        for signed, live in ((lag, lag >= 0), (-lag, lag < 0)):
            real, imaginary = self.powers(signed.clamp(min=0))
            near += [gain * real * live, -gain * imaginary * live]
        offsets = torch.arange(-self.taps, self.taps + 1, device=device)
        near.append((lag[None] == offsets[:, None, None]).float())

        into_forward = self.powers(chunk - 1 - at)
        into_backward = self.powers(at)
        return Basis(
            near=torch.cat(near).flatten(1),
            into=torch.cat([*into_forward, *into_backward]).T.contiguous(),
            out_forward=tuple(self.gain()[:, None] * part for part in self.powers(at + 1)),
            out_backward=tuple(self.gain()[:, None] * part for part in self.powers(chunk - at)),
            edges=self.edges(chunk),
            carry=self.carry(chunk, chunks),
        )

    def edges(self, chunk: int) -> Tensor:
        """Where the free taps reach over a chunk's edges: [2 x taps + 1, 2 x taps x chunk].

        Of the chunk before, its last `taps` tokens are seen; of the one after, its first.
        """
        taps = self.taps
        at = torch.arange(chunk)
        seen = torch.cat([torch.arange(-taps, 0), torch.arange(chunk, chunk + taps)])
        lag = at[None, :] - seen[:, None]
        offsets = torch.arange(-taps, taps + 1)
        found = lag[None] == offsets[:, None, None]
        return found.float().flatten(1).to(self.log_rate.device)

    def carry(self, chunk: int, chunks: int) -> Tensor | None:
        """From each chunk's own states to what reaches each chunk from all before (and after) it.

        [2 directions x states, 2 x chunks, 2 x chunks], real and imaginary parts as blocks.
        """
        if chunks == 1:
            return None
        at = torch.arange(chunks, device=self.log_rate.device, dtype=torch.float32)
        lag = at[:, None] - at[None, :] - 1
        real, imaginary = self.powers(lag.clamp(min=0) * chunk)
        real, imaginary = real * (lag >= 0), imaginary * (lag >= 0)
        ahead = torch.cat([torch.cat([real, -imaginary], 2), torch.cat([imaginary, real], 2)], 1)
        real, imaginary = real.transpose(1, 2), imaginary.transpose(1, 2)
        back = torch.cat([torch.cat([real, -imaginary], 2), torch.cat([imaginary, real], 2)], 1)
        return torch.cat([ahead, back])


@dataclass
class Basis:
    """What `Exponents` gives for one chunk length and number of chunks."""

    near: Tensor
    """[4 x states + 2 x taps + 1, chunk x chunk]: Toeplitz matrices, combined by coefficients."""
    into: Tensor
    """[chunk, 4 x states]: from tokens to a chunk's own states."""
    out_forward: tuple[Tensor, Tensor]
    out_backward: tuple[Tensor, Tensor]
    """[states, chunk] each, real and imaginary: from carried states to tokens."""
    edges: Tensor
    """[2 x taps + 1, 2 x taps x chunk]: from free taps to what the neighbouring tokens add."""
    carry: Tensor | None


class LongConvolution(nn.Module):
    """A bidirectional convolution as long as the document, one kernel a channel."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        states, taps = config.states, config.taps
        # Real and imaginary coefficients, forward then backward, in the order of Basis.near.
        self.coefficients = nn.Parameter(
            torch.randn(config.hidden, 4 * states) / math.sqrt(4 * states)
        )
        self.local = nn.Parameter(torch.zeros(config.hidden, 2 * taps + 1))
        with torch.no_grad():
            self.local[:, taps] = 1.0

    def forward(self, z: Tensor, basis: Basis) -> Tensor:
        """[hidden, batch, chunks, chunk] to the same. Padding must be zero."""
        hidden, batch, chunks, chunk = z.shape
        weights = torch.cat([self.coefficients, self.local], 1)
        near = (weights @ basis.near).view(hidden, chunk, chunk).to(z.dtype)
        flat = z.reshape(hidden, batch * chunks, chunk)
        if chunks == 1:
            return torch.bmm(flat, near.transpose(1, 2)).view_as(z)
        carried = self.carried(z, basis)
        out = self.out(basis).to(z.dtype)
        far = torch.bmm(carried.view(hidden, batch * chunks, -1), out)
        return torch.baddbmm(far, flat, near.transpose(1, 2)).view_as(z)

    def carried(self, z: Tensor, basis: Basis) -> Tensor:
        """What reaches each chunk from outside: [hidden, batch, chunks, 4 x states + 2 x taps]."""
        hidden, batch, chunks, _ = z.shape
        states, taps = self.config.states, self.config.taps
        own = z @ basis.into.to(z.dtype)
        own = own.view(hidden, batch, chunks, 2, 2, states)
        # [directions x states, parts x chunks, hidden x batch]
        own = own.permute(3, 5, 4, 2, 0, 1).reshape(2 * states, 2 * chunks, hidden * batch)
        reached = torch.bmm(basis.carry.to(z.dtype), own)
        reached = reached.view(2, states, 2, chunks, hidden, batch).permute(4, 5, 3, 0, 2, 1)
        reached = reached.reshape(hidden, batch, chunks, 4 * states)
        # The free taps that reach over a chunk's edges see the neighbours' tokens themselves.
        before = F.pad(z[:, :, :-1, -taps:], (0, 0, 1, 0))
        after = F.pad(z[:, :, 1:, :taps], (0, 0, 0, 1))
        return torch.cat([reached, before, after], 3)

    def out(self, basis: Basis) -> Tensor:
        """From what reaches a chunk to its tokens: [hidden, 4 x states + 2 x taps, chunk]."""
        states, taps = self.config.states, self.config.taps
        parts = []
        for direction, (real, imaginary) in enumerate((basis.out_forward, basis.out_backward)):
            first = 2 * states * direction
            a = self.coefficients[:, first : first + states, None]
            b = self.coefficients[:, first + states : first + 2 * states, None]
            parts += [a * real - b * imaginary, -(a * imaginary + b * real)]
        edges = (self.local @ basis.edges).view(self.local.shape[0], 2 * taps, -1)
        return torch.cat([*parts, edges], 1)


class Layer(nn.Module):
    """Mixer and MLP, each with its residual and LayerNorm after it."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        hidden = config.hidden
        self.config = config
        wide = {"input": hidden, "projections": 3 * hidden, "none": 0}[config.shift]
        self.shift = nn.Parameter(torch.tensor([0.0, 1.0, 0.0]).repeat(wide, 1))
        self.into = nn.Linear(hidden, 3 * hidden)
        self.convolution = LongConvolution(config)
        self.out = nn.Linear(hidden, hidden)
        self.mixer_norm = nn.LayerNorm(hidden, eps=config.epsilon)
        self.up = nn.Linear(hidden, config.inner)
        self.down = nn.Linear(config.inner, hidden)
        self.mlp_norm = nn.LayerNorm(hidden, eps=config.epsilon)
        with torch.no_grad():
            # Gates start open, so that a layer starts as a plain convolution of its values.
            self.into.weight[: 2 * hidden] *= 0.2
            self.into.bias[: 2 * hidden] = 1.0

    def forward(self, x: Tensor, mask: Tensor | None, basis: Basis) -> Tensor:
        """[batch, tokens, hidden] to the same; `mask` [batch, tokens] is 0 on padding, else 1."""
        x = self.mixer_norm(x + self.mix(x, mask, basis))
        return self.mlp_norm(x + self.mlp(x))

    def mlp(self, x: Tensor) -> Tensor:
        """What each token makes of itself."""
        return self.down(F.gelu(self.up(x)))

    def mix(self, x: Tensor, mask: Tensor | None, basis: Basis) -> Tensor:
        """What tokens hear from one another; padding is heard by none."""
        given = x if mask is None else x * mask[:, :, None].to(x.dtype)
        y = self.convolved(given, mask, basis)
        return self.out(y.view(x.shape[2], -1).T).view_as(x)

    def convolved(self, given: Tensor, mask: Tensor | None, basis: Basis) -> Tensor:
        """The gated convolution, computed channels first so that every step is a dense product:
        [hidden, batch, tokens]."""
        batch, tokens, hidden = given.shape
        kind = given.dtype
        chunk = min(self.config.chunk, tokens)
        if self.config.shift == "input":
            given = shifted(given, self.shift.to(kind), 1)
        weight, bias = self.into.weight, self.into.bias
        wide = torch.matmul(weight.to(kind), given.reshape(-1, hidden).T)
        wide = wide.view(3 * hidden, batch, tokens)
        if self.config.shift == "projections":
            wide = shifted(wide, self.shift.to(kind), 2)
        gate, value = gated(wide, bias.to(kind))
        if mask is not None:
            value = value * mask.to(kind)
        y = self.convolution(value.view(hidden, batch, tokens // chunk, chunk), basis)
        return gate * y.view(hidden, batch, tokens)


def gated(wide: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """The output gate and the gated values of projections [3 x hidden, batch, tokens]."""
    x1, x2, v = (wide + bias[:, None, None]).chunk(3)
    return x1, x2 * v


def shifted(x: Tensor, taps: Tensor, axis: int) -> Tensor:
    """A filter of three taps along the token axis: 1 of [batch, tokens, hidden], or 2 of
    [channels, batch, tokens]. What lies beyond the ends is zero."""
    if axis == 1:
        left, middle, right = (taps[:, tap] for tap in range(3))
        before, after = F.pad(x[:, :-1], (0, 0, 1, 0)), F.pad(x[:, 1:], (0, 0, 0, 1))
    else:
        left, middle, right = (taps[:, tap, None, None] for tap in range(3))
        before, after = F.pad(x[:, :, :-1], (1, 0)), F.pad(x[:, :, 1:], (0, 1))
    return x * middle + before * left + after * right


class Monarch(nn.Module):
    """Token ids to token vectors."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.hidden)
        self.position = nn.Parameter(torch.zeros(config.hidden))
        self.embedding_norm = nn.LayerNorm(config.hidden, eps=config.epsilon)
        self.exponents = Exponents(config)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        # How much each token counts in a mean over tokens: exp(weigh(x)), at first 1.
        self.weigh = nn.Linear(config.hidden, 1)
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.weigh.bias)

    def hidden_states(self, ids: Tensor, mask: Tensor | None = None) -> list[Tensor]:
        """The embeddings and each layer's output, [batch, tokens, hidden] each."""
        tokens = ids.shape[1]
        chunk = min(self.config.chunk, tokens)
        if tokens % chunk:
            raise ValueError(f"{tokens} tokens are no multiple of a chunk of {chunk}")
        basis = self.exponents(chunk, tokens // chunk)
        states = [self.embedding_norm(self.embedding(ids) + self.position)]
        for layer in self.layers:
            states.append(layer(states[-1], mask, basis))
        return states

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Token vectors [batch, tokens, hidden], weighted for taking means, zero on padding."""
        return self.weighted(self.hidden_states(ids, mask)[-1], mask)

    def read(self, ids: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Token vectors as `forward` gives them, and the documents' vectors: directions, float32,
        [batch, hidden]. See `document`."""
        x = self.hidden_states(ids, mask)[-1]
        vectors = self.weighted(x, mask)
        return vectors, self.document(x.float(), vectors.float(), mask)

    def document(self, x: Tensor, vectors: Tensor, mask: Tensor | None) -> Tensor:
        """Documents' vectors from plain and weighted token vectors, [batch, tokens, hidden] each.

        What a document is about is said in thousands of tokens, and what it says once would be lost
        in their mean. So a token counts exp(-`unlike` x its cosine with the mean) times, and once
        more by its weight; and the longer the document, the more alike its chunks count: from
        `even` tokens on it is the sum of their directions.
        """
        batch, tokens, hidden = x.shape
        live = x.new_ones(batch, tokens) if mask is None else mask.to(x.dtype)
        mean = F.normalize(vectors.sum(1), dim=1)
        like = torch.einsum("bth,bh->bt", F.normalize(x, dim=2), mean)
        counts = torch.exp(self.log_weights(x)[:, :, 0] - self.config.unlike * like) * live
        chunk = min(self.config.chunk, tokens)
        of_chunks = (batch, tokens // chunk, chunk)
        sums = torch.einsum(
            "bkc,bkch->bkh", counts.view(of_chunks), vectors.view(*of_chunks, hidden)
        )
        sizes = live.view(of_chunks).sum(2)
        evenly = (sizes.sum(1, keepdim=True) / self.config.even).clamp(max=1)
        # A chunk of padding sums to zero whatever its scale; 0 to a power below 1 has no gradient.
        scale = torch.where(sizes > 0, sizes / (sums.norm(dim=2) + 1e-9), 1.0) ** evenly
        return F.normalize(torch.einsum("bk,bkh->bh", scale, sums), dim=1)

    def computing_in(self, dtype: torch.dtype) -> Monarch:
        """A copy that computes in another type; kernels are still made in float32."""
        copy = deepcopy(self)
        for name, parameter in copy.named_parameters():
            if not any(part in name for part in ("exponents", "coefficients", "local")):
                parameter.data = parameter.data.to(dtype)
        return copy

    def weighted(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Token vectors scaled by how much each counts."""
        x = x * self.log_weights(x).exp().to(x.dtype)
        return x if mask is None else x * mask[:, :, None].to(x.dtype)

    def log_weights(self, x: Tensor) -> Tensor:
        """How much each token counts in a mean, as its logarithm, float32: [batch, tokens, 1]."""
        return self.weigh(x.to(self.weigh.weight.dtype)).float().clamp(-6, 6)
