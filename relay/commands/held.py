"""`held`: mail that waits for an operator's decision."""

from __future__ import annotations

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
from relay.commands.parameters import SITE_ID, Id
from relay.commands.standing import BY
from relay.services import operators, reviews
from relay.services.accounts import check_named
from relay.services.paging import Place, cut
from relay.services.reviews import Waiting
from relay.vocabulary import Decision

REASON = click.option(
    "--reason", "because", required=True, metavar="TEXT", help="Why; it is kept with the review."
)


@click.group(cls=Group)
def held() -> None:
    """Mail that waits for an operator's decision."""


@held.command("list")
@click.option("--site", "site_id", type=SITE_ID, help="Only of this site.")
@click.option("--decided", is_flag=True, help="What was decided, newest first.")
@page_options
@json_option
def list_held(
    site_id: UUID | None, decided: bool, limit: int, after: Place | None, as_json: bool
) -> None:
    """List what waits, oldest first."""
    with relay().reads() as session:
        check_named(session, site_id=site_id)
        found = reviews.waiting(
            session, site_id=site_id, decided=decided, limit=limit + 1, after=after
        )
    shown, cursor = cut(found, limit, reviews.place)
    empty = "Nothing was decided yet." if decided else "No mail waits for a decision."
    show([_row(each) for each in shown], as_json=as_json, title="Held mail", empty=empty)
    tell_more(cursor)


@held.command("show")
@click.argument("review_id", type=Id("held list"))
@json_option
def show_held(review_id: UUID, as_json: bool) -> None:
    """Show one review: whose mail it is, what it says, and to how many people.

    The text is the first mail's, without its pictures and with its links written out: nothing in it is
    loaded or followed.
    """
    with relay().reads() as session:
        found = reviews.find(session, review_id)
        row = _row(found) | {
            "account_id": found.review.account_id,
            "site_id": found.review.site_id,
            "message_id": found.review.message_id,
            "because": found.review.because,
            "decided_by": found.review.decided_by,
            "counts_until": found.review.until,
            "evidence": found.review.evidence,
            "links": list(reviews.links_of(session, found.review)),
        }
        text = reviews.text_of(session, found.review)
    if as_json:
        show_one(row | {"text": text}, as_json=True, title="")
        return
    show_one(row, as_json=False, title=found.review.kind.value)
    click.echo("\nWhat it says:\n")
    click.echo(
        "\n".join(f"  │ {line}" for line in text.splitlines()) or "  (nothing is kept of it)"
    )
    if found.review.decision is None:
        click.echo(f"\nTo let it out: python -m relay held release {review_id} --reason TEXT")
        click.echo(f"To end it:     python -m relay held reject {review_id} --reason TEXT")


@held.command("release")
@click.argument("review_id", type=Id("held list"))
@REASON
@click.option(
    "--per-minute",
    "drip",
    default=reviews.DRIP,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="How fast mail leaves that was frozen with its site.",
)
@BY
@json_option
def release(review_id: UUID, because: str, drip: int, operator: str, as_json: bool) -> None:
    """Let held mail out: at once, or as a drip where a whole site was frozen.

    Mail that says the same as a released campaign is let out for 30 days.
    """
    _decide(review_id, Decision.RELEASED, because, operator, as_json, drip=drip)


@held.command("reject")
@click.argument("review_id", type=Id("held list"))
@REASON
@BY
@json_option
def reject(review_id: UUID, because: str, operator: str, as_json: bool) -> None:
    """End held mail as failed; mail that says the same ends alike for 30 days."""
    _decide(review_id, Decision.REJECTED, because, operator, as_json)


def _decide(
    review_id: UUID,
    decision: Decision,
    because: str,
    operator: str,
    as_json: bool,
    *,
    drip: int = reviews.DRIP,
) -> None:
    context = relay()
    with context.sessions.begin() as session:
        reviews.decide(
            session,
            review_id,
            decision,
            because=because,
            drip=drip,
            by=operators.actor(operator),
            now=context.clock(),
        )
        moved = moving = reviews.carry_out(session, now=context.clock())
    while moving:
        with context.sessions.begin() as session:
            moving = reviews.carry_out(session, now=context.clock())
        moved += moving
    show_one(
        {"review_id": review_id, "decision": decision.value, "copies": moved},
        as_json=as_json,
        title="Released; it leaves now" if decision is Decision.RELEASED else "Rejected",
    )


def _row(found: Waiting) -> Row:
    review = found.review
    return {
        "id": review.id,
        "since": review.opened_at,
        "kind": review.kind.value,
        "lane": review.lane.value if review.lane else None,
        "account": found.account,
        "site": found.site,
        "subject": review.subject,
        "people": review.people,
        "held": found.held,
        **({"decision": review.decision.value} if review.decision else {}),
    }


COMMANDS = (held,)
