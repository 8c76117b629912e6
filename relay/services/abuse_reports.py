"""Reports of people who got a mail that should not have come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from relay.db import new_id, upsert
from relay.errors import NotFound
from relay.models import AbuseReport, Site
from relay.services import opt_outs
from relay.services.person_links import PersonLink
from relay.vocabulary import AbuseReason

LONGEST_COMMENT = 2_000
"""Characters (our decision: room for a story, none for a book)."""


def report(
    session: Session,
    link: PersonLink,
    *,
    reason: AbuseReason,
    comment: str = "",
    evidence: Mapping[str, Any],
    now: datetime,
) -> UUID:
    """Keep what somebody says about a mail; returns the report's id.

    One person counts once for one mail: who reports again corrects the earlier report. `evidence`
    is how we know: through which page, from which network. Raises `NotFound` where the site is gone.
    """
    site = session.get(Site, link.site_id)
    if site is None:
        raise NotFound("There is no such site any more")
    said = {"reason": reason, "comment": comment[:LONGEST_COMMENT], "evidence": dict(evidence)}
    if link.message_id is None and (earlier := _earlier(session, link)) is not None:
        session.execute(
            update(AbuseReport)
            .where(AbuseReport.id == earlier)
            .values(said)
            .execution_options(synchronize_session=False)
        )
        return earlier
    insert = upsert(session, AbuseReport).values(
        id=new_id(),
        account_id=site.account_id,
        site_id=site.id,
        list_id=opt_outs.list_of(link.topic),
        message_id=link.message_id,
        address_key=link.address.key,
        at=now,
        **said,
    )
    id: UUID = session.execute(
        insert.on_conflict_do_update(
            index_elements=["site_id", "address_key", "message_id"],
            index_where=AbuseReport.message_id.is_not(None),
            set_=said,
        ).returning(AbuseReport.id)
    ).scalar_one()
    return id


def reports(
    session: Session, *, site_id: UUID | None = None, limit: int = 100
) -> Sequence[AbuseReport]:
    """What was reported, newest first; of one site, if asked."""
    query = select(AbuseReport).order_by(AbuseReport.id.desc()).limit(limit)
    if site_id is not None:
        query = query.where(AbuseReport.site_id == site_id)
    return session.scalars(query).all()


def find(session: Session, report_id: UUID) -> AbuseReport:
    """One report. Raises `NotFound`."""
    found = session.get(AbuseReport, report_id)
    if found is None:
        raise NotFound("There is no such report")
    return found


def _earlier(session: Session, link: PersonLink) -> UUID | None:
    """The person's report about the same topic, where no mail is named. Two at once may both stay."""
    return session.scalars(
        select(AbuseReport.id).where(
            AbuseReport.site_id == link.site_id,
            AbuseReport.address_key == link.address.key,
            AbuseReport.list_id.is_not_distinct_from(opt_outs.list_of(link.topic)),
            AbuseReport.message_id.is_(None),
        )
    ).first()
