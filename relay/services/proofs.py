"""The proof of a person's consent: the story of each list, with what shows that nobody wrote it later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.db import among, table_of
from relay.errors import NotFound
from relay.keys import Keyring
from relay.models import (
    ConsentSeal,
    Erasure,
    Event,
    MailingList,
    Message,
    Recipient,
    Site,
    Subscription,
)
from relay.policy.lifecycle import status
from relay.policy.words import summary
from relay.services import ledger, seals
from relay.services.ledger import commitment_to, digest
from relay.services.people import records
from relay.vocabulary import ConsentKind

TITLES = {
    ConsentKind.REQUESTED: "Asked to be subscribed",
    ConsentKind.SENT: "Was sent the confirmation mail",
    ConsentKind.CONFIRMED: "Confirmed",
    ConsentKind.IMPORTED: "Was imported",
    ConsentKind.ATTESTED: "Had confirmed elsewhere, as the site attests",
    ConsentKind.WITHDRAWN: "Left",
    ConsentKind.COMPLAINED: "Complained",
    ConsentKind.ERASED: "Was erased",
}

HOW_TO_CHECK = (
    "Each step is a row of the site's consent ledger. The SHA-256 of chain.content, as it stands "
    "(UTF-8), is chain.hash. It holds the whole row and the hash of the row before it, so that none "
    "can be changed, removed or put in later without changing every hash after it.",
    "head is where the chain ended when this proof was made. Keep it: whoever has the database "
    "proves the whole chain up to it with: python -m relay consent verify --site SITE --head HEAD",
    "What identifies the person is not in the chain; a commitment to it is: the HMAC-SHA-256 of "
    "the personal fields, the address and the salt, under a key that the relay's operator holds. "
    "proven says that the relay has just computed hash and commitment again and found them equal.",
)


def proof(
    session: Session, keyring: Keyring, *, site_id: UUID, address: EmailAddress, now: datetime
) -> dict[str, Any]:
    """All that the ledger says about this person at this site, list by list, as JSON.

    Raises `NotFound` where it says nothing. Of somebody who was erased, the rows are there without
    what identified them.
    """
    rows = records(session, keyring, site_id, address)
    if not rows:
        raise NotFound("The consent ledger of this site knows nothing of this address")
    site = session.get_one(Site, site_id)
    before = _before(session, site_id, rows)
    mails = _mails(session, site_id, rows)
    erased_at = session.scalar(
        select(Erasure.at).where(
            Erasure.site_id == site_id, Erasure.person.in_(ledger.persons_of(keyring, address))
        )
    )
    steps: dict[UUID | None, list[dict[str, Any]]] = {}
    for row in rows:
        steps.setdefault(row.list_id, []).append(_step(row, keyring, before, mails))
    return {
        "address": str(address),
        "site": {"id": str(site_id), "name": site.name, "url": site.url},
        "made_at": now.isoformat(),
        "erased_at": erased_at.isoformat() if erased_at else None,
        "head": str(seals.head(session, site_id)),
        "lists": [
            {**_list(session, site_id, list_id, address), "steps": told}
            for list_id, told in steps.items()
        ],
        "how_to_check": list(HOW_TO_CHECK),
    }


def _list(
    session: Session, site_id: UUID, list_id: UUID | None, address: EmailAddress
) -> dict[str, Any]:
    """A list, who answers for it, and where this person's subscription stands now."""
    found = session.scalar(
        select(MailingList).where(MailingList.id == list_id, MailingList.site_id == site_id)
    )
    standing = session.scalar(
        select(Subscription.status).where(
            Subscription.list_id == list_id, Subscription.address_key == address.key
        )
    )
    return {
        "list_id": str(list_id) if list_id else None,
        "key": found.key if found else None,
        "name": found.name if found else None,
        "controller": found.controller if found else None,
        "postal_address": found.postal_address if found else None,
        "privacy_url": found.privacy_url if found else None,
        "status": standing.value if standing else None,
    }


def _step(
    row: Any, keyring: Keyring, before: Mapping[int, str], mails: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    facts, personal = row.facts, row.fields
    known = row.key_version in keyring.keys
    committed = (
        None
        if personal is None or not known
        else row.commitment
        == commitment_to(keyring, row.address_key, personal, row.salt, version=row.key_version)
    )
    chain = _chain(row, before)
    return {
        "kind": row.kind.value,
        "title": TITLES[row.kind],
        "at": row.at.isoformat(),
        "consent_text": facts.get("consent_text"),
        "consent_version": facts.get("consent_version"),
        "form": facts.get("form"),
        "page": facts.get("page"),
        "address": personal.get("address") if personal else None,
        "ip": personal.get("ip") if personal else None,
        "user_agent": personal.get("user_agent") if personal else None,
        "facts": facts,
        "personal": personal,
        "salt": row.salt,
        "commitment": row.commitment,
        "key_version": row.key_version,
        "mail": mails.get(str(facts.get("message"))),
        "chain": chain,
        "proven": {
            "hash": None if chain is None else digest(chain["content"]) == chain["hash"],
            "commitment": committed,
        },
    }


def _chain(row: Any, before: Mapping[int, str]) -> dict[str, Any] | None:
    """Where the row stands in the chain; None while it waits for its seal."""
    if row.number is None:
        return None
    previous = before.get(row.number - 1, seals.BEGINNING)
    return {
        "number": row.number,
        "hash": row.hash,
        "sealed_at": row.sealed_at.isoformat(),
        "content": seals.content_of(row.number, previous, row, row.sealed_at),
    }


def _before(session: Session, site_id: UUID, rows: Sequence[Any]) -> dict[int, str]:
    """The hashes of the seals before those of these rows, by number."""
    table = table_of(ConsentSeal)
    numbers = [row.number - 1 for row in rows if row.number]
    found = session.execute(
        select(table.c.number, table.c.hash).where(
            table.c.site_id == site_id, table.c.number.in_(numbers)
        )
    )
    return {row.number: row.hash for row in found}


def _mails(session: Session, site_id: UUID, rows: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """The mails that rows name, with what became of them, by id."""
    named = []
    for row in rows:
        try:
            named.append(UUID(str(row.facts.get("message"))))
        except ValueError:
            continue
    copies = session.execute(
        select(Message, Recipient)
        .join(Recipient, Recipient.message_id == Message.id)
        .where(Message.site_id == site_id, among(Message.id, "named")),
        {"named": named},
    ).all()
    events = session.scalars(
        select(Event)
        .where(among(Event.recipient_id, "copies"))
        .order_by(Event.occurred_at, Event.id),
        {"copies": [row.Recipient.id for row in copies]},
    ).all()
    return {
        str(row.Message.id): {
            "message_id": str(row.Message.id),
            "mime_message_id": row.Message.mime_message_id,
            "accepted_at": row.Message.accepted_at.isoformat(),
            "status": status(row.Recipient.stage, row.Recipient.outcome),
            "events": [
                {
                    "type": event.type.value,
                    "occurred_at": event.occurred_at.isoformat(),
                    "summary": str(summary(event.type, event.data)),
                }
                for event in events
                if event.recipient_id == row.Recipient.id
            ],
        }
        for row in copies
    }
