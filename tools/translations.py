"""Collect what is said to people, and keep the translations in step: `make translations`.

Writes relay/translations/postreeve.pot from templates and code, and takes new messages into each
language's postreeve.po, empty, for somebody to translate; messages nobody says any more leave. A
message that has changed is a new one: nothing is guessed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from relay import errors, languages  # noqa: E402  (this file is run as a program)

TEMPLATE = languages.FOLDER / "postreeve.pot"

PLACES = ("relay/api", "relay/letters", "relay/pages", "relay/policy", "relay/services")
"""Where people are spoken to."""

KEYWORDS = {**DEFAULT_KEYWORDS, "phrase": None, "say": None, "say_many": (1, 2)}
"""What a message stands in: those of gettext, and ours (`relay.sayings`)."""

PAPERS = ("**.html", "**.txt", "**.letter")
"""What templates are called."""

METHODS = [*((pattern, "jinja2") for pattern in PAPERS), ("**.py", "python")]
OPTIONS = {
    pattern: {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}
    for pattern in PAPERS
}

HEADER = """\
# What Postreeve says to people.
# This file is under the same licence as Postreeve (GPL-2.0-or-later).
#"""


def collected() -> Catalog:
    """Every message in templates and code, with the places where it is said and notes about it."""
    found = _catalog(None)
    for place in PLACES:
        for name, line, message, comments, context in _messages(place):
            found.add(
                message,
                locations=[(f"{place}/{name}", line)],
                auto_comments=comments,
                context=context,
            )
    for title in sorted(_titles(errors.PostreeveError)):
        found.add(title, locations=[("relay/errors.py", 1)])
    return found


def _titles(error: type[errors.PostreeveError]) -> set[str]:
    """The titles of an error and its kinds, which need no mark: all of them are shown."""
    return {error.title}.union(*map(_titles, error.__subclasses__()))


def _messages(
    place: str,
) -> Iterator[tuple[str, int, str | tuple[str, ...], list[str], str | None]]:
    yield from extract_from_dir(
        str(ROOT / place),
        METHODS,
        OPTIONS,
        keywords=KEYWORDS,
        comment_tags=("Translators:",),
        strip_comment_tags=True,
    )


def updated(language: languages.Language, template: Catalog) -> Catalog:
    """The language's catalog with exactly the template's messages, and what is translated of them."""
    catalog = _catalog(language)
    if language.catalog.exists():
        with language.catalog.open("rb") as file:
            kept = read_po(file, locale=catalog.locale)
    else:
        kept = _catalog(language)
    for message in template:
        if message.id:
            before = kept.get(message.id, message.context)
            same = before is not None and before.id == message.id
            catalog.add(
                message.id,
                before.string if same and before else None,
                locations=message.locations,
                auto_comments=message.auto_comments,
                user_comments=before.user_comments if same and before else (),
                context=message.context,
            )
    return catalog


def written(catalog: Catalog) -> bytes:
    """The catalog as its file holds it: no dates and no line numbers, which change for no reason."""
    out = BytesIO()
    write_po(out, catalog, width=100, sort_output=True, include_lineno=False)
    lines = out.getvalue().decode().splitlines(keepends=True)
    noise = ("POT-Creation-Date", "PO-Revision-Date", "Last-Translator", "Language-Team",
             "Generated-By", "Report-Msgid-Bugs-To")  # fmt: skip
    return "".join(
        line for line in lines if not line.startswith(tuple(f'"{name}:' for name in noise))
    ).encode()


def _catalog(language: languages.Language | None) -> Catalog:
    return Catalog(
        locale=language.tag.replace("-", "_") if language else None,
        project="Postreeve",
        version="1",
        header_comment=HEADER,
        fuzzy=False,
    )


def main() -> None:
    """Write the template and bring every language up to date; say what is left to translate."""
    template = collected()
    languages.FOLDER.mkdir(exist_ok=True)
    TEMPLATE.write_bytes(written(template))
    print(f"  {len(template)} messages in {TEMPLATE.relative_to(ROOT)}")
    for language in languages.LANGUAGES.values():
        if language.tag == languages.ENGLISH:
            continue
        catalog = updated(language, template)
        language.catalog.parent.mkdir(parents=True, exist_ok=True)
        language.catalog.write_bytes(written(catalog))
        left = sum(1 for message in catalog if message.id and not _is_said(message.string))
        print(f"  {language.tag:<8} {f'{left} to translate' if left else 'complete'}")


def _is_said(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return all(string) if isinstance(string, list | tuple) else bool(string)


if __name__ == "__main__":
    main()
