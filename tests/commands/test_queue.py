"""`python -m relay queue`: what waits, and when it will be gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine

from relay import db
from relay.commands import queue as command
from relay.db import new_id
from relay.gateways.ses import SendingAccount
from relay.models import Recipient, Site
from relay.services import budgets
from relay.vocabulary import Lane, Stage
from tests import factories
from tests.commands.running import run
from tests.databases import Databases


@pytest.fixture
def engine(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    url = databases.fresh()
    monkeypatch.setenv("POSTREEVE_DATABASE_URL", url)
    monkeypatch.setenv("POSTREEVE_SECRET", factories.SECRET)
    engine = db.connect(url, pool=2)
    yield engine
    engine.dispose()


@pytest.fixture
def site(engine: Engine) -> Site:
    """A site with 30 receipts, 90 newsletters and 2 copies held, of a provider with a rate."""
    now = db.database_clock(db.reading(engine))()
    with db.writing(engine).begin() as session:
        site = factories.make_site(session, factories.make_account(session))
        for lane, stage, count in (
            (Lane.TRANSACTIONAL, Stage.QUEUED, 30),
            (Lane.MARKETING, Stage.QUEUED, 90),
            (Lane.MARKETING, Stage.HELD, 2),
        ):
            for n in range(count):
                address = f"{lane}{n}@customer.example"
                session.add(
                    Recipient(
                        message_id=new_id(),
                        account_id=site.account_id,
                        site_id=site.id,
                        address=address,
                        address_key=address,
                        domain="customer.example",
                        lane_rank=lane.rank,
                        stage=stage,
                        due_at=now - timedelta(minutes=5),
                        expires_at=now + timedelta(days=1),
                        tries=0,
                    )
                )
        question = budgets.ask(session, now=now)
        assert question is not None
        told = SendingAccount(max_rate=10.0, max_24_hours=50_000.0, sent_24_hours=20_000.0)
        budgets.learn(session, question, told, now=now)
    return site


def test_it_says_when_nothing_waits(engine: Engine) -> None:
    done = run("queue")
    assert done.returncode == 0
    assert "Nothing waits" in done.stdout


def test_it_shows_lanes_sites_gateways_ages_and_a_forecast(site: Site) -> None:
    done = run("queue")
    words = done.stdout.split()
    assert "10.0 mails a second, 30,000 of 50,000 left of the last 24 hours." in done.stdout
    for expected in ("transactional", "marketing", "held", "customer.example", str(site.id), "90"):
        assert expected in words
    assert ("5", "min") in pairwise(words)


def test_programs_get_json(site: Site) -> None:
    told = json.loads(run("queue", "--json", "--top", "1").stdout)
    lanes = {lane["lane"]: lane for lane in told["lanes"]}
    assert lanes["transactional"]["stages"] == {"queued": 30}
    assert lanes["marketing"]["stages"] == {"queued": 90, "held": 2}
    assert lanes["marketing"]["oldest_seconds"] == pytest.approx(300, abs=30)
    assert lanes["transactional"]["gone_in_seconds"] == pytest.approx(30 / 9, rel=0.01)
    assert lanes["marketing"]["gone_in_seconds"] > lanes["transactional"]["gone_in_seconds"]
    assert [(each["id"], each["stages"]["queued"]) for each in told["sites"]] == [
        (str(site.id), 120)
    ]
    assert told["gateways"][0]["gateway"] == "customer.example"
    assert told["supply"]["left_today"] == 30_000


def test_a_hold_is_told_with_its_reason(site: Site, engine: Engine) -> None:
    now = db.database_clock(db.reading(engine))()
    with db.writing(engine).begin() as session:
        budgets.trouble(session, "daily-quota", in_use=1, now=now)
    done = run("queue")
    assert "Nothing leaves for 10 min: the day's quota at Amazon SES is used up." in " ".join(
        done.stdout.split()
    )


def test_watching_looks_again_until_it_is_stopped(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "time", SimpleNamespace(sleep=pause))

    done = run("queue", "--watch", "0.5", "--json")

    looks = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert (done.returncode, len(looks), pauses) == (0, 2, [0.5, 0.5])
    assert looks[0]["lanes"][1]["stages"] == {"queued": 30}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (4, "4 s"),
        (119, "119 s"),
        (720, "12 min"),
        (12_000, "3 h 20 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_spans_are_written_as_people_say_them(seconds: float, words: str) -> None:
    assert command._span(timedelta(seconds=seconds)) == words


def test_no_span_is_a_dash() -> None:
    assert command._span(None) == "–"
