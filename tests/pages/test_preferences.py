"""/preferences/TOKEN: all that a site sends to somebody, towards less, or back to what they had."""

from __future__ import annotations

import re

from flask.testing import FlaskClient
from sqlalchemy import select

from relay.context import Relay
from relay.models import ConsentRecord
from relay.services import opt_outs
from relay.vocabulary import ConsentKind, SubscriptionStatus
from tests import factories
from tests.pages.people import Person

FORUM = "notification:bbpress"


def boxes(page: str) -> dict[str, bool]:
    """The topics on offer, and whether each is ticked."""
    found = re.findall(r'<input type="checkbox" name="topic" value="([^"]+)"( checked)?', page)
    return {topic: bool(ticked) for topic, ticked in found}


def save(client: FlaskClient, path: str, *wanted: str) -> str:
    """Open the page, tick exactly these boxes, press Save."""
    shown = re.findall(r'name="shown" value="([^"]+)"', client.get(path).text)
    answer = client.post(path, data={"shown": shown, "topic": list(wanted)})
    assert answer.status_code == 200
    return answer.text


def kinds(relay: Relay) -> list[ConsentKind]:
    with relay.reads() as session:
        return list(session.scalars(select(ConsentRecord.kind).order_by(ConsentRecord.id)))


def test_everything_from_the_site_is_there(client: FlaskClient, ada: Person) -> None:
    news, offers = ada.subscribe("News"), ada.subscribe("Offers")
    ada.subscribe("Waiting", SubscriptionStatus.UNCONFIRMED)
    ada.get_mail(plugin="bbpress")
    ada.get_mail(plugin="bbpress")
    ada.get_mail(plugin=None)

    page = client.get(ada.path("preferences", news)).text

    assert boxes(page) == {news: True, offers: True, FORUM: True, "notification:other": True}
    assert "bbPress" in page
    assert "Other notifications" in page


def test_nothing_of_other_sites_or_other_people(client: FlaskClient, ada: Person) -> None:
    with ada.relay.sessions.begin() as session:
        other_site = factories.make_site(session, factories.make_account(session))
    Person(ada.relay, other_site).subscribe("Elsewhere")
    Person(ada.relay, ada.site, factories.parse("bob@customer.example")).subscribe("Bob's")
    topic = ada.subscribe("Ada's")

    page = client.get(ada.path("preferences", topic)).text

    assert boxes(page) == {topic: True}
    assert "Elsewhere" not in page


def test_the_whole_address_is_not_told_to_whoever_has_the_link(
    client: FlaskClient, ada: Person
) -> None:
    page = client.get(ada.path("preferences", ada.subscribe())).text

    assert "a…\u2060@customer.example" in page
    assert "ada@" not in page


def test_what_is_unticked_stops(client: FlaskClient, ada: Person, relay: Relay) -> None:
    news, offers = ada.subscribe("News"), ada.subscribe("Offers")
    ada.get_mail(plugin="bbpress")
    path = ada.path("preferences", news)

    page = save(client, path, news)

    assert boxes(page) == {news: True, offers: False, FORUM: False}
    assert ada.topics() == {offers, FORUM}
    assert ada.subscription(offers).status is SubscriptionStatus.UNSUBSCRIBED
    assert ada.subscription(news).status is SubscriptionStatus.CONFIRMED
    assert kinds(relay) == [ConsentKind.WITHDRAWN] * 2


def test_saving_without_a_change_changes_nothing(
    client: FlaskClient, ada: Person, relay: Relay
) -> None:
    news = ada.subscribe("News")

    save(client, ada.path("preferences", news), news)

    assert ada.topics() == set()
    assert kinds(relay) == []


def test_what_the_person_had_confirmed_they_may_have_back(
    client: FlaskClient, ada: Person, relay: Relay
) -> None:
    news = ada.subscribe("News")
    client.post(ada.path("unsubscribe", news))

    page = save(client, ada.path("preferences", news), news)

    assert boxes(page) == {news: True}
    again = ada.subscription(news)
    assert (again.status, again.ended_at) == (SubscriptionStatus.CONFIRMED, None)
    assert ada.topics() == set()
    assert kinds(relay) == [ConsentKind.WITHDRAWN, ConsentKind.CONFIRMED]


def test_nothing_new_without_a_double_opt_in(client: FlaskClient, ada: Person) -> None:
    """Not by ticking what is on offer to others, nor what the person never confirmed themselves."""
    attested = ada.subscribe("Attested", SubscriptionStatus.ATTESTED)
    waiting = ada.subscribe("Waiting", SubscriptionStatus.UNCONFIRMED)
    expired = ada.subscribe("Expired", SubscriptionStatus.EXPIRED)
    refused = ada.subscribe(
        "Refused", SubscriptionStatus.UNSUBSCRIBED, ending="not-me", confirmed_at=None
    )
    with ada.relay.sessions.begin() as session:
        foreign = opt_outs.of_list(factories.make_list(session, ada.site, key="foreign").id)
    path = ada.path("preferences", attested)
    client.post(path, data={"shown": [attested]})
    all_topics = [attested, waiting, expired, refused, foreign]

    page = client.post(path, data={"shown": all_topics, "topic": all_topics}).text

    assert boxes(page) == {}
    assert "sign up again" in page
    assert [ada.subscription(each).status for each in all_topics[:4]] == [
        SubscriptionStatus.UNSUBSCRIBED,
        SubscriptionStatus.UNCONFIRMED,
        SubscriptionStatus.EXPIRED,
        SubscriptionStatus.UNSUBSCRIBED,
    ]
    assert ada.topics() == {attested}


def test_a_list_that_came_after_the_page_was_opened_is_left_alone(
    client: FlaskClient, ada: Person
) -> None:
    news = ada.subscribe("News")
    path = ada.path("preferences", news)
    late = ada.subscribe("Late")

    client.post(path, data={"shown": [news], "topic": []})

    assert ada.subscription(late).status is SubscriptionStatus.CONFIRMED
    assert ada.topics() == {news}


def test_everything_stops_with_one_button(client: FlaskClient, ada: Person) -> None:
    news = ada.subscribe("News")
    ada.get_mail(plugin="bbpress")

    page = client.post(ada.path("preferences", news), data={"everything": "yes"}).text

    assert "Everything is stopped" in page
    assert ada.topics() == {"marketing", "notification", news, FORUM}
    assert ada.subscription(news).status is SubscriptionStatus.UNSUBSCRIBED


def test_after_everything_was_stopped_one_thing_may_come_back_alone(
    client: FlaskClient, ada: Person
) -> None:
    news, offers = ada.subscribe("News"), ada.subscribe("Offers")
    ada.get_mail(plugin="bbpress")
    ada.get_mail(plugin="woocommerce")
    path = ada.path("preferences", news)
    client.post(path, data={"everything": "yes"})

    page = save(client, path, news, FORUM)

    shop = "notification:woocommerce"
    assert boxes(page) == {news: True, offers: False, FORUM: True, shop: False}
    assert ada.topics() == {offers, shop}


def test_notifications_known_only_after_everything_stopped_stay_stopped(
    client: FlaskClient, ada: Person
) -> None:
    client.post(ada.path("preferences", FORUM), data={"everything": "yes"})
    ada.get_mail(plugin="learndash")

    page = client.get(ada.path("preferences", FORUM)).text

    assert boxes(page) == {FORUM: False, "notification:learndash": False}


def test_whoever_gets_nothing_reads_so(client: FlaskClient, ada: Person) -> None:
    page = client.get(ada.path("preferences", opt_outs.MARKETING)).text

    assert "You get no newsletters and no notifications at this address." in page
