"""Everything that the relay holds about one person at one site, for that person to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.db import Base, table_of
from relay.keys import Keyring
from relay.models import (
    AbuseReport,
    AddressHold,
    Confirmation,
    ConsentPerson,
    ConsentRecord,
    ConsentSeal,
    Erasure,
    Event,
    MailingList,
    Message,
    OptOut,
    Recipient,
    Subscription,
    Suppression,
)
from relay.policy.lifecycle import status
from relay.policy.words import summary
from relay.services import ledger
from relay.services.erasures import sign_ups_of

_RECORDS, _PEOPLE, _SEALS = map(table_of, (ConsentRecord, ConsentPerson, ConsentSeal))

_INTERNAL = frozenset(("address_key", "account_id", "provider_due_at", "recipient_id"))
"""Columns that say nothing about the person."""


def export(
    session: Session, keyring: Keyring, *, site_id: UUID, address: EmailAddress, now: datetime
) -> dict[str, Any]:
    """What there is about this address at this site, as JSON: consents, mail, stops, reports.

    Of mail it tells what was sent when and what became of it; bodies are the site's. For somebody
    who was erased, the ledger's rows are there without a name, and when that was.
    """
    subscriptions = session.execute(
        select(Subscription, MailingList.key)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.site_id == site_id, Subscription.address_key == address.key)
        .order_by(Subscription.id)
    ).all()
    ids = [row.Subscription.id for row in subscriptions]
    erasure = session.scalars(
        select(Erasure).where(
            Erasure.site_id == site_id, Erasure.person.in_(ledger.persons_of(keyring, address))
        )
    ).first()
    return {
        "address": str(address),
        "site_id": str(site_id),
        "exported_at": _plain(now),
        "erased_at": _plain(erasure.at) if erasure else None,
        "subscriptions": [{"list": row.key, **_columns(row.Subscription)} for row in subscriptions],
        "ledger": [_record(row) for row in records(session, keyring, site_id, address)],
        "sign_ups": [
            {
                "id": str(each.id),
                "list_id": str(each.list_id),
                "at": _plain(each.at),
                "outcome": each.outcome.value,
                "given": each.person,
                "source": each.source,
                "sent_at": _plain(each.sent_at),
                "confirmed_at": _plain(each.confirmed_at),
            }
            for each in sign_ups_of(session, site_id, address, ids)
        ],
        **{
            name: [_columns(each) for each in _all(session, model, site_id, address)]
            for name, model in (
                ("suppressions", Suppression),
                ("opt_outs", OptOut),
                ("holds", AddressHold),
                ("confirmations", Confirmation),
                ("abuse_reports", AbuseReport),
            )
        },
        "messages": _messages(session, site_id, address),
    }


def records(
    session: Session, keyring: Keyring, site_id: UUID, address: EmailAddress
) -> Sequence[Any]:
    """The ledger's rows about this person, oldest first, with seal and what stands beside them."""
    return session.execute(
        select(
            *_RECORDS.c,
            _PEOPLE.c.fields,
            _PEOPLE.c.salt,
            _PEOPLE.c.address_key,
            _SEALS.c.number,
            _SEALS.c.hash,
            _SEALS.c.sealed_at,
        )
        .outerjoin(_PEOPLE, _PEOPLE.c.record_id == _RECORDS.c.id)
        .outerjoin(_SEALS, _SEALS.c.record_id == _RECORDS.c.id)
        .where(
            _RECORDS.c.site_id == site_id,
            _RECORDS.c.person.in_(ledger.persons_of(keyring, address)),
        )
        .order_by(_RECORDS.c.at, _RECORDS.c.id)
    ).all()


def _record(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": row.kind.value,
        "at": _plain(row.at),
        "list_id": _plain(row.list_id),
        "facts": row.facts,
        "personal": row.fields,
        "number": row.number,
    }


def _all(session: Session, model: Any, site_id: UUID, address: EmailAddress) -> Sequence[Any]:
    return session.scalars(
        select(model)
        .where(model.site_id == site_id, model.address_key == address.key)
        .order_by(*model.__table__.primary_key.columns)
    ).all()


def _messages(session: Session, site_id: UUID, address: EmailAddress) -> list[dict[str, Any]]:
    copies = session.execute(
        select(Recipient, Message)
        .join(Message, Message.id == Recipient.message_id)
        .where(Recipient.site_id == site_id, Recipient.address_key == address.key)
        .order_by(Recipient.id)
    ).all()
    events: dict[UUID, list[Event]] = {row.Recipient.id: [] for row in copies}
    for event in session.scalars(
        select(Event)
        .join(Recipient, Recipient.id == Event.recipient_id)
        .where(
            Recipient.site_id == site_id,
            Recipient.address_key == address.key,
        )
        .order_by(Event.occurred_at, Event.id)
    ):
        events[event.recipient_id].append(event)
    return [
        {
            "message_id": str(row.Message.id),
            "address": row.Recipient.address,
            "from": row.Message.sender,
            "subject": row.Message.subject,
            "stream": row.Message.stream.value,
            "accepted_at": _plain(row.Message.accepted_at),
            "status": status(row.Recipient.stage, row.Recipient.outcome),
            "events": [
                {
                    "type": event.type.value,
                    "occurred_at": _plain(event.occurred_at),
                    "summary": str(summary(event.type, event.data)),
                    "data": event.data,
                }
                for event in events[row.Recipient.id]
            ],
        }
        for row in copies
    ]


def _columns(row: Base) -> dict[str, Any]:
    return {
        column.name: _plain(getattr(row, column.name))
        for column in row.__table__.columns
        if column.name not in _INTERNAL
    }


def _plain(value: Any) -> Any:
    """A column's value as JSON has it."""
    match value:
        case datetime():
            return value.isoformat()
        case UUID():
            return str(value)
        case Enum():
            return value.value
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
    return value
