"""WordPress sites and the recording relay, for the tests of the plugin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.plugin.relays import FakeRelay, fake_relay
from tests.wordpress import databases, packages, phps, sites, suites, trees


@pytest.fixture(scope="session")
def database() -> Iterator[databases.Server]:
    """One MariaDB for all sites."""
    packages.check(packages.SERVING)
    with databases.server() as server:
        yield server


@pytest.fixture(scope="session", params=["oldest", "newest"])
def site(request: pytest.FixtureRequest, database: databases.Server) -> Iterator[sites.Site]:
    """A WordPress site with the plugin: the oldest WordPress and PHP, then the newest WordPress."""
    if request.param == "oldest":
        tree, php = trees.oldest(), oldest_php() or phps.native()
    else:
        tree, php = trees.newest(), phps.native()
    live = {"WP_ENVIRONMENT_TYPE": "production"}
    with sites.site(tree, database, php=php, constants=live) as made:
        yield made


def oldest_php() -> phps.Php | None:
    """PHP 7.4, where Debian still has it for this machine."""
    try:
        return phps.oldest()
    except suites.Unavailable:
        return None


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    """A relay that records what arrives."""
    with fake_relay() as made:
        yield made
