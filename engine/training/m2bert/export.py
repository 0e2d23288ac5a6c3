"""Builds a bundle from a published M2-BERT retrieval checkpoint.

    python -m m2bert.export CHECKPOINT_FOLDER BUNDLE_FOLDER [TOKENIZER.json]

CHECKPOINT_FOLDER holds `config.json` and `pytorch_model.bin` (or `model.safetensors`) of
togethercomputer/m2-bert-80M-2k-retrieval, -8k- or -32k-, or of another one in their layout. The
tokenizer is that of bert-base-uncased: `tokenizer.json` or `vocab.txt` in the same folder, or the
file given. The same inputs give the same bytes on every run.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tokenizers import BertWordPieceTokenizer

from bundle_format import WeightsFile, describe, write_manifest
from export_minilm import write_tokenizer

from .checkpoint import Config, read
from .graph import INPUTS, OUTPUT, build
from .weights import collect

GRAPH = "model.onnx"
CLS, SEP, PAD = 101, 102, 0


def export(checkpoint: Path, bundle: Path, tokenizer: Path | None = None) -> dict:
    """Writes the bundle and returns its manifest. An earlier bundle in its place is replaced."""
    config, tensors = read(checkpoint)
    weights = collect(config, tensors)
    shutil.rmtree(bundle, ignore_errors=True)
    bundle.mkdir(parents=True)
    _tokenizer(checkpoint, tokenizer, bundle / "tokenizer.json")
    write_graph(config, weights, bundle)
    return write_manifest(bundle, manifest_fields(config, checkpoint.resolve().name))


def write_graph(config: Config, weights: WeightsFile, folder: Path) -> None:
    """The graph and its weights, which is all that running it takes."""
    weights.write(folder)
    model = build(config, weights)
    (folder / GRAPH).write_bytes(model.SerializeToString(deterministic=True))


def _tokenizer(checkpoint: Path, given: Path | None, target: Path) -> None:
    source, words = given or checkpoint / "tokenizer.json", checkpoint / "vocab.txt"
    if source.is_file():
        write_tokenizer(source, target)
    elif given is None and words.is_file():
        made = BertWordPieceTokenizer(str(words), lowercase=True)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tokenizer.json"
            made.save(str(path))
            write_tokenizer(path, target)
    else:
        raise ValueError(f"{source}: no such file. It is the tokenizer of bert-base-uncased")


def manifest_fields(config: Config, name: str) -> dict:
    """The manifest without what `write_manifest` adds."""
    return {
        "name": name,
        "description": f"M2-BERT retrieval encoder, reads {config.tokens} tokens whole",
        "licence": "Apache-2.0",
        "source": f"{name}, a PyTorch checkpoint of Monarch Mixer BERT (arXiv 2402.07440)",
        "dimensions": config.hidden,
        "vocabulary": config.vocabulary,
        "tokenizer": "tokenizer.json",
        "special": {"prefix_ids": [CLS], "suffix_ids": [SEP], "pad_id": PAD},
        "query_prefix": "",
        "document_prefix": "",
        # The graph pools; and passages have no vectors of their own, as each would cost a run of
        # the full length.
        "pooling": "output",
        "passages": "none",
        "normalize": True,
        # One bucket: every text is padded to the full length, as in training. What is longer than
        # that is read in several sequences; the reference cuts it off.
        "mode": {
            "kind": "whole",
            "max_tokens": config.tokens,
            "buckets": [config.tokens],
            "overlap_tokens": 0,
        },
        "section_tokens": config.tokens - 2,
        "graphs": [
            {
                "file": GRAPH,
                "precision": "fp32",
                "devices": ["cpu", "cuda"],
                "masked": True,
                "max_tokens": config.tokens,
                "inputs": list(INPUTS),
                "output": OUTPUT,
            }
        ],
    }


def main() -> None:
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    checkpoint, bundle, *tokenizer = map(Path, sys.argv[1:])
    try:
        manifest = export(checkpoint, bundle, *tokenizer)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    print(describe(bundle, manifest))


if __name__ == "__main__":
    main()
