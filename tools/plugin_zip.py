"""Pack the WordPress plugin, once for each language, into `var/`: `make plugin-zip`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from relay.languages import LANGUAGES  # noqa: E402  (this file is run as a program)
from relay.services import plugin_archives  # noqa: E402

DESTINATION = ROOT / "var"


def main() -> None:
    """Write the archives and say where they are; fails where one is too large."""
    DESTINATION.mkdir(exist_ok=True)
    archives = [plugin_archives.pack(language) for language in LANGUAGES]
    for archive in (*archives, plugin_archives.pack_translations()):
        path = DESTINATION / archive.name
        path.write_bytes(archive.content)
        print(f"{path.relative_to(ROOT)}: {len(archive.content):,} bytes")
    plugin, *translated = (len(archive.content) for archive in archives)
    if plugin > plugin_archives.LARGEST:
        sys.exit(f"The plugin may have {plugin_archives.LARGEST:,} bytes at most.")
    if max(translated) > plugin + plugin_archives.LARGEST_LANGUAGE:
        sys.exit(f"A language may add {plugin_archives.LARGEST_LANGUAGE:,} bytes at most.")


if __name__ == "__main__":
    main()
