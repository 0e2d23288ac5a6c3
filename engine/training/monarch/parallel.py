"""One or several GPUs, one process each, started by torchrun or plainly."""

from __future__ import annotations

import os
import time

import torch
import torch.distributed as dist
from torch import Tensor, nn

from .model import Monarch


class World:
    """This process among those that train together."""

    def __init__(self) -> None:
        self.rank = int(os.environ.get("RANK", "0"))
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        local = int(os.environ.get("LOCAL_RANK", "0"))
        # Without a GPU everything runs too, if slowly: enough to try the code.
        self.device = torch.device("cpu")
        self.dtype = torch.float32
        if torch.cuda.is_available():
            self.device = torch.device("cuda", local)
            self.dtype = torch.bfloat16
            torch.cuda.set_device(self.device)
        if self.size > 1:
            dist.init_process_group("nccl", device_id=self.device)

    @property
    def leads(self) -> bool:
        """Whether this process prints and saves."""
        return self.rank == 0

    def computing(self, model: Monarch, compiled: bool) -> Monarch:
        """The copy of a model that computes here, in the device's fast type."""
        half = model.computing_in(self.dtype).to(self.device)
        if compiled:
            for layer in half.layers:
                layer.compile(dynamic=False)
        return half

    def average_gradients(self, model: nn.Module) -> None:
        """Replaces each gradient by its mean over all processes."""
        if self.size == 1:
            return
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat, op=dist.ReduceOp.AVG)
        at = 0
        for gradient in gradients:
            gradient.copy_(flat[at : at + gradient.numel()].view_as(gradient))
            at += gradient.numel()

    def gather(self, x: Tensor) -> Tensor:
        """Rows of all processes, in order of rank; gradients flow back to where each came from."""
        if self.size == 1:
            return x
        from torch.distributed.nn.functional import all_gather

        return torch.cat(all_gather(x.contiguous()))

    def same(self, model: nn.Module) -> None:
        """Makes all processes start from the first one's parameters."""
        if self.size > 1:
            for parameter in model.parameters():
                dist.broadcast(parameter.data, 0)

    def close(self) -> None:
        """Ends the processes' conversation."""
        if self.size > 1:
            dist.barrier()
            dist.destroy_process_group()


class Progress:
    """How far a training has come, by its steps where their number is given, else by the clock."""

    def __init__(self, seconds: float, steps: int, world: World) -> None:
        if not seconds and not steps:
            raise SystemExit("give --seconds or --steps")
        self.seconds, self.steps, self.world = seconds, steps, world
        self.done = torch.zeros(1, device=world.device)
        self.begin, self.now = time.time(), 0.0

    def after(self, step: int) -> float:
        """From 0 to 1, the same for all processes; the clock is read at every tenth step."""
        if self.steps:
            return step / self.steps
        if step % 10 == 0:
            self.done.fill_((time.time() - self.begin) / self.seconds)
            if self.world.size > 1:
                dist.broadcast(self.done, 0)
            self.now = self.done.item()
        return self.now
