"""What a label looks like to a hasty reader (UTS #39 §4, and what phishers do with ASCII).

`skeleton` is the standard's: NFD, each character replaced by what it looks like, NFD again. Two
labels with one skeleton cannot be told apart by eye. `readings` adds the tricks that can be told
apart, but are not when one is in a hurry: digits for letters, rn for m, vv for w.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from itertools import groupby

from relay.policy.names import data

EXTRA = {
    "к": "k", "κ": "k", "ĸ": "k", "т": "t", "τ": "t", "м": "m", "в": "b", "н": "h", "п": "n",
    "η": "n", "υ": "u", "ω": "w", "ѡ": "w", "ε": "e", "є": "e", "г": "r", "β": "b", "ß": "b",
    "ѕ": "s", "ј": "j", "ԛ": "q", "ԝ": "w", "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d",
    "æ": "ae", "œ": "oe", "þ": "p", "ŋ": "n", "ӏ": "l", "ɡ": "g", "ʏ": "y", "ɴ": "n", "ʀ": "r", "μ": "u",
}  # fmt: skip
"""Pairs the standard leaves apart and a hasty reader does not (our decision)."""

DIGITS = str.maketrans("03458", "oeasb")
"""Digits that are put for letters; 1 may be an l or an i and is treated apart (our decision)."""

LONGEST_LABEL = 63
"""Octets of a label (RFC 1035 §2.3.4); nothing longer can be a name."""


@cache
def confusables() -> dict[int, str]:
    """Code point → the ASCII letters it looks like."""
    found: dict[int, str] = {}
    for line in data.lines("confusables.txt"):
        letters, *points = line.split()
        found |= {int(point, 16): letters for point in points}
    return found | {ord(char): letters for char, letters in EXTRA.items()}


def decoded(label: str) -> str:
    """The label as people see it: `xn--…` decoded; as it stands if that is no Punycode."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label


@lru_cache(maxsize=4_096)
def skeleton(label: str) -> str:
    """The label in what it looks like: ASCII where it can, lower case, accents off."""
    known = confusables()
    # Composed first: a letter with a stroke or tail has an entry of its own.
    composed = unicodedata.normalize("NFC", label).lower()[: LONGEST_LABEL * 2]
    mapped = "".join(known.get(ord(c), c) for c in composed)
    plain = "".join(known.get(ord(c), c) for c in unicodedata.normalize("NFKD", mapped))
    return "".join(c for c in plain if not unicodedata.combining(c)).lower()


def readings(text: str) -> tuple[str, ...]:
    """The skeleton first, then with the tricks undone, each alone and all together.

    Each alone, for undoing one may hide another: the `rn` of `k1arna` is none for an m. Two where a
    1 may be an l or an i.
    """
    first = skeleton(text)
    digits = first.translate(DIGITS)
    found = [first]
    for plain in (digits, digits.replace("rn", "m").replace("vv", "w")):
        found.append(plain)
        if "1" in plain:
            found += [plain.replace("1", "l"), plain.replace("1", "i")]
    return tuple(dict.fromkeys(found))


def collapsed(text: str) -> str:
    """Without doubled letters: `gooogle` and `gogle` both become `gogle`."""
    return "".join(letter for letter, _ in groupby(text))


def barred(text: str) -> str:
    """With every i an l and every n an m: in capitals, or in haste, they look alike."""
    return text.translate(_BARS)


_BARS = str.maketrans("in", "lm")
