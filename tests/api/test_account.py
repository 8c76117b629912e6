"""GET /v1/account: who am I, am I ready, how much have I sent."""

from __future__ import annotations

from flask.testing import FlaskClient

from relay.context import Relay
from relay.models import Account, Site
from relay.services import actions, freezing
from relay.services.actions import Order, Subject
from relay.vocabulary import Cause, DomainStatus, State, Stream, Verb
from tests import factories
from tests.api.requests import check_problem
from tests.factories import make_message
from tests.steps import accept


def test_a_site_sees_itself(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, account: Account, site: Site
) -> None:
    with relay.sessions.begin() as session:
        factories.make_domain(session, account, "new.example", DomainStatus.PENDING)
    accept(relay, site, to=["a@customer.example", "b@customer.example"])

    told = client.get("/v1/account", headers=bearer).json

    used = {"messages": 1, "recipients": 2, "octets": 2 * len(make_message())}
    assert told == {
        "account": {"id": str(account.id), "name": "Shop Ltd", "state": "active"},
        "site": {
            "id": str(site.id),
            "name": "The shop",
            "state": "active",
            "url": "https://shop.example",
        },
        "standing": {
            "state": "active",
            "cause": None,
            "since": None,
            "reason": None,
            "lanes": dict.fromkeys(
                ("protected", "transactional", "notification", "marketing"), "goes"
            ),
            "held": {},
        },
        "ready": True,
        "not_ready_because": [],
        "default_from": "news@shop.example",
        "domains": [
            {"name": "new.example", "status": "pending"},
            {"name": "shop.example", "status": "verified"},
        ],
        "usage": {"hour": used, "day": used},
        **{name: told[name] for name in ("limits", "allowances", "sources")},  # see test_limits.py
    }


def test_a_site_that_is_not_ready_says_why(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, account: Account, site: Site
) -> None:
    with relay.sessions.begin() as session:
        session.get_one(Account, account.id).state = State.SUSPENDED
        session.get_one(Site, site.id).default_from = "news@else.example"
    told = client.get("/v1/account", headers=bearer).json
    assert told["ready"] is False
    assert told["not_ready_because"] == [
        "The account or site is suspended.",
        "The domain of news@else.example is not verified.",
    ]


def test_a_limited_site_sees_what_is_held_and_why(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        actions.act(
            session,
            Subject(site_id=site.id),
            Order(Verb.LIMIT, "operator:ada", "9 complaints in a day", Cause.COMPLAINTS),
            sender="relay@relay.example",
            now=relay.clock(),
        )
    accept(relay, site, stream=Stream.MARKETING)
    with relay.sessions.begin() as session:
        freezing.freeze(session, now=relay.clock())
    told = client.get("/v1/account", headers=bearer).json
    assert told["standing"] == {
        "state": "limited",
        "cause": "complaints",
        "since": "2026-11-22T09:00:00+00:00",
        "reason": "9 complaints in a day",
        "lanes": {
            "protected": "goes",
            "transactional": "goes",
            "notification": "held",
            "marketing": "held",
        },
        "held": {"sending-limited": 1},
    }
    assert told["ready"] is True


def test_it_needs_a_key(client: FlaskClient) -> None:
    check_problem(client.get("/v1/account"), 401, "key-invalid")
