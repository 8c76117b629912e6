"""`web`: the process that answers."""

from __future__ import annotations

import os
import sys

import click

from relay.commands import ROOT
from relay.commands.parameters import PORT
from relay.settings import Settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8025, show_default=True, type=PORT)
@click.option(
    "--workers", default=2, show_default=True, type=click.IntRange(1, 1_000), help="Web processes."
)
def web(host: str, port: int, workers: int) -> None:
    """Serve the API under gunicorn (replaces this process)."""
    Settings.from_environment(os.environ)  # says what is missing before gunicorn does, five times
    os.chdir(ROOT)
    os.execv(  # noqa: S606  (our own interpreter, our own arguments)
        sys.executable,
        [
            sys.executable, "-m", "gunicorn", "wsgi:app", "--config", "gunicorn.conf.py",
            "--bind", f"{host}:{port}", "--workers", str(workers),
        ],
    )  # fmt: skip


COMMANDS = (web,)
