"""What is said to people is stored without words, and put into anybody's language later."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from relay import languages
from relay.sayings import NOTHING, Saying, say, say_many, spoken
from tests.catalogs import Said

END = datetime(2026, 12, 3, 9, 5, tzinfo=UTC)

SAID = [
    NOTHING,
    say("Nothing yet."),
    say("100 % of it."),
    say("Enter only: %(value)s", value="a%b"),
    say("There is %(found)s.", found=("v=spf1 -all", "x")) + say("Add “%(name)s”.", name="@"),
    say("It cannot be read (%(detail)s).", detail=say("%(term)s leads back", term="include:a")),
    say_many("%(number)s record", "%(number)s records", number=3),
    say("It stops on %(end)s.", end=END),
]


@pytest.fixture
def german(translated: Callable[[str, Said], None]) -> None:
    """German is what this says, and no more."""
    translated(
        "de",
        {
            "Nothing yet.": "Noch nichts.",
            "There is %(found)s.": "Da ist %(found)s.",
            "It cannot be read (%(detail)s).": "Unlesbar (%(detail)s).",
            "%(term)s leads back": "%(term)s führt zurück",
            "It stops on %(end)s.": "Schluss am %(end)s.",
            ("%(number)s record", "%(number)s records"): ("Ein Eintrag", "%(number)s Einträge"),
        },
    )


def test_as_a_string_it_is_english() -> None:
    assert [str(each) for each in SAID] == [
        "",
        "Nothing yet.",
        "100 % of it.",
        "Enter only: a%b",
        "There is “v=spf1 -all”, “x”. Add “@”.",
        "It cannot be read (include:a leads back).",
        "3 records",
        "It stops on 3 December, 09:05 UTC.",
    ]


@pytest.mark.parametrize("said", SAID, ids=str)
def test_it_survives_being_stored(said: Saying) -> None:
    stored = json.loads(json.dumps(said.stored()))

    assert Saying.read(stored) == said
    assert bool(said) == bool(stored)


def test_english_that_was_stored_before_there_were_messages_is_still_said() -> None:
    old = "There is “50 %(off)s” at shop.example. Delete it."

    assert spoken(old, "de") == old
    assert str(Saying.read(old)) == old
    assert Saying.read(None) == Saying.read("") == NOTHING


@pytest.mark.usefixtures("german")
def test_somebody_hears_it_in_their_language() -> None:
    assert [each.spoken("de") for each in SAID] == [
        "",
        "Noch nichts.",
        "100 % of it.",
        "Enter only: a%b",
        "Da ist „v=spf1 -all“, „x“. Add “@”.",
        "Unlesbar (include:a führt zurück).",
        "3 Einträge",
        "Schluss am 3. Dezember, 09:05 UTC.",
    ]


@pytest.mark.parametrize("language", ["en", "zh-Hant", "ar", "tlh", ""])
def test_what_nobody_has_translated_is_said_in_english(language: str) -> None:
    assert spoken("Untranslated words.", language) == "Untranslated words."


def test_sentences_stand_apart_as_the_language_wants_it() -> None:
    assert languages.joined(["One.", "Two."]) == "One. Two."
    assert languages.joined(["一。", "二。"]) == "一。二。"


def test_programs_get_what_is_filled_in() -> None:
    assert SAID[4].parameters == {"found": ["v=spf1 -all", "x"], "name": "@"}
    assert SAID[5].parameters == {"detail": "include:a leads back"}
