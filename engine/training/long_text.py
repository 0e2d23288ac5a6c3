"""The long document of the goldens: prose made from word lists by a fixed random sequence.

    python long_text.py OUTPUT_FILE

It has headings, paragraphs, lists, code, numbers and scripts beside Latin, because each of them
moves byte offsets in its own way. Its meaning does not matter; that it is always the same does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fixed_random import FixedRandom

LONG_FILE = "long.txt"
"""Its name among the goldens."""

SUBJECTS = """the harbour master|a retired surveyor|the night ferry|our kitchen garden|the archive
the pump station|an apprentice bookbinder|the river authority|the choir|a lighthouse keeper
the glacier|the tax office|a market gardener|the observatory|the weaving mill|the café owner
the committee|an unsigned letter|the municipal library|a flock of curlews""".replace("\n", "|")
VERBS = """records|repairs|postpones|measures|describes|inherits|abandons|surveys|translates|borrows
photographs|dismantles|catalogues|overlooks|defends|reopens|replaces|questions""".replace("\n", "|")
OBJECTS = """the tide tables|a brass sextant|three boxes of correspondence|the eastern embankment
the grain ledgers|an uncatalogued map|the frost damage|a seventeenth-century well
the drainage levy|the copper roof|a broken turbine|the naïve façade|the village's water rights
the new timetable|a field of barley|the minutes of the meeting|an old quarrel""".replace("\n", "|")
PLACES = """beside the canal|above the snow line|in Århus|near Kraków|on the second floor
behind the smithy|at the edge of the salt marsh|across the border|under the railway bridge
in São Tomé|by the weir|throughout the valley""".replace("\n", "|")
TIMES = """before dawn|in the winter of {year}|for {number} years|every other Thursday
until the lease ran out|after the flood|once the ice had gone|long before {year}
on the {number}th of March|while the council deliberated""".replace("\n", "|")
LINKS = """Nevertheless|In the same month|According to the survey|As far as anyone knew|Meanwhile
For that reason|By contrast|Two pages later|Strictly speaking""".replace("\n", "|")
TOPICS = """Water|Inheritance|Timetables|Instruments|Correspondence|Frost|Boundaries|Repairs
Accounts|Migration|Weather|Disputes""".replace("\n", "|")
ODDITIES = [
    "潮汐表は港の記録とともに保管され、毎年春に書き直された。",
    "Приливные таблицы хранились в архиве вместе с письмами.",
    "The entry reads “déjà vu”, with the accents written as combining marks: de\u0301ja\u0300 vu.",
    "One margin holds only a drawing of a boat ⛵ and, below it, a tide gauge 📏🌊.",
    "Το ημερολόγιο σταματά στη μέση της πρότασης.",
    "Her totals (£1,204.50, then €986.75) differ by 0.3% from the ledger; see §12(b).",
]
CODE = """```
def level(gauge, hours={number}):
    readings = [r for r in gauge.history if r.age_h < hours]
    return sum(r.metres for r in readings) / max(1, len(readings))  # {year}
```"""


def sentence(random: FixedRandom) -> str:
    """One sentence."""
    time = random.pick(TIMES).format(year=1700 + random.below(300), number=4 + random.below(23))
    parts = [random.pick(SUBJECTS), random.pick(VERBS), random.pick(OBJECTS)]
    if random.below(2):
        parts.append(random.pick(PLACES))
    parts.append(time)
    if random.below(3) == 0:
        parts.append(f"and {random.pick(VERBS)} {random.pick(OBJECTS)}")
    text = " ".join(parts)
    if random.below(4) == 0:
        return f"{random.pick(LINKS)}, {text}."
    return f"{text[0].upper()}{text[1:]}."


def paragraph(random: FixedRandom) -> str:
    """A paragraph, a list or a piece of code."""
    kind = random.below(12)
    if kind == 0:
        return "\n".join(f"- {sentence(random)}" for _ in range(2 + random.below(4)))
    if kind == 1:
        return CODE.format(number=random.below(48), year=1900 + random.below(100))
    sentences = [sentence(random) for _ in range(2 + random.below(7))]
    if kind in (2, 3):
        position = random.below(len(sentences) + 1)
        sentences.insert(position, ODDITIES[random.below(len(ODDITIES))])
    return " ".join(sentences)


def long_text(paragraphs: int = 213, seed: int = 20_000) -> str:
    """The whole document, about 20,000 tokens."""
    random = FixedRandom(seed)
    parts = []
    for number in range(paragraphs):
        if number % 9 == 0:
            parts.append(f"# {1 + number // 9}. {random.pick(TOPICS)}")
        parts.append(paragraph(random))
    return "\n\n".join(parts) + "\n"


def cut_passages(text: str, seed: int) -> list[tuple[int, int]]:
    """Byte ranges that cover a text but for the whitespace between some of them.

    Most end where a paragraph ends. Some end at a space, and one inside a word, so that the rule
    for the token on the boundary is put to the test.
    """
    random = FixedRandom(seed)
    paragraphs = []
    start = 0
    for part in text.split("\n\n"):
        paragraphs.append((start, start + len(part)))
        start += len(part) + 2
    passages = []
    while paragraphs:
        group = paragraphs[: 1 + random.below(14)]
        del paragraphs[: len(group)]
        first, last = group[0][0], group[-1][1]
        middle = text.rfind(" ", first, (first + last) // 2)
        if middle > first and random.below(4) == 0:
            passages += [(first, middle), (middle + 1, last)]
        else:
            passages.append((first, last))
    longest = max(range(len(passages)), key=lambda at: passages[at][1] - passages[at][0])
    start, end = passages[longest]
    inside = text.index("graph", start, end) + 2
    passages[longest : longest + 1] = [(start, inside), (inside, end)]

    def at_byte(position: int) -> int:
        return len(text[:position].encode("utf-8"))

    return [(at_byte(start), at_byte(end)) for start, end in passages]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    Path(sys.argv[1]).write_text(long_text(), encoding="utf-8", newline="\n")
