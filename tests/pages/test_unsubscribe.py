"""/unsubscribe/TOKEN: one button, one click of a mail program, and nothing that a scanner could press."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from relay.context import Relay
from relay.models import ConsentPerson, ConsentRecord, Event, OptOut
from relay.services import opt_outs
from relay.vocabulary import ConsentKind, EventType, LeavingReason, SubscriptionStatus
from tests import factories
from tests.fakes import FakeClock
from tests.pages.people import Person, everything

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def records(relay: Relay) -> list[ConsentRecord]:
    with relay.reads() as session:
        return list(session.scalars(select(ConsentRecord).order_by(ConsentRecord.id)))


def test_the_page_says_what_would_stop_and_has_one_button(client: FlaskClient, ada: Person) -> None:
    path = ada.path("unsubscribe", ada.subscribe("Monthly news"))

    page = client.get(path)

    assert page.status_code == 200
    assert re.search(r"<h1>Unsubscribe from <bdi[^>]*>Monthly news</bdi>\?</h1>", page.text)
    assert "The shop" in page.text
    assert page.text.count("<button") == 1
    assert '<form method="post">' in page.text


@pytest.mark.parametrize("method", ["get", "head", "options"])
@pytest.mark.parametrize("page", ["unsubscribe", "preferences", "report-abuse"])
def test_looking_changes_nothing(
    method: str, page: str, client: FlaskClient, ada: Person, relay: Relay
) -> None:
    path = ada.path(page, ada.subscribe(), ada.get_mail(plugin="bbpress"))
    before = everything(relay)

    for query in ("", "?lang=de", "?List-Unsubscribe=One-Click", "?everything=yes&topic=marketing"):
        assert client.open(path + query, method=method.upper()).status_code == 200

    assert everything(relay) == before


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_mail_program_unsubscribes_with_one_click(
    content_type: str, client: FlaskClient, ada: Person, relay: Relay
) -> None:
    """RFC 8058 §3.2: a form either way, no cookie, no redirect."""
    topic, mail = ada.subscribe(), ada.get_mail()

    answer = client.post(
        ada.path("unsubscribe", topic, mail), data=ONE_CLICK, content_type=content_type
    )

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    ended = ada.subscription(topic)
    assert (ended.status, ended.ending) == (SubscriptionStatus.UNSUBSCRIBED, "unsubscribed")
    assert ended.ended_at == relay.clock()
    assert ada.topics() == {topic}
    (record,) = records(relay)
    assert record.kind is ConsentKind.WITHDRAWN
    assert record.subscription_id == ended.id
    assert record.facts == {"by": "one-click"}
    with relay.reads() as session:
        (opted_out,) = session.scalars(select(OptOut))
        (told,) = session.scalars(select(Event))
    assert opted_out.evidence == {"by": "one-click", "message": str(mail)}
    assert (told.message_id, told.type) == (mail, EventType.UNSUBSCRIBED)


def test_the_button_does_the_same(client: FlaskClient, ada: Person, relay: Relay) -> None:
    topic = ada.subscribe()

    page = client.post(ada.path("unsubscribe", topic))

    assert page.status_code == 200
    assert "You are unsubscribed" in page.text
    assert ada.topics() == {topic}
    assert records(relay)[0].facts["by"] == "page"


def test_who_pressed_stands_beside_the_ledger(
    client: FlaskClient, ada: Person, relay: Relay
) -> None:
    client.post(
        ada.path("unsubscribe", ada.subscribe()),
        headers={"User-Agent": "Mail/1.0"},
        environ_base={"REMOTE_ADDR": "192.0.2.7"},
    )

    with relay.reads() as session:
        (person,) = session.scalars(select(ConsentPerson))
    assert person.fields == {
        "address": "ada@customer.example",
        "ip": "192.0.2.7",
        "user_agent": "Mail/1.0",
    }


def test_twice_is_harmless(client: FlaskClient, ada: Person, relay: Relay) -> None:
    path = ada.path("unsubscribe", ada.subscribe())
    client.post(path, data=ONE_CLICK)
    before = everything(relay)

    again = client.post(path, data=ONE_CLICK)

    assert again.status_code == 200
    assert everything(relay) == before
    assert "You are unsubscribed" in client.get(path).text


def test_a_link_works_years_later(client: FlaskClient, ada: Person, clock: FakeClock) -> None:
    topic = ada.subscribe()
    path = ada.path("unsubscribe", topic)

    clock.advance(days=800)

    assert client.post(path, data=ONE_CLICK).status_code == 200
    assert ada.topics() == {topic}


def test_a_notification_stops_by_its_kind(client: FlaskClient, ada: Person, relay: Relay) -> None:
    topic = opt_outs.of_plugin("bbpress")

    page = client.post(ada.path("unsubscribe", topic))

    assert "bbPress" in page.text
    assert ada.topics() == {"notification:bbpress"}
    (record,) = records(relay)
    assert (record.kind, record.facts) == (ConsentKind.WITHDRAWN, {"topic": topic, "by": "page"})


def test_marketing_stops_every_list(client: FlaskClient, ada: Person) -> None:
    news, offers = ada.subscribe("News"), ada.subscribe("Offers")

    client.post(ada.path("unsubscribe", opt_outs.MARKETING))

    assert ada.topics() == {"marketing", news, offers}
    assert {ada.subscription(each).status for each in (news, offers)} == {
        SubscriptionStatus.UNSUBSCRIBED
    }


def test_somebody_who_never_subscribed_can_leave_too(client: FlaskClient, ada: Person) -> None:
    topic = opt_outs.of_list(ada.site.id)  # a list that is gone, or never was

    page = client.get(ada.path("unsubscribe", topic))
    assert "Unsubscribe from this list?" in page.text
    client.post(ada.path("unsubscribe", topic))

    assert ada.topics() == {topic}


def test_a_sign_up_that_waits_for_its_confirmation_goes_on_waiting(
    client: FlaskClient, ada: Person
) -> None:
    """The link of an old mail does not end a new sign-up."""
    topic = ada.subscribe(status=SubscriptionStatus.UNCONFIRMED)

    client.post(ada.path("unsubscribe", topic))

    assert ada.subscription(topic).status is SubscriptionStatus.UNCONFIRMED


def test_a_visit_after_leaving_subscribes_nobody_again(client: FlaskClient, ada: Person) -> None:
    topic = ada.subscribe()
    path = ada.path("unsubscribe", topic)
    client.post(path)

    page = client.get(path).text

    assert "Not what you wanted?" in page
    assert 'href="https://shop.example"' in page
    assert ada.subscription(topic).status is SubscriptionStatus.UNSUBSCRIBED
    assert ada.topics() == {topic}


def test_why_is_kept_if_somebody_cares_to_say(
    client: FlaskClient, ada: Person, relay: Relay
) -> None:
    path = ada.path("unsubscribe", ada.subscribe())
    done = client.post(path).text
    assert re.findall(r'name="why" value="([^"]+)"', done) == [each.value for each in LeavingReason]

    thanks = client.post(path, data={"why": "too-many"})

    assert "Thank you for telling us why." in thanks.text
    with relay.reads() as session:
        (kept,) = session.scalars(select(OptOut))
        session.refresh(kept)
    assert kept.evidence == {"by": "page", "why": "too-many"}


def test_a_reason_of_one_s_own_making_is_not_kept_but_the_mail_stops(
    client: FlaskClient, ada: Person, relay: Relay
) -> None:
    topic = ada.subscribe()

    client.post(ada.path("unsubscribe", topic), data={"why": "<script>"})

    assert ada.topics() == {topic}
    with relay.reads() as session:
        assert session.scalars(select(OptOut)).one().evidence == {"by": "page"}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "broken",
    [
        lambda token: "x",
        lambda token: token[:-1],
        lambda token: f"{token}A",
        lambda token: ("B" if token[0] == "A" else "A") + token[1:],
        lambda token: token[:200] + ("B" if token[200] == "A" else "A") + token[201:],
        lambda token: "%00" + token[3:],
        lambda token: "é" * len(token),
        lambda token: "A" * 5_000,
        lambda token: f"{token[:100]}/{token[100:]}",
    ],
)
def test_a_broken_link_gets_a_friendly_answer(
    method: str, broken: Callable[[str], str], client: FlaskClient, ada: Person, relay: Relay
) -> None:
    token = ada.token(ada.subscribe())
    before = everything(relay)

    answer = client.open(f"/unsubscribe/{broken(token)}", method=method)

    assert answer.status_code == 404
    assert "This link does not work" in answer.text
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert everything(relay) == before


@pytest.mark.parametrize("stuck", [".", ">", ")", "/", "%20", '".'])
def test_what_a_mail_program_leaves_stuck_to_a_link_does_no_harm(
    stuck: str, client: FlaskClient, ada: Person
) -> None:
    topic = ada.subscribe()

    assert client.post(ada.path("unsubscribe", topic) + stuck).status_code == 200
    assert ada.topics() == {topic}


@pytest.mark.parametrize("page", ["preferences", "report-abuse"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_so_it_does_on_the_other_pages(page: str, method: str, client: FlaskClient) -> None:
    answer = client.open(f"/{page}/nonsense", method=method)

    assert answer.status_code == 404
    assert "This link does not work" in answer.text


def test_a_link_of_a_site_that_is_gone_gets_the_same_answer(
    client: FlaskClient, ada: Person
) -> None:
    gone = Person(ada.relay, type(ada.site)(id=ada.site.account_id))

    assert client.get(gone.path("unsubscribe", "marketing")).status_code == 404


def test_leaving_one_site_leaves_others_alone(client: FlaskClient, ada: Person) -> None:
    with ada.relay.sessions.begin() as session:
        other = Person(ada.relay, factories.make_site(session, factories.make_account(session)))
    topic = other.subscribe()

    client.post(ada.path("unsubscribe", topic))  # the list's id, at the wrong site

    assert other.topics() == set()
    assert other.subscription(topic).status is SubscriptionStatus.CONFIRMED
    assert "Monthly news" not in client.get(ada.path("unsubscribe", topic)).text
