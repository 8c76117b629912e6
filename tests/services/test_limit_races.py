"""Limits stay exact however many ask at once: real threads, real commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from relay.context import Relay
from relay.models import Account, Message, Recipient, SiteCount, SourceCount
from relay.services import counts, locks
from tests import factories
from tests.services.test_races import count, network
from tests.steps import at_once

__all__ = ["network"]  # a fixture that each test here uses, too


class Shops:
    """Sites of one account, with what they may send, and clients that post for them."""

    def __init__(self, app: Flask, relay: Relay, sites: int, **given: Any) -> None:
        self._app, self._relay = app, relay
        app.extensions["relay"] = relay
        account_limits = given.pop("account_limits", None)
        with relay.sessions.begin() as session:
            account = factories.make_account(session)
            account.limits = account_limits
            factories.make_domain(session, account)
            made = [factories.make_site(session, account, **given) for _ in range(sites)]
            self.keys = [factories.make_key(session, site).secret for site in made]
            self.ids: Sequence[UUID] = [site.id for site in made]

    def post(self, n: int, people: int = 1, *, site: int = 0, **given: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.keys[site]}"}
        if (key := given.pop("key", None)) is not None:
            headers["Idempotency-Key"] = key
        return self._app.test_client().post(
            "/v1/messages", json=letter(n, people) | given, headers=headers
        )

    def batch(self, n: int, messages: int, *, site: int = 0, **given: Any) -> int:
        """How many of so many messages were taken."""
        letters = [letter(f"b{n}-{each}", 1) | given for each in range(messages)]
        answer = self._app.test_client().post(
            "/v1/messages/batch",
            json={"messages": letters},
            headers={"Authorization": f"Bearer {self.keys[site]}"},
        )
        assert answer.status_code == 200, answer.json
        return sum(each["status"] == 202 for each in answer.json["results"])

    def taken(self, answers: Sequence[Any]) -> int:
        assert {answer.status_code for answer in answers} <= {202, 429}
        return sum(answer.status_code == 202 for answer in answers)

    def counted(self, window: str = "day") -> int:
        with self._relay.reads() as session:
            return session.execute(
                select(func.sum(getattr(SiteCount, f"{window}_used")))
            ).scalar_one()


def letter(n: Any, people: int) -> dict[str, Any]:
    return {
        "from": "news@shop.example",
        "to": [f"p{n}-{each}@customer.example" for each in range(people)],
        "text": "x",
    }


@pytest.fixture
def shops(app: Flask, shared: Relay) -> Callable[..., Shops]:
    return lambda sites=1, **given: Shops(app, shared, sites, **given)


def test_the_last_nine_of_a_sites_day_are_nine(shops: Callable[..., Shops], shared: Relay) -> None:
    shop = shops(declared_daily=20)
    assert shop.taken([shop.post(n) for n in range(11)]) == 11

    answers = at_once(100, lambda n: shop.post(100 + n))

    assert shop.taken(answers) == 9
    assert count(shared, Message, Recipient) == [20, 20]
    assert shop.counted() == 20
    refused = {answer.json["limit"] for answer in answers if answer.status_code == 429}
    assert refused == {"site-day"}


def test_single_mails_and_batches_share_what_is_left(
    shops: Callable[..., Shops], shared: Relay
) -> None:
    shop = shops(limits={"hour": 29})

    taken = at_once(
        20, lambda n: shop.batch(n, 5) if n % 2 else int(shop.post(n).status_code == 202)
    )

    assert sum(taken) == shop.counted() == 29
    assert count(shared, Message) == [29]


def test_a_message_to_several_people_is_taken_whole_or_not_at_all(
    shops: Callable[..., Shops], shared: Relay
) -> None:
    shop = shops(declared_daily=20)

    answers = at_once(12, lambda n: shop.post(n, people=6))

    assert shop.taken(answers) == 3
    assert count(shared, Message, Recipient) == [3, 18]
    assert shop.post("rest", people=2).status_code == 202  # two were left for whom they fit
    assert shop.post("over").status_code == 429


@pytest.mark.parametrize("limit", ["second", "hour", "day"])
def test_the_last_of_an_accounts_limit_are_shared_by_its_sites(
    shops: Callable[..., Shops], shared: Relay, limit: str
) -> None:
    shop = shops(8, account_limits={limit: 19})

    answers = at_once(40, lambda n: shop.post(n, site=n % 8))

    assert shop.taken(answers) == 19
    assert count(shared, Message) == [19]
    refused = {answer.json["limit"] for answer in answers if answer.status_code == 429}
    assert refused <= {f"account-{limit}", f"site-{limit}"}


def test_batches_and_single_mails_of_several_sites_share_the_accounts_day(
    shops: Callable[..., Shops], shared: Relay
) -> None:
    shop = shops(4, account_limits={"day": 33})

    def send(n: int) -> int:
        if n % 3 == 0:
            return shop.batch(n, 7, site=n % 4)
        return int(shop.post(n, site=n % 4).status_code == 202)

    assert sum(at_once(24, send)) == shop.counted() == 33
    assert count(shared, Message) == [33]


@pytest.mark.postgresql
def test_where_much_is_left_the_accounts_lock_is_not_waited_for(
    shops: Callable[..., Shops], shared: Relay
) -> None:
    shop = shops(2)
    with shared.sessions.begin() as holder:
        account = holder.scalars(select(Account.id)).one()
        locks.hold(holder, [counts._name(account)])

        assert shop.post(1).status_code == 202


def test_a_form_cannot_use_up_the_hour_of_the_site(
    shops: Callable[..., Shops], shared: Relay
) -> None:
    shop = shops(declared_daily=160)  # 40 an hour, of which a form has a quarter
    form = {"source": {"plugin": "contact-form", "form": "footer"}}

    answers = at_once(30, lambda n: shop.post(n, **form))

    assert shop.taken(answers) == 10
    refused = Counter(answer.json["limit"] for answer in answers if answer.status_code == 429)
    assert refused == {"source": 20}
    with shared.reads() as session:
        breaker = session.execute(select(SourceCount)).scalar_one()
    assert (breaker.source, breaker.hour_used, breaker.openings) == ("contact-form/footer", 10, 1)
    assert breaker.open_until is not None
    assert shop.post("other", source={"plugin": "shop"}).status_code == 202


def test_a_repetition_gets_its_answer_though_the_limit_is_reached(
    shops: Callable[..., Shops], shared: Relay
) -> None:
    shop = shops(declared_daily=3)

    answers = at_once(60, lambda n: shop.post(n % 3, key=f"k{n % 3}"))

    assert Counter(answer.status_code for answer in answers) == {202: 60}
    assert count(shared, Message) == [3]
    assert shop.post("new", key="new").status_code == 429
    again = shop.post(1, key="k1")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")


def test_what_was_refused_leaves_nothing_behind(shops: Callable[..., Shops], shared: Relay) -> None:
    shop = shops(2, account_limits={"day": 5})

    at_once(20, lambda n: shop.post(n, people=2, site=n % 2, source={"plugin": "shop"}))

    assert count(shared, Message, Recipient) == [2, 4]
    with shared.reads() as session:
        used = session.execute(select(func.sum(SourceCount.hour_used))).scalar_one()
    assert used == shop.counted() == 4
