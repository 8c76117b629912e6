"""Appeals of owners against what was done to their account or site; `appeal_answers` answers them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from relay.db import new_id
from relay.errors import AlreadyExists, Invalid, NotFound, NothingToAppeal
from relay.models import Account, Action, Appeal, Site
from relay.policy.appeals import APPEALABLE, LONGEST, answer_by
from relay.policy.reasons import CAUSES, DONE
from relay.policy.standing import STEPS, STRICTNESS
from relay.services import actions, letters, reviews
from relay.services.paging import Place, in_order
from relay.vocabulary import State, Stream, Verb

LOOKED_AT = 500
"""Latest actions of a site and its account among which those in force are looked for."""


@dataclass(frozen=True, slots=True)
class Case:
    """An appeal, the action it is about, and whose it is."""

    appeal: Appeal
    action: Action
    account: str
    site: str | None


def appeal(
    session: Session,
    account_id: UUID,
    site_id: UUID | None,
    text: str,
    *,
    action_id: UUID | None = None,
    sender: str,
    now: datetime,
) -> Appeal:
    """Take an owner's appeal, and tell the owner by when it is answered.

    Without `action_id` it is about what restricts the site most. Raises `Invalid` for an empty or
    endless text, `NotFound` for somebody else's action, `NothingToAppeal` where nothing is in force,
    and `AlreadyExists` while an appeal against the same action is open.
    """
    said = text.strip()
    if not said or len(said) > LONGEST:
        raise Invalid(f"Say what happened, in at most {LONGEST:,} characters")
    action = _against(session, account_id, site_id, action_id)
    if session.scalar(_open().where(Appeal.action_id == action.id)) is not None:
        raise _twice(action.id)
    made = Appeal(
        id=new_id(),
        account_id=account_id,
        site_id=action.site_id,
        action_id=action.id,
        text=said,
        at=now,
        answer_by=answer_by(now),
    )
    try:
        with session.begin_nested():
            session.add(made)
            session.flush()
    except IntegrityError:  # the same appeal came twice at once
        raise _twice(action.id) from None
    tell(session, made, action, sender=sender, now=now)
    return made


def in_force(session: Session, account_id: UUID, site_id: UUID | None) -> Sequence[Action]:
    """What was done against the account, the site or its streams, and still holds; the worst first.

    Of each of them the latest action holds, and those before it are over. Who lets a whole site send
    again lets all its streams.
    """
    whose: ColumnElement[bool] = Action.site_id.is_(None)
    if site_id is not None:
        whose |= Action.site_id == site_id
    rows = session.scalars(
        select(Action)
        .where(Action.account_id == account_id, whose, Action.verb.in_(STEPS))
        .order_by(Action.id.desc())
        .limit(LOOKED_AT)
    )
    latest: dict[tuple[UUID | None, Stream | None], Action] = {}
    freed: set[UUID | None] = set()
    for row in rows:
        if row.site_id not in freed:
            latest.setdefault((row.site_id, row.stream), row)
        if row.verb is Verb.REINSTATE and row.stream is None:
            freed.add(row.site_id)
    return sorted(
        (row for row in latest.values() if row.verb in APPEALABLE),
        key=lambda row: (STRICTNESS.index(State(row.after["state"])), row.id),
        reverse=True,
    )


def of_account(
    session: Session,
    account_id: UUID,
    site_id: UUID | None = None,
    *,
    limit: int,
    before: UUID | None = None,
) -> Sequence[Appeal]:
    """The account's appeals, newest first; for a site its own and those about the whole account."""
    query = select(Appeal).where(Appeal.account_id == account_id)
    if site_id is not None:
        query = query.where(Appeal.site_id.is_(None) | (Appeal.site_id == site_id))
    if before is not None:
        query = query.where(Appeal.id < before)
    return session.scalars(query.order_by(Appeal.id.desc()).limit(limit)).all()


def cases(
    session: Session,
    *,
    account_id: UUID | None = None,
    decided: bool = False,
    limit: int = 100,
    after: Place | None = None,
) -> list[Case]:
    """Open appeals, the most urgent first; with `decided`, those that were answered, newest first.

    `after` is the `place` of the last one that was seen.
    """
    query = (
        select(Appeal, Action, Account.name, Site.name)
        .join(Action, Action.id == Appeal.action_id)
        .join(Account, Account.id == Appeal.account_id)
        .outerjoin(Site, Site.id == Appeal.site_id)
        .limit(limit)
    )
    if decided:
        query = query.where(Appeal.decision.is_not(None))
        query = in_order(query, Appeal.decided_at, Appeal.id, after=after, newest_first=True)
    else:
        query = query.where(Appeal.decision.is_(None))
        query = in_order(query, Appeal.at, Appeal.id, after=after)
    if account_id is not None:
        query = query.where(Appeal.account_id == account_id)
    return [Case(*row) for row in session.execute(query)]


def place(found: Case) -> Place:
    """Where an appeal stands in its list: of those that are open, or of those that were answered."""
    return Place(found.appeal.decided_at or found.appeal.at, found.appeal.id)


def find(session: Session, appeal_id: UUID) -> Case:
    """One appeal. Raises `NotFound`."""
    found = session.get(Appeal, appeal_id)
    if found is None:
        raise NotFound("There is no appeal with this id; `python -m relay appeals list` shows them")
    site = session.get_one(Site, found.site_id).name if found.site_id else None
    account = session.get_one(Account, found.account_id).name
    return Case(found, session.get_one(Action, found.action_id), account, site)


def frozen(session: Session, appeal: Appeal) -> list[reviews.Waiting]:
    """What was frozen, and could be released with the appeal."""
    found = reviews.waiting(session, account_id=appeal.account_id, site_id=appeal.site_id)
    return [each for each in found if each.review.lane is not None]


def _against(
    session: Session, account_id: UUID, site_id: UUID | None, action_id: UUID | None
) -> Action:
    still = in_force(session, account_id, site_id)
    if action_id is None:
        if not still:
            raise NothingToAppeal("Nothing restricts this account or site")
        return still[0]
    found = session.get(Action, action_id)
    if found is None or found.account_id != account_id or found.site_id not in (None, site_id):
        raise NotFound("There is no such action on this account or site")
    if found.id not in {each.id for each in still}:
        raise NothingToAppeal("This action is not in force, so there is nothing to undo")
    return found


def _open() -> Select[UUID]:
    return select(Appeal.id).where(Appeal.decision.is_(None))


def _twice(action_id: UUID) -> AlreadyExists:
    return AlreadyExists(
        "An appeal against this is open; it is answered first", action_id=str(action_id)
    )


def tell(session: Session, found: Appeal, action: Action, *, sender: str, now: datetime) -> None:
    """Write to the owner: that the appeal arrived and by when it is answered, or how it was decided."""
    name = actions.name_of(session, action).partition(" ")[2]
    values = {
        "name": name,
        "word": found.decision.value if found.decision else "received",
        "answer_by": found.answer_by,
        "answer": found.answer,
        "number": found.id,
        "done": DONE[action.verb],
        "done_at": action.at,
        "cause": CAUSES[action.cause] if action.cause else None,
        "reason": actions.reason_of(action),
    }
    letters.to_owner(session, found.account_id, "appeal", values, sender=sender, now=now)
