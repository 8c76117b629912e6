"""One message's whole way: WordPress posts it, the worker sends it, its bounce comes home."""

from __future__ import annotations

from flask.testing import FlaskClient

from relay.context import Relay
from relay.services.accounts import NewKey
from relay.worker import Duties, Worker
from tests.api.requests import parts
from tests.factories import ses_event
from tests.fakes import FakeAmazon, FakeMailer


def test_a_bounce_comes_home(
    client: FlaskClient, relay: Relay, key: NewKey, mailer: FakeMailer, amazon: FakeAmazon
) -> None:
    bearer = {"Authorization": f"Bearer {key.secret}"}

    # WordPress hands over a mail.
    accepted = client.post(
        "/v1/messages", data=parts(to=["nobody@customer.example"]), headers=bearer
    )
    assert accepted.status_code == 202
    assert accepted.json["recipients"][0]["disposition"] == "queued"

    # The worker gives it to Amazon SES, tagged with our own ids.
    Worker(relay).run_until_idle()
    (copy,) = mailer.sent
    assert copy.recipient == "nobody@customer.example"
    assert client.get(accepted.location, headers=bearer).json["recipients"][0]["status"] == "sent"

    # Amazon SNS posts what the receiving server said.
    notice = amazon.notice(ses_event("Bounce", copy))
    posted = client.post("/hooks/ses", data=notice.body, headers=notice.headers)
    assert posted.status_code == 200
    Duties(relay).run_once()

    # The site sees why, in words.
    (recipient,) = client.get(accepted.location, headers=bearer).json["recipients"]
    assert recipient["status"] == "bounced"
    assert recipient["reason"]["title"] == "The mailbox does not exist"
    assert [event["type"] for event in recipient["events"]] == ["bounced"]

    # The next mail to this address is refused, with the reason and the evidence.
    again = client.post("/v1/messages", data=parts(to=["Nobody@Customer.example"]), headers=bearer)
    assert again.status_code == 422
    assert again.json["type"].endswith("/nobody-to-mail")
    (refused,) = again.json["recipients"]
    assert refused["reason"] == "invalid-address"
    assert refused["evidence"]["diagnosticCode"] == "smtp; 550 5.1.1 user unknown"
