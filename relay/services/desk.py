"""What waits for operators, and the letter that tells them when something new does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import case, exists, func, select, update
from sqlalchemy.orm import Session

from relay import languages
from relay.addresses import parse as parse_address
from relay.context import Relay
from relay.db import constant, upsert
from relay.models import AbuseReport, Account, Appeal, Counter, Domain, Recipient, Review
from relay.policy.desk import told_until
from relay.services import letters
from relay.services.letter_texts import pair
from relay.services.letters import HOUSE_ACCOUNT
from relay.vocabulary import Stage, State

COUNTER = "operators told"
"""The counter that says up to when operators were told: seconds since 1970. Its row is the lock."""


@dataclass(frozen=True, slots=True)
class Pile:
    """Cases of one kind that wait for an operator, and the command that lists them.

    `new` of them came after the last letter; `since` is when the oldest came. `answer_by` is the first
    time by which an owner was promised an answer.
    """

    title: str
    command: str
    many: int
    new: int
    since: datetime
    answer_by: datetime | None = None


def piles(session: Session, *, told: datetime, until: datetime) -> Sequence[Pile]:
    """What waits, of what had come by `until`; of that, what came after `told` is new. No empty ones."""
    return [
        pile for read in (_held, _appeals, _reports, _accounts, _domains)
        if (pile := read(session, told, until)).many
    ]  # fmt: skip


def tell_operators(relay: Relay, session: Session, *, now: datetime) -> int:
    """Write to the operators whom the settings name, if something new waits; returns how many letters.

    In English, as all that operators work with. One worker does it at a time. While nobody is named,
    nothing counts as told.
    """
    settings = relay.settings
    if not settings.operator_emails or (told := _told(session)) is None:
        return 0
    until = told_until(told, now)
    if until is None:
        return 0
    waiting = piles(session, told=told, until=until)
    new = sum(pile.new for pile in waiting)
    if not new:
        return 0
    letter = pair(
        "desk",
        {
            "piles": waiting,
            "relay": settings.public_url,
            "api": f"{settings.public_url.rstrip('/')}/v1/operator/",
        },
        subject=f"{new} new {'case waits' if new == 1 else 'cases wait'} for an operator",
        language=languages.ENGLISH,
    )
    for address in settings.operator_emails:
        letters.from_house(
            session, parse_address(address), letter, sender=settings.house_sender, now=now
        )
    session.execute(
        update(Counter)
        .where(Counter.name == COUNTER)
        .values(value=int(until.timestamp()))
        .execution_options(synchronize_session=False)
    )
    return len(settings.operator_emails)


def _told(session: Session) -> datetime | None:
    """Up to when operators were told; None while another worker is about it."""
    session.execute(upsert(session, Counter).values(name=COUNTER, value=0).on_conflict_do_nothing())
    value = session.execute(
        select(Counter.value).where(Counter.name == COUNTER).with_for_update(skip_locked=True)
    ).scalar_one_or_none()
    return None if value is None else datetime.fromtimestamp(value, UTC)


def _held(session: Session, told: datetime, until: datetime) -> Pile:
    held = exists().where(
        Recipient.review_id == Review.id, Recipient.stage == constant(Recipient.stage, Stage.HELD)
    )
    found = _count(session, Review.opened_at, told, until, Review.decision.is_(None), held)
    return Pile("Held mail", "held list", *found)


def _appeals(session: Session, told: datetime, until: datetime) -> Pile:
    found = _count(
        session, Appeal.at, told, until, Appeal.decision.is_(None), more=func.min(Appeal.answer_by)
    )
    return Pile("Appeals", "appeals list", *found)


def _reports(session: Session, told: datetime, until: datetime) -> Pile:
    found = _count(session, AbuseReport.at, told, until, AbuseReport.decision.is_(None))
    return Pile("Reports of abuse", "abuse list --open", *found)


def _accounts(session: Session, told: datetime, until: datetime) -> Pile:
    found = _count(
        session, Account.created_at, told, until,
        Account.state == State.PENDING, Account.id != HOUSE_ACCOUNT,
    )  # fmt: skip
    return Pile("Accounts to approve", "account list --state pending", *found)


def _domains(session: Session, told: datetime, until: datetime) -> Pile:
    """Sending domains on a block list; when they came is in the review itself."""
    reviews = session.scalars(select(Domain.review).where(Domain.review.is_not(None))).all()
    times = [datetime.fromisoformat(each["since"]) for each in reviews if each]
    came = [at for at in times if at <= until]
    new = sum(at > told for at in came)
    return Pile(
        "Sending domains to look at",
        "domain list --review",
        len(came),
        new,
        min(came, default=until),
    )


def _count(
    session: Session, at: Any, told: datetime, until: datetime, *waits: Any, more: Any = None
) -> Sequence[Any]:
    """How many, how many of them new, since when; and what more is asked."""
    new = func.coalesce(func.sum(case((at > told, 1), else_=0)), 0)
    asked = [func.count(), new, func.min(at)] + ([more] if more is not None else [])
    return session.execute(select(*asked).where(at <= until, *waits)).one()
