"""The start page speaks to whoever looks at it; on a trial it says what became of the first mails."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from relay.app import create_app
from relay.context import Relay
from relay.languages import LANGUAGES
from relay.models import Site
from relay.pages.trial import LOOKS, REFUSED
from relay.policy.lifecycle import STATUSES
from tests.catalogs import Said
from tests.fakes import FakeClock
from tests.pages.test_frame import Outline
from tests.steps import accept, deliver_due, tell

SAID: Said = {
    "Where to go": "Wohin",
    "It works: %(ended)s.": "Es geht: %(ended)s.",
    "%(number)s %(status)s": "%(number)s-mal %(status)s",
    "bounced": "zurückgekommen",
    "refused": "abgelehnt",
    "Mail to this address came back: the mailbox does not exist": "Das Postfach gibt es nicht",
    "The mailbox does not exist": "Es gibt kein Postfach",
    "%(sentence)s.": "%(sentence)s!",
    "a moment ago": "gerade eben",
    "Starting: the first mails are being written.": "Es fängt an.",
}
GERMAN = {"Accept-Language": "de-AT, en;q=0.5"}


@pytest.fixture
def german(translated: Callable[[str, Said], None]) -> None:
    """What this needs of German, and nothing of the other languages."""
    translated("de", SAID)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_start_page_speaks_each_language(language: str, client: FlaskClient) -> None:
    page = client.get("/", headers={"Accept-Language": language})

    (html,) = Outline(page.text).named("html")
    assert (html["lang"], html["dir"]) == (language, "rtl" if language == "ar" else "ltr")
    assert page.headers["Content-Language"] == language
    assert "Accept-Language" in page.headers["Vary"]


def test_the_start_page_is_said_in_the_language_of_the_browser(
    german: None, client: FlaskClient
) -> None:
    assert "<h2>Wohin</h2>" in client.get("/", headers=GERMAN).text
    assert "<h2>Where to go</h2>" in client.get("/", headers={"Accept-Language": "fr"}).text
    assert "<h2>Where to go</h2>" in client.get("/?lang=en", headers=GERMAN).text


def test_what_became_of_the_first_mails_is_said_in_the_language_of_the_browser(
    german: None, relay: Relay, site: Site, clock: FakeClock, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.json"
    settings = replace(
        relay.settings, topic_arns=(), simulator_certificate=notes, trial_notes=notes
    )
    client = create_app(replace(relay, settings=settings)).test_client()
    assert "Es fängt an." in client.get("/", headers=GERMAN).text
    accept(relay, site)
    (envelope,) = deliver_due(relay)
    tell(relay, "Bounce", envelope)
    refused = {
        "subject": "Your invoice",
        "to": "ada@customer.example",
        "why": "Mail to this address came back: the mailbox does not exist",
        "at": relay.clock().isoformat(),
    }
    notes.write_text(json.dumps({"site_id": str(site.id), "finished": True, "refused": [refused]}))

    page = client.get("/", headers=GERMAN).text

    assert "Es geht: 1-mal zurückgekommen, 1-mal abgelehnt." in page
    assert "Das Postfach gibt es nicht!" in page
    assert "It works: 1 bounced, 1 refused." in client.get("/").text


def test_every_status_has_a_look_and_a_word() -> None:
    assert set(LOOKS) == {*STATUSES, REFUSED}
