"""Stage 1: the student learns to give MiniLM's hidden states, first of short text, then of windows
inside long text, where it reads all of the text at once.

    [torchrun --nproc-per-node N] python -m monarch.distil PREPARED OUT.pt --seconds S
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import checkpoint
from .corpus import CLS, SEP, STOPS
from .model import Config, Monarch
from .optimise import Optimisers
from .parallel import Progress, World
from .teacher import Teacher, read_teacher, start_from

WINDOW = 510
# Tokens a sequence, and how often each is drawn: short text only, then long text as well.
SHORT = {16: 0.04, 32: 0.1, 64: 0.16, 128: 0.2, 256: 0.2, 512: 0.3}
LONG = {16: 0.03, 32: 0.07, 64: 0.1, 128: 0.1, 256: 0.1, 512: 0.2, 2048: 0.25, 8192: 0.15}


class Text:
    """All training tokens on the GPU, and random runs of them."""

    def __init__(self, folder: Path, device: torch.device, seed: int) -> None:
        ids = np.fromfile(folder / "ids.u16", np.uint16)
        with np.load(folder / "index.npz") as index:
            starts = index["starts"]
        sentences = np.flatnonzero(np.isin(ids, STOPS)) + 1
        self.ids = torch.tensor(ids.astype(np.int32), device=device)
        self.starts = torch.tensor(starts, device=device)
        self.sentences = torch.tensor(sentences, device=device)
        self.random = torch.Generator(device).manual_seed(seed)

    def runs(self, count: int, tokens: int) -> Tensor:
        """[count, tokens] ids: short runs mostly from the start of a sentence, inside one document
        where it is long enough."""

        def draw(below: int) -> Tensor:
            return torch.randint(below, (count,), generator=self.random, device=self.ids.device)

        at = draw(len(self.ids) - tokens)
        if tokens <= 128:
            aligned = self.sentences[draw(len(self.sentences))].clamp(max=len(self.ids) - tokens)
            at = torch.where(draw(10) < 7, aligned, at)
        document = torch.searchsorted(self.starts, at, right=True) - 1
        end = self.starts[document + 1]
        at = torch.minimum(at, end - tokens).maximum(self.starts[document])
        at = at.clamp(max=len(self.ids) - tokens)
        offsets = torch.arange(tokens, device=self.ids.device)
        return self.ids[at[:, None] + offsets].long()


def wrap(content: Tensor) -> Tensor:
    """[CLS] content [SEP]."""
    first, last = content.new_full((len(content), 1), CLS), content.new_full((len(content), 1), SEP)
    return torch.cat([first, content, last], 1)


def losses(student: Monarch, teacher: Teacher, content: Tensor) -> tuple[Tensor, dict]:
    """How far the student's hidden states and pooled vectors are from the teacher's.

    Text longer than a window is given to the teacher in windows, to the student whole.
    """
    batch, tokens = content.shape
    windows = max(1, tokens // WINDOW)
    size = min(tokens, WINDOW)
    seen = wrap(content[:, : windows * size].reshape(batch * windows, size))
    targets = teacher.hidden_states(seen)
    states = student.hidden_states(wrap(content))
    total = 0.0
    for number, (state, target) in enumerate(zip(states, targets, strict=True)):
        if windows > 1:
            state = state[:, 1 : windows * size + 1]
            target = target[:, 1:-1].reshape_as(state)
        weight = 2.0 if number == len(targets) - 1 else 0.5
        variance = target.float().var() if number == 0 else target[:: max(1, batch // 8)].var()
        distance = F.mse_loss(state, target).float() / variance.float()
        total = total + weight * distance
    hidden = states[-1].shape[2]
    pooled = state.reshape(batch * windows, -1, hidden).float().mean(1)
    wanted = target.reshape(batch * windows, -1, hidden).float().mean(1)
    apart = 1 - F.cosine_similarity(pooled, wanted).mean()
    parts = {"last": distance.detach(), "pooled": apart.detach()}
    return total + 20 * apart, parts


def options() -> argparse.ArgumentParser:
    """What a distillation can be told, but for what it starts from."""
    options = argparse.ArgumentParser(description=__doc__, add_help=False)
    options.add_argument("prepared", type=Path)
    options.add_argument("out", type=Path)
    options.add_argument("--seconds", type=float, default=0.0)
    options.add_argument("--steps", type=int, default=0, help="in place of seconds")
    options.add_argument("--tokens", type=int, default=131072, help="a step and GPU")
    options.add_argument("--rate", type=float, default=4e-4)
    options.add_argument("--mixer-rate", type=float, default=2e-3)
    options.add_argument("--muon-rate", type=float, default=0.0)
    options.add_argument("--long-from", type=float, default=0.65, help="share of the time")
    options.add_argument("--shift", default="input")
    options.add_argument("--angles", type=int, default=2)
    options.add_argument("--scales", type=int, default=8)
    options.add_argument("--compile", action="store_true")
    return options


def fresh(given: argparse.Namespace, weights: dict[str, np.ndarray]) -> Monarch:
    """A student that has learnt nothing yet beyond what it shares with its teacher."""
    model = Monarch(Config(shift=given.shift, angles=given.angles, scales=given.scales))
    start_from(model, weights)
    return model


def train(
    model: Monarch, weights: dict[str, np.ndarray], given: argparse.Namespace, world: World
) -> tuple[Monarch, dict]:
    """Trains a model, and gives the copy of it that computes, and notes for its checkpoint."""
    model.weigh.requires_grad_(False)
    model.to(world.device)
    world.same(model)
    half = world.computing(model, given.compile)
    half.weigh.requires_grad_(False)
    teacher = Teacher(weights, world.device, world.dtype)
    text = Text(given.prepared / "train", world.device, 100 + world.rank)
    optimisers = Optimisers(model, half, given.rate, given.mixer_rate, given.muon_rate)

    shared = np.random.default_rng(7)
    progress = Progress(given.seconds, given.steps, world)
    last = time.time()
    step = tokens = counted = 0
    while (done := progress.after(step)) < 1:
        lengths = LONG if done > given.long_from else SHORT
        length = int(shared.choice(list(lengths), p=list(lengths.values())))
        content = text.runs(max(1, given.tokens // length), length - 2)
        loss, parts = losses(half, teacher, content)
        loss.backward()
        world.average_gradients(half)
        optimisers.at(done)
        norm = optimisers.step(1.0)
        step += 1
        tokens += given.tokens * world.size
        if step % 50 == 0 and world.leads:
            now = time.time()
            speed = (tokens - counted) / (now - last) / 1e6
            last, counted = now, tokens
            print(
                f"step {step} {tokens / 1e6:.0f}M tokens {speed:.2f}M/s length {length} "
                f"loss {loss.item():.3f} last {parts['last'].item():.3f} "
                f"pooled {parts['pooled'].item():.4f} norm {norm.item():.2f}",
                flush=True,
            )
    if world.leads:
        peak = torch.cuda.max_memory_allocated() / 2**30
        print(f"distilled on {tokens / 1e6:.0f}M tokens in {step} steps, {peak:.0f} GiB at most")
    return half, {"stage": "distil", "tokens": tokens, "settings": str(vars(given))}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, parents=[options()])
    arguments.add_argument("--resume", type=Path)
    given = arguments.parse_args()
    world = World()
    torch.manual_seed(1)
    weights = read_teacher()
    model = checkpoint.load(given.resume)[0] if given.resume else fresh(given, weights)
    _, notes = train(model, weights, given, world)
    if world.leads:
        checkpoint.save(model, given.out, notes)
    world.close()


if __name__ == "__main__":
    main()
