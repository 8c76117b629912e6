"""Taking in feedback reports of mailbox providers: find the copy, make it a case, do as after a complaint.

Our copy is found by what only we have put there: the person's own link in List-Unsubscribe, else
Amazon SES's Message-ID, which is the id of one attempt. The address itself providers leave out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay.db import new_id, upsert
from relay.errors import NotFound
from relay.gateways import arf
from relay.gateways.arf import Feedback
from relay.keys import Keyring
from relay.mail import DeliveryEvent
from relay.models import Attempt, FeedbackReport, Recipient
from relay.policy.abuse import COMPLAINTS, REASONS
from relay.policy.erasures import is_placeholder
from relay.services import abuse_reports, events, leaving, person_links
from relay.services.leaving import Hand, Way
from relay.services.paging import Place, in_order
from relay.services.person_links import Page, PersonLink
from relay.services.visitors import Visitor
from relay.vocabulary import AbuseOrigin, EventType, FeedbackResult, FeedbackType

SENTENCES = {
    FeedbackResult.COMPLAINT: "A complaint about our mail: it is a case now, and that mail stops",
    FeedbackResult.LEFT: "The person wants no more of it: they get no more",
    FeedbackResult.NOTED: "It is about our mail, and stops nothing",
    FeedbackResult.UNMATCHED: "Nobody knows which mail it is about; it is kept",
    FeedbackResult.KNOWN: "It was taken in before",
}
"""What became of a report, for people."""

_LINK = re.compile(rf"/{Page.UNSUBSCRIBE}/([\w-]{{{person_links.LENGTH}}})(?![\w-])")
_MESSAGE_ID = re.compile(r"<\s*([\w.-]{1,100})@[\w.-]*amazonses\.com\s*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a report was, and what became of it."""

    result: FeedbackResult
    type: FeedbackType
    feedback_id: UUID | None = None
    site_id: UUID | None = None
    message_id: UUID | None = None
    report_id: UUID | None = None

    def as_row(self) -> dict[str, Any]:
        """As a row for people, or JSON."""
        ids = ("feedback_id", "site_id", "message_id", "report_id")
        return {"result": self.result.value, "type": self.type.value} | {
            name: str(id) if (id := getattr(self, name)) else None for name in ids
        }


@dataclass(frozen=True, slots=True)
class _Copy:
    recipient_id: UUID
    attempt_id: UUID | None
    link: PersonLink


def take(session: Session, raw: bytes, *, keyring: Keyring, now: datetime) -> Taken:
    """Take in one report. The same bytes twice change nothing. Raises `FeedbackInvalid`, `TooLarge`.

    What says that the person minds the mail is a complaint of theirs, however often and by whomever it
    is told (`events.record`), and a case for the abuse desk. Who took mail out of the spam folder, or
    reports a failed signature, stops nothing.
    """
    feedback = arf.read(raw)
    copy = _find(session, feedback, keyring)
    id = _keep(session, feedback, copy, hashlib.sha256(raw).hexdigest(), now)
    if id is None:
        return Taken(FeedbackResult.KNOWN, feedback.type)
    if copy is None:
        return Taken(FeedbackResult.UNMATCHED, feedback.type, id)
    told = (id, copy.link.site_id, copy.link.message_id)
    if feedback.type is FeedbackType.OPT_OUT and copy.link.topic:
        hand = Hand(Visitor(None, ""), Way.FEEDBACK, now)
        leaving.leave(session, keyring, copy.link, hand)
        return Taken(FeedbackResult.LEFT, feedback.type, *told)
    if feedback.type not in COMPLAINTS or is_placeholder(
        str(copy.link.address)
    ):  # erased meanwhile
        return Taken(FeedbackResult.NOTED, feedback.type, *told)
    report_id = abuse_reports.report(
        session,
        copy.link,
        reason=REASONS[feedback.type],
        evidence={"feedback_id": str(id), "type": feedback.type.value, **feedback.fields},
        origin=AbuseOrigin.ARF,
        now=now,
    )
    session.get_one(FeedbackReport, id).report_id = report_id
    session.flush()
    if copy.attempt_id is not None:
        events.record(session, [_complaint(copy.attempt_id, feedback, now)], now=now)
    return Taken(FeedbackResult.COMPLAINT, feedback.type, *told, report_id)


def _complaint(attempt_id: UUID, feedback: Feedback, now: datetime) -> DeliveryEvent:
    """The report as the event that Amazon SES would have told; one for each attempt."""
    agent = feedback.fields.get("user-agent")
    return DeliveryEvent(
        type=EventType.COMPLAINED,
        occurred_at=now,
        key=hashlib.sha256(f"arf\n{attempt_id}".encode()).hexdigest(),
        provider_id="",
        attempt_id=attempt_id,
        data={"complaintFeedbackType": feedback.type.value, "by": "arf"}
        | ({"userAgent": agent} if agent else {}),
    )


def _find(session: Session, feedback: Feedback, keyring: Keyring) -> _Copy | None:
    return _by_link(session, feedback, keyring) or _by_provider_id(session, feedback)


def _by_link(session: Session, feedback: Feedback, keyring: Keyring) -> _Copy | None:
    """The copy that a person's own link in List-Unsubscribe names."""
    for token in _LINK.findall(feedback.returned.get("list-unsubscribe", "")):
        try:
            link = person_links.open_link(keyring, token)
        except NotFound:
            continue
        row = session.execute(
            select(Recipient.id, Recipient.attempt_id).where(
                Recipient.message_id == link.message_id,
                Recipient.site_id == link.site_id,
                Recipient.address_key == link.address.key,
            )
        ).first()
        if row is not None:
            return _Copy(row.id, row.attempt_id, link)
    return None


def _by_provider_id(session: Session, feedback: Feedback) -> _Copy | None:
    """The copy that Amazon SES's Message-ID names, if only one has it."""
    found = _MESSAGE_ID.search(feedback.returned.get("message-id", ""))
    if found is None:
        return None
    rows = session.execute(
        select(Attempt.id, Attempt.recipient_id).where(Attempt.provider_id == found[1]).limit(2)
    ).all()
    if len(rows) != 1:
        return None
    link = abuse_reports.link_of(session, rows[0].recipient_id)
    return _Copy(rows[0].recipient_id, rows[0].id, link) if link is not None else None


def _keep(
    session: Session, feedback: Feedback, copy: _Copy | None, digest: str, now: datetime
) -> UUID | None:
    """Write the report down; None where it was taken in before."""
    told = dict(feedback.fields) | ({} if copy else _of_mail(feedback))
    id: UUID | None = session.execute(
        upsert(session, FeedbackReport)
        .values(
            id=new_id(),
            digest=digest,
            type=feedback.type,
            at=now,
            site_id=copy.link.site_id if copy else None,
            recipient_id=copy.recipient_id if copy else None,
            told=told,
        )
        .on_conflict_do_nothing(index_elements=["digest"])
        .returning(FeedbackReport.id)
    ).scalar_one_or_none()
    return id


def _of_mail(feedback: Feedback) -> dict[str, str]:
    """What helps an operator to find out by hand; our copies' own facts are in the database."""
    return {name: text for name, text in feedback.returned.items() if name != "list-unsubscribe"}


def unmatched(
    session: Session, *, limit: int = 100, after: Place | None = None
) -> Sequence[FeedbackReport]:
    """Reports of which nobody knows which mail they are about, newest first.

    `after` is the `place` of the last one that was seen.
    """
    query = select(FeedbackReport).where(FeedbackReport.recipient_id.is_(None)).limit(limit)
    at, id = FeedbackReport.at, FeedbackReport.id
    return session.scalars(in_order(query, at, id, after=after, newest_first=True)).all()


def place(found: FeedbackReport) -> Place:
    """Where a report stands in that list."""
    return Place(found.at, found.id)
