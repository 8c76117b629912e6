# ruff: noqa: S603, S607  (our own programs, our own arguments)
"""See that the Debian packages are there that the tests with real neighbours need.

Installs what is missing where it may (root, or sudo without a password); says the exact line
where it may not. `--list` prints what is missing and installs nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import progress  # noqa: E402  (found only after the line above)

from tests import nsd, redis_server  # noqa: E402
from tests.wordpress import packages as wordpress  # noqa: E402
from tests.wordpress import suites  # noqa: E402

WHY = {
    "postgresql": "the same tests on a private PostgreSQL",
    "mariadb-server": "a private MariaDB under the WordPress sites",
    "chromium": "the browser journey",
    "redis-tools": "a private Redis (without Debian's service): web processes count requests in it",
    "libatomic1": "Playwright, which leads the browser",
    "curl": "the lines that the start page gives to paste",
    "fonts-dejavu-core": "letters for the browser",
    "phpunit": "the plugin's tests",
    "php-codesniffer": "the plugin's style",
}
"""What a package is for; the others belong to PHP."""

LOCK = ("-o", "DPkg::Lock::Timeout=300")
"""Another apt-get may be at work: wait for it."""

UPDATE_WITHIN = 300.0
"""Seconds to wait while another apt-get reads the package lists."""

NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/postreeve-tests.conf")
"""Keeps Debian from starting a database server of its own; the tests start theirs."""


def main() -> None:
    """Install what is missing."""
    names = missing()
    if "--list" in sys.argv:
        print("\n".join(names))
        return
    _fetch_name_server()
    if not names:
        print("All Debian packages are there.")
        return
    print("Missing Debian packages:")
    for name in names:
        print(f"  {name:<18} {WHY.get(name, 'PHP, to run WordPress')}")
    line = f"apt-get install --no-install-recommends {' '.join(names)}"
    if shutil.which("apt-get") is None:
        sys.exit("This is no Debian: install their like by hand, then run this again.")
    if (prefix := _privilege()) is None:
        sys.exit(
            f"They need root's rights to install. Run this, then the same again:\n\n  sudo {line}"
        )
    sys.stdout.flush()
    try:
        _install(prefix, names)
    except progress.Failed as error:
        sys.exit(f"{error}\n\nInstall them by hand, then run this again:\n\n  sudo {line}")
    if still := missing():
        sys.exit(f"Installed, but still not found: {', '.join(still)}")


def _fetch_name_server() -> None:
    """The tests' name server is unpacked and not installed: Debian would start it, on port 53."""
    try:
        nsd.fetch()
    except suites.Unavailable as error:
        sys.exit(f"The name server for the tests (nsd) cannot be fetched.\n{error}")


def missing() -> list[str]:
    """The packages that are not there, judged by what they bring."""
    names = wordpress.missing({**wordpress.SERVING, **wordpress.TESTING, "curl": "curl"})
    if not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")) and not shutil.which("initdb"):
        names.append("postgresql")
    if not any(Path("/usr/lib").glob("*/libatomic.so.1")):
        names.append("libatomic1")
    if redis_server.find() is None:
        names.append("redis-tools")
    return names


def _privilege() -> list[str] | None:
    """What to put before a command so that it runs as root; None if nothing does."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], check=False).returncode == 0:
        return ["sudo", "-n"]
    return None


def _install(prefix: list[str], names: list[str]) -> None:
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "apt-get", *LOCK]
    _update(apt)
    install = ["install", "-y", "--no-install-recommends", *names]
    plan = subprocess.run([*apt, "-s", *install], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+) newly installed", plan.stdout)
    if "postgresql" in names:
        _as_root(prefix, ["mkdir", "-p", str(NO_CLUSTER.parent)])
        _as_root(prefix, ["tee", str(NO_CLUSTER)], "create_main_cluster = false\n")
    try:
        progress.run(
            [*apt, *install],
            "Installing Debian packages",
            r"^Setting up ([^ :]+)",
            int(found[1]) if found else 0,
        )
    finally:
        if "postgresql" in names:
            _as_root(prefix, ["rm", "-f", str(NO_CLUSTER)])


def _update(apt: list[str]) -> None:
    """`apt-get update`, again while another one holds the lists (apt has no patience there)."""
    deadline = time.monotonic() + UPDATE_WITHIN
    while True:
        try:
            progress.run(
                [*apt, "update"], "Reading Debian's package lists", r"^(?:Get|Hit):\d+ (.+)"
            )
            return
        except progress.Failed as error:
            if "Could not get lock" not in str(error) or time.monotonic() > deadline:
                raise
            print("Another apt-get is at work; waiting for it …", flush=True)
            time.sleep(5)


def _as_root(prefix: list[str], command: list[str], text: str = "") -> None:
    subprocess.run(
        [*prefix, *command], input=text, text=True, stdout=subprocess.DEVNULL, check=True
    )


if __name__ == "__main__":
    progress.interruptibly(main)
