"""Stage 2: whole documents and queries for them, told apart from the other documents of a batch.

    [torchrun --nproc-per-node N] python -m monarch.contrast PREPARED IN.pt OUT.pt --seconds S

InfoNCE (arXiv 1807.03748) on the document vector, on the best passage and on their sum. Batches
hold documents of one source or of like words, since that is what a search among one's own documents
has to tell apart.
"""

from __future__ import annotations

import argparse
import time
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
from .parallel import World
from .teacher import Teacher, read_teacher


def mean(vectors: Tensor) -> Tensor:
    """The direction of the mean of token vectors (padding is zero): [batch, hidden]."""
    return F.normalize(vectors.float().sum(1), dim=1)


def losses(
    model: Monarch, teacher: Teacher, documents: Tensor, queries: Tensor, world: World, given
) -> tuple[Tensor, dict]:
    """The three InfoNCE losses and the query vectors' distance from the teacher's."""
    live = documents != PAD
    mask = live.float()
    vectors, whole = model.read(documents, None if live.all() else mask)
    count, tokens, hidden = vectors.shape
    passages = vectors.float().view(count, tokens // PASSAGE, PASSAGE, hidden).sum(2)
    empty = mask.view(count, -1, PASSAGE).sum(2) == 0
    passages = F.normalize(passages, dim=2)

    asked = (queries != PAD).float()
    q = mean(model(queries, asked))
    with torch.no_grad():
        known = mean(teacher.hidden_states(queries, asked)[-1] * asked[:, :, None])
    anchor = 1 - F.cosine_similarity(q, known).mean()

    all_whole = world.gather(whole)
    all_passages = world.gather(passages)
    all_empty = world.gather(empty.float()) > 0
    by_document = q @ all_whole.T
    by_passage = torch.einsum("qh,dph->qdp", q, all_passages)
    by_passage = by_passage.masked_fill(all_empty[None], -1.0).amax(2)
    right = torch.arange(count, device=q.device) + world.rank * count
    right = right.repeat(len(queries) // count)
    scale = 1 / given.temperature
    parts = {
        "document": F.cross_entropy(by_document * scale, right),
        "passage": F.cross_entropy(by_passage * scale, right),
        "both": F.cross_entropy((by_document + by_passage) * scale, right),
    }
    total = sum(parts.values()) + given.anchor * anchor
    parts = {name: part.detach() for name, part in parts.items()}
    parts["anchor"] = anchor.detach()
    parts["right"] = ((by_document + by_passage).argmax(1) == right).float().mean()
    return total, parts


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("prepared", type=Path)
    options.add_argument("start", type=Path)
    options.add_argument("out", type=Path)
    options.add_argument("--seconds", type=float, required=True)
    options.add_argument("--tokens", type=int, default=262144, help="a step and GPU")
    options.add_argument("--rate", type=float, default=1e-4)
    options.add_argument("--mixer-rate", type=float, default=4e-4)
    options.add_argument("--muon-rate", type=float, default=0.0)
    options.add_argument("--temperature", type=float, default=0.04)
    options.add_argument("--anchor", type=float, default=3.0)
    options.add_argument("--seed", type=int, default=11)
    options.add_argument("--compile", action="store_true")
    options.add_argument(
        "--save-every", type=float, default=240, help="seconds between checkpoints"
    )
    given = options.parse_args()

    world = World()
    torch.manual_seed(2)
    model, notes = checkpoint.load(given.start)
    model.to(world.device)
    half = world.computing(model, given.compile)
    teacher = Teacher(read_teacher(), world.device, world.dtype)
    corpus = Corpus(given.prepared / "train")
    batches = Batches(corpus, given.tokens, given.seed, world.rank, world.size)
    optimisers = Optimisers(model, half, given.rate, given.mixer_rate, given.muon_rate)

    done = torch.zeros(1, device=world.device)
    made = f"{notes.get('settings')} then {vars(given)}"
    begin = last = saved = time.time()
    sums: dict[str, Tensor] = {}
    for step, batch in enumerate(ahead(batches)):
        if step % 10 == 0:
            done.fill_((time.time() - begin) / given.seconds)
            if world.size > 1:
                torch.distributed.broadcast(done, 0)
            if done.item() >= 1:
                break
        documents = torch.tensor(batch.documents).to(world.device, non_blocking=True)
        queries = torch.tensor(batch.queries).to(world.device, non_blocking=True)
        loss, parts = losses(half, teacher, documents, queries, world, given)
        loss.backward()
        world.average_gradients(half)
        optimisers.at(done.item())
        parts["norm"] = optimisers.step(1.0)
        for name, part in parts.items():
            sums[name] = sums.get(name, 0) + part
        if step % 50 == 49 and world.leads:
            now = time.time()
            speed = 50 * given.tokens * world.size / (now - last) / 1e6
            last = now
            shown = " ".join(f"{name} {value.item() / 50:.3f}" for name, value in sums.items())
            print(f"step {step + 1} {speed:.2f}M tokens/s {shown}", flush=True)
            sums = {}
            if now - saved > given.save_every:
                saved = now
                checkpoint.save(model, given.out, {"stage": "contrast", "settings": made})
    if world.leads:
        peak = torch.cuda.max_memory_allocated() / 2**30
        print(f"{step} steps of {given.tokens * world.size} tokens, {peak:.0f} GiB at most")
        checkpoint.save(model, given.out, {"stage": "contrast", "settings": made})
        names = [*REAL, "needle-32768", "passkey-32768"]
        table = evaluate(student(half.eval()), given.prepared, names, world.device)
        print(report(table), flush=True)
    world.close()


if __name__ == "__main__":
    main()
