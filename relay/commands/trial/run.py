"""`python -m relay run`: a whole installation on this machine, until Ctrl-C."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from os.path import relpath
from pathlib import Path

import click
from rich.table import Table

from relay.commands import ROOT
from relay.commands.parameters import PORT
from relay.commands.trial import ports, wordpress
from relay.commands.trial.children import Children, Trouble, interruptible
from relay.commands.trial.client import Api, Mail
from relay.commands.trial.installation import Installation, alone_in, read, write
from relay.commands.trial.launch import launch
from relay.commands.trial.outcomes import Expectation, Found, follow, refused
from relay.commands.trial.ports import Ports
from relay.commands.trial.site import DOMAIN, SENDER, DemoSite, curl
from relay.commands.trial.steps import Steps, page
from relay.commands.trial.wordpress import WordPress

LOOK_EVERY = 0.5
"""Seconds between two looks whether all processes still run."""

WEB_WORKERS = 2


@click.command()
@click.option("--port", default=8025, show_default=True, type=PORT, help="Port of the relay.")
@click.option(
    "--simulator-port", default=8026, show_default=True, type=PORT, help="Port of the simulator."
)
@click.option(
    "--wordpress-port", default=8027, show_default=True, type=PORT, help="Port of WordPress."
)
@click.option(
    "--names-port", default=8028, show_default=True, type=PORT, help="Port of the name server."
)
@click.option("--wordpress", "with_wordpress", is_flag=True, help="Add a real WordPress.")
@click.option(
    "--state",
    default=ROOT / "var" / "trial",
    show_default="var/trial",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for database, secret, mails and logs; kept for the next start.",
)
def run(
    *,
    port: int,
    simulator_port: int,
    wordpress_port: int,
    names_port: int,
    with_wordpress: bool,
    state: Path,
) -> None:
    """Try everything on this machine, until Ctrl-C.

    Starts the relay, a worker and a simulator in Amazon's place, and sends the first mails; nothing
    leaves the machine. Ports that are taken are replaced by free ones. Exit codes: 0 after Ctrl-C,
    1 when something failed, 130 when interrupted before it was ready.
    """
    steps = Steps()
    ready, farewell = False, "Stopped. The next start finds everything again"
    try:
        with interruptible(), alone_in(state.resolve()), Children() as children:
            wanted = Ports(port, simulator_port, wordpress_port, names_port)
            installation = Installation(state.resolve(), _ports(wanted, with_wordpress, steps))
            installation.notes.unlink(missing_ok=True)
            site = launch(installation, children, steps, web_workers=WEB_WORKERS)
            _first_mails(installation, site, children, steps)
            there = (
                wordpress.start(installation, children, steps, key=site.key)
                if with_wordpress
                else None
            )
            if there is not None:
                farewell += ", but for WordPress, which begins anew"
            _introduce(installation, site, there)
            ready = True
            _stay(children, steps)
    except Trouble as trouble:
        steps.fail(f"\n{trouble}")
        sys.exit(1)
    except KeyboardInterrupt:
        steps.say(f"{farewell}." if ready else "\nStopped.")
        sys.exit(0 if ready else 130)


def _stay(children: Children, steps: Steps) -> None:
    """Watch the processes until somebody stops us."""
    try:
        while True:
            children.check()
            time.sleep(LOOK_EVERY)
    except KeyboardInterrupt:
        steps.say("\nStopping …")
        raise


def _ports(wanted: Ports, with_wordpress: bool, steps: Steps) -> Ports:
    """The ports to use; says so where they are others than wanted."""
    chosen = ports.choose(wanted)
    pairs = [(wanted.web, chosen.web), (wanted.simulator, chosen.simulator)]
    pairs.append((wanted.names, chosen.names))
    if with_wordpress:
        pairs.append((wanted.wordpress, chosen.wordpress))
    for one, other in pairs:
        if one != other:
            steps.warn(f"Port {one} is taken; using {other} instead.")
    return chosen


def _first_mails(
    installation: Installation, site: DemoSite, children: Children, steps: Steps
) -> None:
    """Send one mail that arrives, one that bounces, and one that is refused for it."""
    notes = {
        "site_id": str(site.id),
        "curl": curl(installation.web_url, site),
        "mailbox_url": f"{installation.simulator_url}/",
        "setup_url": site.setup_url,
        "zone_file": relpath(installation.zones / f"{DOMAIN}.zone"),
        "finished": False,
    }
    write(installation.notes, notes)
    api = Api(installation.ports.web, site.key)
    bounces = site.address("bounce")
    expectations = [
        Expectation("", Mail(SENDER, "Your order has shipped", (to,)), status)
        for to, status in ((site.address("success"), "delivered"), (bounces, "bounced"))
    ]
    with steps.doing("First mails, until their outcomes are known") as tell:
        found = follow(api, expectations, children, tell)
        found.append(refused(api, "", Mail(SENDER, "Your invoice", (bounces,)), code="suppressed"))
    write(installation.notes, notes | {"finished": True, "refused": [_note(found[-1])]})
    _show(found)
    if not all(row.is_right for row in found):
        steps.warn(
            f"Not every outcome is as it should be. The logs are in {installation.log('').parent}."
        )


def _note(row: Found) -> dict[str, str]:
    now = datetime.now(UTC).isoformat()
    return {"subject": row.subject, "to": row.address, "why": row.why, "at": now}


def _show(found: list[Found]) -> None:
    table = Table.grid(padding=(0, 2, 1, 0))
    for row in found:
        good = row.found == "delivered"
        look = "[bold green]✓" if good else "[bold red]✗"
        table.add_row(
            f"  {look} {row.found.partition(':')[0]}[/]",
            f"{row.subject} → {row.address}\n{row.why}.".replace("..", "."),
        )
    click.echo("\nIt works. These mails have just travelled:\n")
    page().print(table)


def _introduce(installation: Installation, site: DemoSite, there: WordPress | None) -> None:
    zones = relpath(installation.zones)
    lines = {
        "Start page": f"{installation.web_url}/",
        "Mailbox": f"{installation.simulator_url}/   every mail as its recipient would get it",
        "Plugin": f"{installation.web_url}/plugin   for a WordPress of yours",
        "API": f"{installation.web_url}/docs",
        "DNS": f"{site.setup_url}\n{'':14}edit {zones}/{DOMAIN}.zone and check again",
        "Names": f"{installation.simulator_url}/names   what the name server knows and is asked",
    }
    if there is not None:
        _note_wordpress(installation, there)
        lines["WordPress"] = f"{there.url}   {there.login}"
    settings = relpath(installation.hand_over_settings())
    python = relpath(sys.executable)
    lines["Commands"] = f". {settings}; {python} -m relay account list   in another terminal"
    lines["Kept in"] = f"{relpath(installation.folder)}   database, key, mails, logs"
    click.echo()
    for name, text in lines.items():
        click.echo(f"  {name:<12}{text}")
    click.echo("\nSend one yourself: paste this into another terminal.\n")
    click.echo(curl(installation.web_url, site))
    click.echo("\nPress Ctrl-C to stop.")
    sys.stdout.flush()


def _note_wordpress(installation: Installation, there: WordPress) -> None:
    """Tell the start page about WordPress."""
    write(
        installation.notes,
        read(installation.notes) | {"wordpress_url": there.url, "wordpress_login": there.login},
    )
