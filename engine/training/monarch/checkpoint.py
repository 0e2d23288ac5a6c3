"""Checkpoints: one file of fp16 weights with the sizes of the model and what made it.

A bundle serves as one, too: its weights are the model's, and `shipped.json` beside this file keeps
the little that they do not tell.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from .model import Config, Monarch

SHIPPED = Path(__file__).resolve().parent / "shipped.json"


def save(model: Monarch, path: Path, notes: dict) -> None:
    """Writes a checkpoint. Exponents and kernels stay in float32: they are small and delicate."""
    state = {
        name: (value if _delicate(name) else value.half()).cpu()
        for name, value in model.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"config": model.config.as_dict(), "state": state, "notes": notes}, path)


def load(path: Path) -> tuple[Monarch, dict]:
    """Reads a checkpoint, or the bundle that is shipped, and what it says of itself."""
    if path.is_dir():
        return _from_bundle(path)
    held = torch.load(path, map_location="cpu", weights_only=True)
    model = Monarch(Config(**held["config"]))
    model.load_state_dict({name: value.float() for name, value in held["state"].items()})
    return model, held["notes"]


def save_shipped(model: Monarch, notes: dict) -> None:
    """Writes `shipped.json` for a bundle made of this model."""
    exponents = {name: value.tolist() for name, value in model.exponents.state_dict().items()}
    # One line each: there are thousands of numbers.
    ranges = {name: " ".join(map(str, values)) for name, values in notes["ranges"].items()}
    notes = notes | {"ranges": ranges}
    held = {"config": model.config.as_dict(), "exponents": exponents, "notes": notes}
    SHIPPED.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")


def _from_bundle(folder: Path) -> tuple[Monarch, dict]:
    from .teacher import read_weights

    held = json.loads(SHIPPED.read_text(encoding="utf-8"))
    weights = read_weights(folder)
    model = Monarch(Config(**held["config"]))
    state = {f"exponents.{name}": torch.tensor(v) for name, v in held["exponents"].items()}

    def put(name: str, values: np.ndarray) -> None:
        state[name] = torch.tensor(values)

    def norm(name: str, stored: str) -> None:
        put(f"{name}.weight", weights[f"{stored}.gamma"])
        put(f"{name}.bias", weights[f"{stored}.beta"])

    # The mean position was added to the word embeddings.
    put("embedding.weight", weights["embed.word"])
    state["position"] = torch.zeros(model.config.hidden)
    norm("embedding_norm", "embed.norm")
    put("weigh.weight", weights["weigh.weight"].T)
    put("weigh.bias", weights["weigh.bias"])
    kinds = 4 * model.config.states
    for index in range(model.config.layers):
        layer, stored = f"layers.{index}", f"layer{index}"
        coefficients = weights[f"{stored}.coefficients"]
        put(f"{layer}.convolution.coefficients", coefficients[:, :kinds])
        put(f"{layer}.convolution.local", coefficients[:, kinds:])
        if model.config.shift == "input":
            taps = [weights[f"{stored}.shift.{part}"] for part in ("left", "middle", "right")]
            put(f"{layer}.shift", np.stack(taps, 1))
        else:
            state[f"{layer}.shift"] = model.layers[index].shift.data
        parts = [f"{stored}.{part}" for part in ("gate", "inner", "value")]
        put(f"{layer}.into.weight", np.concatenate([weights[f"{p}.weight"].T for p in parts]))
        put(f"{layer}.into.bias", np.concatenate([weights[f"{p}.bias"] for p in parts]))
        for name, kept in (("out", "mixer"), ("up", "mlp.up"), ("down", "mlp.down")):
            put(f"{layer}.{name}.weight", weights[f"{stored}.{kept}.weight"].T)
            put(f"{layer}.{name}.bias", weights[f"{stored}.{kept}.bias"])
        norm(f"{layer}.mixer_norm", f"{stored}.mixer.norm")
        norm(f"{layer}.mlp_norm", f"{stored}.mlp.down.norm")
    model.load_state_dict(state)
    notes = held["notes"]
    ranges = {name: [*map(float, line.split())] for name, line in notes["ranges"].items()}
    return model, notes | {"ranges": ranges}


def _delicate(name: str) -> bool:
    return any(part in name for part in ("exponents", "coefficients", "local"))
