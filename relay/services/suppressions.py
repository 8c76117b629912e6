"""Whom a site may no longer mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.db import new_id, upsert
from relay.models import Suppression
from relay.vocabulary import SuppressionReason, SuppressionScope


def suppress(
    session: Session,
    *,
    account_id: UUID,
    site_id: UUID,
    address: EmailAddress,
    reason: SuppressionReason,
    scope: SuppressionScope,
    evidence: Mapping[str, Any],
    now: datetime,
) -> None:
    """Stop mail to this person from this site. The same reason twice changes nothing."""
    session.execute(
        upsert(session, Suppression)
        .values(
            id=new_id(),
            account_id=account_id,
            site_id=site_id,
            address=str(address),
            address_key=address.key,
            reason=reason,
            scope=scope,
            evidence=dict(evidence),
            began_at=now,
        )
        .on_conflict_do_nothing(
            index_elements=["site_id", "address_key", "reason", "scope"],
            index_where=text("ended_at IS NULL"),
        )
    )


def list_suppressions(session: Session, site_id: UUID) -> Sequence[Suppression]:
    """Those in force, newest first."""
    return session.scalars(
        select(Suppression)
        .where(Suppression.site_id == site_id, Suppression.ended_at.is_(None))
        .order_by(Suppression.id.desc())
    ).all()
