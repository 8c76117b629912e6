"""`database grant`: the relay's own role can run everything, and cannot undo the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, make_url, select
from sqlalchemy.exc import DBAPIError

from relay import db
from relay.__main__ import cli
from relay.context import Relay
from relay.db import is_postgresql
from relay.errors import Invalid, NotFound, Refused
from relay.models import ConsentSeal
from relay.services import database_roles, seals, verification
from relay.worker import Duties
from tests import factories
from tests.databases import Databases
from tests.factories import make_record
from tests.fakes import FakeMailer
from tests.steps import accept, deliver_due, tell

ROLE = "relay_app"


@dataclass(frozen=True)
class Installation:
    """A migrated database, as its owner and as the relay's role."""

    owner: Engine
    application: Engine


@pytest.fixture
def installation(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A database of its own after `database grant`."""
    url = databases.fresh()
    monkeypatch.setenv("POSTREEVE_DATABASE_URL", url)
    monkeypatch.setenv("POSTREEVE_SECRET", factories.SECRET)
    owner = db.connect(url, pool=2)
    with owner.begin() as connection:
        connection.exec_driver_sql(f"DROP ROLE IF EXISTS {ROLE}")
        connection.exec_driver_sql(f"CREATE ROLE {ROLE} LOGIN")
    with db.writing(owner).begin() as session:
        database_roles.grant(session, ROLE)
    application = db.connect(
        make_url(url).set(username=ROLE).render_as_string(hide_password=False), pool=4
    )
    yield Installation(owner, application)
    application.dispose()
    with owner.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {ROLE}")
        connection.exec_driver_sql(f"DROP ROLE {ROLE}")
    owner.dispose()


FORBIDDEN = [
    statement.format(table=table)
    for table in ("consent_records", "consent_seals")
    for statement in (
        "UPDATE {table} SET site_id = site_id",
        "DELETE FROM {table}",
        "TRUNCATE {table}",
        "DROP TABLE {table}",
        "DROP TRIGGER {table}_append_only ON {table}",
        "ALTER TABLE {table} DISABLE TRIGGER ALL",
        "ALTER TABLE {table} DISABLE TRIGGER {table}_append_only",
        "CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION consent_append_only()",
        "ALTER TABLE {table} RENAME TO gone",
        "ALTER TABLE {table} OWNER TO " + ROLE,
    )
] + [
    "CREATE OR REPLACE FUNCTION consent_append_only() RETURNS trigger LANGUAGE plpgsql "
    "AS 'BEGIN RETURN NULL; END'",
    "DROP FUNCTION consent_append_only() CASCADE",
    "SET session_replication_role = replica",
    "CREATE TABLE mine (id int)",
    "UPDATE alembic_version SET version_num = '0001'",
    "DROP TABLE messages",
]


@pytest.mark.postgresql
def test_the_command_grants(installation: Installation) -> None:
    done = CliRunner().invoke(cli, ["database", "grant", ROLE], catch_exceptions=False)

    assert done.exit_code == 0
    assert "cannot change the consent ledger" in done.output


@pytest.mark.postgresql
def test_the_relay_s_role_runs_everything_and_undoes_nothing(
    installation: Installation, relay: Relay, mailer: FakeMailer
) -> None:
    own = replace(
        relay, sessions=db.writing(installation.application),
        reads=db.reading(installation.application),
    )  # fmt: skip

    site, _ = factories.make_shop(own)
    receipt = accept(own, site)
    (sent,) = deliver_due(own)
    tell(own, "Delivery", sent)
    for who in ("ada", "bob"):
        make_record(own, site, f"{who}@customer.example")
    Duties(own).run_once()
    with own.reads() as session:
        verdict = verification.verify(session, own.settings.keyring, site.id, now=own.clock())
    assert receipt["id"]
    assert verdict.whole
    assert verdict.head.number == 2

    for statement in FORBIDDEN:
        with (
            pytest.raises(DBAPIError, match=r"permission denied|must be owner"),
            installation.application.begin() as connection,
        ):
            connection.exec_driver_sql(statement)
    with own.sessions.begin() as session:
        assert seals.head(session, site.id) == verdict.head
        assert len(session.scalars(select(ConsentSeal)).all()) == 2


@pytest.mark.postgresql
def test_tables_to_come_are_the_relay_s_too(installation: Installation) -> None:
    with installation.owner.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE later (id serial PRIMARY KEY, word text)")
    with installation.application.begin() as connection:
        run = connection.exec_driver_sql
        run("INSERT INTO later (word) VALUES ('a')")
        run("UPDATE later SET word = 'b'")
        assert run("SELECT * FROM later").one() == (1, "b")
        run("DELETE FROM later")


@pytest.mark.postgresql
def test_granting_again_mends_what_was_granted_beside_it(installation: Installation) -> None:
    with installation.owner.begin() as connection:
        connection.exec_driver_sql(f"GRANT ALL ON consent_records TO {ROLE}")
        connection.exec_driver_sql("GRANT UPDATE (facts), DELETE ON consent_records TO PUBLIC")
    with db.writing(installation.owner).begin() as session:
        database_roles.grant(session, ROLE)

    for statement in ("UPDATE consent_records SET facts = '{}'", "TRUNCATE consent_records"):
        with (
            pytest.raises(DBAPIError, match="permission denied"),
            installation.application.begin() as connection,
        ):
            connection.exec_driver_sql(statement)


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (f"ALTER ROLE {ROLE} SUPERUSER", "superuser"),
        (f"ALTER ROLE {ROLE} CREATEROLE", "may make roles"),
        (f"ALTER TABLE consent_records OWNER TO {ROLE}", "owns the table consent_records"),
        (f"GRANT pg_write_all_data TO {ROLE}", "consent_records: UPDATE"),
    ],
)
def test_a_role_that_could_undo_the_ledger_is_refused(
    spoil: str, said: str, installation: Installation
) -> None:
    with db.writing(installation.owner)() as session:
        session.connection().exec_driver_sql(spoil)  # taken back as this block ends

        with pytest.raises(Refused, match=said):
            database_roles.grant(session, ROLE)


@pytest.mark.postgresql
def test_a_role_must_be_there(installation: Installation) -> None:
    sessions = db.writing(installation.owner)

    with pytest.raises(NotFound, match="There is no role"), sessions.begin() as session:
        database_roles.grant(session, 'no"body')


def test_sqlite_knows_no_roles(relay: Relay) -> None:
    with relay.sessions.begin() as session:
        if is_postgresql(session):
            pytest.skip("is about SQLite")
        with pytest.raises(Invalid, match="SQLite knows no roles"):
            database_roles.grant(session, ROLE)
