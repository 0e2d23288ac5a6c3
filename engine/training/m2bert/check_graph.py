"""Checks the graphs against plain formulas, on the CPU and in small: python -m m2bert.check_graph

Convolutions are summed tap by tap here, and matrices of blocks are written out in full.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.special import erf

from .check import run
from .checkpoint import Config, read
from .export import GRAPH, write_graph
from .weights import collect

HIDDEN, INNER, ORDER, FEATURES = 8, 24, 6, 5
CLOSE = 2e-5

CASES = {
    "as published": {},
    "one layer, shortest length": {"layers": 1, "tokens": 8},
    "pooled by a mean": {"pooling": "mean"},
    "without the pooler": {"pooling": "token"},
    "without positions": {"positions": False},
    "without the second convolution": {"residual": False},
    "MLP in two blocks": {"blocks": 2},
    "plain MLP": {"blocks": 1},
}


def random_tensors(config: Config) -> dict[str, np.ndarray]:
    """A checkpoint in the published layout. fp16 holds what it will be asked to."""
    random = np.random.default_rng(3)
    tensors = {}

    def add(name: str, *shape: int, scale: float = 0.5, around: float = 0.0) -> None:
        values = random.normal(around, scale, shape)
        kind = np.float32 if "filter_fn" in name else np.float16
        tensors[name] = values.astype(kind).astype(np.float32)

    def norm(name: str) -> None:
        add(f"{name}.weight", HIDDEN, scale=0.2, around=1.0)
        add(f"{name}.bias", HIDDEN, scale=0.2)

    def network(name: str) -> None:
        frequency = random.uniform(0.5, 2, (1, ORDER)).astype(np.float32)
        for step in (0, 2, 4):
            add(f"{name}.{step}.weight", ORDER, FEATURES if step == 0 else ORDER)
            add(f"{name}.{step}.bias", ORDER)
            tensors[f"{name}.{step + 1}.freq"] = frequency
        add(f"{name}.6.weight", HIDDEN, ORDER, scale=0.3)

    add("embeddings.word_embeddings.weight", config.vocabulary, HIDDEN)
    add("embeddings.token_type_embeddings.weight", 2, HIDDEN)
    if config.positions:
        add("embeddings.position_embeddings.weight", config.tokens, HIDDEN)
    norm("embeddings.LayerNorm")
    for index in range(config.layers):
        layer = f"encoder.layer.{index}"
        mixer = f"{layer}.attention"
        for name in ("filter_fn", "filter_fn2")[: 1 + config.residual]:
            add(f"{mixer}.{name}.bias", HIDDEN)
            add(f"{mixer}.{name}.pos_emb.z", 1, config.tokens, FEATURES)
            time = np.linspace(0, 1, config.tokens, dtype=np.float32)
            tensors[f"{mixer}.{name}.pos_emb.t"] = time[None, :, None]
            add(f"{mixer}.{name}.modulation.deltas", 1, 1, HIDDEN, scale=3)
            network(f"{mixer}.{name}.implicit_filter")
            network(f"{mixer}.{name}.implicit_filter_rev")
            # One module serves both directions.
            for step in (1, 3, 5):
                shared = tensors[f"{mixer}.{name}.implicit_filter.1.freq"]
                tensors[f"{mixer}.{name}.implicit_filter_rev.{step}.freq"] = shared
        add(f"{mixer}.in_linear.weight", 3 * HIDDEN, HIDDEN)
        add(f"{mixer}.in_linear.bias", 3 * HIDDEN)
        add(f"{mixer}.short_filter.weight", 3 * HIDDEN, 1, 3)
        add(f"{mixer}.short_filter.bias", 3 * HIDDEN)
        add(f"{mixer}.out_linear.weight", HIDDEN, HIDDEN)
        add(f"{mixer}.out_linear.bias", HIDDEN)
        for name, into, out in (("gated_layers", HIDDEN, 2 * INNER), ("wo", INNER, HIDDEN)):
            shape = (out, into)
            if config.blocks > 1:
                shape = (config.blocks, out // config.blocks, into // config.blocks)
            add(f"{layer}.mlp.{name}.weight", *shape)
        add(f"{layer}.mlp.wo.bias", HIDDEN)
        norm(f"{layer}.mlp.layernorm")
    add("pooler.dense.weight", HIDDEN, HIDDEN)
    add("pooler.dense.bias", HIDDEN)
    return tensors


class Plain:
    """The model by its formulas, one text at a time."""

    def __init__(self, config: Config, tensors: dict[str, np.ndarray]) -> None:
        self.config = config
        self.tensors = {name: value.astype(np.float64) for name, value in tensors.items()}

    def __call__(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        t = self.tensors
        x = t["embeddings.word_embeddings.weight"][ids]
        x = x + t["embeddings.token_type_embeddings.weight"][0]
        if self.config.positions:
            x = x + t["embeddings.position_embeddings.weight"]
        x = self.norm(x, "embeddings.LayerNorm")
        for index in range(self.config.layers):
            x = self.mix(x, f"encoder.layer.{index}.attention")
            mlp = f"encoder.layer.{index}.mlp"
            gate, value = np.split(x @ self.full(f"{mlp}.gated_layers.weight").T, 2, axis=1)
            active = gate * 0.5 * (1 + erf(gate / np.sqrt(2))) * value
            out = active @ self.full(f"{mlp}.wo.weight").T + t[f"{mlp}.wo.bias"]
            x = self.norm(x + out, f"{mlp}.layernorm")
        first = x[0]
        if self.config.pooling == "mean":
            first = x[mask == 1].mean(axis=0)
        if self.config.pooling == "token":
            return first
        return np.tanh(self.dense(first, "pooler.dense"))

    def full(self, name: str) -> np.ndarray:
        """A matrix of blocks with the zeros beside them."""
        blocks = self.tensors[name]
        if blocks.ndim == 2:
            return blocks
        count, rows, columns = blocks.shape
        whole = np.zeros((count * rows, count * columns))
        for i, block in enumerate(blocks):
            whole[i * rows : (i + 1) * rows, i * columns : (i + 1) * columns] = block
        return whole

    def dense(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + self.config.epsilon)
        return x * self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"]

    def mix(self, x: np.ndarray, mixer: str) -> np.ndarray:
        taps = self.tensors[f"{mixer}.short_filter.weight"][:, 0]
        u = self.dense(x, f"{mixer}.in_linear")
        wide = np.concatenate([np.zeros((2, u.shape[1])), u])
        short = sum(wide[tap : tap + len(u)] * taps[:, tap] for tap in range(3))
        x1, x2, v = np.split(short + self.tensors[f"{mixer}.short_filter.bias"], 3, axis=1)
        y = x2 * self.convolve(x1 * v, f"{mixer}.filter_fn")
        if self.config.residual:
            y = y + self.convolve(x, f"{mixer}.filter_fn2")
        return self.dense(y, f"{mixer}.out_linear")

    def convolve(self, value: np.ndarray, name: str) -> np.ndarray:
        ahead = self.kernel(name, "implicit_filter")
        back = self.kernel(name, "implicit_filter_rev")
        y = value * self.tensors[f"{name}.bias"]
        for t in range(len(value)):
            for s in range(len(value)):
                # What comes after a token is one lag nearer: its own place is counted ahead.
                y[t] += (ahead[t - s] if s <= t else back[s - t - 1]) * value[s]
        return y

    def kernel(self, name: str, network: str) -> np.ndarray:
        t = self.tensors
        hidden = t[f"{name}.pos_emb.z"][0]
        for step in (0, 2, 4):
            hidden = self.dense(hidden, f"{name}.{network}.{step}")
            angle = self.config.frequency * t[f"{name}.{network}.{step + 1}.freq"] * hidden
            hidden = np.sin(angle)
        rate = np.abs(t[f"{name}.modulation.deltas"][0])
        return (
            hidden @ t[f"{name}.{network}.6.weight"].T * np.exp(-t[f"{name}.pos_emb.t"][0] * rate)
        )


def check(name: str, changes: dict) -> None:
    """One case, written as a checkpoint with a trainer's names around it and read again."""
    config = Config(
        layers=2,
        hidden=HIDDEN,
        tokens=32,
        vocabulary=40,
        blocks=4,
        positions=True,
        residual=True,
        frequency=1.5,
        epsilon=1e-12,
        pooling="cls",
    )
    config = replace(config, **changes)
    tensors = random_tensors(config)
    ids = np.random.default_rng(4).integers(1, config.vocabulary, (3, config.tokens))
    ids[1, config.tokens // 2 :] = 0
    ids[2, 2:] = 0
    mask = (ids != 0).astype(np.int64)
    plain = Plain(config, tensors)
    expected = np.stack([plain(*row) for row in zip(ids, mask, strict=True)])
    given = {
        "hyena_w_mod": config.frequency,
        "pool_all": config.pooling == "mean",
        "use_cls_token": config.pooling == "token",
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "config.json").write_text(json.dumps(given))
        state = {f"model.bert.{name}": torch.tensor(value) for name, value in tensors.items()}
        torch.save({"state": {"model": state}}, path / "model.bin")
        own, read_tensors = read(path)
        assert own == config, (own, config)
        write_graph(own, collect(own, read_tensors), path)
        found = run(path / GRAPH, ids)
    worst = np.abs(found - expected).max() / np.abs(expected).max()
    print(f"{name}: {worst:.1e}")
    assert worst < CLOSE, name


def main() -> None:
    for name, changes in CASES.items():
        check(name, changes)


if __name__ == "__main__":
    main()
