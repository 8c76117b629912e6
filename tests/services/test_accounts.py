"""Accounts, sites, and the keys by which a site proves who it is."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import Connection, text

from relay.context import Relay
from relay.db import Sessions, new_id
from relay.errors import Conflict, Invalid, NotFound, Unauthenticated
from relay.models import Account, ApiKey, Site
from relay.services import accounts, callers
from relay.services.accounts import ROTATION_GRACE, NewKey
from relay.services.callers import USED_EVERY, Caller
from relay.vocabulary import Scope
from tests import factories
from tests.factories import SECRET
from tests.fakes import MORNING, FakeClock


def authenticate(sessions: Sessions, presented: str, clock: FakeClock) -> Caller:
    with sessions() as session:
        return callers.authenticate(session, presented, secret=SECRET, now=clock())


def rotate(sessions: Sessions, prefix: str, clock: FakeClock) -> NewKey:
    with sessions.begin() as session:
        return accounts.rotate_key(session, prefix, secret=SECRET, now=clock())


# --- accounts and sites ---------------------------------------------------------------------


def test_an_account_needs_a_real_address_of_its_owner(sessions: Sessions) -> None:
    with sessions.begin() as session, pytest.raises(Invalid):
        accounts.create_account(session, name="Shop", owner_email="nobody", now=MORNING)


def test_a_site_belongs_to_an_account(sessions: Sessions, account: Account) -> None:
    with sessions.begin() as session:
        site = accounts.create_site(
            session, account.id, name="Shop", url="https://shop.example/blog/", now=MORNING
        )
        assert site.url == "https://shop.example/blog"
        with pytest.raises(NotFound):
            accounts.create_site(session, new_id(), name="x", url="https://x.example", now=MORNING)
        with pytest.raises(Invalid):
            accounts.create_site(
                session,
                account.id,
                name="x",
                url="https://x.example",
                default_from="x",
                now=MORNING,
            )


def test_a_key_belongs_to_a_site(sessions: Sessions) -> None:
    with sessions.begin() as session, pytest.raises(NotFound):
        accounts.create_key(session, new_id(), secret=SECRET, scopes=[Scope.SEND], now=MORNING)


# --- keys -----------------------------------------------------------------------------------


def test_a_key_is_recognised_by_its_looks(key: NewKey) -> None:
    assert re.fullmatch(r"prk_[a-z2-7]{16}_[A-Za-z0-9_-]{43}", key.secret)


def test_only_the_digest_of_a_key_is_kept(connection: Connection, key: NewKey) -> None:
    random = key.secret.split("_", 2)[2]
    tables = ("accounts", "sites", "api_keys")
    kept = [connection.execute(text(f"SELECT * FROM {table}")).all() for table in tables]
    assert key.key.prefix in str(kept)
    assert random not in str(kept)


def test_a_key_tells_who_calls(
    sessions: Sessions, site: Site, key: NewKey, clock: FakeClock
) -> None:
    caller = authenticate(sessions, key.secret, clock)
    assert (caller.account_id, caller.site_id) == (site.account_id, site.id)
    assert caller.scopes == {Scope.SEND, Scope.READ}
    assert caller.bound_url is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: "",
        lambda key: "prk",
        lambda key: "prk__",
        lambda key: key[:-1],
        lambda key: key + "x",
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: key.swapcase(),
        lambda key: key.replace("prk_", "sk_"),
        lambda key: "prk_" + "a" * 16 + "_" + key.split("_", 2)[2],
        lambda key: "_".join(key.split("_", 2)[:2]) + "_",
        lambda key: "_".join(key.split("_", 2)[:2]),
        lambda key: f"prk_{'x' * 5_000}_y",
        lambda key: "prk_ä_ö",
        lambda key: "prk_' OR 1=1 --_x",
        lambda key: key.split("_", 2)[2],
    ],
)
def test_every_wrong_key_gets_the_same_answer(
    spoil, sessions: Sessions, key: NewKey, clock: FakeClock
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        authenticate(sessions, spoil(key.secret), clock)
    assert refused.value.detail == "This API key is not known; copy it again from the relay"


def test_a_key_of_another_relay_is_no_good(sessions: Sessions, key: NewKey) -> None:
    with sessions() as session, pytest.raises(Unauthenticated):
        callers.authenticate(session, key.secret, secret="another secret" * 3, now=MORNING)


def test_a_revoked_key_ends_at_once(sessions: Sessions, key: NewKey, clock: FakeClock) -> None:
    for _ in range(2):  # revoking twice changes nothing
        with sessions.begin() as session:
            revoked = accounts.revoke_key(session, key.key.prefix, now=clock())
        clock.advance(hours=1)
    assert revoked.revoked_at == MORNING
    with pytest.raises(Unauthenticated, match="revoked or replaced"):
        authenticate(sessions, key.secret, clock)


def test_a_rotated_key_works_for_a_day_beside_its_successor(
    sessions: Sessions, site: Site, clock: FakeClock
) -> None:
    with sessions.begin() as session:
        old = factories.make_key(session, site, scopes=[Scope.READ], name="blog", bind=True)

    new = rotate(sessions, old.key.prefix, clock)

    clock.advance(hours=23)
    assert authenticate(sessions, old.secret, clock).scopes == {Scope.READ}
    caller = authenticate(sessions, new.secret, clock)
    assert (caller.scopes, caller.bound_url) == ({Scope.READ}, "https://shop.example")
    assert new.key.name == "blog"
    clock.advance(hours=1)
    with pytest.raises(Unauthenticated):
        authenticate(sessions, old.secret, clock)
    authenticate(sessions, new.secret, clock)


def test_rotating_twice_does_not_lengthen_the_old_keys_life(
    sessions: Sessions, key: NewKey, clock: FakeClock
) -> None:
    rotate(sessions, key.key.prefix, clock)
    clock.advance(hours=23)
    rotate(sessions, key.key.prefix, clock)
    clock.advance(hours=2)
    with pytest.raises(Unauthenticated):
        authenticate(sessions, key.secret, clock)


def test_rotating_an_ended_key_does_not_revive_it(
    sessions: Sessions, key: NewKey, clock: FakeClock
) -> None:
    rotate(sessions, key.key.prefix, clock)
    clock.advance(seconds=ROTATION_GRACE.total_seconds() + 1)
    rotate(sessions, key.key.prefix, clock)
    with pytest.raises(Unauthenticated):
        authenticate(sessions, key.secret, clock)


@pytest.mark.parametrize(
    ("seconds", "minutes", "asked"),
    [
        (0, 0, 1),
        (callers.RECALLED_FOR, 0, 1),
        (callers.RECALLED_FOR + 1, 0, 2),
        (0, 6, 2),  # that it is used will be noted, and must be read then
    ],
)
def test_a_key_that_may_be_recalled_is_looked_up_once_a_minute(
    sessions: Sessions,
    key: NewKey,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    minutes: int,
    asked: int,
) -> None:
    found, now = [], 1_000.0
    find = callers.find
    monkeypatch.setattr(callers, "find", lambda *given: found.append(1) or find(*given))
    monkeypatch.setattr(callers, "time", SimpleNamespace(monotonic=lambda: now))
    with sessions.begin() as session:
        session.get_one(ApiKey, key.key.id).last_used_at = clock()

    def ask(presented: str) -> Caller:
        recalled = callers.recall(presented, secret=SECRET, now=clock())
        return recalled or authenticate(sessions, presented, clock)

    first = ask(key.secret)
    now += seconds
    clock.advance(minutes=minutes)

    assert ask(key.secret) == first
    assert len(found) == asked
    authenticate(sessions, key.secret, clock)  # who may not recall asks
    assert len(found) == asked + 1
    with pytest.raises(Unauthenticated, match="not known"):
        ask(f"{key.secret}x")


def test_a_revoked_key_has_no_successor(sessions: Sessions, key: NewKey, clock: FakeClock) -> None:
    with sessions.begin() as session:
        accounts.revoke_key(session, key.key.prefix, now=clock())
    with pytest.raises(Conflict):
        rotate(sessions, key.key.prefix, clock)
    with pytest.raises(Unauthenticated):
        authenticate(sessions, key.secret, clock)


def test_a_key_is_found_by_its_public_part_or_as_a_whole(sessions: Sessions, key: NewKey) -> None:
    with sessions() as session:
        for written in (key.key.prefix, f"prk_{key.key.prefix}", key.secret):
            assert accounts.find_key(session, written).id == key.key.id
        with pytest.raises(NotFound):
            accounts.find_key(session, "unknown")


def test_keys_are_listed_oldest_first(sessions: Sessions, site: Site, account: Account) -> None:
    with sessions.begin() as session:
        other = factories.make_site(session, account)
        made = [factories.make_key(session, each).key.id for each in (site, other, site)]
    with sessions() as session:
        assert [key.id for key in accounts.list_keys(session)] == made
        assert [key.id for key in accounts.list_keys(session, other.id)] == [made[1]]


def test_the_last_use_is_noted_every_few_minutes_only(
    relay: Relay, sessions: Sessions, key: NewKey, clock: FakeClock
) -> None:
    def use() -> None:
        caller = authenticate(sessions, key.secret, clock)
        with sessions.begin() as session:
            callers.touch_key(session, caller, now=clock())

    def noted() -> timedelta:
        with sessions() as session:
            found = session.get_one(ApiKey, key.key.id).last_used_at
        assert found is not None
        return found - MORNING

    use()
    clock.advance(minutes=1)
    use()
    assert noted() == timedelta(0)
    clock.advance(seconds=USED_EVERY.total_seconds())
    use()
    assert noted() == USED_EVERY + timedelta(minutes=1)
