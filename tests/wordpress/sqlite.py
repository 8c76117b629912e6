"""WordPress without a database server: its SQLite drop-in, for sites that have nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.wordpress import packages, phps, suites

DROP_IN = "@wp-playground/cli@3.1.56"
"""The npm package that carries WordPress's own drop-in; it needs WordPress 6.3 or newer."""

ARCHIVE = "sqlite-database-integration.zip"
PLUGIN = "sqlite-database-integration"


@dataclass(frozen=True)
class Files:
    """Where there would be a server: a file in the site itself."""

    drop_in: Path
    extensions: Path | None
    libraries: Path | None
    socket: Path = Path("none")

    def create(self, name: str) -> None:
        """Nothing to be made: the drop-in makes its file."""

    def execute(self, statements: str) -> None:
        """Nothing to be removed: the file goes with its site."""

    def lay(self, site: Path, settings: Path) -> None:
        """Put the drop-in into a site, and PHP's extension into its settings."""
        plugin = site / "wp-content" / "plugins" / PLUGIN
        shutil.copytree(self.drop_in, plugin)
        text = (plugin / "db.copy").read_text()
        text = text.replace("{SQLITE_IMPLEMENTATION_FOLDER_PATH}", str(plugin))
        text = text.replace("{SQLITE_PLUGIN}", f"{PLUGIN}/load.php")
        (site / "wp-content" / "db.php").write_text(text)
        if self.extensions:
            names = ("sqlite3", "pdo_sqlite")
            lines = "".join(f"extension = {self.extensions}/{name}.so\n" for name in names)
            (settings / "sqlite.ini").write_text(lines)

    def php(self) -> phps.Php:
        """The machine's PHP, able to use SQLite."""
        return phps.Php(phps.native().program, libraries=self.libraries)


def files() -> Files:
    """All that a site on SQLite needs; raises `suites.Unavailable` where it cannot be had."""
    drop_in = suites.cached("sqlite-drop-in", _fetch_drop_in)
    if "pdo_sqlite" in phps.native().run("-m").stdout:
        return Files(drop_in, None, None)
    root = suites.cached("php-sqlite", _fetch_extension)
    return Files(
        drop_in,
        next(root.glob("usr/lib/php/2*")),
        next(root.glob("usr/lib/*/libsqlite3.so.0")).parent,
    )


def _fetch_drop_in(work: Path) -> Path:
    npm = packages.program("npm")
    if npm is None:
        raise suites.Unavailable("The SQLite drop-in comes with npm, and npm is not installed.")
    done = subprocess.run(
        [npm, "pack", "--silent", DROP_IN], cwd=work, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise suites.Unavailable(f"npm pack {DROP_IN}: {done.stderr.strip()[-600:]}")
    shutil.unpack_archive(next(work.glob("*.tgz")), work / "package", filter="data")
    with zipfile.ZipFile(next((work / "package").rglob(ARCHIVE))) as archive:
        archive.extractall(work / "drop-in")
    return next((work / "drop-in").iterdir())


def _fetch_extension(work: Path) -> Path:
    """The extension for the machine's PHP, from the machine's own Debian."""
    release = Path("/etc/os-release").read_text() if os.path.exists("/etc/os-release") else ""
    codename = re.search(r"^VERSION_CODENAME=(\w+)$", release, re.MULTILINE)
    if codename is None:
        raise suites.Unavailable("The machine does not say which Debian it is.")
    version = ".".join(phps.native().version.split(".")[:2])
    return suites.Suite(codename[1], work).unpack(f"php{version}-sqlite3", "libsqlite3-0")
