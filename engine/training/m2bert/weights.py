"""From the tensors of a checkpoint to a bundle's weights file, in the layout of the graph."""

from __future__ import annotations

import numpy as np

from bundle_format import WeightsFile

from . import convolution
from .checkpoint import Config

# The steps of the filters' networks that have a bias; sines stand between them.
_FILTER_STEPS = (0, 2, 4)
_FILTER_LAST = 6


def collect(config: Config, tensors: dict[str, np.ndarray]) -> WeightsFile:
    """The weights file of a checkpoint. Raises ValueError if a tensor is missing.

    What fp16 holds as it is, is stored so, as is everything in the published checkpoints that was
    bfloat16; the rest in fp32: twelve layers would multiply what rounding it took. The filters are
    fp32 in any case: an angle of hundreds of radians leaves no digit of theirs to spare.
    """
    weights = WeightsFile("weights.bin")
    try:
        _collect(config, tensors, weights)
    except KeyError as error:
        raise ValueError(f"the checkpoint has no {error}") from None
    return weights


def _collect(config: Config, tensors: dict[str, np.ndarray], weights: WeightsFile) -> None:
    def plain(name: str, values: np.ndarray) -> None:
        with np.errstate(over="ignore"):
            rounded = values.astype(np.float16)
        exact = np.array_equal(rounded.astype(np.float32), values)
        weights.add(name, rounded if exact else values.astype(np.float32))

    def norm(name: str, source: str) -> None:
        plain(f"{name}.gamma", tensors[f"{source}.weight"])
        plain(f"{name}.beta", tensors[f"{source}.bias"])

    def dense(name: str, source: str, rows: slice = slice(None)) -> None:
        plain(f"{name}.weight", tensors[f"{source}.weight"][rows].T)
        plain(f"{name}.bias", tensors[f"{source}.bias"][rows])

    plain("embed.word", tensors["embeddings.word_embeddings.weight"])
    # The token type is always 0 here.
    plain("embed.type", tensors["embeddings.token_type_embeddings.weight"][0])
    if config.positions:
        plain("embed.position", tensors["embeddings.position_embeddings.weight"])
    norm("embed.norm", "embeddings.LayerNorm")
    convolution.collect_weights(config.tokens, weights)
    for index in range(config.layers):
        source, layer = f"encoder.layer.{index}", f"layer{index}"
        mixer = f"{source}.attention"
        taps = tensors[f"{mixer}.short_filter.weight"][:, 0]
        for number, part in enumerate(("x1", "x2", "v")):
            rows = slice(number * config.hidden, (number + 1) * config.hidden)
            dense(f"{layer}.{part}", f"{mixer}.in_linear", rows)
            for tap in range(3):
                plain(f"{layer}.{part}.taps.{tap}", taps[rows, tap])
            plain(f"{layer}.{part}.taps.bias", tensors[f"{mixer}.short_filter.bias"][rows])
        _collect_filter(config, tensors, f"{mixer}.filter_fn", f"{layer}.long", weights)
        if config.residual:
            _collect_filter(config, tensors, f"{mixer}.filter_fn2", f"{layer}.residual", weights)
        dense(f"{layer}.out", f"{mixer}.out_linear")
        for name, stored in (("gated_layers", "up"), ("wo", "down")):
            blocks = tensors[f"{source}.mlp.{name}.weight"]
            for part, block in enumerate(blocks if blocks.ndim == 3 else blocks[None]):
                plain(f"{layer}.{stored}.{part}.weight", block.T)
        plain(f"{layer}.down.bias", tensors[f"{source}.mlp.wo.bias"])
        norm(f"{layer}.norm", f"{source}.mlp.layernorm")
    if config.pooling != "token":
        dense("pooler", "pooler.dense")


def _collect_filter(
    config: Config, tensors: dict[str, np.ndarray], source: str, name: str, weights: WeightsFile
) -> None:
    """One long convolution's implicit filter, in fp32."""

    def single(part: str, values: np.ndarray) -> None:
        weights.add(f"{name}.{part}", values.astype(np.float32))

    single("features", tensors[f"{source}.pos_emb.z"][0])
    single("time", tensors[f"{source}.pos_emb.t"][0])
    single("rate", -np.abs(tensors[f"{source}.modulation.deltas"][0]))
    single("direct", tensors[f"{source}.bias"])
    # One module stands after each step of both networks, so its frequencies are one tensor.
    single("frequency", config.frequency * tensors[f"{source}.implicit_filter.1.freq"])
    for direction, network in (("ahead", "implicit_filter"), ("back", "implicit_filter_rev")):
        for number, step in enumerate(_FILTER_STEPS):
            single(f"{direction}.{number}.weight", tensors[f"{source}.{network}.{step}.weight"].T)
            single(f"{direction}.{number}.bias", tensors[f"{source}.{network}.{step}.bias"])
        last = tensors[f"{source}.{network}.{_FILTER_LAST}.weight"]
        single(f"{direction}.3.weight", last.T)
