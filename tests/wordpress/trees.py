"""WordPress as Debian ships it: bookworm has the oldest version we support, sid the newest."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.wordpress import suites

OLDEST = ("bookworm",)
NEWEST = ("sid", "trixie")

COMPANIONS = re.compile(r"^(libjs-|libphp-|php-getid3$|wordpress-theme-)")
"""What WordPress links to: these packages are unpacked with it."""

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Tree:
    """One unpacked WordPress; never run in place, sites are copies of it."""

    suite: str
    path: Path
    version: str


def oldest() -> Tree:
    """The oldest WordPress the plugin supports."""
    return first_of(OLDEST)


def newest() -> Tree:
    """The newest WordPress that Debian has today."""
    return first_of(NEWEST)


def first_of(names: tuple[str, ...]) -> Tree:
    """The tree of the first suite that can be had; raises `suites.Unavailable` when none can."""
    reasons = []
    for name in names:
        try:
            return prepare(name)
        except suites.Unavailable as error:
            reasons.append(str(error))
    raise suites.Unavailable("WordPress cannot be fetched from Debian.\n" + "\n".join(reasons))


def prepare(suite: str) -> Tree:
    """The suite's tree: from the cache, else fetched (some 10 s)."""
    path = suites.cached(suite, lambda work: _unpack(suites.Suite(suite, work), work))
    return Tree(suite, path, _version(path))


def _unpack(suite: suites.Suite, work: Path) -> Path:
    companions = filter(COMPANIONS.match, suite.dependencies("wordpress"))
    root = suite.unpack("wordpress", *sorted(companions))
    return _materialise(root / "usr" / "share" / "wordpress", work / "tree")


def _materialise(source: Path, destination: Path) -> Path:
    """A copy that stands alone: links to the other packages' files become files."""
    shutil.copytree(source, destination, ignore=_dangling)
    (destination / "wp-config.php").unlink(missing_ok=True)
    (destination / "wp-content" / "uploads").mkdir(parents=True, exist_ok=True)
    bundle = destination / "wp-includes" / "certificates" / "ca-bundle.crt"
    if not bundle.exists() and AUTHORITIES.exists():
        bundle.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(AUTHORITIES, bundle)
    return destination


def _dangling(folder: str, names: list[str]) -> list[str]:
    """Links into what is not unpacked (Apache's settings, fonts' own packages)."""
    return [name for name in names if not (Path(folder) / name).exists()]


def _version(tree: Path) -> str:
    text = (tree / "wp-includes" / "version.php").read_text()
    found = re.search(r"^\$wp_version = '([^']+)'", text, re.MULTILINE)
    if found is None:
        raise suites.Unavailable(f"{tree} holds no WordPress; delete it to have it fetched again.")
    return found[1]
