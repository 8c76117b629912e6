"""What an accepted newsletter or notification does: it goes into the queue, or waits for its turn.

Asked under the site's lock, before the rows are written. It costs such mail one reading and one
statement more; transactional and protected mail is never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, exists, func, or_, select, update
from sqlalchemy.orm import Session

from relay import bulk
from relay.db import new_id, table_of
from relay.models import Sending, Subscription
from relay.policy import canary
from relay.policy.consent import PROMOTIONAL
from relay.policy.windows import day_of
from relay.services import allowances
from relay.services.allowances import TAKE, Standing
from relay.services.intake import Rows
from relay.vocabulary import (
    CanaryCause,
    CanaryState,
    Lane,
    Stage,
    SubscriptionStatus,
    WaitReason,
)

WATCHED = frozenset((CanaryState.GATHERING, CanaryState.WATCHING))
"""While a sending is in these states, only the copies that go first may go."""

PASSED = frozenset((None, CanaryState.CLEAN))
"""Nothing stands in the way of its copies but the allowance."""

_COLUMNS = (
    "id", "site_id", "list_id", "lane_rank", "domain", "day", "began_at", "last_at", "accepted",
    "due_at", "waits", "canary", "canary_cause", "canary_at",
)  # fmt: skip
_KEPT = ("last_at", "due_at", "waits", "canary", "canary_cause", "canary_at")
_SENDINGS = table_of(Sending)
_BEGIN = bulk.insertion(Sending, "s", *_COLUMNS)
_GO_ON = (
    update(_SENDINGS)
    .where(_SENDINGS.c.id == bindparam("s_id"))
    .values(
        accepted=_SENDINGS.c.accepted + bindparam("s_accepted"),
        **{name: bindparam(f"s_{name}") for name in _KEPT},
    )
)
_NOTE = {
    (new, drawn): bulk.Together(*([TAKE] if drawn else []), _BEGIN if new else _GO_ON)
    for new in (True, False)
    for drawn in (True, False)
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes copies one sending: the list, the lane, and the registrable From-domain."""

    list_id: UUID | None
    lane: Lane
    domain: str


@dataclass(frozen=True, slots=True)
class _Sending:
    """A sending as it will be written, and whether it begins now."""

    values: dict[str, Any]
    new: bool


def place(session: Session, site_id: UUID, batch: Sequence[Rows], *, now: datetime) -> set[UUID]:
    """Decide for each promotional copy of these messages whether it is queued or waits.

    Gives the messages with which a newsletter begins.

    Straight into the queue goes a message if nothing of the site waits, the current hour and day have
    room for all its copies, and no canary is due. Otherwise all of them wait for `releases`.
    """
    groups: dict[Kind, list[list[dict[str, Any]]]] = {}
    for rows in batch:
        copies = [copy for copy in rows.recipients if copy["stage"] is Stage.QUEUED]
        if rows.message["lane"] in PROMOTIONAL and copies:
            groups.setdefault(_kind(rows.message), []).append(copies)
    if not groups:
        return set()
    standing = allowances.standing(session, site_id, {k.domain for k in groups}, now=now)
    known = {
        Kind(row.open_list_id, Lane.of_rank(row.open_lane_rank), row.open_domain): row
        for row in standing.sendings
    }
    for kind, messages in groups.items():
        _place(session, standing, kind, known.get(kind), messages, now)
    return {
        messages[0][0]["message_id"]
        for kind, messages in groups.items()
        if kind.lane is Lane.MARKETING and known.get(kind) is None
    }


def _kind(message: Mapping[str, Any]) -> Kind:
    list_id = message["list_id"]
    return Kind(
        UUID(list_id) if list_id else None,
        message["lane"],
        allowances.domain_of(message["sender"]),
    )


def _place(
    session: Session,
    standing: Standing,
    kind: Kind,
    found: Any,
    messages: Sequence[Sequence[dict[str, Any]]],
    now: datetime,
) -> None:
    people = sum(map(len, messages))
    sending = _continued(found) if found is not None else _begun(session, standing, kind, now)
    standing.today += people
    values = sending.values
    if values["canary"] is None and canary.is_unusual(standing.today, standing.usual):
        _watch(values, CanaryCause.UNUSUAL_VOLUME, now)
    going = 0
    for copies in messages:
        room = standing.room(kind.domain, now)
        goes = (
            not standing.waits
            and values["canary"] in PASSED
            and standing.state not in allowances.FROZEN
            and room.people >= going + len(copies)
        )
        going += len(copies) if goes else 0
        for copy in copies:
            copy["sending_id"] = values["id"]
            copy["stage"] = Stage.QUEUED if goes else Stage.WAITING
        if not goes:
            standing.waits = True
            _let_wait(values, room.because if room.people < going + len(copies) else None, now)
    values |= {"accepted": people, "last_at": now}
    drawn = standing.draw(kind.domain, going, now) if going else {}
    if drawn:
        standing.keep_steps(session)
    names = _COLUMNS if sending.new else ("id", "accepted", *_KEPT)
    given = {f"s_{name}": values[name] for name in names}
    _NOTE[sending.new, bool(drawn)].execute(session, given | drawn)


def _let_wait(values: dict[str, Any], because: WaitReason | None, now: datetime) -> None:
    """Have the sending looked at: at once, or when those that go first are chosen."""
    if values["due_at"] is not None:
        return
    watched = values["canary"] in WATCHED
    values["due_at"] = now + canary.GATHER if watched else now
    values["waits"] = WaitReason.CANARY if watched else because or WaitReason.NEXT_WINDOW


def _watch(values: dict[str, Any], cause: CanaryCause, now: datetime) -> None:
    """Let a few copies go first from now on."""
    values |= {
        "canary": CanaryState.GATHERING,
        "canary_cause": cause,
        "canary_at": now,
        "due_at": now + canary.GATHER,
        "waits": WaitReason.CANARY,
    }


def _continued(found: Any) -> _Sending:
    return _Sending({name: getattr(found, f"open_{name}") for name in _COLUMNS}, new=False)


def _begun(session: Session, standing: Standing, kind: Kind, now: datetime) -> _Sending:
    values: dict[str, Any] = dict.fromkeys(_COLUMNS) | {
        "id": new_id(),
        "site_id": standing.site_id,
        "list_id": kind.list_id,
        "lane_rank": kind.lane.rank,
        "domain": kind.domain,
        "day": day_of(now),
        "began_at": now,
    }
    if kind.list_id is not None and _is_first(session, kind.list_id):
        _watch(values, CanaryCause.FIRST_SENDING, now)
    return _Sending(values, new=True)


_READERS = (
    select(Subscription.id)
    .where(
        Subscription.list_id == bindparam("list"),
        Subscription.status.in_((SubscriptionStatus.CONFIRMED, SubscriptionStatus.ATTESTED)),
    )
    .limit(canary.LEAST + 1)
    .subquery("readers")
)
_FIRST = select(
    select(func.count()).select_from(_READERS).scalar_subquery().label("readers"),
    exists()
    .where(
        Sending.list_id == bindparam("list"),
        or_(Sending.canary.is_(None), Sending.canary == CanaryState.CLEAN),
    )
    .label("mailed"),
)


def _is_first(session: Session, list_id: UUID) -> bool:
    """Whether the list was never mailed without trouble, and has more readers than would go first."""
    found = session.execute(_FIRST, {"list": list_id}).one()
    return found.readers > canary.LEAST and not found.mailed
