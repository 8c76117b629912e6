"""/report-abuse/TOKEN: a word of those who got a mail that should not have come."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from relay.context import Relay
from relay.models import AbuseReport
from relay.services import abuse_reports, opt_outs
from relay.services.suppressions import list_suppressions
from relay.vocabulary import AbuseDecision, AbuseReason, AbuseSeverity
from tests import factories
from tests.fakes import MORNING, FakeClock
from tests.pages.people import Person


def reports(relay: Relay) -> list[AbuseReport]:
    with relay.reads() as session:
        found = list(session.scalars(select(AbuseReport).order_by(AbuseReport.id)))
        for each in found:
            session.refresh(each)
        return found


def test_the_form_offers_every_reason_and_names_the_mail(client: FlaskClient, ada: Person) -> None:
    mail = ada.get_mail(subject="Win a <b>prize</b>")

    page = client.get(ada.path("report-abuse", ada.subscribe(), mail)).text

    assert re.findall(r'name="reason" id="[^"]+" value="([^"]+)"', page) == [
        reason.value for reason in AbuseReason
    ]
    assert "Win a &lt;b&gt;prize&lt;/b&gt;" in page
    assert "22 November 2026" in page


def test_a_report_is_kept_with_all_that_is_known(
    client: FlaskClient, ada: Person, relay: Relay
) -> None:
    topic, mail = ada.subscribe(), ada.get_mail()

    page = client.post(
        ada.path("report-abuse", topic, mail),
        data={"reason": "fraud", "comment": "  They ask\r\nfor money. "},
        headers={"User-Agent": "Browser/1.0"},
        environ_base={"REMOTE_ADDR": "192.0.2.7"},
    )

    assert page.status_code == 200
    assert "your report has arrived" in page.text
    (kept,) = reports(relay)
    assert (kept.account_id, kept.site_id) == (ada.site.account_id, ada.site.id)
    assert (kept.list_id, kept.message_id) == (opt_outs.list_of(topic), mail)
    assert (kept.reason, kept.comment) == (AbuseReason.FRAUD, "They ask\nfor money.")
    assert kept.address_key == "ada@customer.example"
    assert kept.at == relay.clock()
    assert kept.evidence == {
        "page": "report-abuse",
        "topic": topic,
        "ip": "192.0.2.7",
        "user_agent": "Browser/1.0",
    }
    assert ada.topics() == set()


def test_it_stops_the_mail_in_the_same_breath(client: FlaskClient, ada: Person) -> None:
    topic = ada.subscribe("News")
    path = ada.path("report-abuse", topic)
    assert 'name="stop" value="yes" checked' in client.get(path).text

    page = client.post(path, data={"reason": "never-signed-up", "stop": "yes"})

    assert ada.topics() == {topic}
    assert "gets no more mail from the list" in page.text


@pytest.mark.parametrize("reason", ["never-signed-up", "keeps-coming"])
def test_who_wanted_none_of_it_gets_no_more_whatever_is_ticked(
    reason: str, client: FlaskClient, ada: Person, relay: Relay
) -> None:
    topic, mail = ada.subscribe("News"), ada.get_mail()

    page = client.post(ada.path("report-abuse", topic, mail), data={"reason": reason})

    assert ada.topics() == {topic}
    assert "gets no more mail from the list" in page.text
    with relay.reads() as session:
        (stop,) = list_suppressions(session, ada.site.id)
    assert (stop.reason.value, stop.scope.value) == ("complaint", "promotional")


def test_a_report_says_how_grave_it_is_and_what_is_known_of_the_consent(
    client: FlaskClient, ada: Person, relay: Relay
) -> None:
    signed_up = ada.path("report-abuse", ada.subscribe("News"), ada.get_mail())
    client.post(signed_up, data={"reason": "never-signed-up"})
    stranger = Person(relay, ada.site, factories.parse("bob@customer.example"))
    client.post(stranger.path("report-abuse", "marketing"), data={"reason": "never-signed-up"})

    disputed, unknown = reports(relay)
    assert disputed.severity is AbuseSeverity.CONSENT_DISPUTED
    assert disputed.consent is not None
    assert (disputed.consent["list"], disputed.consent["status"]) == ("news", "confirmed")
    assert (unknown.severity, unknown.consent) == (AbuseSeverity.NO_CONSENT, None)


def test_a_closed_case_is_open_again_when_the_person_says_something_else(
    client: FlaskClient, ada: Person, relay: Relay
) -> None:
    path = ada.path("report-abuse", ada.subscribe(), ada.get_mail())
    client.post(path, data={"reason": "other"})
    (case,) = reports(relay)
    with relay.sessions.begin() as session:
        abuse_reports.close(
            session, case.id, AbuseDecision.DISMISSED, because="a joke", by="eve", now=MORNING
        )

    client.post(path, data={"reason": "other", "comment": "Still."})
    assert reports(relay)[0].decision is AbuseDecision.DISMISSED
    client.post(path, data={"reason": "fraud"})
    assert reports(relay)[0].decision is None


@pytest.mark.parametrize(
    "named", [True, False], ids=["about a mail", "about no mail in particular"]
)
def test_one_person_and_one_mail_count_once(
    named: bool, client: FlaskClient, ada: Person, relay: Relay, clock: FakeClock
) -> None:
    path = ada.path("report-abuse", ada.subscribe(), ada.get_mail() if named else None)
    client.post(path, data={"reason": "other", "comment": "Hm."})
    clock.advance(hours=1)

    client.post(path, data={"reason": "fraud", "comment": "It is fraud."})

    (kept,) = reports(relay)
    assert (kept.reason, kept.comment) == (AbuseReason.FRAUD, "It is fraud.")


def test_another_mail_is_another_report(client: FlaskClient, ada: Person, relay: Relay) -> None:
    for _ in range(2):
        path = ada.path("report-abuse", "marketing", ada.get_mail())
        client.post(path, data={"reason": "offensive"})

    assert len(reports(relay)) == 2


@pytest.mark.parametrize("reason", [None, "", "because"])
def test_without_a_reason_it_asks_again_and_keeps_what_was_written(
    reason: str | None, client: FlaskClient, ada: Person, relay: Relay
) -> None:
    path = ada.path("report-abuse", ada.subscribe())

    page = client.post(
        path, data={"comment": "A <long> story"} | ({"reason": reason} if reason else {})
    )

    assert page.status_code == 400
    assert 'aria-describedby="reason-error"' in page.text
    assert 'id="reason-error"' in page.text
    assert "A &lt;long&gt; story</textarea>" in page.text
    assert 'name="stop" value="yes">' in page.text  # as it was: not ticked
    assert reports(relay) == []


def test_a_comment_has_an_end(client: FlaskClient, ada: Person, relay: Relay) -> None:
    path = ada.path("report-abuse", ada.subscribe())

    page = client.post(path, data={"reason": "other", "comment": "x" * 2_001})
    assert page.status_code == 400
    assert "Your comment has 2001 characters; at most 2000 fit." in page.text
    assert 'aria-invalid="true"' in page.text
    assert 'value="other" checked' in page.text
    assert reports(relay) == []

    assert client.post(path, data={"reason": "other", "comment": "😀" * 2_000}).status_code == 200
    assert len(reports(relay)[0].comment) == 2_000


def test_a_flood_is_stopped_at_the_door(client: FlaskClient, ada: Person, relay: Relay) -> None:
    path = ada.path("report-abuse", ada.subscribe())

    answer = client.post(path, data={"reason": "other", "comment": "x" * 100_000})

    assert answer.status_code == 413
    assert "Nothing was changed." in answer.text
    assert reports(relay) == []


def test_another_site_s_mail_is_not_shown(client: FlaskClient, ada: Person) -> None:
    with ada.relay.sessions.begin() as session:
        elsewhere = factories.make_site(session, factories.make_account(session))
    mail = Person(ada.relay, elsewhere).get_mail(subject="A secret")

    page = client.get(ada.path("report-abuse", "marketing", mail)).text

    assert "A secret" not in page
