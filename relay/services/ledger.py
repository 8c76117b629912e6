"""The consent ledger: what happened, appended and never changed, and one sealed chain per site.

`append` writes a row and what identifies the person beside it. It locks no chain, so confirmations
never queue behind each other; the duty `seal` chains the new rows a moment later. What a row hides
is a commitment: nobody can guess the person from it, and whoever has the fields can prove them.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from relay import bulk
from relay.addresses import EmailAddress
from relay.db import new_id
from relay.keys import Keyring
from relay.models import ConsentPerson, ConsentRecord, UnsealedRecord
from relay.vocabulary import ConsentKind

PERSON = "consent person"
COMMITMENT = "consent commitment"
"""Purposes of the keyed hashes: of the address alone, and of all that is personal."""

NOTHING: Mapping[str, Any] = MappingProxyType({})

_APPEND = bulk.Together(
    bulk.insertion(
        ConsentRecord, "r", "id", "site_id", "list_id", "subscription_id", "kind", "at", "person",
        "commitment", "key_version", "facts",
    ),
    bulk.insertion(ConsentPerson, "p", "record_id", "site_id", "address_key", "fields", "salt"),
    bulk.insertion(UnsealedRecord, "u", "record_id", "site_id"),
)  # fmt: skip
"""One statement for a row and what belongs to it: many people confirm at once."""


def append(
    session: Session,
    keyring: Keyring,
    *,
    site_id: UUID,
    kind: ConsentKind,
    address: EmailAddress,
    list_id: UUID | None = None,
    subscription_id: UUID | None = None,
    personal: Mapping[str, str] = NOTHING,
    facts: Mapping[str, Any] = NOTHING,
    now: datetime,
) -> UUID:
    """Write what happened; returns the row's id.

    `personal` (ip, user_agent, …) and the address as typed stand beside the ledger and can be
    erased; `facts` stay for ever and hold nothing personal: texts, versions, form, page, ids.
    """
    fields = {"address": str(address)} | _cleaned(personal)
    record, salt = _record(
        keyring, address, fields, site_id, kind, list_id, subscription_id, facts, now
    )
    id: UUID = record["id"]
    given = {f"r_{name}": value for name, value in record.items()} | {
        "p_record_id": id,
        "p_site_id": site_id,
        "p_address_key": address.key,
        "p_fields": fields,
        "p_salt": salt,
        "u_record_id": id,
        "u_site_id": site_id,
    }
    _APPEND.execute(session, given)
    return id


def append_nameless(
    session: Session,
    keyring: Keyring,
    *,
    site_id: UUID,
    kind: ConsentKind,
    address: EmailAddress,
    facts: Mapping[str, Any] = NOTHING,
    now: datetime,
) -> UUID:
    """Write what happened without keeping who it was: only the keyed hash of the address stays."""
    record, _ = _record(
        keyring, address, {"address": str(address)}, site_id, kind, None, None, facts, now
    )
    bulk.insert_rows(session, ConsentRecord, [record])
    bulk.insert_rows(session, UnsealedRecord, [{"record_id": record["id"], "site_id": site_id}])
    id: UUID = record["id"]
    return id


def person_of(keyring: Keyring, address: EmailAddress, *, version: int | None = None) -> str:
    """The keyed hash under which the ledger knows this person."""
    return keyring.commitment(PERSON, address.key, version=version)


def persons_of(keyring: Keyring, address: EmailAddress) -> list[str]:
    """The person's keyed hashes under all versions of the keys, newest first."""
    return keyring.commitments(PERSON, address.key)


def commitment_to(
    keyring: Keyring,
    address_key: str,
    fields: Mapping[str, Any],
    salt: str,
    *,
    version: int | None = None,
) -> str:
    """What a row commits to: the keyed hash of the canonical form of all that is personal."""
    told = {"address_key": address_key, "fields": dict(fields), "salt": salt}
    return keyring.commitment(COMMITMENT, canonical(told), version=version)


def canonical(value: Any) -> str:
    """The one way to write this as JSON: keys sorted, no spaces, UTF-8 as it is.

    Raises `TypeError` for a float: engines do not agree on how they look.
    """
    _check_exact(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def moment(at: datetime) -> str:
    """An instant in its canonical form: UTC, microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _record(
    keyring: Keyring,
    address: EmailAddress,
    fields: Mapping[str, str],
    site_id: UUID,
    kind: ConsentKind,
    list_id: UUID | None,
    subscription_id: UUID | None,
    facts: Mapping[str, Any],
    now: datetime,
) -> tuple[dict[str, Any], str]:
    salt = secrets.token_hex(32)
    told = _cleaned(facts)
    _check_exact(told)
    record = {
        "id": new_id(),
        "site_id": site_id,
        "list_id": list_id,
        "subscription_id": subscription_id,
        "kind": kind,
        "at": now,
        "person": person_of(keyring, address),
        "commitment": commitment_to(keyring, address.key, fields, salt),
        "key_version": keyring.current,
        "facts": told,
    }
    return record, salt


def _cleaned(value: Any) -> Any:
    """As every engine stores and returns it: no NUL, no lone surrogates, ids and words as texts."""
    match value:
        case Mapping():
            return {_cleaned(str(name)): _cleaned(each) for name, each in value.items()}
        case list() | tuple():
            return [_cleaned(each) for each in value]
        case str():
            return str(value).replace("\0", "").encode(errors="replace").decode()
        case UUID():
            return str(value)
        case datetime():
            return moment(value)
    return value


def _check_exact(value: Any) -> None:
    match value:
        case None | bool() | int() | str():
            return
        case dict():
            for each in value.values():
                _check_exact(each)
        case list():
            for each in value:
                _check_exact(each)
        case _:
            raise TypeError(f"a {type(value).__name__} has no canonical form; say it as text")


def digest(content: str) -> str:
    """SHA-256 of a canonical text, as hexadecimal digits."""
    return hashlib.sha256(content.encode()).hexdigest()
