"""The browser, the site and the relay of the journeys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.journeys.installations import Installation, installation
from tests.wordpress import databases, packages, processes, sites, trees

ROOT = Path(__file__).parents[2]

CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@pytest.fixture(scope="package")
def site() -> Iterator[sites.Site]:
    """The newest WordPress with the plugin, served."""
    packages.check({**packages.SERVING, **packages.TESTING})
    with (
        databases.server() as database,
        sites.site(trees.newest(), database) as made,
        made.served(),
    ):
        yield made


@pytest.fixture(scope="package")
def relay(site: sites.Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A relay that knows the site."""
    with installation(tmp_path_factory.mktemp("relay"), site.url) as made:
        yield made


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A browser that can reach this machine only."""
    expect.set_options(timeout=180_000)  # patience is not what is tested, and machines are slow
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=packages.program("chromium"),
            args=list(CHROMIUM),
            timeout=1_000 * processes.PATIENCE,
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A window of somebody who has never been here."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(180_000)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where pictures of the screens are kept for people to look at."""
    folder = ROOT / "var" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
