"""What `relay.ready` takes from inside psycopg and libpq does what it is taken for."""

from __future__ import annotations

import time

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from relay import ready
from relay.context import Relay
from relay.models import Site
from relay.services import readings
from tests import factories


@pytest.fixture
def site(shared: Relay) -> Site:
    return factories.make_shop(shared)[0]


@pytest.mark.postgresql
def test_statements_leave_together_where_the_pipeline_ends(shared: Relay, site: Site) -> None:
    def is_locked() -> bool:
        free = text("SELECT id FROM sites WHERE id = :id FOR NO KEY UPDATE SKIP LOCKED")
        with shared.sessions() as other:
            return other.execute(free, {"id": site.id}).first() is None

    with shared.sessions.begin() as session:
        driver = session.connection().connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        queue = driver.pgconn
        queue.enter_pipeline_mode()
        queue.send_query_params(b"BEGIN", None)
        given = [str(each).encode() for each in readings.HOLD.parameters({"site": site.id})]
        queue.send_query_params(readings.HOLD.text.encode(), given)
        time.sleep(0.2)  # for what should not have been sent to have arrived
        assert not is_locked()
        queue.pipeline_sync()
        driver.wait(ready._answers(queue, 2))
        assert is_locked()
        queue.exit_pipeline_mode()
        driver.rollback()


@pytest.mark.postgresql
@pytest.mark.parametrize("drop", ["DEALLOCATE ALL", "DISCARD ALL"])
def test_what_somebody_has_dropped_is_prepared_anew(shared: Relay, site: Site, drop: str) -> None:
    engine = shared.reads.kw["bind"]
    rename = ready.Ready(text("UPDATE sites SET name = 'New'"))
    with engine.connect() as connection, shared.reads(bind=connection) as session:
        assert ready.find(session, readings.HOLD, {"site": site.id})
        connection.exec_driver_sql(drop)

        assert ready.find(session, readings.HOLD, {"site": site.id})

        connection.exec_driver_sql(drop)
        ready.end(connection, (readings.HOLD, {"site": site.id}), (rename, {}))
        connection.exec_driver_sql("COMMIT")  # this session is of somebody else's connection

    with shared.reads() as session:
        assert session.get_one(Site, site.id).name == "New"


@pytest.mark.postgresql
def test_within_a_transaction_nothing_is_known_of_what_is_prepared(
    shared: Relay, site: Site
) -> None:
    with shared.sessions.begin() as session:
        session.get_one(Site, site.id).name = "New"
        session.flush()

        assert ready.find(session, readings.HOLD, {"site": site.id})
        session.connection().exec_driver_sql("DEALLOCATE ALL")
        assert ready.find(session, readings.HOLD, {"site": site.id})

    with shared.reads() as session:
        assert session.get_one(Site, site.id).name == "New"


@pytest.mark.postgresql
def test_nothing_of_what_leaves_together_is_kept_if_one_statement_fails(
    shared: Relay, site: Site
) -> None:
    rename = ready.Ready(text("UPDATE sites SET name = 'New'"))
    fail = ready.Ready(text("SELECT 1 / 0"))

    with pytest.raises(DBAPIError, match="division by zero"), ready.alone(shared.sessions) as one:
        ready.end(one, (rename, {}), (fail, {}))

    with shared.reads() as session:
        assert session.get_one(Site, site.id).name == site.name
