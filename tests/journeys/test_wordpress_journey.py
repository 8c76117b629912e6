"""A site owner connects WordPress, sends mail and sees what becomes of it.

Nothing is put on: WordPress, relay, worker and simulator are real processes, the owner a browser.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.installations import Installation
from tests.wordpress.sites import Site

SCREEN = "/wp-admin/options-general.php?page=postreeve"
SCRIPTS = Path(__file__).parents[1] / "plugin" / "scripts"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}

pytestmark = [pytest.mark.journey, pytest.mark.wordpress]


def log_in(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/wp-login.php")
    page.get_by_label("Username or Email Address").fill(site.administrator.name)
    page.get_by_label("Password", exact=True).fill(site.administrator.password)
    page.get_by_role("button", name="Log In").click()
    page.wait_for_url("**/wp-admin/")


def open_screen(page: Page, site: Site) -> None:
    page.goto(site.url + SCREEN)


@pytest.fixture
def owner(page: Page, site: Site) -> Page:
    """The owner, logged in and at the plugin's screen."""
    log_in(page, site)
    page.get_by_role("link", name="Settings", exact=True).first.hover()
    page.get_by_role("link", name="Postreeve", exact=True).first.click()
    return page


@pytest.fixture
def connected(owner: Page, relay: Installation) -> Page:
    """The owner, and the site connected and live as the owner does it."""
    if owner.get_by_role("button", name="Connect").is_visible():
        connect(owner, relay)
    if owner.get_by_role("button", name="Go live").is_visible():
        owner.get_by_role("button", name="Go live").click()
        expect(owner.locator("[data-live=yes]")).to_be_visible()
    return owner


def connect(page: Page, relay: Installation) -> None:
    page.get_by_label("Relay address").fill(relay.relay_url)
    page.get_by_label("API key").fill(relay.key)
    page.get_by_role("button", name="Connect").click()
    expect(page.locator("[data-state=ready]")).to_be_visible()


def send_test_mail(page: Page, to: str | None = None) -> None:
    if to:
        page.get_by_label("To", exact=True).fill(to)
    page.get_by_role("button", name="Send test mail").click()


def photograph(page: Page, folder: Path, name: str) -> None:
    """A picture on a desk and one on a phone, where nothing may stick out of the window."""
    for device, size in (("desktop", DESKTOP), ("phone", PHONE)):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        page.screenshot(path=folder / f"wordpress-{name}-{device}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.set_viewport_size({"width": DESKTOP["width"], "height": DESKTOP["height"]})


def test_an_owner_connects_a_site_with_an_address_and_a_key(
    owner: Page, relay: Installation, screenshots: Path
) -> None:
    expect(owner.locator("[data-state=not-connected]")).to_contain_text("Not connected yet.")
    photograph(owner, screenshots, "not-connected")

    connect(owner, relay)

    expect(owner.locator("[data-state=ready]")).to_contain_text("Connected and ready.")
    facts = owner.locator(".postreeve-facts")
    expect(facts).to_contain_text("Example Ltd")
    expect(facts).to_contain_text(re.compile(r"Verified\s+shop\.example"))
    expect(owner.get_by_text("None yet. As soon as this site sends a mail")).to_be_visible()
    expect(owner.locator("[data-live=no]")).to_contain_text("Still the way it was before")
    photograph(owner, screenshots, "connected")
    assert relay.key not in owner.content()


def test_a_test_mail_turns_delivered_while_the_owner_watches(
    connected: Page, relay: Installation, screenshots: Path
) -> None:
    send_test_mail(connected)

    expect(connected.locator("[data-status=delivered]")).to_be_visible()
    expect(connected.get_by_role("heading", name="owner@shop.example")).to_be_visible()
    assert relay.mails("owner@shop.example")[0]["subject"] == "Test mail from Shop"
    photograph(connected, screenshots, "test-mail")


def test_a_lost_password_mail_arrives_and_turns_delivered(
    page: Page, connected: Page, site: Site, relay: Installation, screenshots: Path
) -> None:
    connected.context.clear_cookies()
    page.goto(f"{site.url}/wp-login.php?action=lostpassword")
    page.get_by_label("Username or Email Address").fill(site.administrator.name)
    page.get_by_role("button", name="Get New Password").click()
    expect(page.get_by_text("Check your email for the confirmation link")).to_be_visible()

    log_in(page, site)
    open_screen(page, site)
    row = page.locator("tr", has_text="[Shop] Password Reset")
    row.get_by_role("link", name="owner@shop.example").click()

    expect(page.locator("[data-status=delivered]")).to_be_visible()
    assert relay.mails("owner@shop.example")[0]["subject"] == "[Shop] Password Reset"
    message = relay.messages()[0]
    assert (message["kind"], message["source"]["plugin"]) == ("security", "wordpress")
    photograph(page, screenshots, "lost-password")


def test_mails_that_waited_reach_the_relay_together(
    connected: Page, site: Site, relay: Installation
) -> None:
    site.run(SCRIPTS / "wait.php", "3")
    open_screen(connected, site)
    expect(connected.locator("[data-kept=waiting]")).to_contain_text("Waiting: 3")

    site.run(SCRIPTS / "outbox.php")

    open_screen(connected, site)
    expect(connected.locator("[data-kept=waiting]")).to_have_count(0)
    subjects = {message["subject"] for message in relay.messages()}
    assert {"Mail 1", "Mail 2", "Mail 3"} <= subjects


def test_a_bounced_address_is_shown_and_the_next_mail_to_it_is_refused(
    connected: Page, site: Site, screenshots: Path
) -> None:
    bounce = "bounce@simulator.amazonses.com"

    send_test_mail(connected, to=bounce)
    expect(connected.locator("[data-status=bounced]")).to_be_visible()
    photograph(connected, screenshots, "bounced")

    open_screen(connected, site)
    row = connected.locator("tr", has_text=bounce)
    expect(row).to_contain_text("Bounced")

    send_test_mail(connected, to=bounce)
    refusal = connected.locator(".notice-error")
    expect(refusal).to_contain_text("may not mail any of its recipients")
    expect(refusal).to_contain_text(f"{bounce}:")
    expect(refusal.get_by_role("link", name="How to fix this")).to_have_attribute(
        "href", re.compile(r"/problems/nobody-to-mail$")
    )
    photograph(connected, screenshots, "overview")
