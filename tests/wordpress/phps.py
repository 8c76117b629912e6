"""The PHP that runs a site: the machine's own, or the oldest or newest one the plugin supports."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.wordpress import packages, suites

PARTS = ("cli", "common", "mysql", "curl", "xml", "mbstring", "intl")
"""What is taken of every release: the packages php7.4-cli, php7.4-common, …"""

EXTENSIONS = (
    *("json", "mysqlnd", "mysqli", "curl", "xml", "dom", "xmlreader", "xmlwriter", "simplexml"),
    *("mbstring", "intl", "ctype", "fileinfo", "iconv", "phar", "tokenizer", "posix", "exif"),
)
"""In the order in which they can be loaded; a release has some of them built in."""


@dataclass(frozen=True)
class Release:
    """A PHP that the machine's own Debian lacks, and the suite that has it."""

    version: str
    suite: str
    parts: tuple[str, ...] = ()
    newer: bool = False
    """Whether it was made with a newer C library than the machine's: it then brings its own."""


OLDEST = Release("7.4", "bullseye", parts=("json", "opcache"))
NEWEST = Release("8.5", "experimental", newer=True)


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
    """The oldest PHP the plugin supports; raises `suites.Unavailable` where there is none."""
    return unpacked(OLDEST)


def newest() -> Php:
    """The newest PHP there is; raises `suites.Unavailable` where there is none."""
    return unpacked(NEWEST)


def unpacked(release: Release) -> Php:
    """A release from Debian's packages, unpacked and not installed (the first time some 15 s)."""
    folder = suites.cached(f"php-{release.version}", lambda work: _unpack(release, work))
    settings = folder / "settings"
    settings.mkdir(exist_ok=True)
    extensions = folder / "extensions"
    shared = {path.stem for path in extensions.glob("*.so")}
    wanted = (
        f"extension_dir = {extensions}\n"
        + ("zend_extension = opcache\n" if "opcache" in shared else "")
        + "".join(f"extension = {name}\n" for name in EXTENSIONS if name in shared)
    )
    written = settings / "extensions.ini"
    if not written.exists() or written.read_text() != wanted:
        # In one go: another test's PHP may be reading it.
        draft = Path(tempfile.mkstemp(dir=settings, suffix=".new")[1])
        draft.write_text(wanted)
        draft.chmod(0o644)
        draft.replace(written)
    libraries = None if release.newer else folder / "libraries"
    return Php(folder / "php", libraries=libraries, settings=settings)


def _unpack(release: Release, work: Path) -> Path:
    """The program, its extensions and the libraries they need.

    A program made with an older C library than the machine's runs with the machine's, and must:
    every program that it starts gets its other libraries too.
    """
    suite = suites.Suite(release.suite, work)
    parts = (*PARTS, *release.parts)
    root = suite.unpack_with_dependencies(*(f"php{release.version}-{part}" for part in parts))
    folder = work / "php"
    libraries = folder / "libraries"
    libraries.mkdir(parents=True)
    left = set() if release.newer else {path.name for path in suite.files_of("libc6")}
    for library in (*root.glob("lib/*-linux-gnu*/*.so*"), *root.glob("usr/lib/*-linux-gnu*/*.so*")):
        if library.name not in left and library.exists():
            shutil.copy(library, libraries)
    shutil.copytree(next(root.glob("usr/lib/php/2*")), folder / "extensions")
    program = root / "usr" / "bin" / f"php{release.version}"
    if release.newer:
        shutil.copy(program, folder / "program")
        _start_with_its_own_libraries(folder)
    else:
        shutil.copy(program, folder / "php")
    return folder


def _start_with_its_own_libraries(folder: Path) -> None:
    """Make `php` a script that has the libraries' own loader start `program`.

    PHP believes to be that script, so that the PHP it starts itself begins there as well.
    """
    (loader,) = (folder / "libraries").glob("ld-linux*.so.*")
    (folder / "php").write_text(
        "#!/bin/sh\n"
        "here=${0%/*}\n"
        f'exec "$here/libraries/{loader.name}" --argv0 "$0" --library-path "$here/libraries"'
        ' "$here/program" "$@"\n'
    )
    (folder / "php").chmod(0o755)
