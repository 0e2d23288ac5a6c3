"""Small facts and the questions they answer, made up: one of them, put somewhere into a long
document, is what the document vector has to keep. All names and values are random."""

from __future__ import annotations

from string import Formatter

import numpy as np

FIRST = (
    "Ada Bruno Celia Dario Edith Felix Greta Hugo Irene Jonas Klara Leon Mira Nils Olga "
    "Pavel Rosa Simon Tilda Ulrich Vera Walter Yusuf Zelda Amara Benoit Chiara Dmitri "
    "Elena Farid Grace Henrik Imani Joaquin Katya Lars Maeve Nadia Omar Priya Rafael "
    "Sofia Tomas Ursula Viktor Wanda Xavier Yara Zoltan Agnes"
).split()
LAST = (
    "Abendroth Bellweather Castellan Dunmore Eriksen Fairweather Gallagher Hartmann "
    "Ishikawa Jansen Kowalski Lindqvist Marchetti Novak Okafor Petrov Quimby Rasmussen "
    "Silva Thornton Ueda Vasquez Whitlock Yamada Zimmer Ashdown Brandt Corrigan Delacroix "
    "Engel Farrow Grimaldi Holloway Iversen Jarvis Keller Lockwood Mbeki Norris Oakley "
    "Prescott Rinaldi Sandoval Tanaka Underhill Voss Wexler Young Zapata Barlow"
).split()
THINGS = (
    "ferry bakery observatory orchard lighthouse archive brewery library museum quarry "
    "theatre mill clinic school bridge garden foundry harbour vineyard workshop tower "
    "aqueduct market chapel railway canal prison stadium laboratory monastery"
).split()
PLACES = (
    "Aldmoor Brinkhaven Corvale Dunlish Eastmere Fennick Garrowby Hollin Innskerry "
    "Jarrowdale Kestwick Lanmouth Merrow Northfold Ostwick Pellingham Quenby Rothmere "
    "Sallow Tarnside Portugal Kenya Norway Peru Vietnam Ohio Bavaria Tasmania Quebec Crete "
    "Iceland Morocco Bolivia Estonia Ghana Jamaica Nepal Oman Samoa Zambia"
).split()
COLOURS = "red blue green amber violet white black silver crimson teal".split()
MONTHS = (
    "January February March April May June July August September October November December"
).split()
SUBJECTS = (
    "violin compass telescope glacier volcano tulip falcon whale copper cobalt comet "
    "piano novel opera treaty alphabet engine vaccine enzyme calendar desert lake river "
    "mountain cathedral coin tea cheese marathon chess beetle orchid salmon magnet prism "
    "steam silk pepper lantern clock"
).split()
QUALITIES = (
    "oldest largest smallest deepest tallest rarest heaviest fastest coldest longest "
    "youngest busiest driest brightest"
).split()
WORKS = (
    "novel symphony poem play treatise painting sonata essay map dictionary opera mural"
).split()
TITLES = (
    "Autumn Winter Silent Golden Broken Hidden Distant Crimson Hollow Burning River Garden "
    "Mirror Harbor Mountain Letter Shadow Orchard Voyage Lantern Kingdom Bridge Storm Clock"
).split()
CODES = ("pass code", "access code", "locker number", "badge number", "account number", "PIN")
DEEDS = ("invented", "discovered", "designed", "first described", "named")

# A statement, and questions it answers. What stands in braces is drawn anew for every fact; the
# same name twice is the same thing.
TEMPLATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("The {code} of {person} is {n5}.", ("what is the {code} of {person}?", "{person} {code}")),
    (
        "{person}'s {code} is {n5}; it should be kept.",
        ("which {code} does {person} have?", "{code} for {person}"),
    ),
    ("Remember: the secret word of {person} is {subject}.", ("secret word of {person}",)),
    (
        "{person} was born on {day} in {place}.",
        ("when was {person} born?", "where was {person} born?", "birthplace of {person}"),
    ),
    ("{person} died in {place} at the age of {n2}.", ("how old was {person} at death?",)),
    (
        "The {thing} in {place} opened on {day}.",
        ("when did the {thing} in {place} open?", "opening date of the {thing} in {place}"),
    ),
    (
        "The founder of the {thing} in {place} was {person}.",
        ("who founded {place}'s {thing}?", "who started the {thing} in {place}?"),
    ),
    (
        "The door of the {thing} in {place} is {colour}.",
        ("what colour is the door of the {thing} in {place}?",),
    ),
    (
        "In {place}, the invoice for {person} is filed under {n6}.",
        ("invoice number for {person}", "where is the invoice of {person} filed?"),
    ),
    (
        "The {thing} in {place} employs {n3} people.",
        ("how many people work at the {thing} in {place}?", "staff of {place}'s {thing}"),
    ),
    (
        "{person} keeps the keys of the {thing} in {place}.",
        ("who has the keys of the {thing} in {place}?",),
    ),
    (
        "The {quality} {thing} in {place} is {n3} metres long.",
        ("how long is the {quality} {thing} in {place}?",),
    ),
    (
        "The {quality} {subject} in {place} is called {title}.",
        ("what is the {quality} {subject} in {place} called?", "{quality} {subject} of {place}"),
    ),
    (
        "The {subject} was {deed} by {person} in {year}.",
        ("who {deed} the {subject}?", "in which year was the {subject} {deed}?"),
    ),
    (
        "{person} wrote the {work} {title} {title2} in {year}.",
        ("who wrote {title} {title2}?", "when was the {work} {title} {title2} written?"),
    ),
    (
        "The {work} {title} {title2} is kept in the {thing} of {place}.",
        ("where is the {work} {title} {title2} kept?",),
    ),
    (
        "A {subject} has {n2} {subject2}s on average.",
        ("how many {subject2}s does a {subject} have?",),
    ),
    (
        "The study of the {subject} is known as {title}ology.",
        ("what is the study of the {subject} called?",),
    ),
    (
        "The capital of the old kingdom of {place} was {place2}.",
        ("what was the capital of the kingdom of {place}?",),
    ),
    (
        "In {place} the {subject} stands for {title2}.",
        ("what does the {subject} stand for in {place}?",),
    ),
    (
        "The treaty of {place} ended the war of {place2} in {year}.",
        ("which treaty ended the war of {place2}?", "when did the war of {place2} end?"),
    ),
    (
        "The best way to spend a day in {place} is to visit the {colour} {thing}.",
        ("what is the best thing to do in {place}?",),
    ),
    (
        "{person} and {person2} married in {place} in {year}.",
        ("whom did {person} marry?", "where did {person} and {person2} marry?"),
    ),
    (
        "The meeting with {person} was moved to {day}.",
        ("when is the meeting with {person}?",),
    ),
    (
        "{person} paid {n4} crowns for the {subject}.",
        ("how much did {person} pay for the {subject}?", "price of {person}'s {subject}"),
    ),
    (
        "The {subject} melts at {n3} degrees.",
        ("at what temperature does the {subject} melt?",),
    ),
    (
        "The river {title} flows through {place} and {place2}.",
        ("which river flows through {place}?", "where does the {title} flow?"),
    ),
    (
        "{person} succeeded {person2} as head of the {thing}.",
        ("who came after {person2} as head of the {thing}?",),
    ),
    (
        "The ingredient that {person} never leaves out is {subject}.",
        ("what ingredient does {person} always use?",),
    ),
    (
        "The {thing} of {place} was destroyed by fire in {year}.",
        ("what happened to the {thing} of {place} in {year}?", "fire {place} {thing} year"),
    ),
)


def made_up(count: int, seed: int) -> list[tuple[str, str]]:
    """Statements and questions, `count` of them, no two with the same question."""
    random = np.random.default_rng(seed)
    found: dict[str, str] = {}
    while len(found) < count:
        statement, questions = TEMPLATES[int(random.integers(len(TEMPLATES)))]
        question = questions[int(random.integers(len(questions)))]
        values = {name: drawn(random, name) for name in names_in(statement + question)}
        found.setdefault(question.format(**values), statement.format(**values))
    return [(statement, question) for question, statement in found.items()]


def names_in(template: str) -> set[str]:
    """What a template leaves open."""
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def drawn(random: np.random.Generator, name: str) -> str:
    """A value for an open place of a template; a digit at its end only tells two apart."""

    def pick(words: tuple[str, ...] | list[str]) -> str:
        return words[int(random.integers(len(words)))]

    if name[0] == "n" and name[1:].isdigit():
        digits = int(name[1:])
        return str(int(random.integers(10 ** (digits - 1), 10**digits)))
    kind = name.rstrip("2")
    if kind == "person":
        return f"{pick(FIRST)} {pick(LAST)}"
    if kind == "year":
        return str(int(random.integers(1400, 2030)))
    if kind == "day":
        month, year = pick(MONTHS), int(random.integers(1700, 2030))
        return f"{int(random.integers(1, 29))} {month} {year}"
    if kind == "deed":
        return pick(DEEDS)
    words = {
        "thing": THINGS,
        "place": PLACES,
        "colour": COLOURS,
        "subject": SUBJECTS,
        "quality": QUALITIES,
        "work": WORKS,
        "title": TITLES,
        "code": CODES,
    }
    return pick(words[kind])
