"""Addresses that wait, and what ends their waiting: a delivery, a re-probe, or time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.db import among, is_postgresql, new_id, table_of, upsert
from relay.models import AddressHold, Confirmation, Content, Recipient, UnknownAddress
from relay.sayings import phrase
from relay.vocabulary import HoldKind, Outcome, Stage

ANSWER_WITHIN = timedelta(days=3)
"""A probe of which nothing was heard for so long has told us nothing (our decision)."""

MOST = 200
"""Holds looked at in one turn of the duty."""

_HOLDS, _UNKNOWN = table_of(AddressHold), table_of(UnknownAddress)
_OPEN = select(_HOLDS.c.id, _HOLDS.c.site_id, _HOLDS.c.address_key, _HOLDS.c.began_at).where(
    among(_HOLDS.c.address_key, "people"), _HOLDS.c.ended_at.is_(None)
)
_LISTED = select(_UNKNOWN.c.address_key, _UNKNOWN.c.since).where(
    among(_UNKNOWN.c.address_key, "people"), _UNKNOWN.c.until > bindparam("now")
)


def _confirmed(dialect: Any) -> Any:
    statement = dialect.insert(table_of(Confirmation))
    return statement.on_conflict_do_update(
        index_elements=["site_id", "address_key"], set_={"at": statement.excluded["at"]}
    )


_CONFIRMED = {True: _confirmed(postgresql), False: _confirmed(sqlite)}


def begin(
    session: Session,
    *,
    site_id: UUID,
    address: EmailAddress,
    kind: HoldKind,
    recipient_id: UUID | None,
    evidence: Mapping[str, Any],
    lasts: timedelta,
    now: datetime,
) -> bool:
    """Let an address wait. False where it waits for the same already: then nothing changes."""
    made = session.execute(
        upsert(session, AddressHold)
        .values(
            id=new_id(),
            site_id=site_id,
            address=str(address),
            address_key=address.key,
            kind=kind,
            began_at=now,
            probe_at=now + lasts,
            recipient_id=recipient_id,
            evidence=dict(evidence),
        )
        .on_conflict_do_nothing(
            index_elements=["site_id", "address_key", "kind"],
            index_where=text("ended_at IS NULL"),
        )
        .returning(AddressHold.id)
    )
    return made.first() is not None


def end(session: Session, ids: Sequence[UUID], ending: str, *, now: datetime) -> None:
    """End holds; `ending` says how."""
    if ids:
        session.execute(
            update(AddressHold)
            .where(AddressHold.id.in_(ids), AddressHold.ended_at.is_(None))
            .values(ended_at=now, ending=ending)
            .execution_options(synchronize_session=False)
        )


def clear(
    session: Session, deliveries: Iterable[tuple[UUID, str, datetime]], *, now: datetime
) -> None:
    """End what a delivery disproves; deliveries are (site, address key, when).

    A site's delivery ends the site's holds of the address, and anybody's ends the entry that the
    address is unknown everywhere. Only deliveries after the refusal count.
    """
    told = list(deliveries)
    if not told:
        return
    people = sorted({key for _, key, _ in told})
    connection = session.connection()
    disproved = [
        row.id
        for row in connection.execute(_OPEN, {"people": people})
        if any((row.site_id, row.address_key) == (s, k) and at > row.began_at for s, k, at in told)
    ]
    end(session, disproved, "cleared", now=now)
    alive = [
        row.address_key
        for row in connection.execute(_LISTED, {"people": people, "now": now})
        if any(row.address_key == key and at > row.since for _, key, at in told)
    ]
    if alive:
        session.execute(
            update(UnknownAddress)
            .where(UnknownAddress.address_key.in_(alive))
            .values(until=now)
            .execution_options(synchronize_session=False)
        )


def probe_due(session: Session, *, now: datetime) -> int:
    """Send the probes that are due; returns how many holds were looked at.

    The refused copy itself goes out once more, if its content is kept and it is still worth
    sending. Otherwise the next mail to the address is the probe.
    """
    _reopen(session, now)
    holds = session.scalars(
        select(AddressHold)
        .where(
            AddressHold.ended_at.is_(None),
            AddressHold.probe_at <= now,
            AddressHold.probed_at.is_(None),
            or_(AddressHold.recipient_id.is_not(None), AddressHold.kind != HoldKind.DISPUTED),
        )
        .order_by(AddressHold.probe_at)
        .limit(MOST)
        .with_for_update(skip_locked=True)
    ).all()
    for hold in holds:
        sent = _send_again(session, hold.recipient_id, now)
        match hold.kind:
            case HoldKind.COOL_OFF:
                hold.ended_at, hold.ending = now, "over"
            case HoldKind.DISPUTED if not sent:
                hold.recipient_id = None
            case HoldKind.RE_PROBE if not sent:
                hold.ended_at, hold.ending = now, "next-mail"
            case _:
                hold.probed_at = now
    session.flush()
    return len(holds)


def _reopen(session: Session, now: datetime) -> None:
    """Probes that got no answer: a disputed address is probed by the next mail, others are over."""
    silent = (AddressHold.ended_at.is_(None), AddressHold.probed_at <= now - ANSWER_WITHIN)
    for kind, values in (
        (HoldKind.DISPUTED, {"recipient_id": None, "probed_at": None}),
        (HoldKind.RE_PROBE, {"ended_at": now, "ending": "no-answer"}),
    ):
        session.execute(
            update(AddressHold)
            .where(*silent, AddressHold.kind == kind)
            .values(values)
            .execution_options(synchronize_session=False)
        )


def _send_again(session: Session, recipient_id: UUID | None, now: datetime) -> bool:
    """Queue the refused copy once more, if it can still be sent."""
    if recipient_id is None:
        return False
    moved = session.execute(
        update(Recipient)
        .where(
            and_(
                Recipient.id == recipient_id,
                Recipient.stage == Stage.DONE,
                Recipient.outcome.in_((Outcome.BOUNCED, Outcome.SOFT_BOUNCED)),
                Recipient.expires_at > now,
                select(Content.part)
                .where(Content.message_id == Recipient.message_id, Content.part == 0)
                .exists(),
            )
        )
        .values(
            stage=Stage.QUEUED,
            outcome=Outcome.NONE,
            due_at=now,
            attempt_id=None,
            reason={"code": "re-probe", "title": phrase("It was refused, and is tried once more")},
        )
        .returning(Recipient.id)
        .execution_options(synchronize_session=False)
    )
    return moved.first() is not None


def note_confirmation(session: Session, site_id: UUID, address: EmailAddress, at: datetime) -> None:
    """Write down that a person confirmed the address to the site (a double opt-in)."""
    statement = _CONFIRMED[is_postgresql(session)]
    session.connection().execute(
        statement, {"site_id": site_id, "address_key": address.key, "at": at}
    )
