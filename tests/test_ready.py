"""What `relay.ready` takes from inside psycopg is still there, and still does what it is taken for."""

from __future__ import annotations

import inspect
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

CHANGED = (
    f"psycopg {psycopg.__version__} has changed what relay/ready.py builds on. Read `_Queued` there, and "
    "how psycopg's own Cursor.execute does it now; decision 6 says what for."
)


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("_start_query", ["self", "query"]),
        ("_convert_query", ["self", "query", "params"]),
        ("_maybe_prepare_gen", ["self", "pgq", "prepare", "binary"]),
    ],
)
def test_psycopg_s_cursor_is_made_of_the_same_steps(method: str, parameters: list[str]) -> None:
    found = getattr(psycopg.RawCursor, method, None)

    assert found is not None, CHANGED
    assert [*inspect.signature(found).parameters] == parameters, CHANGED


@pytest.mark.postgresql
def test_statements_that_are_queued_leave_together_where_the_pipeline_ends(shared: Relay) -> None:
    site, _ = factories.make_shop(shared)

    def is_locked() -> bool:
        free = text("SELECT id FROM sites WHERE id = :id FOR NO KEY UPDATE SKIP LOCKED")
        with shared.sessions() as other:
            return other.execute(free, {"id": site.id}).first() is None

    with shared.sessions.begin() as session:
        driver = session.connection().connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        driver.autocommit = True
        with driver.pipeline() as pipeline:
            ready._Queued(driver).queue("BEGIN")
            lock, given = readings.HOLD, {"site": site.id}
            ready._Queued(driver).queue(lock.text, lock.parameters(given), prepare=True)
            time.sleep(0.2)  # for what should not have been sent to have arrived
            assert not is_locked(), CHANGED
            pipeline.sync()
            assert is_locked(), CHANGED
        driver.rollback()
        driver.autocommit = False


@pytest.mark.postgresql
def test_nothing_of_what_leaves_together_is_kept_if_one_statement_fails(shared: Relay) -> None:
    site, _ = factories.make_shop(shared)
    rename = ready.Ready(text("UPDATE sites SET name = 'New'"))
    fail = ready.Ready(text("SELECT 1 / 0"))

    with pytest.raises(DBAPIError, match="division by zero"), shared.sessions.begin() as one:
        ready.end(one, (rename, {}), (fail, {}))

    with shared.reads() as session:
        assert session.get_one(Site, site.id).name == site.name
