"""Stage 2: whole documents and queries for them, told apart from the other documents of a batch.

    [torchrun --nproc-per-node N] python -m monarch.contrast PREPARED IN.pt OUT.pt --seconds S

InfoNCE (arXiv 1807.03748) on the document vector, on the best passage and on their sum. Batches
hold documents of one source, since that is what a search among one's own documents has to tell
apart.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import checkpoint
from .corpus import PAD, STOPS, Corpus, wrapped
from .distil import BUNDLE
from .evaluate import PASSAGE, REAL, evaluate, report, student
from .model import Monarch
from .optimise import Optimisers
from .parallel import World
from .teacher import Teacher, read_weights

QUERY = 256
# Padded tokens of a document, and how often each is drawn.
# One batch in so many is about single facts: documents alike but for what was put into them.
FACT_BATCHES = 0.15
FACT_LENGTHS = {2048: 0.2, 8192: 0.4, 16384: 0.2, 32768: 0.2}
VARIANTS = 8
LENGTHS = {1024: 0.1, 2048: 0.15, 4096: 0.25, 8192: 0.3, 16384: 0.12, 32768: 0.08}


@dataclass
class Batch:
    """Documents and two queries for each."""

    documents: np.ndarray
    """[documents, tokens] ids."""
    queries: np.ndarray
    """[2 x documents, tokens] ids; queries i and i + documents are for document i."""


class Batches:
    """Draws batches, each from nothing but its step's number."""

    def __init__(self, corpus: Corpus, tokens: int, seed: int, rank: int, size: int) -> None:
        self.corpus, self.tokens, self.rank, self.size = corpus, tokens, rank, size
        self.queries_of: dict[int, list[int]] = {}
        for query, document in enumerate(corpus.query_document):
            self.queries_of.setdefault(int(document), []).append(query)
        # A group is a source of documents; those with real queries are drawn more often.
        self.members = [np.flatnonzero(corpus.source == s) for s in range(len(corpus.source_names))]
        asked = np.zeros(len(corpus), bool)
        asked[list(self.queries_of)] = True
        self.asked = asked
        self.shared_seed = seed

    def draw(self, step: int) -> Batch:
        """The batch of a step; all processes draw from one source and of one length."""
        shared = np.random.default_rng([self.shared_seed, step])
        own = np.random.default_rng([self.shared_seed, step, self.rank])
        if shared.random() < FACT_BATCHES:
            return self.draw_facts(shared, own)
        length = int(shared.choice(list(LENGTHS), p=list(LENGTHS.values())))
        count = self.tokens // length
        chosen = self.choose(shared, length, count * self.size)[self.rank :: self.size]
        documents, first, second = [], [], []
        for number in chosen:
            content, one, two = self.example(own, int(number), length - 2)
            documents.append(wrapped(content, length))
            first.append(one)
            second.append(two)
        return batch_of(documents, first + second)

    def draw_facts(self, shared: np.random.Generator, own: np.random.Generator) -> Batch:
        """A few documents, each several times, with two facts of its own put into each copy."""
        length = int(shared.choice(list(FACT_LENGTHS), p=list(FACT_LENGTHS.values())))
        count = self.tokens // length
        bases = self.choose(shared, length, -(-count // VARIANTS) * self.size)
        documents, first, second = [], [], []
        for place in range(count):
            number = int(bases[self.rank + self.size * (place // VARIANTS)])
            content = self.corpus.document(number)
            room = length - 2
            if len(content) < room:
                content = np.tile(content, -(-room // max(1, len(content))))
            content = content[: room - 128]
            for queries in (first, second):
                content, query = self.with_fact(own, content)
                queries.append(query)
            documents.append(wrapped(content, length))
        return batch_of(documents, first + second)

    def with_fact(
        self, random: np.random.Generator, content: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """A document with a fact put in between two sentences, and the question for it."""
        if random.random() < 0.6:
            number = int(random.integers(len(self.corpus.facts)))
            fact, query = self.corpus.facts[number], self.corpus.fact_questions[number]
        else:
            other = self.corpus.document(int(random.integers(len(self.corpus))))
            fact = span(random, other, 8, 40)[0]
            query = thinned(random, fact)
        at = int(random.integers(len(content) + 1))
        ends = np.flatnonzero(np.isin(content[at : at + 64], STOPS))
        at += int(ends[0]) + 1 if len(ends) else 0
        return np.concatenate([content[:at], fact[:60], content[at:]]), query

    def choose(self, random: np.random.Generator, length: int, count: int) -> np.ndarray:
        """Documents that fit a length, of one source or (one batch in four) of all."""
        lengths = self.corpus.lengths
        fit = np.where(lengths > length, 0.15, np.where(lengths > length // 2, 1.0, 0.25))
        fit = fit * (lengths > 64) * np.where(self.asked, 3.0, 1.0)
        if random.random() < 0.25:
            pool = np.arange(len(lengths))
        else:
            # Sources by the square root of how much they offer, so that small ones count too.
            offers = np.array([np.sqrt(fit[members].sum()) for members in self.members])
            source = random.choice(len(offers), p=offers / offers.sum())
            pool = self.members[source]
        weights = fit[pool]
        usable = int((weights > 0).sum())
        taken = random.choice(pool, min(count, usable), replace=False, p=weights / weights.sum())
        if len(taken) < count:
            # A small source is filled up from everywhere; no document stands there twice.
            rest = np.setdiff1d(np.arange(len(lengths)), taken)
            weights = fit[rest]
            more = random.choice(rest, count - len(taken), replace=False, p=weights / weights.sum())
            taken = np.concatenate([taken, more])
        return random.permutation(taken)

    def example(
        self, random: np.random.Generator, number: int, room: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A document, cropped to `room` where it is longer, and two queries for it."""
        content = self.corpus.document(number)
        if len(content) > room:
            start = 0 if random.random() < 0.5 else int(random.integers(len(content) - room + 1))
            content = content[start : start + room]
        real = self.queries_of.get(number)
        if real and random.random() < 0.9:
            first = self.corpus.queries[real[int(random.integers(len(real)))]]
        else:
            content, first = self.made_up(random, number, content)
        content, second = self.made_up(random, number, content)
        return content, first[: QUERY - 2], second[: QUERY - 2]

    def made_up(
        self, random: np.random.Generator, number: int, content: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The document, perhaps without what was taken, and a query made from it."""
        kind = random.random()
        title = self.corpus.titles[number]
        if kind < 0.12 and len(title) >= 3:
            return content, title
        if kind < 0.24:
            # Something said in another document, put in here at any place: one fact among many.
            other = self.corpus.document(int(random.integers(len(self.corpus))))
            taken = span(random, other, 8, 40)[0]
            at = int(random.integers(len(content) + 1))
            room = max(0, len(content) - len(taken))
            content = np.concatenate([content[:at], taken, content[at:]])
            if at <= room:
                content = content[: max(room + len(taken), 1)]
            else:
                content = content[-max(room + len(taken), 1) :]
            return content, thinned(random, taken)
        least, most = (8, 48) if kind < 0.75 else (64, 240)
        taken, start = span(random, content, least, most)
        if random.random() < 0.3 and len(content) > 4 * len(taken):
            content = np.concatenate([content[:start], content[start + len(taken) :]])
        return content, thinned(random, taken)


def batch_of(documents: list[np.ndarray], queries: list[np.ndarray]) -> Batch:
    """Padded rows of documents and queries."""
    longest = max(len(query) for query in queries) + 2
    width = 64 if longest <= 64 else 128 if longest <= 128 else QUERY
    return Batch(np.stack(documents), np.stack([wrapped(query, width) for query in queries]))


def span(
    random: np.random.Generator, content: np.ndarray, least: int, most: int
) -> tuple[np.ndarray, int]:
    """A run of some tokens, from the start of a sentence if one is near, and where it begins."""
    size = min(len(content), int(random.integers(least, most + 1)))
    start = int(random.integers(len(content) - size + 1))
    ends = np.flatnonzero(np.isin(content[start : start + 64], STOPS))
    if len(ends) and start + ends[0] + 1 + size <= len(content):
        start += int(ends[0]) + 1
    taken = content[start : start + size]
    if most <= 64:
        # A short one is a sentence where it can be.
        stops = np.flatnonzero(np.isin(taken, STOPS))
        stops = stops[stops >= least]
        if len(stops):
            taken = taken[: stops[0] + 1]
    return taken, start


def thinned(random: np.random.Generator, taken: np.ndarray) -> np.ndarray:
    """Some words left out, so that finding is not only a matter of equal words."""
    rate = random.choice([0.0, 0.15, 0.35])
    kept = taken[random.random(len(taken)) >= rate]
    return kept if len(kept) >= 4 else taken


def ahead(batches: Batches, processes: int = 8) -> Iterator[Batch]:
    """Batches in order of their steps, drawn ahead by processes that share the corpus's memory."""
    global _drawn_from
    _drawn_from = batches
    waiting: deque = deque()
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
        step = 0
        while True:
            while len(waiting) < 3 * processes:
                waiting.append(pool.submit(_draw, step))
                step += 1
            yield waiting.popleft().result()


_drawn_from: Batches | None = None


def _draw(step: int) -> Batch:
    return _drawn_from.draw(step)


def mean(vectors: Tensor) -> Tensor:
    """The direction of the mean of token vectors (padding is zero): [batch, hidden]."""
    return F.normalize(vectors.float().sum(1), dim=1)


def losses(
    model: Monarch, teacher: Teacher, documents: Tensor, queries: Tensor, world: World, given
) -> tuple[Tensor, dict]:
    """The three InfoNCE losses and the query vectors' distance from the teacher's."""
    live = documents != PAD
    mask = live.float()
    vectors = model(documents, None if live.all() else mask)
    whole = mean(vectors)
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
    right = (torch.arange(count, device=q.device) + world.rank * count).repeat(2)
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
    given = options.parse_args()

    world = World()
    torch.manual_seed(2)
    model, notes = checkpoint.load(given.start)
    model.to(world.device)
    half = world.computing(model, given.compile)
    teacher = Teacher(read_weights(BUNDLE), world.device, world.dtype)
    corpus = Corpus(given.prepared / "train")
    batches = Batches(corpus, given.tokens, given.seed, world.rank, world.size)
    optimisers = Optimisers(model, half, given.rate, given.mixer_rate, given.muon_rate)

    done = torch.zeros(1, device=world.device)
    begin = last = time.time()
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
    if world.leads:
        peak = torch.cuda.max_memory_allocated() / 2**30
        print(f"{step} steps of {given.tokens * world.size} tokens, {peak:.0f} GiB at most")
        made = f"{notes.get('settings')} then {vars(given)}"
        checkpoint.save(model, given.out, {"stage": "contrast", "settings": made})
        names = [*REAL, "needle-32768", "passkey-32768"]
        table = evaluate(student(half.eval()), given.prepared, names, world.device)
        print(report(table), flush=True)
    world.close()


if __name__ == "__main__":
    main()
