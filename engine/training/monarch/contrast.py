"""Stage 2: whole documents and queries for them, told apart from the other documents of a batch.

    [torchrun --nproc-per-node N] python -m monarch.contrast PREPARED IN.pt OUT.pt --seconds S

InfoNCE (arXiv 1807.03748) on the document vector, on the best passage and on their sum. Batches
hold documents of one source or of like words, since that is what a search among one's own documents
has to tell apart.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from . import checkpoint
from .batches import Batches, ahead
from .corpus import PAD, Corpus
from .evaluate import PASSAGE, REAL, evaluate, report, student
from .model import Monarch
from .optimise import Optimisers
from .parallel import Progress, World
from .teacher import Teacher, read_teacher


def mean(vectors: Tensor) -> Tensor:
    """The direction of the mean of token vectors (padding is zero): [batch, hidden]."""
    return F.normalize(vectors.float().sum(1), dim=1)


@dataclass
class Seen:
    """The directions of a batch's queries, documents and passages."""

    queries: Tensor
    """[queries, hidden], those of this process."""
    documents: Tensor
    """[documents, hidden], those of all processes."""
    passages: Tensor
    """[documents, passages, hidden]"""
    empty: Tensor
    """[documents, passages], where a passage is padding only."""
    right: Tensor
    """[queries], the document that each query is for."""

    def scores(self) -> tuple[Tensor, Tensor]:
        """Cosines of queries with documents and with their best passages: [queries, documents]."""
        by_passage = torch.einsum("qh,dph->qdp", self.queries, self.passages)
        by_passage = by_passage.masked_fill(self.empty[None], -1.0).amax(2)
        return self.queries @ self.documents.T, by_passage


def seen(vectors: Tensor, whole: Tensor, queries: Tensor, documents: Tensor, world: World) -> Seen:
    """From documents' token vectors and whole vectors, and queries' directions."""
    count, tokens, hidden = vectors.shape
    passages = vectors.float().view(count, tokens // PASSAGE, PASSAGE, hidden).sum(2)
    empty = (documents != PAD).view(count, -1, PASSAGE).sum(2) == 0
    right = torch.arange(count, device=queries.device) + world.rank * count
    return Seen(
        queries,
        world.gather(whole),
        world.gather(F.normalize(passages, dim=2)),
        world.gather(empty.float()) > 0,
        right.repeat(len(queries) // count),
    )


def read(model: Monarch, documents: Tensor, queries: Tensor, world: World) -> Seen:
    """Ids to directions."""
    live = documents != PAD
    vectors, whole = model.read(documents, None if live.all() else live.float())
    q = mean(model(queries, (queries != PAD).float()))
    return seen(vectors, whole, q, documents, world)


def info_nce(seen: Seen, temperature: float) -> dict[str, Tensor]:
    """The right document told apart by its vector, by its best passage and by both."""
    by_document, by_passage = seen.scores()
    scale = 1 / temperature
    return {
        "document": F.cross_entropy(by_document * scale, seen.right),
        "passage": F.cross_entropy(by_passage * scale, seen.right),
        "both": F.cross_entropy((by_document + by_passage) * scale, seen.right),
    }


def drift(q: Tensor, teacher: Teacher, queries: Tensor) -> Tensor:
    """How far queries' vectors are from the teacher's."""
    asked = (queries != PAD).float()
    with torch.no_grad():
        known = mean(teacher.hidden_states(queries, asked)[-1] * asked[:, :, None])
    return 1 - F.cosine_similarity(q, known).mean()


def losses(
    model: Monarch, teacher: Teacher, documents: Tensor, queries: Tensor, world: World, given
) -> tuple[Tensor, dict]:
    """The three InfoNCE losses and the query vectors' distance from the teacher's."""
    found = read(model, documents, queries, world)
    anchor = drift(found.queries, teacher, queries)
    parts = info_nce(found, given.temperature)
    total = sum(parts.values()) + given.anchor * anchor
    return total, shown(parts, found, anchor)


def shown(parts: dict[str, Tensor], found: Seen, anchor: Tensor) -> dict[str, Tensor]:
    """What is printed: the parts of a loss, and how many queries find their document."""
    right = (sum(found.scores()).argmax(1) == found.right).float().mean()
    parts = parts | {"anchor": anchor, "right": right}
    return {name: part.detach() for name, part in parts.items()}


def options() -> argparse.ArgumentParser:
    """What a contrastive training can be told."""
    options = argparse.ArgumentParser(description=__doc__, add_help=False)
    options.add_argument("prepared", type=Path)
    options.add_argument("start", type=Path)
    options.add_argument("out", type=Path)
    options.add_argument("--seconds", type=float, default=0.0)
    options.add_argument("--steps", type=int, default=0, help="in place of seconds")
    options.add_argument("--tokens", type=int, default=262144, help="a step and GPU")
    options.add_argument("--rate", type=float, default=1e-4)
    options.add_argument("--mixer-rate", type=float, default=4e-4)
    options.add_argument("--muon-rate", type=float, default=0.0)
    options.add_argument("--temperature", type=float, default=0.04)
    options.add_argument("--anchor", type=float, default=3.0)
    options.add_argument("--seed", type=int, default=11)
    options.add_argument("--drawers", type=int, default=10, help="processes that draw batches")
    options.add_argument("--compile", action="store_true")
    options.add_argument(
        "--save-every", type=float, default=240, help="seconds between checkpoints"
    )
    return options


def train(
    model: Monarch, notes: dict, given: argparse.Namespace, world: World, losses=losses
) -> tuple[Monarch, dict]:
    """Trains a model, and gives the copy of it that computes, and notes for its checkpoint."""
    model.to(world.device)
    half = world.computing(model, given.compile)
    teacher = Teacher(read_teacher(), world.device, world.dtype)
    corpus = Corpus(given.prepared / "train")
    batches = Batches(corpus, given.tokens, given.seed, world.rank, world.size)
    optimisers = Optimisers(model, half, given.rate, given.mixer_rate, given.muon_rate)

    progress = Progress(given.seconds, given.steps, world)
    notes = {"stage": "contrast", "settings": f"{notes.get('settings')} then {vars(given)}"}
    last = saved = time.time()
    sums: dict[str, Tensor] = {}
    for step, batch in enumerate(ahead(batches, given.drawers)):
        done = progress.after(step)
        if done >= 1:
            break
        documents = torch.tensor(batch.documents).to(world.device, non_blocking=True)
        queries = torch.tensor(batch.queries).to(world.device, non_blocking=True)
        loss, parts = losses(half, teacher, documents, queries, world, given)
        loss.backward()
        world.average_gradients(half)
        optimisers.at(done)
        parts["norm"] = optimisers.step(1.0)
        for name, part in parts.items():
            sums[name] = sums.get(name, 0) + part
        if step % 50 == 49 and world.leads:
            now = time.time()
            speed = 50 * given.tokens * world.size / (now - last) / 1e6
            last = now
            line = " ".join(f"{name} {value.item() / 50:.3f}" for name, value in sums.items())
            print(f"step {step + 1} {speed:.2f}M tokens/s {line}", flush=True)
            sums = {}
            if now - saved > given.save_every:
                saved = now
                checkpoint.save(model, given.out, notes)
    if world.leads:
        peak = torch.cuda.max_memory_allocated() / 2**30
        print(f"{step} steps of {given.tokens * world.size} tokens, {peak:.0f} GiB at most")
    return half, notes


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, parents=[options()]).parse_args()
    world = World()
    torch.manual_seed(2)
    model, notes = checkpoint.load(given.start)
    half, notes = train(model, notes, given, world)
    if world.leads:
        checkpoint.save(model, given.out, notes)
        names = [*REAL, "needle-32768", "passkey-32768"]
        table = evaluate(student(half.eval()), given.prepared, names, world.device)
        print(report(table), flush=True)
    world.close()


if __name__ == "__main__":
    main()
