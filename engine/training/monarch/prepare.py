"""Tokenises the training text and the evaluation tasks once, into arrays that load at once.

    python -m monarch.prepare DATA_FOLDER OUT_FOLDER

Training: `train/ids.u16` holds the documents' tokens end to end, `train/index.npz` where each
begins, its source and its title, and the query pairs. Evaluation: one file a collection.
Ids are those of the bundle's tokenizer without special tokens.
"""

from __future__ import annotations

import io
import json
import lzma
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import zstandard
from tokenizers import Tokenizer

from .facts import made_up

BUNDLE = Path(__file__).resolve().parents[2] / "encoders" / "monarch-32k-384"
BATCH = 64
FACTS = 40_000
# Word pieces do not reach over white space, so a text may be cut there without changing any id.
PIECE_CHARS = 20_000


def read_lines(path: Path) -> Iterator[dict]:
    """The objects of a JSON-lines file, compressed or not."""
    with path.open("rb") as file:
        raw = file
        if path.suffix == ".xz":
            raw = lzma.LZMAFile(file)  # noqa: SIM115 (it ends with the file it reads)
        elif path.suffix == ".zst":
            raw = zstandard.ZstdDecompressor().stream_reader(file)
        for line in io.TextIOWrapper(raw, encoding="utf-8"):
            if line.strip():
                yield json.loads(line)


def pieces(text: str) -> list[str]:
    """A text cut at white space into parts that a tokenizer handles quickly."""
    parts, at = [], 0
    while len(text) - at > PIECE_CHARS:
        end = at + PIECE_CHARS
        while end < len(text) and not text[end].isspace():
            end += 1
        parts.append(text[at:end])
        at = end
    return [*parts, text[at:]]


def tokenize(tokenizer: Tokenizer, texts: Iterable[str]) -> Iterator[np.ndarray]:
    """The token ids of each text."""

    def flush(batch: list[list[str]]) -> Iterator[np.ndarray]:
        flat = [part for parts in batch for part in parts]
        encoded = iter(tokenizer.encode_batch_fast(flat, add_special_tokens=False))
        for parts in batch:
            ids = [next(encoded).ids for _ in parts]
            yield np.concatenate([np.array(part, np.uint16) for part in ids])

    batch: list[list[str]] = []
    for text in texts:
        batch.append(pieces(text))
        if len(batch) == BATCH:
            yield from flush(batch)
            batch = []
    yield from flush(batch)


def pack(arrays: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Arrays end to end, and where each begins (one more entry than arrays)."""
    arrays = list(arrays)
    ends = np.cumsum([0] + [len(array) for array in arrays])
    return np.concatenate(arrays), ends


def prepare_training(data: Path, out: Path, tokenizer: Tokenizer) -> None:
    """Writes `train/`."""
    names, sources, titles = {}, [], []

    def texts() -> Iterator[str]:
        for name in ("docs.jsonl.xz", "docs-more.jsonl.xz"):
            for line in read_lines(data / "training" / name):
                names[line["id"]] = len(names)
                sources.append(line.get("source", "more"))
                titles.append(line.get("title") or "")
                yield line["text"]

    ids, starts = pack(tokenize(tokenizer, texts()))
    queries, about = [], []
    for name in ("pairs.jsonl.xz", "pairs-more.jsonl.xz"):
        for line in read_lines(data / "training" / name):
            if line["doc_id"] in names:
                queries.append(line["query"])
                about.append(names[line["doc_id"]])
    query_ids, query_starts = pack(tokenize(tokenizer, queries))
    title_ids, title_starts = pack(tokenize(tokenizer, titles))
    facts = made_up(FACTS, seed=3)
    fact_ids, fact_starts = pack(tokenize(tokenizer, (fact for fact, _ in facts)))
    asked_ids, asked_starts = pack(tokenize(tokenizer, (question for _, question in facts)))
    source_names, source = np.unique(sources, return_inverse=True)
    folder = out / "train"
    folder.mkdir(parents=True, exist_ok=True)
    ids.tofile(folder / "ids.u16")
    np.savez(
        folder / "index.npz",
        starts=starts,
        source=source,
        source_names=source_names,
        title_ids=title_ids,
        title_starts=title_starts,
        query_ids=query_ids,
        query_starts=query_starts,
        fact_ids=fact_ids,
        fact_starts=fact_starts,
        asked_ids=asked_ids,
        asked_starts=asked_starts,
        query_document=np.array(about),
    )
    print(f"training: {len(starts) - 1} documents, {len(ids)} tokens, {len(queries)} queries")


def prepare_collection(collection: Path, out: Path, tokenizer: Tokenizer) -> None:
    """Writes a collection of evaluation tasks as one file."""
    rows = list(read_lines(collection / "corpus.jsonl.zst"))
    at = {row["_id"]: number for number, row in enumerate(rows)}
    ids, starts = pack(
        tokenize(tokenizer, (f"{row.get('title') or ''}\n{row['text']}".strip() for row in rows))
    )
    arrays = {"ids": ids, "starts": starts}
    for task in sorted(path for path in collection.iterdir() if path.is_dir()):
        queries = list(read_lines(task / "queries.jsonl"))
        relevant = {}
        for line in (task / "qrels.tsv").read_text().splitlines()[1:]:
            query, document, score = line.split("\t")
            if int(score) > 0:
                relevant[query] = at[document]
        queries = [query for query in queries if query["_id"] in relevant]
        arrays[f"{task.name}.ids"], arrays[f"{task.name}.starts"] = pack(
            tokenize(tokenizer, (query["text"] for query in queries))
        )
        arrays[f"{task.name}.relevant"] = np.array([relevant[q["_id"]] for q in queries])
    out.mkdir(parents=True, exist_ok=True)
    np.savez(out / f"{collection.name}.npz", **arrays)
    print(f"{collection.name}: {len(rows)} documents, {len(ids)} tokens")


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    tokenizer = Tokenizer.from_file(str(BUNDLE / "tokenizer.json"))
    for collection in sorted((data / "retrieval").iterdir()):
        prepare_collection(collection, out / "retrieval", tokenizer)
    prepare_training(data, out, tokenizer)


if __name__ == "__main__":
    main()
