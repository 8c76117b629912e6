"""`openapi`: the API's document."""

from __future__ import annotations

import json
from pathlib import Path

import click

from relay.app import create_app
from relay.composition import build
from relay.settings import Settings


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


COMMANDS = (openapi,)
