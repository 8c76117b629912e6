"""Pages for people who got a mail, in a real browser: for everybody, and safe from whoever only looks.

`JOURNEY_PICTURES=1` keeps a picture of each page in var/screenshots.
"""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from relay import db
from relay.app import create_app
from relay.context import Relay
from relay.services import opt_outs
from tests import factories
from tests.pages.people import Person, everything

pytestmark = pytest.mark.journey

LANGUAGES = ("en", "ar")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PICTURES = bool(os.environ.get("JOURNEY_PICTURES"))
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 320, "height": 640}
"""The narrowest a page must fit without scrolling sideways (WCAG 2.2, 1.4.10)."""


@dataclass(frozen=True)
class Door:
    """A running relay without workers, and somebody who has links to it."""

    url: str
    relay: Relay
    ada: Person


@pytest.fixture
def door(make_relay: Callable[..., Relay], tmp_path: Path, databases: object) -> Iterator[Door]:
    """The web part of a relay, on a port of this machine, with a database of its own."""
    engine = db.connect(databases.fresh())  # type: ignore[attr-defined]
    relay = make_relay(db.writing(engine), db.reading(engine))
    app = create_app(relay)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    url = f"http://127.0.0.1:{server.port}"
    relay = replace(relay, settings=replace(relay.settings, public_url=url))
    app.extensions["relay"] = relay
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with relay.sessions.begin() as session:
        account = factories.make_account(session)
        site = factories.make_site(session, account, name="Bramble & Rye Bakery", url=url)
    try:
        yield Door(url, relay, Person(relay, site))
    finally:
        server.shutdown()
        thread.join()
        engine.dispose()


def states(door: Door) -> dict[str, Callable[[Page, str], None]]:
    """How to bring a browser to each page in each state, for a person of that state's own."""

    def somebody(name: str) -> Person:
        return Person(door.relay, door.ada.site, factories.parse(f"{name}@customer.example"))

    def visit(path: str, *presses: str) -> Callable[[Page, str], None]:
        def go(page: Page, language: str) -> None:
            page.goto(f"{door.url}{path}?lang={language}")
            for press in presses:
                page.click(press)
                page.wait_for_load_state()

        return go

    ada = door.ada
    news = ada.subscribe("The Sunday Loaf")
    ada.get_mail(plugin="bbpress")
    mail = ada.get_mail(plugin="woocommerce", subject="20 % off all sourdough, only today")
    offers = ada.subscribe("Offers and tastings")
    former = somebody("bob")
    gone = former.subscribe("Recipes")
    leaver = somebody("carol")
    left = leaver.subscribe("Baking classes")
    plugin = opt_outs.of_plugin("bbpress")
    button = "main .card form button"
    return {
        "unsubscribe": visit(ada.path("unsubscribe", news)),
        "unsubscribe-notification": visit(ada.path("unsubscribe", plugin)),
        "unsubscribe-everything": visit(ada.path("unsubscribe", opt_outs.MARKETING)),
        "unsubscribed": visit(former.path("unsubscribe", gone), button),
        "unsubscribed-why": visit(
            leaver.path("unsubscribe", left), f"{button}, .said", 'input[value="too-many"]', button
        ),
        "preferences": visit(ada.path("preferences", offers)),
        "preferences-saved": visit(ada.path("preferences", offers), button),
        "preferences-everything": visit(
            somebody("dan").path("preferences", gone), "form:has([name=everything]) button"
        ),
        "preferences-nothing": visit(somebody("eve").path("preferences", opt_outs.MARKETING)),
        "report": visit(ada.path("report-abuse", news, mail)),
        "report-without-reason": visit(ada.path("report-abuse", news, mail), button),
        "report-sent": visit(
            somebody("fay").path("report-abuse", news, mail), 'input[value="fraud"]', button
        ),
        "broken-link": visit("/unsubscribe/broken"),
    }


def test_every_page_is_for_everybody(door: Door, chromium: Browser, screenshots: Path) -> None:
    """No violation of WCAG 2.2 AA that a machine can find, light and dark, and no sideways scrolling."""
    context = chromium.new_context(viewport=DESK, reduced_motion="reduce")
    page = context.new_page()
    wrong = []
    for name, go in states(door).items():
        for language in LANGUAGES:
            go(page, language)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                wrong += [f"{name} {language} {scheme}: {each}" for each in violations(page)]
                if PICTURES:
                    _picture(page, screenshots / f"people-{name}-{language}-{scheme}")
            page.set_viewport_size(PHONE)
            if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
                wrong.append(f"{name} {language}: scrolls sideways at {PHONE['width']} px")
            page.set_viewport_size(DESK)
    context.close()
    assert wrong == []


def test_the_rules_find_what_is_wrong(door: Door, chromium: Browser) -> None:
    """Were they silent about a page that is bad, their silence about ours would say nothing."""
    page = chromium.new_page()
    page.goto(f"{door.url}/unsubscribe/broken")
    page.evaluate(
        """() => {
            document.documentElement.removeAttribute("lang");
            document.querySelector("main p").style.cssText = "color: #ddd; background: #eee";
            document.querySelector("main").append(document.createElement("input"));
        }"""
    )

    found = " ".join(violations(page))

    page.close()
    for rule in ("html-has-lang", "color-contrast", "label"):
        assert rule in found


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands."""
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    return [
        f"{each['id']}: {node['html'][:200]}"
        for each in Axe().run(page, options=options).response["violations"]
        for node in each["nodes"]
    ]


def _picture(page: Page, path: Path) -> None:
    page.screenshot(path=f"{path}.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 844})
    page.screenshot(path=f"{path}-phone.png", full_page=True)
    page.set_viewport_size(DESK)


def test_a_scanner_that_follows_every_link_changes_nothing(door: Door, chromium: Browser) -> None:
    """HEAD, GET, and a browser with JavaScript that follows all links, as security gateways do."""
    news, mail = door.ada.subscribe("The Sunday Loaf"), door.ada.get_mail(plugin="bbpress")
    starts = [
        door.url + door.ada.path(page, topic, mail)
        for page in ("unsubscribe", "preferences", "report-abuse")
        for topic in (news, opt_outs.of_plugin("bbpress"))
    ]
    before = everything(door.relay)
    context = chromium.new_context()
    page = context.new_page()

    seen: set[str] = set()
    waiting = list(starts)
    while waiting and len(seen) < 60:
        url = waiting.pop(0)
        if url in seen or not url.startswith(door.url):
            continue
        seen.add(url)
        for method in ("HEAD", "GET"):
            _fetch(url, method)
        page.goto(url)
        waiting += page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")

    context.close()
    assert len(seen) > len(starts)
    assert everything(door.relay) == before


def _fetch(url: str, method: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10) as it:
            return int(it.status)
    except urllib.error.HTTPError as error:
        return error.code
