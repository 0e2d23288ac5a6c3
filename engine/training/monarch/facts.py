"""Small facts and the questions they answer, made up: one of them, put somewhere into a long
document, is what the document vector has to keep. All names and values are random."""

from __future__ import annotations

import numpy as np

FIRST = (
    "Ada Bruno Celia Dario Edith Felix Greta Hugo Irene Jonas Klara Leon Mira Nils Olga "
    "Pavel Rosa Simon Tilda Ulrich Vera Walter Yusuf Zelda Amara Benoit Chiara Dmitri "
    "Elena Farid"
).split()
LAST = (
    "Abendroth Bellweather Castellan Dunmore Eriksen Fairweather Gallagher Hartmann "
    "Ishikawa Jansen Kowalski Lindqvist Marchetti Novak Okafor Petrov Quimby Rasmussen "
    "Silva Thornton Ueda Vasquez Whitlock Yamada Zimmer Ashdown Brandt Corrigan Delacroix "
    "Engel"
).split()
THINGS = (
    "ferry bakery observatory orchard lighthouse archive brewery library museum quarry "
    "theatre mill clinic school bridge garden foundry harbour vineyard workshop"
).split()
PLACES = (
    "Aldmoor Brinkhaven Corvale Dunlish Eastmere Fennick Garrowby Hollin Innskerry "
    "Jarrowdale Kestwick Lanmouth Merrow Northfold Ostwick Pellingham Quenby Rothmere "
    "Sallow Tarnside"
).split()
COLOURS = "red blue green amber violet white black silver crimson teal".split()
MONTHS = (
    "January February March April May June July August September October November December"
).split()


def made_up(count: int, seed: int) -> list[tuple[str, str]]:
    """Statements and questions, `count` of them, no two about the same thing."""
    random = np.random.default_rng(seed)

    def pick(words: list[str]) -> str:
        return words[int(random.integers(len(words)))]

    def number(digits: int) -> str:
        return str(int(random.integers(10 ** (digits - 1), 10**digits)))

    found: dict[str, str] = {}
    while len(found) < count:
        person = f"{pick(FIRST)} {pick(LAST)}"
        thing, place = pick(THINGS), pick(PLACES)
        day = f"{int(random.integers(1, 29))} {pick(MONTHS)} {int(random.integers(1700, 2030))}"
        choices = (
            (f"The locker of {person} is number {number(4)}.", f"which locker does {person} have?"),
            (f"{person} was born on {day} in {place}.", f"when was {person} born?"),
            (f"{person} was born on {day} in {place}.", f"where was {person} born?"),
            (f"The {thing} in {place} opened on {day}.", f"when did the {thing} in {place} open?"),
            (
                f"The founder of the {thing} in {place} was {person}.",
                f"who founded {place}'s {thing}?",
            ),
            (
                f"The door of the {thing} in {place} is {pick(COLOURS)}.",
                f"what colour is the door of the {thing} in {place}?",
            ),
            (
                f"{person}'s telephone extension is {number(5)}.",
                f"what is the extension of {person}?",
            ),
            (
                f"In {place}, the invoice for {person} is filed under {number(6)}.",
                f"invoice number for {person}",
            ),
            (
                f"The {thing} in {place} employs {number(3)} people.",
                f"how many people work at the {thing} in {place}?",
            ),
            (
                f"{person} keeps the keys of the {thing} in {place}.",
                f"who has the keys of the {thing} in {place}?",
            ),
        )
        statement, question = choices[int(random.integers(len(choices)))]
        found.setdefault(question, statement)
    return [(statement, question) for question, statement in found.items()]
