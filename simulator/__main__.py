"""`python -m simulator`: read the command line, print where everything is, serve until stopped."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from simulator import CONFIGURATION_SET, REGION, TOPIC, server
from simulator.errors import CannotStart, InvalidControl
from simulator.names.troubles import Troubles
from simulator.settings import MEANINGS, Settings
from simulator.world import World


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command one option per control field."""
    for field in reversed(fields(Settings)):
        start = json.dumps(getattr(Settings(), field.name)).strip('"')
        option = click.option(
            "--" + field.name.replace("_", "-"),
            field.name,
            metavar="VALUE",
            help=f"{MEANINGS[field.name]}.  [default: {start}]",
        )
        command = option(command)
    return command


def value_of(text: str) -> object:
    """An option's text as the control API would get it: JSON, `name=number,...`, or a word."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    pairs = [part.partition("=") for part in text.split(",")]
    try:
        return {name: json.loads(number) for name, _, number in pairs}
    except ValueError:
        return text


@click.command(
    context_settings={"max_content_width": 100, "show_default": True, "terminal_width": 96}
)
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option(
    "--port", default=8026, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@click.option(
    "--state",
    default=Path("var/simulator"),
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for mails, identities and the signing key.",
)
@click.option(
    "--subscribe",
    multiple=True,
    metavar="URL",
    help="Post notices to this URL, once it has confirmed. Can be repeated.",
)
@click.option(
    "--keep-contents/--drop-contents", default=True, help="Keep mails whole, or only headers."
)
@click.option(
    "--dns-port",
    default=None,
    type=click.IntRange(0, 65535),
    help="Answer DNS questions at this port of 127.0.0.1, UDP and TCP; 0 takes a free one.  "
    "[default: no name server]",
)
@click.option(
    "--zones",
    default=None,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of zone files, such as shop.example.zone.  [default: STATE/zones]",
)
@click.option(
    "--name-trouble",
    "troubles",
    multiple=True,
    metavar="NAME=TROUBLE",
    help="Trouble with a name, or with .NAME and all below: servfail, refused, silence, truncate, "
    "delay:MS, split:N; several with commas. Can be repeated.",
)
@click.option("--seed", type=int, default=None, help="Make the chances repeatable.")
@with_settings
def main(
    *,
    host: str,
    port: int,
    state: Path,
    subscribe: tuple[str, ...],
    keep_contents: bool,
    dns_port: int | None,
    zones: Path | None,
    troubles: tuple[str, ...],
    seed: int | None,
    **given: str | None,
) -> None:
    """Play Amazon SES and SNS on this machine. Nothing is sent to anybody.

    Read the mails at http://HOST:PORT/ and point boto3's endpoint_url there.

    The options from --latency-ms on are the fields of the control API (PUT /_control); what is
    given here is what they start with. Shares are from 0 to 1; what goes by error is written
    TooManyRequestsException=0.05,reset=0.01.
    """
    values: dict[str, Any] = {
        name: value_of(text) for name, text in given.items() if text is not None
    }
    try:
        settings = Settings().changed(values)
    except InvalidControl as error:
        name, _, problem = str(error).partition(" ")
        raise click.UsageError(f"--{name.replace('_', '-')} {problem}") from None
    try:
        trouble = Troubles({}).changed(dict(one.split("=", 1) for one in troubles))
    except InvalidControl as error:
        raise click.UsageError(f"--name-trouble: {error}") from None
    except ValueError:
        raise click.UsageError("--name-trouble is written NAME=TROUBLE") from None
    server.quiet_logs()
    server.spare_the_collector()
    try:
        asyncio.run(
            _serve(
                lambda: World(
                    state,
                    settings,
                    subscribe,
                    seed=seed,
                    keep_contents=keep_contents,
                    zones=zones,
                    troubles=trouble,
                ),
                host,
                port,
                dns_port,
            )
        )
    except CannotStart as error:
        raise click.ClickException(str(error)) from None


async def _serve(
    open_world: Callable[[], World], host: str, port: int, dns_port: int | None
) -> None:
    world = open_world()
    try:
        if dns_port is not None:
            await world.name_server.listen(dns_port)
        runner = await server.listen(world, host, port)
        _welcome(world, server.address(runner, host))
        await server.until_signalled()
        await runner.cleanup()
    finally:
        await world.close()
    click.echo(f"Stopped. {world.store.count} mails are kept in {world.folder}.")


def _welcome(world: World, url: str) -> None:
    """Say where everything is."""
    world.directory.zones(at_once=True)  # says what is wrong with files
    told = [one.endpoint for one in world.subscriptions.all()]
    changed = {
        field.name: getattr(world.control.settings, field.name)
        for field in fields(Settings)
        if getattr(world.control.settings, field.name) != getattr(Settings(), field.name)
    }
    click.echo(
        "Postreeve simulator: Amazon SES and SNS, played on this machine. Nothing is sent.\n"
    )
    click.echo(f"  Mailbox        {url}/")
    click.echo(f"  AWS endpoint   {url}   (region {REGION}, any credentials)")
    click.echo(f"  Set and topic  {CONFIGURATION_SET}, {TOPIC}")
    click.echo(f"  Certificate    {world.folder / 'sns-certificate.pem'}")
    if world.name_server.address:
        click.echo(
            f"  Name server    {world.name_server.address}, zones in {world.directory.folder.path}"
        )
    click.echo(f"  Notices go to  {', '.join(told) or 'nobody (see --subscribe)'}")
    click.echo(f"  Mails so far   {world.store.count}, kept in {world.folder}")
    if changed:
        click.echo(f"  Turned         {json.dumps(changed)}")
    click.echo("\nPress Ctrl+C to stop.")


if __name__ == "__main__":
    main(prog_name="python -m simulator")
