"""Faults on request: latency, limits, errors, lost answers; and the control API."""

import json
import time
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from simulator_rig import MAIL, Simulator, eventually


def code_of_send(simulator: Simulator, *to: str) -> str:
    """How a send ends: the error's code, or "sent"."""
    try:
        simulator.send(*(to or ("ada@company.example",)))
    except ClientError as error:
        return f"{error.response['ResponseMetadata']['HTTPStatusCode']} {type(error).__name__}"
    except (ConnectionClosedError, EndpointConnectionError):
        return "reset"
    return "sent"


def send_raw(client: Any) -> None:
    client.send_email(
        FromEmailAddress="shop@shop.example",
        Destination={"ToAddresses": ["ada@company.example"]},
        Content={"Raw": {"Data": MAIL}},
    )


ERRORS = {
    "TooManyRequestsException": "429 TooManyRequestsException",
    "LimitExceededException": "400 LimitExceededException",
    "InternalServiceErrorException": "500 InternalServiceErrorException",
    "ServiceUnavailable": "503 ClientError",
    "ThrottlingException": "400 ClientError",
    "MessageRejected": "400 MessageRejected",
    "MailFromDomainNotVerifiedException": "400 MailFromDomainNotVerifiedException",
    "SendingPausedException": "400 SendingPausedException",
    "AccountSuspendedException": "400 AccountSuspendedException",
    "reset": "reset",
}


@pytest.mark.parametrize(("error", "seen"), ERRORS.items(), ids=ERRORS)
def test_the_next_calls_fail_as_asked(simulator: Simulator, error: str, seen: str) -> None:
    before = simulator.json("/mails/count")["count"]
    simulator.control(errors_next={error: 2})

    assert [code_of_send(simulator) for _ in range(3)] == [seen, seen, "sent"]
    assert simulator.json("/_control")["errors_next"] == {error: 0}
    assert simulator.json("/mails/count")["count"] == before + 1


def test_a_share_of_calls_fails(simulator: Simulator) -> None:
    simulator.control(error_shares={"TooManyRequestsException": 0.3, "ServiceUnavailable": 0.3})

    seen = Counter(code_of_send(simulator) for _ in range(120))

    assert set(seen) == {"429 TooManyRequestsException", "503 ClientError", "sent"}
    assert min(seen.values()) >= 12


def test_errors_are_for_sending_unless_they_are_for_all(simulator: Simulator) -> None:
    ses, sns = simulator.aws("sesv2"), simulator.aws("sns")
    simulator.control(error_shares={"TooManyRequestsException": 1})
    assert ses.get_account()

    simulator.control(errors_for="all")

    with pytest.raises(ses.exceptions.TooManyRequestsException):
        ses.get_account()
    with pytest.raises(ClientError, match="Maximum sending rate exceeded"):
        sns.get_topic_attributes(TopicArn="arn:aws:sns:us-east-1:000000000000:x")


FORMS = [
    ("TooManyRequestsException", "429 TooManyRequestsException", 1),
    ("LimitExceededException", "400 LimitExceededException", 2),
    ("ThrottlingException", "400 ClientError", 3),
]


@pytest.mark.parametrize(("error", "seen", "rate"), FORMS)
def test_sending_too_fast_is_throttled_in_either_form(
    simulator: Simulator, error: str, seen: str, rate: int
) -> None:
    simulator.control(max_send_rate=rate, throttle_error=error)
    start = time.monotonic()

    answers = [code_of_send(simulator) for _ in range(15)]

    span = time.monotonic() - start
    assert answers[:rate] == ["sent"] * rate
    assert answers.count("sent") <= rate + rate * span + 1
    assert set(answers) == {"sent", seen}
    eventually(lambda: code_of_send(simulator) == "sent")


def test_the_quota_counts_recipients(simulator: Simulator) -> None:
    sent = simulator.aws("sesv2").get_account()["SendQuota"]["SentLast24Hours"]
    simulator.control(daily_quota=int(sent) + 3)

    answers = [code_of_send(simulator, "a@x.example", "b@x.example") for _ in range(2)]

    assert answers == ["sent", "400 LimitExceededException"]
    with pytest.raises(ClientError, match=r"Daily message quota exceeded\."):
        simulator.send("a@x.example", "b@x.example")
    assert code_of_send(simulator) == "sent"


def test_every_answer_waits_for_the_latency(simulator: Simulator) -> None:
    simulator.control(latency_ms=120, latency_jitter_ms=30)
    start = time.monotonic()

    simulator.send("ada@company.example")

    assert 0.12 <= time.monotonic() - start < 120


def test_a_mail_can_be_accepted_and_the_answer_lost(simulator: Simulator) -> None:
    before = simulator.json("/mails/count")["count"]
    ses, patient = simulator.aws("sesv2", read_timeout=0.3), simulator.aws("sesv2")

    simulator.control(lost_answers_next=1)
    with pytest.raises(ReadTimeoutError):
        send_raw(ses)
    eventually(lambda: simulator.json("/_control")["lost_answers_next"] == 0)
    simulator.control(lost_answers_next=1, lost_answer_form="reset")
    with pytest.raises(ConnectionClosedError):
        send_raw(patient)
    simulator.control(lost_answers_next=1, lost_answer_form="silence", lost_answer_seconds=0.1)
    send_raw(patient)
    simulator.control(lost_answer_share=1)
    send_raw(patient)

    assert simulator.json("/_control")["lost_answers_next"] == 0
    assert simulator.json("/mails/count")["count"] == before + 4


REFUSED: dict[str, tuple[Any, str]] = {
    "an unknown field": ({"latencyms": 1}, "did you mean 'latency_ms'?"),
    "a word for a number": ({"latency_ms": "fast"}, "latency_ms must be a number"),
    "true for a number": ({"latency_ms": True}, "latency_ms must be a number"),
    "a share above one": ({"delay_share": 1.5}, "delay_share must be a number from 0 to 1"),
    "a fraction of a count": ({"lost_answers_next": 0.5}, "must be a whole number"),
    "a word that is none": ({"notices": "pause"}, "must be one of flow, hold, drop"),
    "an unknown error": ({"error_shares": {"Oops": 1}}, "does not know the error 'Oops'"),
    "a list": ([], "is a JSON object"),
    "an unknown identity": ({"identities": {"no.example": "SUCCESS"}}, "does not exist"),
    "an unknown answer": ({"recipients": {"*": "explode"}}, "does not know 'explode'"),
    "an unknown event": ({"recipients": {"*": {"event": "X"}}}, "needs an event"),
    "an unknown member": (
        {"recipients": {"*": {"event": "Bounce", "code": 1}}},
        "has the unknown field 'code'",
    ),
    "a member of the wrong type": (
        {"recipients": {"*": {"event": "Bounce", "status": 5}}},
        "status must be of type str",
    ),
}


@pytest.mark.parametrize(("values", "words"), REFUSED.values(), ids=REFUSED)
def test_the_control_says_what_it_does_not_take_and_changes_nothing(
    simulator: Simulator, values: Any, words: str
) -> None:
    before = simulator.json("/_control")
    if isinstance(values, dict):
        values = {"latency_jitter_ms": 5, **values}

    status, _, body = simulator.open("/_control", "PUT", json.dumps(values).encode())

    assert status == 400
    assert words in json.loads(body)["message"]
    assert simulator.json("/_control") == before


def test_the_control_is_changed_in_part_and_reset(simulator: Simulator) -> None:
    start = simulator.json("/_control")

    simulator.control(latency_ms=1, recipients={"X.example": ["delivery", "complaint"]})
    changed = simulator.control(delay_seconds=2)

    assert (changed["latency_ms"], changed["delay_seconds"]) == (1, 2)
    assert [step["event"] for step in changed["recipients"]["x.example"]] == [
        *("Delivery", "Complaint")
    ]
    assert simulator.control(recipients={"x.example": None})["recipients"] == {}
    assert start["delivery_seconds"] == 0.05
    reset = json.loads(simulator.open("/_control", "DELETE")[2])
    assert reset == {**start, "identities": reset["identities"]}
