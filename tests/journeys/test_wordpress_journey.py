"""A site owner connects WordPress with a key, sends mail and sees what becomes of it.

Nothing is put on: WordPress, relay, worker and simulator are real processes, the owner a browser.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.installations import Installation
from tests.journeys.wp_admin import (
    MAILS,
    SCREEN,
    SETTINGS,
    forget_all,
    log_in,
    photograph,
    send_test_mail,
)
from tests.wordpress.sites import Site

pytestmark = [pytest.mark.journey, pytest.mark.wordpress]


@pytest.fixture(scope="module", autouse=True)
def _new(site: Site) -> None:
    forget_all(site)


@pytest.fixture
def owner(page: Page, site: Site) -> Page:
    """The owner, logged in and at the plugin's screen."""
    log_in(page, site)
    page.get_by_role("link", name="Settings", exact=True).first.hover()
    page.get_by_role("link", name="Postreeve", exact=True).first.click()
    page.wait_for_url("**page=postreeve")
    return page


@pytest.fixture
def connected(owner: Page, site: Site, relay: Installation) -> Page:
    """The owner, and the site connected and live as the owner does it."""
    if owner.get_by_role("link", name="Connect this site", exact=True).is_visible():
        connect(owner, site, relay)
    if owner.get_by_role("button", name="Go live").is_visible():
        owner.get_by_role("button", name="Go live").click()
        expect(owner.locator("[data-live=yes]")).to_be_visible()
    return owner


def connect(page: Page, site: Site, relay: Installation) -> None:
    page.goto(site.url + SETTINGS)
    page.get_by_label("Relay address").fill(relay.relay_url)
    page.get_by_label("API key").fill(relay.key)
    page.get_by_role("button", name="Connect with the key").click()
    expect(page.locator("[data-state=ready]")).to_be_visible()


def test_an_owner_connects_a_site_with_an_address_and_a_key(
    owner: Page, site: Site, relay: Installation, screenshots: Path
) -> None:
    expect(owner.locator("[data-state=not-connected]")).to_contain_text("Not connected yet.")

    connect(owner, site, relay)

    expect(owner.locator("[data-state=ready]")).to_contain_text("Connected and ready.")
    facts = owner.locator(".postreeve-facts")
    expect(facts).to_contain_text("Example Ltd")
    expect(facts).to_contain_text(re.compile(r"Verified\s+shop\.example"))
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


def test_a_lost_password_mail_arrives_and_turns_delivered(
    page: Page, connected: Page, site: Site, relay: Installation, screenshots: Path
) -> None:
    connected.context.clear_cookies()
    page.goto(f"{site.url}/wp-login.php?action=lostpassword")
    page.get_by_label("Username or Email Address").fill(site.administrator.name)
    page.get_by_role("button", name="Get New Password").click()
    expect(page.get_by_text("Check your email for the confirmation link")).to_be_visible()

    log_in(page, site)
    page.goto(f"{site.url}{MAILS}&fresh=1")
    row = page.locator("tr", has_text="[Shop] Password Reset")
    row.get_by_role("link", name="owner@shop.example").click()

    expect(page.locator("[data-status=delivered]")).to_be_visible()
    assert relay.mails("owner@shop.example")[0]["subject"] == "[Shop] Password Reset"
    message = relay.messages()[0]
    assert (message["kind"], message["source"]["plugin"]) == ("security", "wordpress")
    photograph(page, screenshots, "lost-password")


def test_a_bounced_address_is_shown_and_the_next_mail_to_it_is_refused(
    connected: Page, site: Site, screenshots: Path
) -> None:
    bounce = "bounce@simulator.amazonses.com"

    send_test_mail(connected, to=bounce)
    expect(connected.locator("[data-status=bounced]")).to_be_visible()

    connected.goto(f"{site.url}{MAILS}&fresh=1")
    row = connected.locator("tr", has_text=bounce)
    expect(row).to_contain_text("Bounced")

    connected.goto(site.url + SCREEN)
    send_test_mail(connected, to=bounce)
    refusal = connected.locator(".notice-error")
    expect(refusal).to_contain_text("may not mail any of its recipients")
    expect(refusal).to_contain_text(f"{bounce}:")
    expect(refusal.get_by_role("link", name="How to fix this")).to_have_attribute(
        "href", re.compile(r"/problems/nobody-to-mail$")
    )
    photograph(connected, screenshots, "refused")
