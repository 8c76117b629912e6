"""One simulator for most of the tests, with a subscriber; each test finds it as it was started."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulator_rig import Simulator, Subscriber, listening

FAST = ("--delivery-seconds", "0.05", "--complaint-seconds", "0.15")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, Subscriber]]:
    with listening() as subscriber:
        state = tmp_path_factory.mktemp("simulator")
        running = Simulator(state, *FAST, subscriber=subscriber)
        yield running, subscriber
        running.stop()


@pytest.fixture
def simulator(shared: tuple[Simulator, Subscriber]) -> Iterator[Simulator]:
    yield shared[0]
    shared[0].open("/_control", "DELETE")


@pytest.fixture
def subscriber(shared: tuple[Simulator, Subscriber]) -> Subscriber:
    shared[1].statuses.clear()
    return shared[1]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Simulator]]:
    """Start a simulator of one's own, over the test's folder."""
    running: list[Simulator] = []

    def start(*options: str, subscriber: Subscriber | None = None) -> Simulator:
        running.append(Simulator(tmp_path / "state", *options, subscriber=subscriber))
        return running[-1]

    yield start
    for one in running:
        one.kill()
