"""What sites have done before the warm-up was there counts for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from sqlalchemy import Connection, text

from relay import db
from relay.db import new_id
from tests.databases import Databases
from tests.test_migrations import config

SITES = {name: new_id() for name in ("busy", "small", "old", "new")}
LIST = new_id()


@pytest.fixture
def migrate(databases: Databases) -> Iterator[Any]:
    engine = db.connect(databases.empty(), pool=1)
    with engine.connect() as connection:

        def run(direction: str, to: str) -> Connection:
            settings = config()
            settings.attributes["connection"] = connection
            getattr(command, direction)(settings, to)
            return connection

        yield run
    engine.dispose()


def raw(connection: Connection, id: UUID) -> Any:
    return id if connection.dialect.name == "postgresql" else id.hex


def with_history(connection: Connection) -> None:
    """A busy site, a small one, one that was busy long ago, and one that never sent."""
    now = datetime.now(UTC)
    account = raw(connection, new_id())
    say = connection.execute
    say(
        text(
            "INSERT INTO accounts (id, name, owner_email, state, created_at) "
            "VALUES (:id, 'Shop', 'o@shop.example', 'active', :now)"
        ),
        {"id": account, "now": now},
    )
    for name, id in SITES.items():
        say(
            text(
                "INSERT INTO sites (id, account_id, name, url, state, created_at) "
                "VALUES (:id, :account, :name, 'https://shop.example', 'active', :now)"
            ),
            {"id": raw(connection, id), "account": account, "name": name, "now": now},
        )
    for name, status in (("news.shop.example", "verified"), ("later.example", "pending")):
        say(
            text(
                "INSERT INTO domains (id, account_id, name, status, created_at) "
                "VALUES (:id, :account, :name, :status, :now)"
            ),
            {"id": raw(connection, new_id()), "account": account, "name": name, "status": status,
             "now": now},
        )  # fmt: skip
    for site, days, people in (
        ("busy", 2, 9_000), ("busy", 3, 400), ("small", 5, 10), ("old", 41, 70_000),
    ):  # fmt: skip
        say(
            text(
                'INSERT INTO usage (site_id, "window", began_at, messages, recipients, octets) '
                "VALUES (:site, 'day', :began, 1, :people, 1)"
            ),
            {"site": raw(connection, SITES[site]), "began": now - timedelta(days=days),
             "people": people},
        )  # fmt: skip
    for stream, list_id in (
        ("marketing", str(LIST)),
        ("marketing", "a key of old"),
        ("transactional", None),
    ):
        say(
            text(
                "INSERT INTO messages (id, account_id, site_id, stream, lane, list_id, source, sender, "
                "subject, size, removed_headers, accepted_at, expires_at) VALUES (:id, :account, :site, "
                ":stream, :stream, :list, '{}', 'n@shop.example', 'News', 1, '[]', :now, :now)"
            ),
            {"id": raw(connection, new_id()), "account": account, "stream": stream, "list": list_id,
             "site": raw(connection, SITES["busy"]), "now": now},
        )  # fmt: skip
    connection.commit()


def test_history_counts_and_lists_that_were_mailed_are_known(migrate: Any) -> None:
    with_history(migrate("upgrade", "0011"))

    connection = migrate("upgrade", "0012")

    rows = connection.execute(text("SELECT id, per_day FROM ramps")).all()
    ramps = {row.id: row.per_day for row in rows}
    assert ramps == {
        "young-sites": 50,
        f"site:{SITES['busy']}": 13_500,
        f"site:{SITES['small']}": 50,
        "domain:shop.example": 13_500,
    }
    sendings = connection.execute(text("SELECT list_id, accepted FROM sendings")).all()
    assert sorted((row.list_id is not None, row.accepted) for row in sendings) == [
        (False, 10),
        (False, 9_000),
        (True, 0),
    ]


def test_going_back_puts_what_waits_into_the_queue(migrate: Any) -> None:
    connection = migrate("upgrade", "0012")
    now, id = datetime.now(UTC), raw(connection, new_id())
    connection.execute(
        text(
            "INSERT INTO recipients (id, message_id, account_id, site_id, address, address_key, domain, "
            "lane_rank, stage, outcome, due_at, expires_at, tries, sending_id) VALUES (:id, :id, :id, :id, "
            "'a@b.example', 'a@b.example', 'b.example', 3, 'waiting', 'none', :now, :now, 0, :id)"
        ),
        {"id": id, "now": now},
    )
    connection.commit()

    migrate("downgrade", "0011")

    assert connection.execute(text("SELECT stage FROM recipients")).scalar_one() == "queued"
