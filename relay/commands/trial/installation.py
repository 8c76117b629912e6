"""A trial installation: a folder with its database, secret, logs and notes, and its ports."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relay.commands.trial.children import Trouble
from relay.commands.trial.client import HOST
from relay.commands.trial.ports import Ports
from relay.settings import SIMULATED_AWS_ACCOUNT, Settings

TOPIC = f"arn:aws:sns:us-east-1:{SIMULATED_AWS_ACCOUNT}:postreeve-simulator"
"""The simulator's topic."""

NOT_INHERITED = ("POSTREEVE_", "AWS_", "GUNICORN_")
"""Beginnings of variables that could lead the trial elsewhere, such as to the real Amazon."""

ALSO_NOT_INHERITED = frozenset(("WEB_CONCURRENCY", "PORT"))


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything the processes of a trial need to know."""

    folder: Path
    ports: Ports

    @property
    def web_url(self) -> str:
        """Where the relay is."""
        return f"http://{HOST}:{self.ports.web}"

    @property
    def simulator_url(self) -> str:
        """Where the simulator is: the AWS endpoint and the mailbox."""
        return f"http://{HOST}:{self.ports.simulator}"

    @property
    def wordpress_url(self) -> str:
        """Where WordPress is, if there is one."""
        return f"http://{HOST}:{self.ports.wordpress}"

    @property
    def notes(self) -> Path:
        """What the start page tells about the trial."""
        return self.folder / "notes.json"

    @property
    def simulator_folder(self) -> Path:
        """Where the simulator keeps mails, identities and its signing key."""
        return self.folder / "simulator"

    @property
    def zones(self) -> Path:
        """The zone files of the simulator's name server."""
        return self.folder / "zones"

    def log(self, name: str) -> Path:
        """Where a process writes."""
        return self.folder / "logs" / f"{name}.log"

    def settings(self) -> Settings:
        """The relay's settings, as its processes read them."""
        return Settings.from_environment(self.environment())

    def environment(self) -> Mapping[str, str]:
        """The environment of the processes: ours, without what could lead them elsewhere."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(NOT_INHERITED)
            and name not in ALSO_NOT_INHERITED
            and not name.lower().endswith("_proxy")
        }
        return inherited | self._own()

    def hand_over_settings(self) -> Path:
        """A file that gives a shell this installation's settings, for commands beside it."""
        path = self.folder / "settings.sh"
        lines = [f"export {name}={shlex.quote(value)}" for name, value in self._own().items()]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def _own(self) -> dict[str, str]:
        return {
            "PYTHONUNBUFFERED": "1",
            "POSTREEVE_DATABASE_URL": f"sqlite:///{self.folder / 'postreeve.db'}",
            "POSTREEVE_SECRET_FILE": str(_secret(self.folder / "secret")),
            "POSTREEVE_PUBLIC_URL": self.web_url,
            "POSTREEVE_AWS_ENDPOINT_URL": self.simulator_url,
            "POSTREEVE_TOPIC_ARNS": TOPIC,
            "POSTREEVE_SIMULATOR_CERTIFICATE": str(self.simulator_folder / "sns-certificate.pem"),
            "POSTREEVE_NAMESERVERS": f"{HOST}:{self.ports.names}",
            "POSTREEVE_TRIAL_NOTES": str(self.notes),
            "POSTREEVE_SENDER_THREADS": "4",
        }


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Nobody else runs a trial from this folder. Raises `Trouble` when somebody does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise Trouble(
                f"It runs already from {folder} (process {lock.read().strip() or 'unknown'}). "
                "Stop it there with Ctrl-C, or start a second one beside it: "
                "python -m relay run --state FOLDER"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def write(path: Path, values: Mapping[str, Any]) -> None:
    """Replace a JSON file at once; only its owner may read it, for it may hold the demo key."""
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(values, file, indent=2)
    draft.replace(path)


def read(path: Path) -> dict[str, Any]:
    """What the JSON file holds; nothing when it is not there or broken."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _secret(path: Path) -> Path:
    """The file with the installation's secret, made at the first start."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return path
