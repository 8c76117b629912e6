"""Many at once, with real commits: exactly once stays exactly once."""

from __future__ import annotations

import contextlib
import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from relay.addresses import parse
from relay.context import Relay
from relay.errors import AlreadyExists, DomainRefused
from relay.models import Event, Identity, Message, Notice, Recipient, Suppression, Usage
from relay.services import (
    circumstances,
    claims,
    delivery,
    domain_rules,
    domains,
    events,
    first_contacts,
    networks,
)
from relay.services.suppressions import suppress
from relay.vocabulary import DomainStatus, Kind, SuppressionReason, SuppressionScope
from relay.worker import Duties
from tests import factories
from tests.api.requests import BOUNDARY, encoded, parts
from tests.databases import ON_POSTGRESQL
from tests.factories import make_draft, make_event
from tests.fakes import FakeAmazon, FakeMailer
from tests.steps import accept, at_once, claim, deliver_due, look, statuses, until

NETWORKS = ("new network", "known network") if ON_POSTGRESQL else ("new network",)
"""On SQLite nothing is hurried: there a known network would be the same once more, with less to do."""


@pytest.fixture(autouse=True, params=NETWORKS)
def network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes from a new network is never hurried; from a known one all is that can be."""
    if request.param == "known network":
        monkeypatch.setattr(networks, "is_trusted", lambda came: True)


def count(relay: Relay, *models: type) -> list[int]:
    with relay.reads() as session:
        return [
            session.execute(select(func.count()).select_from(model)).scalar_one()
            for model in models
        ]


def poster(app: Flask, relay: Relay, secret: str) -> Callable[[str, str], Any]:
    app.extensions["relay"] = relay

    def post(key: str, to: str) -> Any:
        return app.test_client().post(
            "/v1/messages",
            data=encoded(parts(to=[to])),
            content_type=f"multipart/form-data; boundary={BOUNDARY}",
            headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": key},
        )

    return post


def test_100_requests_with_one_key_are_one_message(app: Flask, shared: Relay) -> None:
    _, key = factories.make_shop(shared)
    post = poster(app, shared, key.secret)

    answers = at_once(100, lambda _: post("k1", "ada@customer.example"))

    assert Counter(answer.status_code for answer in answers) == {202: 100}
    assert len({answer.data for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert count(shared, Message, Recipient) == [1, 1]


def test_of_two_requests_that_share_a_key_one_wins_and_the_others_conflict(
    app: Flask, shared: Relay
) -> None:
    _, key = factories.make_shop(shared)
    post = poster(app, shared, key.secret)

    answers = at_once(20, lambda n: post("k1", f"p{n % 2}@customer.example"))

    assert Counter(answer.status_code for answer in answers) == {202: 10, 409: 10}
    assert count(shared, Message) == [1]


def test_the_last_nine_first_contacts_of_an_hour_are_nine(app: Flask, shared: Relay) -> None:
    site, key = factories.make_shop(shared)
    with shared.sessions.begin() as session:
        first_contacts.set_budget(session, site.id, 20)
    post = poster(app, shared, key.secret)
    for n in range(11):
        assert post(f"before{n}", f"before{n}@customer.example").status_code == 202

    answers = at_once(100, lambda n: post(f"k{n}", f"p{n}@customer.example"))

    assert Counter(answer.status_code for answer in answers) == {202: 9, 429: 91}
    assert count(shared, Message, Recipient) == [20, 20]
    with shared.reads() as session:
        used = session.scalars(select(Usage.recipients).where(Usage.window == "first")).all()
    assert used == [20]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json["limit"] == "first-contacts"
    assert 0 < int(refused.headers["Retry-After"]) == refused.json["retry_after"] <= 3_600
    # People the site knows are not strangers.
    assert post("again", "before1@customer.example").status_code == 202


def test_single_mails_and_batches_share_the_hours_first_contacts(app: Flask, shared: Relay) -> None:
    site, key = factories.make_shop(shared)
    with shared.sessions.begin() as session:
        first_contacts.set_budget(session, site.id, 25)
    post = poster(app, shared, key.secret)

    def batch(n: int) -> int:
        letters = [
            {"from": "news@shop.example", "to": [f"b{n}-{each}@customer.example"], "text": "x"}
            for each in range(5)
        ]
        answer = app.test_client().post(
            "/v1/messages/batch",
            json={"messages": letters},
            headers={"Authorization": f"Bearer {key.secret}"},
        )
        return sum(each["status"] == 202 for each in answer.json["results"])

    def one(n: int) -> int:
        return int(post(f"k{n}", f"p{n}@customer.example").status_code == 202)

    taken = at_once(20, lambda n: batch(n) if n % 2 else one(n))

    assert sum(taken) == 25
    assert count(shared, Message) == [25]


def test_security_mail_is_protected_three_times_an_hour_however_quick_the_requests(
    app: Flask, shared: Relay
) -> None:
    _, key = factories.make_shop(shared)
    app.extensions["relay"] = shared

    def reset(n: int) -> str:
        answer = app.test_client().post(
            "/v1/messages",
            json={
                "from": "news@shop.example",
                "to": ["ada@customer.example"],
                "text": "https://shop.example/reset",
                "kind": "security",
            },
            headers={"Authorization": f"Bearer {key.secret}"},
        )
        remarks = answer.json["remarks"]
        return remarks[0]["because"] if remarks else "protected"

    assert Counter(at_once(12, reset)) == {"protected": 3, "many-to-person": 9}


def test_a_site_has_thirty_protected_mails_an_hour(app: Flask, shared: Relay) -> None:
    site, _ = factories.make_shop(shared)

    def reset(n: int) -> str:
        draft = make_draft(
            to=[f"p{n}@customer.example"], body="https://shop.example/x", kind=Kind.SECURITY
        )
        remarks = accept(shared, site, draft)["remarks"]
        return remarks[0]["because"] if remarks else "protected"

    assert Counter(at_once(40, reset)) == {"protected": 30, "many-from-site": 10}


def test_no_count_of_usage_is_lost(app: Flask, shared: Relay) -> None:
    _, key = factories.make_shop(shared)
    post = poster(app, shared, key.secret)

    answers = at_once(40, lambda n: post(f"k{n}", f"p{n}@customer.example"))

    assert {answer.status_code for answer in answers} == {202}
    with shared.reads() as session:
        found = session.execute(select(Usage.window, Usage.messages, Usage.recipients)).all()
    assert sorted(map(tuple, found)) == [("day", 40, 40), ("first", 0, 40), ("hour", 40, 40)]


def test_two_workers_never_hold_the_same_copy(shared: Relay) -> None:
    site, _ = factories.make_shop(shared)
    for n in range(6):
        people = [f"p{n}-{m}@customer.example" for m in range(40)]
        accept(shared, site, to=people, body=factories.ordered(n))
    while look(shared):
        pass

    def take_all(_: int) -> list[Any]:
        mine: list[Any] = []
        while batch := claim(shared, most=7):
            mine += batch
        return mine

    taken = [copy.recipient_id for mine in at_once(6, take_all) for copy in mine]
    assert len(taken) == len(set(taken)) == 240


@pytest.mark.postgresql
def test_a_worker_does_not_wait_for_copies_that_somebody_else_has_locked(shared: Relay) -> None:
    site, _ = factories.make_shop(shared)
    accept(shared, site, to=[f"p{n}@customer.example" for n in range(10)])
    with shared.sessions.begin() as one:
        locked = select(Recipient.id).order_by(Recipient.id).limit(5).with_for_update()
        first = set(one.scalars(locked))
        with shared.sessions.begin() as other:
            other.execute(text("SET LOCAL lock_timeout = '500ms'"))
            second = claims.claim(other, most=50, now=shared.clock()).copies
    assert (len(first), len(second)) == (5, 5)
    assert not first & {copy.recipient_id for copy in second}


@pytest.mark.postgresql
def test_nothing_but_claims_waits_for_a_claim(shared: Relay) -> None:
    """The budget's row is its own lock: acceptance, records and events pass by."""
    site, _ = factories.make_shop(shared)
    accept(shared, site, to=[f"p{n}@customer.example" for n in range(10)])
    copies = claim(shared, most=5)
    with shared.sessions.begin() as claiming:
        claims.claim(claiming, most=2, now=shared.clock())
        with shared.sessions.begin() as other:
            other.execute(text("SET LOCAL lock_timeout = '500ms'"))
            started = delivery.start(
                other, copies, answer_within=shared.settings.mailer_timeout, now=shared.clock()
            )
        accept(shared, site)
    assert len(started) == 5


@pytest.mark.postgresql
def test_a_message_being_accepted_does_not_hold_up_what_refers_to_its_site(shared: Relay) -> None:
    site, _ = factories.make_shop(shared)
    with shared.sessions.begin() as accepting:
        circumstances.facts(
            accepting,
            site.id,
            make_draft(),
            keyring=shared.settings.keyring,
            key=None,
            now=shared.clock(),
        )  # the site's row is locked
        with shared.sessions.begin() as other:
            other.execute(text("SET LOCAL lock_timeout = '500ms'"))
            suppress(
                other,
                account_id=site.account_id,
                site_id=site.id,
                address=parse("ada@customer.example"),
                reason=SuppressionReason.MANUAL,
                scope=SuppressionScope.ALL,
                evidence={},
                now=shared.clock(),
            )
    assert count(shared, Suppression) == [1]


def test_the_same_event_told_by_many_is_taken_in_once(shared: Relay) -> None:
    site, _ = factories.make_shop(shared)
    accept(shared, site)
    (envelope,) = deliver_due(shared)
    told = [make_event("Bounce", envelope), make_event("Delivery", envelope)]

    def record(number: int) -> list[bool]:
        with shared.sessions.begin() as session:
            order = told if number % 2 else told[::-1]
            return events.record(session, order, now=shared.clock())

    assert at_once(12, record) == [[True, True]] * 12
    assert count(shared, Event, Suppression) == [2, 1]


def test_the_same_notice_delivered_by_many_is_kept_once(
    app: Flask, shared: Relay, amazon: FakeAmazon
) -> None:
    app.extensions["relay"] = shared
    post = amazon.notice("x")
    answers = at_once(
        16,
        lambda _: app.test_client().post("/hooks/ses", data=post.body, headers=dict(post.headers)),
    )
    assert {answer.status_code for answer in answers} == {200}
    assert count(shared, Notice) == [1]


def test_workers_events_and_duties_do_not_lock_each_other_out(
    shared: Relay, mailer: FakeMailer
) -> None:
    """Some deliver while others take in news, in batches of random order, and duties run."""
    site, _ = factories.make_shop(shared)
    receipts = [
        accept(
            shared,
            site,
            to=[f"p{n}-{m}@customer.example" for m in range(8)],
            body=factories.ordered(n),
        )
        for n in range(25)
    ]
    over = threading.Event()

    def deliver(_: int) -> None:
        while deliver_due(shared):
            pass

    def hear(number: int) -> None:
        chance = random.Random(number)
        while not over.is_set():
            told = [make_event("Delivery", copy) for copy in mailer.sent]
            told += [make_event("Send", copy) for copy in mailer.sent]
            batch = chance.sample(told, min(40, len(told)))
            with shared.sessions.begin() as session:
                events.record(session, batch, now=shared.clock())

    def tidy(_: int) -> None:
        while not over.is_set():
            Duties(shared).run_once()

    def all_are_sent() -> bool:
        deliver(0)
        return len(mailer.sent) >= 200

    def finish(_: int) -> None:
        try:
            until(all_are_sent, within=300.0)
        finally:
            over.set()  # the others go on until then, whatever happened

    roles = [deliver, deliver, hear, hear, tidy, finish]
    at_once(len(roles), lambda number: roles[number](number))

    hear_all = [make_event("Delivery", copy) for copy in mailer.sent]
    with shared.sessions.begin() as session:
        events.record(session, hear_all, now=shared.clock())
    assert len({copy.recipient_id for copy in mailer.sent}) == len(mailer.sent) == 200
    assert {
        state for receipt in receipts for state in statuses(shared, site, receipt).values()
    } == {"delivered"}


def test_one_name_claimed_by_one_account_many_times_at_once_is_one_claim(shared: Relay) -> None:
    with shared.sessions.begin() as session:
        account = factories.make_account(session).id

    def claim_it(_: int) -> str:
        try:
            with shared.sessions.begin() as session:
                domains.claim(
                    session, account, "new.example", region="us-east-1", now=shared.clock()
                )
        except AlreadyExists:
            return "there already"
        return "claimed"

    assert Counter(at_once(8, claim_it)) == {"claimed": 1, "there already": 7}


def test_an_identity_is_wanted_as_long_as_somebody_claims_it(shared: Relay) -> None:
    with shared.sessions.begin() as session:
        accounts = [factories.make_account(session, name=name).id for name in "abcd"]
    first, second, *later = accounts

    def claim_as(session: Session, account: UUID, name: str) -> None:
        domains.claim(session, account, name, region="us-east-1", now=shared.clock())

    for number in range(12):
        kept, given_up = f"kept{number}.example", f"gone{number}.example"
        with shared.sessions.begin() as session:
            for name in (kept, given_up):
                claim_as(session, first, name)
                claim_as(session, second, name)

        def do(which: int, kept: str = kept, given_up: str = given_up) -> None:
            with shared.sessions.begin() as session:
                if which < 2:
                    domains.remove(session, accounts[which], kept, now=shared.clock())
                elif which < 4:
                    domains.remove(session, accounts[which - 2], given_up, now=shared.clock())
                else:
                    claim_as(session, later[which - 4], kept)

        at_once(6, do)
        with shared.reads() as session:
            assert session.get_one(Identity, kept).unwanted_since is None
            assert session.get_one(Identity, given_up).unwanted_since is not None


def test_a_ban_is_not_undone_by_giving_the_domain_up_at_the_same_moment(shared: Relay) -> None:
    with shared.sessions.begin() as session:
        account = factories.make_account(session).id
        domains.claim(
            session, account, "up.example", region="us-east-1", vouched=True, now=shared.clock()
        )
    for number in range(12):
        name = f"x{number}.up.example"
        with shared.sessions.begin() as session:
            domains.claim(session, account, name, region="us-east-1", now=shared.clock())

        def do(which: int, name: str = name) -> None:
            with contextlib.suppress(DomainRefused), shared.sessions.begin() as session:
                if which:
                    domains.remove(session, account, name, now=shared.clock())
                else:
                    domain_rules.ban(session, name, reason="phishing", now=shared.clock())

        at_once(2, do)
        with shared.reads() as session:
            assert domains.find(session, account, name).status is DomainStatus.SUSPENDED
