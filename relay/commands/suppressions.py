"""`suppression`: whom a site does not mail, for operators."""

from __future__ import annotations

from uuid import UUID

import click

from relay.addresses import parse
from relay.commands.finding import shown_by
from relay.commands.groups import Group
from relay.commands.output import Row, json_option, relay, show, show_one
from relay.commands.parameters import SITE_ID, Id, limit_option
from relay.models import Suppression
from relay.services import lifting
from relay.services.accounts import find_site


@click.group(cls=Group)
def suppression() -> None:
    """Addresses that a site does not mail."""


@suppression.command("list")
@click.option("--site", "site_id", required=True, type=SITE_ID, help="Whose list.")
@click.option("--address", help="Only this address.")
@click.option("--ended", is_flag=True, help="Those that are over as well.")
@limit_option()
@json_option
def list_suppressions(
    site_id: UUID, address: str | None, ended: bool, limit: int, as_json: bool
) -> None:
    """List suppressions, newest first."""
    key = parse(address).key if address else None
    with relay().reads() as session:
        find_site(session, site_id)
        found = lifting.page(session, site_id, limit=limit, address_key=key, ended=ended)
        rows = [_row(each.suppression) for each in found.entries]
    show(rows, as_json=as_json, title="Suppressions", empty="Nobody is suppressed on this site.")


@suppression.command("lift")
@click.argument("suppression_id", type=Id("suppression list --site ID"))
@click.option("--because", required=True, metavar="TEXT", help="Why; it is kept with the entry.")
@json_option
def lift(suppression_id: UUID, because: str, as_json: bool) -> None:
    """Lift a suppression as an operator: a complaint too, and without the owner's daily limit."""
    context = relay()
    with context.sessions.begin() as session, shown_by("suppression list --site ID"):
        row = _row(
            lifting.lift_as_operator(session, suppression_id, because=because, now=context.clock())
        )
    lifting.clear_provider(context, only=suppression_id)
    show_one(row, as_json=as_json, title="Lifted; the site may mail this address again")


def _row(found: Suppression) -> Row:
    return {
        "id": found.id,
        "address": found.address,
        "reason": found.reason.value,
        "scope": found.scope.value,
        "began_at": found.began_at,
        "ended_at": found.ended_at,
        "ending": found.ending,
    }


COMMANDS = (suppression,)
