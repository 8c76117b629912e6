"""`notice`: what Amazon SNS told us, and what became of it."""

from __future__ import annotations

import click

from relay.commands.groups import Group
from relay.commands.output import json_option, relay, show
from relay.commands.parameters import limit_option
from relay.services import notices
from relay.vocabulary import NoticeState

STRANGE = (NoticeState.UNMATCHED.value, NoticeState.ORPHANED.value)
"""States of notices that match no mail of this relay."""


@click.group(cls=Group)
def notice() -> None:
    """Notices from Amazon SNS."""


@notice.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in NoticeState]),
    default=STRANGE,
    show_default=True,
    help="Which ones; may be given more than once.",
)
@limit_option(default=50)
@json_option
def list_notices(states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List notices, newest first: by default those that match no mail of this relay.

    An unmatched notice is looked at again for about a day and a half; then it is orphaned, which
    means: kept to be seen here, not tried again.
    """
    with relay().reads() as session:
        found = notices.listed(session, [NoticeState(state) for state in states], limit=limit)
    rows = [
        {
            "received_at": each.received_at,
            "state": each.state.value,
            "explanation": each.explanation,
            "tries": each.tries,
            "notice": each.notice_id,
        }
        for each in found
    ]
    empty = "No such notices."
    if sorted(states) == sorted(STRANGE):
        empty += " All is taken in."
    show(rows, as_json=as_json, title="Notices", empty=empty)


COMMANDS = (notice,)
