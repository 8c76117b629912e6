"""The ledger is added to and never changed; its rows join one chain per site."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from relay.context import Relay
from relay.db import is_postgresql, table_of
from relay.keys import Keyring
from relay.models import (
    Account,
    ConsentPerson,
    ConsentRecord,
    ConsentSeal,
    Site,
    UnsealedRecord,
)
from relay.services import ledger, seals
from relay.services.seals import BEGINNING, Head
from relay.vocabulary import ConsentKind
from relay.worker import Duties
from tests import factories
from tests.factories import make_record, parse
from tests.fakes import FakeClock
from tests.steps import at_once


def seal(relay: Relay, most: int = seals.MOST) -> int:
    """One turn of the duty."""
    with relay.sessions.begin() as session:
        return seals.seal(session, now=relay.clock(), most=most)


def chain(relay: Relay, site: Site) -> list[ConsentSeal]:
    """The site's seals, in order."""
    with relay.reads() as session:
        return list(
            session.scalars(
                select(ConsentSeal)
                .where(ConsentSeal.site_id == site.id)
                .order_by(ConsentSeal.number)
            )
        )


# --- a row ----------------------------------------------------------------------------------


def test_what_identifies_the_person_stands_beside_the_ledger(relay: Relay, site: Site) -> None:
    id = make_record(relay, site, "Ada@Customer.example", kind=ConsentKind.CONFIRMED)

    with relay.reads() as session:
        row, person = session.get_one(ConsentRecord, id), session.get_one(ConsentPerson, id)
    assert person.address_key == "ada@customer.example"
    assert person.fields == {
        "address": "Ada@customer.example", "ip": "192.0.2.7", "user_agent": "Browser/1.0",
    }  # fmt: skip
    told = json.dumps({c.name: str(getattr(row, c.name)) for c in table_of(ConsentRecord).c})
    for secret in ("ada@", "customer.example", "192.0.2.7", "Browser", person.salt):
        assert secret not in told.lower()
    assert (row.kind, row.at, row.key_version) == (ConsentKind.CONFIRMED, relay.clock(), 1)


def test_a_commitment_is_proven_by_the_fields_and_by_nothing_else(relay: Relay, site: Site) -> None:
    keyring = relay.settings.keyring
    one, other = (make_record(relay, site) for _ in range(2))

    with relay.reads() as session:
        row, person = session.get_one(ConsentRecord, one), session.get_one(ConsentPerson, one)
        twin = session.get_one(ConsentRecord, other)

    def commitment(fields: dict[str, str], salt: str, ring: Keyring = keyring) -> str:
        return ledger.commitment_to(ring, person.address_key, fields, salt)

    assert row.commitment == commitment(person.fields, person.salt)
    assert row.commitment != commitment(person.fields | {"ip": "192.0.2.8"}, person.salt)
    assert row.commitment != commitment(person.fields, "another salt")
    assert row.commitment != commitment(person.fields, person.salt, Keyring({1: b"?" * 32}))
    assert row.commitment != twin.commitment, "the same person's rows look different"
    assert row.person == twin.person == ledger.person_of(keyring, parse("ADA@customer.example"))


def test_a_nameless_row_keeps_nobody(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        id = ledger.append_nameless(
            session, relay.settings.keyring, site_id=site.id, kind=ConsentKind.ERASED,
            address=parse("ada@customer.example"), now=relay.clock(),
        )  # fmt: skip

    with relay.reads() as session:
        assert session.get(ConsentPerson, id) is None
        found = session.get_one(ConsentRecord, id)
    assert found.person == ledger.person_of(relay.settings.keyring, parse("ada@customer.example"))


def test_what_no_database_keeps_is_cleaned_and_what_has_two_forms_refused(
    relay: Relay, site: Site
) -> None:
    page = UUID("018f0000-0000-7000-8000-00000000000a")
    id = make_record(
        relay, site, personal={"user_agent": "a\0b\ud800"},
        facts={"page": page, "at": relay.clock(), "texts": ("ü\0", None, True, 3)},
    )  # fmt: skip

    with relay.reads() as session:
        assert session.get_one(ConsentPerson, id).fields["user_agent"] == "ab?"
        assert session.get_one(ConsentRecord, id).facts == {
            "page": str(page),
            "at": "2026-11-22T09:00:00.000000+00:00",
            "texts": ["ü", None, True, 3],
        }
    with pytest.raises(TypeError, match="no canonical form"):
        make_record(relay, site, facts={"share": 0.1})


# --- the chain ------------------------------------------------------------------------------


def test_new_rows_join_the_chain_of_their_site(relay: Relay, account: Account, site: Site) -> None:
    with relay.sessions.begin() as session:
        neighbour = factories.make_site(session, account, name="The neighbour")
    ids = [make_record(relay, site, f"{who}@customer.example") for who in ("ada", "bob")]
    make_record(relay, neighbour)

    assert seal(relay) == 3
    assert seal(relay) == 0
    later = make_record(relay, site)
    assert seal(relay) == 1

    found = chain(relay, site)
    assert [(each.number, each.record_id) for each in found] == [
        (1, ids[0]), (2, ids[1]), (3, later),
    ]  # fmt: skip
    assert [each.number for each in chain(relay, neighbour)] == [1]
    with relay.reads() as session:
        assert seals.head(session, site.id) == Head(3, found[2].hash)
        assert session.scalar(select(func.count()).select_from(UnsealedRecord)) == 0


def test_a_seal_is_the_hash_of_what_everybody_can_write_down(relay: Relay, site: Site) -> None:
    id = make_record(relay, site, facts={"text": 'Ja, „gern“ – "ok"\n'}, list_id=site.id)
    seal(relay)

    (found,) = chain(relay, site)
    with relay.reads() as session:
        row = session.get_one(ConsentRecord, id)
    by_hand = (
        '{"number":1,"previous":"'
        + BEGINNING
        + '","record":{"at":"2026-11-22T09:00:00.000000+00:00"'
        f',"commitment":"{row.commitment}","facts":{{"text":"Ja, „gern“ – \\"ok\\"\\n"}},'
        f'"id":"{id}","key_version":1,"kind":"requested","list_id":"{site.id}",'
        f'"person":"{row.person}","site_id":"{site.id}","subscription_id":null}},'
        '"sealed_at":"2026-11-22T09:00:00.000000+00:00"}'
    )
    assert found.hash == hashlib.sha256(by_hand.encode()).hexdigest()
    if jq := shutil.which("jq"):  # the recipe of docs/consent.md, where the tool is there
        made = subprocess.run(
            [jq, "-cSj", "."], input=json.dumps(json.loads(by_hand)), capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        assert made.stdout == by_hand


def test_sealing_goes_by_portions_in_order_of_id(relay: Relay, site: Site) -> None:
    ids = [make_record(relay, site) for _ in range(7)]

    assert [seal(relay, most=3) for _ in range(4)] == [3, 3, 1, 0]

    assert [each.record_id for each in chain(relay, site)] == ids


def test_a_row_that_comes_late_joins_later(relay: Relay, site: Site, clock: FakeClock) -> None:
    early = make_record(relay, site)
    with relay.sessions.begin() as session:  # its transaction has not been committed yet
        session.execute(delete(UnsealedRecord))
    late = make_record(relay, site)
    seal(relay)
    clock.advance(seconds=5)
    with relay.sessions.begin() as session:
        session.add(UnsealedRecord(record_id=early, site_id=site.id))
    seal(relay)

    assert [each.record_id for each in chain(relay, site)] == [late, early]
    assert early < late


def test_a_removed_row_that_was_never_sealed_does_not_stop_the_others(
    relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        session.add(UnsealedRecord(record_id=UUID(int=1), site_id=site.id))
    make_record(relay, site)

    assert seal(relay, most=1) == 1


def test_two_workers_sealing_at_once_make_one_chain(shared: Relay) -> None:
    site, _ = factories.make_shop(shared)

    def work(number: int) -> int:
        done = 0
        for turn in range(10):
            if number < 3:
                make_record(shared, site, f"{number}-{turn}@customer.example")
            done += seal(shared, most=4)
        return done

    done = sum(at_once(5, work))
    while more := seal(shared):
        done += more

    found = chain(shared, site)
    assert done == len(found) == 30
    assert [each.number for each in found] == list(range(1, 31))
    assert len({each.record_id for each in found}) == 30


@pytest.mark.postgresql
def test_a_confirmation_does_not_wait_for_a_worker_that_seals(shared: Relay) -> None:
    site, _ = factories.make_shop(shared)
    make_record(shared, site)
    with shared.sessions.begin() as session:
        assert seals.seal(session, now=shared.clock()) == 1
        session.connection().exec_driver_sql("SET LOCAL lock_timeout = '1s'")
        make_record(shared, site, "bob@customer.example")  # in a transaction of its own
        assert seal(shared) == 0, "another worker does not wait either"
    assert seal(shared) == 1


# --- what the database refuses --------------------------------------------------------------

REFUSED = [
    "UPDATE consent_records SET kind = 'confirmed'",
    "DELETE FROM consent_records",
    "UPDATE consent_seals SET hash = ''",
    "DELETE FROM consent_seals",
]
ON_POSTGRESQL = [
    "TRUNCATE consent_records",
    "TRUNCATE consent_seals",
    "INSERT INTO consent_records SELECT * FROM consent_records "
    "ON CONFLICT (id) DO UPDATE SET kind = 'confirmed'",
    "SET LOCAL session_replication_role = replica; DELETE FROM consent_records",
]
ON_SQLITE = [
    "INSERT OR REPLACE INTO consent_records SELECT * FROM consent_records",
    "INSERT OR REPLACE INTO consent_seals SELECT * FROM consent_seals",
    "UPDATE OR REPLACE consent_seals SET number = 2",
]


@pytest.mark.parametrize("statement", REFUSED + ON_POSTGRESQL + ON_SQLITE)
def test_the_database_itself_refuses_to_change_the_ledger(
    statement: str, relay: Relay, site: Site
) -> None:
    make_record(relay, site)
    seal(relay)
    with relay.reads() as session:
        if statement in (ON_SQLITE if is_postgresql(session) else ON_POSTGRESQL):
            pytest.skip("is said to the other kind of database")

    with (
        pytest.raises(IntegrityError, match="append-only"),
        relay.sessions.begin() as session,
    ):
        session.connection().exec_driver_sql(statement)

    assert len(chain(relay, site)) == 1
    with relay.reads() as session:
        assert session.scalar(select(ConsentRecord.kind)) is ConsentKind.REQUESTED


def test_old_rows_are_found_after_the_keys_were_rotated(relay: Relay, site: Site) -> None:
    old = Keyring({1: b"1" * 32})
    new = Keyring({1: b"1" * 32, 2: b"2" * 32})
    ids = [make_record(relay, site, keyring=ring) for ring in (old, new)]

    with relay.reads() as session:
        versions = session.scalars(
            select(ConsentRecord.key_version).order_by(ConsentRecord.id)
        ).all()
        found = session.scalars(
            select(ConsentRecord.id)
            .where(ConsentRecord.person.in_(ledger.persons_of(new, parse("ada@customer.example"))))
            .order_by(ConsentRecord.id)
        ).all()
    assert list(versions) == [1, 2]
    assert list(found) == ids


def test_the_worker_seals(relay: Relay, site: Site) -> None:
    make_record(relay, site)

    Duties(relay).run_once()

    assert len(chain(relay, site)) == 1
