"""WordPress sites and the recording relay, for the tests of the plugin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin.relays import KEY, FakeRelay, fake_relay
from tests.plugin.screens import connect, log_in
from tests.plugin.visitors import Visitor
from tests.wordpress import databases, packages, sites
from tests.wordpress.pairs import PAIRS, pair

HERE = Path(__file__).parent


TESTED_IN = "tested in"
"""The property of a test's report that tells what the plugin ran on."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the plugin ran on, at the end of each run."""
    for report in terminalreporter.stats.get("passed", ()):
        for name, versions in report.user_properties:
            if name == TESTED_IN:
                terminalreporter.write_line(f"The plugin was tested in {versions}.")


@pytest.fixture(scope="session")
def database() -> Iterator[databases.Server]:
    """One MariaDB for all sites."""
    packages.check(packages.SERVING)
    with databases.server() as server:
        yield server


@pytest.fixture(scope="session", params=PAIRS)
def site(request: pytest.FixtureRequest, database: databases.Server) -> Iterator[sites.Site]:
    """A WordPress site with the plugin: the oldest WordPress and PHP, then the newest of both."""
    tree, php = pair(request.param)
    live = {"WP_ENVIRONMENT_TYPE": "production"}
    with sites.site(tree, database, php=php, constants=live) as made:
        yield made


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


@pytest.fixture(scope="module")
def edith(served: sites.Site) -> Visitor:
    """Somebody logged in who writes and manages nothing."""
    served.run(HERE / "scripts" / "add-editor.php", "edith", "edith-password")
    visitor = Visitor(served.url)
    assert visitor.log_in("edith", "edith-password").url.endswith("/wp-admin/")
    return visitor


@pytest.fixture
def editor(edith: Visitor, disconnected: sites.Site) -> Visitor:
    """An editor of a site that is not connected."""
    return edith


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
