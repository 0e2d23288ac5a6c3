"""What the tiny bundles have in common: a vocabulary of a few words, its tokenizer, and text of it.

The numbers that tempt one to hard-code them (special ids, the padding id, the length of the prefix)
are unusual.
"""

from __future__ import annotations

import json
from pathlib import Path

from fixed_random import FixedRandom

PREFIX_IDS, SUFFIX_IDS, PAD_ID = [2, 3], [4], 1
SPECIALS = ["[UNK]", "[PAD]", "[BEGIN]", "[DOC]", "[END]"]

WORDS = (
    "the a of in on and to by for was is it find boat ferry river harbour tide water ice bridge "
    "north south east west winter summer morning evening letter book map stone tower road field "
    "mill bell clock lamp rope sail anchor gull salt mud rain wind snow fog slow quick old new "
    "cold warm deep high low every first last near far before after under over reads keeps crosses "
    "leaves returns waits rises falls carries counts"
).split()
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
MARKS = ".,;:!?-'\"()"


def make_tokenizer() -> dict:
    """A WordPiece tokenizer that knows a few words and can spell the others."""
    tokens = [*SPECIALS, *MARKS, *LETTERS, *(f"##{letter}" for letter in LETTERS), "##s", "##ing"]
    vocabulary = {token: at for at, token in enumerate(dict.fromkeys([*tokens, *WORDS]))}
    added = [
        {
            "id": vocabulary[token],
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for token in SPECIALS
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": None,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocabulary,
        },
    }


def write_tokenizer(folder: Path) -> int:
    """Writes `tokenizer.json` and returns the size of its vocabulary."""
    tokenizer = make_tokenizer()
    text = json.dumps(tokenizer, separators=(",", ":")) + "\n"
    (folder / "tokenizer.json").write_text(text, encoding="utf-8", newline="\n")
    return len(tokenizer["model"]["vocab"])


def make_text(seed: int, words: int) -> str:
    """Words with a full stop now and then."""
    random = FixedRandom(seed)
    vocabulary = "|".join(WORDS)
    parts = [random.pick(vocabulary) + ("." if random.below(9) == 0 else "") for _ in range(words)]
    return " ".join(parts)
