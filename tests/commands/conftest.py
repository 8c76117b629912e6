"""What tests of the command line share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from relay.composition import build
from relay.context import Relay
from relay.settings import Settings
from tests import factories
from tests.databases import Databases


@pytest.fixture
def installation(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    """An installation with a database of its own, which the environment describes to commands."""
    environment = {
        "POSTREEVE_DATABASE_URL": databases.fresh(),
        "POSTREEVE_SECRET": factories.SECRET,
        "POSTREEVE_AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    made = build(Settings.from_environment(environment))
    yield made
    made.close()
