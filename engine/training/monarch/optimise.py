"""The optimiser: Muon for dense weights inside the layers, AdamW for the rest, one schedule."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .model import Monarch


def orthogonalised(update: Tensor) -> Tensor:
    """The nearest semi-orthogonal matrix, by five Newton-Schulz steps (Jordan et al. 2024)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = update.bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x.T if tall else x).float()


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonal steps: all directions of a matrix learn at one rate."""

    def __init__(self, parameters: list[Tensor], rate: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": rate, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                held = state["momentum"]
                held.lerp_(parameter.grad, 1 - group["momentum"])
                update = orthogonalised(parameter.grad.lerp(held, group["momentum"]))
                scale = math.sqrt(max(1.0, parameter.shape[0] / parameter.shape[1]))
                parameter.add_(update, alpha=-group["lr"] * scale)


class Optimisers:
    """All parameters of `model`, in float32, with their rates, and `half`, the copy that computes.

    `at` sets how far the schedule has come.
    """

    def __init__(
        self, model: Monarch, half: Monarch, rate: float, mixer_rate: float, muon_rate: float
    ) -> None:
        self.pairs = list(zip(model.parameters(), half.parameters(), strict=True))
        dense, mixer, rest = [], [], []
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            inner = name.startswith("layers.") and parameter.dim() == 2
            if muon_rate and inner and ".convolution." not in name and ".shift" not in name:
                dense.append(parameter)
            elif any(part in name for part in (".convolution.", ".shift", ".into.", "exponents")):
                mixer.append(parameter)
            else:
                rest.append(parameter)
        groups = [{"params": mixer, "lr": mixer_rate}, {"params": rest, "lr": rate}]
        self.all = [
            torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.01, fused=True)
        ]
        if dense:
            self.all.append(Muon(dense, muon_rate))
        self.rates = [[group["lr"] for group in each.param_groups] for each in self.all]

    def at(self, done: float, warm: float = 0.02, final: float = 0.02) -> None:
        """Linear warm-up, then cosine down to `final`; `done` runs from 0 to 1."""
        if done < warm:
            factor = done / warm
        else:
            swing = 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))
            factor = final + (1 - final) * swing
        for each, rates in zip(self.all, self.rates, strict=True):
            for group, rate in zip(each.param_groups, rates, strict=True):
                group["lr"] = rate * max(factor, 1e-4)

    @torch.no_grad()
    def step(self, most: float) -> Tensor:
        """Moves `model` along the gradients of `half`, cut to a norm of `most`; returns it."""
        used = [(whole, half) for whole, half in self.pairs if half.grad is not None]
        for whole, half in used:
            whole.grad = half.grad.float()
            half.grad = None
        norm = torch.nn.utils.clip_grad_norm_([whole for whole, _ in used], most)
        for each in self.all:
            each.step()
            each.zero_grad(set_to_none=True)
        for whole, half in used:
            half.copy_(whole)
        return norm
