"""Whoever changes the ledger is found out, even if they own the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from relay.context import Relay
from relay.db import is_postgresql, new_id, table_of
from relay.keys import Keyring
from relay.models import (
    Account,
    ConsentPerson,
    ConsentRecord,
    ConsentSeal,
    Site,
    UnsealedRecord,
)
from relay.services import key_versions, seals, verification
from relay.services.ledger import digest
from relay.services.seals import Head, content_of
from relay.services.verification import Fault, Verdict
from relay.vocabulary import ConsentKind
from tests import factories
from tests.factories import make_record
from tests.fakes import FakeClock
from tests.services.test_ledger import seal

RECORDS, SEALS = table_of(ConsentRecord), table_of(ConsentSeal)
PEOPLE, QUEUE = table_of(ConsentPerson), table_of(UnsealedRecord)
ROWS = 12


def verify(
    relay: Relay, site: Site, *, noted: Head | None = None, keyring: Keyring | None = None
) -> Verdict:
    """What a check says about the site's ledger."""
    with relay.reads() as session:
        return verification.verify(
            session, keyring or relay.settings.keyring, site.id, noted=noted, now=relay.clock()
        )


def disarm(session: Session) -> None:
    """What the owner of the tables can do and the relay's role cannot: drop the triggers."""
    run = session.connection().exec_driver_sql
    for table in ("consent_records", "consent_seals"):
        if is_postgresql(session):
            run(f"DROP TRIGGER {table}_append_only ON {table}")
        else:
            for action in ("update", "delete", "insert"):
                run(f"DROP TRIGGER {table}_no_{action}")


@pytest.fixture
def rows(relay: Relay, site: Site) -> list[UUID]:
    """A site's sealed ledger: the ids of its rows."""
    made = [make_record(relay, site, f"{n}@customer.example") for n in range(ROWS)]
    seal(relay)
    return made


@pytest.fixture
def tamper(relay: Relay) -> Callable[..., None]:
    """Change the database as its owner, by these statements."""

    def run(*statements: Any) -> None:
        with relay.sessions.begin() as session:
            disarm(session)
            for statement in statements:
                session.execute(statement)

    return run


def found(verdict: Verdict) -> list[tuple[Fault, int | None, UUID | None]]:
    """The faults of a verdict, and where they are."""
    return [(each.fault, each.number, each.record_id) for each in verdict.findings]


def test_a_ledger_that_nobody_touched_is_whole(relay: Relay, site: Site, rows: list[UUID]) -> None:
    make_record(relay, site)  # it waits for its seal

    verdict = verify(relay, site)

    assert verdict.whole
    assert found(verdict) == []
    assert (verdict.head.number, verdict.personal, verdict.waiting) == (ROWS, ROWS + 1, 1)
    with relay.reads() as session:
        assert verdict.head == seals.head(session, site.id)
        assert verification.sites(session) == [site.id]
        assert verification.count(session, [site.id]) == ROWS


def test_a_long_chain_is_walked_in_portions(relay: Relay, site: Site) -> None:
    for _ in range(2):
        for n in range(verification.PORTION // 4):
            make_record(relay, site, f"{n}@customer.example")
        seal(relay)
    steps: list[int] = []

    with relay.reads() as session:
        verdict = verification.verify(
            session, relay.settings.keyring, site.id, now=relay.clock(), progress=steps.append
        )

    assert verdict.whole
    assert sum(steps) == verification.PORTION // 2


CHANGES: dict[str, dict[str, Any]] = {
    "its kind": {"kind": ConsentKind.CONFIRMED},
    "its time, by a microsecond": {"at": factories.MORNING + timedelta(microseconds=1)},
    "its facts": {"facts": {"form": "footer", "consent_text": "Yes, send me everything."}},
    "its list": {"list_id": UUID(int=7)},
    "its subscription": {"subscription_id": UUID(int=7)},
    "its person": {"person": "0" * 64},
    "its commitment": {"commitment": "0" * 64},
    "its key": {"key_version": 2},
    "its site": {"site_id": UUID(int=7)},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_row_is_named(
    change: str, relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    tamper(update(RECORDS).where(RECORDS.c.id == rows[4]).values(CHANGES[change]))

    verdict = verify(relay, site)

    assert (Fault.CHANGED_ROW, 5, rows[4]) in found(verdict)
    assert {record for _, _, record in found(verdict)} == {rows[4]}, "and no other"


@pytest.mark.parametrize("column", ["hash", "sealed_at"])
def test_a_changed_seal_is_named(
    column: str, relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    value = "f" * 64 if column == "hash" else factories.MORNING + timedelta(days=1)
    tamper(update(SEALS).where(SEALS.c.number == 5).values({column: value}))

    verdict = verify(relay, site)

    assert (Fault.CHANGED_ROW, 5, rows[4]) in found(verdict)
    assert {number for _, number, _ in found(verdict)} <= {5, 6}, "the next one rests on it"


def test_a_changed_row_that_was_sealed_anew_is_found_at_the_next(
    relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    with relay.reads() as session:
        row = session.execute(select(RECORDS).where(RECORDS.c.id == rows[4])).one()
        before, own = session.execute(
            select(SEALS).where(SEALS.c.number.in_((4, 5))).order_by(SEALS.c.number)
        ).all()
    facts = {"facts": {"consent_text": "Yes to everything"}}
    forged_row = dict(row._mapping) | facts
    forged_hash = digest(content_of(5, before.hash, type("Row", (), forged_row), own.sealed_at))
    tamper(
        update(RECORDS).where(RECORDS.c.id == rows[4]).values(facts),
        update(SEALS).where(SEALS.c.number == 5).values(hash=forged_hash),
    )

    assert found(verify(relay, site)) == [(Fault.CHANGED_ROW, 6, rows[5])]


@pytest.mark.parametrize(
    "change",
    [
        {"fields": {"address": "0@customer.example", "ip": "192.0.2.99"}},
        {"fields": {"address": "0@customer.example", "ip": 0.5}},
        {"salt": "another"},
        {"address_key": "mallory@customer.example"},
        {"site_id": UUID(int=7)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_personal_field_is_named(
    change: dict[str, Any], relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    tamper(update(PEOPLE).where(PEOPLE.c.record_id == rows[4]).values(change))

    assert found(verify(relay, site)) == [(Fault.CHANGED_PERSON, 5, rows[4])]


def test_exchanged_personal_fields_are_named(
    relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    spare = UUID(int=7)
    own = PEOPLE.c.record_id
    tamper(
        update(PEOPLE).where(own == rows[1]).values(record_id=spare),
        update(PEOPLE).where(own == rows[2]).values(record_id=rows[1]),
        update(PEOPLE).where(own == spare).values(record_id=rows[2]),
    )

    assert found(verify(relay, site)) == [
        (Fault.CHANGED_PERSON, 2, rows[1]),
        (Fault.CHANGED_PERSON, 3, rows[2]),
    ]


def test_a_missing_row_is_named(
    relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    tamper(delete(RECORDS).where(RECORDS.c.id == rows[4]))

    assert found(verify(relay, site)) == [(Fault.MISSING_ROW, 5, rows[4])]


def test_a_row_removed_with_its_seal_leaves_a_gap(
    relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    gone = rows[4:6]
    tamper(
        delete(RECORDS).where(RECORDS.c.id.in_(gone)),
        delete(SEALS).where(SEALS.c.record_id.in_(gone)),
        delete(PEOPLE).where(PEOPLE.c.record_id.in_(gone)),
    )

    verdict = verify(relay, site)

    assert found(verdict) == [(Fault.MISSING_SEAL, 5, None)]
    assert "numbers 5 to 6" in verdict.findings[0].sentence


def test_a_gap_that_was_closed_by_counting_anew_is_found(
    relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    tamper(
        delete(RECORDS).where(RECORDS.c.id == rows[4]),
        delete(SEALS).where(SEALS.c.record_id == rows[4]),
        delete(PEOPLE).where(PEOPLE.c.record_id == rows[4]),
        *(
            update(SEALS).where(SEALS.c.record_id == row).values(number=number)
            for number, row in enumerate(rows[5:], start=5)
        ),
    )

    assert found(verify(relay, site))[0] == (Fault.CHANGED_ROW, 5, rows[5])


def test_a_removed_end_is_seen_against_a_head_that_was_noted(
    relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    noted = verify(relay, site).head
    gone = rows[-2:]
    tamper(
        delete(RECORDS).where(RECORDS.c.id.in_(gone)),
        delete(SEALS).where(SEALS.c.record_id.in_(gone)),
        delete(PEOPLE).where(PEOPLE.c.record_id.in_(gone)),
    )

    assert verify(relay, site).whole, "nobody can see it without a note"
    verdict = verify(relay, site, noted=noted)
    assert found(verdict) == [(Fault.TAIL_REMOVED, ROWS, None)]
    assert f"has {ROWS - 2} seals and had {ROWS}" in verdict.findings[0].sentence


def test_a_careless_removal_is_seen_without_a_note(
    relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    tamper(
        delete(RECORDS).where(RECORDS.c.id == rows[-1]),
        delete(SEALS).where(SEALS.c.record_id.in_(rows[-2:])),
    )

    assert set(found(verify(relay, site))) == {
        (Fault.EXTRA_ROW, None, rows[-2]),  # its seal is gone
        (Fault.MISSING_ROW, None, rows[-1]),  # what stood beside it is still there
    }


def test_a_note_of_an_earlier_day_is_kept(relay: Relay, site: Site, rows: list[UUID]) -> None:
    noted = verify(relay, site).head
    make_record(relay, site)
    seal(relay)

    assert verify(relay, site, noted=noted).whole
    assert verify(relay, site, noted=Head(0, "0" * 64)).whole
    assert found(verify(relay, site, noted=Head(noted.number, "f" * 64))) == [
        (Fault.OTHER_HEAD, ROWS, None)
    ]


def test_exchanged_rows_are_named(
    relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    spare = UUID(int=7)
    about = SEALS.c.record_id
    tamper(
        update(SEALS).where(about == rows[1]).values(record_id=spare),
        update(SEALS).where(about == rows[8]).values(record_id=rows[1]),
        update(SEALS).where(about == spare).values(record_id=rows[8]),
    )

    verdict = verify(relay, site)

    assert found(verdict) == [(Fault.MOVED_ROW, 2, rows[8]), (Fault.MOVED_ROW, 9, rows[1])]
    assert f"here belongs row {rows[1]}, which stands at number 9" in verdict.findings[0].sentence


def test_exchanged_numbers_are_named(
    relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    tamper(*(
        update(SEALS).where(SEALS.c.number == old).values(number=new)
        for old, new in ((2, 99), (3, 2), (99, 3))
    ))  # fmt: skip

    assert found(verify(relay, site)) == [
        (Fault.MOVED_ROW, 2, rows[2]),
        (Fault.MOVED_ROW, 3, rows[1]),
    ]


def test_a_row_that_waits_too_long_for_its_seal_is_named(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    clock.now = datetime.now(UTC)  # ids are made by the real clock
    id = make_record(relay, site, now=clock() - timedelta(days=1))  # it tells of yesterday
    clock.advance(minutes=59)
    assert verify(relay, site).whole
    clock.advance(minutes=2)

    assert found(verify(relay, site)) == [(Fault.NEVER_SEALED, None, id)]


def forged(site: Site, **given: Any) -> dict[str, Any]:
    """A row as somebody without the keys would write it."""
    return {
        "id": new_id(), "site_id": site.id, "list_id": None, "subscription_id": None,
        "kind": ConsentKind.CONFIRMED, "at": factories.MORNING, "person": "a" * 64,
        "commitment": "b" * 64, "key_version": 1, "facts": {},
    } | given  # fmt: skip


def test_a_forged_row_is_named_at_once(
    relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    row = forged(site)
    tamper(insert(RECORDS).values(row))

    assert found(verify(relay, site)) == [(Fault.EXTRA_ROW, None, row["id"])]


def test_a_forged_row_that_was_let_into_the_chain_commits_to_nobody(
    relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    row = forged(site)
    tamper(
        insert(RECORDS).values(row),
        insert(PEOPLE).values(
            record_id=row["id"], site_id=site.id, address_key="eve@customer.example",
            fields={"address": "eve@customer.example"}, salt="salt",
        ),
        insert(QUEUE).values(record_id=row["id"], site_id=site.id),
    )  # fmt: skip
    seal(relay)

    assert found(verify(relay, site)) == [(Fault.CHANGED_PERSON, ROWS + 1, row["id"])]


def test_a_forged_seal_in_the_middle_is_named(
    relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    row = forged(site)
    tamper(
        insert(RECORDS).values(row),
        *(
            update(SEALS).where(SEALS.c.number == number).values(number=number + 1)
            for number in range(ROWS, 4, -1)
        ),
        insert(SEALS).values(
            site_id=site.id, number=5, record_id=row["id"], hash="c" * 64,
            sealed_at=factories.MORNING,
        ),
    )  # fmt: skip

    verdict = verify(relay, site)

    assert found(verdict)[0] == (Fault.MOVED_ROW, 5, row["id"])
    assert f"here belongs row {rows[4]}, which stands at number 6" in verdict.findings[0].sentence


def test_a_ledger_that_is_wrong_all_over_is_still_checked_to_the_end(
    relay: Relay, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    tamper(update(RECORDS).values(kind=ConsentKind.CONFIRMED))

    verdict = verify(relay, site)

    assert [number for _, number, _ in found(verdict)] == list(range(1, ROWS + 1))


def test_another_site_s_ledger_is_not_concerned(
    relay: Relay, account: Account, site: Site, rows: list[UUID], tamper: Callable[..., None]
) -> None:
    with relay.sessions.begin() as session:
        neighbour = factories.make_site(session, account, name="The neighbour")
    make_record(relay, neighbour)
    seal(relay)
    tamper(update(RECORDS).where(RECORDS.c.id == rows[4]).values(kind=ConsentKind.CONFIRMED))

    assert verify(relay, neighbour).whole
    assert not verify(relay, site).whole


# --- keys -----------------------------------------------------------------------------------

OLD = Keyring({1: b"1" * 32})
BOTH = Keyring({1: b"1" * 32, 2: b"2" * 32})
NEW = Keyring({2: b"2" * 32})


def test_rows_under_an_old_key_still_verify_after_a_new_one_became_current(
    relay: Relay, site: Site
) -> None:
    old = make_record(relay, site, keyring=OLD)
    make_record(relay, site, keyring=BOTH)
    seal(relay)

    assert verify(relay, site, keyring=BOTH).whole
    verdict = verify(relay, site, keyring=NEW)
    assert found(verdict) == [(Fault.MISSING_KEY, 1, old)]
    assert "version 1" in verdict.findings[0].sentence


def test_an_old_key_may_go_when_no_row_needs_it(
    relay: Relay, site: Site, tamper: Callable[..., None]
) -> None:
    def removable(keyring: Keyring) -> dict[int, bool]:
        with relay.reads() as session:
            return {
                each.version: each.removable for each in key_versions.versions(session, keyring)
            }

    id = make_record(relay, site, keyring=OLD)
    assert removable(OLD) == {1: False}, "it makes new commitments"
    assert removable(BOTH) == {1: False, 2: False}
    with relay.sessions.begin() as session:
        session.execute(delete(PEOPLE).where(PEOPLE.c.record_id == id))

    assert removable(BOTH) == {1: True, 2: False}
    with relay.reads() as session:
        one, two = key_versions.versions(session, NEW)
    assert (one.known, one.rows, one.personal, one.last_used_at) == (False, 1, 0, relay.clock())
    assert (two.known, two.current, two.rows) == (True, True, 0)
