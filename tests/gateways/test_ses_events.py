"""What SES tells, in both of its dialects, read into our own events."""

from __future__ import annotations

import copy
import json
import random
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay.errors import Invalid
from relay.gateways.ses_events import LONGEST_TEXT, read_events
from relay.mail import DeliveryEvent
from relay.vocabulary import EventType
from tests.factories import TOLD, make_envelope, ses_event

DATA = Path(__file__).parents[1] / "data" / "ses"

READER, OTHER = "reader@customer.example.net", "other@customer.example.net"


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return found


def read(message: Any) -> tuple[DeliveryEvent, ...]:
    return read_events(message if isinstance(message, str) else json.dumps(message))


# --- the samples ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "type", "at", "data"),
    [
        ("event-Send", EventType.SENT, "09:15:04.120", {}),
        ("event-Delivery", EventType.DELIVERED, "09:15:05.980",
         {"smtpResponse": "250 2.0.0 OK queued as 4F2A", "processingTimeMillis": 1860}),
        ("notification-Delivery", EventType.DELIVERED, "09:15:05.980",
         {"smtpResponse": "250 2.0.0 OK queued as 4F2A", "remoteMtaIp": "203.0.113.25"}),
        ("event-Bounce", EventType.BOUNCED, "09:15:06.401",
         {"bounceType": "Permanent", "bounceSubType": "General", "status": "5.1.1",
          "diagnosticCode": "smtp; 550 5.1.1 user unknown", "action": "failed"}),
        ("notification-Bounce", EventType.BOUNCED, "09:15:06.401", {"status": "5.1.1"}),
        ("event-Bounce-account-suppressed", EventType.BOUNCED, "09:15:06.401",
         {"bounceSubType": "OnAccountSuppressionList"}),
        ("event-Bounce-out-of-office", EventType.SOFT_BOUNCED, "09:15:06.401",
         {"bounceType": "Transient", "bounceSubType": "General"}),
        ("event-Complaint", EventType.COMPLAINED, "18:40:10.000",
         {"complaintFeedbackType": "abuse", "userAgent": "ExampleISP-FBL/1.0"}),
        ("notification-Complaint", EventType.COMPLAINED, "18:40:10.000",
         {"complaintFeedbackType": "abuse"}),
        ("event-DeliveryDelay", EventType.DEFERRED, None, {}),
        ("event-Reject", EventType.REJECTED, "09:15:04.120", {"reason": "Bad content"}),
        ("event-RenderingFailure", EventType.RENDER_FAILED, "09:15:04.120", {}),
        ("event-Open", EventType.OPENED, None, {}),
        ("event-Click", EventType.CLICKED, "10:02:10.770", {"link": "https://shop.example.com/sale"}),
        ("event-Subscription", EventType.UNSUBSCRIBED, None, {}),
    ],
)  # fmt: skip
def test_every_sample_is_read(
    name: str, type: EventType, at: str | None, data: dict[str, Any]
) -> None:
    (event,) = read(sample(name))
    assert event.type is type
    assert event.provider_id == sample(name)["mail"]["messageId"]
    assert event.address is not None
    assert event.address.text == READER
    assert event.data.items() >= data.items()
    assert event.occurred_at.tzinfo is UTC
    if at:
        assert event.occurred_at == datetime.fromisoformat(f"2026-03-02T{at}+00:00")


def test_no_sample_is_forgotten() -> None:
    for path in DATA.glob("*.json"):
        assert read(path.read_text()), path.name


def test_a_report_about_two_people_is_two_events() -> None:
    one, other = read(sample("event-Bounce-two-recipients"))
    assert (str(one.address), one.data["status"]) == (READER, "5.1.1")
    assert (str(other.address), other.data["status"]) == (OTHER, "5.2.1")
    assert one.key != other.key


@pytest.mark.parametrize("kind", ["Bounce", "Complaint", "Delivery"])
def test_the_same_report_in_both_dialects_is_one_event(kind: str) -> None:
    (event,), (same,) = read(sample(f"event-{kind}")), read(sample(f"notification-{kind}"))
    assert event.key == same.key


def test_two_reports_are_two_events() -> None:
    first = ses_event("DeliveryDelay", make_envelope())
    later = copy.deepcopy(first)
    later["deliveryDelay"]["timestamp"] = "2026-11-22T10:00:00.000Z"
    assert read(first)[0].key != read(later)[0].key


@pytest.mark.parametrize("kind", TOLD)
def test_our_tag_names_the_attempt(kind: str) -> None:
    envelope = make_envelope()
    (tagged,) = read(ses_event(kind, envelope))
    assert tagged.attempt_id == envelope.attempt_id
    (untagged,) = read(ses_event(kind, envelope, dialect="notificationType"))
    assert untagged.attempt_id is None


@pytest.mark.parametrize(
    ("tags", "attempt"),
    [
        ({"attempt": ["018f0000-0000-7000-8000-00000000000a"]}, True),
        ({"attempt": ["018f000000007000800000000000000a"]}, True),
        ({"attempt": ["018f000000007000800000000000000a", "more"]}, True),
        ({"attempt": "018f000000007000800000000000000a"}, False),
        ({"attempt": ["not an id"]}, False),
        ({"attempt": [7]}, False),
        ({"attempt": []}, False),
        ({"attempt": None}, False),
        ({}, False),
        ([], False),
        ("text", False),
        (None, False),
    ],
)
def test_odd_tags_are_no_tags(tags: Any, attempt: bool) -> None:
    event = sample("event-Delivery")
    event["mail"]["tags"] = tags
    (found,) = read(event)
    assert found.attempt_id == (UUID("018f0000-0000-7000-8000-00000000000a") if attempt else None)


# --- fields in another order, missing, or new -----------------------------------------------


def shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        items = [(name, shuffled(inner, chance)) for name, inner in value.items()]
        chance.shuffle(items)
        return dict([*items, ("somethingNew", {"from": ["next year"]})])
    return [shuffled(inner, chance) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", sorted(DATA.glob("*.json")), ids=lambda path: path.stem)
def test_order_and_new_fields_do_not_matter(path: Path) -> None:
    event = json.loads(path.read_text())
    assert read(shuffled(event, random.Random(7))) == read(event)


def fields(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all fields in a JSON value."""
    if isinstance(value, dict):
        inner = [p for name, each in value.items() for p in fields(each, (*path, name))]
    elif isinstance(value, list):
        inner = [p for at, each in enumerate(value) for p in fields(each, (*path, at))]
    else:
        inner = []
    return ([path] if path else []) + inner


@pytest.mark.parametrize("path", sorted(DATA.glob("*.json")), ids=lambda path: path.stem)
def test_a_missing_or_odd_field_never_ends_in_a_crash(path: Path) -> None:
    text = path.read_text()
    for field in fields(json.loads(text)):
        *above, last = field
        for odd in ("missing", None, 7, "text", [], {}, [None], [{}], {"x": 1}, "\x00", "\ud800"):
            changed = json.loads(text)
            target = changed
            for name in above:
                target = target[name]
            if odd == "missing":
                del target[last]
            else:
                target[last] = odd
            try:
                for found in read(changed):
                    json.dumps(dict(found.data)).encode()
                    assert len(found.provider_id) <= 100
                    assert "\x00" not in found.provider_id
                    found.provider_id.encode()
            except Invalid:
                pass


@pytest.mark.parametrize(
    ("kind", "people"),
    [
        ("Bounce", "bouncedRecipients"),
        ("Complaint", "complainedRecipients"),
        ("DeliveryDelay", "delayedRecipients"),
        ("Delivery", "recipients"),
    ],
)
def test_a_report_that_names_nobody_is_about_whom_the_mail_was_for(kind: str, people: str) -> None:
    for nobody in ([], None, [None], "text"):
        event = ses_event(kind, make_envelope(), **{people: nobody})
        (found,) = read(event)
        assert found.attempt_id is not None
        assert found.address is None or str(found.address) == "ada@customer.example"


def test_an_address_that_is_none_does_no_harm() -> None:
    event = sample("event-Bounce")
    event["bounce"]["bouncedRecipients"][0]["emailAddress"] = "rfc822;/dev/null"
    (found,) = read(event)
    assert found.address is None


@pytest.mark.parametrize(
    "written", [READER, f"<{READER}>", f"The reader <{READER}>", f" {READER} ", READER.upper()]
)
def test_an_address_is_read_however_it_is_written(written: str) -> None:
    event = sample("event-Bounce")
    event["bounce"]["bouncedRecipients"][0]["emailAddress"] = written
    (found,) = read(event)
    assert found.address is not None
    assert found.address.key == READER


# --- time -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-03-02T09:15:06.401Z", datetime(2026, 3, 2, 9, 15, 6, 401_000, UTC)),
        ("2026-03-02T09:15:06Z", datetime(2026, 3, 2, 9, 15, 6, 0, UTC)),
        ("2026-03-02T09:15:06", datetime(2026, 3, 2, 9, 15, 6, 0, UTC)),
        ("2026-03-02T11:15:06+02:00", datetime(2026, 3, 2, 9, 15, 6, 0, UTC)),
        ("2026-03-02T11:15:06+0200", datetime(2026, 3, 2, 9, 15, 6, 0, UTC)),
        ("2026-03-02T11:15:06 +0200", datetime(2026, 3, 2, 9, 15, 6, 0, UTC)),
        ("2018-10-08T14:05:45 +0000", datetime(2018, 10, 8, 14, 5, 45, 0, UTC)),
        ("2026-03-02T09:15:06.401234567Z", datetime(2026, 3, 2, 9, 15, 6, 401_234, UTC)),
    ],
)
def test_odd_timestamps_are_read(written: str, moment: datetime) -> None:
    event = sample("event-Delivery")
    event["delivery"]["timestamp"] = written
    assert read(event)[0].occurred_at == moment


@pytest.mark.parametrize(
    "written",
    ["", "soon", "2026-03-02", "2026-13-45T09:15:06Z", "0001-01-01T00:00:00+14:00", 7, {}, []],
)
def test_an_event_without_a_time_is_none(written: Any) -> None:
    event = sample("event-Delivery")
    event["delivery"]["timestamp"] = written
    with pytest.raises(Invalid, match="without a time"):
        read(event)


def test_the_mails_time_stands_in_for_a_missing_one() -> None:
    event = sample("event-Delivery")
    del event["delivery"]["timestamp"]
    assert read(event)[0].occurred_at == datetime(2026, 3, 2, 9, 15, 4, 120_000, UTC)


# --- what is no event -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Successfully validated SNS topic for Amazon SES event publishing.",
        "{",
        "null",
        "[]",
        "7",
        "[" * 100_000,
        '{"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "x"}',
        '{"notificationType": "Received", "mail": {}, "receipt": {}}',
        '{"eventType": "SomethingOfNextYear", "mail": {}}',
        '{"eventType": null}',
        '{"eventType": []}',
        '{"eventType": ["Bounce"], "mail": {}}',
        '{"eventType": {"Bounce": 1}, "mail": {}}',
        "{}",
    ],
    ids=lambda message: message[:24],
)
def test_what_is_no_event_is_none(message: str) -> None:
    assert read(message) == ()


@pytest.mark.parametrize("kind", sorted(TOLD))
def test_an_event_without_its_body_is_invalid(kind: str) -> None:
    for mail in (None, [], "text"):
        with pytest.raises(Invalid, match="mail"):
            read({"eventType": kind, "mail": mail})
    if kind != "Send":
        with pytest.raises(Invalid, match="without its"):
            read({"eventType": kind, "mail": {"timestamp": "2026-03-02T09:15:06Z"}})


# --- strangers' texts -----------------------------------------------------------------------


def test_what_a_strangers_server_says_is_cut_and_cleaned() -> None:
    event = sample("event-Bounce")
    said = "smtp; 550 \x00\ud800<script>" + "x" * 10_000
    event["bounce"]["bouncedRecipients"][0]["diagnosticCode"] = said
    (found,) = read(event)
    kept = found.data["diagnosticCode"]
    assert kept.startswith("smtp; 550 ?<script>")
    assert len(kept) <= LONGEST_TEXT


@pytest.mark.parametrize(
    "address", ["\ud800@customer.example", "a\x00b@customer.example", "x" * 100_000, "<" * 10_000]
)
def test_a_hostile_address_in_a_bounce_does_no_harm(address: str) -> None:
    event = sample("event-Bounce")
    event["bounce"]["bouncedRecipients"][0]["emailAddress"] = address
    (found,) = read(event)
    assert found.address is None


def test_numbers_and_truths_stay_what_they_are() -> None:
    event = sample("event-Delivery")
    event["delivery"]["processingTimeMillis"] = 1860
    assert read(event)[0].data["processingTimeMillis"] == 1860
    event["delivery"]["processingTimeMillis"] = 10**400
    assert len(str(read(event)[0].data["processingTimeMillis"])) <= LONGEST_TEXT


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
KNOWN = st.sampled_from(
    [
        "eventType", "notificationType", "mail", "bounce", "complaint", "delivery", "send", "open",
        "timestamp", "messageId", "destination", "tags", "attempt", "bouncedRecipients",
        "emailAddress", "feedbackId", "bounceType",
    ]
)  # fmt: skip
EVENTS = st.dictionaries(KNOWN, JSON | st.sampled_from([*TOLD, "2026-03-02T09:15:06Z"]))


@given(JSON | EVENTS)
@example({"eventType": [], "mail": {}})
def test_arbitrary_JSON_is_read_or_invalid(value: Any) -> None:
    with suppress(Invalid):
        read(value)


@given(kind=st.sampled_from(list(TOLD)), mail=EVENTS, body=EVENTS)
def test_arbitrary_insides_are_read_or_invalid(
    kind: str, mail: dict[str, Any], body: dict[str, Any]
) -> None:
    name = TOLD[kind][0]
    mail = {"timestamp": "2026-03-02T09:15:06Z"} | mail
    with suppress(Invalid):
        read({"eventType": kind, "mail": mail, name: body})
