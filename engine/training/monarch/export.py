"""Builds the bundle `monarch-32k-384` from a checkpoint.

python -m monarch.export CHECKPOINT.pt [BUNDLE_FOLDER]
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from bundle_format import WeightsFile, describe, write_manifest

from . import checkpoint
from .graph import SHORT, Sizes, Variant, build, collect_basis
from .integers import input_of, quantised, steps_of
from .model import Monarch

HERE = Path(__file__).resolve().parent
ENCODERS = HERE.parents[1] / "encoders"
# The teacher's, which the bundle has had from the start.
TOKENIZER = ENCODERS / "monarch-32k-384" / "tokenizer.json"
TEXTS = HERE.parent / "monarch-texts"
EXACT_FOLDER = HERE.parents[1] / "tests" / "monarch-fp32"
MAX_TOKENS = 32768
# Tokens that neighbouring sequences of a longer document share (RUNS.md).
OVERLAP = 2048
# A section of such a document: four sequences.
SECTION_TOKENS = 4 * (MAX_TOKENS - 2) - 3 * OVERLAP
CHUNK = 128

GRAPHS = (
    ("model-int8-short.onnx", Variant(half=False, short=True, pooled=True, int8=True), "cpu"),
    ("model-int8.onnx", Variant(half=False, short=False, pooled=True, int8=True), "cpu"),
    ("model-fp16-short.onnx", Variant(half=True, short=True, pooled=True), "cuda"),
    ("model-fp16.onnx", Variant(half=True, short=False, pooled=True), "cuda"),
)
# Measured in ONNX Runtime with its arena (RUNS.md), and rounded up.
MEMORY = {
    "int8": {"run_bytes": 64_000_000, "token_bytes": 16_000},
    "fp16": {"run_bytes": 110_000_000, "token_bytes": 15_500},
}
# What the graphs in integers are compared with in the engine's tests.
EXACT = (
    ("model-short.onnx", Variant(half=False, short=True, pooled=True), "cpu"),
    ("model.onnx", Variant(half=False, short=False, pooled=True), "cpu"),
)


def buckets() -> list[int]:
    """Padded lengths: up to SHORT in eights, then whole chunks, at most an eighth apart."""
    found = list(range(8, SHORT + 1, 8))
    size = CHUNK
    while size < MAX_TOKENS:
        found.append(size)
        size += max(CHUNK, size // 8 // CHUNK * CHUNK)
    return [*found, MAX_TOKENS]


def sizes_of(model: Monarch) -> Sizes:
    """The sizes of the graphs."""
    config = model.config
    if config.shift == "projections":
        raise ValueError("a filter on the projections is not exported")
    return Sizes(
        hidden=config.hidden,
        layers=config.layers,
        states=config.states,
        taps=config.taps,
        chunk=CHUNK,
        max_tokens=MAX_TOKENS,
        epsilon=config.epsilon,
        shift=config.shift == "input",
        unlike=config.unlike,
        even=config.even,
    )


@torch.no_grad()
def collect_weights(model: Monarch, ranges: dict, sizes: Sizes, weights: WeightsFile) -> None:
    """Adds a model to a weights file, in fp16 and in the layout that the graphs use. `ranges` is
    what `calibrate` found."""

    def half(name: str, values: torch.Tensor | np.ndarray) -> None:
        weights.add(name, np.ascontiguousarray(np.asarray(values)).astype(np.float16))

    def norm(name: str, layer: torch.nn.LayerNorm) -> None:
        half(f"{name}.gamma", layer.weight)
        half(f"{name}.beta", layer.bias)

    half("embed.word", model.embedding.weight + model.position)
    norm("embed.norm", model.embedding_norm)
    half("weigh.weight", model.weigh.weight.T)
    half("weigh.bias", model.weigh.bias)
    half("weigh.low", np.array(-6.0))
    half("weigh.high", np.array(6.0))
    add_basis(model, sizes, weights)
    for index, layer in enumerate(model.layers):
        name = f"layer{index}"
        kinds = torch.cat([layer.convolution.coefficients, layer.convolution.local], 1)
        half(f"{name}.coefficients", kinds)
        if sizes.shift:
            for tap, part in enumerate(("left", "middle", "right")):
                half(f"{name}.shift.{part}", layer.shift[:, tap])
        for part, weight, bias in zip(
            ("gate", "inner", "value"),
            layer.into.weight.chunk(3),
            layer.into.bias.chunk(3),
            strict=True,
        ):
            half(f"{name}.{part}.weight", weight.T)
            half(f"{name}.{part}.bias", bias)
        half(f"{name}.mixer.weight", layer.out.weight.T)
        half(f"{name}.mixer.bias", layer.out.bias)
        norm(f"{name}.mixer.norm", layer.mixer_norm)
        half(f"{name}.mlp.up.weight", layer.up.weight.T)
        half(f"{name}.mlp.up.bias", layer.up.bias)
        half(f"{name}.mlp.down.weight", layer.down.weight.T)
        half(f"{name}.mlp.down.bias", layer.down.bias)
        norm(f"{name}.mlp.down.norm", layer.mlp_norm)
    add_integers(ranges, sizes.layers, weights)


def add_integers(ranges: dict, layers: int, weights: WeightsFile) -> None:
    """What the graphs in integers compute with, made of the fp16 weights that were added."""
    maps = input_of(layers)
    for source in dict.fromkeys(maps.values()):
        names = [name for name, of in maps.items() if of == source]
        dense = {n: weights.values(f"{n}.weight").astype(np.float32) for n in names}
        steps = steps_of(np.array(ranges[source], np.float32), list(dense.values()))
        weights.add(f"{source}.inverse", (1 / steps).astype(np.float32))
        for name, weight in dense.items():
            integers, scale = quantised(weight, steps)
            weights.add(f"{name}.int8", integers)
            weights.add(f"{name}.scale", scale)


def add_basis(model: Monarch, sizes: Sizes, weights: WeightsFile) -> None:
    """What the kernels are made of, from the model's own definitions."""
    states, taps, chunk = sizes.states, sizes.taps, sizes.chunk
    kinds = 4 * states + 2 * taps + 1
    basis = model.exponents(chunk, 2)
    short = model.exponents(SHORT, 1).near.view(kinds, SHORT, SHORT)
    # `LongConvolution.out` is linear in the coefficients: unit vectors show its matrix.
    probe = model.layers[0].convolution
    held = probe.coefficients.data, probe.local.data
    unit = torch.eye(kinds)
    probe.coefficients.data, probe.local.data = unit[:, : 4 * states], unit[:, 4 * states :]
    out = probe.out(basis)
    probe.coefficients.data, probe.local.data = held
    lags = chunk * torch.arange(sizes.max_tokens // chunk).float()
    collect_basis(
        weights,
        sizes,
        near=basis.near.view(kinds, chunk, chunk).numpy(),
        short=short.numpy(),
        out=out.numpy(),
        into=basis.into.numpy(),
        carry=[part.numpy() for part in model.exponents.powers(lags)],
    )


def export(model: Monarch, ranges: dict, bundle: Path, graphs: tuple = GRAPHS) -> dict:
    """Writes a bundle and returns its manifest. An earlier bundle in its place is replaced, once
    all of the new one is written: it holds the only copy of the tokenizer."""
    fresh = bundle.with_name(f"{bundle.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    sizes = sizes_of(model)
    weights = WeightsFile("weights.bin")
    collect_weights(model, ranges, sizes, weights)
    weights.write(fresh)
    for file_name, variant, _ in graphs:
        graph = build(variant, sizes, weights)
        (fresh / file_name).write_bytes(graph.SerializeToString(deterministic=True))
    shutil.copyfile(TOKENIZER, fresh / "tokenizer.json")
    if TEXTS.is_dir():
        for text in sorted(TEXTS.iterdir()):
            shutil.copyfile(text, fresh / text.name)
    manifest = write_manifest(fresh, manifest_fields(model, graphs))
    shutil.rmtree(bundle, ignore_errors=True)
    fresh.rename(bundle)
    return manifest


def export_exact(model: Monarch, ranges: dict, folder: Path) -> None:
    """Writes what a bundle of the same weights has otherwise where it computes in fp32: its graphs
    and its manifest."""
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "bundle"
        export(model, ranges, whole, EXACT)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("manifest.json", *(file_name for file_name, _, _ in EXACT)):
            shutil.copyfile(whole / name, folder / name)


def manifest_fields(model: Monarch, graphs: tuple) -> dict:
    """The manifest without what `write_manifest` adds."""
    return {
        "name": "monarch-32k-384",
        "description": "English encoder without attention; reads 32,768 tokens whole",
        "licence": "Apache-2.0",
        "source": "engine/training/monarch, distilled from all-MiniLM-L6-v2",
        "dimensions": model.config.hidden,
        "vocabulary": model.config.vocabulary,
        "tokenizer": "tokenizer.json",
        "special": {"prefix_ids": [101], "suffix_ids": [102], "pad_id": 0},
        "query_prefix": "",
        "document_prefix": "",
        "pooling": "mean",
        "normalize": True,
        "mode": {
            "kind": "whole",
            "max_tokens": MAX_TOKENS,
            "buckets": buckets(),
            "overlap_tokens": OVERLAP,
        },
        "section_tokens": SECTION_TOKENS,
        "graphs": [
            {
                "file": file_name,
                "precision": variant.precision,
                "devices": [device],
                "masked": True,
                "max_tokens": SHORT if variant.short else MAX_TOKENS,
                "inputs": ["input_ids", "lengths"]
                + (["span_starts", "span_ends"] if variant.pooled else []),
                "output": "span_sums" if variant.pooled else "token_vectors",
                "document_output": "document_vectors",
                **({"memory": MEMORY[variant.precision]} if variant.precision in MEMORY else {}),
            }
            for file_name, variant, device in graphs
        ],
    }


def main() -> None:
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    model, notes = checkpoint.load(Path(sys.argv[1]))
    bundle = Path(sys.argv[2]) if len(sys.argv) == 3 else ENCODERS / "monarch-32k-384"
    if "ranges" not in notes:
        sys.exit(f"{sys.argv[1]}: run monarch.calibrate on it first")
    manifest = export(model, notes["ranges"], bundle)
    export_exact(model, notes["ranges"], EXACT_FOLDER)
    kept = {name: notes[name] for name in ("stage", "ranges")}
    checkpoint.save_shipped(model, kept)
    print(describe(bundle, manifest))


if __name__ == "__main__":
    main()
