"""Name servers on the loopback: a real one, and one that misbehaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import nsd
from tests.nameservers import QuirkyServer, quirky


@pytest.fixture(scope="session")
def nameserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """NSD with the zones of tests/data/zones; where it listens."""
    nsd.fetch()  # seconds, the first time
    with nsd.serving(tmp_path_factory.mktemp("nsd")) as port:
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="module")
def _quirky() -> Iterator[QuirkyServer]:
    with quirky() as server:
        yield server


@pytest.fixture
def odd(_quirky: QuirkyServer) -> QuirkyServer:
    """A server that does as its quirks say, and knows nothing so far."""
    _quirky.quirks.clear()
    _quirky.asked.clear()
    return _quirky
