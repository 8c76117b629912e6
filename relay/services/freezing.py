"""Freezing what was accepted before a site was limited, suspended or terminated.

Nothing of it is lost. The gate in `delivery.start` keeps it from leaving at once; this duty takes it
out of the queue, a portion at a time, into one review for each site and lane, from which an operator
lets it drip out again after reinstating. What a terminated site has queued ends, explained.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from relay.models import Account, Message, Recipient, Review, Site
from relay.policy.standing import Stand, freezes, held_by
from relay.services import delivery, reviews
from relay.services.letters import HOUSE_SITE
from relay.vocabulary import EventType, Lane, ReviewKind, Stage, State

STOPPING = (State.LIMITED, State.SUSPENDED, State.TERMINATED)

LATELY = timedelta(minutes=10)
"""Sites whose state changed in this time are looked at every second, all of them every minute."""

MOST = 1_000
"""Copies moved in one turn, so that no lock is held long."""

WAITING = (Stage.QUEUED, Stage.CHECKING, Stage.WAITING)
"""Stages in which a copy has not begun to leave."""

TERMINATED = "The account or site was terminated before this mail could leave"


def freeze(session: Session, *, now: datetime, lately: bool = True) -> int:
    """Hold a portion of the copies that may not leave; end those of terminated sites.

    Returns how many were moved. With `lately`, only of sites whose state changed just now.
    """
    moved = 0
    for row in _stopped(session, now, lately):
        stand = held_by(Stand(row.account_state, row.account_cause), Stand(row.state, row.cause))
        lanes = [lane for lane in Lane if freezes(lane, stand) is not None]
        if stand.state is State.TERMINATED:
            ids = _copies(session, row.id, list(Lane), (*WAITING, Stage.HELD))
            delivery.finish(
                session, ids, EventType.FAILED, TERMINATED, code="account-terminated", now=now
            )
            moved += len(ids)
            continue
        for lane in lanes:
            kind = freezes(lane, stand)
            ids = _copies(session, row.id, [lane], WAITING)
            ids = [*ids, *_unassigned(session, row.id, lane)]
            if ids and kind is not None:
                _hold(session, row.id, lane, kind, ids, now)
                moved += len(ids)
    return moved


def _stopped(session: Session, now: datetime, lately: bool) -> Sequence[Any]:
    query = (
        select(
            Site.id,
            Site.state,
            Site.cause,
            Account.state.label("account_state"),
            Account.cause.label("account_cause"),
        )
        .join(Account, Account.id == Site.account_id)
        .where(or_(Site.state.in_(STOPPING), Account.state.in_(STOPPING)), Site.id != HOUSE_SITE)
    )
    if lately:
        since = now - LATELY
        query = query.where(or_(Site.state_since > since, Account.state_since > since))
    return session.execute(query).all()


def _copies(
    session: Session, site_id: UUID, lanes: Sequence[Lane], stages: Sequence[Stage]
) -> list[UUID]:
    return list(
        session.scalars(
            select(Recipient.id)
            .where(
                Recipient.site_id == site_id,
                Recipient.lane_rank.in_([lane.rank for lane in lanes]),
                Recipient.stage.in_(stages),
            )
            .limit(MOST)
            .with_for_update(skip_locked=True)
        )
    )


def _unassigned(session: Session, site_id: UUID, lane: Lane) -> list[UUID]:
    """What acceptance has held, and nobody has put into a review yet."""
    return list(
        session.scalars(
            select(Recipient.id)
            .where(
                and_(Recipient.stage == Stage.HELD, Recipient.review_id.is_(None)),
                Recipient.site_id == site_id,
                Recipient.lane_rank == lane.rank,
            )
            .limit(MOST)
            .with_for_update(skip_locked=True)
        )
    )


def _hold(
    session: Session, site_id: UUID, lane: Lane, kind: ReviewKind, ids: list[UUID], now: datetime
) -> None:
    review = session.scalar(
        select(Review).where(
            Review.site_id == site_id,
            Review.kind == kind,
            Review.lane == lane,
            Review.decision.is_(None),
        )
    )
    if review is None:
        message = session.scalars(
            select(Message)
            .join(Recipient, Recipient.message_id == Message.id)
            .where(Recipient.id == ids[0])
        ).one()
        review = reviews.open_review(session, message, kind, people=0, lane=lane, now=now)
    review.people += len(ids)
    reviews.hold(session, review, ids)
    session.flush()
