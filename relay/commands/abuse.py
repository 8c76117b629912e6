"""`abuse`: reports of mail that should not have come, for operators."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from relay.addresses import parse
from relay.commands.groups import Group
from relay.commands.output import (
    Row,
    json_option,
    page_options,
    relay,
    show,
    show_one,
    tell_more,
)
from relay.commands.parameters import ACCOUNT_ID, SITE_ID, Id, limit_option
from relay.commands.standing import BY, log_in
from relay.errors import NotFound
from relay.models import AbuseReport
from relay.services import abuse_reports, accounts, arf, links, networks, operators, proofs
from relay.services.abuse_reports import Said
from relay.services.accounts import check_named, find_account, find_site
from relay.services.paging import Place, cut
from relay.vocabulary import AbuseDecision, AbuseReason


@click.group(cls=Group)
def abuse() -> None:
    """Reports of mail that should not have come, and what belongs together."""


@abuse.command("list")
@click.option("--site", "site_id", type=SITE_ID, help="Only about this site.")
@click.option("--open", "undecided", is_flag=True, help="Nobody has decided yet; gravest first.")
@page_options
@json_option
def list_reports(
    site_id: UUID | None, undecided: bool, limit: int, after: Place | None, as_json: bool
) -> None:
    """List reports, newest first."""
    with relay().reads() as session:
        check_named(session, site_id=site_id)
        found = abuse_reports.reports(
            session, site_id=site_id, undecided=undecided, limit=limit + 1, after=after
        )
    shown, cursor = cut(found, limit, abuse_reports.place)
    empty = "No report waits for a decision." if undecided else "Nobody has reported a mail."
    show([_row(each) for each in shown], as_json=as_json, title="Reports", empty=empty)
    tell_more(cursor)


@abuse.command("show")
@click.argument("report_id", type=Id("abuse list"))
@json_option
def show_report(report_id: UUID, as_json: bool) -> None:
    """Show one report: what it says, about which mail, and what proves the person's consent."""
    context = relay()
    with context.reads() as session:
        found = abuse_reports.find(session, report_id)
        try:
            proof = proofs.proof(
                session,
                context.settings.keyring,
                site_id=found.site_id,
                address=parse(found.address_key),
                now=context.clock(),
            )
        except NotFound:
            proof = None
        row = _row(found) | {
            "account_id": found.account_id,
            "list_id": found.list_id,
            "address": found.address_key,
            "comment": found.comment,
            "evidence": found.evidence,
            "consent": found.consent,
            "mail": abuse_reports.mail_of(session, found),
            "because": found.because,
            "decided_by": found.decided_by,
            "decided_at": found.decided_at,
        }
    if as_json:
        show_one(row | {"proof": proof}, as_json=True, title="")
        return
    show_one(row, as_json=False, title="Report")
    click.echo("\nWhat the consent ledger says:\n")
    for line in _story(proof) or ["  nothing: this person never signed up here"]:
        click.echo(line)
    if found.decision is None:
        click.echo(f"\nTo close it: python -m relay abuse close {report_id} --reason TEXT")


def _story(proof: dict[str, Any] | None) -> list[str]:
    """The steps of a proof, list by list, a line each."""
    return [
        f"  {step['at'][:16].replace('T', ' ')}  {each['key'] or '–'}: {step['title']}"
        for each in (proof or {}).get("lists", ())
        for step in each["steps"]
    ]


@abuse.command("add")
@click.option("--site", "site_id", type=SITE_ID, required=True, help="Whose mail it is about.")
@click.option("--address", required=True, help="Who got it.")
@click.option(
    "--as", "reason", required=True, type=click.Choice([each.value for each in AbuseReason]),
    help="What they say.",
)  # fmt: skip
@click.option("--message", "message_id", type=click.UUID, help="About which message.")
@click.option("--comment", default="", help="In their words.")
@json_option
def add_report(
    site_id: UUID, address: str, reason: str, message_id: UUID | None, comment: str, as_json: bool
) -> None:
    """Write down what somebody told you by mail or telephone.

    `never-signed-up` and `keeps-coming` stop newsletters and notifications of the site to this person.
    """
    context = relay()
    with context.sessions.begin() as session:
        find_site(session, site_id)
        id = abuse_reports.by_operator(
            session,
            context.settings.keyring,
            site_id=site_id,
            address=parse(address),
            message_id=message_id,
            said=Said(AbuseReason(reason), comment, {"by": log_in()}),
            now=context.clock(),
        )
    show_one({"report_id": id}, as_json=as_json, title="Written down")


@abuse.command("close")
@click.argument("report_id", type=Id("abuse list"))
@click.option("--reason", "because", required=True, metavar="TEXT", help="Why; kept with it.")
@click.option("--acted", is_flag=True, help="Something was done about it; else it is dismissed.")
@BY
@json_option
def close_report(report_id: UUID, because: str, acted: bool, operator: str, as_json: bool) -> None:
    """Close a report. What is done to the site is a command of its own (`site warn|limit|suspend`)."""
    context = relay()
    decision = AbuseDecision.ACTED if acted else AbuseDecision.DISMISSED
    with context.sessions.begin() as session:
        abuse_reports.close(
            session,
            report_id,
            decision,
            because=because,
            by=operators.actor(operator),
            now=context.clock(),
        )
    show_one({"report_id": report_id, "decision": decision.value}, as_json=as_json, title="Closed")


@abuse.command("arf")
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False, path_type=Path))
@json_option
def take_arf(file: Path, as_json: bool) -> None:
    """Take in a mailbox provider's feedback report (RFC 5965) from a file, or from `-`."""
    raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    context = relay()
    with context.sessions.begin() as session:
        taken = arf.take(session, raw, keyring=context.settings.keyring, now=context.clock())
    show_one(taken.as_row(), as_json=as_json, title=arf.SENTENCES[taken.result])


@abuse.command("unmatched")
@page_options
@json_option
def list_unmatched(limit: int, after: Place | None, as_json: bool) -> None:
    """List feedback reports of which nobody knows what mail they are about, newest first."""
    with relay().reads() as session:
        found = arf.unmatched(session, limit=limit + 1, after=after)
    shown, cursor = cut(found, limit, arf.place)
    rows = [{"id": each.id, "at": each.at, "type": each.type.value, **each.told} for each in shown]
    show(rows, as_json=as_json, title="Unmatched feedback", empty="Every report has its mail.")
    tell_more(cursor)


@abuse.command("links")
@click.argument("account_id", type=ACCOUNT_ID)
@limit_option("So many, the latest first.")
@json_option
def list_links(account_id: UUID, limit: int, as_json: bool) -> None:
    """List where the mail of an account leads, as far as it was read, and who else links there."""
    with relay().reads() as session:
        find_account(session, account_id)
        rows = [
            {
                "host": each.host,
                "mails": each.mails,
                "first_seen_at": each.first_seen_at,
                "last_seen_at": each.last_seen_at,
                "others": [f"{id} {name}" for id, name in each.others],
            }
            for each in links.link_domains(session, account_id, limit=limit)
        ]
    show(rows, as_json=as_json, title="Links", empty="No link of its mail leads elsewhere.")


@abuse.command("networks")
@click.argument("prefix")
@json_option
def list_networks(prefix: str, as_json: bool) -> None:
    """List the networks from which mail was handed in with the key PREFIX."""
    with relay().reads() as session:
        rows = [
            {
                "network": each.network,
                "first_seen_at": each.first_seen_at,
                "last_seen_at": each.last_seen_at,
            }
            for each in networks.of_key(session, accounts.find_key(session, prefix).id)
        ]
    show(rows, as_json=as_json, title="Networks", empty="No mail was handed in with this key yet.")


def _row(found: AbuseReport) -> Row:
    return {
        "id": found.id,
        "at": found.at,
        "severity": found.severity.value,
        "reason": found.reason.value,
        "origin": found.origin.value,
        "site_id": found.site_id,
        "message_id": found.message_id,
        "decision": found.decision.value if found.decision else None,
    }


COMMANDS = (abuse,)
