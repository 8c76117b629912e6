"""The notices: signed as SNS signs them, about what SES says, retried, and not lost."""

import json
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from simulator_rig import MAIL, TOPIC, Simulator, Subscriber, check_signature, eventually, listening

Start = Callable[..., Simulator]

BOUNCED = {
    "emailAddress": "bounce@simulator.amazonses.com",
    "action": "failed",
    "status": "5.1.1",
    "diagnosticCode": "smtp; 550 5.1.1 user unknown",
}


def test_a_subscriber_confirms_before_it_gets_notices(
    simulator: Simulator, subscriber: Subscriber
) -> None:
    subscriber.wait_for(simulator.send("ada@company.example"), "Send", "Delivery")

    asked = subscriber.asked[0]
    assert asked.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert "x-amz-sns-subscription-arn" not in asked.headers
    assert asked.envelope["Token"] in asked.envelope["SubscribeURL"]
    check_signature(asked.envelope, (simulator.state / "sns-certificate.pem").read_bytes())


def test_notices_are_signed_and_shaped_as_those_of_sns(
    simulator: Simulator, subscriber: Subscriber
) -> None:
    notices = subscriber.wait_for(simulator.send("ada@company.example"), "Send", "Delivery")

    for notice in notices:
        headers, envelope = notice.headers, notice.envelope
        assert headers["content-type"] == "text/plain; charset=UTF-8"
        assert headers["user-agent"] == "Amazon Simple Notification Service Agent"
        assert headers["x-amz-sns-message-type"] == envelope["Type"] == "Notification"
        assert headers["x-amz-sns-message-id"] == envelope["MessageId"]
        assert headers["x-amz-sns-topic-arn"] == envelope["TopicArn"] == TOPIC
        assert headers["x-amz-sns-subscription-arn"].startswith(TOPIC + ":")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", envelope["Timestamp"])
        assert set(envelope) == {
            *("Type", "MessageId", "TopicArn", "Message", "Timestamp", "UnsubscribeURL"),
            *("SignatureVersion", "Signature", "SigningCertURL"),
        }
        check_signature(envelope, (simulator.state / "sns-certificate.pem").read_bytes())
    assert len({one.envelope["MessageId"] for one in notices}) == 2


def test_the_certificate_is_served_under_the_path_of_its_url(
    simulator: Simulator, subscriber: Subscriber
) -> None:
    notice, _ = subscriber.wait_for(simulator.send("ada@company.example"), "Send", "Delivery")
    url = notice.envelope["SigningCertURL"]

    host, path = re.fullmatch(r"https://([^/]+)(/.+)", url).groups()  # type: ignore[union-attr]

    assert host == "sns.us-east-1.amazonaws.com"
    assert re.fullmatch(r"/SimpleNotificationService-[0-9a-f]{32}\.pem", path)
    assert simulator.open(path)[2] == (simulator.state / "sns-certificate.pem").read_bytes()


def test_an_event_describes_its_mail(simulator: Simulator, subscriber: Subscriber) -> None:
    message_id = simulator.send("ada@company.example")

    notices = subscriber.wait_for(message_id, "Send", "Delivery")
    told = {one.kind: one.message for one in notices}
    send, delivery = told["Send"], told["Delivery"]

    mail = send["mail"]
    assert send["send"] == {}
    assert mail["messageId"] == message_id
    assert mail["source"] == "shop@shop.example"
    assert mail["sendingAccountId"] == "000000000000"
    assert mail["destination"] == ["ada@company.example"]
    assert mail["headersTruncated"] is False
    assert {"name": "Message-ID", "value": "<own@shop.example>"} in mail["headers"]
    assert mail["commonHeaders"]["subject"] == "Hello"
    assert mail["tags"]["attempt"] == ["a-1"]
    assert mail["tags"]["ses:configuration-set"] == ["postreeve"]
    assert mail["tags"]["ses:from-domain"] == ["shop.example"]
    assert "ses:outgoing-ip" not in mail["tags"]
    assert delivery["mail"]["tags"]["ses:outgoing-ip"]
    assert delivery["delivery"]["recipients"] == ["ada@company.example"]
    assert set(delivery["delivery"]) == {
        *("timestamp", "processingTimeMillis", "recipients", "smtpResponse"),
        *("reportingMTA", "remoteMtaIp"),
    }


SIMULATED = {
    "success": ("Send", "Delivery"),
    "bounce": ("Send", "Bounce"),
    "complaint": ("Send", "Delivery", "Complaint"),
    "ooto": ("Send", "Delivery", "Bounce"),
    "suppressionlist": ("Send", "Bounce"),
}


@pytest.mark.parametrize(("name", "kinds"), SIMULATED.items(), ids=SIMULATED)
def test_the_mailbox_simulator_answers_with_and_without_label(
    simulator: Simulator, subscriber: Subscriber, name: str, kinds: tuple[str, ...]
) -> None:
    plain = simulator.send(f"{name}@simulator.amazonses.com")
    labelled = simulator.send(f"{name}+a-label@simulator.amazonses.com")

    for message_id in (plain, labelled):
        subscriber.wait_for(message_id, *kinds)
        story = simulator.json(f"/mails/{message_id}")["events"]
        assert tuple(event["type"] for event in story) == kinds


def test_the_mailbox_simulators_bounces_and_complaints_are_those_of_ses(
    simulator: Simulator, subscriber: Subscriber
) -> None:
    def body(name: str) -> dict[str, Any]:
        message_id = simulator.send(f"{name}@simulator.amazonses.com")
        kinds = SIMULATED[name]
        notices = subscriber.wait_for(message_id, *kinds)
        (last,) = [one for one in notices if one.kind == kinds[-1]]
        return dict(last.message[kinds[-1].lower()])

    bounce, auto_reply, suppressed, complaint = map(
        body, ("bounce", "ooto", "suppressionlist", "complaint")
    )

    assert (bounce["bounceType"], bounce["bounceSubType"]) == ("Permanent", "General")
    assert bounce["bouncedRecipients"] == [BOUNCED]
    assert bounce["feedbackId"]
    assert bounce["reportingMTA"].startswith("dns; ")
    assert (auto_reply["bounceType"], auto_reply["bounceSubType"]) == ("Transient", "General")
    assert auto_reply["bouncedRecipients"] == [{"emailAddress": "ooto@simulator.amazonses.com"}]
    assert (suppressed["bounceType"], suppressed["bounceSubType"]) == ("Permanent", "Suppressed")
    assert complaint["complaintFeedbackType"] == "abuse"
    assert complaint["complaintSubType"] is None
    assert complaint["complainedRecipients"] == [
        {"emailAddress": "complaint@simulator.amazonses.com"}
    ]


def test_recipients_of_one_domain_share_a_notice(
    simulator: Simulator, subscriber: Subscriber
) -> None:
    message_id = simulator.send("a@one.example", "b@one.example", "c@two.example")

    notices = subscriber.wait_for(message_id, "Send", "Delivery", "Delivery")

    told = [one.message["delivery"]["recipients"] for one in notices if one.kind == "Delivery"]
    assert sorted(told) == [["a@one.example", "b@one.example"], ["c@two.example"]]


def test_a_virus_is_rejected(simulator: Simulator, subscriber: Subscriber) -> None:
    virus = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

    message_id = simulator.send("ada@company.example", raw=MAIL + virus)

    (notice,) = subscriber.wait_for(message_id, "Reject")
    assert notice.message["reject"] == {"reason": "Bad content"}


def test_scripts_match_address_before_domain_before_everybody(
    simulator: Simulator, subscriber: Subscriber
) -> None:
    full = {
        **{"event": "Bounce", "bounceType": "Transient", "bounceSubType": "MailboxFull"},
        **{"status": "5.2.2", "diagnosticCode": "smtp; 552 5.2.2 over quota"},
    }
    delayed = {"event": "DeliveryDelay", "after": 0.01, "delayType": "IPFailure"}
    simulator.control(
        recipients={
            "Full@scripted.example": full,
            "scripted.example": [delayed, {"event": "Delivery", "after": 0.02}],
            "*": "reject",
        }
    )

    full_id = simulator.send("full@Scripted.example")
    late_id = simulator.send("b@scripted.example")
    subscriber.wait_for(full_id, "Send", "Bounce")
    subscriber.wait_for(late_id, "Send", "DeliveryDelay", "Delivery")
    subscriber.wait_for(simulator.send("x@elsewhere.example"), "Reject")

    bounce = subscriber.find(full_id, "Bounce").message["bounce"]
    assert bounce["bounceSubType"] == "MailboxFull"
    assert bounce["bouncedRecipients"] == [
        {
            **{"emailAddress": "full@Scripted.example", "action": "failed", "status": "5.2.2"},
            "diagnosticCode": "smtp; 552 5.2.2 over quota",
        }
    ]
    delay = subscriber.find(late_id, "DeliveryDelay").message
    assert delay["deliveryDelay"]["delayType"] == "IPFailure"
    assert "headers" not in delay["mail"]


def test_a_hard_bounce_and_a_complaint_suppress_the_address(
    simulator: Simulator, subscriber: Subscriber
) -> None:
    simulator.control(recipients={"no@learn.example": "bounce", "angry@learn.example": "complaint"})
    for address, last in (("no@learn.example", "Bounce"), ("angry@learn.example", "Complaint")):
        subscriber.wait_for(simulator.send(address), "Send", last)

        again = simulator.send(address)
        subscriber.wait_for(again, "Send", "Bounce")

        bounce = subscriber.find(again, "Bounce").message["bounce"]
        assert bounce["bounceSubType"] == "OnAccountSuppressionList"
    ses = simulator.aws("sesv2")
    found = ses.get_suppressed_destination(EmailAddress="angry@learn.example")
    assert found["SuppressedDestination"]["Reason"] == "COMPLAINT"


def test_the_identity_dialect_says_the_same_in_other_words(
    simulator: Simulator, subscriber: Subscriber
) -> None:
    simulator.control(dialect="notification")
    only = simulator.send("bounce@simulator.amazonses.com")
    (notice,) = subscriber.wait_for(only, "Bounce")
    simulator.control(dialect="both")
    both = simulator.send("bounce@simulator.amazonses.com")
    notices = subscriber.wait_for(both, "Send", "Bounce", "Bounce")

    assert notice.message["notificationType"] == "Bounce"
    assert "tags" not in notice.message["mail"]
    assert notice.message["mail"]["callerIdentity"]
    assert len({one.envelope["MessageId"] for one in notices}) == 3


def test_a_failed_notice_comes_again_under_the_same_id(
    simulator: Simulator, subscriber: Subscriber
) -> None:
    subscriber.statuses += [503, 500]

    notices = subscriber.wait_for_count(simulator.send("ada@company.example"), 4)

    ids = {one.kind: one.envelope["MessageId"] for one in notices}
    times = {one.kind: one.envelope["Timestamp"] for one in notices}
    assert set(ids) == {"Send", "Delivery"}
    for one in notices:
        assert one.envelope["MessageId"] == ids[one.kind]
        assert one.envelope["Timestamp"] == times[one.kind]


def test_a_refused_notice_does_not_come_again(simulator: Simulator, subscriber: Subscriber) -> None:
    subscriber.statuses += [403]
    message_id = simulator.send("ada@company.example")

    subscriber.wait_for(message_id, "Send", "Delivery")

    def states() -> list[tuple[str, str]]:
        story = simulator.json(f"/mails/{message_id}")
        return [(one["event"], one["state"]) for one in story["notices"]]

    eventually(lambda: len(states()) == 2)
    assert states() == [("Send", "refused"), ("Delivery", "acknowledged")]


def test_held_notices_come_later_and_dropped_ones_never(
    simulator: Simulator, subscriber: Subscriber
) -> None:
    simulator.control(notices="hold")
    held = simulator.send("ada@company.example")
    eventually(lambda: simulator.json(f"/mails/{held}")["outcome"] == "delivered")
    assert subscriber.about(held) == []
    simulator.control(notices="flow")
    subscriber.wait_for(held, "Send", "Delivery")

    simulator.control(notices="drop")
    dropped = simulator.send("ada@company.example")
    eventually(lambda: simulator.json("/notices")["mails_waiting"] == 0)
    simulator.control(notices="flow")
    later = simulator.send("ada@company.example")
    subscriber.wait_for(later, "Send", "Delivery")
    assert subscriber.about(dropped) == []


@pytest.mark.parametrize(("form", "ids"), [("same-id", 2), ("new-id", 4)])
def test_notices_can_come_twice(
    simulator: Simulator, subscriber: Subscriber, form: str, ids: int
) -> None:
    simulator.control(duplicate_share=1, duplicate_form=form)

    notices = subscriber.wait_for(
        simulator.send("ada@company.example"), "Send", "Send", "Delivery", "Delivery"
    )

    assert len({one.envelope["MessageId"] for one in notices}) == ids


def test_notices_can_come_late_and_in_any_order(
    simulator: Simulator, subscriber: Subscriber
) -> None:
    simulator.control(delay_share=1, delay_seconds=0.4)
    late = simulator.send("ada@company.example")
    simulator.control(delay_share=0, shuffle_share=1, shuffle_seconds=0.5)
    mixed = [simulator.send("ada@company.example") for _ in range(12)]

    for message_id in mixed:
        subscriber.wait_for(message_id, "Send", "Delivery")
    subscriber.wait_for(late, "Send", "Delivery")

    accepted = [one.message["mail"]["messageId"] for one in subscriber.notices]
    assert [one for one in accepted if one in mixed] != sorted(
        [one for one in accepted if one in mixed], key=mixed.index
    )
    sent = subscriber.find(late, "Send")
    assert sent.at > datetime.fromisoformat(sent.message["mail"]["timestamp"]).timestamp() + 0.4


def test_notices_can_come_before_the_answer(simulator: Simulator, subscriber: Subscriber) -> None:
    simulator.control(early_share=1)

    message_id = simulator.send("complaint@simulator.amazonses.com")

    assert sorted(subscriber.kinds(message_id)) == ["Complaint", "Delivery", "Send"]


def test_the_timestamp_of_notices_can_be_moved(
    simulator: Simulator, subscriber: Subscriber
) -> None:
    simulator.control(timestamp_shift_seconds=-7200)

    notice, _ = subscriber.wait_for(simulator.send("ada@company.example"), "Send", "Delivery")

    shown = datetime.fromisoformat(notice.envelope["Timestamp"])
    accepted = datetime.fromisoformat(notice.message["mail"]["timestamp"])
    assert timedelta(minutes=119) < accepted - shown <= timedelta(minutes=120)
    check_signature(notice.envelope, (simulator.state / "sns-certificate.pem").read_bytes())


def test_notices_wait_until_the_first_subscriber_has_confirmed(started: Start) -> None:
    with listening() as subscriber:
        simulator = started("--subscribe", subscriber.url, "--delivery-seconds", "0")
        message_id = simulator.send("ada@company.example")
        eventually(lambda: len(subscriber.asked) >= 2)
        assert subscriber.notices == []

        subscriber.simulator = simulator
        subscriber.confirm()

        subscriber.wait_for(message_id, "Send", "Delivery")


def test_a_gateway_takes_so_many_and_defers_the_others_for_rate(
    simulator: Simulator, subscriber: Subscriber
) -> None:
    simulator.control(
        delivery_seconds=0.01,
        gateways={"Strict.example": {"mails": 2, "seconds": 60, "retry_seconds": 0.05}},
    )
    ids = [simulator.send(f"p{n}@strict.example") for n in range(4)]
    free = simulator.send("ada@friendly.example")
    for id in (*ids[:2], free):
        subscriber.wait_for(id, "Send", "Delivery")
    for id in ids[2:]:
        subscriber.wait_for(id, "Send", "DeliveryDelay", "Delivery")


def test_a_gateway_may_turn_away_what_is_too_much(
    simulator: Simulator, subscriber: Subscriber
) -> None:
    simulator.control(
        delivery_seconds=0.01,
        gateways={"strict.example": {"mails": 1, "seconds": 2.0, "form": "bounce"}},
    )
    first, at_once = (simulator.send(f"{name}@strict.example") for name in ("ada", "bob"))
    subscriber.wait_for(first, "Send", "Delivery")
    subscriber.wait_for(at_once, "Send", "Bounce")
    time.sleep(2.0)
    subscriber.wait_for(simulator.send("bob@strict.example"), "Send", "Delivery")


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ("fast", "must be an object"),
        ({"seconds": 3}, "needs mails"),
        ({"mails": -1}, "mails must be a whole number"),
        ({"mails": 1, "per": 3}, "unknown field 'per'"),
        ({"mails": 1, "form": "drop"}, "form must be one of defer, bounce"),
    ],
)
def test_a_gateway_nobody_can_play_is_refused(
    simulator: Simulator, limits: object, says: str
) -> None:
    body = json.dumps({"gateways": {"strict.example": limits}}).encode()
    status, _, answer = simulator.open("/_control", "PUT", body)
    assert status == 400
    assert "gateways['strict.example']" in answer.decode()
    assert says in answer.decode()


def test_a_kill_loses_no_mail_no_notice_and_no_subscription(started: Start) -> None:
    with listening() as subscriber:
        simulator = started("--delivery-seconds", "0.05", subscriber=subscriber)
        done = simulator.send("ada@company.example")
        subscriber.wait_for(done, "Send", "Delivery")
        eventually(lambda: simulator.json("/notices")["mails_waiting"] == 0)
        subscriber.statuses += [503] * 100
        lost = [simulator.send("ada@company.example") for _ in range(20)]
        simulator.kill()
        for name in ("ledger.jsonl", "notices.log", "account.jsonl"):
            path = simulator.state / name
            path.write_bytes(path.read_bytes() + b'["torn')
        before = list(subscriber.asked)
        subscriber.statuses.clear()

        simulator.start()

        for message_id in lost:
            eventually(lambda m=message_id: {"Send", "Delivery"} <= set(subscriber.kinds(m)))
        eventually(lambda: simulator.json("/notices")["mails_waiting"] == 0)
        for message_id in lost:
            ids = {one.envelope["MessageId"] for one in subscriber.about(message_id)}
            assert len(ids) == 2
        assert sorted(subscriber.kinds(done)) == ["Delivery", "Send"]
        assert subscriber.asked == before
        pem = (simulator.state / "sns-certificate.pem").read_bytes()
        check_signature(subscriber.notices[-1].envelope, pem)
        ledger = simulator.open("/mails/ledger")[2].splitlines()
        assert [json.loads(line)["id"] for line in ledger] == [done, *lost]


def test_a_subscriber_that_was_away_gets_everything(started: Start) -> None:
    with listening() as subscriber:
        port = int(subscriber.url.split(":")[2].split("/")[0])
        simulator = started("--delivery-seconds", "0", subscriber=subscriber)
        subscriber.wait_for(simulator.send("ada@company.example"), "Send", "Delivery")
    mails = [simulator.send("ada@company.example") for _ in range(10)]
    eventually(lambda: simulator.json("/notices")["mails_waiting"] == 10)

    with listening(port) as again:
        for message_id in mails:
            again.wait_for(message_id, "Send", "Delivery")
