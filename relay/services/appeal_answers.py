"""Answers to appeals: accepted, it may send again and chosen mail leaves; declined, all stays as it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay.errors import Conflict, Invalid, NotFound
from relay.models import Action, Appeal, Review
from relay.services import actions, appeals, reviews
from relay.services.actions import Order, Subject
from relay.vocabulary import AppealDecision, Decision, Verb


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operator decides on an appeal, by whom, and in which words to the owner.

    `release` are the reviews whose frozen mail leaves, as a drip, if the appeal is accepted.
    """

    decision: AppealDecision
    by: str
    reason: str
    release: Collection[UUID] = ()
    per_minute: int = reviews.DRIP


def decide(
    session: Session, appeal_id: UUID, answer: Answer, *, sender: str, now: datetime
) -> Appeal:
    """Answer an appeal, and tell the owner.

    Accepting lets the account or site send again, and what was frozen for the chosen reviews leave as
    a drip; the other reviews stay. Raises `NotFound`, `Invalid` without a reason, and `Conflict` where
    it was answered already, or something else still stops the chosen mail.
    """
    if not answer.reason.strip():
        raise Invalid("Say why: the owner reads it")
    found = session.scalar(select(Appeal).where(Appeal.id == appeal_id).with_for_update())
    if found is None:
        raise NotFound("There is no appeal with this id; `python -m relay appeals list` shows them")
    if found.decision is not None:
        raise Conflict(f"This appeal was {found.decision.value} already")
    if answer.release and answer.decision is AppealDecision.DECLINED:
        raise Invalid("A declined appeal releases no mail")
    found.decision, found.decided_at = answer.decision, now
    found.decided_by, found.answer = answer.by[:100], answer.reason
    action = session.get_one(Action, found.action_id)
    told = False
    if answer.decision is AppealDecision.ACCEPTED:
        told = _reinstate(session, found, action, answer, sender=sender, now=now)
    if not told:
        appeals.tell(session, found, action, sender=sender, now=now)
    return found


def _reinstate(
    session: Session, found: Appeal, action: Action, answer: Answer, *, sender: str, now: datetime
) -> bool:
    """Let it send again, and release what was chosen; False if it might send again already.

    The letter about the action tells the owner that the appeal is accepted.
    """
    still = appeals.in_force(session, found.account_id, found.site_id)
    same = (action.site_id, action.stream)
    restricted = any((each.site_id, each.stream) == same for each in still)
    if restricted:
        evidence = {"appeal": str(found.id), "against": str(found.action_id)}
        order = Order(Verb.REINSTATE, answer.by, answer.reason, evidence=evidence, on_appeal=True)
        whose = Subject(None if found.site_id else found.account_id, found.site_id, action.stream)
        actions.act(session, whose, order, sender=sender, now=now)
    for review_id in answer.release:
        _check_own(session, found, review_id)
        reviews.decide(
            session,
            review_id,
            Decision.RELEASED,
            because=answer.reason,
            drip=answer.per_minute,
            by=answer.by,
            now=now,
        )
    return restricted


def _check_own(session: Session, found: Appeal, review_id: UUID) -> None:
    """Whether the review holds frozen mail of whoever appealed. Raises `NotFound`."""
    review = session.get(Review, review_id)
    if (
        review is None
        or review.account_id != found.account_id
        or found.site_id not in (None, review.site_id)
        or review.lane is None
    ):
        raise NotFound(f"{review_id} is no frozen mail of this account or site")
