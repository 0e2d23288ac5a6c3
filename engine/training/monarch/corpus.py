"""The prepared training text: token runs, queries and where they belong."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CLS, SEP, PAD = 101, 102, 0
# Ids of . ? ! in the vocabulary: ends of sentences.
STOPS = (1012, 1029, 999)


class Corpus:
    """Documents as runs of token ids, kept in memory."""

    def __init__(self, folder: Path) -> None:
        self.ids = np.fromfile(folder / "ids.u16", np.uint16)
        with np.load(folder / "index.npz", allow_pickle=False) as index:
            self.starts = index["starts"]
            self.source = index["source"]
            self.source_names = [str(name) for name in index["source_names"]]
            self.titles = Runs(index["title_ids"], index["title_starts"])
            self.queries = Runs(index["query_ids"], index["query_starts"])
            self.facts = Runs(index["fact_ids"], index["fact_starts"])
            self.fact_questions = Runs(index["asked_ids"], index["asked_starts"])
            self.query_document = index["query_document"]
        self.near = np.load(folder / "near.npy")
        self.lengths = np.diff(self.starts)

    def __len__(self) -> int:
        return len(self.lengths)

    def document(self, number: int) -> np.ndarray:
        """All tokens of a document."""
        return self.ids[self.starts[number] : self.starts[number + 1]]


class Runs:
    """Arrays stored end to end."""

    def __init__(self, ids: np.ndarray, starts: np.ndarray) -> None:
        self.ids, self.starts = ids, starts

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, number: int) -> np.ndarray:
        return self.ids[self.starts[number] : self.starts[number + 1]]


def wrapped(content: np.ndarray, tokens: int) -> np.ndarray:
    """[CLS] content [SEP], padded to a length."""
    row = np.full(tokens, PAD, np.int64)
    row[0] = CLS
    row[1 : len(content) + 1] = content
    row[len(content) + 1] = SEP
    return row
