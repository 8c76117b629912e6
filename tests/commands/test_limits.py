"""`account plan`, `account limits`, `site limits`: an operator sees and sets who may send how much."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from relay import db
from relay.db import Sessions
from relay.models import SourceCount
from tests import factories
from tests.commands import running
from tests.commands.running import Done
from tests.databases import Databases


@dataclass(frozen=True)
class Installation:
    """An account on the standard plan with a site, and its command line."""

    sessions: Sessions
    account: str
    site: str
    run: Callable[..., Done]

    def told(self, *words: str) -> Any:
        """What a command says as JSON."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def installation(databases: Databases) -> Iterator[Installation]:
    url = databases.fresh()
    engine = db.connect(url, pool=2)
    sessions = db.writing(engine)
    with sessions.begin() as session:
        account = factories.make_account(session, plan="standard")
        site = factories.make_site(session, account, declared_daily=500)
    environment = os.environ | {
        "POSTREEVE_DATABASE_URL": url,
        "POSTREEVE_SECRET": factories.SECRET,
        "POSTREEVE_AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    yield Installation(
        sessions,
        str(account.id),
        str(site.id),
        lambda *words: running.run(*words, environment=environment),
    )
    engine.dispose()


def test_an_account_is_put_on_another_plan(installation: Installation) -> None:
    names = [row["plan"] for row in installation.told("account", "plans")]
    assert names == ["trial", "standard", "business", "agency"]
    before = installation.told("account", "plan", installation.account)
    after = installation.told("account", "plan", installation.account, "business")
    assert (before["plan"], before["day"]) == ("standard", 20_000)
    assert (after["plan"], after["day"]) == ("business", 200_000)

    refused = installation.run("account", "plan", installation.account, "gold")

    assert refused.returncode == 1
    assert "there are trial, standard, business, agency" in refused.stderr


def test_limits_are_set_and_cleared(installation: Installation) -> None:
    account, site = installation.account, installation.site
    row = installation.told("account", "limits", account, "--hour", "900", "--size", "2048")
    assert (row["hour"], row["size"], row["set_by_hand"]) == (900, 2_048, ["hour", "size"])

    told = installation.told("site", "limits", site, "--day", "400", "--declared-daily", "1000")
    assert (told["hour"], told["day"], told["declared_daily"]) == (900, 400, 1_000)
    assert told["overrides"] == {"hour": "account", "size": "account", "day": "site"}
    assert [(each["limit"], each["allowed"]) for each in told["now"]][1:3] == [
        ("site-hour", 100),
        ("site-day", 400),
    ]

    told = installation.told("site", "limits", site, "--clear", "all")
    assert (told["day"], told["overrides"]) == (20_000, {"hour": "account", "size": "account"})
    row = installation.told("account", "limits", account, "--clear", "hour")
    assert (row["hour"], row["set_by_hand"]) == (2_000, ["size"])
    assert installation.told("account", "limits", account) == row


@pytest.mark.parametrize("words", [("--recipients", "51"), ("--second", "0"), ("--clear", "week")])
def test_a_limit_that_cannot_be_is_wrong_use(
    words: tuple[str, ...], installation: Installation
) -> None:
    assert installation.run("site", "limits", installation.site, *words).returncode == 2


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        (("site", "limits"), "relay site list"),
        (("site", "limits", "--hour", "5"), "relay site list"),
        (("account", "limits"), "relay account list"),
        (("account", "plan"), "relay account list"),
    ],
)
def test_who_is_not_there_is_looked_for_elsewhere(
    command: tuple[str, ...], hint: str, installation: Installation
) -> None:
    nobody = "00000000-0000-7000-8000-000000000000"
    done = installation.run(*command[:2], nobody, *command[2:])
    assert done.returncode == 1
    assert hint in done.stderr


def test_an_open_breaker_is_shown_and_closed(installation: Installation) -> None:
    now = datetime.now(UTC)
    next_hour = (now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    with installation.sessions.begin() as session:
        session.add(
            SourceCount(
                site_id=UUID(installation.site),
                source="cf7/footer",
                hour_at=next_hour,  # it counts now, and still if that begins meanwhile
                hour_used=31,
                opened_at=now,
                open_until=now + timedelta(hours=30),
                openings=3,
            )
        )
    shown = installation.run("site", "limits", installation.site).stdout
    assert "cf7/footer" in shown
    assert f"{now + timedelta(hours=30):%Y-%m-%d %H:%M}" in shown
    (source,) = installation.told("site", "limits", installation.site)["sources"]
    assert (source["source"], source["allowed_an_hour"]) == ("cf7/footer", 31)
    assert source["breaker_open_until"] == (now + timedelta(hours=30)).isoformat()

    closing = ("site", "limits", installation.site, "--close-breaker", "cf7/footer")
    (source,) = installation.told(*closing)["sources"]

    assert (source["used"], source["breaker_open_until"]) == (0, None)
    again = installation.run(*closing)
    assert again.returncode == 1
    assert "No breaker of the source 'cf7/footer' is open" in again.stderr
