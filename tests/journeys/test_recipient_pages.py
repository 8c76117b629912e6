"""Pages for people who got a mail, in a real browser: for everybody, and safe from whoever only looks.

`JOURNEY_PICTURES=1` keeps a picture of each page in var/screenshots.
"""

from __future__ import annotations

import os
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from sqlalchemy import select
from werkzeug.serving import make_server

from relay import db
from relay.app import create_app
from relay.context import Relay
from relay.models import Content, Recipient
from relay.services import confirmations, opt_outs, sign_ups
from relay.services.sign_ups import Form, SignUp
from relay.services.visitors import Visitor
from tests import factories
from tests.pages.people import Person, everything

pytestmark = pytest.mark.journey

LANGUAGES = ("en", "ar")
"""One that runs from left to right, and one from right to left."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
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
        factories.make_domain(session, account)
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
                if page.locator(press).count():  # a button that did its work is gone
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
    button, only_button = "main .card form button", "main form:not(:has(input)) button"
    asked, agreed, refused = (confirmation(door, name) for name in ("gil", "hal", "ivy"))
    question = challenge(door)
    return {
        "unsubscribe": visit(ada.path("unsubscribe", news)),
        "unsubscribe-notification": visit(ada.path("unsubscribe", plugin)),
        "unsubscribe-everything": visit(ada.path("unsubscribe", opt_outs.MARKETING)),
        "unsubscribed": visit(former.path("unsubscribe", gone), only_button),
        "unsubscribed-why": visit(
            leaver.path("unsubscribe", left), only_button, 'input[value="too-many"]', button
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
        "confirm": visit(asked["confirm"]),
        "confirmed": visit(agreed["confirm"], only_button),
        "not-me": visit(asked["not-me"]),
        "not-me-said": visit(refused["not-me"], only_button),
        "confirm-over": visit("/confirm/broken"),
        "challenge": visit(question),
        "challenge-wrong": visit(question, button),
        "challenge-over": visit("/challenge/broken"),
        "plugin": visit("/plugin"),
        "plugin-unknown": visit("/plugin/postreeve.rar"),
    }


def sign_up(door: Door, name: str, form: str = "footer") -> str | None:
    """Somebody signs up for the Sunday Loaf; returns the token of the challenge, if there is one."""
    asked = SignUp(
        address=factories.parse(f"{name}@customer.example"),
        list_key="the-sunday-loaf",
        visitor=Visitor("192.0.2.1", "Browser/1.0"),
        form=Form(form, "https://bakery.example/", "Yes, send me the Sunday Loaf.", "1"),
    )
    relay = door.relay
    with relay.sessions.begin() as session:
        return sign_ups.ask(
            session, relay.settings.keyring, door.ada.site.id, asked, now=relay.clock()
        )


def confirmation(door: Door, name: str) -> dict[str, str]:
    """The links in the confirmation mail that somebody got: `confirm` and `not-me`, as paths."""
    relay = door.relay
    sign_up(door, name)
    with relay.sessions.begin() as session:
        given = {"public_url": door.url, "now": relay.clock()}
        confirmations.answer_due(session, relay.settings.keyring, **given)
        (raw,) = session.scalars(
            select(Content.data)
            .join(Recipient, Recipient.message_id == Content.message_id)
            .where(Recipient.address == f"{name}@customer.example")
        )
    body = message_from_bytes(raw, policy=policy.default).get_body(("plain",))
    assert body is not None
    return {
        url.split("/")[3]: url.removeprefix(door.url)
        for url in re.findall(r"http://\S+", body.get_content())
        if url.startswith(door.url)
    }


def challenge(door: Door) -> str:
    """The path of the question that everybody meets while a form is flooded."""
    found = (sign_up(door, f"flood{number}", "flooded") for number in range(100))
    return f"/challenge/{next(token for token in found if token)}"


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
                wrong += [
                    f"{name} {language} {scheme}: {each}" for each in violations(page, scheme)
                ]
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


def violations(page: Page, scheme: str = "light") -> list[str]:
    """What axe-core finds wrong with the page as it stands; in the dark, only colours differ."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    rules = {"type": "tag", "values": RULES} if scheme == "light" else COLOURS
    found = page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", rules)
    return [
        f"{each['id']}: {node['html'][:200]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def _picture(page: Page, path: Path) -> None:
    page.screenshot(path=f"{path}.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 844})
    page.screenshot(path=f"{path}-phone.png", full_page=True)
    page.set_viewport_size(DESK)


def test_a_scanner_that_follows_every_link_changes_nothing(door: Door, chromium: Browser) -> None:
    """HEAD, GET, and a browser with JavaScript that follows all links, as security gateways do.

    The browser, which takes its time, looks at each page in two languages.
    """
    news, mail = door.ada.subscribe("The Sunday Loaf"), door.ada.get_mail(plugin="bbpress")
    asked = confirmation(door, "gil")
    starts = [door.url + path for path in (asked["confirm"], asked["not-me"], challenge(door))]
    starts += [
        door.url + door.ada.path(page, topic, mail)
        for page, topic in (
            ("unsubscribe", news),
            ("preferences", opt_outs.of_plugin("bbpress")),
            ("report-abuse", opt_outs.MARKETING),
        )
    ]
    before = everything(door.relay)
    context = chromium.new_context()
    page = context.new_page()

    seen: set[str] = set()
    waiting = list(starts)
    while waiting:
        url = waiting.pop(0)
        if url in seen or not url.startswith(door.url):
            continue
        seen.add(url)
        for method in ("HEAD", "GET"):
            _fetch(url, method)
        if "lang=" in url and not url.endswith(LANGUAGES):
            continue
        page.goto(url)
        waiting += page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")

    context.close()
    assert len(seen) >= len(starts) * len(LANGUAGES)
    assert everything(door.relay) == before


def _fetch(url: str, method: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=180) as it:
            return int(it.status)
    except urllib.error.HTTPError as error:
        return error.code
