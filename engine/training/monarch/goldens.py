"""Writes the goldens of the Monarch bundle, from the PyTorch model with the bundle's weights.

    python -m monarch.goldens [GOLDEN_FILE]

Each is a text of a given number of tokens, cut from the long document of the other goldens (taken
twice, for the longest), with its vectors as a document and (where it is not long) as a query, and
those of three passages.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from bundle_format import fingerprint, read_manifest
from golden_json import rounded, write_json
from reference import load_tokenizer, tokenize, unit

from . import checkpoint
from .corpus import wrapped
from .export import ENCODERS

GOLDEN = ENCODERS.parent / "tests" / "golden"
QUERY_TOKENS = 1000
TOKENS = (1, 7, 29, 30, 31, 126, 127, 512, 513, 8191, 32766)


def vectors(model: torch.nn.Module, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Token vectors of [CLS] content [SEP], as the model weighs them, [tokens, hidden], and the
    document's vector."""
    count = len(ids) + 2
    padded = -(-count // 128) * 128
    mask = (torch.arange(padded) < count).float()[None]
    with torch.no_grad():
        found, whole = model.read(torch.tensor(wrapped(ids, padded))[None], mask)
    return found[0, :count].double().numpy(), whole[0].double().numpy()


def case(model: torch.nn.Module, tokenizer, text: str, tokens: int) -> dict:
    """The golden of the first `tokens` tokens of a text."""
    encoded = tokenizer.encode(text, add_special_tokens=False)
    end = encoded.offsets[tokens - 1][1]
    cut = text[:end]
    ids, starts = tokenize(tokenizer, cut)
    if len(ids) != tokens:
        raise ValueError(f"{len(ids)} tokens instead of {tokens}")
    found, whole = vectors(model, ids)
    size = len(cut.encode("utf-8"))
    passages = []
    for share in (0.0, 0.45, 0.9):
        first = int(tokens * share)
        last = min(tokens, first + 200)
        begin = int(starts[first])
        stop = int(starts[last]) if last < tokens else size
        # Content token n stands in row n + 1, after [CLS].
        vector = unit(found[first + 1 : last + 1].mean(axis=0))
        if not passages or begin >= passages[-1]["end"]:
            passages.append({"start": begin, "end": stop, "vector": rounded(vector)})
    golden = {"tokens": tokens, "bytes": size, "vector": rounded(unit(whole))}
    if tokens < QUERY_TOKENS:
        golden["query"] = rounded(unit(found.mean(axis=0)))
    return golden | {"passages": passages}


def main() -> None:
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    out = Path(sys.argv[1]) if len(sys.argv) == 2 else GOLDEN / "monarch.json"
    bundle = ENCODERS / "monarch-32k-384"
    model, _ = checkpoint.load(bundle)
    tokenizer = load_tokenizer(bundle / "tokenizer.json")
    text = (GOLDEN / "long.txt").read_bytes().decode("utf-8") * 2
    write_json(
        out,
        {
            "fingerprint": fingerprint(read_manifest(bundle)),
            "file": "long.txt",
            "times": 2,
            "cases": [case(model, tokenizer, text, tokens) for tokens in TOKENS],
        },
    )


if __name__ == "__main__":
    main()
