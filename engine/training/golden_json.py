"""How golden files are written: JSON in which a person can still read a difference."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np


def rounded(vector: np.ndarray) -> list[float]:
    """A vector with seven decimals, below which fp32 results differ between machines anyway."""
    return [round(float(value), 7) for value in vector]


def ids_sha256(ids: np.ndarray) -> str:
    """The SHA-256 of token ids as little-endian 32-bit integers."""
    return hashlib.sha256(ids.astype("<u4").tobytes()).hexdigest()


def write_json(path: Path, value: dict) -> None:
    """Writes JSON with each list of numbers on one line."""
    text = _layout(value, "") + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def _layout(value: object, indent: str) -> str:
    inner = indent + " "
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {_layout(item, inner)}" for key, item in value.items()]
        opening, closing = "{", "}"
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        items = [_layout(item, inner) for item in value]
        opening, closing = "[", "]"
    else:
        return json.dumps(value, separators=(",", ":"))
    body = f",\n{inner}".join(items)
    return f"{opening}\n{inner}{body}\n{indent}{closing}"
