"""Proving the consent ledger: every hash of every chain, and every commitment that can still be checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, func, select, union
from sqlalchemy.orm import Session

from relay.db import table_of
from relay.keys import Keyring
from relay.models import ConsentPerson, ConsentRecord, ConsentSeal, UnsealedRecord
from relay.services.ledger import PERSON, commitment_to, digest
from relay.services.seals import BEGINNING, NO_HEAD, Head, content_of

PORTION = 1_000
"""Seals read at once."""

NEARBY = 50
"""A row out of its place is looked for so many places around it."""

SEALED_WITHIN = timedelta(hours=1)
"""A row that waits longer for its seal is a fault: the duty does it within seconds."""

MOST_NAMED = 1_000
"""Faults of a site that are named; more are counted."""


class Fault(StrEnum):
    """What can be wrong with a ledger."""

    CHANGED_ROW = "changed-row"
    CHANGED_PERSON = "changed-person"
    MISSING_ROW = "missing-row"
    MISSING_SEAL = "missing-seal"
    MOVED_ROW = "moved-row"
    EXTRA_ROW = "extra-row"
    NEVER_SEALED = "never-sealed"
    TAIL_REMOVED = "tail-removed"
    OTHER_HEAD = "other-head"
    MISSING_KEY = "missing-key"


TOLD = {
    Fault.CHANGED_ROW: "the row, or its seal, is not what was sealed",
    Fault.CHANGED_PERSON: "the personal fields are not those that the row commits to",
    Fault.MISSING_ROW: "the row is gone",
    Fault.MISSING_SEAL: "seals are gone",
    Fault.MOVED_ROW: "the row is not in its place",
    Fault.EXTRA_ROW: "a row that the relay did not write: it never waited for a seal and has none",
    Fault.NEVER_SEALED: "the row is older than an hour and has no seal; does the worker run?",
    Fault.TAIL_REMOVED: "the chain ends before the head that was noted",
    Fault.OTHER_HEAD: "the chain has another hash where the head was noted: it was written anew",
    Fault.MISSING_KEY: "the key of this version is not in POSTREEVE_CONSENT_KEYS",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: where in the chain, and of which row."""

    fault: Fault
    number: int | None = None
    record_id: UUID | None = None
    detail: str = ""

    @property
    def sentence(self) -> str:
        """The fault in words."""
        return f"{TOLD[self.fault]}{f' ({self.detail})' if self.detail else ''}"


@dataclass(slots=True)
class Verdict:
    """What was found about one site's ledger."""

    site_id: UUID
    head: Head = field(default=NO_HEAD)
    personal: int = 0
    waiting: int = 0
    faults: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether everything is proven."""
        return not self.faults

    def add(self, finding: Finding) -> None:
        """Take a fault in; the first `MOST_NAMED` are kept by name."""
        self.faults += 1
        if len(self.findings) < MOST_NAMED:
            self.findings.append(finding)


_RECORDS, _SEALS = table_of(ConsentRecord), table_of(ConsentSeal)
_PEOPLE, _QUEUE = table_of(ConsentPerson), table_of(UnsealedRecord)

_COLUMNS = (
    *_RECORDS.c,
    _PEOPLE.c.record_id.label("person_record_id"),
    _PEOPLE.c.site_id.label("person_site_id"),
    _PEOPLE.c.address_key,
    _PEOPLE.c.fields,
    _PEOPLE.c.salt,
)
_CHAIN = (
    select(
        _SEALS.c.number,
        _SEALS.c.record_id,
        _SEALS.c.hash,
        _SEALS.c.sealed_at,
        *_COLUMNS,
    )
    .outerjoin(_RECORDS, _RECORDS.c.id == _SEALS.c.record_id)
    .outerjoin(_PEOPLE, _PEOPLE.c.record_id == _SEALS.c.record_id)
    .where(_SEALS.c.site_id == bindparam("of_site"), _SEALS.c.number > bindparam("after"))
    .order_by(_SEALS.c.number)
    .limit(bindparam("most", type_=Integer))
)
_UNSEALED = (
    select(*_COLUMNS, _QUEUE.c.record_id.label("queued"))
    .outerjoin(_SEALS, _SEALS.c.record_id == _RECORDS.c.id)
    .outerjoin(_QUEUE, _QUEUE.c.record_id == _RECORDS.c.id)
    .outerjoin(_PEOPLE, _PEOPLE.c.record_id == _RECORDS.c.id)
    .where(_RECORDS.c.site_id == bindparam("of_site"), _SEALS.c.record_id.is_(None))
    .order_by(_RECORDS.c.id)
)
_LEFT_BEHIND = union(
    *(
        select(table.c.record_id)
        .outerjoin(_RECORDS, _RECORDS.c.id == table.c.record_id)
        .outerjoin(_SEALS, _SEALS.c.record_id == table.c.record_id)
        .where(
            table.c.site_id == bindparam("of_site"),
            _RECORDS.c.id.is_(None),
            _SEALS.c.record_id.is_(None),
        )
        for table in (_QUEUE, _PEOPLE)
    )
)
"""Rows beside the ledger whose ledger row is gone, together with its seal if it had one."""


def sites(session: Session) -> Sequence[UUID]:
    """The sites that have a ledger."""
    tables = (_SEALS, _RECORDS, _QUEUE, _PEOPLE)
    everywhere = union(*(select(table.c.site_id) for table in tables)).subquery()
    return session.scalars(select(everywhere.c.site_id).order_by(everywhere.c.site_id)).all()


def count(session: Session, site_ids: Sequence[UUID]) -> int:
    """How many seals these sites have together."""
    return (
        session.scalar(
            select(func.count()).select_from(_SEALS).where(_SEALS.c.site_id.in_(site_ids))
        )
        or 0
    )


def verify(
    session: Session,
    keyring: Keyring,
    site_id: UUID,
    *,
    noted: Head | None = None,
    now: datetime,
    progress: Callable[[int], None] = lambda done: None,
) -> Verdict:
    """Walk the site's chain in portions and check all of it; `noted` is a head of an earlier day.

    Each seal is checked against the one before it as it is stored, so that one fault is reported
    once and the rest of the chain is still checked. `progress` hears how many seals are done.
    """
    verdict = Verdict(site_id)
    noted_hash: str | None = None
    previous: str | None = BEGINNING
    number = 0
    while portion := _portion(session, site_id, number):
        for place, row in enumerate(portion):
            if row.number != number + 1:
                previous = None
                verdict.add(
                    Finding(
                        Fault.MISSING_SEAL,
                        number + 1,
                        detail=f"numbers {number + 1} to {row.number - 1}",
                    )
                )
            previous = _check_link(verdict, keyring, portion, place, previous)
            number = row.number
            if noted and noted.number == number:
                noted_hash = row.hash
        verdict.head = Head(number, portion[-1].hash)
        progress(len(portion))
    _check_unsealed(session, verdict, keyring, now)
    if noted:
        _check_noted(verdict, noted, noted_hash)
    return verdict


def _portion(session: Session, site_id: UUID, after: int) -> Sequence[Any]:
    return (
        session.connection()
        .execute(_CHAIN, {"of_site": site_id, "after": after, "most": PORTION})
        .all()
    )


def _check_link(
    verdict: Verdict, keyring: Keyring, portion: Sequence[Any], place: int, previous: str | None
) -> str:
    """Check the seal at this place of the portion; returns the hash that the next one builds on.

    After a gap nobody knows what this one was built on (`previous` is None): it is believed.
    """
    row = portion[place]
    stored: str = row.hash
    if row.id is None:
        verdict.add(Finding(Fault.MISSING_ROW, row.number, row.record_id))
        return stored
    _check_person(verdict, keyring, row)
    here = row.site_id == verdict.site_id
    if here and previous is None:
        return stored
    if here and stored == _hash(row.number, previous, row, row.sealed_at):
        return stored
    moved = (
        next(_elsewhere(portion, place, previous), None) if verdict.faults < MOST_NAMED else None
    )
    if moved is None:
        verdict.add(Finding(Fault.CHANGED_ROW, row.number, row.record_id))
        return stored
    other, right = moved
    detail = f"here belongs row {other.record_id}, which stands at number {other.number}"
    verdict.add(Finding(Fault.MOVED_ROW, row.number, row.record_id, detail))
    return right


def _hash(number: int, previous: str | None, record: Any, sealed_at: datetime) -> str | None:
    if previous is None:
        return None
    try:
        return digest(content_of(number, previous, record, sealed_at))
    except TypeError:  # facts that the relay never writes
        return None


def _elsewhere(
    portion: Sequence[Any], place: int, previous: str | None
) -> Iterator[tuple[Any, str]]:
    """The row nearby that belongs here, and the hash this place had with it.

    Rows were exchanged when some row and some hash around here fit together: their numbers, or
    the rows that two seals are about, or both rows' contents.
    """
    around = portion[max(0, place - NEARBY) : place + NEARBY]
    hashes = {row.hash for row in around}
    here = portion[place]
    for other in around:
        if other.id is None or other.number == here.number:
            continue
        for sealed_at in {other.sealed_at, here.sealed_at}:
            right = _hash(here.number, previous, other, sealed_at)
            if right in hashes:
                yield other, str(right)


def _check_person(verdict: Verdict, keyring: Keyring, row: Any) -> None:
    """Check that what stands beside the row is what it commits to."""
    if row.person_record_id is None:
        return
    verdict.personal += 1
    number, version = getattr(row, "number", None), row.key_version
    if version not in keyring.keys:
        verdict.add(Finding(Fault.MISSING_KEY, number, row.id, f"version {version}"))
    elif (
        row.person_site_id != row.site_id
        or row.person != keyring.commitment(PERSON, row.address_key, version=version)
        or row.commitment != _commitment(keyring, row)
    ):
        verdict.add(Finding(Fault.CHANGED_PERSON, number, row.id))


def _commitment(keyring: Keyring, row: Any) -> str | None:
    try:
        return commitment_to(
            keyring, row.address_key, row.fields, row.salt, version=row.key_version
        )
    except (TypeError, ValueError):  # fields that the relay never writes
        return None


def _check_unsealed(session: Session, verdict: Verdict, keyring: Keyring, now: datetime) -> None:
    """Rows without a seal, and what is left of rows that are gone."""
    connection = session.connection()
    for row in connection.execute(_UNSEALED, {"of_site": verdict.site_id}):
        _check_person(verdict, keyring, row)
        if row.queued is None:
            verdict.add(Finding(Fault.EXTRA_ROW, None, row.id))
        elif _waits_since(row) < (now - SEALED_WITHIN).timestamp():
            verdict.add(Finding(Fault.NEVER_SEALED, None, row.id))
        else:
            verdict.waiting += 1
    for record_id in connection.execute(_LEFT_BEHIND, {"of_site": verdict.site_id}).scalars():
        verdict.add(Finding(Fault.MISSING_ROW, None, record_id, "its personal fields are left"))


def _waits_since(row: Any) -> float:
    """When the row was written, in seconds: its id says so; what it tells of may be older."""
    return float(max(row.at.timestamp(), (row.id.int >> 80) / 1_000))  # UUID v7: milliseconds first


def _check_noted(verdict: Verdict, noted: Head, found: str | None) -> None:
    if noted.number == 0:
        return
    if noted.number > verdict.head.number:
        verdict.add(
            Finding(
                Fault.TAIL_REMOVED,
                noted.number,
                detail=f"it has {verdict.head.number} seals and had {noted.number}",
            )
        )
    elif found is not None and found != noted.hash:
        verdict.add(Finding(Fault.OTHER_HEAD, noted.number))
