"""Requests are counted: in this process, or in a real Redis that several share."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from relay.gateways.throttle import ASK_AGAIN, Throttle
from tests import redis_server


def begin_a_window() -> None:
    """Windows of a minute are aligned to the clock; what crosses from one into the next counts in two."""
    if (over := time.time() % 60) > 55:
        time.sleep(60.1 - over)


@pytest.fixture(autouse=True)
def _within_one_window() -> None:
    begin_a_window()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: paths of sockets may have about a hundred characters."""
    with tempfile.TemporaryDirectory(prefix="redis-") as name:
        yield Path(name)


def test_so_many_a_minute_and_no_more() -> None:
    throttle = Throttle()

    answers = [throttle.ask("key", "a", per_minute=3) for _ in range(5)]

    assert answers[:3] == [None, None, None]
    assert all(seconds is not None and 1 <= seconds <= 60 for seconds in answers[3:])


def test_counting_in_memory_starts_no_thread() -> None:
    before = set(threading.enumerate())
    throttle = Throttle()
    assert set(threading.enumerate()) <= before
    for _ in range(20):
        throttle.ask("key", "a", per_minute=100)
        assert set(threading.enumerate()) <= before


def test_each_has_a_count_of_its_own() -> None:
    throttle = Throttle()
    assert throttle.ask("key", "a", per_minute=1) is None
    assert throttle.ask("key", "a", per_minute=1) is not None
    assert throttle.ask("key", "b", per_minute=1) is None
    assert throttle.ask("address", "a", per_minute=1) is None


def test_processes_without_a_store_count_for_themselves() -> None:
    one, other = Throttle(), Throttle()
    assert one.ask("key", "a", per_minute=1) is None
    assert other.ask("key", "a", per_minute=1) is None


@pytest.mark.processes
def test_processes_with_a_store_count_together(folder: Path) -> None:
    with redis_server.serving(folder) as store:
        begin_a_window()
        one, other = Throttle(store), Throttle(store)

        answers = [each.ask("key", "a", per_minute=4) for each in (one, other) * 3]

        assert answers[:4] == [None] * 4
        assert all(seconds is not None and 1 <= seconds <= 60 for seconds in answers[4:])
        assert other.ask("key", "b", per_minute=4) is None


@pytest.mark.processes
def test_a_store_that_goes_away_stops_nobody_and_is_asked_again(folder: Path) -> None:
    now = 100.0
    with redis_server.serving(folder) as store:
        throttle = Throttle(store, clock=lambda: now)
        assert throttle.ask("key", "a", per_minute=2) is None

    begin_a_window()
    with structlog.testing.capture_logs() as logs:
        answers = [throttle.ask("key", "a", per_minute=2) for _ in range(4)]
        now += ASK_AGAIN  # asked again, and still away: that is no news
        throttle.ask("key", "c", per_minute=2)

    assert [seconds is None for seconds in answers] == [True, True, False, False]  # for itself
    assert [entry["event"] for entry in logs] == ["rate limit store away"]

    with redis_server.serving(folder) as again:
        assert again == store
        begin_a_window()
        now += ASK_AGAIN
        with structlog.testing.capture_logs() as logs:
            assert throttle.ask("key", "a", per_minute=2) is None
        assert [entry["event"] for entry in logs] == ["rate limit store back"]
        there = [Throttle(store).ask("key", "a", per_minute=2) for _ in range(2)]
        assert [seconds is None for seconds in there] == [True, False]  # it counted there


def test_a_store_that_was_never_there_costs_one_request_its_patience(folder: Path) -> None:
    throttle = Throttle(f"redis+unix://{folder}/nobody")
    assert throttle.ask("key", "a", per_minute=1) is None
    assert throttle.ask("key", "a", per_minute=1) is not None


@pytest.mark.processes
def test_valkey_is_spoken_to_like_redis(folder: Path) -> None:
    with redis_server.serving(folder) as store:
        begin_a_window()
        valkey = store.replace("redis", "valkey", 1)
        assert Throttle(valkey).ask("key", "a", per_minute=1) is None
        assert Throttle(store).ask("key", "a", per_minute=1) is not None
