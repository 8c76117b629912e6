"""Whom a site may no longer mail: one entry for each reason, ended but never lost."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from relay.addresses import parse
from relay.context import Relay
from relay.models import Site, Suppression
from relay.services.suppressions import list_suppressions, suppress
from relay.vocabulary import SuppressionReason, SuppressionScope
from tests.fakes import FakeClock


def stop(relay: Relay, site: Site, address: str = "ada@customer.example", **given: Any) -> None:
    with relay.sessions.begin() as session:
        suppress(
            session,
            **{
                "account_id": site.account_id,
                "site_id": site.id,
                "address": parse(address),
                "reason": SuppressionReason.MANUAL,
                "scope": SuppressionScope.ALL,
                "evidence": {},
                "now": relay.clock(),
            }
            | given,
        )


def listed(relay: Relay, site: Site) -> list[Suppression]:
    with relay.reads() as session:
        return list(list_suppressions(session, site.id))


def test_the_same_reason_twice_is_one_entry(relay: Relay, site: Site, clock: FakeClock) -> None:
    stop(relay, site, evidence={"n": 1})
    clock.advance(days=1)
    stop(relay, site, "ADA@Customer.example", evidence={"n": 2})
    (entry,) = listed(relay, site)
    assert entry.evidence == {"n": 1}


def test_an_ended_suppression_is_kept_and_may_begin_again(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    stop(relay, site)
    with relay.sessions.begin() as session:
        session.scalars(select(Suppression)).one().ended_at = clock()
    assert listed(relay, site) == []
    clock.advance(days=1)
    stop(relay, site)
    (entry,) = listed(relay, site)
    assert entry.began_at == clock()
    with relay.reads() as session:
        assert len(session.scalars(select(Suppression)).all()) == 2


def test_newest_first(relay: Relay, site: Site) -> None:
    for name in ("a", "b", "c"):
        stop(relay, site, f"{name}@customer.example")
    assert [entry.address for entry in listed(relay, site)] == [
        "c@customer.example",
        "b@customer.example",
        "a@customer.example",
    ]
