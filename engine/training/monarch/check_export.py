"""Compares the shipped bundle's graphs, and those that compute the same in fp32, with the model
they were exported from, on the CPU. Exits 1 where one is too far from it.

python -m monarch.check_export CHECKPOINT.pt [TOKENS…]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from bundle_format import read_manifest

from . import checkpoint
from .corpus import wrapped
from .export import ENCODERS, EXACT_FOLDER

TOKENS = (1, 7, 20, 30, 126, 127, 512, 513, 2000, 8191)


# Lowest cosine that passes. Random tokens are harder than text for integers: real text has 0.999.
LEAST = {"fp32": 0.9999, "fp16": 0.9999, "int8": 0.997}
BUNDLE = ENCODERS / "monarch-32k-384"


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    model, _ = checkpoint.load(Path(sys.argv[1]))
    lengths = [int(part) for part in sys.argv[2:]] or list(TOKENS)
    with tempfile.TemporaryDirectory() as exact:
        for path in EXACT_FOLDER.iterdir():
            (Path(exact) / path.name).write_bytes(path.read_bytes())
        (Path(exact) / "weights.bin").write_bytes((BUNDLE / "weights.bin").read_bytes())
        results = [check(model, folder, lengths) for folder in (Path(exact), BUNDLE)]
    sys.exit(0 if all(results) else 1)


def check(model: torch.nn.Module, folder: Path, lengths: list[int]) -> bool:
    """Whether all graphs of a folder are as close to the model as they should be."""
    manifest = read_manifest(folder)
    random = np.random.default_rng(5)
    good = True
    for graph in manifest["graphs"]:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(
            str(folder / graph["file"]), options, providers=["CPUExecutionProvider"]
        )
        for tokens in lengths:
            # The smallest graph of its device that a sequence fits is the one that takes it.
            fitting = [
                other["max_tokens"]
                for other in manifest["graphs"]
                if other["devices"] == graph["devices"] and other["max_tokens"] >= tokens + 2
            ]
            if not fitting or graph["max_tokens"] != min(fitting):
                continue
            content = random.integers(1000, 30000, tokens)
            bucket = next(b for b in manifest["mode"]["buckets"] if b >= tokens + 2)
            cosine = compare(model, session, content, bucket)
            passes = cosine >= LEAST[graph["precision"]]
            good = good and passes
            note = "" if passes else "  TOO FAR"
            print(f"{graph['file']:24} {tokens:6} tokens: cosine {cosine:.6f}{note}")
    return good


def compare(
    model: torch.nn.Module,
    session: onnxruntime.InferenceSession,
    content: np.ndarray,
    bucket: int,
) -> float:
    """The lowest cosine of a document's sum, that of its first half, and its document vector with
    the model's own."""
    tokens = len(content)
    count = tokens + 2
    # A second, empty sequence beside it must change nothing.
    ids = np.stack([wrapped(content, bucket), wrapped(content[:0], bucket)])
    feeds = {
        "input_ids": ids,
        "lengths": np.array([count, 2]),
        "span_starts": np.array([0, 0, bucket]),
        "span_ends": np.array([count, 1 + tokens // 2, bucket + 2]),
    }
    found, documents = session.run(["span_sums", "document_vectors"], feeds)
    found = np.stack([*found[:2], documents[0]]).astype(np.float64)
    padded = -(-count // 128) * 128 if count > 32 else count
    mask = (torch.arange(padded) < count).float()[None]
    with torch.no_grad():
        exact, whole = model.read(torch.tensor(wrapped(content, padded))[None], mask)
    exact = exact[0].double()
    expected = [exact.sum(0), exact[: 1 + tokens // 2].sum(0), whole[0].double()]
    return min(
        float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        for a, b in zip(found, torch.stack(expected).numpy(), strict=True)
    )


if __name__ == "__main__":
    main()
