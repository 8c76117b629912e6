"""Who is calling, what they may do, and that nobody reaches into another site."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from relay.context import Relay
from relay.db import new_id
from relay.models import Account, ApiKey, Site
from relay.services import accounts, networks, operators
from relay.services.accounts import NewKey
from relay.vocabulary import Scope
from tests import factories
from tests.api.requests import check_problem
from tests.fakes import MORNING, FakeClock, FakeThrottle
from tests.steps import accept, rows

Post = Callable[..., TestResponse]


def get(client: FlaskClient, authorization: str | None = None, **headers: str) -> TestResponse:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if authorization is not None:
        given["Authorization"] = authorization
    return client.get("/v1/messages", headers=given)


# --- the key --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    [
        None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "prk_a_b", "Token {key}", "{key}",
        "Bearer {key}x", "Bearer x{key}", "Bearer {key} {key}", "Bearer nonsense", "Bearer prk__",
        "Bearer ümlaut", "Bearer prk_\xff_\xff", "Bearer " + "x" * 5_000,
    ],
)  # fmt: skip
def test_without_a_good_key_nobody_gets_in(
    authorization: str | None, client: FlaskClient, key: NewKey
) -> None:
    presented = authorization and authorization.replace("{key}", key.secret)
    response = get(client, presented)
    check_problem(response, 401, "key-invalid")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="postreeve"'
    assert key.secret not in response.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_good_key_gets_in(scheme: str, client: FlaskClient, key: NewKey) -> None:
    assert get(client, f"{scheme} {key.secret}").status_code == 200


def test_a_revoked_or_rotated_key_stays_out(
    client: FlaskClient, relay: Relay, site: Site, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        revoked, rotated = (factories.make_key(session, site) for _ in range(2))
        accounts.revoke_key(session, revoked.key.prefix, now=clock())
        new = accounts.rotate_key(session, rotated.key.prefix, secret=factories.SECRET, now=clock())
    check_problem(get(client, f"Bearer {revoked.secret}"), 401, "key-invalid")
    assert get(client, f"Bearer {rotated.secret}").status_code == 200
    clock.now += timedelta(days=1)
    check_problem(get(client, f"Bearer {rotated.secret}"), 401, "key-invalid")
    assert get(client, f"Bearer {new.secret}").status_code == 200


@pytest.mark.parametrize("idempotent", [{}, {"Idempotency-Key": "k1"}], ids=["new", "repeated"])
@pytest.mark.parametrize("hurried", [False, True])
def test_a_key_that_was_used_a_moment_ago_and_has_ended_sends_nothing(
    hurried: bool,
    idempotent: dict[str, str],
    post: Post,
    relay: Relay,
    key: NewKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process recalls such keys; whether one has ended is asked with all else about the mail."""
    monkeypatch.setattr(networks, "is_trusted", lambda came: hurried)
    for _ in range(2):
        assert post(headers=idempotent).status_code == 202
    with relay.sessions.begin() as session:
        accounts.revoke_key(session, key.key.prefix, now=relay.clock())
        before = rows(session)

    check_problem(post(headers=idempotent), 401, "key-invalid")

    with relay.reads() as session:
        assert rows(session) == before


def test_a_key_that_was_used_a_moment_ago_and_whose_time_is_over_sends_nothing(
    post: Post, relay: Relay, key: NewKey, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        accounts.rotate_key(session, key.key.prefix, secret=factories.SECRET, now=clock())
    clock.advance(hours=24, minutes=-1)
    assert post().status_code == 202
    assert post().status_code == 202
    clock.advance(minutes=1)
    check_problem(post(), 401, "key-invalid")


def test_the_key_is_asked_for_before_the_body_is_read(client: FlaskClient) -> None:
    response = client.post(
        "/v1/messages", data=b"garbage", content_type="multipart/form-data", headers={}
    )
    check_problem(response, 401, "key-invalid")


@pytest.mark.parametrize(
    ("presented", "welcome"),
    [
        ("https://shop.example", True),
        ("http://shop.example/", True),
        ("https://SHOP.example", True),
        ("https://staging.shop.example", False),
        ("https://shop.example/blog", False),
        ("https://shop.example.evil.example", False),
        ("https://evil.example/https://shop.example", False),
        ("", False),
        ("http://[", False),
    ],
)
def test_a_bound_key_works_for_its_site_only(
    presented: str, welcome: bool, client: FlaskClient, relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        bound = factories.make_key(session, site, bind=True)
    response = get(client, f"Bearer {bound.secret}", X_Postreeve_Site=presented)
    if welcome:
        assert response.status_code == 200
    else:
        told = check_problem(response, 403, "key-site-mismatch")
        assert told["site"] == "https://shop.example"


def test_a_bound_key_without_a_site_is_refused(
    client: FlaskClient, relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        bound = factories.make_key(session, site, bind=True)
    check_problem(get(client, f"Bearer {bound.secret}"), 403, "key-site-mismatch")


def test_a_key_without_a_site_has_no_mail_of_its_own(
    client: FlaskClient, relay: Relay, key: NewKey
) -> None:
    with relay.sessions.begin() as session:
        session.get_one(ApiKey, key.key.id).site_id = None
    check_problem(get(client, f"Bearer {key.secret}"), 400, "request-invalid")


# --- the walk over all routes ---------------------------------------------------------------

PUBLIC = {
    "/remarks/",
    "/remarks/<slug>",
    "/plugin",
    "/plugin/<name>",
    "/setup/<token>",
    "/setup/<token>/zone.txt",
    "/", "/docs", "/policy", "/problems/", "/problems/<slug>", "/openapi.json", "/healthz", "/readyz",
    "/hooks/ses", "/static/<path:filename>", "/challenge/<token>",
    *(f"/{page}/<path:token>" for page in
      ("confirm", "not-me", "unsubscribe", "preferences", "report-abuse")),
    "/v1/connect", "/connect", "/connect/sign-in", "/connect/<uuid:id>", "/connect/<uuid:id>/number",
    "/connect/<uuid:id>/other", "/connect/link/<token>", "/connect/undo/<token>",
}  # fmt: skip
"""Routes that need no key, each for a reason: pages, documents, probes, SNS, which signs, and links in
mails, whose token is the key. Connecting is how a site gets its key."""


def doors(app: Flask) -> list[tuple[Rule, str, Any]]:
    """Each route with each of its methods and the function behind it."""
    found = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            view = app.view_functions[rule.endpoint]
            kind = getattr(view, "view_class", None)
            found.append((rule, method, getattr(kind, method.lower()) if kind else view))
    return found


def test_every_route_is_keyed_or_known_to_be_public(app: Flask) -> None:
    for rule, method, view in doors(app):
        scope = getattr(view, "required_scope", None)
        if rule.rule.startswith("/v1/operator/"):
            assert getattr(view, "for_operators", False), f"{method} {rule.rule} is open to sites"
            assert scope is None
        elif rule.rule.startswith("/v1/sites"):
            assert getattr(view, "for_accounts", False), f"{method} {rule.rule} is open to sites"
            assert scope is None
        elif rule.rule.startswith("/v1/") and rule.rule not in PUBLIC:
            assert isinstance(scope, Scope), f"{method} {rule.rule} asks for no key"
        else:
            assert rule.rule in PUBLIC, f"{rule.rule} is not listed as public"


def test_only_who_looks_again_whether_a_key_has_ended_recalls_it(app: Flask) -> None:
    recalled = {
        f"{method} {rule.rule}"
        for rule, method, view in doors(app)
        if getattr(view, "recalled", False)
    }
    assert recalled == {"POST /v1/messages"}


def path_to(rule: Rule, id: UUID) -> str:
    path = rule.rule.replace("<string:email>", f"{id}@customer.example")
    for converter in ("uuid:", "string:", ""):
        for argument in rule.arguments:
            path = path.replace(f"<{converter}{argument}>", str(id))
    return path


def test_every_keyed_route_refuses_a_key_without_its_scope(
    app: Flask, client: FlaskClient, relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        keys = {
            scope: factories.make_key(session, site, scopes=sorted(set(Scope) - {scope}))
            for scope in Scope
        }
    for rule, method, view in doors(app):
        if (scope := getattr(view, "required_scope", None)) is None:
            continue
        path = path_to(rule, new_id())
        stranger = client.open(path, method=method)
        check_problem(stranger, 401, "key-invalid")
        response = client.open(
            path, method=method, headers={"Authorization": f"Bearer {keys[scope].secret}"}
        )
        told = check_problem(response, 403, "scope-missing")
        assert told["scope"] == scope.value


BODIES: dict[str, dict[str, Any]] = {
    "/v1/messages/<uuid:message_id>/resend": {"to": []},
    "/v1/domains/<string:domain>/consents": {"account": str(new_id())},
    "/v1/lists/<list_key>": {},
}
"""What a good request to such a route says."""


def test_no_route_reaches_into_another_site(
    app: Flask, client: FlaskClient, relay: Relay, site: Site, account: Account
) -> None:
    """Another site's things look exactly like things that do not exist."""
    with relay.sessions.begin() as session:
        neighbour = factories.make_site(session, account, name="The neighbour")
        stranger = factories.make_site(session, factories.make_account(session, name="Stranger"))
        session.flush()
        own = {
            each.id: factories.make_key(session, each, scopes=list(Scope))
            for each in (site, neighbour, stranger)
        }
    receipt = accept(relay, site)
    secrets = [UUID(receipt["id"]), UUID(receipt["recipients"][0]["id"]), site.id]
    walked = 0
    for rule, method, view in doors(app):
        if not rule.arguments or getattr(view, "required_scope", None) is None:
            continue
        if "email" in rule.arguments:  # see test_another_site_s_people_are_unknown
            continue
        for other in (neighbour, stranger):
            headers = {"Authorization": f"Bearer {own[other.id].secret}"}
            body = BODIES.get(rule.rule)
            nothing = client.open(
                path_to(rule, new_id()), method=method, headers=headers, json=body
            )
            check_problem(nothing, 404, "not-found")
            for secret in secrets:
                response = client.open(
                    path_to(rule, secret), method=method, headers=headers, json=body
                )
                assert (response.status_code, response.json) == (404, nothing.json)
                walked += 1
    assert walked


def test_another_site_s_people_are_unknown(
    app: Flask, client: FlaskClient, relay: Relay, site: Site, account: Account
) -> None:
    """Whoever is known elsewhere looks exactly like somebody whom nobody knows."""
    with relay.sessions.begin() as session:
        neighbour = factories.make_site(session, account, name="The neighbour")
        key = factories.make_key(session, neighbour, scopes=list(Scope))
    known, unknown = new_id(), new_id()
    accept(relay, site, to=[f"{known}@customer.example"])
    factories.make_record(relay, site, f"{known}@customer.example")
    with relay.sessions.begin() as session:
        news = factories.make_list(session, site)
        factories.make_subscription(session, news, f"{known}@customer.example")

    walked = 0
    for rule, method, view in sorted(doors(app), key=lambda door: door[1] == "DELETE"):
        if "email" not in rule.arguments or getattr(view, "required_scope", None) is None:
            continue
        told = [
            client.open(
                path_to(rule, id), method=method, json=BODIES.get(rule.rule),
                headers={"Authorization": f"Bearer {key.secret}"},
            )
            for id in (known, unknown)
        ]  # fmt: skip
        assert told[0].status_code == told[1].status_code
        assert told[0].text.replace(str(known), str(unknown)) == told[1].text
        walked += 1
    assert walked >= 3


def test_the_lists_of_a_site_show_its_own_things_only(
    app: Flask, client: FlaskClient, relay: Relay, site: Site, account: Account
) -> None:
    receipt = accept(relay, site)
    with relay.sessions.begin() as session:
        neighbour = factories.make_site(session, account, name="The neighbour")
        key = factories.make_key(session, neighbour, scopes=list(Scope))
    for rule, method, view in doors(app):
        if method == "GET" and getattr(view, "required_scope", None) and not rule.arguments:
            response = client.get(rule.rule, headers={"Authorization": f"Bearer {key.secret}"})
            assert response.status_code == 200
            for secret in (receipt["id"], str(site.id), "ada@customer.example"):
                assert secret not in response.text


# --- sites, accounts, operators -------------------------------------------------------------


def opener(view: Any) -> str | None:
    """Whose keys open this door; None for a door that is open to all."""
    if getattr(view, "required_scope", None) is not None:
        return "site"
    for whose in ("account", "operator"):
        if getattr(view, f"for_{whose}s", False):
            return whose
    return None


def test_no_key_opens_a_door_of_another_kind(
    app: Flask, client: FlaskClient, relay: Relay, site: Site, account: Account
) -> None:
    with relay.sessions.begin() as session:
        secrets = {
            "site": factories.make_key(session, site, scopes=list(Scope)).secret,
            "account": factories.make_account_key(session, account).secret,
            "operator": factories.make_operator(session).secret,
        }
    walked = Counter[str]()
    for rule, method, view in doors(app):
        if (whose := opener(view)) is None:
            continue
        path = path_to(rule, new_id())
        for other, secret in secrets.items():
            if other == whose:
                continue
            headers = {"Authorization": f"Bearer {secret}"}
            told = check_problem(
                client.open(path, method=method, headers=headers), 403, "forbidden"
            )
            article = {"site": "a", "account": "an", "operator": "an"}
            mark = secrets[whose].partition("_")[0]
            assert told["detail"] == (
                f"This is {article[other]} {other}'s key; "
                f"send {article[whose]} {whose}'s key: {mark}_…"
            )
            walked[whose] += 1
    assert walked["site"] >= 50
    assert walked["account"] >= 8
    assert walked["operator"] >= 26


def test_no_spoilt_key_opens_a_door(
    app: Flask, client: FlaskClient, relay: Relay, site: Site, account: Account
) -> None:
    with relay.sessions.begin() as session:
        of_site = factories.make_key(session, site, scopes=list(Scope))
        of_account, ended = (factories.make_account_key(session, account) for _ in range(2))
        accounts.revoke_key(session, ended.key.prefix, now=relay.clock())
        operator, gone = (factories.make_operator(session, name) for name in ("ada", "bob"))
        operators.revoke(session, gone.operator.id, now=relay.clock())
    app.extensions["relay"] = replace(relay, throttle=FakeThrottle())  # it asks without rest
    spoilt = {
        "site": [f"{of_site.secret}x", "prk__", "prk_"],
        "account": [f"{of_account.secret}x", "pra__", ended.secret, remarked(of_site, "pra")],
        "operator": [f"{operator.secret}x", "pro__", gone.secret, remarked(of_account, "pro")],
    }
    for rule, method, view in doors(app):
        if opener(view) is None:
            continue
        for secret in (secret for whose in spoilt for secret in spoilt[whose]):
            headers = {"Authorization": f"Bearer {secret}"}
            answer = client.open(path_to(rule, new_id()), method=method, headers=headers)
            check_problem(answer, 401, "key-invalid")


def remarked(key: NewKey, mark: str) -> str:
    """The key with another kind's mark in front."""
    return f"{mark}_{key.secret.partition('_')[2]}"


def test_an_account_s_key_under_a_site_s_mark_opens_nothing(
    app: Flask, client: FlaskClient, relay: Relay, account: Account
) -> None:
    with relay.sessions.begin() as session:
        secret = remarked(factories.make_account_key(session, account), "prk")
    for rule, method, view in doors(app):
        if opener(view) == "site":
            headers = {"Authorization": f"Bearer {secret}"}
            answer = client.open(path_to(rule, new_id()), method=method, headers=headers)
            check_problem(answer, 403, "scope-missing")


def test_an_account_s_key_is_counted_as_others_are(
    client: FlaskClient, app: Flask, relay: Relay, account: Account
) -> None:
    with relay.sessions.begin() as session:
        key = factories.make_account_key(session, account)
    app.extensions["relay"] = replace(relay, throttle=FakeThrottle(30))
    headers = {"Authorization": f"Bearer {key.secret}"}
    check_problem(client.get("/v1/sites", headers=headers), 429, "limit-reached")


def test_the_last_use_of_an_account_s_key_is_noted_within_five_minutes(
    client: FlaskClient, relay: Relay, account: Account, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        key = factories.make_account_key(session, account)
    headers = {"Authorization": f"Bearer {key.secret}"}
    noted = []
    for minutes in (0, 4, 2):
        clock.advance(minutes=minutes)
        assert client.get("/v1/sites", headers=headers).status_code == 200
        with relay.reads() as session:
            noted.append(session.get_one(ApiKey, key.key.id).last_used_at)
    assert noted == [MORNING, MORNING, MORNING + timedelta(minutes=6)]


def test_the_last_use_of_an_operator_s_key_is_noted_within_five_minutes(
    client: FlaskClient, relay: Relay, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        operator = factories.make_operator(session)
    headers = {"Authorization": f"Bearer {operator.secret}"}
    noted = []
    for minutes in (0, 4, 2):
        clock.advance(minutes=minutes)
        assert client.get("/v1/operator/appeals", headers=headers).status_code == 200
        with relay.reads() as session:
            noted += [each.last_used_at for each in operators.everybody(session)]
    assert noted == [MORNING, MORNING, MORNING + timedelta(minutes=6)]


def test_the_last_use_of_a_key_is_noted(post: Post, client: FlaskClient, relay: Relay) -> None:
    post()
    with relay.reads() as session:
        assert [key.last_used_at for key in accounts.list_keys(session)] == [relay.clock()]
