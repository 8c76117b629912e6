"""`operator`: keys of the people who run the relay, for the operator API."""

from __future__ import annotations

from uuid import UUID

import click

from relay.commands.groups import Group
from relay.commands.output import Row, json_option, relay, show, show_one
from relay.commands.parameters import Id
from relay.models import Operator
from relay.services import operators

SHOWN_ONCE = (
    "Copy the key now: only its digest is kept, and it is never shown again.\n"
    "Whoever has it may suspend and terminate accounts (docs/operator-api.md)."
)


@click.group(cls=Group)
def operator() -> None:
    """Keys of operators, for /v1/operator/."""


@operator.command("add")
@click.argument("name")
@json_option
def add(name: str, as_json: bool) -> None:
    """Make a key for the operator NAME; the audit log will know them as operator:NAME."""
    context = relay()
    with context.sessions.begin() as session:
        made = operators.add(session, name, secret=context.settings.secret, now=context.clock())
    row = {"id": made.operator.id, "name": made.operator.name, "key": made.secret}
    show_one(row, as_json=as_json, title="Operator added", hint=SHOWN_ONCE)


@operator.command("list")
@json_option
def list_operators(as_json: bool) -> None:
    """List keys of operators, without their secrets."""
    with relay().reads() as session:
        rows = [_row(each) for each in operators.everybody(session)]
    show(rows, as_json=as_json, title="Operators", empty="No keys yet; try: operator add NAME")


@operator.command("revoke")
@click.argument("operator_id", type=Id("operator list"))
@json_option
def revoke(operator_id: UUID, as_json: bool) -> None:
    """End the key with the id OPERATOR_ID at once."""
    context = relay()
    with context.sessions.begin() as session:
        row = _row(operators.revoke(session, operator_id, now=context.clock()))
    show_one(row, as_json=as_json, title="Revoked; requests with it are refused from now on")


def _row(found: Operator) -> Row:
    return {
        "id": found.id,
        "name": found.name,
        "prefix": f"{operators.KEY_MARK}_{found.prefix}",
        "created_at": found.created_at,
        "last_used_at": found.last_used_at,
        "revoked_at": found.revoked_at,
    }


COMMANDS = (operator,)
