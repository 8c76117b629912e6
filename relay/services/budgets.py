"""The budget all workers share: its row is the lock under which they take tokens, learn and hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from relay.db import constant, is_postgresql, table_of, upsert
from relay.gateways.ses import SendingAccount
from relay.models import Recipient, SendingBudget, SendingPace
from relay.policy import budget as policy
from relay.policy.budget import Budget
from relay.policy.lanes import RANKS
from relay.vocabulary import Stage

PROVIDER = "ses"

ASK_EVERY = timedelta(seconds=60)
"""How often the provider is asked for its limits, by one worker for all."""

_ROW, _COPIES, _PACES = table_of(SendingBudget), table_of(Recipient), table_of(SendingPace)


def _queued(rank: int) -> Any:
    """Whether anything of the lane is queued, due or not: one look into the index of turns.

    The order makes the planner use it; for a bare EXISTS it may read the whole table.
    """
    first = (
        select(_COPIES.c.site_id)
        .where(
            _COPIES.c.stage == constant(_COPIES.c.stage, Stage.QUEUED), _COPIES.c.lane_rank == rank
        )
        .order_by(_COPIES.c.site_id)
        .limit(1)
    )
    return first.scalar_subquery().is_not(None)


_QUEUED = [_queued(rank).label(f"queued_{rank}") for rank in RANKS]
_PACED = select(select(_PACES.c.site_id).exists()).scalar_subquery().label("paced")

# What a claim writes need not outlive a crash of the database: leases and tokens that are lost with it
# were of use to nobody, and the attempts that follow are committed for sure, the claim with them.
# A claim's statements take longer to plan than to execute, and there is only one good plan: along the
# index of turns, however small the queue was when it was planned. So this comes before the first of them.
_SETTINGS = """
SET LOCAL synchronous_commit = off;
SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off
"""

_LOOK = select(*_QUEUED)
_MINE = _ROW.c.provider == PROVIDER
_LOCK = select(_ROW, *_QUEUED, _PACED).where(_MINE).with_for_update(of=_ROW)
_READ = select(_ROW).where(_MINE)

_KEPT = {
    "rate": "ceiling",
    "rate_now": "rate",
    "tokens": "tokens",
    "lower_tokens": "lower",
    "filled_at": "filled_at",
    "throttled_at": "throttled_at",
    "held_until": "held_until",
    "held_code": "held_code",
    "per_day": "per_day",
    "sent_day": "sent_day",
    "taken": "taken",
}
"""Columns of the row, and the budget's names for them."""

_SAVE = (
    update(_ROW).where(_MINE).values({name: bindparam(f"v_{name}") for name in (*_KEPT, "lanes")})
)


@dataclass(frozen=True, slots=True)
class Locked:
    """The budget while this transaction alone may change it, and what was to be seen at the time.

    `lanes` is whose turn it is, `queued` the ranks in which anything is queued (due or not); `paced`
    says whether any receiving gateway holds anybody back.
    """

    budget: Budget
    lanes: Mapping[str, Any]
    queued: frozenset[int]
    paced: bool


def lock(session: Session) -> Locked:
    """Lock the budget's row, which is made if it is not there yet, until the transaction ends."""
    connection = session.connection()
    if is_postgresql(session):
        connection.exec_driver_sql(_SETTINGS)
    row = connection.execute(_LOCK).one_or_none()
    if row is None:
        connection.execute(
            upsert(session, SendingBudget)
            .values(provider=PROVIDER, lanes={}, backlog={})
            .on_conflict_do_nothing()
        )
        row = connection.execute(_LOCK).one()
    queued = frozenset(rank for rank in RANKS if getattr(row, f"queued_{rank}"))
    return Locked(_of(row), row.lanes, queued, bool(row.paced))


def save(session: Session, budget: Budget, lanes: Mapping[str, Any]) -> None:
    """Write down what has become of the budget that this transaction has locked."""
    values = {f"v_{column}": getattr(budget, name) for column, name in _KEPT.items()}
    session.connection().execute(_SAVE, {**values, "v_lanes": dict(lanes)})


def read(session: Session) -> Budget:
    """The budget as it is, without a lock; an empty one where nothing has been sent yet."""
    row = session.connection().execute(_READ).one_or_none()
    return _of(row) if row is not None else Budget()


def queued_lanes(session: Session) -> frozenset[int]:
    """Ranks of the lanes in which anything is queued, due or not; takes no lock."""
    row = session.connection().execute(_LOOK).one()
    return frozenset(rank for rank, queued in zip(RANKS, row, strict=True) if queued)


def trouble(session: Session, code: str, *, in_use: int, now: datetime) -> Budget:
    """Slow down or hold everybody: an answer of the provider concerns all that is sent."""
    locked = lock(session)
    budget = policy.troubled(policy.filled(locked.budget, now), code, now, in_use=in_use)
    save(session, budget, locked.lanes)
    return budget


@dataclass(frozen=True, slots=True)
class Question:
    """That this worker asks the provider now, and what its answer cannot know yet."""

    taken: int
    in_hand: int


def ask(session: Session, *, now: datetime) -> Question | None:
    """Take it upon this worker to ask the provider; None where another has asked lately.

    While nobody has learned anything yet, everybody asks: nobody should send without knowing. Leased
    copies that are not started yet, a moment's worth, are not counted as in hand.
    """
    lock(session)
    row = session.execute(
        update(SendingBudget)
        .where(
            SendingBudget.provider == PROVIDER,
            or_(
                SendingBudget.learned_at.is_(None),
                SendingBudget.asked_at.is_(None),
                SendingBudget.asked_at <= now - ASK_EVERY,
            ),
        )
        .values(asked_at=now)
        .returning(SendingBudget.taken)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        return None
    in_hand = session.scalar(
        select(func.count()).where(Recipient.stage.in_((Stage.LEASED, Stage.SENDING)))
    )
    return Question(row.taken, in_hand or 0)


def learn(session: Session, question: Question, told: SendingAccount, *, now: datetime) -> None:
    """Keep what the provider answered.

    Its count of the day cannot hold what was in hand when it was asked, nor what was taken since.
    """
    locked = lock(session)
    since = max(0, locked.budget.taken - question.taken) + question.in_hand
    per_day = None if told.max_24_hours is None else int(told.max_24_hours)
    budget = policy.learned(
        policy.filled(locked.budget, now),
        ceiling=told.max_rate,
        per_day=per_day,
        sent_day=int(told.sent_24_hours),
        since=since,
    )
    if not told.may_send:
        budget = policy.troubled(budget, "provider-stopped", now, in_use=0)
    save(session, budget, locked.lanes)
    session.execute(
        update(SendingBudget).where(SendingBudget.provider == PROVIDER).values(learned_at=now)
    )


def _of(row: Any) -> Budget:
    return Budget(**{name: getattr(row, column) for column, name in _KEPT.items()})
