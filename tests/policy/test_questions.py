"""The questions of the challenge have one answer, and take it in any script."""

from __future__ import annotations

from itertools import pairwise

import pytest

from relay.policy.questions import Question, QuestionKind, is_right, question

SEEDS = [f"challenge {number}" for number in range(300)]


@pytest.mark.parametrize("kind", QuestionKind)
def test_both_kinds_come(kind: QuestionKind) -> None:
    assert sum(question(seed).kind is kind for seed in SEEDS) > 100


def test_a_seed_always_brings_the_same_question_and_another_one_hardly_ever() -> None:
    assert [question(seed) for seed in SEEDS] == [question(seed) for seed in SEEDS]
    assert len({question(seed) for seed in SEEDS}) > 120


def test_the_next_question_is_never_the_same() -> None:
    for seed in SEEDS:
        asked = [question(seed, number) for number in range(5)]
        assert all(one != other for one, other in pairwise(asked))


def test_each_has_one_answer() -> None:
    for asked in map(question, SEEDS):
        if asked.kind is QuestionKind.SUM:
            assert 2 <= asked.answer <= 9
        else:
            assert len(set(asked.numbers)) == 3
            assert asked.answer == sorted(asked.numbers)[2]


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("7", True), (" 7 ", True), ("7.", True), ("٧", True), ("７", True), ("07", True),
        ("8", False), ("", False), ("seven", False), ("-7", False), ("7" * 50, False), ("²", False),
    ],
)  # fmt: skip
def test_the_answer_is_taken_in_digits_of_any_script(said: str, right: bool) -> None:
    assert is_right(Question(QuestionKind.SUM, (3, 4)), said) is right
