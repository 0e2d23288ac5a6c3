"""Batches of whole documents and queries for them, drawn from the prepared training text."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from .corpus import STOPS, Corpus, wrapped

QUERY = 256
# Padded tokens of a document, and how often each is drawn.
LENGTHS = {1024: 0.07, 2048: 0.13, 4096: 0.23, 8192: 0.32, 16384: 0.16, 32768: 0.09}
# One batch in so many is about single facts: documents alike but for what was put into them.
FACT_BATCHES = 0.2
FACT_LENGTHS = {2048: 0.15, 8192: 0.35, 16384: 0.2, 32768: 0.3}
VARIANTS = 8
FACTS_EACH = 2
# One batch in so many is of documents with others that use the same rare words.
NEAR_BATCHES = 0.35
NEAR_GROUP = 8


@dataclass
class Batch:
    """Documents and a few queries for each."""

    documents: np.ndarray
    """[documents, tokens] ids."""
    queries: np.ndarray
    """[queries, tokens] ids: the first query of every document, then the second of every one, …"""


class Batches:
    """Draws batches, each from nothing but its step's number."""

    def __init__(self, corpus: Corpus, tokens: int, seed: int, rank: int, size: int) -> None:
        self.corpus, self.tokens, self.rank, self.size = corpus, tokens, rank, size
        self.queries_of: dict[int, list[int]] = {}
        for query, document in enumerate(corpus.query_document):
            self.queries_of.setdefault(int(document), []).append(query)
        self.members = [np.flatnonzero(corpus.source == s) for s in range(len(corpus.source_names))]
        # Documents with real queries are drawn more often.
        asked = np.zeros(len(corpus), bool)
        asked[list(self.queries_of)] = True
        self.asked = asked
        self.shared_seed = seed

    def draw(self, step: int) -> Batch:
        """The batch of a step; all processes draw from one pool and of one length."""
        shared = np.random.default_rng([self.shared_seed, step])
        own = np.random.default_rng([self.shared_seed, step, self.rank])
        if shared.random() < FACT_BATCHES:
            return self.draw_facts(shared, own)
        length = int(shared.choice(list(LENGTHS), p=list(LENGTHS.values())))
        count = self.tokens // length
        near = shared.random() < NEAR_BATCHES
        choose = self.choose_near if near else self.choose
        chosen = choose(shared, length, count * self.size)[self.rank :: self.size]
        # A long document costs much more than a query: ask it more.
        each = max(2, min(6, length // 1024))
        documents = []
        queries: list[list[np.ndarray]] = [[] for _ in range(each)]
        for number in chosen:
            content, asked = self.example(own, int(number), length - 2, each)
            documents.append(wrapped(content, length))
            for column, query in zip(queries, asked, strict=True):
                column.append(query)
        return batch_of(documents, queries)

    def draw_facts(self, shared: np.random.Generator, own: np.random.Generator) -> Batch:
        """A few documents, each several times, with facts of its own put into each copy."""
        length = int(shared.choice(list(FACT_LENGTHS), p=list(FACT_LENGTHS.values())))
        count = self.tokens // length
        bases = self.choose(shared, length, -(-count // VARIANTS) * self.size)
        documents = []
        queries: list[list[np.ndarray]] = [[] for _ in range(FACTS_EACH)]
        for place in range(count):
            number = int(bases[self.rank + self.size * (place // VARIANTS)])
            content = self.corpus.document(number)
            room = length - 2
            if len(content) < room:
                content = np.tile(content, -(-room // max(1, len(content))))
            content = content[: room - 64 * FACTS_EACH]
            for column in queries:
                content, query = self.with_fact(own, content)
                column.append(query)
            documents.append(wrapped(content, length))
        return batch_of(documents, queries)

    def with_fact(
        self, random: np.random.Generator, content: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """A document with a fact put in between two sentences, and the question for it."""
        if random.random() < 0.7:
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
        fit = self.fit(length)
        if random.random() < 0.25:
            pool = np.arange(len(fit))
        else:
            # Sources by the square root of how much they offer, so that small ones count too.
            offers = np.array([np.sqrt(fit[members].sum()) for members in self.members])
            source = random.choice(len(offers), p=offers / offers.sum())
            pool = self.members[source]
        weights = fit[pool]
        usable = int((weights > 0).sum())
        taken = random.choice(pool, min(count, usable), replace=False, p=weights / weights.sum())
        return random.permutation(self.filled(random, fit, taken, count))

    def choose_near(self, random: np.random.Generator, length: int, count: int) -> np.ndarray:
        """Documents that fit a length, in small groups that are hard to tell apart."""
        fit = self.fit(length)
        seeds = random.choice(
            len(fit), max(1, count // NEAR_GROUP), replace=False, p=fit / fit.sum()
        )
        taken: dict[int, None] = {}
        for seed in seeds:
            taken.setdefault(int(seed))
            near = self.corpus.near[seed]
            near = near[near >= 0]
            weights = fit[near]
            usable = int((weights > 0).sum())
            if usable:
                some = min(NEAR_GROUP - 1, usable)
                for one in random.choice(near, some, replace=False, p=weights / weights.sum()):
                    taken.setdefault(int(one))
        return random.permutation(self.filled(random, fit, np.array(list(taken))[:count], count))

    def fit(self, length: int) -> np.ndarray:
        """How gladly each document is taken for batches of a length."""
        lengths = self.corpus.lengths
        fit = np.where(lengths > length, 0.15, np.where(lengths > length // 2, 1.0, 0.25))
        return fit * (lengths > 64) * np.where(self.asked, 3.0, 1.0)

    def filled(
        self, random: np.random.Generator, fit: np.ndarray, taken: np.ndarray, count: int
    ) -> np.ndarray:
        """Documents taken, with others from everywhere where they are too few, none twice."""
        if len(taken) >= count:
            return taken
        weights = fit.copy()
        weights[taken] = 0
        more = random.choice(len(fit), count - len(taken), replace=False, p=weights / weights.sum())
        return np.concatenate([taken, more])

    def example(
        self, random: np.random.Generator, number: int, room: int, each: int
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """A document, cropped to `room` where it is longer, and `each` queries for it."""
        content = self.corpus.document(number)
        if len(content) > room:
            start = 0 if random.random() < 0.5 else int(random.integers(len(content) - room + 1))
            content = content[start : start + room]
        real = self.queries_of.get(number)
        queries = []
        if real:
            some = random.permutation(real)[: max(1, each // 2)]
            queries = [self.corpus.queries[query] for query in some if random.random() < 0.9]
        while len(queries) < each:
            content, query = self.made_up(random, number, content)
            queries.append(query)
        return content, [query[: QUERY - 2] for query in queries]

    def made_up(
        self, random: np.random.Generator, number: int, content: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The document, perhaps without what was taken, and a query made from it."""
        kind = random.random()
        title = self.corpus.titles[number]
        if kind < 0.1 and len(title) >= 3:
            return content, title
        if kind < 0.2:
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
        if kind < 0.35 and len(content) >= 64:
            return content, outline(random, content, title)
        least, most = (8, 48) if kind < 0.75 else (64, 240)
        taken, start = span(random, content, least, most)
        if random.random() < 0.3 and len(content) > 4 * len(taken):
            content = np.concatenate([content[:start], content[start + len(taken) :]])
        return content, thinned(random, taken)


def batch_of(documents: list[np.ndarray], columns: list[list[np.ndarray]]) -> Batch:
    """Padded rows of documents and queries; a column holds one query for each document."""
    queries = [query for column in columns for query in column]
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


def outline(random: np.random.Generator, content: np.ndarray, title: np.ndarray) -> np.ndarray:
    """What is said in several places, a few words each: a description of the whole."""
    parts = [title[:16]] if len(title) >= 3 and random.random() < 0.5 else []
    for _ in range(int(random.integers(3, 9))):
        size = int(random.integers(3, 12))
        start = int(random.integers(max(1, len(content) - size)))
        parts.append(content[start : start + size])
    return np.concatenate(parts)


def thinned(random: np.random.Generator, taken: np.ndarray) -> np.ndarray:
    """Some words left out, so that finding is not only a matter of equal words."""
    rate = random.choice([0.0, 0.15, 0.35])
    kept = taken[random.random(len(taken)) >= rate]
    return kept if len(kept) >= 4 else taken


def ahead(batches: Batches, processes: int = 10) -> Iterator[Batch]:
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
