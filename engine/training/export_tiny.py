"""Builds the tiny bundles, and their goldens, for the engine's tests.

    python export_tiny.py [TESTS_FOLDER]

The same bytes come out on every run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tiny_whole
import tiny_windows
from bundle_format import describe

DEFAULT_TESTS = Path(__file__).resolve().parent.parent / "tests"


def main() -> None:
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    tests = Path(sys.argv[1]) if len(sys.argv) == 2 else DEFAULT_TESTS
    for name, export in (("tiny-whole", tiny_whole.export), ("tiny-windows", tiny_windows.export)):
        manifest = export(tests / name, tests / "golden" / f"{name}.json")
        print(describe(tests / name, manifest))


if __name__ == "__main__":
    main()
