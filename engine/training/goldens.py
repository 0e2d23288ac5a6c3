"""Writes the vectors that the engine's tests compare with.

    python goldens.py MODEL_FOLDER [GOLDEN_FOLDER]

The vectors of short texts come from the sentence-transformers library, those of the long document
from reference.py, both from the original fp32 checkpoint. Needs requirements-goldens.txt. The same
inputs give the same vectors up to the rounding of the machine's arithmetic, so the files are kept
and only rewritten on purpose.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bundle_format import require_sha256
from export_minilm import MODEL_SHA256, TOKENIZER_SHA256
from fixed_random import FixedRandom
from golden_json import ids_sha256, rounded, write_json
from golden_texts import TEXTS
from long_text import long_text
from reference import Bert, encode_document, load_tokenizer, tokenize

DEFAULT_GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
LONG_FILE = "long.txt"
MAX_TOKENS = 512


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


def cut_passages(text: str, seed: int) -> list[tuple[int, int]]:
    """Byte ranges that cover a text but for the whitespace between some of them.

    Most end where a paragraph ends. Some end at a space, and one inside a word, so that the rule
    for the token on the boundary is put to the test.
    """
    random = FixedRandom(seed)
    paragraphs = []
    start = 0
    for part in text.split("\n\n"):
        paragraphs.append((start, start + len(part)))
        start += len(part) + 2
    passages = []
    while paragraphs:
        group = paragraphs[: 1 + random.below(14)]
        del paragraphs[: len(group)]
        first, last = group[0][0], group[-1][1]
        middle = text.rfind(" ", first, (first + last) // 2)
        if middle > first and random.below(4) == 0:
            passages += [(first, middle), (middle + 1, last)]
        else:
            passages.append((first, last))
    longest = max(range(len(passages)), key=lambda at: passages[at][1] - passages[at][0])
    start, end = passages[longest]
    inside = text.index("graph", start, end) + 2
    passages[longest : longest + 1] = [(start, inside), (inside, end)]

    def at_byte(position: int) -> int:
        return len(text[:position].encode("utf-8"))

    return [(at_byte(start), at_byte(end)) for start, end in passages]


def long_golden(model_folder: Path, text: str) -> dict:
    """The long document: its vector and those of its passages."""
    model = Bert(model_folder / "model.safetensors")
    tokenizer = load_tokenizer(model_folder / "tokenizer.json")
    passages = cut_passages(text, seed=7)
    document = encode_document(model, tokenizer, text, passages)
    return {
        "file": LONG_FILE,
        "bytes": len(text.encode("utf-8")),
        "tokens": len(document.ids),
        "ids_sha256": ids_sha256(document.ids),
        "windows": document.windows,
        "vector": rounded(document.vector),
        "passages": [
            {"start": start, "end": end, "tokens": tokens, "vector": rounded(vector)}
            for (start, end), (tokens, vector) in zip(passages, document.passages, strict=True)
        ],
    }


def main() -> None:
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    model_folder = Path(sys.argv[1])
    golden = Path(sys.argv[2]) if len(sys.argv) == 3 else DEFAULT_GOLDEN
    require_sha256(model_folder / "model.safetensors", MODEL_SHA256)
    require_sha256(model_folder / "tokenizer.json", TOKENIZER_SHA256)
    golden.mkdir(parents=True, exist_ok=True)
    text = long_text()
    (golden / LONG_FILE).write_text(text, encoding="utf-8", newline="\n")
    goldens = {"texts": short_goldens(model_folder), "long": long_golden(model_folder, text)}
    write_json(golden / "minilm.json", goldens)


if __name__ == "__main__":
    main()
