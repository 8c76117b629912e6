"""`/v1/subscriptions`: the same answer for everybody, and statuses for the site alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from relay.context import Relay
from relay.models import Account, MailingList, Site, SubscriptionRequest
from relay.services.suppressions import suppress
from relay.vocabulary import Scope, SubscriptionStatus, SuppressionReason, SuppressionScope
from tests import factories
from tests.api.requests import check_problem
from tests.consent import confirm, mails, refuse
from tests.fakes import FakeClock

Headers = dict[str, str]
SignUp = Callable[..., TestResponse]

SOURCE = {
    "form": "footer",
    "page": "https://shop.example/news?utm=1",
    "ip": "203.0.113.7",
    "user_agent": "Browser/1.0",
    "consent_text": "Yes, send me news.",
    "consent_version": "3",
}


@pytest.fixture
def manager(relay: Relay, site: Site) -> Headers:
    with relay.sessions.begin() as session:
        made = factories.make_key(session, site, scopes=(Scope.MANAGE,))
    return {"Authorization": f"Bearer {made.secret}"}


@pytest.fixture
def sign_up(client: FlaskClient, bearer: Headers) -> SignUp:
    """POST a sign-up of ada; arguments replace members, `source_…` those of its source."""

    def post(headers: Headers | None = None, **given: Any) -> TestResponse:
        of_source = {
            name[7:]: given.pop(name) for name in list(given) if name.startswith("source_")
        }
        body = {"email": "ada@customer.example", "list": "news", "source": SOURCE | of_source}
        return client.post("/v1/subscriptions", json=body | given, headers=bearer | (headers or {}))

    return post


def test_a_sign_up_is_taken_and_becomes_a_mail_and_a_confirmed_subscription(
    client: FlaskClient, relay: Relay, news: MailingList, sign_up: SignUp, manager: Headers
) -> None:
    answer = sign_up(name="Ada", language="de")
    assert (answer.status_code, answer.json) == (202, {"accepted": True, "challenge": None})
    (mail,) = mails(relay)
    (before,) = client.get("/v1/subscriptions", headers=manager).json["subscriptions"]
    assert client.post(f"/confirm/{mail.token}").status_code == 200
    (after,) = client.get("/v1/subscriptions?list=news", headers=manager).json["subscriptions"]
    assert (before["status"], after["status"]) == ("unconfirmed", "confirmed")
    assert (after["address"], after["list"], after["language"]) == (
        "ada@customer.example", "news", "de",
    )  # fmt: skip
    assert after["source"] == {
        "form": "footer", "page": "https://shop.example/news",
        "consent_text": "Yes, send me news.", "consent_version": "3",
    }  # fmt: skip


def test_the_visitor_s_browser_chooses_the_language_if_the_form_does_not(
    relay: Relay, news: MailingList, sign_up: SignUp
) -> None:
    sign_up({"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"})
    (mail,) = mails(relay)
    assert '<html lang="es"' in mail.part("html")


def test_the_answer_is_the_same_whoever_signs_up(
    relay: Relay, site: Site, news: MailingList, sign_up: SignUp
) -> None:
    """New, subscribed, suppressed, written to too often; byte for byte, but for the request's own time."""
    sign_up(email="known@customer.example", source_form="1")
    (mail,) = mails(relay)
    confirm(relay, mail.token)
    for _ in range(2):
        sign_up(email="often@customer.example", source_form="2", source_ip=None)
    mails(relay)
    with relay.sessions.begin() as session:
        suppress(
            session, account_id=site.account_id, site_id=site.id,
            address=factories.parse("gone@customer.example"), scope=SuppressionScope.ALL,
            reason=SuppressionReason.INVALID_ADDRESS, evidence={}, now=relay.clock(),
        )  # fmt: skip
    answers = [
        sign_up(email=f"{who}@customer.example", source_form=who, source_ip=None)
        for who in ("new", "known", "often", "gone")
    ]
    assert {(each.status_code, each.data, str(each.headers)) for each in answers} == {
        (202, answers[0].data, str(answers[0].headers))
    }
    assert [mail.to for mail in mails(relay)] == ["new@customer.example"]


def test_a_flooded_form_s_answer_leads_to_a_page_with_a_question(
    client: FlaskClient, relay: Relay, news: MailingList, sign_up: SignUp
) -> None:
    for n in range(10):
        assert sign_up(email=f"p{n}@x.example", source_ip=None).json["challenge"] is None
    url = sign_up(source_ip=None).json["challenge"]["url"]
    assert url.startswith("https://relay.example/challenge/")
    page = client.get(url.removeprefix("https://relay.example"))
    assert page.status_code == 200
    assert "One short question" in page.text


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"email": "nobody"}, "#/email"), ({"email": "a@b"}, "#/email"), ({"email": 5}, "#/email"),
        ({"list": ""}, "#/list"), ({"source_ip": "nowhere"}, "#/source/ip"),
        ({"source_consent_text": ""}, "#/source/consent_text"),
        ({"source_consent_text": "x" * 5_001}, "#/source/consent_text"),
        ({"source_form": "x" * 101}, "#/source/form"), ({"source": {}}, "#/source/form"),
        ({"source": None}, "#/source"), ({"name": "x\x00"}, "#"), ({"unknown": 1}, "#/unknown"),
        ({"language": "x" * 36}, "#/language"),
    ],
)  # fmt: skip
def test_what_is_not_well_formed_is_pointed_at_and_not_kept(
    given: dict[str, Any], pointer: str, relay: Relay, news: MailingList, sign_up: SignUp
) -> None:
    check_problem(sign_up(**given), 400, "request-invalid", pointer=pointer)
    with relay.reads() as session:
        assert session.scalar(select(func.count()).select_from(SubscriptionRequest)) == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"email": NaN}'])
def test_what_is_no_json_object_is_refused(
    body: bytes, client: FlaskClient, bearer: Headers
) -> None:
    answer = client.post(
        "/v1/subscriptions", data=body, content_type="application/json", headers=bearer
    )
    check_problem(answer, 400, "request-invalid", pointer="#")
    plain = client.post("/v1/subscriptions", data=body, headers=bearer)
    check_problem(plain, 400, "request-invalid")


def test_a_list_that_is_not_there_is_the_site_s_mistake(
    relay: Relay, account: Account, sign_up: SignUp
) -> None:
    with relay.sessions.begin() as session:
        factories.make_list(session, factories.make_site(session, account))
    check_problem(sign_up(), 404, "not-found")


def test_a_name_that_is_none_is_no_error(relay: Relay, news: MailingList, sign_up: SignUp) -> None:
    assert sign_up(name="Win https://evil.example\r\nBcc: all@x.example").status_code == 202
    (mail,) = mails(relay)
    assert "evil" not in mail.message.as_string()


def test_not_me_shows_the_site_what_silence_shows(
    client: FlaskClient, relay: Relay, news: MailingList, sign_up: SignUp, manager: Headers,
    clock: FakeClock,
) -> None:  # fmt: skip
    sign_up(email="silent@customer.example")
    sign_up(email="not-me@customer.example")
    tokens = {mail.to: mail.token for mail in mails(relay)}
    clock.advance(hours=1)
    refuse(relay, tokens["not-me@customer.example"])

    def shown() -> list[dict[str, Any]]:
        listed = client.get("/v1/subscriptions", headers=manager).json["subscriptions"]
        return [{**each, "id": "", "address": ""} for each in listed]

    one, other = shown()
    assert one == other
    assert one["status"] == "unconfirmed"
    steps = [
        [
            step["kind"]
            for step in client.get(
                f"/v1/subscriptions/{who}@customer.example/proof", headers=manager
            ).json["lists"][0]["steps"]
        ]
        for who in ("silent", "not-me")
    ]
    assert steps[0] == steps[1] == ["requested", "sent"]


def test_a_list_that_is_not_there_has_no_subscriptions(
    client: FlaskClient, manager: Headers
) -> None:
    check_problem(client.get("/v1/subscriptions?list=nothing", headers=manager), 404, "not-found")


def test_the_export_has_pages_and_looks_for_a_list_or_an_address(
    client: FlaskClient, relay: Relay, site: Site, news: MailingList, manager: Headers
) -> None:
    with relay.sessions.begin() as session:
        offers = factories.make_list(session, site, key="offers")
        for n in range(3):
            factories.make_subscription(session, news, f"p{n}@customer.example")
        factories.make_subscription(
            session, offers, "p1@customer.example", status=SubscriptionStatus.UNSUBSCRIBED
        )
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/v1/subscriptions?limit=2{cursor}", headers=manager).json
        seen += [(each["list"], each["address"][:2]) for each in page["subscriptions"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert seen == [("offers", "p1"), ("news", "p2"), ("news", "p1"), ("news", "p0")]
    found = client.get("/v1/subscriptions?address=P1@Customer.example", headers=manager).json
    assert [each["list"] for each in found["subscriptions"]] == ["offers", "news"]


def test_only_the_site_sees_who_subscribed(
    client: FlaskClient, relay: Relay, account: Account, news: MailingList, manager: Headers,
    bearer: Headers,
) -> None:  # fmt: skip
    with relay.sessions.begin() as session:
        other = factories.make_list(session, factories.make_site(session, account))
        factories.make_subscription(session, other, "ada@customer.example")
    assert client.get("/v1/subscriptions", headers=manager).json["subscriptions"] == []
    check_problem(client.get("/v1/subscriptions", headers=bearer), 403, "scope-missing")
    check_problem(client.post("/v1/subscriptions", headers=manager), 403, "scope-missing")
