"""Scores a checkpoint on the development tasks: document vector, best passage, and their sum.

    python -m monarch.evaluate PREPARED CHECKPOINT.pt | teacher [COLLECTION…]

nDCG@10 x 100 with one relevant document a query, cosine similarity, passages of 256 tokens.
`teacher` is MiniLM in windows of 510 tokens. This ranks checkpoints while training; what counts is
`lsearch eval` on the exported bundle.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import checkpoint
from .corpus import Runs, wrapped
from .model import Monarch

LONGEST = 32768
PASSAGE = 256
BATCH_TOKENS = 262144
REAL = ("code-modules", "covidqa", "cuad", "qmsum", "squality")

# [batch, tokens] ids and mask to token vectors, the specials' included, and document vectors.
Encoder = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def bucket(tokens: int) -> int:
    """The padded length of a sequence: a power of two, or three quarters of one."""
    size = 32
    while size < tokens:
        if size >= 256 and size * 3 // 2 >= tokens:
            return size * 3 // 2
        size *= 2
    return size


@torch.no_grad()
def encode(
    encoder: Encoder, runs: list[np.ndarray], device: torch.device
) -> tuple[list[Tensor], Tensor]:
    """Sums of token vectors over passages, [passages, hidden] a run, specials left out, and the
    runs' document vectors, [runs, hidden]."""
    sizes = [bucket(len(run) + 2) for run in runs]
    order = np.argsort(sizes, kind="stable")
    found: list[Tensor | None] = [None] * len(runs)
    wholes: list[Tensor | None] = [None] * len(runs)
    at = 0
    while at < len(order):
        size = sizes[order[at]]
        count = max(1, BATCH_TOKENS // size)
        chosen = [n for n in order[at : at + count] if sizes[n] == size]
        at += len(chosen)
        ids = torch.tensor(np.stack([wrapped(runs[n], size) for n in chosen])).to(device)
        lengths = torch.tensor([len(runs[n]) + 2 for n in chosen], device=device)
        mask = (torch.arange(size, device=device)[None] < lengths[:, None]).float()
        vectors, documents = encoder(ids, mask)
        vectors = vectors.float() * mask[:, :, None]
        for row, n in enumerate(chosen):
            wholes[n] = documents[row]
            content = vectors[row, 1 : len(runs[n]) + 1]
            rest = -len(content) % PASSAGE
            found[n] = F.pad(content, (0, 0, 0, rest)).view(-1, PASSAGE, content.shape[1]).sum(1)
    return found, torch.stack(wholes)


def documents(encoder: Encoder, ids: Runs, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Document vectors, passage vectors, and which document each passage belongs to."""
    parts, owner = [], []
    for number in range(len(ids)):
        run = ids[number]
        for start in range(0, max(1, len(run)), LONGEST - 2):
            parts.append(run[start : start + LONGEST - 2])
            owner.append(number)
    sums, found = encode(encoder, parts, device)
    # Sections of a document count by their lengths.
    sizes = torch.tensor([float(len(part)) for part in parts], device=device)
    whole = torch.zeros(len(ids), sums[0].shape[1], device=device)
    whole.index_add_(0, torch.tensor(owner, device=device), found * sizes[:, None])
    belongs = torch.cat(
        [torch.full((len(part),), n, device=device) for n, part in zip(owner, sums, strict=True)]
    )
    passages = torch.cat(sums)
    return F.normalize(whole, dim=1), F.normalize(passages, dim=1), belongs


def best_passage(queries: Tensor, passages: Tensor, belongs: Tensor, count: int) -> Tensor:
    """The best passage's cosine for each query and document."""
    scores = queries.new_full((len(queries), count), -1.0)
    return scores.scatter_reduce_(
        1, belongs[None].expand(len(queries), -1), queries @ passages.T, "amax"
    )


def ndcg(scores: Tensor, relevant: Tensor) -> float:
    """Mean nDCG@10 with one relevant document a query."""
    own = scores.gather(1, relevant[:, None])
    rank = (scores > own).sum(1)
    gains = torch.where(rank < 10, 1 / torch.log2(rank + 2.0), torch.zeros_like(rank + 0.0))
    return 100 * gains.mean().item()


@dataclass
class Task:
    """Directions of everything that one task's scores are made of."""

    queries: Tensor
    documents: Tensor
    passages: Tensor
    belongs: Tensor
    """Which document each passage belongs to."""
    relevant: Tensor
    """Which document each query is for."""

    def scores(self, dimensions: int | None = None) -> tuple[float, float, float]:
        """Document, passage, sum; of vectors cut to their first dimensions, if so told."""
        parts = (self.queries, self.documents, self.passages)
        q, whole, passages = (F.normalize(part[:, :dimensions], dim=1) for part in parts)
        by_document = q @ whole.T
        by_passage = best_passage(q, passages, self.belongs, len(whole))
        return (
            ndcg(by_document, self.relevant),
            ndcg(by_passage, self.relevant),
            ndcg(by_document + by_passage, self.relevant),
        )


def tasks(
    encoder: Encoder, prepared: Path, names: Sequence[str], device: torch.device
) -> Iterator[tuple[str, Task]]:
    """The tasks of some collections by name, encoded."""
    for name in names:
        with np.load(prepared / "retrieval" / f"{name}.npz") as held:
            arrays = dict(held)
        whole, passages, belongs = documents(encoder, Runs(arrays["ids"], arrays["starts"]), device)
        for task in sorted(key[:-9] for key in arrays if key.endswith(".relevant")):
            ids = Runs(arrays[f"{task}.ids"], arrays[f"{task}.starts"])
            runs = [ids[number] for number in range(len(ids))]
            sums, _ = encode(encoder, runs, device)
            queries = F.normalize(torch.stack([part.sum(0) for part in sums]), dim=1)
            relevant = torch.tensor(arrays[f"{task}.relevant"], device=device)
            yield f"{name}/{task}", Task(queries, whole, passages, belongs, relevant)


def evaluate(encoder: Encoder, prepared: Path, names: Sequence[str], device: torch.device) -> dict:
    """Scores by task: (document, passage, sum)."""
    return {name: task.scores() for name, task in tasks(encoder, prepared, names, device)}


def report(table: dict) -> str:
    """The table as text, with the mean over the real tasks."""
    lines = [f"{name:26} {d:5.1f} {p:5.1f} {s:5.1f}" for name, (d, p, s) in table.items()]
    real = [row for name, row in table.items() if name.split("/")[0] in REAL]
    if real:
        d, p, s = np.mean(real, axis=0)
        lines.append(f"{f'mean of {len(real)} real tasks':26} {d:5.1f} {p:5.1f} {s:5.1f}")
    return "\n".join(lines)


def student(model: Monarch) -> Encoder:
    """A checkpoint as an encoder."""
    return model.read


def windowed(teacher) -> Encoder:
    """MiniLM in windows of 510 content tokens."""

    def run(ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        vectors = of_windows(ids, mask)
        total = (vectors.float() * mask[:, :, None]).sum(1)
        return vectors, F.normalize(total, dim=1)

    def of_windows(ids: Tensor, mask: Tensor) -> Tensor:
        from .distil import WINDOW, wrap

        if ids.shape[1] <= WINDOW + 2:
            return teacher.hidden_states(ids, mask)[-1]
        content = ids[:, 1:]
        rest = -content.shape[1] % WINDOW
        content = F.pad(content, (0, rest)).reshape(-1, WINDOW)
        live = F.pad(mask[:, 1:], (0, rest)).reshape(-1, WINDOW)
        parts = []
        for at in range(0, len(content), 512):
            some = F.pad(live[at : at + 512], (1, 1), value=1.0)
            parts.append(teacher.hidden_states(wrap(content[at : at + 512]), some)[-1][:, 1:-1])
        vectors = torch.cat(parts).reshape(len(ids), -1, parts[0].shape[2])
        return F.pad(vectors[:, : ids.shape[1] - 1], (0, 0, 1, 0))

    return run


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    prepared, what = Path(sys.argv[1]), sys.argv[2]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    names = sys.argv[3:] or sorted(path.stem for path in (prepared / "retrieval").glob("*.npz"))
    if what == "teacher":
        from .teacher import Teacher, read_teacher

        encoder = windowed(Teacher(read_teacher(), device, torch.bfloat16))
    else:
        model, _ = checkpoint.load(Path(what))
        kind = torch.bfloat16 if device.type == "cuda" else torch.float32
        encoder = student(model.computing_in(kind).to(device).eval())
    print(report(evaluate(encoder, prepared, names, device)))


if __name__ == "__main__":
    main()
