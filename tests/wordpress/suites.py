"""Packages of any Debian suite, unpacked into a folder of ours and never installed.

apt runs with a private state, so the machine's own package lists stay as they are, and it fetches
from whatever mirrors the machine already uses; only the suite's name is exchanged.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "wordpress"
"""Kept until somebody deletes it: a second run fetches nothing."""

ROLLING = frozenset({"sid", "forky", "experimental"})
"""Suites without a security suite beside them."""

UPON = {"experimental": "sid"}
"""A suite that is no whole one → the one that holds what its packages need."""

SOURCES = (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*")))


class Unavailable(Exception):
    """Debian does not give what was asked for; the text holds apt's own words."""


class Suite:
    """One Debian suite, as a private apt sees it."""

    def __init__(self, name: str, work: Path) -> None:
        self.name = name
        self._work = work
        self._environment = _private_apt(name, work)
        self._run("apt-get", "-qq", "update")

    def dependencies(self, package: str) -> set[str]:
        """The names of all packages that a package needs or recommends, at any distance."""
        listing = self._run("apt-cache", "depends", "--recurse", "--no-suggests", package)
        return {line.split()[-1] for line in listing.splitlines() if line.strip()}

    def unpack(self, *packages: str) -> Path:
        """A folder with the files of exactly these packages."""
        downloads = self._work / "downloads"
        downloads.mkdir(exist_ok=True)
        self._run("apt-get", "-qq", "download", *packages, folder=downloads)
        return self._extract(downloads)

    def unpack_with_dependencies(self, *packages: str) -> Path:
        """A folder with the files of these packages and of all that they need."""
        self._run(
            *("apt-get", "-qq", "--yes", "--download-only", "--no-install-recommends"),
            *("install", *packages),
        )
        return self._extract(self._work / "cache" / "archives")

    def files_of(self, package: str) -> list[Path]:
        """The paths in a package that was unpacked."""
        (archive,) = self._work.glob(f"**/{package}_*.deb")
        listing = self._run("dpkg-deb", "--contents", str(archive))
        rows = (line.split(maxsplit=5)[5] for line in listing.splitlines())
        return [Path(row.partition(" -> ")[0]) for row in rows]

    def _extract(self, downloads: Path) -> Path:
        root = self._work / "root"
        for package in sorted(downloads.glob("*.deb")):
            self._run("dpkg-deb", "-x", str(package), str(root))
        return root

    def _run(self, *command: str, folder: Path | None = None) -> str:
        done = subprocess.run(
            command, env=self._environment, cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Unavailable(f"{command[0]} for {self.name}: {done.stderr.strip()[-600:]}")
        return done.stdout


def cached(name: str, make: Callable[[Path], Path]) -> Path:
    """The folder `name` of the cache; `make` builds it once, in a folder to work in.

    Two test runs at once build it once; one that is interrupted leaves nothing half-built.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
    destination = CACHE / name
    with (
        _locked(CACHE / f"{name}.lock"),
        tempfile.TemporaryDirectory(dir=CACHE, prefix=f"{name}-") as work,
    ):
        if not destination.exists():
            make(Path(work)).rename(destination)
    return destination


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _private_apt(suite: str, work: Path) -> dict[str, str]:
    """An environment in which apt knows one suite only, and no package as installed."""
    for folder in ("sources", "lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    (work / "sources" / "suite.list").write_text("\n".join(_source_lines(suite)) + "\n")
    (work / "status").touch()
    settings = work / "apt.conf"
    settings.write_text(
        'Dir::Etc::sourcelist "/dev/null";\n'
        f'Dir::Etc::sourceparts "{work}/sources";\n'
        f'Dir::State::lists "{work}/lists";\n'
        f'Dir::State::status "{work}/status";\n'
        f'Dir::Cache "{work}/cache";\n'
        'APT::Sandbox::User "root";\n'
        'Acquire::Languages "none";\n'
        'Acquire::Retries "2";\n'
        'Debug::NoLocking "true";\n'
    )
    return {**os.environ, "APT_CONFIG": str(settings), "LC_ALL": "C.UTF-8"}


def _source_lines(suite: str) -> list[str]:
    """apt source lines for the suite, on the mirrors this machine already uses."""
    main: dict[str, str] = {}
    security: dict[str, str] = {}
    for address, options, suites in _known_sources():
        (security if "-security" in suites else main).setdefault(address, options)
    names = [suite, UPON[suite]] if suite in UPON else [suite]
    lines = [f"deb {o}{address} {name} main" for name in names for address, o in main.items()]
    if suite not in ROLLING:
        lines += [f"deb {o}{address} {suite}-updates main" for address, o in main.items()]
        lines += [f"deb {o}{address} {suite}-security main" for address, o in security.items()]
    return lines


def _known_sources() -> Iterator[tuple[str, str, str]]:
    """(address, options in brackets, suites) of each Debian source, in either notation of apt."""
    for path in SOURCES:
        if path.suffix == ".list" and path.exists():
            yield from _one_line_sources(path.read_text())
        elif path.suffix == ".sources":
            yield from _stanza_sources(path.read_text())


def _one_line_sources(text: str) -> Iterator[tuple[str, str, str]]:
    for line in text.splitlines():
        found = re.match(r"deb\s+(\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+.*\bmain\b", line)
        if found and "debian" in found[2]:
            yield found[2], found[1] or "", found[3]


def _stanza_sources(text: str) -> Iterator[tuple[str, str, str]]:
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
        if "deb" not in fields.get("Types", "").split() or "debian" not in fields.get("URIs", ""):
            continue
        signed = fields.get("Signed-By", "").strip()
        options = f"[signed-by={signed}] " if signed.startswith("/") else ""
        for address in fields["URIs"].split():
            yield address, options, fields.get("Suites", "")
