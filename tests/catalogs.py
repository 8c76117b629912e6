"""Catalogs that say just what a test needs, in the place of the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

Said = Mapping[str | tuple[str, str], str | tuple[str, ...]]
"""What is said instead of each English message; of a plural, its forms."""


def write_catalog(folder: Path, tag: str, said: Said) -> None:
    """The catalog of this language in a folder that stands for `languages.FOLDER`."""
    catalog = Catalog(locale=tag.replace("-", "_"))
    for english, text in said.items():
        catalog.add(english, text)
    place = folder / tag.replace("-", "_") / "LC_MESSAGES" / "postreeve.po"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as file:
        write_po(file, catalog)
