"""`appeals`: what owners say against what was done to them, and the operator's answer."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import click

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
from relay.commands.parameters import ACCOUNT_ID, Id
from relay.commands.standing import BY
from relay.services import appeal_answers, operators, reviews
from relay.services import appeals as cases
from relay.services.accounts import check_named
from relay.services.appeal_answers import Answer
from relay.services.appeals import Case
from relay.services.paging import Place, cut
from relay.vocabulary import AppealDecision

REASON = click.option(
    "--reason", required=True, metavar="TEXT", help="Why; kept, and told to the owner."
)


@click.group(cls=Group)
def appeals() -> None:
    """What owners say against what was done to their account or site."""


@appeals.command("list")
@click.option("--account", "account_id", type=ACCOUNT_ID, help="Only of this account.")
@click.option("--decided", is_flag=True, help="Those that were answered, newest first.")
@page_options
@json_option
def list_appeals(
    account_id: UUID | None, decided: bool, limit: int, after: Place | None, as_json: bool
) -> None:
    """List open appeals, the most urgent first."""
    with relay().reads() as session:
        check_named(session, account_id=account_id)
        found = cases.cases(
            session, account_id=account_id, decided=decided, limit=limit + 1, after=after
        )
    shown, cursor = cut(found, limit, cases.place)
    empty = "Nothing was answered yet." if decided else "No appeal waits for an answer."
    show([_row(each) for each in shown], as_json=as_json, title="Appeals", empty=empty)
    tell_more(cursor)


@appeals.command("show")
@click.argument("appeal_id", type=Id("appeals list"))
@json_option
def show_appeal(appeal_id: UUID, as_json: bool) -> None:
    """Show an appeal: what the owner says, what it is about, and what is frozen."""
    with relay().reads() as session:
        found = cases.find(session, appeal_id)
        frozen = cases.frozen(session, found.appeal)
    each, action = found.appeal, found.action
    row = _row(found) | {
        "account_id": each.account_id,
        "site_id": each.site_id,
        "action_id": action.id,
        "acted_at": action.at,
        "acted_by": action.actor,
        "cause": action.cause.value if action.cause else None,
        "reason": action.reason,
        "decided_at": each.decided_at,
        "decided_by": each.decided_by,
        "answer": each.answer,
        "frozen": [f"{of.review.id} {of.site}, {of.review.lane}: {of.held} held" for of in frozen],
    }
    if as_json:
        show_one(row | {"text": each.text}, as_json=True, title="")
        return
    show_one(row, as_json=False, title="Appeal")
    click.echo("\nWhat the owner says:\n")
    click.echo("\n".join(f"  │ {line}" for line in _printable(each.text)))
    if each.decision is None:
        click.echo(
            f"\nTo let it send again: python -m relay appeals accept {each.id} --reason TEXT"
        )
        click.echo(f"To leave it so:       python -m relay appeals decline {each.id} --reason TEXT")


@appeals.command("accept")
@click.argument("appeal_id", type=Id("appeals list"))
@REASON
@click.option(
    "--release",
    "release",
    multiple=True,
    type=click.UUID,
    metavar="REVIEW",
    help="Frozen mail that leaves, as a drip (appeals show lists it); more than once.",
)
@click.option(
    "--per-minute",
    "drip",
    default=reviews.DRIP,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="How fast it leaves.",
)
@BY
@json_option
def accept(
    appeal_id: UUID,
    reason: str,
    release: Sequence[UUID],
    drip: int,
    operator: str,
    as_json: bool,
) -> None:
    """Let the account or site of APPEAL_ID send again, and tell its owner."""
    by = operators.actor(operator)
    _decide(appeal_id, Answer(AppealDecision.ACCEPTED, by, reason, release, drip), as_json)


@appeals.command("decline")
@click.argument("appeal_id", type=Id("appeals list"))
@REASON
@BY
@json_option
def decline(appeal_id: UUID, reason: str, operator: str, as_json: bool) -> None:
    """Leave everything as it is, and tell the owner why."""
    by = operators.actor(operator)
    _decide(appeal_id, Answer(AppealDecision.DECLINED, by, reason), as_json)


def _decide(appeal_id: UUID, answer: Answer, as_json: bool) -> None:
    context = relay()
    with context.sessions.begin() as session:
        appeal_answers.decide(
            session,
            appeal_id,
            answer,
            sender=context.settings.house_sender,
            now=context.clock(),
        )
        found = cases.find(session, appeal_id)
    banned = found.action.evidence.get("domains", {}).get("banned", [])
    still = banned and answer.decision is AppealDecision.ACCEPTED
    show_one(
        _row(found),
        as_json=as_json,
        title="Done; the owner is told",
        hint=f"Still banned (undo: domain unban NAME): {', '.join(banned)}" if still else "",
    )


def _row(found: Case) -> Row:
    each = found.appeal
    return {
        "id": each.id,
        "at": each.at,
        "answer_by": each.answer_by,
        "account": found.account,
        "site": found.site,
        "against": found.action.verb.value,
        **({"decision": each.decision.value} if each.decision else {}),
    }


def _printable(text: str) -> list[str]:
    """The lines of the text, without what would make a terminal do something."""
    return [
        "".join(sign if sign.isprintable() else " " for sign in line) for line in text.splitlines()
    ]


COMMANDS = (appeals,)
