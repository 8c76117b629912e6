"""`migrate`: the tables that this release needs."""

from __future__ import annotations

import os
from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from relay.commands import ROOT
from relay.db import connect
from relay.settings import Settings


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


COMMANDS = (migrate,)
