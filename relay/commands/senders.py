"""`sender`: what would become of a mail with this From."""

from __future__ import annotations

import sys
from uuid import UUID

import click

from relay.commands.groups import Group
from relay.commands.output import Row, json_option, relay, show_one
from relay.commands.parameters import SITE_ID
from relay.services import rehearsals
from relay.services.accounts import find_site
from relay.services.rehearsals import Verdict
from relay.settings import Settings


@click.group(cls=Group)
def sender() -> None:
    """Who may be named in From, and under which name."""


@sender.command("check")
@click.argument("from_line", metavar="'NAME <ADDRESS>'")
@click.option("--site", "site_id", required=True, type=SITE_ID, help="Whose mail it would be.")
@json_option
def check(from_line: str, site_id: UUID, as_json: bool) -> None:
    """Judge a From line as a mail of the site would be judged; nothing is stored or sent.

    The exit code is 1 when such a mail would be refused.
    """
    context = relay()
    with context.sessions() as session:
        find_site(session, site_id)
        found = rehearsals.rehearse(
            session,
            site_id,
            from_line,
            keyring=context.settings.keyring,
            now=context.clock(),
        )
        session.rollback()
    refused = found.refusal is not None
    row = _row(found, context.settings)
    if not as_json:
        row["remarks"] = [f"{each['title']} ({each['page']})" for each in row["remarks"]] or None
    show_one(
        {name: value or None for name, value in row.items()} if not as_json else row,
        as_json=as_json,
        title="Such a mail would be refused" if refused else "Such a mail would be taken",
    )
    if refused:
        sys.exit(1)


def _row(found: Verdict, settings: Settings) -> Row:
    refusal = found.refusal
    remarks_base = f"{settings.public_url.rstrip('/')}/remarks/"
    row: Row = {
        "verdict": "refused" if refusal else "taken",
        "code": refusal.slug if refusal else None,
        "detail": refusal.detail if refusal else None,
        "page": f"{settings.problem_base}{refusal.slug}" if refusal else None,
        "address": found.address,
        "name": found.name,
        "shown_name": None if refusal else found.shown,
    }
    return row | {
        "remarks": [
            {**remark, "page": f"{remarks_base}{remark['code']}"} for remark in found.remarks
        ]
    }


COMMANDS = (sender,)
