"""`/v1/sites`: an account makes its sites and their keys by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from relay.app import create_app
from relay.context import Relay
from relay.db import new_id
from relay.models import Account, ApiKey, Domain, Site
from relay.policy.connecting import SITES_AN_ACCOUNT_A_DAY
from relay.services import accounts
from relay.vocabulary import DomainStatus, State
from tests import factories
from tests.api.requests import check_problem
from tests.connecting import Owner, letters_to
from tests.factories import SECRET
from tests.fakes import MORNING, FakeClock
from tests.steps import at_once, meanwhile

NEW = "https://new.example"

Ask = Callable[..., TestResponse]


@pytest.fixture
def headers(relay: Relay, account: Account) -> dict[str, str]:
    """Those of a request with a key of the account."""
    with relay.sessions.begin() as session:
        key = factories.make_account_key(session, account)
    return {"Authorization": f"Bearer {key.secret}"}


@pytest.fixture
def ask(client: FlaskClient, headers: dict[str, str]) -> Ask:
    """POST /v1/sites with the account's key."""

    def send(**body: Any) -> TestResponse:
        return client.post("/v1/sites", json={"url": NEW} | body, headers=headers)

    return send


def account_of(client: FlaskClient, key: str, **more: str) -> TestResponse:
    """What the site learns with its new key."""
    return client.get("/v1/account", headers={"Authorization": f"Bearer {key}"} | more)


def everything(relay: Relay) -> tuple[int, ...]:
    with relay.reads() as session:
        return tuple(
            len(session.scalars(select(kind)).all()) for kind in (Site, ApiKey, Domain, Account)
        )


# --- connecting -----------------------------------------------------------------------------


def test_a_site_that_is_new_is_made_and_gets_a_key(
    ask: Ask, client: FlaskClient, relay: Relay, account: Account
) -> None:
    answer = ask(name="The  new\nshop", default_from="hello@new.example", domain="auto")

    assert answer.status_code == 201, answer.text
    made = answer.json
    assert made is not None
    assert made["created"] is True
    assert (made["site"]["name"], made["site"]["url"]) == ("The new shop", NEW)
    assert made["account"] == {"id": str(account.id), "name": "Shop Ltd", "state": "active"}
    assert made["scopes"] == ["manage", "read", "send"]
    assert made["domain"] == {"name": "new.example", "status": "pending"}
    assert made["default_from"] == "hello@new.example"
    told = account_of(client, made["key"], **{"X-Postreeve-Site": NEW})
    assert told.json is not None
    assert (told.status_code, told.json["site"]["id"]) == (200, made["site"]["id"])
    (letter,) = letters_to(relay, "owner@shop.example")
    assert "The new shop (https://new.example) is connected now." in letter
    assert "/setup/" in letter
    assert "/connect/undo/" in letter


def test_without_more_than_an_address_it_is_called_after_its_host_and_claims_nothing(
    ask: Ask,
) -> None:
    made = ask(url=f"{NEW}/blog/").json
    assert made is not None
    assert (made["site"]["name"], made["site"]["url"]) == ("new.example", f"{NEW}/blog")
    assert (made["domain"], made["default_from"]) == (None, None)


def test_the_site_with_the_same_address_is_found_and_its_keys_go_on_working(
    ask: Ask, client: FlaskClient, relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        older = factories.make_key(session, site)

    answers = [ask(url="http://SHOP.example/", name="Another name") for _ in range(2)]

    assert [each.status_code for each in answers] == [200, 200]
    told = [each.json or {} for each in answers]
    assert {each["site"]["id"] for each in told} == {str(site.id)}
    assert {(each["created"], each["site"]["name"]) for each in told} == {(False, "The shop")}
    assert told[0]["key"] != told[1]["key"]
    for key in (told[0]["key"], told[1]["key"], older.secret):
        at = {"X-Postreeve-Site": "https://shop.example"}
        assert account_of(client, key, **at).status_code == 200


def test_the_key_is_bound_to_the_address_unless_that_is_not_wished(
    ask: Ask, client: FlaskClient
) -> None:
    bound, free = (ask(bind=bind).json or {} for bind in (True, False))
    elsewhere = {"X-Postreeve-Site": "https://copy.example"}
    check_problem(account_of(client, bound["key"], **elsewhere), 403, "key-site-mismatch")
    assert account_of(client, free["key"], **elsewhere).status_code == 200


def test_the_usual_sender_of_a_site_that_has_one_stays(ask: Ask, relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        session.get_one(Site, site.id).default_from = "news@shop.example"
    told = ask(url=site.url, default_from="other@shop.example").json
    assert told is not None
    assert told["default_from"] == "news@shop.example"


def test_a_domain_that_the_account_has_is_named_and_not_claimed_again(
    ask: Ask, relay: Relay, account: Account
) -> None:
    with relay.sessions.begin() as session:
        factories.make_domain(session, account, "new.example")
    told = ask(domain="NEW.example", default_from="a@new.example").json
    assert told is not None
    assert told["domain"] == {"name": "new.example", "status": "verified"}


def test_where_nobody_can_own_the_address_nothing_is_claimed(ask: Ask) -> None:
    told = ask(url="http://127.0.0.1:8080", domain="auto").json
    assert told is not None
    assert told["domain"] is None


@pytest.mark.parametrize(
    ("domain", "slug"),
    [
        ("gmail.com", "free-mail-sender"), ("co.uk", "domain-refused"), ("paypa1.com", "look-alike-domain"),
        ("taken.example", None), ("under.taken.example", "domain-taken"), ("no domain", None),
    ],
)  # fmt: skip
def test_a_domain_that_cannot_be_leaves_nothing_behind(
    domain: str, slug: str | None, ask: Ask, relay: Relay
) -> None:
    with relay.sessions.begin() as session:
        other = factories.make_account(session, name="Another")
        factories.make_domain(session, other, "taken.example")
    before = everything(relay)
    answer = ask(domain=domain)
    if domain == "taken.example":  # pending claims are not exclusive
        assert answer.status_code == 201
        return
    check_problem(answer, 422 if slug else 400, slug or "request-invalid")
    assert everything(relay) == before
    assert letters_to(relay, "owner@shop.example") == []


def test_another_account_may_have_a_site_at_the_same_address_and_nobody_hears_of_it(
    ask: Ask, relay: Relay, account: Account
) -> None:
    with relay.sessions.begin() as session:
        other = factories.make_account(session, name="Another")
        theirs = factories.make_site(session, other, url=NEW, name="Their secret shop")

    made = ask()

    assert made.status_code == 201
    assert made.json is not None
    assert made.json["site"]["id"] != str(theirs.id)
    assert "Their secret shop" not in made.text
    assert made.json["account"]["id"] == str(account.id)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "shop"}, "#/url"), ({"url": "ftp://shop.example"}, "#/url"),
        ({"url": "https://shop.example/?a=b"}, "#/url"), ({"url": "https://a@b.example"}, "#/url"),
        ({"url": "https://" + "x" * 500}, "#/url"), ({"url": None}, "#/url"), ({"url": 5}, "#/url"),
        ({"name": "x" * 201}, "#/name"), ({"name": "\x00"}, "#"),
        ({"default_from": "nobody"}, "#/default_from"), ({"bind": "maybe"}, "#/bind"),
        ({"scopes": ["send"]}, "#/scopes"), ({"account": str(new_id())}, "#/account"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_pointed_at(
    body: dict[str, Any], pointer: str, ask: Ask, relay: Relay
) -> None:
    before = everything(relay)
    told = check_problem(ask(**body), 400, "request-invalid")
    assert [each["pointer"] for each in told["errors"]] == [pointer]
    assert everything(relay) == before


# --- who may --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "may"),
    [
        (State.PENDING, True), (State.ACTIVE, True), (State.WARNED, True), (State.LIMITED, True),
        (State.SUSPENDED, False), (State.TERMINATED, False),
    ],
)  # fmt: skip
def test_an_account_that_was_stopped_adds_nothing_and_still_sees_and_ends_its_keys(
    state: State, may: bool, ask: Ask, client: FlaskClient, relay: Relay, site: Site, headers: Any
) -> None:
    with relay.sessions.begin() as session:
        session.get_one(Account, site.account_id).state = state
        key = factories.make_key(session, site).key

    answer = ask()

    if may:
        assert answer.status_code == 201
    else:
        told = check_problem(answer, 403, "account-suspended")
        assert told["state"] == state.value
    listed = client.get("/v1/sites", headers=headers).json
    assert listed is not None
    assert listed["account"]["state"] == state.value
    path = f"/v1/sites/{site.id}/keys/{key.id}"
    assert client.delete(path, headers=headers).status_code == 200


def test_a_site_that_was_ended_is_not_connected_anew(ask: Ask, relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        session.get_one(Site, site.id).state = State.TERMINATED
    before = everything(relay)
    told = check_problem(ask(url=site.url), 403, "account-suspended")
    assert told["state"] == "terminated"
    assert everything(relay) == before


def test_an_account_gets_two_hundred_keys_of_sites_a_day(
    ask: Ask, relay: Relay, site: Site, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        for _ in range(SITES_AN_ACCOUNT_A_DAY - 1):
            factories.make_key(session, site)
    assert ask().status_code == 201
    check_problem(ask(url="https://next.example"), 429, "limit-reached")
    clock.advance(days=1, seconds=1)
    assert ask(url="https://next.example").status_code == 201


# --- looking and ending ---------------------------------------------------------------------


def test_sites_are_listed_newest_first_page_by_page_and_those_of_others_are_not(
    ask: Ask, client: FlaskClient, relay: Relay, site: Site, headers: dict[str, str]
) -> None:
    with relay.sessions.begin() as session:
        stranger = factories.make_account(session, name="Stranger")
        factories.make_site(session, stranger, url="https://stranger.example")
        used = factories.make_key(session, site)
        session.get_one(ApiKey, used.key.id).last_used_at = MORNING
        accounts.revoke_key(session, factories.make_key(session, site).key.prefix, now=MORNING)
    newer = [(ask(url=f"https://{n}.example").json or {})["site"]["id"] for n in range(3)]

    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/v1/sites?limit=2{cursor}", headers=headers).json
        assert page is not None
        seen += page["sites"]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None

    assert [each["id"] for each in seen] == [*reversed(newer), str(site.id)]
    assert [each["keys"] for each in seen] == [1, 1, 1, 1]
    assert [each["last_used_at"] is not None for each in seen] == [False, False, False, True]


def test_keys_are_listed_without_secrets_and_ended(
    ask: Ask, client: FlaskClient, relay: Relay, headers: dict[str, str]
) -> None:
    made = ask().json
    assert made is not None
    path = f"/v1/sites/{made['site']['id']}/keys"

    (listed,) = (client.get(path, headers=headers).json or {})["keys"]
    assert (listed["id"], listed["name"]) == (made["key_id"], "WordPress")
    assert listed["bound_url"] == NEW
    assert made["key"].startswith(f"prk_{listed['prefix']}_")
    secret = made["key"].split("_", 2)[2]
    assert len(secret) > 30, "a secret may hold underscores itself"
    assert secret not in str(listed)

    ended = [client.delete(f"{path}/{listed['id']}", headers=headers) for _ in range(2)]
    assert [each.status_code for each in ended] == [200, 200]
    assert ended[0].json == ended[1].json
    check_problem(account_of(client, made["key"]), 401, "key-invalid")


def test_nobody_reaches_into_another_account(
    client: FlaskClient, relay: Relay, site: Site, headers: dict[str, str], account: Account
) -> None:
    with relay.sessions.begin() as session:
        stranger = factories.make_account(session, name="Stranger")
        theirs = factories.make_site(session, stranger)
        key = factories.make_key(session, theirs).key
        own = factories.make_account_key(session, account).key
    nothing = client.get(f"/v1/sites/{new_id()}/keys", headers=headers)
    check_problem(nothing, 404, "not-found")
    for path in (
        f"/v1/sites/{theirs.id}/keys",
        f"/v1/sites/{theirs.id}/keys/{key.id}",
        f"/v1/sites/{site.id}/keys/{key.id}",
        f"/v1/sites/{site.id}/keys/{own.id}",
        f"/v1/sites/{site.id}/keys/{new_id()}",
    ):
        method = "GET" if path.endswith("keys") else "DELETE"
        check_problem(client.open(path, method=method, headers=headers), 404, "not-found")
    with relay.reads() as session:
        assert session.get_one(ApiKey, key.id).revoked_at is None
        assert session.get_one(ApiKey, own.id).revoked_at is None


def test_the_letter_s_link_ends_the_key(ask: Ask, client: FlaskClient, relay: Relay) -> None:
    made = ask().json
    assert made is not None
    (letter,) = letters_to(relay, "owner@shop.example")
    path = next(word for word in letter.split() if "/connect/undo/" in word)
    owner = Owner(relay, client)
    owner.get(path[path.index("/connect") :])
    assert owner.fill(path[path.index("/connect") :]).status_code == 200
    check_problem(account_of(client, made["key"]), 401, "key-invalid")


# --- several at once ------------------------------------------------------------------------


def test_of_many_at_once_one_makes_the_site_and_all_get_a_key(shared: Relay) -> None:
    with shared.sessions.begin() as session:
        account = factories.make_account(session)
        secret = factories.make_account_key(session, account).secret
    app = create_app(shared)

    def connect(_: int) -> TestResponse:
        return app.test_client().post(
            "/v1/sites",
            json={"url": NEW, "domain": "auto"},
            headers={"Authorization": f"Bearer {secret}"},
        )

    answers = at_once(6, connect)

    assert sorted(each.status_code for each in answers) == [200] * 5 + [201]
    assert len({(each.json or {})["key"] for each in answers}) == 6
    with shared.reads() as session:
        assert len(session.scalars(select(Site).where(Site.account_id == account.id)).all()) == 1
        (domain,) = session.scalars(select(Domain)).all()
        assert domain.status is DomainStatus.PENDING


@pytest.mark.postgresql
def test_a_site_that_is_ended_while_it_is_connected_gets_no_key(shared: Relay) -> None:
    with shared.sessions.begin() as session:
        account = factories.make_account(session)
        factories.make_site(session, account, url=NEW)
        secret = factories.make_account_key(session, account).secret
    client = create_app(shared).test_client()

    answer = meanwhile(
        shared,
        lambda: client.post(
            "/v1/sites", json={"url": NEW}, headers={"Authorization": f"Bearer {secret}"}
        ),
        lambda session: session.execute(update(Site).values(state=State.TERMINATED)),
    )

    check_problem(answer, 403, "account-suspended")


def test_the_browser_and_the_account_s_key_find_the_same_site(
    ask: Ask, client: FlaskClient, relay: Relay
) -> None:
    made = ask(url="https://shop.example").json
    assert made is not None
    owner = Owner(relay, client)
    told = owner.fetch(owner.code()).json
    assert told is not None
    assert told["site"]["id"] == made["site"]["id"]


def test_an_account_s_key_is_replaced_as_others_are(relay: Relay, account: Account) -> None:
    with relay.sessions.begin() as session:
        old = factories.make_account_key(session, account, name="laptop")
        new = accounts.rotate_key(session, old.secret, secret=SECRET, now=MORNING)
    assert new.secret.startswith("pra_")
    assert (new.key.account_id, new.key.site_id, new.key.name) == (account.id, None, "laptop")
    assert new.key.scopes == []
