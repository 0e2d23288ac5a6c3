#!/usr/bin/env python3
"""A collection for `lsearch eval` from translated manual pages: what a page is for, put as a question to the others.

    apt-get download manpages manpages-de manpages-fr …     # each then unpacked with dpkg-deb -x PACKAGE MAN
    benches/languages.py MAN/usr/share/man OUT
    lsearch eval --mode keyword OUT

The query is the description in a page's first section ("list directory contents"), the document is the page
without that section, its title and its header, and the pages that are right are those with that description. What
a description names in one form ("Verzeichnisinhalte auflisten") the page mostly says in others, so that stems are
put to use. OUT/<language> has one language; OUT/all has all pages in one corpus, and each language's queries as
a task. There is no network and no judgement by people in it: a page that answers as well as the right one counts as
wrong, so that figures compare two ways of searching and say little by themselves.
"""

import argparse
import collections
import gzip
import html
import json
import pathlib
import re
import sys

MOST_PAGES = 700
LEAST_PAGES = 60
LEAST_BYTES = 600
# Descriptions of fewer words are names.
LEAST_WORDS = 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("man", type=pathlib.Path, help="folder of man1, de/man1 and so on")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--languages", nargs="*", default=[], help="only these; en for what has no folder of its own")
    args = parser.parse_args()
    everything = {}
    for language, folder in sorted(languages(args.man).items()):
        if args.languages and language not in args.languages:
            continue
        pages = read_pages(language, folder)
        if len(pages) < LEAST_PAGES:
            print(f"{language}: left out, {len(pages)} pages", file=sys.stderr)
            continue
        queries, judgements = questions(pages)
        write_collection(args.out / language, pages, {language: (queries, judgements)})
        everything[language] = (pages, queries, judgements)
        print(f"{language}: {len(pages)} pages, {len(queries)} queries", file=sys.stderr)
    pages = {name: page for of_language, _, _ in everything.values() for name, page in of_language.items()}
    tasks = {language: (queries, judgements) for language, (_, queries, judgements) in everything.items()}
    write_collection(args.out / "all", pages, tasks)


def languages(man):
    """Folders of pages by language."""
    found = {"en": man}
    for folder in man.iterdir():
        if folder.is_dir() and re.fullmatch(r"[a-z]{2}(_[A-Z]{2})?", folder.name):
            found[folder.name] = folder
    return found


def read_pages(language, folder):
    """Description and text of pages, by name."""
    pages = {}
    for path in sorted(folder.glob("man*/*")):
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
        try:
            description, text = page_of(raw.decode("utf-8"))
        except (UnicodeDecodeError, ValueError):
            continue
        if len(text.encode()) >= LEAST_BYTES:
            pages[f"{language}/{path.name.removesuffix('.gz')}"] = (description, text)
    # Evenly spread over the sections, so that no one kind of page is all there is.
    names = sorted(pages)
    step = max(1, -(-len(names) // MOST_PAGES))
    return {name: pages[name] for name in names[::step]}


def page_of(source):
    """The description in the first section, and the text of the others."""
    sections = re.split(r"(?m)^\.S[Hh]\s+(.*)$", source)
    if len(sections) < 5:
        raise ValueError("no sections")
    name = plain(sections[2])
    _, dash, description = name.partition(" - ")
    if not dash or "\n\n" in description.strip():
        raise ValueError("no description")
    rest = zip(sections[3::2], sections[4::2])
    text = "\n\n".join(f"{plain(heading)}\n\n{plain(body)}" for heading, body in rest)
    return " ".join(description.split()), text


def plain(roff):
    """What a manual page says, without its commands."""
    lines = []
    for line in roff.split("\n"):
        if line.startswith((".\\\"", "'\\\"", ".so ")):
            continue
        if line.startswith("."):
            # Macros that set their arguments in some font keep them; of the others nothing is text.
            kept = re.match(r"\.(B|I|BR|BI|IB|IR|RB|RI|SM|SB|SS|TP|IP)\b\s*(.*)", line)
            line = kept.group(2).replace('"', "") if kept else ""
        lines.append(line)
    text = "\n".join(lines)
    text = re.sub(r"\\f(\[[^]]*\]|\(..|.)|\\s[-+]?\d|\\[,/&|^:%]", "", text)
    text = re.sub(r"\\\*?\[([^]]*)\]|\\\*?\((..)", " ", text)
    text = text.replace("\\-", "-").replace("\\(em", "-").replace("\\e", "\\")
    text = re.sub(r" [-–—]{1,2} ", " - ", text)
    text = re.sub(r"\\.", "", text)
    return html.unescape(re.sub(r"\n{3,}", "\n\n", text)).strip()


def questions(pages):
    """Descriptions, and the pages that each is right for."""
    right = collections.defaultdict(list)
    for name, (description, _) in pages.items():
        if len(re.findall(r"\w{3,}", description)) >= LEAST_WORDS:
            right[description].append(name)
    queries, judgements = {}, {}
    for number, (description, names) in enumerate(sorted(right.items())):
        # What many pages have does not tell them apart.
        if len(names) <= 5:
            queries[f"q{number}"] = description
            judgements[f"q{number}"] = names
    return queries, judgements


def write_collection(folder, pages, tasks):
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "corpus.jsonl", "w", encoding="utf-8") as out:
        for name, (_, text) in pages.items():
            out.write(json.dumps({"_id": name, "title": "", "text": text}, ensure_ascii=False) + "\n")
    for task, (queries, judgements) in tasks.items():
        (folder / task).mkdir(exist_ok=True)
        with open(folder / task / "queries.jsonl", "w", encoding="utf-8") as out:
            for query, text in queries.items():
                out.write(json.dumps({"_id": query, "text": text}, ensure_ascii=False) + "\n")
        with open(folder / task / "qrels.tsv", "w", encoding="utf-8") as out:
            out.write("query-id\tcorpus-id\tscore\n")
            for query, names in judgements.items():
                out.writelines(f"{query}\t{name}\t1\n" for name in names)


if __name__ == "__main__":
    main()
