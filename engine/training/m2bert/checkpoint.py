"""Reading M2-BERT checkpoints as they are published: `config.json` beside one file of weights.

The sizes come from the tensors themselves. The configuration is asked for what tensors do not tell,
and refused where it asks for something that the published retrieval models do not have.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

WEIGHTS = ("pytorch_model.bin", "model.bin", "model.safetensors")

# Trainers and wrappers of several kinds leave their names before those of the model.
_NAME = re.compile(r"(?:(?:module|model|bert)\.)*((?:embeddings|encoder|pooler)\..+)")

# What a field must be where it is there: any other value is another model.
_EXPECTED = {
    "monarch_mixer_sequence_mixing": True,
    "bidirectional": True,
    "use_glu_mlp": True,
    "hyena_training_additions": False,
    "sequence_token_planting": False,
    "attention_pooling": False,
    "expand_positional_embeddings": False,
    "hidden_act": "gelu",
}


@dataclass(frozen=True)
class Config:
    """What an M2-BERT retrieval model's graph depends on."""

    layers: int
    hidden: int
    tokens: int
    """The length that every text is padded to."""
    vocabulary: int
    blocks: int
    """On the diagonal of the MLP's matrices."""
    positions: bool
    """A vector for each position is added to its token's."""
    residual: bool
    """A second long convolution, of the layer's raw input, in place of the usual residual."""
    frequency: float
    """What the sines of the filters are scaled by beside their own frequencies."""
    epsilon: float
    pooling: str
    """`cls`: the first token through the pooler; `mean`: the mean of all but the padding through
    it; `token`: the first token as it is."""


def read(folder: Path) -> tuple[Config, dict[str, np.ndarray]]:
    """A checkpoint's configuration and its tensors in fp32, named as inside the encoder.

    Raises ValueError if it is another kind of model, or not complete.
    """
    given = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for field, value in _EXPECTED.items():
        if given.get(field, value) != value:
            raise ValueError(f"config.json: {field} is {given[field]}, which is not supported")
    tensors = _tensors(folder)
    return _config(given, tensors), tensors


def _tensors(folder: Path) -> dict[str, np.ndarray]:
    found = [folder / name for name in WEIGHTS if (folder / name).is_file()]
    if not found:
        raise ValueError(f"{folder} holds none of {', '.join(WEIGHTS)}")
    try:
        if found[0].suffix == ".safetensors":
            state = load_file(found[0])
        else:
            state = torch.load(found[0], map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, UnpicklingError, SafetensorError) as error:
        raise ValueError(f"{found[0]} cannot be read: {error}") from error
    # Trainers keep the model's state among their own.
    while not any(_NAME.fullmatch(name) for name in state):
        inner = next((state[key] for key in ("state", "model", "module") if key in state), None)
        if not isinstance(inner, dict):
            raise ValueError(f"{found[0]} holds no encoder")
        state = inner
    named = ((_NAME.fullmatch(name), value) for name, value in state.items())
    return {match[1]: value.float().numpy() for match, value in named if match}


def _config(given: dict, tensors: dict[str, np.ndarray]) -> Config:
    try:
        words = tensors["embeddings.word_embeddings.weight"]
        features = tensors["encoder.layer.0.attention.filter_fn.pos_emb.z"]
        gated = tensors["encoder.layer.0.mlp.gated_layers.weight"]
    except KeyError as error:
        raise ValueError(f"the checkpoint has no {error}: it is not an M2-BERT") from None
    tokens = features.shape[1]
    positions = tensors.get("embeddings.position_embeddings.weight")
    if positions is not None and len(positions) != tokens:
        raise ValueError(f"{len(positions)} positions do not fit filters of {tokens} tokens")
    blocks = gated.shape[0] if gated.ndim == 3 else 1
    if blocks > 1 and blocks % 2:
        raise ValueError(f"an odd number of blocks, {blocks}, is not supported")
    layers = {name.split(".")[2] for name in tensors if name.startswith("encoder.layer.")}
    pooling = "mean" if given.get("pool_all") else "cls"
    if given.get("use_cls_token"):
        pooling = "token"
    return Config(
        layers=len(layers),
        hidden=words.shape[1],
        tokens=tokens,
        vocabulary=len(words),
        blocks=blocks,
        positions=positions is not None,
        residual="encoder.layer.0.attention.filter_fn2.pos_emb.z" in tensors,
        frequency=given.get("hyena_w_mod", 1),
        epsilon=given.get("layer_norm_eps", 1e-12),
        pooling=pooling,
    )
