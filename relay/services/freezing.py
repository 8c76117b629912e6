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

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from relay.db import constant
from relay.models import Account, Message, Recipient, Review, Site
from relay.policy.standing import freezes, together
from relay.sayings import phrase
from relay.services import delivery, reviews
from relay.services.letters import HOUSE_SITE
from relay.vocabulary import EventType, Lane, ReviewKind, Stage, State

STOPPING = (State.LIMITED, State.SUSPENDED, State.TERMINATED)

LATELY = timedelta(minutes=10)
"""Sites whose state changed in this time are looked at every second, all of them every minute."""

MOST = 1_000
"""Copies moved in one turn, so that no lock is held long."""

RESETS_KEEP = timedelta(hours=1)
"""A password reset that is held longer than this is not let out any more: by then its reader has asked for
another one, or was not the one who asked (design: part 5)."""

WAITING = (Stage.QUEUED, Stage.CHECKING, Stage.WAITING)
"""Stages in which a copy has not begun to leave."""

ENDING = (*WAITING, Stage.HELD)
"""Stages from which a terminated site's copies end."""


def _at(stage: Stage) -> Any:
    return Recipient.stage == constant(Recipient.stage, stage)


_UNASSIGNED = and_(_at(Stage.HELD), Recipient.review_id.is_(None))
"""What acceptance has held, and nobody has put into a review yet."""

TERMINATED = phrase("The account or site was terminated before this mail could leave")


def freeze(session: Session, *, now: datetime, lately: bool = True) -> int:
    """Hold a portion of the copies that may not leave; end those of terminated sites.

    Returns how many were moved. With `lately`, only of sites whose state changed just now.
    """
    moved = 0
    for row in _stopped(session, now, lately):
        stand = together(row.account_state, row.account_cause, row.state, row.cause, row.streams)
        if stand.state is State.TERMINATED:
            found = _copies(session, row.id, list(Lane), [_at(each) for each in ENDING])
            ids = [id for of_lane in found.values() for id in of_lane]
            delivery.finish(
                session, ids, EventType.FAILED, TERMINATED, code="account-terminated", now=now
            )
            moved += len(ids)
            continue
        kinds = {lane: kind for lane in Lane if (kind := freezes(lane, stand)) is not None}
        where = [*(_at(each) for each in WAITING), _UNASSIGNED]
        for lane, ids in _copies(session, row.id, list(kinds), where).items():
            _hold(session, row.id, lane, kinds[lane], ids, now)
            moved += len(ids)
    return moved


def _stopped(session: Session, now: datetime, lately: bool) -> Sequence[Any]:
    query = (
        select(
            Site.id,
            Site.state,
            Site.cause,
            Site.streams,
            Account.state.label("account_state"),
            Account.cause.label("account_cause"),
        )
        .join(Account, Account.id == Site.account_id)
        .where(
            or_(Site.state.in_(STOPPING), Account.state.in_(STOPPING), Site.streams.is_not(None)),
            Site.id != HOUSE_SITE,
        )
    )
    if lately:
        since = now - LATELY
        query = query.where(
            or_(
                Site.state_since > since,
                Account.state_since > since,
                Site.streams_since > since,
            )
        )
    return session.execute(query).all()


def _copies(
    session: Session, site_id: UUID, lanes: Sequence[Lane], where: Sequence[ColumnElement[bool]]
) -> dict[Lane, list[UUID]]:
    """A portion of the site's copies in these lanes, locked, by lane.

    One statement for each place where they may stand: each has a partial index, all together none.
    """
    found: dict[Lane, list[UUID]] = {}
    for place in where:
        rows = session.execute(
            select(Recipient.id, Recipient.lane_rank)
            .where(
                place,
                Recipient.site_id == site_id,
                Recipient.lane_rank.in_([lane.rank for lane in lanes]),
            )
            .limit(MOST)
            .with_for_update(skip_locked=True)
        )
        for row in rows:
            found.setdefault(Lane.of_rank(row.lane_rank), []).append(row.id)
    return found


def _hold(
    session: Session,
    site_id: UUID,
    lane: Lane,
    kind: ReviewKind,
    ids: Sequence[UUID],
    now: datetime,
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
    if lane is Lane.PROTECTED:
        session.execute(
            update(Recipient)
            .where(Recipient.id.in_(ids), Recipient.expires_at > now + RESETS_KEEP)
            .values(expires_at=now + RESETS_KEEP)
            .execution_options(synchronize_session=False)
        )
    session.flush()
