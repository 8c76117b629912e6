"""From which networks a key is used; mail in unusual volume from a new one is held (design: part 5).

What is known of a network costs acceptance nothing: each process remembers those that are trusted. Only
while a network is new to a key, three small statements are asked, under the site's lock.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from relay.db import constant, table_of, upsert
from relay.models import KeyNetwork, Message, Review, Usage
from relay.policy.networks import NEW_FOR, USUAL_WITHIN, is_far_more, is_new
from relay.policy.windows import hour_of
from relay.services import reviews
from relay.vocabulary import Decision, ReviewKind

log = structlog.get_logger(__name__)

REMEMBERED_FOR = 6 * 3_600.0
"""Seconds after which a process asks again, and notes that the network is still in use."""

MOST_REMEMBERED = 100_000
"""Pairs of key and network in memory; beyond, a process forgets all and begins anew."""

_trusted: dict[tuple[UUID, str], float] = {}
"""Networks of keys that this process knows to be trusted, and since when (monotonic seconds)."""

_NETWORKS, _HOURS = table_of(KeyNetwork), table_of(Usage)


@dataclass(frozen=True, slots=True)
class Came:
    """How a request came: with which key, from which network, if that is known."""

    key_id: UUID
    network: str | None


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A network that is new to the key: whether mail from it is held now, and for what it is known.

    `review` is the one that mail from it is held for already.
    """

    network: str
    held: bool
    review: Review | None
    evidence: dict[str, Any]


_FACTS = select(
    select(func.min(_NETWORKS.c.first_seen_at))
    .where(_NETWORKS.c.key_id == bindparam("key"))
    .scalar_subquery()
    .label("key_since"),
    select(func.coalesce(func.sum(_HOURS.c.recipients), 0))
    .where(
        _HOURS.c.site_id == bindparam("site"),
        _HOURS.c.window == "hour",
        _HOURS.c.began_at == bindparam("hour"),
    )
    .scalar_subquery()
    .label("this_hour"),
    select(func.coalesce(func.max(_HOURS.c.recipients), 0))
    .where(
        _HOURS.c.site_id == bindparam("site"),
        _HOURS.c.window == "hour",
        _HOURS.c.began_at >= bindparam("since"),
        _HOURS.c.began_at < bindparam("before"),
    )
    .scalar_subquery()
    .label("usual"),
)
"""Since when the key is in use, what the site had accepted in this hour, and in its busiest one before
the network appeared: what a thief has sent is not usual."""


def newcomer(
    session: Session, site_id: UUID, came: Came | None, people: int, *, now: datetime
) -> Newcomer | None:
    """The network that mail to so many people came from, if it is new to the key; the site is locked.

    Once mail from it is held, all of it is until an operator has decided.
    """
    if came is None or came.network is None or is_trusted(came):
        return None
    since = _seen(session, came.key_id, came.network, now)
    facts = session.execute(
        _FACTS,
        {
            "key": came.key_id,
            "site": site_id,
            "hour": hour_of(now),
            "since": now - USUAL_WITHIN,
            "before": hour_of(since),
        },
    ).one()
    review = reviews.about(session, site_id, mark_of(came), now=now)
    stopped = review is not None and review.decision is not Decision.RELEASED
    if not stopped and not is_new(now - since, since - facts.key_since):
        if since < now:  # it was written down before, so it stays if this transaction does not
            _remember(came.key_id, came.network)
        return None
    volume = facts.this_hour + people
    held = stopped or (review is None and is_far_more(volume, facts.usual))
    return Newcomer(
        came.network,
        held,
        review,
        {
            "network": came.network,
            "key_id": str(came.key_id),
            "first_seen_at": since.isoformat(),
            "key_since": facts.key_since.isoformat(),
            "people_this_hour": volume,
            "usual_busiest_hour": facts.usual,
        },
    )


def is_trusted(came: Came | None) -> bool:
    """Whether nothing need be asked about where it came from."""
    if came is None or came.network is None:
        return True
    known = _trusted.get((came.key_id, came.network))
    return known is not None and time.monotonic() - known < REMEMBERED_FOR


def mark_of(came: Came) -> str:
    """What stands for a key's network in reviews."""
    return reviews.mark("network", f"{came.key_id} {came.network}")


def _remember(key_id: UUID, network: str) -> None:
    if len(_trusted) >= MOST_REMEMBERED:
        _trusted.clear()
    _trusted[key_id, network] = time.monotonic()


def _seen(session: Session, key_id: UUID, network: str, now: datetime) -> datetime:
    """Note that the key is used from there; gives when it was for the first time."""
    insert = upsert(session, KeyNetwork).values(
        key_id=key_id, network=network, first_seen_at=now, last_seen_at=now
    )
    since: datetime = session.execute(
        insert.on_conflict_do_update(
            index_elements=["key_id", "network"], set_={"last_seen_at": now}
        ).returning(KeyNetwork.first_seen_at)
    ).scalar_one()
    return since


def hold(
    session: Session, found: Newcomer, came: Came, messages: dict[UUID, Sequence[UUID]],
    *, now: datetime,
) -> None:  # fmt: skip
    """Put accepted copies, by message, into the review of mail from this network."""
    copies = [id for ids in messages.values() for id in ids]
    if not copies:
        return
    review = found.review
    if review is None:
        review = reviews.open_review(
            session,
            session.get_one(Message, min(messages)),
            ReviewKind.NEW_NETWORK,
            people=0,
            wording=mark_of(came),
            evidence=found.evidence,
            now=now,
        )
        log.warning("mail from a new network is held", **found.evidence)
    review.people += len(copies)
    reviews.hold(session, review, copies)
    session.flush()


def tell_owners(session: Session, *, sender: str, now: datetime) -> int:
    """Write to the owners whose mail acceptance has held; how many. Acceptance itself writes no letters."""
    untold = session.scalars(
        select(Review)
        .where(
            Review.decision.is_(None),
            Review.kind == constant(Review.kind, ReviewKind.NEW_NETWORK),
            Review.told_at.is_(None),
            Review.opened_at > now - NEW_FOR,
        )
        .with_for_update(skip_locked=True)
    ).all()
    for review in untold:
        reviews.tell_owner(session, review, sender=sender, now=now)
    return len(untold)


def of_key(session: Session, key_id: UUID) -> Sequence[KeyNetwork]:
    """The networks that a key was used from, the first one first."""
    return session.scalars(
        select(KeyNetwork)
        .where(KeyNetwork.key_id == key_id)
        .order_by(KeyNetwork.first_seen_at, KeyNetwork.network)
    ).all()
