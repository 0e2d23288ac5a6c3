"""Compares a bundle's graphs with the model they were exported from, on the CPU.

python -m monarch.check_export CHECKPOINT.pt BUNDLE_FOLDER [TOKENS…]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from bundle_format import read_manifest

from . import checkpoint
from .corpus import wrapped

TOKENS = (1, 7, 20, 30, 126, 127, 512, 513, 2000, 8191)


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    model, _ = checkpoint.load(Path(sys.argv[1]))
    folder = Path(sys.argv[2])
    manifest = read_manifest(folder)
    lengths = [int(part) for part in sys.argv[3:]] or TOKENS
    random = np.random.default_rng(5)
    for graph in manifest["graphs"]:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
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
            # A second, empty sequence beside it must change nothing.
            ids = np.stack([wrapped(content, bucket), wrapped(content[:0], bucket)])
            count = tokens + 2
            feeds = {
                "input_ids": ids,
                "lengths": np.array([count, 2]),
                "span_starts": np.array([0, 0, bucket]),
                "span_ends": np.array([count, 1 + tokens // 2, bucket + 2]),
            }
            feeds = {name: feeds[name] for name in graph["inputs"]}
            (found,) = session.run([graph["output"]], feeds)
            if graph["output"] == "token_vectors":
                found = np.stack([found[0, :count].sum(0), found[0, : 1 + tokens // 2].sum(0)])
            padded = -(-count // 128) * 128 if count > 32 else count
            mask = (torch.arange(padded) < count).float()[None]
            with torch.no_grad():
                exact = model(torch.tensor(wrapped(content, padded))[None], mask)[0].double()
            expected = torch.stack([exact.sum(0), exact[: 1 + tokens // 2].sum(0)]).numpy()
            cosines = [
                float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
                for a, b in zip(found.astype(np.float64), expected, strict=False)
            ]
            print(f"{graph['file']:24} {tokens:6} tokens: cosine {min(cosines):.6f}")


if __name__ == "__main__":
    main()
