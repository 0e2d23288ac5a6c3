"""The tiny bundle that reads documents in windows, and its goldens.

Its weights are random, its graphs come from the writer of MiniLM's: one for sequences of equal
length and one that takes a mask. What they should give comes from `reference.py`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from bundle_format import WeightsFile, fingerprint, write_manifest
from fixed_random import FixedRandom
from golden_json import ids_sha256, rounded, write_json
from golden_texts import TEXTS
from long_text import LONG_FILE, cut_passages, long_text
from minilm_graph import Shape, Variant, build, collect_weights
from reference import Bert, Windowing, encode_document, load_tokenizer
from tiny_text import PAD_ID, PREFIX_IDS, SUFFIX_IDS, write_tokenizer

SHAPE = Shape(layers=2, heads=4, hidden=32)
WIDE = 64
# Longer than what the engine calls short and gives to the graph with a mask on a GPU.
MAX_TOKENS = 300
WINDOW_TOKENS = MAX_TOKENS - len(PREFIX_IDS) - len(SUFFIX_IDS)
# The long text has six sections.
SECTION_TOKENS = 40 * WINDOW_TOKENS
WINDOWING = Windowing(PREFIX_IDS, SUFFIX_IDS, WINDOW_TOKENS, SECTION_TOKENS)
GRAPHS = (
    ("model.onnx", Variant(half=False, masked=False)),
    ("model-masked.onnx", Variant(half=False, masked=True)),
)


def make_weights(vocabulary: int) -> dict[str, np.ndarray]:
    """A random BERT checkpoint, all of it already rounded to what fp16 can hold."""
    random = FixedRandom(384)
    tensors = {}

    def add(name: str, shape: tuple[int, ...], scale: float, around: float = 0.0) -> None:
        # In steps of 2^-9, so that the sum of position and type is exact in fp16 too.
        values = np.round((random.uniform(shape, scale) + around) * 512) / 512
        tensors[name] = values.astype(np.float32)

    def dense(name: str, outputs: int, inputs: int, scale: float) -> None:
        add(f"{name}.weight", (outputs, inputs), scale)
        add(f"{name}.bias", (outputs,), 0.2)

    def norm(name: str) -> None:
        add(f"{name}.weight", (SHAPE.hidden,), 0.3, around=1.0)
        add(f"{name}.bias", (SHAPE.hidden,), 0.2)

    add("embeddings.word_embeddings.weight", (vocabulary, SHAPE.hidden), 1.0)
    add("embeddings.position_embeddings.weight", (MAX_TOKENS, SHAPE.hidden), 0.5)
    add("embeddings.token_type_embeddings.weight", (2, SHAPE.hidden), 0.3)
    norm("embeddings.LayerNorm")
    for layer in range(SHAPE.layers):
        name = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            dense(f"{name}.attention.self.{part}", SHAPE.hidden, SHAPE.hidden, 0.4)
        dense(f"{name}.attention.output.dense", SHAPE.hidden, SHAPE.hidden, 0.4)
        norm(f"{name}.attention.output.LayerNorm")
        dense(f"{name}.intermediate.dense", WIDE, SHAPE.hidden, 0.3)
        dense(f"{name}.output.dense", SHAPE.hidden, WIDE, 0.3)
        norm(f"{name}.output.LayerNorm")
    return tensors


def manifest_fields(vocabulary: int) -> dict:
    """The manifest without what `write_manifest` adds."""
    return {
        "name": "tiny-windows",
        "description": f"Random weights, for tests: reads windows of {WINDOW_TOKENS} tokens",
        "licence": "MIT OR Apache-2.0",
        "source": "engine/training/export_tiny.py",
        "dimensions": SHAPE.hidden,
        "vocabulary": vocabulary,
        "tokenizer": "tokenizer.json",
        "special": {"prefix_ids": PREFIX_IDS, "suffix_ids": SUFFIX_IDS, "pad_id": PAD_ID},
        "query_prefix": "",
        "document_prefix": "",
        "pooling": "mean",
        "normalize": True,
        "mode": {"kind": "windows", "window_tokens": WINDOW_TOKENS, "overlap_tokens": 0},
        "section_tokens": SECTION_TOKENS,
        "graphs": [
            {
                "file": file_name,
                "precision": "fp32",
                "devices": ["cpu", "cuda"],
                "masked": variant.masked,
                "max_tokens": MAX_TOKENS,
                "inputs": ["input_ids", "attention_mask"] if variant.masked else ["input_ids"],
                "output": "token_vectors",
            }
            for file_name, variant in GRAPHS
        ],
    }


def short_golden(model: Bert, tokenizer: Tokenizer, name: str, text: str) -> dict:
    """A text without passages; some are longer than one window of these tokens."""
    document = encode_document(model, tokenizer, text, [], WINDOWING)
    return {
        "name": name,
        "text": text,
        "ids": document.ids.tolist(),
        "windows": document.sections[0].windows,
        "vector": rounded(document.vector),
    }


def long_golden(model: Bert, tokenizer: Tokenizer, text: str) -> dict:
    """The long document: its vector, its sections and its passages."""
    passages = cut_passages(text, seed=7)
    document = encode_document(model, tokenizer, text, passages, WINDOWING)
    return {
        "file": LONG_FILE,
        "tokens": len(document.ids),
        "ids_sha256": ids_sha256(document.ids),
        "vector": rounded(document.vector),
        "sections": [
            {
                "first_passage": section.first_passage,
                "end_passage": section.end_passage,
                "tokens": section.tokens,
                "windows": section.windows,
                "mean": rounded(section.mean),
            }
            for section in document.sections
        ],
        "passages": [
            {"start": start, "end": end, "tokens": tokens, "vector": rounded(vector)}
            for (start, end), (tokens, vector) in zip(passages, document.passages, strict=True)
        ],
    }


def export(bundle: Path, golden: Path) -> dict:
    """Writes the bundle and its goldens, and returns the manifest."""
    shutil.rmtree(bundle, ignore_errors=True)
    bundle.mkdir(parents=True)
    vocabulary = write_tokenizer(bundle)
    tensors = make_weights(vocabulary)
    weights = WeightsFile("weights.bin")
    collect_weights(tensors, SHAPE, weights)
    weights.write(bundle)
    for file_name, variant in GRAPHS:
        model = build(variant, SHAPE, weights)
        (bundle / file_name).write_bytes(model.SerializeToString(deterministic=True))
    manifest = write_manifest(bundle, manifest_fields(vocabulary))

    # In 64 bits, so that the same digits come out on every machine.
    tensors = {name: values.astype(np.float64) for name, values in tensors.items()}
    model = Bert(tensors, SHAPE.heads, SHAPE.epsilon)
    tokenizer = load_tokenizer(bundle / "tokenizer.json")
    goldens = {
        "fingerprint": fingerprint(manifest),
        "texts": [short_golden(model, tokenizer, name, text) for name, text in TEXTS.items()],
        "long": long_golden(model, tokenizer, long_text()),
    }
    golden.parent.mkdir(parents=True, exist_ok=True)
    write_json(golden, goldens)
    return manifest
