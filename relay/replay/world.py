"""The relay's database in memory, with the sites of a scenario, and its duties: count, judge, guard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from relay import db
from relay.db import Base, new_id, table_of
from relay.models import AbuseReport, Account, Action, Pulse, Site, SourceCount
from relay.replay.life import Life, life_of
from relay.replay.scenario import Elsewhere, Scenario
from relay.services import accounts, judging, tallies
from relay.services.tallies import Told
from relay.vocabulary import AbuseReason, Stream

JUDGED_EVERY = timedelta(hours=23)
"""Streams of which nothing bad is heard are judged once a day here; the relay does it every hour."""

_PULSES = table_of(Pulse)
_WAIT = (
    update(_PULSES)
    .where(_PULSES.c.due_at > bindparam("now"), _PULSES.c.due_at < bindparam("later"))
    .values(due_at=bindparam("later"))
)

SENDER = "relay@relay.example"
BEFORE = timedelta(days=40)
"""How long ago the mail of before the first day was sent: it is history, and judges nobody any more."""


class World:
    """One installation of the relay, that nobody can see from outside."""

    def __init__(self) -> None:
        self._engine = db.connect("sqlite://")
        Base.metadata.create_all(self._engine)
        self._sessions = db.writing(self._engine)
        self._seen: set[UUID] = set()
        self._elsewhere: UUID | None = None

    def close(self) -> None:
        """Forget all of it."""
        self._engine.dispose()

    def settle(self, scenario: Scenario, now: datetime) -> list[Life]:
        """The scenario's accounts and sites, with their history."""
        lives: list[Life] = []
        known: dict[str, Account] = {}
        with self._sessions.begin() as session:
            for place in scenario.places:
                for number in range(1, place.times + 1):
                    name = f"{place.name} {number}" if place.times > 1 else place.name
                    account = known.get(place.account)
                    if account is None:
                        account = known[place.account] = _account(session, place.account, now)
                    account.plan = place.plan
                    site = accounts.create_site(
                        session, account.id, name=name, url="https://site.example", now=now
                    )
                    site.created_at = now - timedelta(days=place.age)
                    lives.append(life_of(place, site.id, account.id, name, now))
            others = accounts.create_site(
                session,
                _account(session, "All others", now).id,
                name="All others",
                url="https://others.example",
                now=now,
            )
            self._elsewhere = others.id
            session.flush()
            history = [
                _history(life, now) for life in lives if life.place.delivered and life.place.age
            ]
            tallies.add(session, history, now=now)
        return lives

    def turn(self, told: Sequence[Told], reports: Iterable[Life], now: datetime) -> list[Action]:
        """What was reported is counted (`services.tallies`), and streams whose turn it is are judged
        (`services.judging`); returns what the relay did."""
        with self._sessions.begin() as session:
            tallies.add(session, told, now=now)
            for life in reports:
                session.add(_abuse(life, now))
                session.flush()
                tallies.wake(session, life.id, Stream.MARKETING, now=now)
            judging.judge_due(session, sender=SENDER, now=now)
            session.execute(_WAIT, {"now": now, "later": now + JUDGED_EVERY})
            return self._news(session, now)

    def guard(self, of: Elsewhere, now: datetime) -> list[Action]:
        """All mail together is looked at, with a day of all others' (`services.judging.guard`)."""
        with self._sessions.begin() as session:
            tallies.add(session, [self._others(of, now)], now=now)
            judging.guard(session, sender=SENDER, now=now)
            return self._news(session, now)

    def _others(self, of: Elsewhere, now: datetime) -> Told:
        """What other customers have sent in a day, and what was reported of it."""
        assert self._elsewhere is not None
        numbers = {
            "sent": of.per_day,
            "ended": of.per_day,
            "delivered": round(of.per_day * (1 - of.bounces)),
            "heard": of.per_day // 3,
            "permanent": round(of.per_day * of.bounces),
            "complaints": round(of.per_day * of.complaints / 3),
        }
        return Told(
            self._elsewhere, Stream.TRANSACTIONAL, now, "others.example", "", "other", None, numbers,
            written_here=True,
        )  # fmt: skip

    def _news(self, session: Session, now: datetime) -> list[Action]:
        """Rows of the audit log that were written now."""
        rows = session.scalars(select(Action).where(Action.at == now).order_by(Action.id)).all()
        found = [row for row in rows if row.id not in self._seen]
        self._seen |= {row.id for row in found}
        return found

    def refresh(self, lives: Iterable[Life]) -> None:
        """Where these sites stand now, as the database says."""
        with self._sessions.begin() as session:
            for life in lives:
                site = session.get_one(Site, life.id)
                life.state, life.cause, life.streams = site.state, site.cause, site.streams
                life.slowed_until = site.slowed_until
                life.held_sources = {
                    row.source: row.open_until
                    for row in session.scalars(
                        select(SourceCount).where(
                            SourceCount.site_id == life.id, SourceCount.open_until.is_not(None)
                        )
                    )
                    if row.open_until is not None
                }


def _account(session: Session, name: str, now: datetime) -> Account:
    return accounts.create_account(session, name=name, owner_email="owner@site.example", now=now)


def _history(life: Life, now: datetime) -> Told:
    numbers = {"sent": life.place.delivered, "delivered": life.place.delivered}
    return Told(
        life.id, Stream.TRANSACTIONAL, now - BEFORE, "site.example", "", "other", None, numbers
    )


def _abuse(life: Life, now: datetime) -> AbuseReport:
    return AbuseReport(
        id=new_id(),
        account_id=life.account_id,
        site_id=life.id,
        address_key="somebody@site.example",
        reason=AbuseReason.NEVER_SIGNED_UP,
        evidence={},
        at=now,
    )
