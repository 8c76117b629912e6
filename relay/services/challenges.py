"""The challenge of a form that is being flooded: a question in words; who answers it has their mail at once.

Everybody who uses the form at that time meets it, also those who will get no mail, and its pages
look alike for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from relay.errors import NotFound
from relay.keys import Keyring
from relay.models import Site, SubscriptionRequest
from relay.policy import sign_ups as rules
from relay.policy.questions import MOST_TRIES, Question, is_right, question
from relay.services import locks, sign_ups
from relay.services.sign_ups import CHALLENGE
from relay.services.subscriptions import TOKEN
from relay.vocabulary import RequestOutcome

QUICKEST = timedelta(seconds=2)
"""Nobody reads the question and types the answer in less (our decision)."""

LASTS = rules.LONGEST_WAIT

STAMP = "challenge stamp"
"""Purpose of the seal on the hidden field that says which question was shown, and when."""


class Standing(StrEnum):
    """Where a challenge stands: open, solved, or used up by wrong answers."""

    OPEN = "open"
    SOLVED = "solved"
    SPENT = "spent"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a challenge's page shows."""

    site_name: str
    language: str
    standing: Standing
    question: Question
    stamp: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """An answer, with the hidden fields that came with it. People leave `bait` empty."""

    said: str
    bait: str
    stamp: str


def look(session: Session, keyring: Keyring, token: str, *, now: datetime) -> Challenge:
    """The question of this challenge. Raises `NotFound` for one that is unknown or over."""
    request, site_name = _find(session, keyring, token, now)
    return _shown(keyring, request, site_name, now)


def solve(
    session: Session, keyring: Keyring, token: str, attempt: Attempt, *, now: datetime
) -> Challenge:
    """Try an answer. A right one lets the mail go; a wrong one brings another question.

    A question that is not the one shown last counts for nothing. Raises `NotFound` as `look`.
    """
    request, site_name = _find(session, keyring, token, now, lock=True)
    if _standing(request) is Standing.OPEN:
        shown_at = _shown_at(keyring, request, attempt.stamp)
        if shown_at is not None:
            asked = _question(request)
            human = not attempt.bait and now - shown_at >= QUICKEST
            if human and is_right(asked, attempt.said):
                request.solved_at = now
                _let_go(session, request, now)
            else:
                request.challenge_tries += 1
            session.flush()
    return _shown(keyring, request, site_name, now)


def _let_go(session: Session, request: SubscriptionRequest, now: datetime) -> None:
    """Make the sign-up due, unless its form has had very many solved ones: then it keeps its place."""
    waits = request.outcome in (RequestOutcome.QUEUED, RequestOutcome.CHALLENGED)
    if not waits or request.person is None:
        return
    locks.hold(session, [request.form])
    most = rules.SOLVED * rules.allowance(*sign_ups.share(session, request.form, now=now))
    solved = session.execute(
        select(func.count()).where(
            SubscriptionRequest.form == request.form,
            SubscriptionRequest.solved_at > now - rules.AN_HOUR,
        )
    ).scalar_one()
    if solved < most:
        request.due_at = now


def _find(
    session: Session, keyring: Keyring, token: str, now: datetime, *, lock: bool = False
) -> tuple[SubscriptionRequest, str]:
    digests = keyring.commitments(CHALLENGE, token) if TOKEN.fullmatch(token) else []
    query: Any = (
        select(SubscriptionRequest, Site.name)
        .join(Site, Site.id == SubscriptionRequest.site_id)
        .where(
            SubscriptionRequest.challenge_digest.in_(digests), SubscriptionRequest.at > now - LASTS
        )
    )
    if lock:
        query = query.with_for_update(of=SubscriptionRequest)
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound("This link does not work, or no longer")
    return row.SubscriptionRequest, row.name


def _shown(
    keyring: Keyring, request: SubscriptionRequest, site_name: str, now: datetime
) -> Challenge:
    stamp = keyring.seal(STAMP, f"{request.id} {request.challenge_tries} {now.timestamp()}")
    return Challenge(site_name, request.language, _standing(request), _question(request), stamp)


def _standing(request: SubscriptionRequest) -> Standing:
    if request.solved_at is not None:
        return Standing.SOLVED
    return Standing.SPENT if request.challenge_tries >= MOST_TRIES else Standing.OPEN


def _question(request: SubscriptionRequest) -> Question:
    return question(str(request.challenge_digest), request.challenge_tries)


def _shown_at(keyring: Keyring, request: SubscriptionRequest, stamp: str) -> datetime | None:
    """When the question that is to be answered was shown; None if this was not the one."""
    text = keyring.open(STAMP, stamp) or ""
    match text.split():
        case [id, tries, at] if UUID(id) == request.id and int(tries) == request.challenge_tries:
            return datetime.fromtimestamp(float(at), tz=request.at.tzinfo)
    return None
