"""GET /v1/account: who am I, am I ready, how much have I sent."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from relay.context import Relay
from relay.gateways.ses import SendingAccount
from relay.models import Account, SendingBudget, Site
from relay.policy import warm_up
from relay.policy.acceptable_use import VERSION
from relay.policy.budget import UNLIMITED
from relay.services import actions, budgets, freezing, queue_view, ramps
from relay.services.actions import Order, Subject
from relay.vocabulary import Cause, DomainStatus, Scope, State, Stream, Verb, WaitReason
from tests import factories
from tests.api.requests import check_problem
from tests.factories import make_message
from tests.fakes import FakeClock
from tests.steps import accept, let_go

FULL_VOLUME_CLIMB = {
    "hour": {"allowed": 50_000, "used": 0},
    "day": {"allowed": 500_000, "used": 0},
    "clean_days": 0,
    "full_volume_on": None,
}
FULL_VOLUME = FULL_VOLUME_CLIMB | {
    "plan": {"per_hour": 50_000, "per_day": 500_000},
    "young_sites_left": None,
}


def test_a_site_sees_itself(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, account: Account, site: Site
) -> None:
    with relay.sessions.begin() as session:
        factories.make_domain(session, account, "new.example", DomainStatus.PENDING)
    accept(relay, site, to=["a@customer.example", "b@customer.example"])

    told = client.get("/v1/account", headers=bearer).json

    used = {"messages": 1, "recipients": 2, "octets": 2 * len(make_message())}
    assert told == {
        "account": {
            "id": str(account.id),
            "name": "Shop Ltd",
            "state": "active",
            "language": "en",
        },
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
            "streams": [],
            "slowed_until": None,
            "action_id": None,
        },
        "ready": True,
        "not_ready_because": [],
        "default_from": "news@shop.example",
        "domains": [
            {"name": "new.example", "status": "pending"},
            {"name": "shop.example", "status": "verified"},
        ],
        "policy": {
            "version": VERSION,
            "url": "https://relay.example/policy",
            "accepted_version": None,
            "accepted_at": None,
            "notice": f"The acceptable use policy was never accepted for this account; read and "
            f"accept version {VERSION}: https://relay.example/policy",
        },
        "usage": {"hour": used, "day": used},
        **{name: told[name] for name in ("limits", "allowances", "sources")},  # see test_limits.py
        "warm_up": FULL_VOLUME
        | {"waiting": [], "domains": [FULL_VOLUME_CLIMB | {"name": "shop.example"}]},
        "queue": [
            {
                "lane": "transactional",
                "stages": {"queued": 2},
                "oldest_seconds": 0.0,
                "gone_in_seconds": None,  # nobody has measured a rate yet
            }
        ],
    }


def test_a_newcomer_sees_how_far_it_has_come_and_what_waits(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, site: Site, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        ramps.set_ramp(session, site.id, 50)
    for n in range(25):
        accept(relay, site, to=[f"a{n}@customer.example"], stream=Stream.MARKETING)
    let_go(relay)

    told = client.get("/v1/account", headers=bearer).json["warm_up"]

    assert told["hour"] == {"allowed": 20, "used": 20}
    assert told["day"] == {"allowed": 50, "used": 20}
    assert (told["clean_days"], told["full_volume_on"]) == (0, "2026-12-15")
    assert told["waiting"] == [
        {
            "list": "news",
            "copies": 5,
            "code": "warm-up",
            "title": warm_up.TITLES[WaitReason.WARM_UP],
            "until": "2026-11-22T10:00:00+00:00",
            "began_at": "2026-11-22T09:00:00+00:00",
            "canary": None,
            "canary_cause": None,
        }
    ]


def test_young_sites_see_what_is_left_of_their_share(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        session.add(SendingBudget(provider="ses", per_day=1_000))
    accept(relay, site, stream=Stream.MARKETING)
    assert client.get("/v1/account", headers=bearer).json["warm_up"]["young_sites_left"] == 99


def test_where_amazon_sets_no_quota_young_sites_share_no_part_of_it(
    client: FlaskClient, bearer: dict[str, str], relay: Relay
) -> None:
    with relay.sessions.begin() as session:
        session.add(SendingBudget(provider="ses", per_day=UNLIMITED))

    told = client.get("/v1/account", headers=bearer).json["warm_up"]

    assert told["young_sites_left"] is None


def test_a_site_knows_when_its_share_of_the_queue_will_have_left(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, site: Site, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        other = factories.make_site(session, session.get_one(Account, site.account_id))
    accept(relay, site, to=[f"p{n}@customer.example" for n in range(10)])
    accept(relay, other, to=[f"q{n}@customer.example" for n in range(40)])
    with relay.sessions.begin() as session:
        question = budgets.ask(session, now=clock())
        assert question is not None
        budgets.learn(session, question, SendingAccount(max_rate=10.0), now=clock())
        queue_view.measure(session, now=clock())
    clock.advance(seconds=3)

    (waiting,) = client.get("/v1/account", headers=bearer).json["queue"]

    assert waiting["oldest_seconds"] == 3.0
    assert waiting["gone_in_seconds"] == pytest.approx(2.0)  # 10 of ours, 10 of theirs, 10 a second


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
        "streams": [],
        "slowed_until": None,
        "action_id": told["standing"]["action_id"],
    }
    assert told["ready"] is True


def test_it_needs_a_key(client: FlaskClient) -> None:
    check_problem(client.get("/v1/account"), 401, "key-invalid")


# --- the key that asks ----------------------------------------------------------------------

MANAGER = [Scope.READ, Scope.MANAGE]


def end_key(client: FlaskClient, secret: str, **more: str) -> TestResponse:
    return client.delete("/v1/key", headers={"Authorization": f"Bearer {secret}"} | more)


def test_a_key_ends_itself_and_no_other(client: FlaskClient, relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        mine, other = (factories.make_key(session, site, scopes=MANAGER) for _ in range(2))

    ended = end_key(client, mine.secret)

    assert ended.status_code == 200, ended.text
    told = ended.json or {}
    assert told["id"] == str(mine.key.id)
    assert told["revoked_at"] is not None
    assert mine.secret not in ended.text
    check_problem(end_key(client, mine.secret), 401, "key-invalid")
    still = client.get("/v1/account", headers={"Authorization": f"Bearer {other.secret}"})
    assert still.status_code == 200


def test_a_key_that_may_not_manage_goes_on_working(
    client: FlaskClient, relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        key = factories.make_key(session, site, scopes=[Scope.SEND, Scope.READ])

    check_problem(end_key(client, key.secret), 403, "scope-missing")

    told = client.get("/v1/account", headers={"Authorization": f"Bearer {key.secret}"})
    assert told.status_code == 200


def test_a_copy_of_the_site_does_not_end_a_key_that_is_bound(
    client: FlaskClient, relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        key = factories.make_key(session, site, scopes=MANAGER, bind=True)

    copy = end_key(client, key.secret, **{"X-Postreeve-Site": "https://copy.example"})
    check_problem(copy, 403, "key-site-mismatch")

    home = end_key(client, key.secret, **{"X-Postreeve-Site": "https://shop.example"})
    assert home.status_code == 200


@pytest.mark.parametrize("state", [State.PENDING, State.SUSPENDED])
def test_a_key_of_a_stopped_account_can_be_ended(
    client: FlaskClient, relay: Relay, site: Site, state: State
) -> None:
    with relay.sessions.begin() as session:
        session.get_one(Account, site.account_id).state = state
        key = factories.make_key(session, site, scopes=MANAGER)

    assert end_key(client, key.secret).status_code == 200
