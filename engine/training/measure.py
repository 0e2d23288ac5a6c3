"""Measures how fast the graphs of a bundle start and run on the CPU.

    python measure.py [BUNDLE_FOLDER]

The bundle is one that reads windows; without a folder it is the teacher's.
Each graph runs in a process of its own, with two threads that do not spin. Best of several runs,
since what else a machine does can only make one slower.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

from bundle_format import read_manifest
from teacher_bundle import built

THREADS = 2
SHAPES = ((1, 128), (1, 512), (8, 512))


def best_of(repeats: int, action: Callable[[], object]) -> float:
    """The shortest time, in seconds, that an action took."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return min(times)


def memory_mb(field: str) -> int:
    """A figure of this process from /proc, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) // 1024
    raise ValueError(f"no {field} in /proc/self/status")


def measure(graph: Path, vocabulary: int) -> None:
    """Prints one line for a graph."""
    before = memory_mb("RssAnon")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = THREADS
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    begin = time.perf_counter()
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    loaded = time.perf_counter()
    random = np.random.default_rng(0)
    names = [item.name for item in session.get_inputs()]

    def feeds(batch: int, tokens: int) -> dict[str, np.ndarray]:
        ids = random.integers(0, vocabulary, (batch, tokens))
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        return {name: given[name] for name in names}

    query = feeds(1, 12)
    session.run(None, query)
    first = time.perf_counter()
    anonymous = memory_mb("RssAnon") - before
    warm = best_of(50, lambda: session.run(None, query))
    columns = [
        f"{graph.name:24} load {(loaded - begin) * 1e3:4.0f} ms",
        f"first query {(first - loaded) * 1e3:3.0f} ms",
        f"query {warm * 1e3:4.1f} ms",
        f"own memory +{anonymous} MB",
    ]
    for batch, tokens in SHAPES:
        inputs = feeds(batch, tokens)
        seconds = best_of(6, lambda inputs=inputs: session.run(None, inputs))
        columns.append(f"{batch}x{tokens} {batch * tokens / seconds:.0f} tokens/s")
    print(", ".join([*columns, f"peak {memory_mb('VmHWM')} MB"]))


def main() -> None:
    if len(sys.argv) == 4 and sys.argv[1] == "--graph":
        measure(Path(sys.argv[2]), int(sys.argv[3]))
        return
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1]) if len(sys.argv) == 2 else built()
    manifest = read_manifest(folder)
    for graph in manifest["graphs"]:
        path = str(folder / graph["file"])
        command = [sys.executable, __file__, "--graph", path, str(manifest["vocabulary"])]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
