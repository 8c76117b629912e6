"""`gateway`: who receives for the domains that are mailed."""

from __future__ import annotations

import click

from relay.commands.groups import Group
from relay.commands.output import json_option, relay, show
from relay.commands.parameters import limit_option
from relay.services import receivers


@click.group(cls=Group)
def gateway() -> None:
    """Mail gateways in front of the people who are mailed."""


@gateway.command("unknown")
@limit_option("So many, most frequent first.", default=50)
@json_option
def unknown(limit: int, as_json: bool) -> None:
    """Count MX hosts whose vendor is not known, so that the table can grow."""
    with relay().reads() as session:
        found = receivers.unknown_zones(session, limit=limit)
    show(
        [{"mx_zone": zone, "domains": domains} for zone, domains in found],
        as_json=as_json,
        title="Unknown gateways",
        empty="Every receiving domain looked up so far has a known gateway, or none were.",
    )


COMMANDS = (gateway,)
