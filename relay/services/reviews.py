"""Mail that is held until an operator has looked at it: what waits, why, and what was decided."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from relay.db import UtcDateTime, among, constant, new_id, table_of
from relay.errors import Conflict, NotFound
from relay.gateways import bodies, mime
from relay.models import Account, Content, Message, Recipient, Review, Site
from relay.policy.standing import fate, together
from relay.policy.wordings import DECISION_COUNTS, UNDECIDED_COUNTS
from relay.sayings import phrase
from relay.services import delivery, expiries, letters, sendings
from relay.services.paging import Place, in_order
from relay.vocabulary import Decision, EventType, Fate, Lane, ReviewKind, Stage

TELL_AGAIN = timedelta(hours=24)
"""An owner hears of the same wording once in this time."""

DRIP = 60
"""Copies a minute of what was frozen, once it is released (our decision)."""

MOST = 1_000
"""Copies moved in one turn, so that no lock is held long."""

TITLES = {
    ReviewKind.CAMPAIGN_IN_DISGUISE: phrase(
        "Many people were to get the same words, as a receipt; an operator looks at it first"
    ),
    ReviewKind.LIMITED: phrase("The site is limited: newsletters and notifications are held"),
    ReviewKind.SUSPENDED: phrase("The account or site is suspended"),
    ReviewKind.CANARY_FAILED: phrase(
        "The copies that went first came back or were complained about; an operator looks at the rest"
    ),
    ReviewKind.CANARY_UNCLEAR: phrase(
        "Too little was heard of the copies that went first; an operator looks at the rest"
    ),
    ReviewKind.NEW_NETWORK: phrase(
        "The site's key was used from a network new to it, for far more mail than usual"
    ),
    ReviewKind.LOOK_ALIKE_LINK: phrase(
        "A link leads to a name that looks like a well-known brand's, or not where it says"
    ),
    ReviewKind.SHARED_LINK: phrase(
        "Several new senders link to the same place; an operator looks at it first"
    ),
}
"""What a kind means, for people; the code is for programs."""

DRIPPING = frozenset((ReviewKind.NEW_NETWORK,))
"""Kinds whose mail leaves a few copies a minute once released: nobody has counted its allowance."""

NOT_RELEASED = phrase("An operator looked at this mail and did not let it out")
TOO_LONG = phrase("It was held for review, and nobody decided while it was worth sending")

_COPIES = table_of(Recipient)
_HELD = constant(_COPIES.c.stage, Stage.HELD)

_RELEASE = (
    update(_COPIES)
    .where(among(_COPIES.c.id, "ids"))
    .values(stage=Stage.QUEUED, due_at=bindparam("now", type_=UtcDateTime()), reason=None)
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A review with whose it is, and how many copies still wait for it."""

    review: Review
    account: str
    site: str
    held: int


def open_review(
    session: Session,
    message: Message,
    kind: ReviewKind,
    *,
    people: int,
    wording: str | None = None,
    lane: Lane | None = None,
    evidence: Mapping[str, Any] | None = None,
    now: datetime,
) -> Review:
    """A new review, of which this message is the first mail; `evidence` is JSON."""
    made = Review(
        id=new_id(),
        account_id=message.account_id,
        site_id=message.site_id,
        kind=kind,
        wording=wording,
        lane=lane,
        dripped=0,
        subject=message.subject,
        message_id=message.id,
        people=people,
        opened_at=now,
        evidence=dict(evidence) if evidence else None,
    )
    session.add(made)
    session.flush()
    return made


def mark(kind: str, name: str) -> str:
    """What stands where a wording does, for decisions about something else: a host, a network."""
    return hashlib.sha256(f"{kind}\n{name}".encode()).hexdigest()


def about(session: Session, site_id: UUID, wording: str, *, now: datetime) -> Review | None:
    """The review that counts for mail of this wording: the newest, if it is not over."""
    return about_many(session, site_id, [wording], now=now).get(wording)


def about_many(
    session: Session, site_id: UUID, wordings: Collection[str], *, now: datetime
) -> dict[str, Review]:
    """As `about`, for several wordings at once."""
    rows = session.scalars(
        select(Review)
        .where(Review.site_id == site_id, Review.wording.in_(list(wordings)))
        .order_by(Review.opened_at, Review.id)
    )
    newest = {row.wording: row for row in rows if row.wording is not None}
    return {wording: row for wording, row in newest.items() if _counts(row, now)}


def _counts(review: Review, now: datetime) -> bool:
    decided = review.decision is not None
    until = review.until if decided else review.opened_at + UNDECIDED_COUNTS
    return until is not None and until > now


def hold(session: Session, review: Review, copies: Iterable[UUID]) -> None:
    """Hold these copies for the review; they must be locked, and not on their way."""
    session.execute(
        update(Recipient)
        .where(Recipient.id.in_(list(copies)))
        .values(
            stage=Stage.HELD,
            review_id=review.id,
            reason=described(review.kind),
        )
        .execution_options(synchronize_session=False)
    )


def described(kind: ReviewKind) -> dict[str, str]:
    """Why copies are held, as the API shows it."""
    return {"code": kind.value, "title": TITLES[kind]}


def tell_owner(session: Session, review: Review, *, sender: str, now: datetime) -> None:
    """Write to the owner that mail is held, unless we did lately about the same."""
    told = select(func.max(Review.told_at)).where(
        Review.site_id == review.site_id,
        Review.kind == review.kind,
        Review.wording == review.wording,
    )
    last = session.scalar(told)
    if last is not None and last > now - TELL_AGAIN:
        return
    site = session.get_one(Site, review.site_id)
    values = {
        "kind": review.kind.value,
        "site": site.name,
        "mail_subject": review.subject,
        "people": review.people,
        "evidence": review.evidence,
    }
    letters.to_owner(session, review.account_id, "held", values, sender=sender, now=now)
    review.told_at = now
    session.flush()


def waiting(
    session: Session,
    *,
    account_id: UUID | None = None,
    site_id: UUID | None = None,
    decided: bool = False,
    limit: int = 100,
    after: Place | None = None,
) -> list[Waiting]:
    """Open reviews, oldest first; with `decided`, those that were decided, newest first.

    `after` is the `place` of the last one that was seen.
    """
    held = (
        select(func.count())
        .where(_COPIES.c.review_id == Review.id, _COPIES.c.stage == _HELD)
        .scalar_subquery()
    )
    query = (
        select(Review, Account.name, Site.name, held)
        .join(Account, Account.id == Review.account_id)
        .join(Site, Site.id == Review.site_id)
        .limit(limit)
    )
    if decided:
        query = query.where(Review.decision.is_not(None))
        query = in_order(query, Review.decided_at, Review.id, after=after, newest_first=True)
    else:
        query = query.where(Review.decision.is_(None))
        query = in_order(query, Review.opened_at, Review.id, after=after)
    if account_id is not None:
        query = query.where(Review.account_id == account_id)
    if site_id is not None:
        query = query.where(Review.site_id == site_id)
    return [Waiting(*row) for row in session.execute(query)]


def place(found: Waiting) -> Place:
    """Where a review stands in its list: of those that are open, or of those that were decided."""
    return Place(found.review.decided_at or found.review.opened_at, found.review.id)


def held_copies(session: Session, site_id: UUID) -> dict[str, int]:
    """How many copies of a site are held, by why."""
    rows = session.execute(
        select(Review.kind, func.count())
        .join(Recipient, Recipient.review_id == Review.id)
        .where(Review.site_id == site_id, Recipient.stage == _HELD)
        .group_by(Review.kind)
    )
    return {kind.value: count for kind, count in rows}


def find(session: Session, review_id: UUID) -> Waiting:
    """One review. Raises `NotFound`."""
    review = session.get(Review, review_id)
    if review is None:
        raise NotFound("There is no review with this id; `python -m relay held list` shows them")
    held = session.scalar(
        select(func.count()).where(Recipient.review_id == review_id, Recipient.stage == _HELD)
    )
    account = session.get_one(Account, review.account_id)
    site = session.get_one(Site, review.site_id)
    return Waiting(review, account.name, site.name, held or 0)


def text_of(session: Session, review: Review) -> str:
    """What the first held mail says, as plain text a terminal may show; "" where nothing is kept."""
    return bodies.plain(_stored(session, review.message_id))


def links_of(session: Session, review: Review) -> Sequence[str]:
    """Where the links of the first held mail lead."""
    data = _stored(session, review.message_id)
    return bodies.look(mime.read(BytesIO(data))).links if data else ()


def _stored(session: Session, message_id: UUID) -> bytes:
    parts = session.scalars(
        select(Content.data).where(Content.message_id == message_id).order_by(Content.part)
    )
    return b"".join(parts)


def decide(
    session: Session,
    review_id: UUID,
    decision: Decision,
    *,
    because: str,
    drip: int = DRIP,
    by: str | None = None,
    now: datetime,
) -> Review:
    """Decide on held mail: released it goes into the queue, rejected it ends as failed.

    The copies themselves move by `carry_out`, a portion at a time. Mail that says the same is treated
    alike for `DECISION_COUNTS`. What is released of a newsletter waits for its allowance again; mail
    that was frozen with its site leaves as a drip, so many copies a minute. Raises `NotFound`, and
    `Conflict` where it was decided already, or the site may not send.
    """
    review = session.scalar(select(Review).where(Review.id == review_id).with_for_update())
    if review is None:
        raise NotFound("There is no review with this id; `python -m relay held list` shows them")
    if review.decision is not None:
        raise Conflict(f"This mail was {review.decision.value} already")
    if review.lane is not None and decision is Decision.RELEASED:
        _check_may_leave(session, review, review.lane)
        review.drip = drip
    if review.kind in DRIPPING and decision is Decision.RELEASED:
        review.drip = drip
    review.decision = decision
    review.because = because
    review.decided_at, review.decided_by = now, by
    review.until = now + DECISION_COUNTS
    session.flush()
    if decision is Decision.RELEASED:
        sendings.release_held(session, review_id, now=now)
    return review


def _check_may_leave(session: Session, review: Review, lane: Lane) -> None:
    """Whether the site is reinstated by now. Raises `Conflict`."""
    site = session.get_one(Site, review.site_id)
    account = session.get_one(Account, review.account_id)
    stand = together(account.state, account.cause, site.state, site.cause, site.streams)
    if fate(lane, stand) is not Fate.GOES:
        if lane in stand.held:
            raise Conflict(
                f"The stream {lane.value} of the site is limited; reinstate it first: "
                f"python -m relay site reinstate {site.id} --stream {lane.value} --reason TEXT"
            )
        whose = "site" if stand.state is site.state else "account"
        id = site.id if whose == "site" else account.id
        raise Conflict(
            f"The {whose} is {stand.state.value}; reinstate it first: "
            f"python -m relay {whose} reinstate {id} --reason TEXT"
        )


def carry_out(session: Session, *, now: datetime) -> int:
    """Move a portion of the copies whose review was decided; returns how many."""
    dripped = sum(_drip(session, review, now) for review in _dripping(session, now))
    return dripped + _carry_out_at_once(session, now)


def _dripping(session: Session, now: datetime) -> Sequence[Review]:
    """Released reviews whose copies leave a few at a time; whoever works on one has it alone."""
    return session.scalars(
        select(Review)
        .where(
            Review.decision == Decision.RELEASED,
            Review.drip.is_not(None),
            Review.decided_at > now - DECISION_COUNTS,
        )
        .with_for_update(skip_locked=True)
    ).all()


def _drip(session: Session, review: Review, now: datetime) -> int:
    """Let the oldest copies go, as many as the minutes since the release allow: one minute's at once."""
    assert review.decided_at is not None
    assert review.drip is not None
    minutes = 1 + (now - review.decided_at) / timedelta(minutes=1)
    room = min(int(review.drip * minutes) - review.dripped, MOST)
    if room <= 0:
        return 0
    copies = session.scalars(
        select(Recipient.id)
        .where(Recipient.stage == _HELD, Recipient.review_id == review.id)
        .order_by(Recipient.id)
        .limit(room)
        .with_for_update(skip_locked=True)
    ).all()
    release(session, copies, now=now)
    review.dripped += len(copies)
    session.flush()
    return len(copies)


def _carry_out_at_once(session: Session, now: datetime) -> int:
    decided = select(Review.id).where(
        Review.decision.is_not(None),
        Review.decided_at > now - DECISION_COUNTS,
        or_(Review.drip.is_(None), Review.decision == Decision.REJECTED),
    )
    rows = session.execute(
        select(Recipient.id, Review.decision)
        .join(Review, Review.id == Recipient.review_id)
        .where(Recipient.stage == _HELD, Recipient.review_id.in_(decided))
        .order_by(Recipient.review_id, Recipient.id)
        .limit(MOST)
        .with_for_update(of=Recipient, skip_locked=True)
    ).all()
    release(session, [row.id for row in rows if row.decision is Decision.RELEASED], now=now)
    reject(session, [row.id for row in rows if row.decision is Decision.REJECTED], now=now)
    return len(rows)


def release(session: Session, copies: Sequence[UUID], *, now: datetime) -> None:
    """Put copies that were held or looked at into the queue."""
    if copies:
        session.connection().execute(_RELEASE, {"ids": list(copies), "now": now})


def reject(session: Session, copies: Sequence[UUID], *, now: datetime) -> None:
    """End copies that an operator did not let out."""
    delivery.finish(session, copies, EventType.FAILED, NOT_RELEASED, code="not-released", now=now)


def expire(session: Session, *, now: datetime) -> int:
    """End held copies on which nobody decided while they were worth sending; returns how many.

    Their owners are told (`expiries`).
    """
    over: Any = (
        select(Recipient.id, Recipient.site_id, Recipient.lane_rank, Recipient.reason)
        .where(Recipient.stage == _HELD, Recipient.expires_at <= now)
        .limit(MOST)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(over).all()
    ids = [row.id for row in rows]
    delivery.finish(session, ids, EventType.EXPIRED, TOO_LONG, code="held-too-long", now=now)
    expiries.note(session, rows, now=now)
    return len(rows)
