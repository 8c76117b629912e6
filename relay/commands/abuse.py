"""`abuse`: what people reported, for operators."""

from __future__ import annotations

from uuid import UUID

import click

from relay.commands.output import Row, json_option, relay, show, show_one
from relay.models import AbuseReport
from relay.services import abuse_reports


@click.group()
def abuse() -> None:
    """Reports of people who got a mail that should not have come."""


@abuse.command("list")
@click.option("--site", "site_id", type=click.UUID, help="Only about this site.")
@click.option("--limit", default=100, show_default=True, help="So many, newest first.")
@json_option
def list_reports(site_id: UUID | None, limit: int, as_json: bool) -> None:
    """List reports, newest first."""
    with relay().reads() as session:
        rows = [_row(each) for each in abuse_reports.reports(session, site_id=site_id, limit=limit)]
    show(rows, as_json=as_json, title="Reports", empty="Nobody has reported a mail.")


@abuse.command("show")
@click.argument("report_id", type=click.UUID)
@json_option
def show_report(report_id: UUID, as_json: bool) -> None:
    """Show one report with all that is known about it."""
    with relay().reads() as session:
        found = abuse_reports.find(session, report_id)
    row = _row(found) | {
        "account_id": found.account_id,
        "list_id": found.list_id,
        "address": found.address_key,
        "comment": found.comment,
        "evidence": found.evidence,
    }
    show_one(row, as_json=as_json, title="Report")


def _row(found: AbuseReport) -> Row:
    return {
        "id": found.id,
        "at": found.at,
        "reason": found.reason.value,
        "site_id": found.site_id,
        "message_id": found.message_id,
    }


COMMANDS = (abuse,)
