"""Everything that is said to people is said in every language, whole, and with nothing lost."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from relay import languages
from relay.languages import LANGUAGES, Language
from tests.fakes import MORNING
from tools import translations as tool

SPOKEN = [each for each in LANGUAGES.values() if each.tag != languages.ENGLISH]
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%")

SAME = {
    "de": ("Name", "Plugin", "Version %(version)s, %(size)s KB"),
    "es": ("Plugin",),
    "id": ("Plugin",),
}
"""What a language says with the words of English."""

each_language = pytest.mark.parametrize("language", SPOKEN, ids=lambda one: one.tag)


@pytest.fixture(scope="module")
def template() -> Catalog:
    return tool.collected()


def kept(language: Language) -> Catalog:
    with language.catalog.open("rb") as file:
        return read_po(file, locale=language.tag.replace("-", "_"))


def messages(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


def texts(said: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return list(said) if isinstance(said, list | tuple) else [said or ""]


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def test_what_is_said_is_collected(template: Catalog) -> None:
    assert len(messages(template)) > 50
    assert tool.TEMPLATE.read_bytes() == tool.written(template), "run: make translations"


@each_language
def test_a_catalog_has_exactly_what_is_said(language: Language, template: Catalog) -> None:
    made = tool.written(tool.updated(language, template))

    assert language.catalog.read_bytes() == made, "run: make translations"


@each_language
def test_every_message_is_translated(language: Language) -> None:
    catalog = kept(language)
    empty = [message.id for message in messages(catalog) if not all(texts(message.string))]

    assert empty == []
    assert not [message.id for message in catalog if message.fuzzy]
    assert not catalog.obsolete
    plural = [each for each in messages(catalog) if isinstance(each.id, tuple)]
    assert {len(texts(each.string)) for each in plural} <= {catalog.num_plurals}


@each_language
def test_a_translation_keeps_what_is_filled_in(language: Language) -> None:
    for message in messages(kept(language)):
        wanted = placeholders(texts(message.id)[-1])
        for text in texts(message.string):
            said = placeholders(text)
            # A form for one or two things may spell the number out.
            assert said == wanted or (isinstance(message.id, tuple) and set(said) <= set(wanted)), (
                text
            )


@each_language
def test_a_translation_is_no_copy_and_brings_no_markup(language: Language) -> None:
    for message in messages(kept(language)):
        for english, text in zip(texts(message.id), texts(message.string), strict=False):
            assert "<" not in text
            assert "\n" not in text
            assert text == text.strip()
            if text == english and any(map(str.isalpha, PLACEHOLDER.sub("", english))):
                assert english in SAME.get(language.tag, ()) or (
                    language.tag == "de" and english.startswith("Newsletter")
                )


@pytest.mark.parametrize(
    ("accept", "hint", "language"),
    [
        ("", None, "en"),
        (None, None, "en"),
        ("de", None, "de"),
        ("de-AT, en;q=0.5", None, "de"),
        ("en;q=0.5, es-MX", None, "es"),
        ("fr, it;q=0.9, ar;q=0.1", None, "ar"),
        ("zh-TW,zh;q=0.9", None, "zh-Hant"),
        ("zh_Hant_HK", None, "zh-Hant"),
        ("zh-CN", None, "zh-Hant"),
        ("in-ID", None, "id"),
        ("de;q=0, es;q=0.2", None, "es"),
        ("*, de;q=0.1", None, "de"),
        ("de;q=nonsense, es", None, "es"),
        (";;;,,,q=1", None, "en"),
        ("es", "ar", "ar"),
        ("es", "ar-EG", "ar"),
        ("es", "fr", "es"),
        ("es", "", "es"),
        ("fr", "tlh", "en"),
    ],
)
def test_the_language_that_suits_somebody(
    accept: str | None, hint: str | None, language: str
) -> None:
    assert languages.best(accept, hint) == language


def test_a_long_header_costs_little() -> None:
    assert languages.best("xx," * 100_000 + "de") == "en"


def test_arabic_alone_runs_from_right_to_left() -> None:
    assert {tag for tag in LANGUAGES if languages.direction(tag) == "rtl"} == {"ar"}
    assert languages.direction("tlh") == "ltr"


def test_a_language_we_do_not_speak_is_answered_in_english() -> None:
    assert languages.translations("tlh").gettext("Save") == "Save"
    assert languages.translations("de").gettext("Save") == "Speichern"


@pytest.mark.parametrize(
    ("language", "day", "moment"),
    [
        ("en", "22 November 2026", "Sunday, 22 November 2026, 09:00 UTC"),
        ("de", "22. November 2026", "Sonntag, 22. November 2026, 09:00 UTC"),
        ("zh-Hant", "2026年11月22日", "2026年11月22日 星期日, 09:00 UTC"),
    ],
)
def test_days_are_written_as_the_language_writes_them(language: str, day: str, moment: str) -> None:
    assert languages.day(MORNING, language) == day
    assert languages.moment(MORNING, language) == moment


@pytest.mark.parametrize(
    ("language", "soon", "ago", "then"),
    [
        ("en", "22 November, 09:00 UTC", "2 hours ago", "in 5 minutes"),
        ("de", "22. November, 09:00 UTC", "vor 2 Stunden", "in 5 Minuten"),
        ("zh-Hant", "11月22日, 09:00 UTC", "2 小時前", "5 分鐘後"),
    ],
)
def test_times_near_now_are_short(language: str, soon: str, ago: str, then: str) -> None:
    assert languages.day_and_time(MORNING, language) == soon
    assert languages.ago(timedelta(hours=-2), language) == ago
    assert languages.ago(timedelta(minutes=5), language) == then
