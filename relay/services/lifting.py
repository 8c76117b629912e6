"""What an owner or operator does about a suppression: look, lift, contest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.context import Relay
from relay.errors import ComplaintNotLiftable, LimitReached, NotFound, Refused
from relay.models import AddressHold, Site, Suppression
from relay.policy.admission import TITLES
from relay.policy.consequences import DISPUTED_FOR
from relay.sayings import phrase, say
from relay.services import holds
from relay.services.paging import cut
from relay.vocabulary import HoldKind, SuppressionReason

MOST_A_DAY = 20
"""Suppressions a site may lift or contest in 24 hours (our decision)."""

A_DAY = timedelta(hours=24)

LOOK_AGAIN = timedelta(minutes=10)
"""After so long the provider is asked again to forget an address, if it did not answer."""

BY_OWNER = ("lifted", "contested")

LIFTABLE = frozenset(SuppressionReason) - {SuppressionReason.COMPLAINT, SuppressionReason.MANUAL}
"""Reasons that rest on bounces: what a site's owner may lift."""

ENDINGS = {
    "lifted": phrase("The owner lifted it"),
    "contested": phrase("The owner says that the address is right; one mail will tell"),
    "lifted-by-operator": phrase("An operator lifted it"),
    "opted-in": phrase("The person signed up anew and confirmed it"),
}
HOLDS = {
    HoldKind.DISPUTED: phrase("The refusal is doubted: the address waits for one more try"),
    HoldKind.COOL_OFF: phrase("The address is left alone for a while"),
    HoldKind.RE_PROBE: phrase("The refused mail waits for one more try"),
}
HOLD_ENDINGS = {
    "cleared": phrase("Mail was delivered there"),
    "suppressed": phrase("The answer was the same again: the address is suppressed"),
    "refused-again": phrase("It was refused again"),
    "next-mail": phrase("The mail was worth nothing any more; the next one will tell"),
    "no-answer": phrase("Nothing was heard of it"),
    "over": phrase("The pause is over"),
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing in an address's history."""

    at: datetime
    code: str
    title: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A suppression with the history of its address at this site, oldest first.

    `probe_at`: of one that is over, from when the address is tried once more; None where no try is
    planned. Where it has passed, the next mail to the address is the try.
    """

    suppression: Suppression
    timeline: Sequence[Moment]
    probe_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """Suppressions, newest first, and the cursor of the next page (None on the last)."""

    entries: Sequence[Entry]
    next_cursor: str | None


def page(
    session: Session,
    site_id: UUID,
    *,
    limit: int,
    before: UUID | None = None,
    address_key: str | None = None,
    ended: bool = False,
) -> Page:
    """The site's suppressions; those that are over only with `ended`."""
    query = select(Suppression).where(Suppression.site_id == site_id)
    if not ended:
        query = query.where(Suppression.ended_at.is_(None))
    if before is not None:
        query = query.where(Suppression.id < before)
    if address_key is not None:
        query = query.where(Suppression.address_key == address_key)
    found = session.scalars(query.order_by(Suppression.id.desc()).limit(limit + 1)).all()
    shown, cursor = cut(found, limit)
    return Page(_entries(session, site_id, shown), cursor)


def entry(session: Session, site_id: UUID, suppression_id: UUID) -> Entry:
    """One of the site's suppressions. Raises `NotFound`, also for another site's."""
    found = session.scalar(
        select(Suppression).where(Suppression.id == suppression_id, Suppression.site_id == site_id)
    )
    if found is None:
        raise NotFound(say("There is no such suppression on this site"))
    return _entries(session, site_id, [found])[0]


def lift(session: Session, site_id: UUID, suppression_id: UUID, *, now: datetime) -> Entry:
    """End a suppression that rests on a bounce, as its owner asks. Lifting twice changes nothing.

    Raises `NotFound`, `ComplaintNotLiftable`, `Refused` for an operator's own entry, and
    `LimitReached` after `MOST_A_DAY`.
    """
    return _end(session, site_id, suppression_id, "lifted", now=now)


def contest(session: Session, site_id: UUID, suppression_id: UUID, *, now: datetime) -> Entry:
    """Turn a suppression into a dispute: one mail, three days from now, decides. Raises as `lift`."""
    found = _end(session, site_id, suppression_id, "contested", now=now).suppression
    if found.ending == "contested" and found.ended_at == now:
        holds.begin(
            session,
            site_id=site_id,
            address=EmailAddress(found.address),
            kind=HoldKind.DISPUTED,
            recipient_id=_copy_of(found),
            evidence={**found.evidence, "contested": str(found.id)},
            lasts=DISPUTED_FOR,
            now=now,
        )
    return entry(session, site_id, suppression_id)


def lift_as_operator(session: Session, suppression_id: UUID, *, because: str, now: datetime) -> Any:
    """End any suppression, a complaint too; `because` is kept with it. Raises `NotFound`."""
    found = session.get(Suppression, suppression_id)
    if found is None:
        raise NotFound("There is no such suppression")
    if found.ended_at is None:
        found.ended_at, found.ending = now, "lifted-by-operator"
        found.evidence = {**found.evidence, "lifted_because": because}
        found.provider_due_at = now
        session.flush()
    return found


def _end(
    session: Session, site_id: UUID, suppression_id: UUID, ending: str, *, now: datetime
) -> Entry:
    session.execute(
        select(Site.id).where(Site.id == site_id).with_for_update(key_share=True)
    )  # the limit is counted under the site's lock
    found = entry(session, site_id, suppression_id).suppression
    if found.reason is SuppressionReason.COMPLAINT:
        raise ComplaintNotLiftable(
            say("This person marked mail as spam; only they themselves can take that back")
        )
    if found.reason not in LIFTABLE:
        raise Refused(say("An operator put this address on the list; ask them to take it off"))
    if found.ended_at is None:
        _check_limit(session, site_id, now)
        found.ended_at, found.ending, found.provider_due_at = now, ending, now
        session.flush()
    return entry(session, site_id, suppression_id)


def _check_limit(session: Session, site_id: UUID, now: datetime) -> None:
    ended = session.scalars(
        select(Suppression.ended_at)
        .where(
            Suppression.site_id == site_id,
            Suppression.ending.in_(BY_OWNER),
            Suppression.ended_at > now - A_DAY,
        )
        .order_by(Suppression.ended_at.desc())
        .limit(MOST_A_DAY)
    ).all()
    if len(ended) == MOST_A_DAY and ended[-1] is not None:
        wait = ceil((ended[-1] + A_DAY - now).total_seconds())
        raise LimitReached(
            say("A site may lift or contest %(most)s suppressions in 24 hours", most=MOST_A_DAY),
            limit=MOST_A_DAY,
            retry_after=max(wait, 1),
        )


def _copy_of(found: Suppression) -> UUID | None:
    try:
        return UUID(str(found.evidence.get("recipient")))
    except ValueError:
        return None


def _entries(session: Session, site_id: UUID, shown: Sequence[Suppression]) -> list[Entry]:
    moments: dict[str, list[Moment]] = defaultdict(list)
    tries: dict[str, datetime] = {}
    waits = session.scalars(
        select(AddressHold).where(
            AddressHold.site_id == site_id,
            AddressHold.address_key.in_({each.address_key for each in shown}),
        )
    )
    for hold in waits:
        told = moments[hold.address_key]
        told.append(Moment(hold.began_at, hold.kind.value, HOLDS[hold.kind]))
        if hold.ended_at is None and hold.probed_at is None:
            tries[hold.address_key] = min(tries.get(hold.address_key, hold.probe_at), hold.probe_at)
        if hold.probed_at is not None:
            told.append(
                Moment(hold.probed_at, "probed", phrase("One more mail was sent to find out"))
            )
        if hold.ended_at is not None and hold.ending is not None:
            told.append(Moment(hold.ended_at, hold.ending, HOLD_ENDINGS[hold.ending]))
    return [
        Entry(
            each,
            sorted(moments[each.address_key] + _own(each), key=lambda moment: moment.at),
            tries.get(each.address_key) if each.ended_at is not None else None,
        )
        for each in shown
    ]


def _own(found: Suppression) -> list[Moment]:
    told = [Moment(found.began_at, "suppressed", TITLES[found.reason.value])]
    if found.ended_at is not None:
        ending = found.ending or "ended"
        told.append(Moment(found.ended_at, ending, ENDINGS.get(ending, phrase("It has ended"))))
    return told


def clear_provider(relay: Relay, *, only: UUID | None = None, most: int = 50) -> int:
    """Take addresses whose suppression has ended off the provider's list; returns how many.

    `only` is one suppression, as a request has just ended it. No transaction is open while the
    provider thinks. Where it fails, the address stays lifted here, and is tried again after
    `LOOK_AGAIN`.
    """
    with relay.reads() as session:
        due = session.execute(
            select(Suppression.id, Suppression.address)
            .where(
                Suppression.provider_due_at <= relay.clock(),
                *([Suppression.id == only] if only else []),
            )
            .order_by(Suppression.provider_due_at)
            .limit(most)
        ).all()
    for row in due:
        again: datetime | None = None
        try:
            relay.provider_list(row.address)
        except Exception as error:
            again = relay.clock() + LOOK_AGAIN
            log.warning(
                "provider keeps its entry", suppression=str(row.id), error=type(error).__name__
            )
        with relay.sessions.begin() as session:
            session.execute(
                update(Suppression)
                .where(Suppression.id == row.id)
                .values(provider_due_at=again)
                .execution_options(synchronize_session=False)
            )
    return len(due)
