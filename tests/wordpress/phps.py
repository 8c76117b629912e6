"""The PHP that runs a site: the machine's own, or the oldest one the plugin supports."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.wordpress import packages, suites

OLDEST_SUITE = "bullseye"
OLDEST_VERSION = "7.4"

PARTS = ("cli", "common", "json", "mysql", "curl", "xml", "mbstring", "intl", "opcache")
"""What is taken of it: the packages php7.4-cli, php7.4-common, …"""

EXTENSIONS = (
    *("json", "mysqlnd", "mysqli", "curl", "xml", "dom", "xmlreader", "xmlwriter", "simplexml"),
    *("mbstring", "intl", "ctype", "fileinfo", "iconv", "phar", "tokenizer", "posix", "exif"),
)
"""In the order in which they can be loaded."""


@dataclass(frozen=True)
class Php:
    """A PHP program and what it needs around it."""

    program: Path
    libraries: Path | None = None
    settings: Path | None = None

    def environment(self, settings: Path | None = None) -> dict[str, str]:
        """The variables it needs; `settings` is a folder with further .ini files."""
        folders = [str(folder) for folder in (self.settings, settings) if folder]
        own = {"PHP_INI_SCAN_DIR": os.pathsep.join(["", *folders])} if folders else {}
        if self.libraries:
            own["LD_LIBRARY_PATH"] = str(self.libraries)
        return own

    @cached_property
    def version(self) -> str:
        """Its version, such as 8.2.36."""
        return self.run("-r", "echo PHP_VERSION;").stdout

    def run(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        given: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run it once, whatever comes of it; `given` is its standard input."""
        return subprocess.run(
            [str(self.program), *arguments],
            env={**os.environ, **self.environment(), **(environment or {})},
            input=given,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )


def native() -> Php:
    """The machine's own PHP."""
    return Php(Path(packages.program("php") or "php"))


def oldest() -> Php:
    """PHP 7.4 from Debian bullseye, unpacked; raises `suites.Unavailable` where there is none."""
    folder = suites.cached(f"php-{OLDEST_VERSION}", _unpack)
    settings = folder / "settings"
    settings.mkdir(exist_ok=True)
    (settings / "extensions.ini").write_text(
        f"extension_dir = {folder}/extensions\n"
        "zend_extension = opcache\n" + "".join(f"extension = {name}\n" for name in EXTENSIONS)
    )
    return Php(folder / "php", libraries=folder / "libraries", settings=settings)


def _unpack(work: Path) -> Path:
    """The program, its extensions and the libraries they need but for the C library.

    That one must be the machine's own; programs made with an older one run with it.
    """
    suite = suites.Suite(OLDEST_SUITE, work)
    root = suite.unpack_with_dependencies(*(f"php{OLDEST_VERSION}-{part}" for part in PARTS))
    folder = work / "php"
    libraries = folder / "libraries"
    libraries.mkdir(parents=True)
    of_c = {path.name for path in suite.files_of("libc6")}
    for library in (*root.glob("lib/*-linux-gnu*/*.so*"), *root.glob("usr/lib/*-linux-gnu*/*.so*")):
        if library.name not in of_c and library.exists():
            shutil.copy(library, libraries)
    shutil.copytree(next(root.glob("usr/lib/php/2*")), folder / "extensions")
    shutil.copy(root / "usr" / "bin" / f"php{OLDEST_VERSION}", folder / "php")
    return folder
