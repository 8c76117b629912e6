"""Collect what the plugin says to people; bring its languages up to date: `make plugin-translations`.

`wp-plugin/languages/` holds the template (.pot) and, for each language, the words (.po) and what
WordPress reads (.mo). New texts come into each .po empty: somebody has to write them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

sys.path.insert(0, str(Path(__file__).parents[1]))

from relay.services import plugin_archives

PLUGIN = plugin_archives.FOLDER
FOLDER = PLUGIN / "languages"
DOMAIN = plugin_archives.SLUG
LANGUAGES = tuple(plugin_archives.LOCALES.values())
"""WordPress's names of the languages."""

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
"""Stands in every header, so that the same texts make the same bytes."""

STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
CALL = re.compile(
    r"\b(?P<name>__|_e|_n|_x|esc_html__|esc_html_e|esc_attr__|esc_attr_e)\(\s*"
    rf"(?P<first>{STRING})(?:\s*,\s*(?P<second>{STRING}))?"
)
COMMENT = re.compile(r"/\* (translators: .+?) \*/")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class Text(NamedTuple):
    """One text of the source."""

    singular: str
    plural: str
    context: str
    comment: str
    place: tuple[str, int]


def main() -> None:
    """Write all files; say what is still to be translated."""
    FOLDER.mkdir(exist_ok=True)
    template = collected()
    (FOLDER / f"{DOMAIN}.pot").write_bytes(as_po(template))
    missing = 0
    for language in LANGUAGES:
        catalog = updated(language, template)
        path(language, "po").write_bytes(as_po(catalog))
        path(language, "mo").write_bytes(as_mo(catalog))
        untranslated = [message.id for message in catalog if message.id and not message.string]
        missing += len(untranslated)
        print(f"{language}: {len(catalog)} texts, {len(untranslated)} to be translated")
    sys.exit(1 if missing else 0)


def collected() -> Catalog:
    """The template: every text of the plugin, once."""
    catalog = _catalog(None)
    for text in texts():
        catalog.add(
            (text.singular, text.plural) if text.plural else text.singular,
            locations=[text.place],
            auto_comments=[text.comment] if text.comment else (),
            context=text.context or None,
            flags=["php-format"] if re.search(r"%(\d+\$)?[sd]", text.singular) else (),
        )
    return catalog


def texts() -> Iterator[Text]:
    """Every text of the plugin, in the order of the files; and its description for the list of plugins."""
    description, place = plugin_archives.header("Description"), plugin_archives.MAIN.name
    yield Text(description, "", "", "Description of the plugin", (place, 1))
    for file in sorted(PLUGIN.rglob("*.php")):
        source = file.read_text()
        for found in CALL.finditer(source):
            before = source[: found.start()].splitlines()
            comment = COMMENT.search("\n".join(before[-2:]))
            second = unquoted(found["second"]) if found["second"] else ""
            yield Text(
                unquoted(found["first"]),
                second if found["name"] == "_n" else "",
                second if found["name"] == "_x" else "",
                comment[1] if comment else "",
                (file.relative_to(PLUGIN).as_posix(), len(before)),
            )


def unquoted(literal: str) -> str:
    """What a PHP string literal means."""
    quote, inside = literal[0], literal[1:-1]
    if quote == "'":
        return re.sub(r"\\([\\'])", r"\1", inside)
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), inside)


def updated(language: str, template: Catalog) -> Catalog:
    """A language's words, with the texts there are now; earlier words stay where they still fit."""
    file = path(language, "po")
    catalog = _catalog(language)
    if file.exists():
        with file.open("rb") as stream:
            for message in read_po(stream, locale=language, domain=DOMAIN):
                if message.id:
                    catalog.add(message.id, message.string, context=message.context)
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.revision_date = LONG_AGO
    return catalog


def path(language: str, kind: str) -> Path:
    """Where a language's words are."""
    return FOLDER / f"{DOMAIN}-{language}.{kind}"


def as_po(catalog: Catalog) -> bytes:
    """The catalog as people write it."""
    written = BytesIO()
    write_po(written, catalog, width=100, sort_by_file=False, include_lineno=False)
    return written.getvalue()


def as_mo(catalog: Catalog) -> bytes:
    """The catalog as WordPress reads it.

    Before 6.5 it refuses a file that does not say where its table of hashes would stand, though
    it has none; Babel leaves that out.
    """
    written = BytesIO()
    write_mo(written, catalog)
    binary = bytearray(written.getvalue())
    texts_in_it = int.from_bytes(binary[8:12], "little")
    binary[24:28] = (28 + 16 * texts_in_it).to_bytes(4, "little")
    return bytes(binary)


def _catalog(language: str | None) -> Catalog:
    return Catalog(
        locale=language,
        domain=DOMAIN,
        project="Postreeve",
        header_comment="# Texts of the WordPress plugin Postreeve. License: GPL-2.0-or-later.",
        creation_date=LONG_AGO,
        revision_date=LONG_AGO,
        version="1",
        copyright_holder="The Postreeve authors",
        msgid_bugs_address="https://wordpress.org/support/plugin/postreeve/",
        last_translator="The Postreeve authors",
        language_team="The Postreeve authors",
        charset="utf-8",
        fuzzy=False,
    )


if __name__ == "__main__":
    main()
