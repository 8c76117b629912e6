"""The folder of zone files: read when they change, and the last good content kept of a broken one."""

import logging
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.name
import dns.zone
import dns.zonefile
from dns.name import Name

from simulator.names.lookup import Zone

SUFFIX = ".zone"

LOOK_EVERY = 0.2
"""Seconds between two looks at the folder while questions come."""

ORIGIN = re.compile(r"(?im)\A(?:\s*(?:;.*|\$ttl\s.*)?\n)*\$origin[ \t]+([^\s;]+)")
"""A `$ORIGIN` that stands before the first record: it is the zone's name."""

PLACE = re.compile(r"\A(\d+): ")
"""How dnspython says where it stumbled: the line, or the next when a line ended too early."""

log = logging.getLogger("simulator.names")


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What tells one content of a file from the next."""

    modified_ns: int
    size: int
    inode: int


@dataclass(slots=True)
class _File:
    stamp: _Stamp
    zone: Zone | None = None
    error: str | None = None


class Broken(Exception):
    """A zone file that cannot be served; the text says why."""


class ZoneFolder:
    """The `*.zone` files of one folder."""

    def __init__(self, path: Path) -> None:
        """Use `path`, made if need be. Raises OSError."""
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._files: dict[str, _File] = {}
        self._looked_at = float("-inf")

    @property
    def zones(self) -> list[Zone]:
        """The zones, by file name."""
        return [file.zone for _, file in sorted(self._files.items()) if file.zone is not None]

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong, by file name."""
        return {name: file.error for name, file in sorted(self._files.items()) if file.error}

    def look(self, *, at_once: bool = False) -> bool:
        """Read what has changed, unless we looked just now; whether anything had."""
        now = time.monotonic()
        if not at_once and now - self._looked_at < LOOK_EVERY:
            return False
        self._looked_at = now
        there = self._stamps()
        gone = self._files.keys() - there.keys()
        for name in gone:
            del self._files[name]
        changed = [
            name
            for name, stamp in there.items()
            if name not in self._files or self._files[name].stamp != stamp
        ]
        for name in changed:
            self._read(name, there[name])
        return bool(gone or changed)

    def _stamps(self) -> dict[str, _Stamp]:
        found = {}
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if entry.name.endswith(SUFFIX) and entry.is_file():
                        stat = entry.stat()
                        found[entry.name] = _Stamp(stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except OSError as error:
            log.warning("the zones in %s cannot be read: %s", self.path, error.strerror)
            return {name: file.stamp for name, file in self._files.items()}
        return found

    def _read(self, name: str, stamp: _Stamp) -> None:
        """Read a file; if it is broken, say so and keep what it was."""
        file = self._files.setdefault(name, _File(stamp))
        file.stamp = stamp
        try:
            file.zone, file.error = read(self.path / name), None
        except Broken as error:
            file.error = str(error)
            kept = "its last good content is served" if file.zone else "it is not served"
            log.warning("%s: %s; %s", name, error, kept)


def read(path: Path) -> Zone:
    """The zone of a master file (RFC 1035 §5), whose name is the zone's. Raises Broken."""
    origin = None
    try:
        text = path.read_text("utf-8")
        origin = _origin(path.name.removesuffix(SUFFIX), text)
        records = dns.zone.from_text(text, origin, relativize=False, filename=path.name)
        return Zone.of(records, path.name)
    except dns.zone.NoSOA:
        raise Broken(f"there is no SOA record at {origin}") from None
    except dns.zone.NoNS:
        raise Broken(f"there is no NS record at {origin}") from None
    except dns.zonefile.CNAMEAndOtherData:
        raise Broken("a name has a CNAME and other records besides") from None
    except OSError as error:
        raise Broken(error.strerror or str(error)) from error
    except UnicodeDecodeError:
        raise Broken("this is not UTF-8 text") from None
    except (dns.exception.DNSException, ValueError) as error:
        words = str(error).removeprefix(path.name).strip(": ") or type(error).__name__
        raise Broken(PLACE.sub(r"near line \1: ", words)) from error


def _origin(file_name: str, text: str) -> Name:
    named = dns.name.from_text(file_name)
    stated = ORIGIN.match(text)
    return dns.name.from_text(stated[1], named) if stated else named
