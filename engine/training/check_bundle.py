"""Checks an encoder bundle: its files, its graphs and the vectors that it gives.

    python check_bundle.py [BUNDLE_FOLDER GOLDEN_FILE]

Without arguments it checks the tiny bundles, and the teacher if it is built. Exits 1 and says why
if a file is not the listed one, if a graph's inputs or outputs differ from the manifest, or if a
vector is further from its golden than the graph's precision explains. All graphs run on the CPU
here, those meant for CUDA too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from bundle_format import MANIFEST, fingerprint, position_ids, read_manifest, sha256_of
from golden_json import ids_sha256
from reference import cut_sections, load_tokenizer, tokenize, unit
from teacher_bundle import TEACHER, is_built

ENGINE = Path(__file__).resolve().parent.parent
BUNDLES = (
    (ENGINE / "tests" / "tiny-whole", ENGINE / "tests" / "golden" / "tiny-whole.json"),
    (ENGINE / "tests" / "tiny-windows", ENGINE / "tests" / "golden" / "tiny-windows.json"),
    (TEACHER, ENGINE / "tests" / "golden" / "minilm.json"),
)
LEAST_COSINE = {"fp32": 0.9999, "fp16": 0.999}
# What is left between two ways of computing the same fp32 sums.
PADDING_TOLERANCE = {"fp32": 1e-5, "fp16": 5e-3}


INPUT_DIMENSIONS = {
    "input_ids": 2,
    "attention_mask": 2,
    "token_type_ids": 2,
    "position_ids": 2,
    "lengths": 1,
    "span_starts": 1,
    "span_ends": 1,
}


class CheckError(Exception):
    """A bundle is not what it should be."""


def require(condition: bool, message: str) -> None:
    if not condition:
        raise CheckError(message)


def check_files(folder: Path, manifest: dict) -> None:
    """Every listed file is there unchanged, and nothing else is."""
    listed = {entry["path"] for entry in manifest["files"]}
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    odd = sorted((present - {MANIFEST}) ^ listed)
    require(not odd, f"listed but absent, or present but not listed: {odd}")
    for entry in manifest["files"]:
        path = folder / entry["path"]
        require(path.stat().st_size == entry["bytes"], f"{path}: not {entry['bytes']} bytes")
        require(sha256_of(path) == entry["sha256"], f"{path}: its sha256 is not the listed one")
    for name in [manifest["tokenizer"], *(graph["file"] for graph in manifest["graphs"])]:
        require(name in listed, f"{name} is used but not listed")


class Encoder:
    """The graphs of a bundle that serve the same sequences, run on the CPU as the engine would."""

    def __init__(self, folder: Path, manifest: dict, graphs: list[dict]) -> None:
        self.manifest = manifest
        self.graphs = sorted(graphs, key=lambda graph: graph["max_tokens"])
        self.precision = graphs[0]["precision"]
        self.prefix = manifest["special"]["prefix_ids"]
        self.suffix = manifest["special"]["suffix_ids"]
        self.tokenizer = load_tokenizer(folder / manifest["tokenizer"])
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.sessions = [
            onnxruntime.InferenceSession(
                str(folder / graph["file"]), options, providers=["CPUExecutionProvider"]
            )
            for graph in self.graphs
        ]

    def check_signatures(self) -> None:
        for graph, session in zip(self.graphs, self.sessions, strict=True):
            inputs = [(item.name, item.type, len(item.shape)) for item in session.get_inputs()]
            expected = [(name, "tensor(int64)", INPUT_DIMENSIONS[name]) for name in graph["inputs"]]
            require(inputs == expected, f"inputs are {inputs}, not {expected}")
            (output,) = session.get_outputs()
            require(output.name == graph["output"], f"the output is called {output.name}")
            require(output.type == "tensor(float)", f"the output is a {output.type}")
            last = output.shape[-1]
            require(last == self.manifest["dimensions"], f"the output has {last} dimensions")

    def run(self, sequences: Sequence[np.ndarray], length: int) -> list[np.ndarray]:
        """Token vectors of sequences (specials included), padded to `length` at the end.

        A graph that sums over spans is given each token as a span of its own.
        """
        graph, session = next(
            (graph, session)
            for graph, session in zip(self.graphs, self.sessions, strict=True)
            if graph["max_tokens"] >= length
        )
        shape = (len(sequences), length)
        ids = np.full(shape, self.manifest["special"]["pad_id"], dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for row, content in enumerate(sequences):
            ids[row, : len(content)] = content
            mask[row, : len(content)] = 1
        rows = np.arange(ids.size)
        given = {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros(shape, dtype=np.int64),
            "position_ids": np.tile(
                position_ids(self.manifest.get("positions"), length), (shape[0], 1)
            ),
            "lengths": mask.sum(axis=1),
            "span_starts": rows,
            "span_ends": rows + 1,
        }
        inputs = {name: given[name] for name in graph["inputs"]}
        (vectors,) = session.run([graph["output"]], inputs)
        vectors = vectors.reshape(*shape, -1)
        require(bool(np.isfinite(vectors).all()), "the output holds NaN or infinity")
        return [vectors[row, : len(content)] for row, content in enumerate(sequences)]

    def wrap(self, ids: np.ndarray) -> np.ndarray:
        """Content ids with the specials around them."""
        return np.concatenate([self.prefix, ids, self.suffix]).astype(np.int64)

    def encode_section(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
        """A section's content token vectors, the sum over all of its tokens, and their number."""
        mode = self.manifest["mode"]
        if mode["kind"] == "windows":
            size = mode["window_tokens"]
            parts = [ids[at : at + size] for at in range(0, max(len(ids), 1), size)]
            sequences = [self.wrap(part) for part in parts]
            outputs = [self.run([full], len(full))[0] for full in sequences]
        else:
            full = self.wrap(ids)
            bucket = next(bucket for bucket in mode["buckets"] if bucket >= len(full))
            outputs = self.run([full], bucket)
        total = sum(vectors.sum(axis=0, dtype=np.float64) for vectors in outputs)
        end = -len(self.suffix) or None
        content = np.concatenate([vectors[len(self.prefix) : end] for vectors in outputs])
        return content, total, sum(map(len, outputs))

    def encode(
        self, text: str, passages: Sequence[tuple[int, int]]
    ) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
        """The unit vectors of a document and of its passages, and its content token ids."""
        ids, starts = tokenize(self.tokenizer, text)
        inside = [np.flatnonzero((starts >= start) & (starts < end)) for start, end in passages]
        total, pooled, found = np.zeros(self.manifest["dimensions"]), 0, []
        sections = cut_sections([len(rows) for rows in inside], self.manifest["section_tokens"])
        for first, last in sections:
            rows = np.concatenate(inside[first:last])
            content, section_total, section_pooled = self.encode_section(ids[rows])
            total += section_total
            pooled += section_pooled
            for passage in inside[first:last]:
                if len(passage):
                    at = np.searchsorted(rows, passage)
                    found.append(unit(content[at].mean(axis=0, dtype=np.float64)))
        return unit(total / pooled), found, ids

    def check_padding(self, texts: list[str]) -> None:
        """Padding must change nothing, in a batch with longer texts and alone. Texts that need
        several sequences are left out."""
        sequences = [self.wrap(tokenize(self.tokenizer, text)[0]) for text in texts]
        fitting = self.graphs[-1]["max_tokens"]
        sequences = [full for full in sequences if len(full) <= fitting]
        longest = max(map(len, sequences))
        tolerance = PADDING_TOLERANCE[self.precision]
        for full, padded in zip(sequences, self.run(sequences, longest), strict=True):
            (alone,) = self.run([full], len(full))
            worst = float(np.abs(alone - padded).max())
            require(
                worst <= tolerance, f"padding {len(full)} to {longest} moves a value by {worst}"
            )


def check_goldens(encoder: Encoder, golden: dict, golden_folder: Path) -> float:
    """Compares every golden vector; returns the lowest cosine."""
    lowest = 1.0
    least = LEAST_COSINE[encoder.precision]

    def compare(name: str, found: np.ndarray, expected: list[float]) -> None:
        nonlocal lowest
        cosine = float(found @ unit(np.array(expected)))
        require(cosine >= least, f"{name}: cosine {cosine:.6f} is below {least}")
        lowest = min(lowest, cosine)

    prefixes = (("texts", "document_prefix"), ("queries", "query_prefix"))
    for kind, prefix in prefixes:
        for item in golden.get(kind, []):
            text = encoder.manifest[prefix] + item["text"]
            vector, _, ids = encoder.encode(text, [(0, len(text.encode("utf-8")))])
            require(ids.tolist() == item["ids"], f"{item['name']}: other token ids")
            compare(item["name"], vector, item["vector"])
    long = golden["long"]
    text = long.get("text") or (golden_folder / long["file"]).read_bytes().decode("utf-8")
    passages = [(item["start"], item["end"]) for item in long["passages"]]
    vector, found, ids = encoder.encode(text, passages)
    require(len(ids) == long["tokens"], f"the long document has {len(ids)} tokens")
    expected_hash = long.get("ids_sha256", ids_sha256(ids))
    require(ids_sha256(ids) == expected_hash, "the long document has other token ids")
    compare("long document", vector, long["vector"])
    for number, (passage, item) in enumerate(zip(found, long["passages"], strict=True)):
        compare(f"passage {number}", passage, item["vector"])
    return lowest


def check(folder: Path, golden_file: Path) -> None:
    """Checks one bundle and prints a line for each graph. Raises CheckError."""
    manifest = read_manifest(folder)
    check_files(folder, manifest)
    print(f"{manifest['name']}: files as listed, fingerprint {fingerprint(manifest)}")
    golden = json.loads(golden_file.read_text(encoding="utf-8"))
    expected = golden.get("fingerprint", fingerprint(manifest))
    require(fingerprint(manifest) == expected, f"the goldens are of encoder {expected}")
    alike = {}
    for graph in manifest["graphs"]:
        key = (graph["precision"], tuple(graph["devices"]), graph["masked"])
        alike.setdefault(key, []).append(graph)
    for (precision, _, masked), graphs in alike.items():
        names = ", ".join(graph["file"] for graph in graphs)
        try:
            encoder = Encoder(folder, manifest, graphs)
            encoder.check_signatures()
            if masked:
                encoder.check_padding([item["text"] for item in golden["texts"]])
            lowest = check_goldens(encoder, golden, golden_file.parent)
        except CheckError as error:
            raise CheckError(f"{names}: {error}") from error
        print(f"  {names} ({precision}): lowest cosine {lowest:.7f}")


def main() -> None:
    if len(sys.argv) not in (1, 3):
        sys.exit(__doc__)
    bundles = [tuple(map(Path, sys.argv[1:]))] if len(sys.argv) == 3 else BUNDLES
    for folder, golden_file in bundles:
        if folder == TEACHER and not is_built():
            print("the teacher is not built (export_minilm.py), and not checked")
            continue
        try:
            check(folder, golden_file)
        except (CheckError, OSError, ValueError) as error:
            sys.exit(f"{folder}: {error}")


if __name__ == "__main__":
    main()
