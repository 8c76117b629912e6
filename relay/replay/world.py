"""The relay's database in memory, with the sites of a scenario, and its duties: count, judge, guard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay import db
from relay.db import Base, new_id
from relay.models import AbuseReport, Account, Action, Site, SourceCount
from relay.replay.life import Life, life_of
from relay.replay.scenario import Elsewhere, Scenario
from relay.services import accounts, judging, tallies
from relay.services.tallies import Told
from relay.vocabulary import AbuseReason, Stream

SENDER = "relay@relay.example"
BEFORE = timedelta(days=40)
"""How long ago the mail of before the first day was sent: it is history, and judges nobody any more."""


class World:
    """One installation of the relay, that nobody can see from outside."""

    def __init__(self) -> None:
        self._engine = db.connect("sqlite://")
        Base.metadata.create_all(self._engine)
        self._sessions = db.writing(self._engine)
        self._seen: UUID | None = None
        self._elsewhere: UUID | None = None

    def close(self) -> None:
        """Forget all of it."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with self._sessions.begin() as session:
            yield session

    def settle(self, scenario: Scenario, now: datetime) -> list[Life]:
        """The scenario's accounts and sites, with their history."""
        lives: list[Life] = []
        known: dict[str, Account] = {}
        with self._transaction() as session:
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

    def elsewhere(self, of: Elsewhere, hours: int, now: datetime) -> None:
        """What other customers have sent in so many hours, and what was reported of it."""
        sent = of.per_day * hours // 24
        assert self._elsewhere is not None
        numbers = {
            "sent": sent,
            "ended": sent,
            "delivered": round(sent * (1 - of.bounces)),
            "heard": sent // 3,
            "permanent": round(sent * of.bounces),
            "complaints": round(sent * of.complaints / 3),
        }
        told = Told(
            self._elsewhere, Stream.TRANSACTIONAL, now, "others.example", "", "other", None, numbers,
            written_here=True,
        )  # fmt: skip
        self.tell([told], now)

    def tell(self, told: Sequence[Told], now: datetime) -> None:
        """What was reported is counted (`services.tallies`)."""
        if told:
            with self._transaction() as session:
                tallies.add(session, told, now=now)

    def report(self, life: Life, times: int, now: datetime) -> None:
        """So many people report a newsletter as abuse."""
        with self._transaction() as session:
            for _ in range(times):
                session.add(_abuse(life, now))
            session.flush()
            tallies.wake(session, life.id, Stream.MARKETING, now=now)

    def judge(self, now: datetime) -> None:
        """Streams whose turn it is are judged (`services.judging`)."""
        with self._transaction() as session:
            judging.judge_due(session, sender=SENDER, now=now)

    def guard(self, now: datetime) -> None:
        """All mail together is looked at (`services.judging.guard`)."""
        with self._transaction() as session:
            judging.guard(session, sender=SENDER, now=now)

    def news(self) -> list[Action]:
        """Rows of the audit log that were written since this was asked the last time."""
        query = select(Action).order_by(Action.id)
        if self._seen is not None:
            query = query.where(Action.id > self._seen)
        with self._transaction() as session:
            found = list(session.scalars(query))
        if found:
            self._seen = found[-1].id
        return found

    def refresh(self, lives: Iterable[Life]) -> None:
        """Where these sites stand now, as the database says."""
        with self._transaction() as session:
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


def told_of(
    life: Life, stream: Stream, source: str, provider: str, at: datetime, numbers: dict[str, int]
) -> Told:
    """What is reported of copies of a site, in the words of the tallies."""
    return Told(life.id, stream, at, f"{life.id.hex}.example", source, provider, None, numbers)
