"""Variants of the encoder and of its training, each against the plain one at equal steps.

    python -m monarch.trials distil NAME PREPARED OUT.pt --steps N …
    python -m monarch.trials contrast NAME PREPARED START.pt OUT.pt --steps N …
    python -m monarch.trials speed

NAME is `plain`, or for `distil` a form of the model: `residual`, `block`, `glu`, `windowed`
(variants.py); for `contrast`, which goes on from any of these forms, what is done to the loss or
the model: `mean`, `orthogonal`, `matryoshka`, `exits`, `first`, `taught`, `lexical`. All other
options are those of `monarch.distil` and `monarch.contrast`. Everything random has the same seed in
each trial, so that all see the same batches. A trial ends with its scores on the development tasks;
those of stage 2 also for 0.6 of what was trained and 0.4 of its start, which is how such a training
is used.
"""

from __future__ import annotations

import argparse
import sys
import time
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from . import checkpoint, contrast, distil
from .average import mean_of
from .contrast import Seen, drift, info_nce, mean, read, seen, shown
from .corpus import PAD
from .evaluate import REAL, Encoder, report, tasks
from .model import Config, Monarch
from .parallel import World
from .teacher import Teacher, read_teacher, start_from
from .variants import ARCHITECTURES, load, plugged

NAMES = (*REAL, "needle-32768", "passkey-32768")
CUTS = (64, 128, 256)
EXITS = (2, 4)
# Of an exit's losses beside those of the last layer.
EXIT_SHARE = 0.3
# Squared cosines are small beside InfoNCE at a low temperature.
ORTHOGONAL_SHARE = 10.0
TRAINED, START = 0.6, 0.4


def by_mean(model, teacher, documents, queries, world, given) -> tuple[Tensor, dict]:
    """A document's vector in training is the plain mean of its token vectors."""
    live, asked = documents != PAD, (queries != PAD).float()
    vectors = model(documents, None if live.all() else live.float())
    q = mean(model(queries, asked))
    found = seen(vectors, mean(vectors), q, documents, world)
    anchor = drift(q, teacher, queries)
    parts = info_nce(found, given.temperature)
    return sum(parts.values()) + given.anchor * anchor, shown(parts, found, anchor)


def orthogonal(model, teacher, documents, queries, world, given) -> tuple[Tensor, dict]:
    """Cosines of right pairs to 1 and of wrong ones to 0, squared: each pair counts for itself, so
    that few documents a batch do (the orthogonal projection loss of arXiv 2402.07440)."""
    found = read(model, documents, queries, world)
    anchor = drift(found.queries, teacher, queries)
    parts = {}
    for name, scores in zip(("document", "passage"), found.scores(), strict=True):
        right = F.one_hot(found.right, scores.shape[1]).bool()
        parts[name] = (1 - scores[right]).square().mean()
        if scores.shape[1] > 1:
            parts[name] = parts[name] + scores[~right].square().mean()
    total = ORTHOGONAL_SHARE * sum(parts.values()) + given.anchor * anchor
    return total, shown(parts, found, anchor)


def matryoshka(model, teacher, documents, queries, world, given) -> tuple[Tensor, dict]:
    """The losses also of vectors cut to their first dimensions (arXiv 2205.13147)."""
    found = read(model, documents, queries, world)
    anchor = drift(found.queries, teacher, queries)
    parts = info_nce(found, given.temperature)
    total = sum(parts.values())
    for size in CUTS:
        less = [F.normalize(part[..., :size], dim=-1) for part in vectors_of(found)]
        short = replace(found, queries=less[0], documents=less[1], passages=less[2])
        total = total + sum(info_nce(short, given.temperature).values())
    total = total / (1 + len(CUTS)) + given.anchor * anchor
    return total, shown(parts, found, anchor)


def vectors_of(found: Seen) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, documents, passages."""
    return found.queries, found.documents, found.passages


def exits(model, teacher, documents, queries, world, given) -> tuple[Tensor, dict]:
    """The losses also of what earlier layers give (ModularStarEncoder, arXiv 2503.03008)."""
    live, asked = documents != PAD, (queries != PAD).float()
    mask = None if live.all() else live.float()
    states, asking = model.hidden_states(documents, mask), model.hidden_states(queries, asked)
    total, parts = 0.0, {}
    for layer in (*EXITS, len(states) - 1):
        vectors = model.weighted(states[layer], mask)
        whole = model.document(states[layer].float(), vectors.float(), mask)
        q = mean(model.weighted(asking[layer], asked))
        found = seen(vectors, whole, q, documents, world)
        parts = info_nce(found, given.temperature)
        share = EXIT_SHARE if layer in EXITS else 1.0
        total = total + share * sum(parts.values())
    anchor = drift(q, teacher, queries)
    return total + given.anchor * anchor, shown(parts, found, anchor)


def taught(model, teacher, documents, queries, world, given) -> tuple[Tensor, dict]:
    """Documents' scores also learn from those of their best passages, which find more."""
    found = read(model, documents, queries, world)
    anchor = drift(found.queries, teacher, queries)
    parts = info_nce(found, given.temperature)
    by_document, by_passage = (scores / given.temperature for scores in found.scores())
    parts["taught"] = F.kl_div(
        by_document.log_softmax(1),
        by_passage.detach().log_softmax(1),
        reduction="batchmean",
        log_target=True,
    )
    return sum(parts.values()) + given.anchor * anchor, shown(parts, found, anchor)


class Lexical:
    """Both scores also learn from shared words: BM25 (k1 1.2, b 0.75) over token ids."""

    def __init__(self) -> None:
        self.idf: Tensor | None = None

    def __call__(self, model, teacher, documents, queries, world, given) -> tuple[Tensor, dict]:
        found = read(model, documents, queries, world)
        anchor = drift(found.queries, teacher, queries)
        parts = info_nce(found, given.temperature)
        wanted = self.bm25(model.config.vocabulary, documents, queries, given)
        # The best of a query's scores is worth one cosine of 0.5.
        wanted = 0.5 * wanted / wanted.amax(1, keepdim=True).clamp(min=1e-6) / given.temperature
        parts["lexical"] = sum(
            F.kl_div(
                (scores / given.temperature).log_softmax(1),
                wanted.log_softmax(1),
                reduction="batchmean",
                log_target=True,
            )
            for scores in found.scores()
        )
        return sum(parts.values()) + given.anchor * anchor, shown(parts, found, anchor)

    @torch.no_grad()
    def bm25(self, vocabulary: int, documents: Tensor, queries: Tensor, given) -> Tensor:
        """[queries, documents]"""
        if self.idf is None:
            ids = torch.from_file(
                str(given.prepared / "train" / "ids.u16"),
                size=(given.prepared / "train" / "ids.u16").stat().st_size // 2,
                dtype=torch.uint16,
            )
            seen_often = torch.bincount(ids.int(), minlength=vocabulary).float() + 1
            self.idf = (seen_often.sum() / seen_often).log().to(documents.device)
            self.idf[:200] = 0  # padding, specials and what is unused
        counts = [
            torch.zeros(len(ids), vocabulary, device=ids.device).scatter_add_(
                1, ids, torch.ones_like(ids, dtype=torch.float32)
            )
            for ids in (documents, queries)
        ]
        size = (documents != PAD).sum(1, keepdim=True).float()
        often = counts[0] * 2.2 / (counts[0] + 1.2 * (0.25 + 0.75 * size / size.mean()))
        return (counts[1] * self.idf) @ often.T


LOSSES = {
    "plain": contrast.losses,
    "mean": by_mean,
    "orthogonal": orthogonal,
    "matryoshka": matryoshka,
    "exits": exits,
    "first": contrast.losses,
    "taught": taught,
    "lexical": Lexical(),
}


def leaving(model: Monarch, layer: int) -> Encoder:
    """A model as an encoder that ends after some layer."""
    early = deepcopy(model)
    early.layers = early.layers[:layer]
    return early.read


def scored(title: str, encoder: Encoder, prepared: Path, world: World, cuts=()) -> None:
    """Prints an encoder's scores, also of its vectors cut to some dimensions."""
    tables: dict[int | None, dict] = {None: {}, **{cut: {} for cut in cuts}}
    for name, task in tasks(encoder, prepared, NAMES, world.device):
        for cut, table in tables.items():
            table[name] = task.scores(cut)
    for cut, table in tables.items():
        print(f"== {title}{f', {cut} dimensions' if cut else ''}\n{report(table)}", flush=True)


def distilled(name: str, arguments: list[str]) -> None:
    """A trial of stage 1."""
    given = distil.options().parse_args(arguments)
    world = World()
    torch.manual_seed(1)
    weights = read_teacher()
    model = plugged(distil.fresh(given, weights), name, weights)
    print(f"{name}: {sum(part.numel() for part in model.parameters())} parameters", flush=True)
    half, notes = distil.train(model, weights, given, world)
    checkpoint.save(model, given.out, notes | {"variant": name})
    apart(half.eval(), Teacher(weights, world.device, world.dtype), given, world)
    scored(name, half.read, given.prepared, world)
    world.close()


@torch.no_grad()
def apart(half: Monarch, teacher: Teacher, given: argparse.Namespace, world: World) -> None:
    """Prints the cosine distance of pooled vectors from the teacher's, by length."""
    text = distil.Text(given.prepared / "train", world.device, 4242)
    for length in (32, 128, 512, 2048, 8192):
        found = []
        for _ in range(16):
            content = text.runs(max(1, given.tokens // length), length - 2)
            found.append(distil.losses(half, teacher, content)[1]["pooled"].item())
        print(f"pooled vectors of {length} tokens apart by {sum(found) / len(found):.4f}")


def contrasted(name: str, arguments: list[str]) -> None:
    """A trial of stage 2."""
    given = contrast.options().parse_args(arguments)
    world = World()
    torch.manual_seed(2)
    start, notes = load(given.start, read_teacher())
    form = notes.get("variant", "plain")
    if name == "first":
        form, start = name, plugged(start, name, {})
    model = deepcopy(start)
    half, notes = contrast.train(model, notes, given, world, LOSSES[name])
    checkpoint.save(model, given.out, notes | {"variant": form, "loss": name})
    scored(f"{name}, trained", half.eval().read, given.prepared, world, CUTS)
    both = mean_of((model, start.to(world.device)), (TRAINED, START))
    both = both.computing_in(world.dtype).eval()
    scored(f"{name}, averaged", both.read, given.prepared, world, CUTS)
    if name in ("plain", "exits"):
        for layer in EXITS:
            title = f"{name}, averaged, after layer {layer}"
            scored(title, leaving(both, layer), given.prepared, world)
    world.close()


def speed() -> None:
    """Prints parameters and forward tokens a second of 32,768 tokens, all forms in turns."""
    world = World()
    weights = read_teacher()
    forms = {}
    for name in ARCHITECTURES:
        model = Monarch(Config(shift="none"))
        start_from(model, weights)
        forms[name] = plugged(model, name, weights).computing_in(world.dtype).to(world.device)
    cuda = world.device.type == "cuda"
    tokens = 32768 if cuda else 1024
    ids = torch.randint(1000, 30000, (4, tokens), device=world.device)
    best = dict.fromkeys(forms, float("inf"))
    with torch.no_grad():
        for _ in range(12 if cuda else 2):
            for name, model in forms.items():
                begin = time.time()
                model.read(ids)
                if cuda:
                    torch.cuda.synchronize()
                best[name] = min(best[name], time.time() - begin)
    for name, model in forms.items():
        count = sum(part.numel() for part in model.parameters())
        ratio = best[name] / best["plain"]
        print(
            f"{name}: {count} parameters, {ids.numel() / best[name] / 1e6:.2f}M tokens/s "
            f"at {tokens} tokens, {ratio:.2f} of the plain one's time"
        )
    world.close()


def main() -> None:
    match sys.argv[1:]:
        case ["distil", name, *rest] if name in ARCHITECTURES:
            distilled(name, rest)
        case ["contrast", name, *rest] if name in LOSSES:
            contrasted(name, rest)
        case ["speed"]:
            speed()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
