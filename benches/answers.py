#!/usr/bin/env python3
"""Collections whose passages can be judged: does the passage shown hold the answer?

    benches/answers.py RETRIEVAL OUT && lsearch eval OUT

RETRIEVAL is a folder of collections (covidqa, needle-*, passkey-*). OUT gets links to their files
and, for each task, answers.jsonl. A needle and a pass key are the sentences of the relevant document
that no other document of the collection has; the answers to 100 questions of covidqa stand in
benches/answers/covidqa.jsonl, put down from the documents without looking at any search.
"""

import collections
import io
import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
# Shorter sentences than this may stand anywhere.
SHORTEST = 16


def corpus(path):
    """The documents by name."""
    unpacked = subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout
    lines = io.TextIOWrapper(io.BytesIO(unpacked), encoding="utf-8")
    documents = (json.loads(line) for line in lines if line.strip())
    return {document["_id"]: document["text"] for document in documents}


def inserted(documents):
    """The sentences that each document has alone."""
    sentences = {name: SENTENCE_END.split(text) for name, text in documents.items()}
    held_by = collections.Counter(s for held in sentences.values() for s in set(held))
    return {
        name: [s for s in held if held_by[s] == 1 and len(s) >= SHORTEST]
        for name, held in sentences.items()
    }


def answers(home, task):
    """By query, what answers it."""
    if home.name == "covidqa":
        lines = (HERE / "answers" / "covidqa.jsonl").read_text(encoding="utf-8").splitlines()
        return {line["_id"]: line["answers"] for line in map(json.loads, lines)}
    alone = inserted(corpus(home / "corpus.jsonl.zst"))
    judged = (line.split("\t") for line in (task / "qrels.tsv").read_text().splitlines()[1:])
    return {query: alone[document] for query, document, grade in judged if int(grade) > 0}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    for home in sorted(source.iterdir()):
        if not re.fullmatch(r"covidqa|needle-\d+|passkey-\d+", home.name):
            continue
        for queries in sorted(home.glob("*/queries.jsonl")):
            task = queries.parent
            to = out / home.name / task.name
            to.mkdir(parents=True, exist_ok=True)
            links = [home / "corpus.jsonl.zst", queries, task / "qrels.tsv"]
            for link, target in zip([to.parent, to, to], links):
                place = link / target.name
                if not place.exists():
                    place.symlink_to(target)
            known = answers(home, task).items()
            lines = (json.dumps({"_id": query, "answers": strings}) for query, strings in known)
            (to / "answers.jsonl").write_text("".join(line + "\n" for line in lines))


if __name__ == "__main__":
    main()
