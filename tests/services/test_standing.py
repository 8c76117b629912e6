"""Where a site stands: may it send, from where, how much has it sent."""

from __future__ import annotations

import pytest

from relay.context import Relay
from relay.db import new_id
from relay.errors import NotFound
from relay.models import Account, Site
from relay.services import standing
from relay.services.standing import Counts, Standing
from relay.vocabulary import DomainStatus, State
from tests import factories
from tests.factories import make_message
from tests.fakes import FakeClock
from tests.steps import accept


def of(relay: Relay, site: Site) -> Standing:
    with relay.reads() as session:
        return standing.of_site(session, site.id, now=relay.clock())


def test_a_site_with_a_verified_sender_is_ready(relay: Relay, site: Site) -> None:
    found = of(relay, site)
    assert found.obstacles == []
    assert [domain.name for domain in found.domains] == ["shop.example"]


@pytest.mark.parametrize(
    ("state", "obstacles"),
    [
        (State.ACTIVE, []),
        (State.WARNED, []),
        (State.LIMITED, []),
        (State.PENDING, ["The account or site is pending."]),
        (State.SUSPENDED, ["The account or site is suspended."]),
        (State.TERMINATED, ["The account or site is terminated."]),
    ],
)
def test_its_standing_may_be_in_the_way(
    state: State, obstacles: list[str], relay: Relay, account: Account
) -> None:
    with relay.sessions.begin() as session:
        site = factories.make_site(session, account, state=state)
    assert [*map(str, of(relay, site).obstacles)] == obstacles


@pytest.mark.parametrize(
    ("default_from", "status", "obstacle"),
    [
        (None, DomainStatus.VERIFIED, None),
        (None, DomainStatus.PENDING, "No sending domain is verified."),
        ("news@new.example", DomainStatus.VERIFIED, None),
        ("news@mail.new.example", DomainStatus.FAILING, None),
        ("news@new.example", DomainStatus.LAPSED, "The domain of news@new.example is not verified."),
        ("news@else.example", DomainStatus.VERIFIED,
         "The domain of news@else.example is not verified."),
    ],
)  # fmt: skip
def test_its_sender_may_be_in_the_way(
    default_from: str | None, status: DomainStatus, obstacle: str | None, relay: Relay
) -> None:
    with relay.sessions.begin() as session:
        account = factories.make_account(session, name="New")
        factories.make_domain(session, account, "new.example", status)
        site = factories.make_site(session, account, default_from=default_from)
    assert [*map(str, of(relay, site).obstacles)] == ([obstacle] if obstacle else [])


def test_usage_is_of_this_hour_and_day(relay: Relay, site: Site, clock: FakeClock) -> None:
    size = len(make_message())
    accept(relay, site, to=["a@customer.example", "b@customer.example"])
    clock.advance(hours=1)
    accept(relay, site)
    assert of(relay, site).usage == {
        "hour": Counts(1, 1, size),
        "day": Counts(2, 3, 3 * size),
    }
    clock.advance(days=1)
    assert of(relay, site).usage == {"hour": Counts(), "day": Counts()}


def test_the_first_hour_of_a_day_is_no_day(relay: Relay, site: Site, clock: FakeClock) -> None:
    clock.now = clock.now.replace(hour=0)
    accept(relay, site)
    usage = of(relay, site).usage
    assert (usage["hour"].messages, usage["day"].messages) == (1, 1)


def test_a_site_that_is_gone_stands_nowhere(relay: Relay) -> None:
    with relay.reads() as session, pytest.raises(NotFound):
        standing.of_site(session, new_id(), now=relay.clock())
