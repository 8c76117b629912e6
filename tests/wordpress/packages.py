"""The Debian packages the rig and the tests of the plugin need, and how to tell which are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

SERVING: Mapping[str, str] = {
    "php-cli": "php",
    "php-mysql": "extension:mysqli",
    "php-curl": "extension:curl",
    "php-xml": "extension:dom",
    "php-mbstring": "extension:mbstring",
    "php-intl": "extension:intl",
    "mariadb-server": "mariadbd",
}
"""What serving a site takes: package → the program (or PHP extension) it brings."""

TESTING: Mapping[str, str] = {
    "phpunit": "phpunit",
    "php-codesniffer": "phpcs",
    "chromium": "chromium",
    "fonts-dejavu-core": "file:/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
}
"""What the plugin's tests and the browser journey take on top."""

ADMIN_PATHS = ("/usr/sbin", "/sbin", "/usr/local/sbin")
"""Where Debian keeps servers; an ordinary user's PATH often lacks it."""


class PackagesMissing(Exception):
    """Debian packages are missing; the text holds the apt-get line that brings them."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        super().__init__(
            f"These Debian packages are missing: {', '.join(self.names)}.\n"
            "Install them with:\n"
            f"    sudo apt-get install --no-install-recommends {' '.join(self.names)}"
        )


def program(name: str) -> str | None:
    """The full path of a program, also when it lives where only root usually looks."""
    path = os.environ.get("PATH", os.defpath)
    return shutil.which(name, path=os.pathsep.join((path, *ADMIN_PATHS)))


def missing(wanted: Mapping[str, str]) -> list[str]:
    """Those of the wanted packages whose program, PHP extension or file is not there."""
    extensions = _php_extensions()
    return [name for name, sign in wanted.items() if not _is_there(sign, extensions)]


def check(wanted: Mapping[str, str]) -> None:
    """Raise `PackagesMissing` unless everything wanted is there."""
    names = missing(wanted)
    if names:
        raise PackagesMissing(names)


def _is_there(sign: str, extensions: frozenset[str]) -> bool:
    kind, _, value = sign.rpartition(":")
    if kind == "extension":
        return value in extensions
    if kind == "file":
        return Path(value).exists()
    return program(value) is not None


def _php_extensions() -> frozenset[str]:
    php = program("php")
    if php is None:
        return frozenset()
    listing = subprocess.run([php, "-m"], capture_output=True, text=True, check=True).stdout
    return frozenset(line.strip().lower() for line in listing.splitlines())
