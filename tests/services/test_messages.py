"""Accepting a message: all or nothing, once per idempotency key, nothing for whoever must not be mailed."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from relay.addresses import parse
from relay.context import Relay
from relay.db import new_id
from relay.errors import (
    AccountPending,
    AccountSuspended,
    IdempotencyKeyReused,
    Invalid,
    NobodyToMail,
    NotFound,
    PostreeveError,
    SenderNotVerified,
)
from relay.gateways.mime import PART
from relay.mail import Draft, Source
from relay.models import Account, Content, Message, Recipient, Site, Suppression, Usage
from relay.services import messages
from relay.services.messages import EXPIRES_AFTER, IDEMPOTENCY_KEPT, fingerprint
from relay.services.suppressions import suppress
from relay.vocabulary import (
    Kind,
    Lane,
    Outcome,
    Stage,
    State,
    Stream,
    SuppressionReason,
    SuppressionScope,
)
from tests import factories
from tests.factories import make_draft, make_message
from tests.fakes import MORNING, FakeClock
from tests.steps import accept, find, links, rows, statuses, submit, subscribe


def gone(relay: Relay, site: Site, address: str) -> None:
    """Mail to this address has come back."""
    with relay.sessions.begin() as session:
        suppress(
            session,
            account_id=site.account_id,
            site_id=site.id,
            address=parse(address),
            reason=SuppressionReason.INVALID_ADDRESS,
            scope=SuppressionScope.ALL,
            evidence={"status": "5.1.1"},
            now=relay.clock(),
        )


def counts(relay: Relay) -> dict[str, int]:
    with relay.reads() as session:
        return rows(session)


# --- what is written ------------------------------------------------------------------------


def test_an_accepted_message_is_stored_with_one_copy_for_each_person(
    relay: Relay, site: Site
) -> None:
    message = make_message(X_SES_TENANT="x")
    draft = make_draft(
        message=message,
        to=["ada@customer.example", "Bob@customer.example"],
        stream=Stream.NOTIFICATION,
        source=Source("woocommerce", "12"),
        list_id="news",  # counts for newsletters only
    )

    receipt = accept(relay, site, draft)

    stored = find(relay, site, receipt).message
    assert (stored.stream, stored.lane) == (Stream.NOTIFICATION, Lane.NOTIFICATION)
    assert (stored.sender, stored.subject) == ("news@shop.example", "Your order")
    assert stored.mime_message_id == "<4711@shop.example>"
    assert stored.source == {"plugin": "woocommerce", "form": "12"}
    assert stored.list_id is None
    assert stored.removed_headers == ["x-ses-tenant"]
    assert stored.size == len(make_message())
    assert stored.accepted_at == MORNING
    assert statuses(relay, site, receipt) == {
        "ada@customer.example": "queued",
        "Bob@customer.example": "queued",
    }


def test_the_receipt_says_what_will_happen_to_each(relay: Relay, site: Site) -> None:
    receipt = accept(relay, site)
    assert receipt.keys() == {"id", "stream", "accepted_at", "recipients", "remarks"}
    assert receipt["stream"] == "transactional"
    assert datetime.fromisoformat(receipt["accepted_at"]) == MORNING
    assert receipt["accepted_at"].endswith("Z")
    (person,) = receipt["recipients"]
    assert person == {
        "id": person["id"],
        "address": "ada@customer.example",
        "disposition": "queued",
        "reason": None,
    }


def test_the_receipt_names_the_true_stream(relay: Relay, site: Site) -> None:
    subscribe(relay, site, parse("ada@customer.example"))
    receipt = accept(relay, site, Precedence="bulk", list_id="news")
    assert receipt["stream"] == "marketing"
    assert receipt["remarks"] == [
        {
            "code": "stream-corrected",
            "title": "The message itself shows another purpose than the site declared",
            "declared": "transactional",
            "stream": "marketing",
            "because": "precedence",
        }
    ]


def test_a_large_message_is_stored_in_parts(relay: Relay, site: Site) -> None:
    message = make_message("x" * 78 + "\r\n") + (b"y" * 78 + b"\r\n") * 40_000
    accept(relay, site, message=message)
    with relay.reads() as session:
        parts = session.scalars(select(Content.data).order_by(Content.part)).all()
    assert b"".join(parts) == message
    assert len(parts) == 4
    assert max(map(len, parts)) <= PART


def test_fifty_people_get_fifty_copies(relay: Relay, site: Site) -> None:
    people = [f"person{n}@customer.example" for n in range(50)]
    receipt = accept(relay, site, to=people)
    assert [each["address"] for each in receipt["recipients"]] == people
    assert set(statuses(relay, site, receipt)) == set(people)


@pytest.mark.parametrize(
    ("given", "asked", "expected"),
    [
        ({}, None, EXPIRES_AFTER[Lane.TRANSACTIONAL]),
        ({"kind": Kind.SECURITY}, None, EXPIRES_AFTER[Lane.PROTECTED]),
        ({"stream": Stream.MARKETING}, None, EXPIRES_AFTER[Lane.MARKETING]),
        ({}, timedelta(minutes=10), timedelta(minutes=10)),
        ({}, timedelta(days=30), EXPIRES_AFTER[Lane.TRANSACTIONAL]),
        ({"stream": Stream.MARKETING}, timedelta(days=3), timedelta(days=3)),
    ],
)
def test_a_copy_waits_as_long_as_it_is_worth_and_no_longer_than_asked(
    given: dict[str, Any], asked: timedelta | None, expected: timedelta, relay: Relay, site: Site
) -> None:
    if asked is not None:
        given["expires_at"] = MORNING + asked
    accept(relay, site, **given)
    with relay.reads() as session:
        assert session.scalar(select(Message.expires_at)) == MORNING + expected
        assert session.scalar(select(Recipient.expires_at)) == MORNING + expected


def test_long_texts_are_cut_to_their_columns(relay: Relay, site: Site) -> None:
    long = "x" * 900
    receipt = accept(relay, site, Subject=long, Message_ID=long)
    stored = find(relay, site, receipt).message
    assert (len(stored.subject), len(stored.mime_message_id or "")) == (500, 500)


# --- usage ----------------------------------------------------------------------------------


def test_usage_is_counted_by_hour_and_day(relay: Relay, site: Site, clock: FakeClock) -> None:
    size = len(make_message())
    accept(relay, site)
    clock.advance(minutes=59)
    accept(relay, site, to=["a@customer.example", "b@customer.example"])
    clock.advance(minutes=1)
    accept(relay, site)

    with relay.reads() as session:
        found = {
            (each.window, each.began_at): (each.messages, each.recipients, each.octets)
            for each in session.scalars(select(Usage).where(Usage.window != "first"))
        }
    day = datetime(2026, 11, 22, tzinfo=UTC)
    assert found == {
        ("hour", day.replace(hour=9)): (2, 3, 3 * size),
        ("hour", day.replace(hour=10)): (1, 1, size),
        ("day", day): (3, 4, 4 * size),
    }


# --- suppressed people ----------------------------------------------------------------------


def test_a_suppressed_person_is_left_out_and_the_others_get_their_mail(
    relay: Relay, site: Site
) -> None:
    gone(relay, site, "gone@customer.example")

    receipt = accept(relay, site, to=["ada@customer.example", "Gone@Customer.example"])

    ada, other = receipt["recipients"]
    assert (ada["disposition"], ada["reason"]) == ("queued", None)
    assert other["disposition"] == "suppressed"
    assert other["reason"]["reason"] == "invalid-address"
    assert other["reason"]["evidence"] == {"status": "5.1.1"}
    assert statuses(relay, site, receipt) == {
        "ada@customer.example": "queued",
        "Gone@customer.example": "suppressed",
    }
    with relay.reads() as session:
        held = session.scalars(select(Recipient).where(Recipient.stage == Stage.DONE)).one()
    assert held.outcome is Outcome.SUPPRESSED
    assert held.reason == other["reason"]


def test_another_site_of_the_account_may_still_mail_that_person(
    relay: Relay, site: Site, account: Account
) -> None:
    gone(relay, site, "gone@customer.example")
    with relay.sessions.begin() as session:
        other = factories.make_site(session, account)
    assert accept(relay, other, to=["gone@customer.example"])["recipients"][0]["disposition"] == (
        "queued"
    )


def test_an_ended_suppression_stops_nobody(relay: Relay, site: Site) -> None:
    gone(relay, site, "gone@customer.example")
    with relay.sessions.begin() as session:
        session.scalars(select(Suppression)).one().ended_at = MORNING
    assert accept(relay, site, to=["gone@customer.example"])


# --- refused: nothing is written ------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"From": "ceo@bank.example"}, SenderNotVerified),
        ({"to": ["gone@customer.example"]}, NobodyToMail),
        ({"to": ["gone@customer.example", "GONE2@customer.example"]}, NobodyToMail),
        ({"expires_at": MORNING - timedelta(seconds=1)}, Invalid),
        ({"expires_at": MORNING}, Invalid),
        ({"expires_at": datetime(1, 1, 1, tzinfo=UTC)}, Invalid),
    ],
)
def test_nothing_is_stored_of_a_refused_message(
    given: dict[str, Any], error: type[PostreeveError], relay: Relay, site: Site
) -> None:
    gone(relay, site, "gone@customer.example")
    gone(relay, site, "gone2@customer.example")
    before = counts(relay)
    with pytest.raises(error):
        submit(relay, site, key="k1", **given)
    assert counts(relay) == before


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (State.PENDING, AccountPending),
        (State.SUSPENDED, AccountSuspended),
        (State.TERMINATED, AccountSuspended),
    ],
)
@pytest.mark.parametrize("whose", ["account", "site"])
def test_who_may_not_send_leaves_no_trace(
    state: State, error: type[PostreeveError], whose: str, relay: Relay, account: Account
) -> None:
    with relay.sessions.begin() as session:
        site = factories.make_site(session, account, state=state if whose == "site" else "active")
        if whose == "account":
            session.get_one(Account, account.id).state = state
    before = counts(relay)
    with pytest.raises(error):
        accept(relay, site)
    assert counts(relay) == before


def test_a_site_that_is_gone_cannot_send(relay: Relay) -> None:
    request = messages.Request(make_draft(), None, "x")
    with relay.sessions.begin() as session, pytest.raises(NotFound):
        messages.accept(session, new_id(), request, links=links(relay), now=relay.clock())


def test_a_domain_of_another_account_does_not_help(relay: Relay) -> None:
    with relay.sessions.begin() as session:
        stranger = factories.make_account(session, name="Stranger")
        site = factories.make_site(session, stranger)
    with pytest.raises(SenderNotVerified):
        accept(relay, site)


# --- once per idempotency key ---------------------------------------------------------------


def test_a_repeated_request_gets_the_first_ones_answer_and_sends_nothing(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    first = submit(relay, site, key="k1")
    before = counts(relay)
    clock.advance(hours=71, minutes=59)

    again = submit(relay, site, key="k1")

    assert again.receipt == first.receipt
    assert (first.replayed, again.replayed) == (False, True)
    assert counts(relay) == before


@pytest.mark.parametrize(
    "other", [{"to": ["bob@customer.example"]}, {"Subject": "Another"}, {"From": "x@bank.example"}]
)
def test_the_key_of_another_request_is_refused(
    other: dict[str, Any], relay: Relay, site: Site
) -> None:
    submit(relay, site, key="k1")
    before = counts(relay)
    with pytest.raises(IdempotencyKeyReused):
        submit(relay, site, key="k1", **other)
    assert counts(relay) == before


def test_a_key_is_forgotten_after_72_hours(relay: Relay, site: Site, clock: FakeClock) -> None:
    first = submit(relay, site, key="k1")
    clock.advance(seconds=IDEMPOTENCY_KEPT.total_seconds())
    other = submit(relay, site, key="k1", Subject="Another")
    assert other.receipt["id"] != first.receipt["id"]
    assert not other.replayed
    assert submit(relay, site, key="k1", Subject="Another").receipt == other.receipt


def test_keys_of_two_sites_have_nothing_to_do_with_each_other(
    relay: Relay, site: Site, account: Account
) -> None:
    with relay.sessions.begin() as session:
        other = factories.make_site(session, account)
    assert submit(relay, site, key="k1").receipt != submit(relay, other, key="k1").receipt


def test_a_refused_request_does_not_use_up_its_key(
    relay: Relay, site: Site, account: Account
) -> None:
    draft = make_draft(From="news@new.example")
    with pytest.raises(SenderNotVerified):
        submit(relay, site, draft, key="k1")
    with relay.sessions.begin() as session:
        factories.make_domain(session, account, "new.example")
    assert not submit(relay, site, draft, key="k1").replayed


def test_a_replay_is_answered_even_when_the_world_has_changed(
    relay: Relay, site: Site, account: Account
) -> None:
    first = submit(relay, site, key="k1")
    gone(relay, site, "ada@customer.example")
    with relay.sessions.begin() as session:
        session.get_one(Account, account.id).state = State.SUSPENDED
    assert submit(relay, site, key="k1").receipt == first.receipt


def test_without_a_key_every_request_is_a_new_one(relay: Relay, site: Site) -> None:
    assert accept(relay, site)["id"] != accept(relay, site)["id"]


def test_the_replayed_answer_is_the_same_also_for_suppressed_people(
    relay: Relay, site: Site
) -> None:
    gone(relay, site, "gone@customer.example")
    people = ["ada@customer.example", "gone@customer.example"]
    first = submit(relay, site, key="k1", to=people)
    assert submit(relay, site, key="k1", to=people).receipt == first.receipt


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"to": ["a", "b"]}, {"to": ["b", "a"]}, False),
        ({"a": None}, {}, False),
    ],
)
def test_requests_are_the_same_when_their_metadata_is(
    one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    assert (fingerprint(one, "d") == fingerprint(other, "d")) is same
    assert fingerprint(one, "d") != fingerprint(one, "e")


def test_a_person_named_twice_gets_one_copy() -> None:
    draft: Draft = make_draft(to=["ada@customer.example", "ADA@customer.example"])
    assert [str(each) for each in draft.recipients] == ["ada@customer.example"]
    assert io.BytesIO(draft.mime.parts[0]).readline().startswith(b"From:")
