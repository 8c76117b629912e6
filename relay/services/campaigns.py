"""Looking at mail before it leaves, and finding campaigns in disguise: the same words and links to many
people, sent as receipts.

Where links lead is judged by `links`, of all mail that is looked at; words are compared of receipts of
busy sites only. Where few are told the same it lets them into the queue;
what it does not know, or what many are told, it marks as `checking`. A duty looks at those, a portion at
a time, and lets them into the queue, or holds them for an operator's review (design: part 3).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from relay import bulk
from relay.db import among, constant, table_of
from relay.mail import Draft
from relay.models import Message, Recipient, Review, Wording
from relay.policy.streams import effective_stream
from relay.policy.wordings import MOST_ALIKE, WITHIN
from relay.services import circumstances, links, locks, looks, reviews
from relay.services.looks import NO_WORDS, Read, wording_of
from relay.vocabulary import Decision, Lane, ReviewKind, Stage, Stream

KEPT = timedelta(days=2)
"""How long the wording of a mail is known."""

MOST = 100
"""Messages looked at in one turn, so that the transaction is short."""

AT_ONCE = 20
"""Messages in memory at a time."""

FURTHEST = 1_000
"""Messages of a site looked through for such that nobody looked at; more than it may have sent so."""

_COPIES, _MAILS, _WORDINGS = table_of(Recipient), table_of(Message), table_of(Wording)

_CHECKING = (
    select(_COPIES.c.message_id, _COPIES.c.site_id)
    .where(_COPIES.c.stage == constant(_COPIES.c.stage, Stage.CHECKING))
    .order_by(_COPIES.c.id)
    .limit(MOST)
)

_CHECKED = (
    select(_COPIES.c.id, _COPIES.c.message_id)
    .where(
        among(_COPIES.c.message_id, "ids"),
        _COPIES.c.stage == constant(_COPIES.c.stage, Stage.CHECKING),
    )
    .order_by(_COPIES.c.id)
    .with_for_update()
)

_KNOWN = select(_WORDINGS.c.message_id, _WORDINGS.c.wording).where(
    among(_WORDINGS.c.message_id, "ids")
)

_ACCEPTED = select(_MAILS.c.id, _MAILS.c.accepted_at).where(among(_MAILS.c.id, "ids"))


def look_at(session: Session, *, sender: str, now: datetime) -> int:
    """Look at a portion of the copies that wait for it; returns at how many messages.

    One worker at a time does it, for it compares mails with each other. `sender` is the address from
    which owners are told.
    """
    first = session.connection().execute(_CHECKING).all()
    if not first or not locks.seize(session, "campaigns"):
        return 0
    first = session.connection().execute(_CHECKING).all()  # as it is now that nobody else looks
    by_site: dict[UUID, set[UUID]] = {}
    for row in first:
        by_site.setdefault(row.site_id, set()).add(row.message_id)
    for site_id, messages in by_site.items():
        _look_at(session, site_id, sorted(messages), sender=sender, now=now)
    return sum(map(len, by_site.values()))


def _look_at(
    session: Session, site_id: UUID, messages: Sequence[UUID], *, sender: str, now: datetime
) -> None:
    """Judge the messages of one site: by their links, and receipts of a busy site by their words."""
    read: dict[UUID, Read] = {}
    for begin in range(0, len(messages), AT_ONCE):
        read |= looks.read(session, messages[begin : begin + AT_ONCE])
    stopped = links.judge(session, site_id, read, sender=sender, now=now)
    rest = [id for id in messages if id not in stopped]
    receipts = [id for id in rest if read[id].lane is Lane.TRANSACTIONAL]
    if receipts and circumstances.is_busy(session, site_id, now=now):
        said = {id: read[id].wording for id in receipts}
        known = _fingerprints(session, site_id, said, now)
        _judge(session, site_id, {id: known[id] for id in receipts}, sender=sender, now=now)
        rest = [id for id in rest if id not in known]
    reviews.release(session, _checking(session, rest), now=now)


def _checking(session: Session, messages: Sequence[UUID]) -> Sequence[UUID]:
    """The copies of these messages that wait for a look, locked."""
    rows = session.connection().execute(_CHECKED, {"ids": list(messages)})
    return [row.id for row in rows]


_busy: dict[UUID, float] = {}
"""Sites of which this process has seen that they write to many, and when (monotonic seconds)."""

BUSY_FOR = 3_600.0
"""Seconds after which a site is no longer taken to be busy."""


def note_busy(site_id: UUID) -> None:
    """Remember that this site's receipts are looked at: the next ones are read before they wait."""
    _busy[site_id] = time.monotonic()


def said(site_id: UUID, draft: Draft) -> str | None:
    """What a receipt of a busy site says, read before any lock; None where nobody will ask."""
    since = _busy.get(site_id)
    if since is None or effective_stream(draft) is not Stream.TRANSACTIONAL:
        return None
    if time.monotonic() - since > BUSY_FOR:
        _busy.pop(site_id, None)
        return None
    return _wording_of_draft(draft)


def _wording_of_draft(draft: Draft) -> str:
    return wording_of(draft.mime, [str(each) for each in draft.recipients])


def standing_of(
    session: Session,
    site_id: UUID,
    draft: Draft,
    wording: str | None,
    *,
    under_review: bool,
    now: datetime,
) -> tuple[Review | None, bool]:
    """What is known of a busy site's receipt, under the site's lock: the undecided review for which it
    will be held, and whether it has to wait for a look.

    `wording` is what `said` gave; without it the text is read only if the site is `under_review`.
    """
    if wording is None and not under_review:
        return None, True
    review = reviews.about(session, site_id, wording or _wording_of_draft(draft), now=now)
    if review is not None:
        return (review if review.decision is None else None), True
    if wording is None:
        return None, True
    told = _people(session, site_id, [wording], now).get(wording, 0)
    return None, told + len(draft.recipients) > MOST_ALIKE


def keep(session: Session, site_id: UUID, wordings: Mapping[UUID, tuple[str, datetime]]) -> None:
    """Write down what messages say, and when they were accepted."""
    rows = [
        {"message_id": id, "site_id": site_id, "wording": wording, "accepted_at": accepted_at}
        for id, (wording, accepted_at) in wordings.items()
    ]
    bulk.insert_new(session, Wording, rows, "message_id")


def _fingerprints(
    session: Session, site_id: UUID, said: Mapping[UUID, str], now: datetime
) -> dict[UUID, str]:
    """What messages say: these, which were just read, and earlier mail of the hour that nobody looked at."""
    looking = [*said, *_overlooked(session, site_id, min(said), now)]
    known = {
        row.message_id: row.wording
        for row in session.connection().execute(_KNOWN, {"ids": looking})
    }
    unknown = [id for id in looking if id not in known]
    found = {id: said[id] for id in unknown if id in said}
    unread = [id for id in unknown if id not in said]
    for begin in range(0, len(unread), AT_ONCE):
        found |= _wordings(session, unread[begin : begin + AT_ONCE])
    accepted = session.connection().execute(_ACCEPTED, {"ids": unknown})
    keep(session, site_id, {row.id: (found[row.id], row.accepted_at) for row in accepted})
    return known | found


def _overlooked(session: Session, site_id: UUID, before: UUID, now: datetime) -> list[UUID]:
    """Transactional mail of the last hour that went unlooked at, when the site was not busy yet.

    Where the mail right before has been looked at, all of it has.
    """
    newest = (
        select(Message.id, Message.lane, Message.accepted_at)
        .where(Message.site_id == site_id, Message.id < before)
        .order_by(Message.id.desc())
        .limit(FURTHEST)
        .subquery()
    )
    earlier = (
        select(newest.c.id, exists().where(Wording.message_id == newest.c.id).label("seen"))
        .where(newest.c.accepted_at > now - WITHIN, newest.c.lane == Lane.TRANSACTIONAL)
        .order_by(newest.c.id.desc())
    )
    found = []
    for row in session.execute(earlier):
        if row.seen:
            break
        found.append(row.id)
    return found


def _wordings(session: Session, messages: Sequence[UUID]) -> dict[UUID, str]:
    """The fingerprints of stored messages."""
    return {id: read.wording for id, read in looks.read(session, messages).items()}


def _judge(
    session: Session, site_id: UUID, wordings: Mapping[UUID, str], *, sender: str, now: datetime
) -> None:
    """Let the copies of these messages go, hold them, or end them, by what is known of the wording.

    Most say what few others say: those cost a few statements together, not each.
    """
    copies: dict[str, list[UUID]] = {}
    for row in session.connection().execute(_CHECKED, {"ids": list(wordings)}):
        copies.setdefault(wordings[row.message_id], []).append(row.id)
    compared = set(wordings.values()) - {NO_WORDS}
    known = reviews.about_many(session, site_id, compared, now=now)
    people = _people(session, site_id, compared - known.keys(), now)
    going: list[UUID] = []
    for wording, ids in sorted(copies.items()):
        review = known.get(wording)
        if review is None and people.get(wording, 0) > MOST_ALIKE:
            first = min(id for id, said in wordings.items() if said == wording)
            review = _opened(session, first, wording, people[wording], now)
        if review is None or review.decision is Decision.RELEASED:
            going += ids
        elif review.decision is Decision.REJECTED:
            reviews.reject(session, ids, now=now)
        else:
            waiting = _still_here(session, site_id, wording, now)
            reviews.hold(session, review, [*ids, *waiting])
            reviews.tell_owner(session, review, sender=sender, now=now)
    reviews.release(session, going, now=now)


def _people(
    session: Session, site_id: UUID, wordings: Collection[str], now: datetime
) -> dict[str, int]:
    """How many people were to get mail of each wording within the hour."""
    rows = session.execute(
        select(Wording.wording, func.count(Recipient.address_key.distinct()).label("people"))
        .join(Recipient, Recipient.message_id == Wording.message_id)
        .where(
            Wording.site_id == site_id,
            Wording.wording.in_(list(wordings)),
            Wording.accepted_at > now - WITHIN,
        )
        .group_by(Wording.wording)
    )
    return {row.wording: row.people for row in rows}


def _opened(session: Session, message_id: UUID, wording: str, people: int, now: datetime) -> Review:
    return reviews.open_review(
        session,
        session.get_one(Message, message_id),
        ReviewKind.CAMPAIGN_IN_DISGUISE,
        people=people,
        wording=wording,
        now=now,
    )


def _still_here(session: Session, site_id: UUID, wording: str, now: datetime) -> Sequence[UUID]:
    """Copies of earlier mail of the hour that says the same, and has not left the queue."""
    return session.scalars(
        select(Recipient.id)
        .join(Wording, Wording.message_id == Recipient.message_id)
        .where(
            Wording.site_id == site_id,
            Wording.wording == wording,
            Wording.accepted_at > now - WITHIN,
            Recipient.stage == Stage.QUEUED,
            Recipient.tries == 0,
        )
        .order_by(Recipient.id)
        .with_for_update(of=Recipient, skip_locked=True)
    ).all()


def forget(session: Session, *, now: datetime) -> int:
    """Delete a portion of the wordings that nothing is compared with any more; returns how many."""
    old = select(Wording.message_id).where(Wording.accepted_at <= now - KEPT).limit(1_000)
    gone = session.execute(
        delete(Wording)
        .where(Wording.message_id.in_(old))
        .returning(Wording.message_id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
