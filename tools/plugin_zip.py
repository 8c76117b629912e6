"""Pack `wp-plugin/` as WordPress wants to install it: `make plugin-zip`.

The archive holds the folder `postreeve/` and in it the files that are there, but for translations: those
are language packs, as WordPress fetches them for what comes from its directory, in an archive of their own
that belongs into `wp-content/languages/plugins/`. One time for all, so that the same sources make the same
bytes.
"""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "wp-plugin"
DESTINATION = ROOT / "var"
SLUG = "postreeve"

LARGEST = 150_000
"""Bytes of the archive (our decision): a plugin that a slow line fetches in a second."""

TRANSLATED = ".mo"
"""What WordPress reads of a translation."""

NOT_SHIPPED = frozenset((".po", ".pot", TRANSLATED))
"""An owner needs one language of five; all together would be as large as the plugin."""

MOMENT = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip archive knows."""


def main() -> None:
    """Write the archive and say where it is."""
    DESTINATION.mkdir(exist_ok=True)
    path = pack(DESTINATION / f"{SLUG}-{version()}.zip")
    languages = pack_languages(DESTINATION / f"{SLUG}-languages-{version()}.zip")
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size:,} bytes, {len(list(files()))} files")
    print(
        f"{languages.relative_to(ROOT)}: {languages.stat().st_size:,} bytes, "
        "for wp-content/languages/plugins/"
    )
    if size > LARGEST:
        sys.exit(f"It may have {LARGEST:,} bytes at most.")


def pack(path: Path) -> Path:
    """Write the plugin's archive to this path."""
    return _write(path, ((f"{SLUG}/{p.relative_to(PLUGIN).as_posix()}", p) for p in files()))


def pack_languages(path: Path) -> Path:
    """Write the archive of all language packs to this path."""
    return _write(path, ((p.name, p) for p in sorted(PLUGIN.rglob(f"*{TRANSLATED}"))))


def _write(path: Path, named: Iterable[tuple[str, Path]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, file in named:
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    return path


def files() -> Iterator[Path]:
    """Every file that ships, in order."""
    return (p for p in sorted(PLUGIN.rglob("*")) if p.is_file() and p.suffix not in NOT_SHIPPED)


def version() -> str:
    """The plugin's version, as its header says it."""
    text = (PLUGIN / "postreeve.php").read_text()
    found = re.search(r"^ \* Version:\s+(\S+)$", text, re.MULTILINE)
    if found is None:
        raise SystemExit("postreeve.php has no header Version")
    return found[1]


if __name__ == "__main__":
    main()
