"""Mail that cannot leave at once waits on the site, and leaves exactly once.

The relay is the real one. The road to it is closed, jammed or slow, and mails are counted where they arrive.
"""

from __future__ import annotations

import json
import re
import secrets
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.installations import Installation
from tests.journeys.roads import Road
from tests.journeys.wp_admin import SCREEN, forget_all, log_in, photograph
from tests.wordpress import processes
from tests.wordpress.sites import Site

pytestmark = [pytest.mark.journey, pytest.mark.wordpress]

TESTS = Path(__file__).parents[1]
CONNECT = TESTS / "wordpress" / "php" / "connect.php"
CRON = TESTS / "plugin" / "scripts" / "outbox.php"
BIND = TESTS / "plugin" / "scripts" / "bind.php"

A_PAGE = 2.5
"""Seconds a page may take while the relay is away: two for the relay, the rest is WordPress."""

A_LARGE_PAGE = 10.0
"""Seconds a page may take that sends 500 mails."""

USUAL = 0.3
"""Seconds that one without mail takes at most where nothing else runs. Where it takes longer, all may."""

SHOP = """<?php
add_action( 'wp_loaded', function () {
	if ( ! isset( $_GET['order'] ) ) {
		return;
	}
	$order = $_GET['order'];
	$sent  = array();
	for ( $number = 1; $number <= (int) $_GET['mails']; $number++ ) {
		$words  = chunk_split( strtr( md5( "$order $number" ), '0123456789', 'ghijklmnop' ), 8, ' ' );
		$sent[] = wp_mail( "$order-$number@customer.example", "$order $number", $words );
	}
	wp_send_json( array( 'sent' => $sent, 'kept' => array_filter( ( new Postreeve\\Outbox() )->counts() ) ) );
} );
"""
"""A must-use plugin that mails as shops do: several times while a page is made, each in words of its own."""

LATER = "<?php namespace Postreeve; function time() { return \\time() + 600; }\n"
"""Ten minutes have gone by for the plugin: what waits is due, and WP-Cron is late."""


@dataclass(frozen=True)
class Order:
    """What a page that mails has done, and how long somebody waited for it."""

    sent: list[bool]
    kept: dict[str, int]
    seconds: float


@pytest.fixture(scope="module", autouse=True)
def _shop(site: Site, relay: Installation) -> Iterator[None]:
    """The site is a shop, and its limits are none of these tests' business."""
    plugin = site.path / "wp-content" / "mu-plugins" / "shop.php"
    plugin.write_text(SHOP)
    much = ("--second", "10000", "--hour", "100000", "--day", "100000")
    (own,) = [each for each in relay.operate("site", "list") if each["id"] == relay.site_id]
    relay.operate("account", "limits", own["account"], *much)
    relay.operate("site", "limits", relay.site_id, *much)
    yield
    plugin.unlink()
    forget_all(site)


@pytest.fixture
def road(site: Site, relay: Installation) -> Road:
    """The road to the relay, closed; the site is connected and live."""
    made = Road(relay.relay_url)
    forget_all(site)
    site.run(CONNECT, made.url, relay.key)
    return made


@pytest.fixture
def order() -> str:
    """A name that no other order has."""
    return f"order-{secrets.token_hex(4)}"


@pytest.fixture
def config(site: Site) -> Iterator[Path]:
    """The site's wp-config.php, put back afterwards."""
    path = site.path / "wp-config.php"
    before = path.read_text()
    yield path
    path.write_text(before)


def test_an_order_while_the_relay_is_gone_waits_and_arrives_once(
    site: Site, relay: Installation, road: Road, order: str
) -> None:
    placed = place(site, order, mails=4)

    assert placed.sent == [True] * 4
    assert placed.kept == {"waiting": 4}
    assert placed.seconds < A_PAGE * slowness(site)

    with road.open(), later(site):
        site.run(CRON)

    assert arrived(relay, order, 4) == expected(order, 4)
    assert kept(site) == {}


def test_an_order_while_the_relay_hangs_leaves_with_an_administrators_visit(
    site: Site, relay: Installation, road: Road, order: str, page: Page, screenshots: Path
) -> None:
    with road.jammed():
        placed = place(site, order, mails=4)

    assert placed.sent == [True] * 4
    assert placed.kept == {"waiting": 4}
    assert placed.seconds < A_PAGE * slowness(site)

    with road.open():
        with later(site):
            log_in(page, site)
        assert arrived(relay, order, 4) == expected(order, 4)
        assert kept(site) == {}

        page.goto(f"{site.url}{SCREEN}&fresh=1")
        source = page.locator(".postreeve-sources tr", has_text="shop")
        expect(source).to_contain_text(re.compile(r"\d+ of [\d,]+\s+Goes out"))
        photograph(page, screenshots, "sources")


def test_five_hundred_mails_of_one_page_arrive_once_though_the_relay_is_slow(
    site: Site, relay: Installation, road: Road, order: str
) -> None:
    with road.open(late=0.15):
        placed = place(site, order, mails=500)
        with later(site):
            site.run(CRON)

    assert placed.sent == [True] * 500
    assert placed.kept == {"waiting": 498}
    assert placed.seconds < A_LARGE_PAGE * slowness(site)
    assert arrived(relay, order, 500) == expected(order, 500)
    assert kept(site) == {}


def test_mails_that_wait_are_readable_after_the_salts_have_changed(
    site: Site, relay: Installation, road: Road, order: str, config: Path, page: Page
) -> None:
    place(site, order, mails=4)
    config.write_text(with_new_salts(config.read_text()))

    log_in(page, site)
    page.goto(site.url + SCREEN)
    expect(page.locator("[data-state=key-unreadable]")).to_be_visible()
    site.run(CONNECT, road.url, relay.key)
    assert kept(site) == {"waiting": 4}
    with road.open(), later(site):
        site.run(CRON)

    assert arrived(relay, order, 4) == expected(order, 4)
    assert kept(site) == {}


def test_a_copied_site_keeps_its_mail_until_its_owner_says_that_it_has_moved(
    site: Site, relay: Installation, road: Road, order: str, page: Page
) -> None:
    site.run(BIND, "shop.example")

    with road.open():
        placed = place(site, order, mails=4)
        with later(site):
            site.run(CRON)
        assert placed.sent == [True] * 4
        assert kept(site) == {"captured": 4}
        assert relay.mails(order) == []

        log_in(page, site)
        page.goto(site.url + SCREEN)
        banner = page.locator("[data-elsewhere=unknown]")
        expect(banner).to_contain_text("no mail leaves this site")
        expect(banner).to_contain_text("It was connected as shop.example")

        page.get_by_role("button", name="The site has moved: send from here").click()
        expect(page.get_by_text("Mails that were kept and go out now: 4.")).to_be_visible()
        expect(banner).to_have_count(0)

        assert arrived(relay, order, 4) == expected(order, 4)
        assert kept(site) == {}


def place(site: Site, name: str, *, mails: int) -> Order:
    """Open a page that sends so many mails, and wait until its request is over."""
    began = time.monotonic()
    with urllib.request.urlopen(
        f"{site.url}/?order={name}&mails={mails}", timeout=processes.PATIENCE
    ) as answer:
        told = json.load(answer)
    return Order(told["sent"], dict(told["kept"]), time.monotonic() - began)


def kept(site: Site) -> dict[str, int]:
    """How many mails the site keeps, by state."""
    return place(site, "none", mails=0).kept


def slowness(site: Site) -> float:
    """How many times longer than with nothing else to do a page takes here and now; at least 1."""
    return max(1.0, *(place(site, "none", mails=0).seconds / USUAL for _ in range(3)))


@contextmanager
def later(site: Site) -> Iterator[None]:
    """Inside the block it is ten minutes later for the plugin."""
    clock = site.path / "wp-content" / "mu-plugins" / "later.php"
    clock.write_text(LATER)
    yield
    clock.unlink()


def arrived(relay: Installation, name: str, mails: int) -> list[str]:
    """The subjects of an order's mails, as soon as so many arrived and the relay has nothing left to send."""

    def is_done() -> bool:
        return len(relay.mails(name)) >= mails and relay.queue() == []

    processes.wait_until(is_done, f"{mails} mails of {name}")
    return sorted(mail["subject"] for mail in relay.mails(name))


def expected(name: str, mails: int) -> list[str]:
    """The subjects of an order's mails, each once."""
    return sorted(f"{name} {number}" for number in range(1, mails + 1))


def with_new_salts(config: str) -> str:
    """The configuration with other secret keys and salts."""
    changed, count = re.subn(
        r"(_(?:KEY|SALT)', ')[0-9a-f]{64}'", lambda m: f"{m[1]}{secrets.token_hex(32)}'", config
    )
    assert count == 8
    return changed
