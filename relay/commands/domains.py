"""`domain`: claims, their records, and what operators decide about names."""

from __future__ import annotations

import sys
import time
from uuid import UUID

import click

from relay.commands.finding import shown_by
from relay.commands.groups import Group
from relay.commands.output import Row, console, json_option, relay, show, show_one
from relay.commands.parameters import ACCOUNT_ID
from relay.context import Relay
from relay.models import Domain
from relay.services import domain_looks, domain_rules, domain_views, domains
from relay.services.accounts import check_named, find_account
from relay.services.domain_views import DomainView
from relay.vocabulary import DomainStatus

WATCH_EVERY = 10.0
"""Seconds between looks of `domain check --watch`."""

LISTED = "domain list"
"""The command that shows which domains there are."""

MARKS = {"pass": "✓", "fail": "✗", "unknown": "?"}

ACCOUNT = click.option(
    "--account", "account_id", required=True, type=ACCOUNT_ID, help="Whose domain it is."
)
REASON = click.option("--reason", required=True, help="Why; it is kept and shown.")


@click.group(cls=Group)
def domain() -> None:
    """Sending domains of an account."""


@domain.command("add")
@click.argument("name")
@ACCOUNT
@click.option("--verified", is_flag=True, help="Take your word for it that the account owns it.")
@click.option(
    "--mail-from",
    default=domains.MAIL_FROM_LABEL,
    show_default=True,
    metavar="LABEL",
    help="First label of the MAIL FROM domain.",
)
@json_option
def add_domain(name: str, account_id: UUID, verified: bool, mail_from: str, as_json: bool) -> None:
    """Add the domain NAME to an account, and show which records to publish."""
    context = relay()
    with context.sessions.begin() as session:
        find_account(session, account_id)
        made = domains.claim(
            session, account_id, name, region=context.settings.aws_region, mail_from=mail_from,
            vouched=verified, now=context.clock(),
        )  # fmt: skip
    domain_looks.provision(context, made.name)
    with context.sessions.begin() as session:
        domains.refresh(session, made.id, region=context.settings.aws_region)
    _show(_view(context, account_id, made.name), as_json=as_json)


@domain.command("list")
@click.option("--account", "account_id", type=ACCOUNT_ID, help="Only this account's.")
@click.option("--status", type=click.Choice([status.value for status in DomainStatus]))
@click.option("--review", is_flag=True, help="Only those that wait for an operator.")
@json_option
def list_domains(account_id: UUID | None, status: str | None, review: bool, as_json: bool) -> None:
    """List sending domains."""
    with relay().reads() as session:
        check_named(session, account_id=account_id)
        found = (
            domain_looks.in_review(session)
            if review
            else domain_looks.listed_domains(
                session,
                account_id=account_id,
                status=DomainStatus(status) if status else None,
            )
        )
        rows: list[Row] = [
            {
                "name": each.name,
                "status": each.status.value,
                "verified_at": each.verified_at,
                "checked_at": each.checked_at,
                "account": each.account_id,
                **({"review": (each.review or {}).get("code")} if review else {}),
            }
            for each in found
        ]
    empty = "Nothing waits for an operator." if review else "No domains yet; try: domain add --help"
    show(rows, as_json=as_json, title="Domains", empty=empty)


@domain.command("show")
@click.argument("name")
@ACCOUNT
@json_option
def show_domain(name: str, account_id: UUID, as_json: bool) -> None:
    """Show the domain NAME as it was last seen."""
    _show(_view(relay(), account_id, name), as_json=as_json)


@domain.command("check")
@click.argument("name")
@ACCOUNT
@click.option("--watch", is_flag=True, help="Go on until it is verified, or Ctrl-C.")
@json_option
def check_domain(name: str, account_id: UUID, watch: bool, as_json: bool) -> None:
    """Look at the DNS of the domain NAME now.

    Exit codes: 0 mail may leave from it, 3 not (yet).
    """
    context = relay()
    while True:
        with context.reads() as session, shown_by(LISTED):
            found = domains.find(session, account_id, name)
        domain_looks.look(context, found.id, by_hand=True)
        seen = _view(context, account_id, name)
        if not watch or seen.domain.status is DomainStatus.VERIFIED:
            break
        missing = ", ".join(record["key"] for record in seen.open) or "Amazon SES"
        click.echo(f"{seen.domain.status.value}; waiting for: {missing}", err=True)
        time.sleep(WATCH_EVERY)
    _show(seen, as_json=as_json)
    sys.exit(0 if seen.usable else 3)


@domain.command("remove")
@click.argument("name")
@ACCOUNT
@json_option
def remove_domain(name: str, account_id: UUID, as_json: bool) -> None:
    """Give the domain NAME up; nothing can be sent from it any more."""
    context = relay()
    with context.sessions.begin() as session, shown_by(LISTED):
        domains.remove(session, account_id, name, now=context.clock())
    show_one({"name": name, "account": account_id}, as_json=as_json, title="Domain removed")


@domain.command("consent")
@click.argument("name")
@ACCOUNT
@click.option("--to", "other", required=True, type=ACCOUNT_ID, help="The account that may.")
@click.option("--withdraw", is_flag=True, help="Agree no more.")
@json_option
def consent(name: str, account_id: UUID, other: UUID, withdraw: bool, as_json: bool) -> None:
    """Let another account claim names under the domain NAME."""
    context = relay()
    with context.sessions.begin() as session, shown_by(LISTED):
        find_account(session, other)
        if withdraw:
            domains.withdraw_consent(session, account_id, name, other)
        else:
            domains.consent(session, account_id, name, other, now=context.clock())
    _show(_view(context, account_id, name), as_json=as_json)


@domain.command("approve")
@click.argument("name")
@ACCOUNT
@REASON
@json_option
def approve(name: str, account_id: UUID, reason: str, as_json: bool) -> None:
    """End the review of the domain NAME in its favour."""
    context = relay()
    with context.sessions.begin() as session, shown_by(LISTED):
        domain_rules.approve(session, account_id, name, reason=reason, now=context.clock())
    _show(_view(context, account_id, name), as_json=as_json)


@domain.command("allow")
@click.argument("name")
@click.option("--account", "account_id", type=ACCOUNT_ID, help="Only for this account.")
@REASON
@json_option
def allow(name: str, account_id: UUID | None, reason: str, as_json: bool) -> None:
    """Let NAME be claimed although it looks like a brand."""
    context = relay()
    with context.sessions.begin() as session:
        check_named(session, account_id=account_id)
        rule = domain_rules.allow(
            session, name, account_id=account_id, reason=reason, now=context.clock()
        )
    show_one(
        {"name": rule.name, "rule": rule.kind.value, "reason": rule.reason},
        as_json=as_json,
        title="Allowed; it can be added now",
    )


@domain.command("ban")
@click.argument("name")
@REASON
@json_option
def ban(name: str, reason: str, as_json: bool) -> None:
    """Close NAME and all names under it, for everybody."""
    context = relay()
    with context.sessions.begin() as session:
        stopped = domain_rules.ban(session, name, reason=reason, now=context.clock())
    show_one(
        {"name": domains.canonical(name), "claims_closed": stopped},
        as_json=as_json,
        title="Banned",
        hint=f"To undo it: python -m relay domain unban {name}",
    )


@domain.command("unban")
@click.argument("name")
@json_option
def unban(name: str, as_json: bool) -> None:
    """Drop every rule for exactly NAME; claims that a ban closed wait for their proof again."""
    context = relay()
    with context.sessions.begin() as session:
        dropped = domain_rules.lift(session, name, now=context.clock())
    show_one(
        {"name": domains.canonical(name), "rules_dropped": dropped},
        as_json=as_json,
        title="Rules dropped",
    )


@domain.command("rules")
@json_option
def rules(as_json: bool) -> None:
    """List what operators have decided about names."""
    with relay().reads() as session:
        rows: list[Row] = [
            {
                "name": rule.name,
                "rule": rule.kind.value,
                "account": rule.account_id,
                "reason": rule.reason,
                "since": rule.created_at,
            }
            for rule in domain_rules.list_rules(session)
        ]
    show(rows, as_json=as_json, title="Rules", empty="No rules yet; try: domain ban --help")


def _view(context: Relay, account_id: UUID, name: str) -> DomainView:
    with context.reads() as session, shown_by(LISTED):
        found: Domain = domains.find(session, account_id, name)
        return domain_views.view(session, found, public_url=context.settings.public_url)


def _show(found: DomainView, *, as_json: bool) -> None:
    each = found.domain
    row: Row = {
        "id": each.id,
        "name": each.name,
        "status": each.status.value,
        "summary": found.summary,
        "checked_at": each.checked_at,
        "next_check_at": each.due_at,
        "share_url": found.share_url,
    }
    if as_json:
        details = {"records": found.records, "advice": found.advice}
        show_one(row | details, as_json=True, title="")
        return
    show_one(row, as_json=False, title=f"Sending domain {found.unicode_name}")
    if each.status is DomainStatus.SUSPENDED:  # nothing anybody publishes will open it
        return
    for heading, required in (("Required", True), ("Advised", False)):
        lines = [record for record in found.records if record["required"] is required]
        if lines:
            click.secho(f"\n{heading}", bold=True)
        for record in lines:
            _show_record(record)
    for advice in found.advice:
        console().print(f"\n{advice['title']}: {advice['detail']}", markup=False, highlight=False)


def _show_record(record: Row) -> None:
    colour = {"pass": "green", "fail": "red"}.get(record["result"], "yellow")
    click.secho(f"  {MARKS[record['result']]} ", fg=colour, nl=False)
    click.echo(f"{record['type']:<6}{record['name']}")
    if record["value"]:
        click.echo(f"           {record['value']}")
    if record["result"] != "pass":
        for value in record["found"]:
            click.echo(f"    there:  {value}")
        if record["fix"]:
            click.echo(f"    to do:  {record['fix']}")


COMMANDS = (domain,)
