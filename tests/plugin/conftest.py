"""WordPress sites and the recording relay, for the tests of the plugin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.plugin.relays import KEY, FakeRelay, fake_relay
from tests.plugin.screens import connect, log_in
from tests.plugin.visitors import Visitor
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


@pytest.fixture(scope="module")
def served(site: sites.Site) -> Iterator[sites.Site]:
    """The site, answering."""
    with site.served():
        yield site


@pytest.fixture
def disconnected(served: sites.Site) -> sites.Site:
    """The site as if the plugin were new."""
    served.execute(
        "DELETE FROM wp_options"
        " WHERE option_name LIKE '%postreeve%' OR option_name LIKE '%transient%settings_errors';"
        "DELETE FROM wp_postreeve_outbox; DELETE FROM wp_postreeve_chunks"
    )
    return served


@pytest.fixture(scope="module")
def logged_in(served: sites.Site) -> Visitor:
    """Somebody logged in as the administrator."""
    visitor = Visitor(served.url)
    log_in(visitor, served)
    return visitor


@pytest.fixture
def owner(logged_in: Visitor, disconnected: sites.Site) -> Visitor:
    """The owner of a site that is not connected."""
    return logged_in


@pytest.fixture
def connected(owner: Visitor, relay: FakeRelay) -> Visitor:
    """The owner of a site that is connected, and not live."""
    connect(owner, relay.url, KEY)
    relay.requests.clear()
    return owner
