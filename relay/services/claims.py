"""What leaves next: copies are leased by lane, by turns, within the budget and the gateways' paces.

One short transaction under the budget's lock (docs/dispatcher.md): fill the budget by the time that
has passed, see how many copies may leave, lease them, put off those of gateways that are held back,
take the tokens of the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay.db import new_id
from relay.models import Attempt
from relay.policy import budget as policy
from relay.policy import lanes
from relay.policy.budget import Allowance
from relay.policy.lanes import LOWER
from relay.sayings import phrase
from relay.services import budgets, expiries, paces, turns
from relay.services.delivery import LEASE, MOST_TRIES, UNSURE, Copy, finish
from relay.vocabulary import AttemptState, EventType

EVERYWHERE: Mapping[int, UUID] = {}

ROUNDS = 4
"""How often a lane is gone through in one claim while some site has more to give."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one claim gave, and why it gave no more.

    `more`: others may be due, claim again at once. `wait` is how many seconds it takes until the
    budget allows another copy, `held_for` for how many nothing may leave at all.
    """

    copies: Sequence[Copy] = ()
    more: bool = False
    wait: float = 0.0
    held_for: float = 0.0
    rate: float | None = None


def claim(
    session: Session, *, most: int, now: datetime, begin_at: Mapping[int, UUID] = EVERYWHERE
) -> Claimed:
    """Lease up to `most` due copies. Copies that others have locked are skipped.

    `begin_at` names, by the lane's rank, sites of which it is known that something is due, so that a
    walk through many sites with nothing due need not come to them first.
    """
    locked = budgets.lock(session)
    budget = policy.filled(locked.budget, now)
    if held := policy.held_for(budget, now):
        return Claimed(held_for=held, rate=budget.rate)
    allowance = policy.allowance(budget, most, now)
    if not allowance.copies:
        return Claimed(wait=policy.until_next(budget) or NO_QUOTA, rate=budget.rate)
    taking = _Taking(session, locked.lanes, locked.queued, allowance, begin_at, now)
    taking.take_all()
    going = _settled(session, taking.rows, paced=locked.paced, now=now)
    gone = Counter(row.lane_rank for row in going)
    lower = sum(gone[rank] for rank in LOWER)
    budget = policy.spent(budget, len(going), lower)
    state = taking.state()
    if taking.rows or state != locked.lanes:
        budgets.save(session, budget, state)
    copies = [
        Copy(row.id, row.message_id, row.address, taking.lease, row.lane_rank, row.tries)
        for row in going
    ]
    return Claimed(
        sorted(copies, key=lambda copy: copy.lane_rank),
        more=taking.more and bool(taking.rows),
        wait=policy.until_next(budget),
        rate=budget.rate,
    )


NO_QUOTA = 1.0
"""Seconds between looks at a day quota that is used up."""


class _Taking:
    """One claim on its way through the lanes."""

    def __init__(
        self,
        session: Session,
        state: Mapping[str, Any],
        queued: frozenset[int],
        allowance: Allowance,
        begin_at: Mapping[int, UUID],
        now: datetime,
    ) -> None:
        self._session = session
        self._now = now
        self._queued = queued
        self._left = allowance.copies
        self._lower_left = allowance.lower
        self._after = {int(rank): UUID(each["after"]) for rank, each in state.items()}
        self._after |= {rank: UUID(int=max(0, site.int - 1)) for rank, site in begin_at.items()}
        self._owed = {int(rank): float(each["owed"]) for rank, each in state.items()}
        self._empty = set(lanes.RANKS) - queued
        self.lease = new_id()
        self.rows: list[Any] = []
        self.more = False

    def take_all(self) -> None:
        """Lease copies lane by lane, until the allowance is used up or nothing more is due."""
        for rank, at_most in lanes.order(self._owed):
            if rank in self._queued:
                self._take(rank, at_most)

    def _take(self, rank: int, at_most: int | None) -> None:
        asked_for = at_most
        for _ in range(ROUNDS):
            room = min(self._left, self._lower_left) if rank in LOWER else self._left
            room = room if asked_for is None else min(room, asked_for)
            if room <= 0:
                self.more = True
                return
            turn = turns.take(
                self._session,
                rank,
                after=self._after.get(rank, turns.NOBODY),
                most=room,
                lease=self.lease,
                lease_ends=self._now + LEASE,
                now=self._now,
            )
            self._after[rank] = turn.after
            self.rows += turn.rows
            self._left -= len(turn.rows)
            if rank in LOWER:
                self._lower_left -= len(turn.rows)
            if asked_for is not None:
                asked_for -= len(turn.rows)
            if not turn.rows and turn.round:
                self._empty.add(rank)
            if not turn.more:
                self.more = self.more or not turn.round
                return
        self.more = True

    def state(self) -> dict[str, Any]:
        """Whose turn it is in each lane, and what each is owed; for the budget's row."""
        served = Counter(row.lane_rank for row in self.rows)
        owed = lanes.settled(self._owed, served, frozenset(self._empty))
        return {
            str(rank): {
                "after": self._after.get(rank, turns.NOBODY).hex,
                "owed": owed.get(rank, 0.0),
            }
            for rank in lanes.RANKS
            if rank in self._after or rank in owed
        }


def _settled(session: Session, rows: Sequence[Any], *, paced: bool, now: datetime) -> list[Any]:
    """The leased copies that really go: not those that came too late, were tried too often, or whose
    gateway asks for patience."""
    expired = [row for row in rows if row.expires_at <= now]
    _give_up(
        session,
        expired,
        EventType.EXPIRED,
        "expired",
        phrase("It waited longer than it was worth"),
        now,
    )
    expiries.note(session, expired, now=now)
    worn = [row for row in rows if row.expires_at > now and row.tries > MOST_TRIES]
    _give_up(
        session, worn, EventType.FAILED, "too-many-tries", phrase("It was tried too often"), now
    )
    going = [row for row in rows if row.expires_at > now and row.tries <= MOST_TRIES]
    if paced:
        put_off = paces.put_off(session, going, now=now)
        going = [row for row in going if row.id not in put_off]
    return going


def _give_up(
    session: Session, rows: Sequence[Any], type: EventType, code: str, title: str, now: datetime
) -> None:
    """End copies that were never sent – or, where an earlier attempt is unknown, say just that."""
    if not rows:
        return
    ids = [row.id for row in rows]
    unsure = set(
        session.scalars(
            select(Attempt.recipient_id).where(
                Attempt.recipient_id.in_(ids), Attempt.state == AttemptState.UNKNOWN
            )
        )
    )
    sure = [id for id in ids if id not in unsure]
    finish(session, sure, type, title, code=code, now=now)
    finish(session, sorted(unsure), EventType.UNCONFIRMED, UNSURE, code="unconfirmed", now=now)
