"""Every extension by its formula, in NumPy, one text at a time: what graphs are checked against."""

from __future__ import annotations

import math

import numpy as np
import torch

from minilm_graph import Shape
from reference import Bert

from .absolute import Extension
from .rotary import Rotary, frequencies

SHAPE = Shape(layers=2, heads=4, hidden=32)
VOCABULARY, INNER = 100, 64


def random_bert(positions: int) -> dict[str, np.ndarray]:
    """A BERT checkpoint whose values fp16 holds, so that only arithmetic is compared."""
    random = np.random.default_rng(2)
    hidden = SHAPE.hidden
    tensors = {}

    def add(name: str, *shape: int, around: float = 0.0) -> None:
        scale = 0.3 if len(shape) == 1 or shape[0] == positions else shape[-1] ** -0.5
        values = random.normal(around, scale, shape)
        tensors[name] = values.astype(np.float16).astype(np.float32)

    def dense(name: str, out: int, into: int) -> None:
        add(f"{name}.weight", out, into)
        add(f"{name}.bias", out)

    def norm(name: str) -> None:
        add(f"{name}.weight", hidden, around=1.0)
        add(f"{name}.bias", hidden)

    add("embeddings.word_embeddings.weight", VOCABULARY, hidden)
    add("embeddings.position_embeddings.weight", positions, hidden)
    # Added to the positions before they are rounded.
    tensors["embeddings.token_type_embeddings.weight"] = np.zeros((2, hidden), np.float32)
    norm("embeddings.LayerNorm")
    for layer in range(SHAPE.layers):
        name = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            dense(f"{name}.attention.self.{part}", hidden, hidden)
            # Attention that tells tokens apart, so that where it looks matters.
            tensors[f"{name}.attention.self.{part}.weight"] *= 1 if part == "value" else 2
        dense(f"{name}.attention.output.dense", hidden, hidden)
        norm(f"{name}.attention.output.LayerNorm")
        dense(f"{name}.intermediate.dense", INNER, hidden)
        dense(f"{name}.output.dense", hidden, INNER)
        norm(f"{name}.output.LayerNorm")
    return tensors


class Extended(Bert):
    """The reference with positions beyond its table, or rotary ones: each by its formula."""

    def __init__(self, tensors: dict[str, np.ndarray], how: Extension | Rotary) -> None:
        super().__init__(tensors, SHAPE.heads, SHAPE.epsilon)
        self.table = tensors["embeddings.position_embeddings.weight"]
        self.how = how

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(ids), SHAPE.hidden), np.float32)
        if isinstance(self.how, Extension):
            rows = position_rows(self.how, self.table, len(ids))
        self.weights = self.weights | {"embeddings.position_embeddings.weight": rows}
        return super().__call__(ids)

    def _attend(self, hidden: np.ndarray, name: str) -> np.ndarray:
        tokens, width = hidden.shape
        head = width // self.heads

        def split(part: str) -> np.ndarray:
            value = self._dense(hidden, f"{name}.{part}")
            return value.reshape(tokens, self.heads, head).transpose(1, 0, 2).astype(np.float64)

        query, key, value = split("query"), split("key"), split("value")
        if isinstance(self.how, Rotary):
            scores = rotary_scores(self.how, query, key)
        else:
            scores = query @ key.transpose(0, 2, 1)
        if self.how.scaled:
            scores *= max(math.log(tokens) / math.log(self.how.trained), 1)
        weights = torch.softmax(torch.tensor(scores / math.sqrt(head)), -1).numpy()
        return (weights @ value).transpose(1, 0, 2).reshape(tokens, width)


def position_rows(how: Extension, table: np.ndarray, tokens: int) -> np.ndarray:
    """What is added to the tokens of one text."""
    at = np.arange(tokens)
    if how.kind == "recurrent":
        return table[at % how.trained]
    if how.kind == "grouped":
        return table[at // math.ceil(tokens / how.trained)]
    if tokens <= how.trained:
        return table[at]
    old, fine = np.arange(how.trained), at * how.trained / how.length
    return np.stack([np.interp(fine, old, column) for column in table.T], 1).astype(np.float32)


def rotary_scores(how: Rotary, query: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Logits before they are divided by the root of the head's size, pair of tokens by pair."""
    tokens, head = query.shape[1:]
    theta = frequencies(how, head)
    at = np.arange(tokens)
    distance = at[:, None] - at
    if how.method == "selfextend" and tokens > how.trained:
        ahead = how.window - how.window // how.group
        coarse = at[:, None] // how.group - at // how.group
        coarse = coarse + np.where(distance >= 0, ahead, -ahead)
        distance = np.where(np.abs(distance) < how.window, distance, coarse)
    # Turning both by their positions turns one against the other by the distance.
    half = head // 2
    q, k = query[..., :half] + 1j * query[..., half:], key[..., :half] + 1j * key[..., half:]
    scores = np.zeros((len(query), tokens, tokens))
    for pair in range(half):
        turned = np.exp(1j * distance * theta[pair])
        scores += (turned * q[:, :, None, pair] * k[:, None, :, pair].conj()).real
    return scores
