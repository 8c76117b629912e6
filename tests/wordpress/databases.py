"""A MariaDB of our own: a socket, no port, a data folder that goes when we go."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.wordpress import packages, processes

USER = "wordpress"
PASSWORD = "wordpress"

QUICK = (
    "--skip-networking",
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M",
    "--performance-schema=OFF",
)
"""A test's data may be lost; its time may not."""


@dataclass(frozen=True)
class Server:
    """A running MariaDB."""

    socket: Path

    def create(self, name: str) -> None:
        """Make an empty database that `USER` may use."""
        self.execute(
            f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4;"
            f"GRANT ALL ON `{name}`.* TO {USER}@localhost"
        )

    def execute(self, statements: str) -> None:
        """Run SQL as the server's administrator."""
        self._client("mariadb", "-e", statements)

    def answers(self) -> bool:
        """Whether the server takes connections."""
        try:
            self._client("mariadb-admin", "ping")
        except subprocess.CalledProcessError:
            return False
        return True

    def _client(self, name: str, *arguments: str) -> None:
        program = packages.program(name) or name
        subprocess.run(
            [program, "--no-defaults", "--user=root", f"--socket={self.socket}", *arguments],
            capture_output=True,
            check=True,
        )


@contextmanager
def server() -> Iterator[Server]:
    """A fresh MariaDB (about 0.7 s), never as root, removed afterwards.

    It lives in the system's folder for temporary files because a socket's path may have 107
    characters only and because its user must be able to reach it.
    """
    folder = Path(tempfile.mkdtemp(prefix="postreeve-mariadb-"))
    try:
        user = _unprivileged_user(folder)
        _initialise(folder, user)
        mariadb = Server(folder / "socket")
        command = [
            packages.program("mariadbd") or "mariadbd",
            "--no-defaults",
            *user,
            f"--datadir={folder}/data",
            f"--socket={mariadb.socket}",
            f"--pid-file={folder}/pid",
            *QUICK,
        ]
        with processes.running(command, ready=mariadb.answers, log=folder / "log"):
            mariadb.execute(f"CREATE USER {USER}@localhost IDENTIFIED BY '{PASSWORD}'")
            yield mariadb
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged_user(folder: Path) -> list[str]:
    """The option that makes MariaDB give up root's rights, where we have them."""
    if os.geteuid() != 0:
        return []
    shutil.chown(folder, "mysql")
    return ["--user=mysql"]


def _initialise(folder: Path, user: list[str]) -> None:
    install = packages.program("mariadb-install-db") or "mariadb-install-db"
    done = subprocess.run(
        [
            install,
            "--no-defaults",
            *user,
            f"--datadir={folder}/data",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise processes.NotReady(f"MariaDB cannot be initialised:\n{done.stdout}\n{done.stderr}")
