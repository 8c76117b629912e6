"""A real authoritative name server, NSD, with the zones of `tests/data/zones`, on a port of the loopback.

Debian's package would start a server on port 53 when it is installed, so it never is: it is
unpacked into the cache and run from there. A machine's own nsd serves as well.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from relay.commands.trial.ports import free_port
from tests.wordpress import suites
from tests.wordpress.packages import program

ZONES = Path(__file__).parent / "data" / "zones"
"""One file per zone, named after it; a file's `$ORIGIN` is its name."""

COMPANIONS = re.compile(r"^lib(event|fstrm|protobuf-c)[-.0-9]*(t64)?$")
"""Libraries that nsd needs and a small machine may lack; the others are everywhere."""

READY_WITHIN = 60.0
"""Seconds; it takes a tenth of one where the machine has nothing else to do."""


@dataclass(frozen=True)
class Nsd:
    """The program, and where its libraries are if not with the machine's own."""

    program: Path
    libraries: Path | None = None

    def environment(self) -> dict[str, str]:
        """The variables it needs."""
        own = {"LD_LIBRARY_PATH": str(self.libraries)} if self.libraries else {}
        return {**os.environ, **own}


def fetch() -> None:
    """See that there is an nsd: the machine's own, or Debian's, unpacked into the cache (seconds)."""
    if program("nsd") is None:
        if program("apt-get") is None:
            raise suites.Unavailable("This is no Debian: install nsd by hand")
        suites.cached("nsd", lambda work: _unpack(suites.Suite(_codename(), work)))


def find() -> Nsd:
    """The nsd that is there; raises `suites.Unavailable` where `fetch` was never called."""
    if found := program("nsd"):
        return Nsd(Path(found))
    unpacked = suites.CACHE / "nsd"
    if not unpacked.exists():
        raise suites.Unavailable("nsd is missing: `make packages` brings it")
    (library,) = unpacked.glob("usr/lib/*/libprotobuf-c.so.1")
    return Nsd(unpacked / "usr" / "sbin" / "nsd", library.parent)


@contextmanager
def serving(folder: Path, zones: Path = ZONES) -> Iterator[int]:
    """A server of these zones; its port. `folder` holds its settings and what it logs."""
    nsd, port = find(), free_port()
    settings = folder / "nsd.conf"
    settings.write_text(_settings(folder, zones, port))
    with (folder / "nsd.out").open("w") as output:
        process = subprocess.Popen(
            [str(nsd.program), "-d", "-c", str(settings)],
            env=nsd.environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(process, port, folder / "nsd.out")
        yield port
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(READY_WITHIN)


def _settings(folder: Path, zones: Path, port: int) -> str:
    # rrl-ratelimit: it would fall silent for somebody who asks quickly, as tests do.
    server = f"""server:
  ip-address: 127.0.0.1
  port: {port}
  username: ""
  chroot: ""
  zonesdir: "{zones}"
  database: ""
  pidfile: ""
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  zonelistfile: "{folder}/zone.list"
  server-count: 1
  rrl-ratelimit: 0
  minimal-responses: no
remote-control:
  control-enable: no
"""
    return server + "".join(
        f'zone:\n  name: "{path.stem}"\n  zonefile: "{path.name}"\n'
        for path in sorted(zones.glob("*.zone"))
    )


def _wait(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    question = dns.message.make_query("id.server.", "TXT", "CH")
    deadline = time.monotonic() + READY_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        try:
            dns.query.udp(question, "127.0.0.1", timeout=0.5, port=port)
        except (dns.exception.DNSException, OSError):
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"nsd does not answer:\n{output.read_text()}")


def _unpack(suite: suites.Suite) -> Path:
    return suite.unpack("nsd", *sorted(filter(COMPANIONS.match, suite.dependencies("nsd"))))


def _codename() -> str:
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    found = re.search(r"^VERSION_CODENAME=(\S+)", release, re.MULTILINE)
    return found[1] if found else "sid"
