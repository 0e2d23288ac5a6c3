#!/usr/bin/env python3
"""How fast a folder of plain text and code becomes searchable by word, beside recoll over the same folder.

    cargo build --release && benches/throughput.py FOLDER [--runs N] [--without-recoll]

Every run starts with an empty index. Both read the folder once before, so that the files are in the page cache.
Times are those of the whole process with all its children, of which CPU time is the sum.
"""

import argparse
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

LSEARCH = pathlib.Path(__file__).resolve().parent.parent / "target/release/lsearch"


def size_of(folder):
    """Files and bytes below a folder; reads them all."""
    files = total = 0
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            files += 1
            total += len(path.read_bytes())
    return files, total


def timed(command, environment):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def index_bytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def run_lsearch(folder, place):
    environment = os.environ | {
        "LSEARCH_DATA_DIR": str(place),
        "LSEARCH_NO_DAEMON": "1",
        "HOME": str(place.parent),
    }
    return timed([str(LSEARCH), "-q", "add", "--no-wait", str(folder)], environment)


def run_recoll(folder, place):
    place.mkdir()
    (place / "recoll.conf").write_text(f"topdirs = {folder}\nindexstemminglanguages = english\n")
    return timed(["recollindex", "-c", str(place), "-z"], os.environ | {"HOME": str(place.parent)})


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--without-recoll", action="store_true")
    args = options.parse_args()
    folder = args.folder.resolve()
    files, total = size_of(folder)
    print(
        f"{files:,} files, {total / 1e6:.1f} MB; {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    )
    programs = {"lsearch": run_lsearch}
    if not args.without_recoll and shutil.which("recollindex"):
        programs["recoll"] = run_recoll
    results = {name: [] for name in programs}
    # In turn, so that what else the machine does falls on both.
    for _ in range(args.runs):
        for name, run in programs.items():
            with tempfile.TemporaryDirectory() as home:
                place = pathlib.Path(home) / "index"
                wall, cpu = run(folder, place)
                results[name].append((wall, cpu, index_bytes(place)))
                print(
                    f"  {name:8} {wall:7.2f} s wall {cpu:7.2f} s CPU {total / 1e6 / wall:6.1f} MB/s",
                    flush=True,
                )
    for name, runs in results.items():
        wall, cpu = (statistics.median(column) for column in list(zip(*runs))[:2])
        print(
            f"{name:8} median {wall:7.2f} s wall {cpu:7.2f} s CPU: {total / 1e6 / wall:5.1f} MB/s, "
            f"{total / 1e6 / cpu:5.1f} MB a CPU second; index {runs[-1][2] / 1e6:.0f} MB"
        )


if __name__ == "__main__":
    main()
