"""`database`: who may do what in the database, for operators."""

from __future__ import annotations

import click

from relay.commands.groups import Group
from relay.commands.output import relay
from relay.services import database_roles


@click.group(cls=Group)
def database() -> None:
    """The database and its roles."""


@database.command("grant")
@click.argument("role")
def grant(role: str) -> None:
    """Give ROLE exactly what the relay needs (PostgreSQL); run this as the tables' owner.

    Migrations run as the owner, web and worker as ROLE, which can add to the consent ledger but
    not change it, nor disable the triggers that keep it.
    """
    with relay().sessions.begin() as session:
        database_roles.grant(session, role)
    click.echo(f"{role} may run the relay; it cannot change the consent ledger.", err=True)


COMMANDS = (database,)
