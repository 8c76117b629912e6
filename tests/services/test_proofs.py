"""A proof of consent tells the whole story, and anyone can check its hashes."""

from __future__ import annotations

import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from relay.context import Relay
from relay.errors import NotFound
from relay.models import ConsentPerson, ConsentRecord, Site
from relay.services import proof_pages, proofs, verification
from relay.services.seals import parse_head
from relay.vocabulary import ConsentKind
from tests import factories
from tests.factories import make_record, parse
from tests.fakes import FakeClock
from tests.services.test_erasures import erase
from tests.services.test_ledger import seal
from tests.services.test_verification import disarm
from tests.steps import accept, deliver_due, tell

ADA = "Ada@customer.example"


def prove(relay: Relay, site: Site, who: str = ADA) -> dict[str, Any]:
    """The proof of a person's consent."""
    with relay.reads() as session:
        return proofs.proof(
            session, relay.settings.keyring, site_id=site.id, address=parse(who), now=relay.clock()
        )


@pytest.fixture
def story(relay: Relay, site: Site, clock: FakeClock) -> Site:
    """Ada asked, got the mail, confirmed, and left; then she left all mail. The site of it."""
    make_record(relay, site, "bob@customer.example")
    with relay.sessions.begin() as session:
        news = factories.make_list(session, site)
        subscription = factories.make_subscription(session, news, ADA)
    on: dict[str, Any] = {"list_id": news.id, "subscription_id": subscription.id}
    facts = {
        "form": "footer", "page": "https://shop.example/<b>", "consent_version": "2026-11",
        "consent_text": "Yes, send me news. I may leave at any time.\n<script>alert(1)</script>",
    }  # fmt: skip
    make_record(relay, site, ADA, facts=facts, **on)
    receipt = accept(relay, site, to=[ADA])
    (sent,) = deliver_due(relay)
    make_record(
        relay, site, ADA, kind=ConsentKind.SENT, facts={"message": receipt["id"]}, personal={}, **on
    )
    clock.advance(minutes=3)
    tell(relay, "Delivery", sent)
    make_record(relay, site, ADA, kind=ConsentKind.CONFIRMED, facts={}, **on)
    seal(relay)
    clock.advance(minutes=3)
    make_record(relay, site, ADA, kind=ConsentKind.WITHDRAWN, facts={"by": "one-click"}, **on)
    seal(relay)
    make_record(relay, site, ADA, kind=ConsentKind.WITHDRAWN, facts={"topic": "marketing"})
    return site


def test_a_proof_tells_the_story_of_each_list(relay: Relay, story: Site) -> None:
    proof = prove(relay, story)

    news, everything = proof["lists"]
    assert (news["key"], news["controller"], news["status"]) == ("news", "Shop Ltd", "confirmed")
    assert [step["kind"] for step in news["steps"]] == [
        "requested", "sent", "confirmed", "withdrawn",
    ]  # fmt: skip
    requested, sent, confirmed, _ = news["steps"]
    assert requested["consent_text"].startswith("Yes, send me news.")
    assert (requested["consent_version"], requested["form"]) == ("2026-11", "footer")
    assert (requested["address"], requested["ip"]) == (ADA, "192.0.2.7")
    assert sent["mail"]["mime_message_id"] == "<4711@shop.example>"
    assert sent["mail"]["status"] == "delivered"
    assert [event["type"] for event in sent["mail"]["events"]] == ["delivered"]
    assert confirmed["at"] == "2026-11-22T09:03:00+00:00"
    assert [step["facts"] for step in everything["steps"]] == [{"topic": "marketing"}]
    assert everything["name"] is None


def test_anyone_can_check_the_hashes(relay: Relay, story: Site) -> None:
    proof = json.loads(json.dumps(prove(relay, story)))

    news, everything = proof["lists"]
    for step in news["steps"]:
        content = step["chain"]["content"]
        assert hashlib.sha256(content.encode()).hexdigest() == step["chain"]["hash"]
        told = json.loads(content)
        assert told["record"]["facts"] == step["facts"]
        assert told["record"]["commitment"] == step["commitment"]
        assert step["proven"] == {"hash": True, "commitment": True}
    first, second = (json.loads(step["chain"]["content"]) for step in news["steps"][:2])
    assert (first["number"], second["number"]) == (2, 3), "bob was the first"
    assert second["previous"] == news["steps"][0]["chain"]["hash"]
    assert proof["head"] == f"5:{news['steps'][-1]['chain']['hash']}"
    assert everything["steps"][0]["chain"] is None, "its seal is still to come"
    assert everything["steps"][0]["proven"] == {"hash": None, "commitment": True}


def test_the_head_of_a_proof_serves_a_later_check(relay: Relay, story: Site) -> None:
    noted = parse_head(prove(relay, story)["head"])
    seal(relay)

    with relay.reads() as session:
        verdict = verification.verify(
            session, relay.settings.keyring, story.id, noted=noted, now=relay.clock()
        )
    assert verdict.whole


def test_a_proof_does_not_hide_that_something_was_changed(relay: Relay, story: Site) -> None:
    with relay.sessions.begin() as session:
        disarm(session)
        session.execute(
            update(ConsentRecord)
            .where(ConsentRecord.kind == ConsentKind.SENT)
            .values(kind=ConsentKind.CONFIRMED)
        )
        session.execute(update(ConsentPerson).values(salt="another"))

    steps = prove(relay, story)["lists"][0]["steps"]

    assert [step["proven"]["hash"] for step in steps] == [True, False, True, True]
    assert {step["proven"]["commitment"] for step in steps} == {False}
    page = proof_pages.render(prove(relay, story))
    assert "5 of 5 steps are not what was written down" in page
    assert "the row was changed" in page


def test_a_proof_of_somebody_erased_names_nobody(relay: Relay, story: Site) -> None:
    erase(relay, story, ADA)
    seal(relay)

    proof = prove(relay, story)

    assert proof["erased_at"] == relay.clock().isoformat()
    steps = [step for each in proof["lists"] for step in each["steps"]]
    assert [step["kind"] for step in steps][-1] == "erased"
    assert {step["personal"] for step in steps} == {None}
    assert {step["proven"]["hash"] for step in steps} == {True}
    assert "192.0.2.7" not in json.dumps(proof)
    assert "Erased" in proof_pages.render(proof)


@pytest.mark.parametrize("who", ["nobody@customer.example", "bob@customer.example"])
def test_a_proof_is_about_one_person_only(who: str, relay: Relay, story: Site) -> None:
    if who.startswith("nobody"):
        with pytest.raises(NotFound):
            prove(relay, story, who)
    else:
        assert ADA not in json.dumps(prove(relay, story, who))


class Outside(HTMLParser):
    """Collects what a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe", "object", "form", "b"):
            self.found.append((tag, attrs))
        self.found += [(tag, attrs) for name, _ in attrs if name.startswith("on")]


def test_the_page_needs_nothing_else_and_runs_nothing(relay: Relay, story: Site) -> None:
    page = proof_pages.render(prove(relay, story))

    outside = Outside()
    outside.feed(page)
    assert outside.found == []
    assert not re.search(r"url\(|@import", page)
    assert "&lt;script&gt;alert(1)" in page
    assert "Yes, send me news." in page
    assert "Nothing was changed since it was written down</span> (5 steps)" in page
    assert '<html lang="en">' in page


def test_a_page_of_a_form_that_is_no_web_address_is_no_link(relay: Relay, site: Site) -> None:
    make_record(relay, site, ADA, facts={"page": "javascript:alert(1)"}, list_id=UUID(int=7))

    page = proof_pages.render(prove(relay, site))

    assert "javascript:alert(1)" in page
    assert 'href="javascript' not in page
    assert "A list that is gone" in page
