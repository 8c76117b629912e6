"""Copies that were not sent in time: counted as they expire, told to the owner once a day at most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from relay.context import Relay
from relay.db import upsert
from relay.models import Expiry, Site
from relay.policy.lanes import RANKS
from relay.policy.reasons import LANES
from relay.sayings import Saying, phrase, say_many
from relay.services import letters
from relay.vocabulary import Lane, ReviewKind, State

TOLD_EVERY = timedelta(hours=24)
"""How often an owner is written to about one site, at most (our decision)."""

GATHERED_FOR = timedelta(minutes=10)
"""How long the first is waited with, so that a letter tells of all that expired together."""

TURN = "turn"
"""The cause where nothing held the copy back but those before it."""

CAUSES: Mapping[str, str] = {
    TURN: phrase("the turn came too late"),
    "gateway-pace": phrase("the receiving gateway accepts mail from you only slowly"),
    "rate": phrase("Amazon SES was asked to send more in a second than it allows"),
    "daily-quota": phrase("the day's quota at Amazon SES was used up"),
    "provider-stopped": phrase("sending was stopped at Amazon SES"),
    "tenant-paused": phrase("Amazon SES had paused the mail of your account"),
    "unreachable": phrase("Amazon SES could not be reached"),
    "credentials-refused": phrase("Amazon SES refused the relay's credentials"),
    "no-credentials": phrase("the relay had no credentials for Amazon SES"),
    **dict.fromkeys(map(str, ReviewKind), phrase("held, and nobody let it out in time")),
}
"""What copies waited for, for people."""

OTHER = phrase("Amazon SES put it off again and again")


def note(session: Session, rows: Sequence[Any], *, now: datetime) -> None:
    """Count copies that have expired; each row has its site, lane, and the reason it waited for."""
    counted = Counter((row.site_id, row.lane_rank, _cause(row.reason)) for row in rows)
    for (site_id, lane_rank, cause), copies in sorted(counted.items()):
        if site_id == letters.HOUSE_SITE:
            continue
        statement = upsert(session, Expiry).values(
            site_id=site_id, lane_rank=lane_rank, cause=cause, copies=copies, first_at=now
        )
        session.connection().execute(
            statement.on_conflict_do_update(
                index_elements=["site_id", "lane_rank", "cause"],
                set_={
                    "copies": Expiry.copies + copies,
                    "first_at": func.coalesce(Expiry.first_at, now),
                },
            )
        )


def _cause(reason: Mapping[str, Any] | None) -> str:
    return str(reason["code"])[:64] if reason and "code" in reason else TURN


def tell_owners(relay: Relay, session: Session, *, now: datetime) -> int:
    """Write to the owners of sites whose mail expired; returns how many letters were written."""
    due = session.execute(
        select(Expiry.site_id)
        .group_by(Expiry.site_id)
        .having(
            func.min(Expiry.first_at) <= now - GATHERED_FOR,
            func.coalesce(func.max(Expiry.told_at), _LONG_AGO) <= now - TOLD_EVERY,
        )
        .limit(100)
    ).scalars()
    written = 0
    for site_id in sorted(due):
        rows = session.scalars(
            select(Expiry).where(Expiry.site_id == site_id, Expiry.copies > 0).with_for_update()
        ).all()
        site = session.get(Site, site_id)
        if rows and site is not None and site.state is not State.TERMINATED:
            _write(relay, session, site, rows, now)
            written += 1
        session.execute(
            update(Expiry)
            .where(Expiry.site_id == site_id)
            .values(copies=0, first_at=None, told_at=now)
            .execution_options(synchronize_session=False)
        )
    return written


_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _write(
    relay: Relay, session: Session, site: Site, rows: Sequence[Expiry], now: datetime
) -> None:
    found = sorted(rows, key=lambda row: (RANKS.index(row.lane_rank), -row.copies))
    values = {
        "total": sum(row.copies for row in rows),
        "site": site.name,
        "url": site.url,
        "lost": [(LANES[Lane.of_rank(row.lane_rank)], lost(row)) for row in found],
        "slow_gateway": any(row.cause == "gateway-pace" for row in rows),
    }
    letters.to_owner(
        session, site.account_id, "expired", values, sender=relay.settings.house_sender, now=now
    )


def lost(row: Expiry) -> Saying:
    """How many mails were lost, and by what."""
    why = Saying.read(CAUSES.get(row.cause, OTHER))
    return say_many(
        "%(number)s mail (%(why)s)", "%(number)s mails (%(why)s)", number=row.copies, why=why
    )
