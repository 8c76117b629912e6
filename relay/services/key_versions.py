"""Which versions of the consent keys are still needed, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from relay.db import table_of
from relay.keys import Keyring
from relay.models import ConsentPerson, ConsentRecord, Erasure

_RECORDS, _PEOPLE, _ERASURES = map(table_of, (ConsentRecord, ConsentPerson, Erasure))


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """One version of the keys. `personal` rows and `erasures` need it; other rows do not.

    A row whose personal fields were erased can no longer be compared with anything, so its key is
    of no use; but the erased person is recognised by the hash that the erasure kept.
    """

    version: int
    known: bool
    current: bool
    rows: int
    personal: int
    erasures: int
    last_used_at: datetime | None

    @property
    def removable(self) -> bool:
        """Whether no row would miss it."""
        return not (self.current or self.personal or self.erasures)


def versions(session: Session, keyring: Keyring) -> Sequence[KeyVersion]:
    """All versions that there is a key or a row of, oldest first."""
    rows = {
        version: (count, last)
        for version, count, last in session.execute(
            select(_RECORDS.c.key_version, func.count(), func.max(_RECORDS.c.at)).group_by(
                _RECORDS.c.key_version
            )
        )
    }
    personal: dict[int, int] = dict(
        session.execute(
            select(_RECORDS.c.key_version, func.count())
            .join(_PEOPLE, _PEOPLE.c.record_id == _RECORDS.c.id)
            .group_by(_RECORDS.c.key_version)
        ).all()
    )
    erasures: dict[int, int] = dict(
        session.execute(
            select(_ERASURES.c.key_version, func.count()).group_by(_ERASURES.c.key_version)
        ).all()
    )
    return [
        KeyVersion(
            version=version,
            known=version in keyring.keys,
            current=version == keyring.current,
            rows=rows.get(version, (0, None))[0],
            personal=personal.get(version, 0),
            erasures=erasures.get(version, 0),
            last_used_at=rows.get(version, (0, None))[1],
        )
        for version in sorted({*keyring.keys, *rows, *erasures})
    ]
