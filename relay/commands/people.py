"""`people`: what the relay holds about a person at a site, for operators."""

from __future__ import annotations

import json
from uuid import UUID

import click

from relay.addresses import parse
from relay.commands.groups import Group
from relay.commands.output import json_option, relay, show_one
from relay.commands.parameters import SITE_ID
from relay.services import erasures
from relay.services import people as held
from relay.services.accounts import find_site


@click.group(cls=Group)
def people() -> None:
    """People who got mail, and what is held about them."""


@people.command("export")
@click.argument("email")
@click.option("--site", "site_id", required=True, type=SITE_ID, help="At which site.")
def export(email: str, site_id: UUID) -> None:
    """Print everything about EMAIL at a site, as JSON."""
    address, context = parse(email), relay()
    with context.reads() as session:
        find_site(session, site_id)
        found = held.export(
            session,
            context.settings.keyring,
            site_id=site_id,
            address=address,
            now=context.clock(),
        )
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


@people.command("erase")
@click.argument("email")
@click.option("--site", "site_id", required=True, type=SITE_ID, help="At which site.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def erase(email: str, site_id: UUID, yes: bool, as_json: bool) -> None:
    """Erase what identifies EMAIL at a site; it cannot be undone.

    Newsletters and notifications stay stopped until the person signs up anew.
    """
    address, context = parse(email), relay()
    with context.reads() as session:
        find_site(session, site_id)
    if not yes:
        click.confirm(f"Erase {address} at site {site_id} for ever?", abort=True, err=True)
    with context.sessions.begin() as session:
        erased = erasures.erase(
            session,
            context.settings.keyring,
            site_id=site_id,
            address=address,
            now=context.clock(),
        )
    row = {"erased_at": erased.at, "stops": erased.scope.value, **erased.rows}
    show_one(row, as_json=as_json, title="Erased; the ledger still proves what happened")


COMMANDS = (people,)
