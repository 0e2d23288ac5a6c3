"""Writing and fingerprinting encoder bundles, format 1.

A bundle is a folder: `manifest.json`, a tokenizer, one or more ONNX graphs and one weights file
that all graphs share. README.md beside this file describes every field.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from onnx import TensorProto

FORMAT = 1
MANIFEST = "manifest.json"
# ONNX Runtime maps external data from disk; tensors that start on their own cache lines keep that
# mapping usable by vector loads without a copy.
ALIGNMENT = 64

_ONNX_TYPES = {
    np.dtype(np.float16): TensorProto.FLOAT16,
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.int8): TensorProto.INT8,
}


class WeightsFile:
    """The tensors of a bundle, laid out in one file in the order in which they are added.

    Graphs refer to them by name through `initializer`, so several graphs can share the bytes.
    """

    def __init__(self, file_name: str) -> None:
        self.file_name = file_name
        self._data = bytearray()
        self._placed: dict[str, tuple[int, int, np.dtype, tuple[int, ...]]] = {}

    def add(self, name: str, values: np.ndarray) -> None:
        """Appends a tensor. Raises ValueError if a value did not survive the cast to its type."""
        if name in self._placed:
            raise ValueError(f"tensor {name} was added twice")
        if not np.isfinite(values).all():
            raise ValueError(f"tensor {name} holds NaN or infinity")
        self._data.extend(b"\0" * (-len(self._data) % ALIGNMENT))
        raw = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()
        self._placed[name] = (len(self._data), len(raw), values.dtype, values.shape)
        self._data.extend(raw)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor that was added."""
        return self._placed[name][3]

    def values(self, name: str) -> np.ndarray:
        """A tensor that was added."""
        offset, length, dtype, shape = self._placed[name]
        return np.frombuffer(self._data[offset : offset + length], dtype).reshape(shape)

    def initializer(self, name: str) -> TensorProto:
        """A graph initializer that points into this file."""
        offset, length, dtype, shape = self._placed[name]
        tensor = TensorProto(name=name, data_type=_ONNX_TYPES[dtype], dims=list(shape))
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", self.file_name), ("offset", offset), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        return tensor

    def write(self, folder: Path) -> None:
        """Writes the file into a bundle folder."""
        (folder / self.file_name).write_bytes(bytes(self._data))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_sha256(path: Path, expected: str) -> None:
    """Raises ValueError if a file is not the one it should be."""
    found = sha256_of(path)
    if found != expected:
        raise ValueError(f"{path}: expected sha256 {expected}, found {found}")


def write_manifest(folder: Path, fields: dict) -> dict:
    """Completes `fields` with the format number and the list of files, writes it, returns it.

    Every file in the folder but the manifest is listed, so nothing may lie there that is not meant
    to be shipped.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    files = [
        {
            "path": path.relative_to(folder).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": sha256_of(path),
        }
        for path in paths
    ]
    manifest = {"format": FORMAT, **fields, "files": files}
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return manifest


def describe(folder: Path, manifest: dict) -> str:
    """A bundle's files and fingerprint, for an exporter to print."""
    files = [f"{e['bytes']:>10}  {e['sha256']}  {e['path']}" for e in manifest["files"]]
    return "\n".join([str(folder), *files, f"fingerprint {fingerprint(manifest)}"])


def read_manifest(folder: Path) -> dict:
    """Reads a bundle's manifest. Raises ValueError for a format this code does not know."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if manifest.get("format") != FORMAT:
        raise ValueError(f"{folder / MANIFEST}: format {manifest.get('format')} is not {FORMAT}")
    return manifest


def position_ids(positions: dict | None, tokens: int) -> np.ndarray:
    """What a graph that takes `position_ids` is given for a sequence of so many tokens."""
    ids = np.arange(tokens, dtype=np.int64)
    if positions is None:
        return ids
    match positions["kind"]:
        case "plain":
            pass
        case "grouped":
            ids //= positions["group"]
        case "recurrent":
            ids %= positions["period"]
        case kind:
            raise ValueError(f"positions of the unknown kind {kind}")
    return ids + positions.get("offset", 0)


def fingerprint(manifest: dict) -> str:
    """The identity of an encoder: two encoders with the same one give interchangeable vectors.

    It covers what a vector depends on (the files and how they are used) and leaves out what only
    describes, such as the name and the licence.
    """
    sha256 = {
        entry["path"]: entry["sha256"]
        for entry in manifest["files"]
        if not entry["path"].rsplit("/", 1)[-1].startswith(("LICENSE", "NOTICE", "README"))
    }
    identity = {
        "format": manifest["format"],
        "dimensions": manifest["dimensions"],
        "tokenizer": sha256[manifest["tokenizer"]],
        "files": [{"path": path, "sha256": sha256[path]} for path in sorted(sha256)],
        "special": manifest["special"],
        "query_prefix": manifest["query_prefix"],
        "document_prefix": manifest["document_prefix"],
        "pooling": manifest["pooling"],
        "normalize": manifest["normalize"],
        "mode": manifest["mode"],
    }
    # Only where they stand there, so that older bundles keep their fingerprints.
    identity |= {name: manifest[name] for name in ("passages", "positions") if name in manifest}
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()
