"""`migrate`, `web`, `worker`, `openapi`: the processes of an installation."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType

import click
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from relay.app import build, create_app
from relay.commands.output import relay
from relay.commands.parameters import PORT
from relay.db import connect
from relay.settings import Settings
from relay.worker import Worker

ROOT = Path(__file__).parents[2]


@click.command()
def migrate() -> None:
    """Create or update the database's tables; safe to run at each start."""
    settings = Settings.from_environment(os.environ)
    try:
        upgrade(settings.database_url)
    except CommandError as error:
        raise click.ClickException(
            f"The database's tables are not of this release or an earlier one ({error}).\n"
            "Run the release of Postreeve that made them, or a later one."
        ) from error
    click.echo("The database is up to date.", err=True)


def upgrade(database_url: str) -> None:
    """Bring the database to the newest migration."""
    if database_url.startswith("sqlite:///"):
        Path(database_url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    config = Config(toml_file=str(ROOT / "pyproject.toml"))
    config.set_main_option("script_location", str(ROOT / "relay" / "migrations"))
    engine = connect(database_url)
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


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


@click.command()
def worker() -> None:
    """Send what is queued; SIGTERM or Ctrl-C stops it gracefully."""
    working = Worker(relay(quiet=False))

    def stop(_number: int, _frame: FrameType | None) -> None:
        working.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    working.run()


@click.command()
@click.option("--write", type=click.Path(path_type=Path), help="Write it to this file.")
def openapi(write: Path | None) -> None:
    """Print the OpenAPI document that the code describes."""
    settings = Settings(database_url="sqlite:///:memory:", secret="x" * 32)
    client = create_app(build(settings)).test_client()
    text = json.dumps(client.get("/openapi.json").get_json(), indent=2, ensure_ascii=False) + "\n"
    if write is None:
        click.echo(text, nl=False)
    else:
        write.write_text(text, encoding="utf-8")


COMMANDS = (migrate, web, worker, openapi)
