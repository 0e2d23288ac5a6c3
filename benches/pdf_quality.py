#!/usr/bin/env python3
"""Measures the text of PDFs against reference texts and their pages against another reader.

  cargo build --release -p lsearch-ingest --example measure
  benches/pdf_quality.py target/release/examples/measure FOLDER [--all]

FOLDER holds pairs NAME.pdf and NAME.txt. Compared are words (runs of letters and digits, lower
case, compatibility forms made plain):

  recall     share of the reference's words that are in our text, each as often as it occurs
  precision  share of our words that are in the reference
  order      share of the reference's runs of five words that are in our text

Then words that a line end divides in our pages are counted, and of pages chosen at random (fixed
seed) the rarest run of words is looked for in the same file by PyMuPDF (`pip install pymupdf`):
it must stand on the page of the same number and, where it occurs once, on no other.
"""

import argparse
import collections
import functools
import pathlib
import random
import re
import statistics
import subprocess
import tempfile
import unicodedata

RUN = 5


# East Asian writing has no spaces: each character is compared by itself.
IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
WORD = re.compile(f"[{IDEOGRAPHS}]|[^\\W_{IDEOGRAPHS}]+")


def words(text):
    return WORD.findall(unicodedata.normalize("NFKC", text).lower())


def runs(tokens, length=RUN):
    return zip(*(tokens[start:] for start in range(length)))


def overlap(ours, theirs):
    """Shares of theirs found in ours and of ours found in theirs, counting repetitions."""
    ours, theirs = collections.Counter(ours), collections.Counter(theirs)
    common = sum((ours & theirs).values())
    return common / max(1, sum(theirs.values())), common / max(1, sum(ours.values()))


def extract(measure, files):
    """What `measure --text` makes of the files: pages of text by file."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([measure, "--text", folder, *files], check=True, stdout=subprocess.DEVNULL)
        texts = {}
        for file in files:
            out = pathlib.Path(folder, f"{file.name}.out")
            texts[file] = out.read_text().split("\f") if out.exists() else []
    return texts


def compare(texts, show_all):
    rows = []
    for file, pages in texts.items():
        ours, theirs = words("\n".join(pages)), words(file.with_suffix(".txt").read_text())
        recall, precision = overlap(ours, theirs)
        order, _ = overlap(runs(ours), runs(theirs))
        rows.append((recall, precision, order, file.name))
    print(f"{'recall':>7} {'precis.':>7} {'order':>7}")
    for recall, precision, order, name in sorted(rows):
        if show_all or min(recall, precision, order) < 0.95:
            print(f"{recall:7.4f} {precision:7.4f} {order:7.4f} {name[:70]}")
    for column, what in enumerate(["recall", "precision", "order"]):
        values = [row[column] for row in rows]
        print(
            f"{what:9} mean {statistics.mean(values):.4f}, median {statistics.median(values):.4f}, "
            f"lowest {min(values):.4f}; over 0.95: {sum(v > 0.95 for v in values)} of {len(values)}"
        )


def divided(texts):
    """Words that a line end divides and that no reference has so."""
    ends = [
        match
        for pages in texts.values()
        for page in pages
        for match in re.findall(r"[^\W\d_]+-\n+[^\W\d_]+", page)
    ]
    lower = [end for end in ends if end.rsplit("\n", 1)[1][0].islower()]
    print(
        f"line ends with a hyphen inside of a word: {len(ends)}, before a small letter: {len(lower)}"
    )
    ligatures = sum(
        len(re.findall("[\ufb00-\ufb06\u00ad]", p)) for ps in texts.values() for p in ps
    )
    print(f"ligatures and soft hyphens: {ligatures}")


def check_pages(texts, count, seed):
    import pymupdf

    def squeeze(text):
        return "".join(words(text))

    @functools.cache
    def pages_of(file):
        return [squeeze(page.get_text()) for page in pymupdf.open(file)]

    rng = random.Random(seed)
    candidates = [
        (file, number)
        for file, pages in texts.items()
        for number in range(len(pages))
        if len(words(pages[number])) >= 30
    ]
    chosen, right, wrong = rng.sample(candidates, min(count, len(candidates))), 0, []
    for file, number in chosen:
        theirs = pages_of(file)
        tokens = words(texts[file][number])
        phrases = [squeeze(" ".join(run)) for run in runs(tokens, 8)]
        # The page whose text has most of ours; of pages alike (a form twice), any of them is right.
        best = max((sum(phrase in page for phrase in phrases) for page in theirs), default=0)
        here = theirs[number] if number < len(theirs) else ""
        found = sum(phrase in here for phrase in phrases)
        unique = [p for p in phrases if sum(p in page for page in theirs) == 1]
        if found == best and best > 0 and all(p in here for p in unique):
            right += 1
        else:
            wrong.append(
                f"{file.name[:60]} page {number + 1}: {found} of {len(phrases)} runs, "
                f"elsewhere {best}, {sum(p not in here for p in unique)} strays"
            )
    print(f"pages right: {right} of {len(chosen)}")
    for line in wrong:
        print("  " + line)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measure", type=pathlib.Path, help="the built example of that name")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--all", action="store_true", help="list files over 0.95, too")
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    files = sorted(f for f in options.folder.glob("*.pdf") if f.with_suffix(".txt").exists())
    texts = extract(options.measure.absolute(), files)
    compare(texts, options.all)
    divided(texts)
    if options.pages:
        check_pages(texts, options.pages, options.seed)


main()
