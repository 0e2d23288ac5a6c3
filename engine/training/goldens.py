"""Writes what the teacher's bundle is compared with, and the shipped encoder's tokenizer, which is
the same.

    python goldens.py [MODEL_FOLDER [GOLDEN_FOLDER]]

The vectors of short texts come from the sentence-transformers library, those of the long document
from reference.py, both from the original fp32 checkpoint: MODEL_FOLDER as for export_minilm.py.
Needs requirements-goldens.txt. The same inputs give the same vectors up to the rounding of the
machine's arithmetic, so the files are kept and only rewritten on purpose.
"""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors.numpy import load_file

from golden_json import ids_sha256, rounded, write_json
from golden_texts import TEXTS
from long_text import LONG_FILE, cut_passages, long_text
from minilm_package import checkpoint_folder
from reference import Bert, Windowing, encode_document, load_tokenizer, tokenize

DEFAULT_GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
MAX_TOKENS = 512
CLS, SEP = 101, 102
WINDOWING = Windowing([CLS], [SEP], MAX_TOKENS - 2, 64 * (MAX_TOKENS - 2))


def short_goldens(model_folder: Path) -> list[dict]:
    """The short texts, their content token ids and sentence-transformers' unit vectors."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(model_folder), device="cpu")
    model.max_seq_length = MAX_TOKENS
    tokenizer = load_tokenizer(model_folder / "tokenizer.json")
    goldens = []
    for name, text in TEXTS.items():
        ids, _ = tokenize(tokenizer, text)
        if len(ids) > MAX_TOKENS - 2:
            raise ValueError(f"{name}: {len(ids)} tokens do not fit one window")
        # One at a time, so that no vector depends on the padding of a batch.
        vector = model.encode([text], normalize_embeddings=True)[0]
        goldens.append({"name": name, "text": text, "ids": ids.tolist(), "vector": rounded(vector)})
    return goldens


def long_golden(model_folder: Path, text: str) -> dict:
    """The long document: its vector and those of its passages."""
    model = Bert(load_file(model_folder / "model.safetensors"))
    tokenizer = load_tokenizer(model_folder / "tokenizer.json")
    passages = cut_passages(text, seed=7)
    document = encode_document(model, tokenizer, text, passages, WINDOWING)
    (section,) = document.sections
    return {
        "file": LONG_FILE,
        "bytes": len(text.encode("utf-8")),
        "tokens": len(document.ids),
        "ids_sha256": ids_sha256(document.ids),
        "windows": section.windows,
        "vector": rounded(document.vector),
        "passages": [
            {"start": start, "end": end, "tokens": tokens, "vector": rounded(vector)}
            for (start, end), (tokens, vector) in zip(passages, document.passages, strict=True)
        ],
    }


def main() -> None:
    if len(sys.argv) > 3:
        sys.exit(__doc__)
    golden = Path(sys.argv[2]) if len(sys.argv) == 3 else DEFAULT_GOLDEN
    golden.mkdir(parents=True, exist_ok=True)
    text = long_text()
    (golden / LONG_FILE).write_text(text, encoding="utf-8", newline="\n")
    with checkpoint_folder(Path(sys.argv[1]) if len(sys.argv) > 1 else None) as folder:
        goldens = {"texts": short_goldens(folder), "long": long_golden(folder, text)}
    write_json(golden / "minilm.json", goldens)


if __name__ == "__main__":
    main()
