"""The WordPress plugin as an archive that wp-admin installs: in English, and one for each other language.

An archive holds the folder `postreeve/` with what is in `wp-plugin/`, as it is there. The same sources
make the same bytes, whoever packs them: `make plugin-zip`, or a relay that hands it out.

All translations but the archive's own stay out, for five would be as large as the plugin. WordPress finds
the one in the plugin's folder, and prefers a pack of its own where it has one.

The archive that a relay hands out has one file more, `relay.json`: the address that the plugin's form
suggests. It connects nothing.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from relay.errors import NotFound
from relay.languages import ENGLISH, LANGUAGES

SLUG = "postreeve"
FOLDER = Path(__file__).parents[2] / "wp-plugin"
MAIN = FOLDER / f"{SLUG}.php"

LARGEST = 150_000
"""Bytes of the plugin's archive (our decision): a slow line fetches it in a second."""

LARGEST_LANGUAGE = 25_000
"""Bytes that a translation may add to it."""

LOCALES: Mapping[str, str] = {
    "ar": "ar", "de": "de_DE", "es": "es_ES", "id": "id_ID", "zh-Hant": "zh_TW",
}  # fmt: skip
"""What WordPress calls our languages; English needs no translation."""

WORDS = frozenset((".po", ".pot", ".mo"))

MOMENT = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip archive knows."""


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive under the name it is kept by, such as `postreeve-0.1.0-de_DE.zip`."""

    name: str
    content: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return sha256(self.content).hexdigest()


def names() -> dict[str, str]:
    """Under which name the archive of each language can be had, without a version: `postreeve-de_DE.zip`."""
    return {tag: f"{SLUG}{_ending(tag)}.zip" for tag in LANGUAGES}


@lru_cache(maxsize=2 * len(LANGUAGES))
def pack(language: str = ENGLISH, *, relay_url: str | None = None) -> Archive:
    """The plugin in a language (its tag), perhaps from a relay; made once per process.

    Raises `NotFound` where the plugin's sources are not beside the relay.
    """
    name = f"{SLUG}-{header('Version')}{_ending(language)}.zip"
    entries = [
        (f"{SLUG}/{path.relative_to(FOLDER).as_posix()}", path.read_bytes())
        for path in _files(language)
    ]
    if language == ENGLISH:
        entries.append((f"{SLUG}/languages/", b""))  # the header's Domain Path has to be there
    if relay_url is not None:
        told = json.dumps({"relay_url": relay_url.rstrip("/")}) + "\n"
        entries.append((f"{SLUG}/relay.json", told.encode()))
    return Archive(name, _zipped(entries))


@cache
def pack_translations() -> Archive:
    """All translations, for `wp-content/languages/plugins/` of a site or network with several languages."""
    name = f"{SLUG}-languages-{header('Version')}.zip"
    entries = [(path.name, path.read_bytes()) for path in sorted(FOLDER.rglob("*.mo"))]
    return Archive(name, _zipped(entries))


def are_here() -> bool:
    """Whether the plugin's sources are beside the relay."""
    return MAIN.exists()


def header(name: str) -> str:
    """What the plugin's header says, such as its `Version`. Raises `NotFound` as `pack` does."""
    found = re.search(rf"^ \* {name}:\s+(.+)$", _text(MAIN), re.MULTILINE)
    if found is None:
        raise ValueError(f"{MAIN.name} has no header {name}")
    return found[1]


def _text(path: Path) -> str:
    if not are_here():
        raise NotFound("This relay was installed without the folder wp-plugin/ beside it")
    return path.read_text(encoding="utf-8")


def _files(language: str) -> Iterator[Path]:
    """The files of `wp-plugin/` that belong into the archive, in order."""
    own = f"{SLUG}{_ending(language)}.mo"
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file() and (path.name == own or path.suffix not in WORDS):
            yield path


def _ending(language: str) -> str:
    return "" if language == ENGLISH else f"-{LOCALES[language]}"


def _zipped(entries: Iterable[tuple[str, bytes]]) -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in entries:
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o40755 << 16 | 0x10) if entry.is_dir() else 0o644 << 16
            archive.writestr(entry, content, compresslevel=9)
    return written.getvalue()
