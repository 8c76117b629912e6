"""What the API says to people, it says in the language that is asked for; codes stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from relay.context import Relay
from relay.models import Account, Domain, Site
from relay.services import domains, feed
from relay.vocabulary import Scope
from tests import factories
from tests.api.requests import check_problem
from tests.catalogs import Said
from tests.fakes import FakeNames
from tests.steps import accept, deliver_due, tell

Headers = dict[str, str]

GERMAN = {"Accept-Language": "de-DE, de;q=0.9, en;q=0.5"}

SAID: Said = {
    "Add a TXT record with the name “%(name)s” and the value “%(value)s”.": (
        "Legen Sie einen TXT-Eintrag mit dem Namen „%(name)s“ und dem Wert „%(value)s“ an."
    ),
    "Something else is there: %(found)s.": "Dort steht etwas anderes: %(found)s.",
    "Proves that this domain is yours, and nobody else's here.": "Beweist, dass es Ihre ist.",
    "Nobody knows yet whether mail will be aligned.": "Das weiß noch niemand.",
    "Claimed; waiting for its records in DNS": "Angemeldet",
    (
        "%(number)s required record is not there yet; we keep looking.",
        "%(number)s required records are not there yet; we keep looking.",
    ): ("Ein Eintrag fehlt.", "%(number)s Einträge fehlen."),
    "The receiving server refused the mail.": "Der Server hat die Mail abgelehnt.",
    "The mailbox does not exist": "Das Postfach gibt es nicht",
    "The address is not mailed any more": "Die Adresse bekommt nichts mehr",
    "Mail to this address came back: the mailbox does not exist": "Es gibt dieses Postfach nicht",
    "The sender's domain is not verified": "Die Domain ist nicht bestätigt",
    "None of the recipients may be mailed": "Keinem darf geschrieben werden",
    "There is no such thing": "Das gibt es nicht",
    "There is no such sending domain in this account": "Diese Domain hat das Konto nicht",
    "%(domain)s belongs to a mailbox provider; send from a domain of your own": (
        "%(domain)s gehört einem Mailanbieter"
    ),
    "%(domain)s is already a domain of this account (%(status)s)": "%(domain)s ist da (%(status)s)",
    "verified": "bestätigt",
    "DNS records of %(domain)s": "DNS-Einträge von %(domain)s",
    "Check again": "Noch einmal prüfen",
    "to do": "zu tun",
    "Checked %(before)s, next %(then)s.": "Geprüft %(before)s, wieder %(then)s.",
    "a moment ago": "gerade eben",
}


@pytest.fixture(autouse=True)
def german(translated: Callable[[str, Said], None]) -> None:
    translated("de", SAID)


@pytest.fixture
def manager(relay: Relay, site: Site) -> Headers:
    """The headers of a request with a key that may manage."""
    with relay.sessions.begin() as session:
        made = factories.make_key(session, site, scopes=(Scope.READ, Scope.MANAGE))
    return {"Authorization": f"Bearer {made.secret}"}


@pytest.fixture
def looked_at(client: FlaskClient, manager: Headers, names: FakeNames) -> dict[str, Any]:
    """A domain whose ownership record holds something else, as an English admin sees it."""
    client.post("/v1/domains", headers=manager, json={"name": "new.example"})
    names.publish("_postreeve.new.example", "TXT", "hello")
    told: dict[str, Any] = client.post("/v1/domains/new.example/check", headers=manager).json
    return told


def test_a_domain_says_in_ones_language_what_to_do(
    client: FlaskClient, manager: Headers, looked_at: dict[str, Any]
) -> None:
    answer = client.get("/v1/domains/new.example", headers=manager | GERMAN)

    told, english = answer.json["records"][0], looked_at["records"][0]
    value = english["value"]
    assert english["fix"] == (
        "Something else is there: “hello”. Add a TXT record with the name “_postreeve” and the "
        f"value “{value}”."
    )
    assert told["fix"] == (
        "Dort steht etwas anderes: „hello“. Legen Sie einen TXT-Eintrag mit dem Namen "
        f"„_postreeve“ und dem Wert „{value}“ an."
    )
    assert told["purpose"] == "Beweist, dass es Ihre ist."
    assert told["parameters"] == {"found": ["hello"], "name": "_postreeve", "value": value}
    assert told["code"] == english["code"] == "different"
    assert answer.json["summary"] == "4 Einträge fehlen."
    assert answer.json["history"][0]["title"] == "Angemeldet"
    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == ("de", "Accept-Language")


@pytest.mark.parametrize("asked", [{}, {"Accept-Language": "fr"}, {"Accept-Language": ";;q=,*"}])
def test_english_is_what_everybody_else_hears(
    client: FlaskClient, manager: Headers, looked_at: dict[str, Any], asked: Headers
) -> None:
    answer = client.get("/v1/domains/new.example", headers=manager | asked)

    assert answer.json == looked_at
    assert answer.headers["Content-Language"] == "en"


def test_a_report_from_before_is_shown_as_it_was_written(
    client: FlaskClient, relay: Relay, account: Account, manager: Headers, looked_at: dict[str, Any]
) -> None:
    with relay.sessions.begin() as session:
        found = domains.find(session, account.id, "new.example")
        report = found.report or {}
        report["records"][0]["fix"] = "Something else is there: “50 %(off)s”. Delete it."
        session.execute(update(Domain).where(Domain.id == found.id).values(report=report))

    told = client.get("/v1/domains/new.example", headers=manager | GERMAN).json["records"][0]

    assert told["fix"] == "Something else is there: “50 %(off)s”. Delete it."
    assert told["purpose"] == "Beweist, dass es Ihre ist."
    assert told["parameters"] == {}


def test_the_share_page_speaks_the_language_of_the_browser(
    client: FlaskClient, looked_at: dict[str, Any]
) -> None:
    page = looked_at["share_url"].removeprefix("https://relay.example")

    shown = client.get(page, headers=GERMAN)

    assert '<html lang="de" dir="ltr">' in shown.text
    assert shown.headers["Content-Language"] == "de"
    for words in (
        *("DNS-Einträge von new.example", "4 Einträge fehlen.", "Beweist, dass es Ihre ist."),
        *("„hello“", "zu tun", "Noch einmal prüfen", "Geprüft gerade eben, wieder in 5 Minuten."),
    ):
        assert words in shown.text
    assert '<html lang="ar" dir="rtl">' in client.get(f"{page}?lang=ar").text


def test_what_became_of_a_mail_is_told_in_ones_language(
    client: FlaskClient, relay: Relay, site: Site, manager: Headers
) -> None:
    id = accept(relay, site, to=["ada@customer.example"])["id"]
    (envelope,) = deliver_due(relay)
    tell(relay, "Bounce", envelope)
    with relay.sessions.begin() as session:
        feed.number(session)
    said = (
        "Der Server hat die Mail abgelehnt. Das Postfach gibt es nicht. "
        "Die Adresse bekommt nichts mehr."
    )

    shown = client.get(f"/v1/messages/{id}", headers=manager | GERMAN).json
    fed = client.get("/v1/events", headers=manager | GERMAN).json["events"]
    (listed,) = client.get("/v1/suppressions", headers=manager | GERMAN).json["suppressions"]

    (copy,) = shown["recipients"]
    assert copy["events"][-1]["summary"] == said
    assert copy["reason"]["title"] == "Das Postfach gibt es nicht"
    assert copy["events"][-1]["data"]["diagnosis"]["summary"] == "The mailbox does not exist"
    assert [event["summary"] for event in fed if event["type"] == "bounced"] == [said]
    assert listed["title"] == listed["timeline"][0]["title"] == "Es gibt dieses Postfach nicht"


def test_a_receipt_and_a_refusal_are_told_in_ones_language(
    relay: Relay, site: Site, post: Callable[..., TestResponse]
) -> None:
    accept(relay, site, to=["ada@customer.example"])
    (envelope,) = deliver_due(relay)
    tell(relay, "Bounce", envelope)

    english = post(to=["ada@customer.example", "bob@customer.example"])
    german = post(to=["ada@customer.example", "bob@customer.example"], headers=GERMAN)
    refused = post(to=["ada@customer.example"], headers=GERMAN)

    held = [each["reason"] for each in german.json["recipients"] if each["reason"]]
    kept = [each["reason"] for each in english.json["recipients"] if each["reason"]]
    assert [each["title"] for each in held] == ["Es gibt dieses Postfach nicht"]
    assert [each["title"] for each in kept] == [
        "Mail to this address came back: the mailbox does not exist"
    ]
    assert [each["code"] for each in held] == [each["code"] for each in kept]
    told = check_problem(refused, 422, "nobody-to-mail")
    assert told["title"] == "Keinem darf geschrieben werden"
    assert told["recipients"][0]["title"] == "Es gibt dieses Postfach nicht"
    assert refused.headers["Content-Language"] == "de"


def test_a_problem_is_told_in_ones_language(client: FlaskClient, manager: Headers) -> None:
    answer = client.get("/v1/domains/none.example", headers=manager | GERMAN)

    told = check_problem(answer, 404, "not-found")
    assert told["title"] == "Das gibt es nicht"
    assert told["detail"] == "Diese Domain hat das Konto nicht"
    assert answer.headers["Content-Language"] == "de"


@pytest.mark.parametrize(
    ("name", "told", "in_english"),
    [
        (
            "gmail.com",
            "gmail.com gehört einem Mailanbieter",
            "gmail.com belongs to a mailbox provider; send from a domain of your own",
        ),
        (
            "shop.example",
            "shop.example ist da (bestätigt)",
            "shop.example is already a domain of this account (verified)",
        ),
    ],
)
def test_the_detail_of_a_problem_keeps_what_is_filled_in(
    name: str, told: str, in_english: str, client: FlaskClient, manager: Headers
) -> None:
    def detail(headers: Headers) -> str:
        answer = client.post("/v1/domains", headers=headers, json={"name": name})
        return str(answer.json["detail"])

    assert detail(manager | GERMAN) == told
    assert detail(manager) == in_english
