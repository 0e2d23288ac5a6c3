"""A plain reference for what an encoder should give: clear and slow, in numpy alone.

It reads the original fp32 checkpoint, not the bundle, and shares no code with the ONNX graphs, so
that comparing with it also shows what storing fp16 weights costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from scipy.special import erf
from tokenizers import Tokenizer

CLS, SEP = 101, 102
WINDOW_TOKENS = 510


@dataclass(frozen=True)
class Document:
    """What encoding a document gives."""

    ids: np.ndarray
    """Content token ids, without the specials that the windows add: [tokens]."""
    windows: int
    vector: np.ndarray
    """Unit length: [dimensions]."""
    passages: list[tuple[int, np.ndarray]]
    """The number of tokens and the unit vector of each passage."""


def unit(vector: np.ndarray) -> np.ndarray:
    """A vector scaled to length 1."""
    return vector / np.linalg.norm(vector)


class Bert:
    """The forward pass of a BERT encoder, one sequence at a time."""

    def __init__(self, checkpoint: Path, heads: int = 12, epsilon: float = 1e-12) -> None:
        self.weights = load_file(checkpoint)
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
    model: Bert, tokenizer: Tokenizer, text: str, passages: Sequence[tuple[int, int]]
) -> Document:
    """Encodes a text in windows.

    The content tokens are cut into consecutive windows of `WINDOW_TOKENS`, each wrapped in [CLS]
    and [SEP]. The document vector is the mean over all tokens of all windows, specials included.
    The vector of a passage (a byte range) is the mean over the content tokens that start inside it.
    """
    ids, starts = tokenize(tokenizer, text)
    total = np.zeros(0)
    pooled = 0
    content = []
    # An empty text is still one window, of the two specials.
    firsts = range(0, max(len(ids), 1), WINDOW_TOKENS)
    for first in firsts:
        window = np.concatenate([[CLS], ids[first : first + WINDOW_TOKENS], [SEP]])
        vectors = model(window)
        total = vectors.sum(axis=0, dtype=np.float64) + (total if pooled else 0.0)
        pooled += len(window)
        content.append(vectors[1:-1])
    token_vectors = np.concatenate(content)
    found = []
    for start, end in passages:
        inside = (starts >= start) & (starts < end)
        if not inside.any():
            raise ValueError(f"no token starts in bytes {start}..{end}")
        mean = token_vectors[inside].mean(axis=0, dtype=np.float64)
        found.append((int(inside.sum()), unit(mean)))
    return Document(ids, len(firsts), unit(total / pooled), found)
