"""Accepting a message: one transaction under the site's lock, after which nothing can be lost."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.db import new_id
from relay.errors import IdempotencyKeyReused, Invalid, NotFound
from relay.mail import Draft
from relay.models import (
    Account,
    Content,
    Domain,
    IdempotencyKey,
    Message,
    Recipient,
    Site,
    Suppression,
    Usage,
)
from relay.policy.admission import Admission, admit, described
from relay.policy.facts import Facts, Held
from relay.policy.sender import lineage
from relay.vocabulary import Disposition, Lane, Outcome, Stage

IDEMPOTENCY_KEPT = timedelta(hours=72)
"""How long a repeated request gets the first one's answer (our decision)."""

EXPIRES_AFTER = {
    Lane.PROTECTED: timedelta(hours=24),
    Lane.TRANSACTIONAL: timedelta(hours=24),
    Lane.NOTIFICATION: timedelta(days=7),
    Lane.MARKETING: timedelta(days=7),
}
"""How long a copy may wait before it is worth nothing any more (our decision)."""

Receipt = dict[str, Any]
"""What the client is told: message id and a disposition per recipient, as JSON."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The receipt, and whether it is the repetition of an earlier one."""

    receipt: Receipt
    replayed: bool = False


def fingerprint(metadata: Mapping[str, Any], mime_digest: str) -> str:
    """What makes two requests the same: equal metadata and equal bytes of the message."""
    text = json.dumps(metadata, sort_keys=True, default=str)
    return hashlib.sha256(f"{mime_digest}\n{text}".encode()).hexdigest()


def accept(
    session: Session,
    site_id: UUID,
    draft: Draft,
    *,
    key: str | None,
    fingerprint: str,
    now: datetime,
) -> Accepted:
    """Accept the draft for sending, or raise why not; see `policy.admission` for the rules.

    With an idempotency `key`, the same request gets the first answer again, and another request
    raises `IdempotencyKeyReused`. Exact under concurrency: the site's row is the lock.
    """
    site = _lock(session, site_id)
    if (
        key is not None
        and (answer := _answered(session, site_id, key, fingerprint, now)) is not None
    ):
        return Accepted(answer, replayed=True)
    expires_at = draft.expires_at
    if expires_at is not None and expires_at <= now:
        raise Invalid(
            "expires_at has passed already",
            errors=[
                {"pointer": "#/metadata/expires_at", "detail": "This time has passed already."}
            ],
        )
    admission = admit(draft, _facts(session, site, draft))
    latest = now + EXPIRES_AFTER[admission.lane]
    receipt = _write(
        session, site, draft, admission, now=now, expires_at=min(expires_at or latest, latest)
    )
    if key is not None:
        session.execute(
            insert(IdempotencyKey).values(
                site_id=site_id,
                key=key,
                fingerprint=fingerprint,
                answer=receipt,
                expires_at=now + IDEMPOTENCY_KEPT,
            )
        )
    return Accepted(receipt)


@dataclass(frozen=True, slots=True)
class _Site:
    id: UUID
    account_id: UUID
    state: Any
    account_state: Any


def _lock(session: Session, site_id: UUID) -> _Site:
    """Take the site's row; FOR NO KEY UPDATE, so that rows that refer to it need not wait."""
    row = session.execute(
        select(Site.id, Site.account_id, Site.state, Account.state)
        .join(Account, Account.id == Site.account_id)
        .where(Site.id == site_id)
        .with_for_update(of=Site, key_share=True)
    ).one_or_none()
    if row is None:
        raise NotFound("The site of this key no longer exists")
    return _Site(*row)


def _answered(
    session: Session, site_id: UUID, key: str, fingerprint: str, now: datetime
) -> Receipt | None:
    row = session.execute(
        select(IdempotencyKey.fingerprint, IdempotencyKey.answer, IdempotencyKey.expires_at).where(
            IdempotencyKey.site_id == site_id, IdempotencyKey.key == key
        )
    ).one_or_none()
    if row is None:
        return None
    if row.expires_at <= now:
        session.execute(
            delete(IdempotencyKey).where(
                IdempotencyKey.site_id == site_id, IdempotencyKey.key == key
            )
        )
        return None
    if row.fingerprint != fingerprint:
        raise IdempotencyKeyReused(
            "This Idempotency-Key belongs to another request of the last 72 hours; use a new one"
        )
    return dict(row.answer)


def _facts(session: Session, site: _Site, draft: Draft) -> Facts:
    names = list(lineage(draft.mime.sender.domain))
    domains = session.execute(
        select(Domain.name, Domain.status).where(
            Domain.account_id == site.account_id, Domain.name.in_(names)
        )
    ).all()
    people = {address.key: address for address in draft.recipients}
    suppressed: dict[EmailAddress, tuple[Held, ...]] = defaultdict(tuple)
    for row in session.execute(
        select(
            Suppression.address_key,
            Suppression.reason,
            Suppression.scope,
            Suppression.began_at,
            Suppression.evidence,
        ).where(
            Suppression.site_id == site.id,
            Suppression.address_key.in_(list(people)),
            Suppression.ended_at.is_(None),
        )
    ):
        held = Held(row.reason, row.scope, _iso(row.began_at), row.evidence)
        suppressed[people[row.address_key]] += (held,)
    return Facts(
        account_state=site.account_state,
        site_state=site.state,
        domains={row.name: row.status for row in domains},
        suppressed=suppressed,
    )


def _write(
    session: Session,
    site: _Site,
    draft: Draft,
    admission: Admission,
    *,
    now: datetime,
    expires_at: datetime,
) -> Receipt:
    mime = draft.mime
    message_id = new_id()
    session.execute(
        insert(Message).values(
            id=message_id,
            account_id=site.account_id,
            site_id=site.id,
            stream=admission.stream,
            kind=draft.kind,
            lane=admission.lane,
            list_id=draft.list_id,
            source={"plugin": draft.source.plugin, "form": draft.source.form},
            sender=str(mime.sender),
            subject=mime.subject[:500],
            mime_message_id=mime.message_id[:500] if mime.message_id else None,
            size=mime.size,
            removed_headers=list(mime.removed),
            accepted_at=now,
            expires_at=expires_at,
        )
    )
    session.execute(
        insert(Content),
        [{"message_id": message_id, "part": n, "data": part} for n, part in enumerate(mime.parts)],
    )
    rows, told = [], []
    for address in draft.recipients:
        held = admission.held.get(address)
        row = {
            "id": new_id(),
            "message_id": message_id,
            "account_id": site.account_id,
            "site_id": site.id,
            "address": str(address),
            "address_key": address.key,
            "domain": address.domain,
            "lane_rank": admission.lane.rank,
            "stage": Stage.DONE if held else Stage.QUEUED,
            "outcome": Outcome.SUPPRESSED if held else Outcome.NONE,
            "due_at": now,
            "expires_at": expires_at,
            "tries": 0,
            "reason": described(held) if held else None,
        }
        rows.append(row)
        told.append(
            {
                "id": str(row["id"]),
                "address": str(address),
                "disposition": (Disposition.SUPPRESSED if held else Disposition.QUEUED).value,
                "reason": row["reason"],
            }
        )
    session.execute(insert(Recipient), rows)
    _count(session, site.id, people=len(rows), octets=mime.size * len(rows), now=now)
    return {
        "id": str(message_id),
        "stream": admission.stream.value,
        "accepted_at": _iso(now),
        "recipients": told,
    }


def _count(session: Session, site_id: UUID, *, people: int, octets: int, now: datetime) -> None:
    """Add to the site's usage of this hour and day (UTC)."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    addition = dialect.insert(Usage).values(
        [
            {
                "site_id": site_id,
                "window": window,
                "began_at": began_at,
                "messages": 1,
                "recipients": people,
                "octets": octets,
            }
            for window, began_at in (("hour", hour), ("day", hour.replace(hour=0)))
        ]
    )
    new = addition.excluded
    session.execute(
        addition.on_conflict_do_update(
            index_elements=["site_id", "window", "began_at"],
            set_={
                "messages": Usage.messages + new.messages,
                "recipients": Usage.recipients + new.recipients,
                "octets": Usage.octets + new.octets,
            },
        )
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
