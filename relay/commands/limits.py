"""`site limits`, `account limits`, `account plan`, `account plans`: who may send how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import click

from relay.commands.accounts import account, site
from relay.commands.output import Row, json_option, relay, show, show_one
from relay.commands.parameters import ACCOUNT_ID, SITE_ID
from relay.models import Account
from relay.policy import plans
from relay.policy.plans import LEAST, MOST, NAMES
from relay.services import limits
from relay.services.accounts import find_account
from relay.services.limits import SiteLimits

F = TypeVar("F", bound=Callable[..., Any])

ABOUT = {
    "second": "People in a second.",
    "hour": "People in an hour of the clock (UTC).",
    "day": "People in a day (UTC).",
    "recipients": "People of one message.",
    "size": "Bytes of one message.",
}


def limit_options(command: F) -> F:
    """An option for each limit, and `--clear`."""
    command = click.option(
        "--clear",
        multiple=True,
        type=click.Choice([*NAMES, "all"]),
        help="Give up what was set for this limit (`all`: for all); may be given more than once.",
    )(command)
    for name in reversed(NAMES):
        command = click.option(
            f"--{name}", type=click.IntRange(LEAST[name], MOST[name]), help=ABOUT[name]
        )(command)
    return command


@account.command("plans")
@json_option
def list_plans(as_json: bool) -> None:
    """List the plans and what they allow."""
    rows = [
        {"plan": plan.name, "for": plan.about, **plans.by_name(plan.limits)}
        for plan in plans.plans().values()
    ]
    show(rows, as_json=as_json, title="Plans", empty="")


@account.command("plan")
@click.argument("account_id", type=ACCOUNT_ID)
@click.argument("name", required=False, metavar="[PLAN]")
@json_option
def show_plan(account_id: UUID, name: str | None, as_json: bool) -> None:
    """Show the plan of the account ACCOUNT_ID, or put it on PLAN."""
    with relay().sessions.begin() as session:
        found = (
            limits.set_plan(session, account_id, name)
            if name
            else find_account(session, account_id)
        )
        row = _account_row(found)
    show_one(
        row,
        as_json=as_json,
        title="Plan changed" if name else "Plan",
        hint="All plans: python -m relay account plans",
    )


@account.command("limits")
@click.argument("account_id", type=ACCOUNT_ID)
@limit_options
@json_option
def account_limits(
    account_id: UUID, clear: tuple[str, ...], as_json: bool, **given: int | None
) -> None:
    """Show what all sites of the account ACCOUNT_ID together may send, or set it otherwise than the plan."""
    changes = {name: value for name, value in given.items() if value is not None}
    with relay().sessions.begin() as session:
        if changes or clear:
            found = limits.set_for_account(session, account_id, changes, cleared=_cleared(clear))
        else:
            found = find_account(session, account_id)
        row = _account_row(found)
    show_one(row, as_json=as_json, title="Limits of the account")


@site.command("limits")
@click.argument("site_id", type=SITE_ID)
@limit_options
@click.option(
    "--declared-daily",
    type=click.IntRange(0, MOST["day"]),
    help="People a day to whom it is expected to send transactional mail; clean days let it grow.",
)
@click.option(
    "--close-breaker",
    "source",
    metavar="PLUGIN[/FORM]",
    help="Let a source send again whose breaker is open, as when its form was mended.",
)
@json_option
def site_limits(
    site_id: UUID,
    clear: tuple[str, ...],
    declared_daily: int | None,
    source: str | None,
    as_json: bool,
    **given: int | None,
) -> None:
    """Show what the site SITE_ID may send and has sent, or set it otherwise than its account's plan."""
    context = relay()
    changes = {name: value for name, value in given.items() if value is not None}
    with context.sessions.begin() as session:
        now = context.clock()
        if changes or clear or declared_daily is not None:
            limits.set_for_site(
                session, site_id, changes, cleared=_cleared(clear), declared_daily=declared_daily
            )
        if source is not None:
            limits.close_breaker(session, site_id, source, now=now)
        found = limits.of_site(session, site_id, now=now)
    if as_json:
        show_one(_as_json(site_id, found), as_json=True, title="")
        return
    _print(site_id, found)


def _cleared(clear: tuple[str, ...]) -> frozenset[str]:
    return frozenset(NAMES if "all" in clear else clear)


def _account_row(found: Account) -> Row:
    return {
        "id": found.id,
        "name": found.name,
        "plan": found.plan,
        **plans.by_name(plans.limits_of(found.plan, found.limits)),
        "set_by_hand": sorted(found.limits or ()),
    }


def _meters(found: SiteLimits) -> list[Row]:
    return [
        {
            "limit": meter.limit.value,
            "allowed": meter.allowed,
            "used": meter.used,
            "left": meter.left,
            "begins_anew_in_seconds": meter.resets,
        }
        for meter in found.meters
    ]


def _sources(found: SiteLimits) -> list[Row]:
    return [
        {
            "source": each.source,
            "allowed_an_hour": each.allowed,
            "used": each.used,
            "breaker_open_until": each.open_until,
        }
        for each in found.sources
    ]


def _as_json(site_id: UUID, found: SiteLimits) -> Row:
    return {
        "id": site_id,
        "plan": found.plan,
        **plans.by_name(found.limits),
        "declared_daily": found.declared_daily,
        "overrides": dict(found.overrides),
        "now": _meters(found),
        "sources": [
            row | {"breaker_open_until": until and until.isoformat()}
            for row in _sources(found)
            for until in [row["breaker_open_until"]]
        ],
    }


def _print(site_id: UUID, found: SiteLimits) -> None:
    row: Row = {"id": site_id, "plan": found.plan}
    for name, value in plans.by_name(found.limits).items():
        whose = found.overrides.get(name)
        row[name] = f"{value:,}" + (f"  (set for the {whose})" if whose else "")
    row["declared daily"] = f"{found.declared_daily:,}"
    show_one(row, as_json=False, title="Limits of the site")
    click.echo()
    show(_meters(found), as_json=False, title="Transactional mail now", empty="")
    show(
        _sources(found),
        as_json=False,
        title="Sources in this hour",
        empty="No plugin or form has sent in this hour.",
    )


COMMANDS = (account, site)
"""The groups of accounts.py, complete with the commands of this file."""
