"""The plugin's screens in a real browser: from nothing to live, for everybody, on a desk and on a phone.

`JOURNEY_PICTURES=1` keeps pictures in var/screenshots.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.installations import Installation
from tests.journeys.wp_admin import (
    DASHBOARD,
    DOMAIN,
    MAILS,
    SCREEN,
    SETTINGS,
    SUPPRESSIONS,
    forget_all,
    log_in,
    photograph,
    send_test_mail,
)
from tests.wordpress import processes
from tests.wordpress.sites import Site

pytestmark = [pytest.mark.journey, pytest.mark.wordpress]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHONE = {"width": 390, "height": 844}
OWNER = "owner@shop.example"
BAR = "#wp-admin-bar-postreeve"


@pytest.fixture(scope="module", autouse=True)
def _new(site: Site) -> None:
    forget_all(site)


@pytest.fixture
def owner(page: Page, site: Site) -> Page:
    """The owner, logged in."""
    log_in(page, site)
    return page


@pytest.fixture
def turned(site: Site) -> Iterator[None]:
    """The site's language is written from right to left."""
    plugin = site.path / "wp-content" / "mu-plugins" / "turned.php"
    plugin.write_text(
        "<?php add_action( 'after_setup_theme', function () {\n"
        "\t$GLOBALS['wp_locale']->text_direction = 'rtl';\n} );\n"
    )
    yield
    plugin.unlink()


@pytest.fixture
def new_rules(site: Site) -> Iterator[None]:
    """The relay's rules have a version that the owner has not accepted."""
    plugin = site.path / "wp-content" / "mu-plugins" / "new-rules.php"
    plugin.write_text(
        "<?php add_filter( 'http_response', function ( $response, $arguments, $url ) {\n"
        "\t$answer = json_decode( $response['body'], true );\n"
        "\tif ( isset( $answer['policy']['version'] ) ) {\n"
        "\t\t$answer['policy']['version'] = '2099-01';\n"
        "\t\t$response['body'] = wp_json_encode( $answer );\n"
        "\t}\n"
        "\treturn $response;\n"
        "}, 10, 3 );\n"
    )
    yield
    plugin.unlink()


@pytest.fixture
def full(site: Site) -> Iterator[None]:
    """As much mail is kept as may be."""
    site.execute(
        "INSERT INTO wp_postreeve_outbox (mail_key, state, reason, source, size, created_at, due_at,"
        " expires_at, about) VALUES ('full', 'parked', 'key-invalid', 'core', 524288000,"
        " UNIX_TIMESTAMP(), UNIX_TIMESTAMP(), UNIX_TIMESTAMP() + 9999, '')"
    )
    yield
    site.execute("DELETE FROM wp_postreeve_outbox")


def test_an_owner_connects_in_the_browser_tests_and_goes_live(
    owner: Page, site: Site, relay: Installation, screenshots: Path
) -> None:
    owner.goto(site.url + SCREEN)
    expect(owner.locator("[data-step=now]")).to_contain_text("Connect this site with a relay")
    photograph(owner, screenshots, "screens-new")

    connect_in_the_browser(owner, site, relay)
    expect(
        owner.get_by_text("Connected. Nothing of this site's mail has changed yet.")
    ).to_be_visible()
    expect(owner.locator("[data-state=ready]")).to_be_visible()
    expect(owner.locator("[data-live=no]")).to_be_visible()

    owner.goto(site.url + DOMAIN)
    expect(owner.locator("[data-domain=verified]")).to_contain_text("Verified")
    expect(owner.locator("tr", has_text="_postreeve.shop.example")).to_contain_text("TXT")

    owner.goto(site.url + SCREEN)
    expect(owner.locator("[data-step=now]")).to_contain_text("Send a test mail")
    send_test_mail(owner)
    expect(owner.locator("[data-status=delivered]")).to_be_visible()
    expect(owner.locator("[data-step=done]")).to_have_count(3)
    photograph(owner, screenshots, "screens-test-mail")

    owner.goto(site.url + SCREEN)
    expect(owner.locator("[data-step=now]")).to_contain_text("Go live")
    photograph(owner, screenshots, "screens-ready")
    owner.get_by_role("button", name="Go live").click()
    expect(owner.locator("[data-live=yes]")).to_be_visible()
    expect(owner.locator("[data-summary=ready]")).to_contain_text("All well.")


def test_an_owner_contests_a_suppression(
    owner: Page, site: Site, relay: Installation, screenshots: Path
) -> None:
    owner.goto(site.url + SCREEN)
    send_test_mail(owner, to="bounce+ada@simulator.amazonses.com")
    copy = owner.locator("[data-status=bounced]")
    expect(copy).to_contain_text("says that bounce+ada@simulator.amazonses.com does not exist")
    photograph(owner, screenshots, "screens-bounced")

    owner.get_by_role("button", name="The address is right: try once more").click()

    expect(owner.get_by_text("its answer decides")).to_be_visible()
    expect(copy).to_contain_text("You contested it: one mail will tell.")
    expect(copy).to_contain_text(re.compile(r"It is tried on .+ \(in 3 days\)\."))
    photograph(owner, screenshots, "screens-contested")
    owner.goto(site.url + SUPPRESSIONS)
    expect(owner.locator("tr", has_text="bounce+ada@simulator.amazonses.com")).to_contain_text(
        "Contested"
    )


def test_an_owner_appeals_and_reads_the_answer(
    owner: Page, site: Site, relay: Installation, screenshots: Path
) -> None:
    """The site is the one the owner connected in the browser: the one with this address."""
    because = ("--cause", "complaints", "--reason", "9 of 1,204 readers complained in 3 days.")
    relay.operate("site", "limit", relay.site_id, *because)
    owner.goto(f"{site.url}{SCREEN}&fresh=1")
    lanes = owner.locator(".postreeve-lanes")
    expect(lanes.locator("tr", has_text="Receipts")).to_contain_text("Goes out")
    expect(lanes.locator("tr", has_text="Newsletters")).to_contain_text("Waits at the relay")
    expect(owner.get_by_text("9 of 1,204 readers complained in 3 days.")).to_be_visible()
    assert violations(owner, "limited") == []

    owner.get_by_label("Appeal: what happened").fill("A form was abused. It is closed now.")
    owner.get_by_role("button", name="Send the appeal").click()
    expect(owner.locator("[data-appeal]")).to_contain_text("Answered by")
    photograph(owner, screenshots, "screens-limited")

    (appeal,) = relay.operate("appeals", "list")
    relay.operate("appeals", "decline", appeal["id"], "--reason", "It is still open.")
    owner.goto(f"{site.url}{SCREEN}&fresh=1")
    expect(owner.locator("[data-appeal=declined]")).to_contain_text("Declined It is still open.")

    relay.operate("site", "reinstate", relay.site_id, "--reason", "It is closed now.")
    owner.goto(f"{site.url}{SCREEN}&fresh=1")
    expect(owner.locator("[data-summary=ready]")).to_contain_text("All well.")


def test_too_much_kept_mail_and_that_all_is_well_again_are_for_everybody(
    owner: Page, site: Site, relay: Installation, screenshots: Path, full: None
) -> None:
    owner.goto(site.url + SCREEN)
    expect(owner.locator("[data-summary=full]")).to_be_visible()
    expect(owner.locator(BAR)).to_contain_text("no room for more")
    owner.set_viewport_size(PHONE)
    expect(owner.locator(BAR)).to_be_visible()
    assert violations(owner, "full", ".wrap.postreeve", BAR) == []
    photograph(owner, screenshots, "screens-full")

    site.execute("DELETE FROM wp_postreeve_outbox")
    owner.goto(site.url + SCREEN)
    expect(owner.locator(BAR)).to_contain_text("all well again")
    assert violations(owner, "over", ".wrap.postreeve", BAR) == []
    photograph(owner, screenshots, "screens-over")


def test_new_rules_of_the_relay_are_for_everybody(
    owner: Page, site: Site, relay: Installation, screenshots: Path, new_rules: None
) -> None:
    owner.goto(f"{site.url}{SCREEN}&fresh=1")
    expect(owner.locator("[data-policy='2099-01']")).to_be_visible()
    assert violations(owner, "rules") == []
    photograph(owner, screenshots, "screens-rules")


def test_every_screen_is_for_everybody(
    owner: Page, site: Site, relay: Installation, screenshots: Path
) -> None:
    """No violation of WCAG 2.2 AA that a machine can find in what is ours, and no sideways scrolling."""
    assert look(owner, site, screenshots, "screens") == []


def test_every_screen_can_be_read_from_right_to_left(
    owner: Page, site: Site, relay: Installation, screenshots: Path, turned: None
) -> None:
    assert look(owner, site, screenshots, "screens-turned") == []
    assert owner.evaluate("getComputedStyle(document.querySelector('.wrap')).direction") == "rtl"


def test_a_value_is_copied_by_its_button_and_by_keyboard(
    owner: Page, site: Site, relay: Installation
) -> None:
    owner.context.grant_permissions(["clipboard-read", "clipboard-write"])
    owner.goto(site.url + DOMAIN)
    row = owner.locator("tr", has_text="_postreeve.shop.example")
    button = row.get_by_role("button", name=re.compile("Value of"))

    button.focus()
    owner.keyboard.press("Enter")

    expect(owner.locator("#postreeve-copied")).to_contain_text("Copied: postreeve-account=")
    copied = owner.evaluate("navigator.clipboard.readText()")
    assert copied == row.locator("td[data-colname=Value] code").inner_text()


def connect_in_the_browser(page: Page, site: Site, relay: Installation) -> None:
    """Press the button, sign in at the relay with the number from its mail, agree, and come back."""
    page.goto(site.url + SETTINGS)
    page.get_by_label("Address of your relay").fill(relay.relay_url)
    page.get_by_role("button", name="Connect in the browser").click()
    page.get_by_label("Your e-mail address").fill(OWNER)
    page.get_by_role("button", name="Send me a sign-in link").click()
    page.get_by_label("Or type the number from the mail").fill(number_for(relay))
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("I have read the policy").check()
    page.get_by_role("button", name="Connect", exact=True).click()
    page.wait_for_url(f"{site.url}/**")


def number_for(relay: Installation) -> str:
    """The number in the sign-in letter that the simulator got last."""
    found: list[str] = []

    def is_there() -> bool:
        for mail in relay.mails(OWNER):
            found.extend(re.findall(r"\b\d{4} ?\d{4}\b", relay.text_of(mail)))
        return bool(found)

    processes.wait_until(is_there, "the sign-in letter")
    return found[0]


def look(page: Page, site: Site, screenshots: Path, name: str) -> list[str]:
    """What is wrong with each screen; with pictures of all."""
    wrong = []
    page.goto(site.url + MAILS)
    message = page.locator("a.row-title").first.get_attribute("href") or ""
    screens = {
        "status": SCREEN,
        "mails": MAILS,
        "nothing-found": f"{MAILS}&s=nobody",
        "mail": "/wp-admin/" + message.rpartition("/")[2],
        "suppressions": SUPPRESSIONS,
        "domain": DOMAIN,
        "settings": SETTINGS,
        "dashboard": DASHBOARD,
    }
    for screen, path in screens.items():
        page.goto(site.url + path)
        wrong += [f"{screen}: {each}" for each in violations(page, screen)]
        if screen != "dashboard":
            photograph(page, screenshots, f"{name}-{screen}")
    return wrong


def violations(page: Page, screen: str, *parts: str) -> list[str]:
    """What axe-core finds wrong with what is ours on the page, or with these parts of it."""
    ours = "#postreeve" if screen == "dashboard" else ".wrap.postreeve"
    page.evaluate(Axe().axe_script)
    found = page.evaluate(
        "([parts, rules]) => axe.run({include: parts}, {runOnly: {type: 'tag', values: rules}})",
        [[[part] for part in parts or (ours,)], RULES],
    )
    return [
        f"{each['id']}: {node['html'][:200]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
