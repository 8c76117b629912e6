"""Pack `wp-plugin/` as WordPress wants to install it: `make plugin-zip`.

The archive holds the folder `postreeve/` and in it the files that are there, but for the sources of
translations, with one time for all, so that the same sources make the same bytes.
"""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "wp-plugin"
DESTINATION = ROOT / "var"
SLUG = "postreeve"

LARGEST = 150_000
"""Bytes of the archive (our decision): a plugin that a slow line fetches in a second."""

NOT_SHIPPED = frozenset((".po", ".pot"))
"""WordPress reads what is made of them (.mo); they would be a third of the archive."""

MOMENT = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip archive knows."""


def main() -> None:
    """Write the archive and say where it is."""
    DESTINATION.mkdir(exist_ok=True)
    path = pack(DESTINATION / f"{SLUG}-{version()}.zip")
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size:,} bytes, {len(list(files()))} files")
    if size > LARGEST:
        sys.exit(f"It may have {LARGEST:,} bytes at most.")


def pack(path: Path) -> Path:
    """Write the archive to this path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in files():
            entry = zipfile.ZipInfo(f"{SLUG}/{file.relative_to(PLUGIN).as_posix()}", MOMENT)
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
