"""POST /hooks/ses: 403 for what Amazon did not sign for us, 503 for our own trouble, else 200."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, select
from sqlalchemy.orm import sessionmaker
from werkzeug.test import TestResponse

from relay.context import Relay
from relay.errors import Unavailable
from relay.models import Notice, Site
from relay.services import notices
from tests.api.requests import check_problem
from tests.factories import ses_event
from tests.fakes import TOPIC, FakeAmazon, FakeClock, Post
from tests.steps import accept, deliver_due, rows, status


def deliver(client: FlaskClient, post: Post, **options: Any) -> TestResponse:
    return client.post("/hooks/ses", data=post.body, headers=dict(post.headers), **options)


def kept(relay: Relay) -> list[Notice]:
    with relay.reads() as session:
        return list(session.scalars(select(Notice).order_by(Notice.id)))


def apply(relay: Relay) -> None:
    with relay.sessions.begin() as session:
        notices.apply_waiting(session, now=relay.clock())


def test_a_notice_is_taken_kept_and_applied(
    client: FlaskClient, relay: Relay, amazon: FakeAmazon, site: Site
) -> None:
    receipt = accept(relay, site)
    (envelope,) = deliver_due(relay)
    post = amazon.notice(ses_event("Delivery", envelope))
    assert post.headers["content-type"].startswith("text/plain")  # as SNS sends it

    response = deliver(client, post)

    assert (response.status_code, response.data) == (200, b"")
    (notice,) = kept(relay)
    assert (notice.notice_id, notice.body) == (post.fields["MessageId"], post.fields["Message"])
    apply(relay)
    assert status(relay, site, receipt) == "delivered"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "x/y; z=\x7f"])
def test_the_content_type_does_not_matter(
    content_type: str, client: FlaskClient, relay: Relay, amazon: FakeAmazon
) -> None:
    post = amazon.notice("x").headed(content_type=content_type)
    assert deliver(client, post).status_code == 200
    assert len(kept(relay)) == 1


def test_a_notice_delivered_twice_is_kept_once(
    client: FlaskClient, relay: Relay, amazon: FakeAmazon
) -> None:
    post = amazon.notice("x")
    assert [deliver(client, post).status_code for _ in range(3)] == [200] * 3
    assert len(kept(relay)) == 1


@pytest.mark.parametrize(
    "forge",
    [
        lambda a: a.notice("x").but(Message="y"),
        lambda a: a.notice("x", SignatureVersion="1"),
        lambda a: a.notice("x", TopicArn="arn:aws:sns:us-east-1:666666666666:evil"),
        lambda a: a.notice("x", SigningCertURL="https://evil.example/x.pem"),
        lambda a: a.notice("x").headed(x_amz_sns_rawdelivery="true"),
        lambda a: a.notice("x").headed(x_amz_sns_message_type="SubscriptionConfirmation"),
        lambda a: a.confirmation().but(SubscribeURL="http://169.254.169.254/"),
        lambda a: Post({}, {}),
        lambda a: Post({"Type": []}, {}),
    ],
)
def test_a_forgery_is_403_and_leaves_no_trace(
    forge: Any, client: FlaskClient, relay: Relay, amazon: FakeAmazon
) -> None:
    with relay.reads() as session:
        before = rows(session)
    check_problem(deliver(client, forge(amazon)), 403, "notice-forged")
    with relay.reads() as session:
        assert rows(session) == before
    assert amazon.confirmed == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"x" * 600_000])
def test_garbage_is_refused(body: bytes, client: FlaskClient) -> None:
    response = client.post("/hooks/ses", data=body, content_type="text/plain")
    assert response.status_code in (403, 413)
    assert response.content_type == "application/problem+json"


def test_a_body_that_says_it_is_huge_is_refused_unread(client: FlaskClient) -> None:
    class Unread:
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("the body was read")

    response = client.post(
        "/hooks/ses",
        environ_overrides={"wsgi.input": Unread(), "CONTENT_LENGTH": str(20 * 1024 * 1024)},
    )
    assert response.status_code == 413


def test_without_the_certificate_SNS_comes_again(
    client: FlaskClient, relay: Relay, amazon: FakeAmazon
) -> None:
    amazon.away = True
    post = amazon.notice("x")
    response = deliver(client, post)
    check_problem(response, 503, "unavailable")
    assert response.headers["Retry-After"] == "30"
    assert kept(relay) == []
    amazon.away = False
    assert deliver(client, post).status_code == 200


def test_without_the_database_SNS_comes_again(
    client: FlaskClient, app: Any, make_relay: Any, amazon: FakeAmazon
) -> None:
    gone = sessionmaker(create_engine("sqlite:////nowhere/at/all.db"))
    app.extensions["relay"] = make_relay(gone, gone)
    response = deliver(client, amazon.notice("x"))
    check_problem(response, 503, "unavailable")
    assert response.headers["Retry-After"] == "5"


def test_a_late_notice_is_kept_and_SNS_is_told_to_come_again(
    client: FlaskClient, relay: Relay, amazon: FakeAmazon, clock: FakeClock, site: Site
) -> None:
    receipt = accept(relay, site)
    (envelope,) = deliver_due(relay)
    post = amazon.notice(ses_event("Delivery", envelope))
    clock.advance(hours=2)
    for _ in range(2):
        check_problem(deliver(client, post), 503, "unavailable")
    assert len(kept(relay)) == 1
    apply(relay)
    assert status(relay, site, receipt) == "delivered"


def test_a_subscription_is_confirmed_through_the_API(
    client: FlaskClient, relay: Relay, amazon: FakeAmazon
) -> None:
    assert deliver(client, amazon.confirmation(Token="a-token")).status_code == 200
    assert amazon.confirmed == [(TOPIC, "a-token")]
    assert kept(relay) == []


def test_a_confirmation_that_fails_is_asked_for_again(
    client: FlaskClient, app: Flask, relay: Relay, amazon: FakeAmazon
) -> None:
    def no_answer(topic_arn: str, token: str) -> None:
        raise Unavailable("SNS did not confirm the subscription")

    app.extensions["relay"] = replace(relay, confirm_subscription=no_answer)
    check_problem(deliver(client, amazon.confirmation()), 503, "unavailable")


def test_the_end_of_a_subscription_is_noted_and_nothing_is_fetched(
    client: FlaskClient, relay: Relay, amazon: FakeAmazon
) -> None:
    assert deliver(client, amazon.confirmation("UnsubscribeConfirmation")).status_code == 200
    assert amazon.confirmed == []
    assert kept(relay) == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_only_POST_is_taken(method: str, client: FlaskClient) -> None:
    response = client.open("/hooks/ses", method=method)
    check_problem(response, 405, "")
    assert "POST" in response.headers["Allow"]
