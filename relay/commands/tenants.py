"""`tenants`: accounts as tenants of Amazon SES, and what it says of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import click
from sqlalchemy.orm import Session

from relay.commands.groups import Group
from relay.commands.output import Row, json_option, relay, show, show_one
from relay.commands.parameters import ACCOUNT_ID
from relay.context import Relay
from relay.errors import Invalid, NotFound
from relay.models import Tenant
from relay.services import tenant_looks
from relay.services import tenants as service


@click.group("tenants", cls=Group)
def tenants() -> None:
    """Accounts as tenants of Amazon SES (POSTREEVE_SES_TENANTS)."""


@tenants.command("list")
@json_option
def list_tenants(as_json: bool) -> None:
    """List tenants: may they send, what did Amazon SES find; the stopped ones first."""
    with relay().reads() as session:
        rows = [
            {"account": tenant.account_id, "of": name, "domains": domains, **_row(tenant)}
            for tenant, name, domains in service.listed(session)
        ]
    show(
        rows if as_json else [_line(row) for row in rows],
        as_json=as_json,
        title="Tenants",
        empty="No tenants. With POSTREEVE_SES_TENANTS=on the worker makes one for each account "
        "that has sent mail from a domain of its own.",
    )


@tenants.command("sync")
@click.option("--account", "account_id", type=ACCOUNT_ID, help="Only this account's tenant.")
@json_option
def sync(account_id: UUID | None, as_json: bool) -> None:
    """Bring Amazon SES to what is here now, and read what it says; about 5 seconds a tenant."""
    context = relay()
    if not context.settings.ses_tenants:
        raise Invalid("Tenants are not used: POSTREEVE_SES_TENANTS is off")
    service.enlist(context)
    with context.reads() as session:
        wanted = _wanted(session, account_id)
    synced = {each: tenant_looks.sync(context, each) for each in wanted}
    rows = [_after(context, each, done) for each, done in synced.items()]
    show(rows, as_json=as_json, title="Tenants", empty="No account needs a tenant yet.")
    if not all(synced.values()):
        click.get_current_context().exit(1)


@tenants.command("delete")
@click.argument("account_id", type=ACCOUNT_ID)
@json_option
def delete(account_id: UUID, as_json: bool) -> None:
    """Delete the tenant of a terminated account, or of any while tenants are switched off."""
    service.remove(relay(), account_id)
    show_one(
        {"account": account_id, "deleted": True},
        as_json=as_json,
        title="Tenant deleted; it is not billed any more",
    )


def _wanted(session: Session, account_id: UUID | None) -> list[UUID]:
    if account_id is None:
        return [tenant.account_id for tenant, _, _ in service.listed(session)]
    if service.find(session, account_id) is None:
        raise NotFound(
            "This account has no tenant: it has one when it has sent mail from a domain of its own"
        )
    return [account_id]


def _after(context: Relay, account_id: UUID, done: bool) -> Row:
    with context.reads() as session:
        tenant = session.get_one(Tenant, account_id)
        return {
            "tenant": tenant.name,
            "in order": done,
            "status": tenant.status.value,
            "trouble": tenant.trouble,
        }


def of_account(session: Session, account_id: UUID, *, as_json: bool) -> Row:
    """What `account show` says of the account's tenant; nothing where it has none."""
    found = service.find(session, account_id)
    if found is None:
        return {}
    tenant, domains = found
    row = {"name": tenant.name, "domains": list(domains), **_row(tenant)}
    if as_json:
        return {"tenant": row}
    told = [f"{each['type']} {each['impact']}: {each['description']}" for each in row["findings"]]
    return {f"tenant_{name}": value for name, value in (row | {"findings": told}).items()}


def _row(tenant: Tenant) -> dict[str, Any]:
    return {
        "status": tenant.status.value,
        "told": tenant.told.value,
        "by_ses": tenant.theirs.value,
        "cause": tenant.cause or None,
        "impact": tenant.impact,
        "findings": list(tenant.findings),
        "ready": tenant.arn is not None and tenant.configuration_set is not None,
        "synced_at": tenant.synced_at.isoformat() if tenant.synced_at else None,
        "trouble": tenant.trouble,
    }


def _line(row: Row) -> Row:
    """The same for people: findings in a word each."""
    found = [f"{each['type']} {each['impact']}" for each in row["findings"]]
    kept = ("of", "domains", "status", "by_ses", "ready", "synced_at", "trouble", "account")
    line = {name: row[name] for name in kept}
    return {"of": line.pop("of"), "findings": found, **line}


COMMANDS = (tenants,)
