"""Where the teacher lies. It is built when it is needed and not kept in the repository."""

from __future__ import annotations

import sys
from pathlib import Path

from bundle_format import MANIFEST

TEACHER = Path(__file__).resolve().parent / "teacher" / "minilm-l6-384"


def is_built(folder: Path = TEACHER) -> bool:
    """Whether a bundle lies in the folder."""
    return (folder / MANIFEST).is_file()


def built(folder: Path = TEACHER) -> Path:
    """The folder, or the end of the program, saying what builds the bundle that is not there."""
    if not is_built(folder):
        sys.exit(f"{folder}: no bundle; `python export_minilm.py` in engine/training builds it")
    return folder
