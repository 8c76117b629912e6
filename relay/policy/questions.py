"""The questions of the challenge: easy for anybody who can read, in words, without a picture.

They keep out what floods forms blindly; what reads and thinks is stopped by the limits on mailboxes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

MOST_TRIES = 5
"""Wrong answers after which a challenge is spent."""


class QuestionKind(StrEnum):
    """What is asked about the numbers."""

    SUM = "sum"
    LARGEST = "largest"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, about which numbers, and the answer. A sum is never more than nine."""

    kind: QuestionKind
    numbers: tuple[int, ...]

    @property
    def answer(self) -> int:
        """The right answer."""
        return sum(self.numbers) if self.kind is QuestionKind.SUM else max(self.numbers)


def question(seed: str, number: int = 0) -> Question:
    """The question of this number that belongs to the seed; always the same one, so nothing is stored.

    The two kinds take turns: the next one is never the same question again.
    """
    first = hashlib.sha256(seed.encode()).digest()[0]
    chance = hashlib.sha256(f"{seed} {number}".encode()).digest()
    if (first + number) % 2:
        return Question(QuestionKind.SUM, (1 + chance[1] % 5, 1 + chance[2] % 4))
    numbers = [11 + chance[n] % 80 for n in (1, 2, 3)]
    ascending = sorted(numbers)
    if any(one == other for one, other in pairwise(ascending)):
        numbers = [numbers[0], (numbers[0] + 7) % 80 + 11, (numbers[0] + 31) % 80 + 11]
    return Question(QuestionKind.LARGEST, tuple(numbers))


def is_right(question: Question, said: str) -> bool:
    """Whether this is the answer, in digits of any script."""
    text = said.strip().rstrip(".")
    return len(text) <= 4 and text.isdecimal() and int(text) == question.answer
