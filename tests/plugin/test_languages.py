"""The plugin speaks every language whole, and nothing of a text is lost on the way."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from tools import plugin_translations as tool

each_language = pytest.mark.parametrize("language", tool.LANGUAGES)


def kept(language: str) -> Catalog:
    with tool.path(language, "po").open("rb") as stream:
        return read_po(stream, locale=language, domain=tool.DOMAIN)


def messages(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


def texts(said: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return list(said) if isinstance(said, list | tuple) else [said or ""]


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%(?:\d+\$)?[sd]", text))


def test_the_template_has_exactly_what_the_source_says() -> None:
    template = tool.collected()

    assert len(messages(template)) > 150
    assert (tool.FOLDER / "postreeve.pot").read_bytes() == tool.as_po(template), (
        "run: make plugin-translations"
    )


@each_language
def test_a_language_has_exactly_the_texts_there_are(language: str) -> None:
    catalog = tool.updated(language, tool.collected())

    assert tool.path(language, "po").read_bytes() == tool.as_po(catalog)
    assert tool.path(language, "mo").read_bytes() == tool.as_mo(catalog)


@each_language
def test_every_text_is_translated(language: str) -> None:
    untranslated = [each.id for each in messages(kept(language)) if not all(texts(each.string))]

    assert untranslated == []


@each_language
def test_every_placeholder_is_still_there(language: str) -> None:
    for message in messages(kept(language)):
        for said in texts(message.string):
            assert placeholders(said) == placeholders(texts(message.id)[-1]), said


@each_language
def test_names_that_are_typed_stay_as_they_are(language: str) -> None:
    names = ("wp-config.php", "wp_mail()", "--cursor", "--relay", "memory_limit", "prk_", "WP-Cron")
    for message in messages(kept(language)):
        for name in names:
            if name in texts(message.id)[0]:
                assert name in texts(message.string)[0], name
