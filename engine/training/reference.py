"""A plain reference for what an encoder should give: clear and slow, in numpy alone.

It reads the original fp32 checkpoint, not the bundle, and shares no code with the ONNX graphs, so
that comparing with it also shows what storing fp16 weights costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import erf
from tokenizers import Tokenizer


@dataclass(frozen=True)
class Windowing:
    """How a document becomes sequences."""

    prefix: Sequence[int]
    """Ids before the content of each window."""
    suffix: Sequence[int]
    """Ids after it."""
    window_tokens: int
    section_tokens: int


@dataclass(frozen=True)
class Section:
    """A part of a document: whole passages, cut into windows of its own."""

    first_passage: int
    end_passage: int
    tokens: int
    """Content tokens."""
    windows: int
    mean: np.ndarray
    """Over all tokens of its windows, specials included, not normalised."""


@dataclass(frozen=True)
class Document:
    """What encoding a document gives."""

    ids: np.ndarray
    """Content token ids, without the specials that the windows add: [tokens]."""
    sections: list[Section]
    vector: np.ndarray
    """Unit length: [dimensions]."""
    passages: list[tuple[int, np.ndarray]]
    """The number of tokens and the unit vector of each passage."""


def unit(vector: np.ndarray) -> np.ndarray:
    """A vector scaled to length 1."""
    return vector / np.linalg.norm(vector)


class Bert:
    """The forward pass of a BERT encoder, one sequence at a time."""

    def __init__(
        self, weights: dict[str, np.ndarray], heads: int = 12, epsilon: float = 1e-12
    ) -> None:
        self.weights = weights
        self.heads = heads
        self.epsilon = epsilon
        layers = {name.split(".")[2] for name in self.weights if name.startswith("encoder.layer.")}
        self.layers = len(layers)

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        """The last hidden state, [tokens, hidden], of ids that include the specials."""
        hidden = (
            self.weights["embeddings.word_embeddings.weight"][ids]
            + self.weights["embeddings.position_embeddings.weight"][: len(ids)]
            + self.weights["embeddings.token_type_embeddings.weight"][0]
        )
        hidden = self._norm(hidden, "embeddings.LayerNorm")
        for layer in range(self.layers):
            name = f"encoder.layer.{layer}"
            attended = self._attend(hidden, f"{name}.attention.self")
            attended = self._dense(attended, f"{name}.attention.output.dense")
            hidden = self._norm(hidden + attended, f"{name}.attention.output.LayerNorm")
            wide = self._dense(hidden, f"{name}.intermediate.dense")
            wide = wide * 0.5 * (1.0 + erf(wide / np.sqrt(np.float32(2.0))))
            hidden = self._norm(
                hidden + self._dense(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm"
            )
        return hidden

    def _dense(self, value: np.ndarray, name: str) -> np.ndarray:
        return value @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _norm(self, value: np.ndarray, name: str) -> np.ndarray:
        centred = value - value.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt(variance + self.epsilon)
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def _attend(self, hidden: np.ndarray, name: str) -> np.ndarray:
        tokens, width = hidden.shape

        def split(part: str) -> np.ndarray:
            value = self._dense(hidden, f"{name}.{part}")
            return value.reshape(tokens, self.heads, width // self.heads).transpose(1, 0, 2)

        query, key, value = split("query"), split("key"), split("value")
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(np.float32(width // self.heads))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        return (scores @ value).transpose(1, 0, 2).reshape(tokens, width)


def load_tokenizer(path: Path) -> Tokenizer:
    """A tokenizer that neither truncates nor pads."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def tokenize(tokenizer: Tokenizer, text: str) -> tuple[np.ndarray, np.ndarray]:
    """Content token ids and the byte offset in the UTF-8 text at which each token starts."""
    encoding = tokenizer.encode(text, add_special_tokens=False)
    byte_at = np.cumsum([0] + [len(char.encode("utf-8")) for char in text])
    starts = [byte_at[start] for start, _ in encoding.offsets]
    return np.array(encoding.ids, dtype=np.int64), np.array(starts, dtype=np.int64)


def cut_sections(tokens: Sequence[int], section_tokens: int) -> list[tuple[int, int]]:
    """Cuts passages, given by their token counts, into sections of whole passages.

    Each section takes as many passages as fit. Raises ValueError if one alone does not.
    """
    if max(tokens, default=0) > section_tokens:
        raise ValueError(f"a passage is longer than {section_tokens} tokens")
    sections = []
    first = held = 0
    for passage, count in enumerate(tokens):
        if held + count > section_tokens:
            sections.append((first, passage))
            first, held = passage, 0
        held += count
    return [*sections, (first, len(tokens))]


def encode_document(
    model: Bert,
    tokenizer: Tokenizer,
    text: str,
    passages: Sequence[tuple[int, int]],
    windowing: Windowing,
) -> Document:
    """Encodes a text in windows.

    The content tokens of each section are cut into consecutive windows, each wrapped in the special
    ids. The document vector is the mean over all tokens of all windows, specials included. The
    vector of a passage (a byte range) is the mean over the content tokens that start inside it.
    Raises ValueError if a passage has no token, or a token no passage where there are any.
    """
    ids, starts = tokenize(tokenizer, text)
    inside = [np.flatnonzero((starts >= start) & (starts < end)) for start, end in passages]
    counts = [len(rows) for rows in inside]
    if passages and (sum(counts) != len(ids) or min(counts) == 0):
        raise ValueError("each token must be of one passage, and each passage have one")
    sections, content = [], []
    total, pooled = np.float64(0), 0
    for first, last in cut_sections(counts, windowing.section_tokens):
        begin = sum(counts[:first])
        end = begin + sum(counts[first:last]) if passages else len(ids)
        windows = [
            np.concatenate([windowing.prefix, ids[at : min(end, at + windowing.window_tokens)]])
            # A section without tokens is still one window, of the specials.
            for at in range(begin, max(end, begin + 1), windowing.window_tokens)
        ]
        outputs = [
            model(np.concatenate([window, windowing.suffix]).astype(np.int64)) for window in windows
        ]
        section_total = sum(vectors.sum(axis=0, dtype=np.float64) for vectors in outputs)
        section_pooled = sum(map(len, outputs))
        content += [
            vectors[len(windowing.prefix) : len(vectors) - len(windowing.suffix)]
            for vectors in outputs
        ]
        mean = section_total / section_pooled
        sections.append(Section(first, last, end - begin, len(windows), mean))
        total, pooled = total + section_total, pooled + section_pooled
    token_vectors = np.concatenate(content)
    found = [
        (len(rows), unit(token_vectors[rows].mean(axis=0, dtype=np.float64))) for rows in inside
    ]
    return Document(ids, sections, unit(total / pooled), found)
