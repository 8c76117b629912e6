"""Reports of mail that should not have come, as cases: what is known, how grave it is, what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, literal, select, update
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.db import new_id, table_of, upsert
from relay.errors import Conflict, Invalid, NotFound
from relay.keys import Keyring
from relay.models import AbuseReport, MailingList, Message, Recipient, Site, Subscription
from relay.policy import topics
from relay.policy.abuse import STOPS, severity
from relay.policy.lifecycle import status
from relay.services import leaving, opt_outs, suppressions, tallies
from relay.services.leaving import Hand, Way
from relay.services.paging import Place, in_order
from relay.services.person_links import PersonLink
from relay.services.visitors import Visitor
from relay.vocabulary import (
    AbuseDecision,
    AbuseOrigin,
    AbuseReason,
    AbuseSeverity,
    Stream,
    SubscriptionStatus,
    SuppressionReason,
    SuppressionScope,
)

LONGEST_COMMENT = 2_000
"""Characters (our decision: room for a story, none for a book)."""

_REPORTS = table_of(AbuseReport)


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody told an operator: why, in their words, and how we know of it."""

    reason: AbuseReason
    comment: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


def report(
    session: Session,
    link: PersonLink,
    *,
    reason: AbuseReason,
    comment: str = "",
    evidence: Mapping[str, Any],
    origin: AbuseOrigin = AbuseOrigin.PAGE,
    now: datetime,
) -> UUID:
    """Keep what somebody says about a mail; returns the report's id.

    One person counts once for one mail: who reports again corrects the earlier report. If that was
    closed for another reason, it is open again, and as new as if it had come now. What a provider or an
    operator reports does not take the place of the person's own words. `evidence` is how we know:
    through which page, from which network. Raises `NotFound` where the site is gone.
    """
    site = session.get(Site, link.site_id)
    if site is None:
        raise NotFound("There is no such site any more")
    list_id = opt_outs.list_of(link.topic)
    consent = consent_of(session, site.id, link.address, list_id)
    said = {
        "reason": reason,
        "comment": comment[:LONGEST_COMMENT],
        "evidence": dict(evidence),
        "origin": origin,
        "consent": consent,
        "severity": severity(reason, consented=consent is not None and consent["consented"]),
    }
    if origin is not AbuseOrigin.ARF:  # which is a complaint, and judged as one
        tallies.wake(session, site.id, _stream_of(session, link), now=now)
    if (earlier := _earlier(session, link)) is not None:
        if origin is AbuseOrigin.PAGE:
            session.execute(_correction(said, now).where(_REPORTS.c.id == earlier))
        return earlier
    id: UUID = session.execute(
        upsert(session, AbuseReport)
        .values(
            id=new_id(),
            account_id=site.account_id,
            site_id=site.id,
            list_id=list_id,
            message_id=link.message_id,
            address_key=link.address.key,
            at=now,
            **said,
        )
        .on_conflict_do_update(
            index_elements=["site_id", "address_key", "message_id"],
            index_where=AbuseReport.message_id.is_not(None),
            set_=said,
        )
        .returning(AbuseReport.id)
    ).scalar_one()
    return id


def _stream_of(session: Session, link: PersonLink) -> Stream:
    """The stream that a report is judged with; where it names no mail, newsletters."""
    found = session.scalar(
        select(Message.stream).where(Message.id == link.message_id, Message.site_id == link.site_id)
    )
    return found or Stream.MARKETING


def _correction(said: Mapping[str, Any], now: datetime) -> Any:
    """Put other words into a report; a case that was closed for another reason is a new one again."""
    stays = (_REPORTS.c.reason == said["reason"]) | _REPORTS.c.decision.is_(None)
    anew = {"at": now, "decision": None, "decided_at": None, "decided_by": None, "because": None}
    return update(_REPORTS).values(
        **said,
        **{
            name: case((stays, column), else_=literal(anew[name], column.type))
            for name, column in _REPORTS.c.items()
            if name in anew
        },
    )


def _earlier(session: Session, link: PersonLink) -> UUID | None:
    """The person's report about the same mail; where none is named, about the same topic.

    Two at once that name no mail may both stay.
    """
    about = (
        (AbuseReport.message_id == link.message_id,)
        if link.message_id is not None
        else (
            AbuseReport.list_id.is_not_distinct_from(opt_outs.list_of(link.topic)),
            AbuseReport.message_id.is_(None),
        )
    )
    return session.scalars(
        select(AbuseReport.id).where(
            AbuseReport.site_id == link.site_id,
            AbuseReport.address_key == link.address.key,
            *about,
        )
    ).first()


def heed(
    session: Session, keyring: Keyring, link: PersonLink, reason: AbuseReason, hand: Hand
) -> bool:
    """Stop what such a report stops; returns whether it stops anything.

    Who never signed up, or wanted no more of it, gets no newsletter and no notification of this site
    any more, as after a complaint: only the person's own fresh opt-in, or an operator, lifts it.
    """
    if reason not in STOPS or not link.topic:
        return False
    site = session.get(Site, link.site_id)
    if site is None:
        return False
    suppressions.suppress(
        session,
        account_id=site.account_id,
        site_id=site.id,
        address=link.address,
        reason=SuppressionReason.COMPLAINT,
        scope=SuppressionScope.PROMOTIONAL,
        evidence={"by": hand.way.value, "reason": reason.value, **leaving.evidence(link, hand)},
        now=hand.now,
    )
    leaving.leave(session, keyring, link, hand)
    return True


def consent_of(
    session: Session, site_id: UUID, address: EmailAddress, list_id: UUID | None
) -> dict[str, Any] | None:
    """What is known of a person's consent to the list, or to any list of the site: JSON; None if nothing.

    A subscription and its row of the ledger are written in one transaction, so that the one tells of
    the other; the proof itself is in the ledger (`proofs`).
    """
    found = session.execute(
        select(Subscription, MailingList.key)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.site_id == site_id, Subscription.address_key == address.key)
        .order_by(
            (Subscription.list_id == list_id).desc(),
            Subscription.confirmed_at.is_(None),
            Subscription.requested_at.desc(),
        )
    ).first()
    if found is None:
        return None
    subscription: Subscription = found.Subscription
    attested = subscription.status is SubscriptionStatus.ATTESTED
    when = subscription.confirmed_at
    return {
        "list": found.key,
        "list_id": str(subscription.list_id),
        "status": subscription.status.value,
        "consented": attested or when is not None,
        "confirmed_at": when.isoformat() if when else None,
        "ended_at": subscription.ended_at.isoformat() if subscription.ended_at else None,
    }


def link_of(session: Session, recipient_id: UUID) -> PersonLink | None:
    """Whom and what a copy is about, as its own links would say; None for a copy that is gone."""
    found = session.execute(
        select(Recipient.address, Message.id, Message.site_id, Message.stream, Message.list_id,
               Message.source)
        .join(Message, Message.id == Recipient.message_id)
        .where(Recipient.id == recipient_id)
    ).one_or_none()  # fmt: skip
    if found is None:
        return None
    topic = topics.of_mail(found.stream, found.source.get("plugin"), found.list_id) or ""
    return PersonLink(found.site_id, EmailAddress(found.address), topic, found.id)


def by_operator(
    session: Session,
    keyring: Keyring,
    *,
    site_id: UUID,
    address: EmailAddress,
    said: Said,
    message_id: UUID | None = None,
    now: datetime,
) -> UUID:
    """Keep what somebody told an operator, by mail or telephone; what it stops is stopped.

    Without a message it is about the site's newsletters. Raises `NotFound`, also for a message that
    this person did not get from this site.
    """
    link: PersonLink | None = PersonLink(site_id, address, topics.MARKETING)
    if message_id is not None:
        copy = session.scalar(
            select(Recipient.id).where(
                Recipient.message_id == message_id,
                Recipient.site_id == site_id,
                Recipient.address_key == address.key,
            )
        )
        link = link_of(session, copy) if copy is not None else None
    if link is None:
        raise NotFound("This site sent this person no such message")
    id = report(
        session,
        link,
        reason=said.reason,
        comment=said.comment,
        evidence=said.evidence,
        origin=AbuseOrigin.OPERATOR,
        now=now,
    )
    heed(session, keyring, link, said.reason, Hand(Visitor(None, ""), Way.REPORT, now))
    return id


_GRAVITY = case(
    {severity: severity.rank for severity in AbuseSeverity},
    value=AbuseReport.severity,
    else_=len(AbuseSeverity),
)


def reports(
    session: Session,
    *,
    site_id: UUID | None = None,
    account_id: UUID | None = None,
    undecided: bool = False,
    limit: int = 100,
    after: Place | None = None,
) -> Sequence[AbuseReport]:
    """What was reported, newest first; `undecided` only, the gravest first and of those the oldest.

    `after` is the `place` of the last one that was seen.
    """
    query = select(AbuseReport).limit(limit)
    if undecided:
        query = query.where(AbuseReport.decision.is_(None))
        query = in_order(query, _GRAVITY, AbuseReport.at, AbuseReport.id, after=after)
    else:
        query = query.order_by(AbuseReport.id.desc())
        if after is not None:
            query = query.where(AbuseReport.id < after.id)
    if site_id is not None:
        query = query.where(AbuseReport.site_id == site_id)
    if account_id is not None:
        query = query.where(AbuseReport.account_id == account_id)
    return session.scalars(query).all()


def place(found: AbuseReport) -> Place:
    """Where a report stands in the lists."""
    return Place(found.at, found.id, found.severity.rank)


def find(session: Session, report_id: UUID) -> AbuseReport:
    """One report. Raises `NotFound`."""
    found = session.get(AbuseReport, report_id)
    if found is None:
        raise NotFound("There is no report with this id; `python -m relay abuse list` shows them")
    return found


def mail_of(session: Session, found: AbuseReport) -> dict[str, Any] | None:
    """The facts of the mail that a report is about, as JSON; None where it names none that we know."""
    if found.message_id is None:
        return None
    row = session.execute(
        select(Message, Recipient.stage, Recipient.outcome)
        .outerjoin(
            Recipient,
            (Recipient.message_id == Message.id) & (Recipient.address_key == found.address_key),
        )
        .where(Message.id == found.message_id, Message.site_id == found.site_id)
    ).first()
    if row is None:
        return None
    message: Message = row.Message
    return {
        "id": str(message.id),
        "subject": message.subject,
        "sender": message.sender,
        "stream": message.stream.value,
        "plugin": message.source.get("plugin"),
        "accepted_at": message.accepted_at.isoformat(),
        "status": status(row.stage, row.outcome) if row.stage is not None else None,
    }


def close(
    session: Session,
    report_id: UUID,
    decision: AbuseDecision,
    *,
    because: str,
    by: str,
    now: datetime,
) -> AbuseReport:
    """Decide about a report: something was done about it, or nothing needs to be.

    What is done to the site is an action of its own (`actions`). Raises `NotFound`, `Invalid` without a
    reason, `Conflict` where it was decided already.
    """
    if not because.strip():
        raise Invalid("Say why: the reason is kept with the report")
    found = session.scalar(select(AbuseReport).where(AbuseReport.id == report_id).with_for_update())
    if found is None:
        raise NotFound("There is no report with this id; `python -m relay abuse list` shows them")
    if found.decision is not None:
        raise Conflict(f"This report was {found.decision.value} already")
    found.decision, found.because = decision, because
    found.decided_at, found.decided_by = now, by[:100]
    session.flush()
    return found
