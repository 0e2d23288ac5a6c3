"""For each training document, those that use the same rare words: hard to tell from it.

    python -m monarch.neighbours PREPARED

Writes `train/near.npy`, [documents, NEAR] numbers of documents, best first, -1 where there are no
more. Term weights are (1 + log tf) x idf over token ids; candidates come from a randomised singular
value decomposition (Halko, Martinsson and Tropp, arXiv 0909.4061), their order from the weights
themselves.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy.sparse as sparse

VOCABULARY = 30522
RANK = 160
CANDIDATES = 96
NEAR = 32
# More alike than this, two documents are versions of one text, and neither is a wrong answer.
SAME = 0.8
BLOCK = 1024


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1]) / "train"
    ids = np.fromfile(folder / "ids.u16", np.uint16)
    with np.load(folder / "index.npz") as index:
        starts = index["starts"]
    weights = term_weights(ids, starts)
    reduced = reduce(weights)
    near = np.full((len(reduced), NEAR), -1, np.int32)
    for first in range(0, len(reduced), BLOCK):
        scores = reduced[first : first + BLOCK] @ reduced.T
        found = np.argpartition(-scores, CANDIDATES, 1)[:, :CANDIDATES]
        for row, candidates in enumerate(found):
            own = first + row
            alike = (weights[candidates] @ weights[own].T).toarray().ravel()
            order = np.argsort(-alike)
            kept = [c for c in candidates[order[alike[order] < SAME]] if c != own][:NEAR]
            near[own, : len(kept)] = kept
    np.save(folder / "near.npy", near)
    print(f"{len(near)} documents, {(near >= 0).sum(1).mean():.1f} neighbours each")


def term_weights(ids: np.ndarray, starts: np.ndarray) -> sparse.csr_matrix:
    """[documents, vocabulary], rows of length 1."""
    values, columns, ends = [], [], [0]
    for first, end in pairwise(starts):
        token, count = np.unique(ids[first:end], return_counts=True)
        columns.append(token.astype(np.int32))
        values.append(1 + np.log(count).astype(np.float32))
        ends.append(ends[-1] + len(token))
    shape = (len(starts) - 1, VOCABULARY)
    matrix = sparse.csr_matrix((np.concatenate(values), np.concatenate(columns), ends), shape)
    held = np.bincount(matrix.indices, minlength=VOCABULARY)
    idf = np.log((shape[0] + 1) / (held + 1)).astype(np.float32)
    matrix = matrix @ sparse.diags(idf)
    sizes = np.sqrt(np.asarray(matrix.multiply(matrix).sum(1)).ravel())
    return sparse.csr_matrix(sparse.diags(1 / np.maximum(sizes, 1e-6)) @ matrix)


def reduce(matrix: sparse.csr_matrix) -> np.ndarray:
    """[documents, RANK], rows of length 1."""
    random = np.random.default_rng(0)
    basis = matrix @ random.standard_normal((matrix.shape[1], RANK + 32)).astype(np.float32)
    for _ in range(2):
        basis = matrix @ (matrix.T @ np.linalg.qr(basis)[0])
    basis = np.linalg.qr(basis)[0]
    left, sizes, _ = np.linalg.svd((matrix.T @ basis).T, full_matrices=False)
    reduced = (basis @ left)[:, :RANK] * sizes[:RANK]
    return reduced / np.maximum(np.linalg.norm(reduced, axis=1, keepdims=True), 1e-6)


if __name__ == "__main__":
    main()
