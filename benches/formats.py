#!/usr/bin/env python3
"""What becomes of real files, by format: how many were tried, how many gave a document, why the others did not, and how
many megabytes of files a second one extraction child reads.

    cargo build --release -p lsearch-ingest --examples
    benches/formats.py target/release/examples FOLDER... [--most 500]

Files that are left out by their names alone (pictures, libraries) are counted apart. The table is Markdown.
"""

import argparse
import collections
import pathlib
import random
import re
import subprocess

BATCH = 500
# Reasons by which a file is no document by its name or first bytes.
NO_DOCUMENT = re.compile("binary file|format not supported|empty file|looks like a secret")
# Extensions of which one format has several.
SAME = {"htm": "html", "xhtml": "html", "markdown": "md", "tgz": "tar", "txz": "tar", "mbx": "mbox"}


class Row:
    def __init__(self):
        self.files = self.documents = self.members = self.bytes = 0
        self.milliseconds = 0.0
        self.reasons = collections.Counter()
        self.warned = 0


def files_of(folders, most, seed):
    """All files by extension, at most so many of each, chosen at random but always alike."""
    by_extension = collections.defaultdict(list)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink() and "\n" not in str(path):
                by_extension[path.suffix.lower().lstrip(".")].append(path)
    rng = random.Random(seed)
    for paths in by_extension.values():
        yield from rng.sample(paths, min(most, len(paths)))


def format_of(path):
    parts = path.name.lower().split(".")
    if len(parts) > 2 and parts[-1] in ("gz", "bz2", "xz", "zst"):
        return "tar" if parts[-2] == "tar" else parts[-1]
    extension = parts[-1] if len(parts) > 1 else "none"
    return SAME.get(extension, extension)


def measure(programs, paths):
    """What the extraction child makes of each file, as columns."""
    for start in range(0, len(paths), BATCH):
        batch = [str(path) for path in paths[start : start + BATCH]]
        command = [programs / "measure", "--worker", programs / "extract_worker", *batch]
        lines = subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8", "replace")
        known = set(batch)
        for line in lines.splitlines():
            columns = line.split("\t")
            if columns[0] in known:
                yield pathlib.Path(columns[0]), columns[1:]


def tally(programs, paths):
    rows, left_out = collections.defaultdict(Row), collections.Counter()
    for path, columns in measure(programs, paths):
        what = columns[0]
        if what in ("skipped", "failed") and NO_DOCUMENT.search(columns[1]):
            left_out[re.sub(r" \(.*", "", columns[1])] += 1
            continue
        is_packed = path.suffix in (".gz", ".bz2", ".xz", ".zst")
        by_name = what in ("container", "skipped", "failed") or is_packed
        row = rows[format_of(path) if by_name else what]
        row.files += 1
        if what in ("skipped", "failed"):
            row.reasons[f"{what}: {shortened(columns[1])}"] += 1
            continue
        row.documents += what != "container"
        row.bytes += path.stat().st_size
        row.milliseconds += float(columns[1].split()[0])
        if what == "container":
            row.members += int(columns[2].split()[0])
            if columns[4]:
                row.reasons[f"stopped: {shortened(columns[4])}"] += 1
        else:
            row.warned += bool(columns[-1])
    return rows, left_out


def shortened(reason):
    """A reason without what is particular to one file."""
    reason = re.sub(r"damaged (\w+) file: .*", "damaged", reason)
    return re.sub(r"\d[\d.,]*", "N", reason)[:60]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("programs", type=pathlib.Path, help="the folder of the built examples")
    parser.add_argument("folders", type=pathlib.Path, nargs="+")
    parser.add_argument("--most", type=int, default=500, help="files of one extension")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    paths = list(files_of([folder.absolute() for folder in options.folders], options.most, options.seed))
    rows, left_out = tally(options.programs.absolute(), paths)
    print("| format | files | documents | of them with a warning | no document | MB/s |")
    print("|---|---|---|---|---|---|")
    for name, row in sorted(rows.items(), key=lambda item: -item[1].files):
        reasons = "; ".join(f"{count} {reason}" for reason, count in row.reasons.most_common())
        speed = row.bytes / 1e3 / row.milliseconds if row.milliseconds else 0
        documents = f"{row.documents}" + (f" + {row.members} within" if row.members else "")
        print(f"| {name} | {row.files} | {documents} | {row.warned} | {reasons} | {speed:.1f} |")
    print()
    print("left out by name or first bytes:", ", ".join(f"{n} {why}" for why, n in left_out.most_common()))
    total = sum(row.files for row in rows.values())
    print(f"{len(paths)} files, {total} of them such as are read")


main()
