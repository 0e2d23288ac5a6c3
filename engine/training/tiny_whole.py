"""The tiny bundle that reads documents whole, and its goldens.

Its weights are random: the vectors mean nothing, but they depend on everything that a long-context
encoder's do: on a token's neighbours, on the whole section and on no padding.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from tokenizers import Tokenizer

from bundle_format import WeightsFile, fingerprint, write_manifest
from fixed_random import FixedRandom
from golden_json import rounded, write_json
from reference import cut_sections, load_tokenizer, tokenize, unit
from tiny_text import PAD_ID, PREFIX_IDS, SUFFIX_IDS, make_text, write_tokenizer

DIMENSIONS = 16
WIDE = 32
BUCKETS = [16, 32, 64, 128]
MAX_TOKENS = BUCKETS[-1]
SHORT_TOKENS = 32
SECTION_TOKENS = MAX_TOKENS - len(PREFIX_IDS) - len(SUFFIX_IDS)
QUERY_PREFIX = "find "


def make_weights(vocabulary: int) -> dict[str, np.ndarray]:
    """Random weights, already rounded to what fp16 can hold."""
    random = FixedRandom(16)
    shapes = {
        "embed": ((vocabulary, DIMENSIONS), 1.0),
        "in.weight": ((DIMENSIONS, WIDE), 0.5),
        "in.bias": ((WIDE,), 0.2),
        "taps": ((3, DIMENSIONS), 0.8),
        "out.weight": ((DIMENSIONS, DIMENSIONS), 0.5),
        "global.weight": ((DIMENSIONS, DIMENSIONS), 0.8),
        "head.weight": ((DIMENSIONS, DIMENSIONS), 0.6),
        "head.bias": ((DIMENSIONS,), 0.2),
    }
    return {
        name: random.uniform(shape, scale).astype(np.float16)
        for name, (shape, scale) in shapes.items()
    }


def build(weights: WeightsFile, names: list[str], pooled: bool) -> onnx.ModelProto:
    """The graph: a gated convolution of three taps, a mix with the mean of the section, a layer.

    It takes an attention_mask and gives token vectors or, `pooled`, takes lengths and spans and
    gives the sums of the token vectors over the spans.
    """
    nodes: list[onnx.NodeProto] = []
    initializers = [weights.initializer(name) for name in names]

    def op(kind: str, inputs: list[str], output: str, **attributes) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(name: str, values: list[int]) -> str:
        initializers.append(helper.make_tensor(name, TensorProto.INT64, [len(values)], values))
        return name

    w = {name: op("Cast", [name], f"{name}.fp32", to=TensorProto.FLOAT) for name in names[1:]}
    last, second = constant("axis.last", [2]), constant("axis.tokens", [1])
    if pooled:
        for name, value in (("scalar.0", 0), ("scalar.1", 1)):
            initializers.append(helper.make_tensor(name, TensorProto.INT64, [], [value]))
        size = op("Squeeze", [op("Shape", ["input_ids"], "size", start=1, end=2)], "size.scalar")
        at = op("Range", ["scalar.0", size, "scalar.1"], "at")
        column = op("Unsqueeze", ["lengths", second], "lengths.column")
        mask = op("Cast", [op("Less", [at, column], "live")], "mask.flat", to=TensorProto.FLOAT)
    else:
        mask = op("Cast", ["attention_mask"], "mask.flat", to=TensorProto.FLOAT)
    mask = op("Unsqueeze", [mask, last], "mask")
    rows = op("Gather", [names[0], "input_ids"], "embed.rows")
    rows = op("Cast", [rows], "embed.fp32", to=TensorProto.FLOAT)
    hidden = op("Mul", [rows, mask], "hidden")

    wide = op("Add", [op("MatMul", [hidden, w["in.weight"]], "in"), w["in.bias"]], "in.biased")
    zero, middle, end = (
        constant("at.0", [0]),
        constant("at.16", [DIMENSIONS]),
        constant("at.32", [WIDE]),
    )
    gate = op("Sigmoid", [op("Slice", [wide, zero, middle, last], "gate.in")], "gate")
    value = op("Mul", [op("Slice", [wide, middle, end, last], "value.all"), mask], "value")
    padded = op("Pad", [value, constant("pads", [0, 1, 0, 0, 1, 0])], "value.padded")
    starts = [zero, constant("at.1", [1]), constant("at.2", [2])]
    ends = [constant("at.-2", [-2]), constant("at.-1", [-1]), constant("at.end", [2**31 - 1])]
    taps = []
    for tap, (start, stop) in enumerate(zip(starts, ends, strict=True)):
        shifted = op("Slice", [padded, start, stop, second], f"tap{tap}.value")
        weight = op("Gather", [w["taps"], constant(f"tap{tap}.at", [tap])], f"tap{tap}.weight")
        taps.append(op("Mul", [shifted, weight], f"tap{tap}"))
    mixed = op("Mul", [gate, op("Sum", taps, "taps.sum")], "mixed")
    hidden = op("Add", [hidden, op("MatMul", [mixed, w["out.weight"]], "out")], "mixer.out")
    hidden = op("Mul", [hidden, mask], "mixer.masked")

    total = op("ReduceSum", [hidden, second], "global.sum", keepdims=1)
    mean = op("Div", [total, op("ReduceSum", [mask, second], "counts", keepdims=1)], "global.mean")
    hidden = op("Add", [hidden, op("MatMul", [mean, w["global.weight"]], "global")], "global.out")
    head = op("Add", [op("MatMul", [hidden, w["head.weight"]], "head"), w["head.bias"]], "head.in")
    vectors = op("Tanh", [head], "token_vectors")
    sizes = {"input_ids": ["batch", "tokens"], "attention_mask": ["batch", "tokens"]}
    output_sizes = ["batch", "tokens", DIMENSIONS]
    if pooled:
        rows = op("Reshape", [vectors, constant("rows.shape", [-1, DIMENSIONS])], "rows")
        count = op("Squeeze", [op("Shape", [rows], "count", start=0, end=1)], "count.scalar")
        at = op("Range", ["scalar.0", count, "scalar.1"], "rows.numbers")
        first = op("Unsqueeze", ["span_starts", second], "spans.first")
        end = op("Unsqueeze", ["span_ends", second], "spans.end")
        begun = op("GreaterOrEqual", [at, first], "spans.begun")
        inside = op("And", [begun, op("Less", [at, end], "spans.going")], "spans.inside")
        op(
            "MatMul",
            [op("Cast", [inside], "spans.matrix", to=TensorProto.FLOAT), rows],
            "span_sums",
        )
        sizes = {
            "input_ids": ["batch", "tokens"],
            "lengths": ["batch"],
            "span_starts": ["spans"],
            "span_ends": ["spans"],
        }
        output_sizes = ["spans", DIMENSIONS]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, shape)
        for name, shape in sizes.items()
    ]
    name = "span_sums" if pooled else "token_vectors"
    output = helper.make_tensor_value_info(name, TensorProto.FLOAT, output_sizes)
    return helper.make_model(
        helper.make_graph(nodes, "tiny", inputs, [output], initializers),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
        producer_name="lsearch",
    )


def token_vectors(weights: dict[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
    """What the graph should give for one sequence without padding: [tokens, DIMENSIONS]."""
    w = {name: values.astype(np.float64) for name, values in weights.items()}
    hidden = w["embed"][ids]
    wide = hidden @ w["in.weight"] + w["in.bias"]
    gate, value = 1 / (1 + np.exp(-wide[:, :DIMENSIONS])), wide[:, DIMENSIONS:]
    padded = np.pad(value, ((1, 1), (0, 0)))
    mixed = gate * sum(w["taps"][tap] * padded[tap : tap + len(ids)] for tap in range(3))
    hidden = hidden + mixed @ w["out.weight"]
    hidden = hidden + hidden.mean(axis=0) @ w["global.weight"]
    return np.tanh(hidden @ w["head.weight"] + w["head.bias"])


def sequence(ids: np.ndarray) -> np.ndarray:
    """Content ids with the specials around them."""
    return np.concatenate([PREFIX_IDS, ids, SUFFIX_IDS]).astype(np.int64)


def bucket_of(tokens: int) -> int:
    """The length to which a sequence is padded."""
    return next(bucket for bucket in BUCKETS if bucket >= tokens)


def short_golden(weights: dict, tokenizer: Tokenizer, name: str, text: str, prefix: str) -> dict:
    """A text that fits one sequence, as a document (no prefix) or as a query."""
    ids, _ = tokenize(tokenizer, prefix + text)
    full = sequence(ids)
    vector = unit(token_vectors(weights, full).mean(axis=0))
    return {
        "name": name,
        "text": text,
        "ids": ids.tolist(),
        "bucket": bucket_of(len(full)),
        "vector": rounded(vector),
    }


def long_golden(weights: dict, tokenizer: Tokenizer, text: str) -> dict:
    """A document of several sections, cut between passages (here: paragraphs)."""
    ids, starts = tokenize(tokenizer, text)
    if not text.isascii():
        raise ValueError("character and byte offsets must agree here")
    passages, at = [], 0
    for part in text.rstrip("\n").split("\n\n"):
        passages.append((at, at + len(part)))
        at += len(part) + 2
    inside = [np.flatnonzero((starts >= start) & (starts < end)) for start, end in passages]

    found, total, pooled, described = [], np.zeros(DIMENSIONS), 0, []
    for first, last in cut_sections([len(rows) for rows in inside], SECTION_TOKENS):
        content = np.concatenate(inside[first:last])
        full = sequence(ids[content])
        vectors = token_vectors(weights, full)
        total += vectors.sum(axis=0)
        pooled += len(full)
        for passage in range(first, last):
            rows = inside[passage] - content[0] + len(PREFIX_IDS)
            start, end = passages[passage]
            vector = rounded(unit(vectors[rows].mean(axis=0)))
            found.append({"start": start, "end": end, "tokens": len(rows), "vector": vector})
        described.append(
            {
                "first_passage": first,
                "end_passage": last,
                "tokens": len(content),
                "bucket": bucket_of(len(full)),
                "mean": rounded(vectors.mean(axis=0)),
            }
        )
    return {
        "text": text,
        "tokens": len(ids),
        "vector": rounded(unit(total / pooled)),
        "sections": described,
        "passages": found,
    }


def manifest_fields(vocabulary: int) -> dict:
    """The manifest without what `write_manifest` adds."""
    return {
        "name": "tiny-whole",
        "description": "Random weights, for tests: reads a document whole, to 128 tokens",
        "licence": "MIT OR Apache-2.0",
        "source": "engine/training/export_tiny.py",
        "dimensions": DIMENSIONS,
        "vocabulary": vocabulary,
        "tokenizer": "tokenizer.json",
        "special": {"prefix_ids": PREFIX_IDS, "suffix_ids": SUFFIX_IDS, "pad_id": PAD_ID},
        "query_prefix": QUERY_PREFIX,
        "document_prefix": "",
        "pooling": "mean",
        "normalize": True,
        "mode": {
            "kind": "whole",
            "max_tokens": MAX_TOKENS,
            "buckets": BUCKETS,
            "overlap_tokens": 0,
        },
        "section_tokens": SECTION_TOKENS,
        # Short and long sequences run in different graphs, which differ in all that may differ.
        "graphs": [
            {
                "file": "model-short.onnx",
                "precision": "fp32",
                "devices": ["cpu", "cuda"],
                "masked": True,
                "max_tokens": SHORT_TOKENS,
                "inputs": ["input_ids", "attention_mask"],
                "output": "token_vectors",
            },
            {
                "file": "model.onnx",
                "precision": "fp32",
                "devices": ["cpu", "cuda"],
                "masked": True,
                "max_tokens": MAX_TOKENS,
                "inputs": ["input_ids", "lengths", "span_starts", "span_ends"],
                "output": "span_sums",
            },
        ],
    }


def export(bundle: Path, golden: Path) -> dict:
    """Writes the bundle and its goldens, and returns the manifest."""
    shutil.rmtree(bundle, ignore_errors=True)
    bundle.mkdir(parents=True)
    vocabulary = write_tokenizer(bundle)
    values = make_weights(vocabulary)
    weights = WeightsFile("weights.bin")
    for name, value in values.items():
        weights.add(name, value)
    weights.write(bundle)
    for name, pooled in (("model-short.onnx", False), ("model.onnx", True)):
        model = build(weights, list(values), pooled)
        (bundle / name).write_bytes(model.SerializeToString(deterministic=True))
    manifest = write_manifest(bundle, manifest_fields(vocabulary))

    tokenizer = load_tokenizer(bundle / "tokenizer.json")
    texts = {
        "empty": "",
        "short": "The ferry crosses the river.",
        "spelled": "unknown words",
        "full-bucket": "every boat in the harbour waits for the tide and the ferry.",
        "next-bucket": "every boat in the harbour waits for the tide and the old ferry.",
        "larger-bucket": make_text(3, 45),
        "whole": make_text(4, 112),
    }
    paragraphs = [make_text(40 + at, words) for at, words in enumerate((52, 9, 44, 61, 3, 70, 28))]
    goldens = {
        "fingerprint": fingerprint(manifest),
        "texts": [short_golden(values, tokenizer, name, text, "") for name, text in texts.items()],
        "queries": [
            short_golden(values, tokenizer, "query", "the old bridge in fog", QUERY_PREFIX)
        ],
        "long": long_golden(values, tokenizer, "\n\n".join(paragraphs) + "\n"),
    }
    golden.parent.mkdir(parents=True, exist_ok=True)
    write_json(golden, goldens)
    return manifest
