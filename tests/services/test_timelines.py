"""Looking back: what became of each message, oldest news first, one page at a time."""

from __future__ import annotations

from uuid import UUID

import pytest

from relay.context import Relay
from relay.db import new_id
from relay.errors import NotFound
from relay.models import Account, Site
from relay.services import timelines
from relay.services.searches import Wanted
from relay.services.timelines import Page
from tests import factories
from tests.fakes import FakeClock
from tests.steps import accept, copy_of, deliver_due, tell


def page(relay: Relay, site: Site, **given: object) -> Page:
    with relay.reads() as session:
        return timelines.page(session, site.id, **({"limit": 10} | given))  # type: ignore[arg-type]


def ids(page: Page) -> list[str]:
    return [str(each.message.id) for each in page.messages]


def test_events_are_shown_in_the_order_in_which_they_happened(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    receipt = accept(relay, site)
    (envelope,) = deliver_due(relay)
    sent_at, clock.now = clock.now, clock.now.replace(hour=12)
    tell(relay, "Complaint", envelope)
    tell(relay, "Delivery", envelope, at=sent_at.replace(hour=10))
    tell(relay, "Send", envelope, at=sent_at)
    assert [event.type for event in copy_of(relay, site, receipt).events] == [
        "sent", "delivered", "complained",
    ]  # fmt: skip


def test_pages_are_newest_first_and_complete(relay: Relay, site: Site) -> None:
    made = [accept(relay, site)["id"] for _ in range(7)]
    seen, cursor = [], None
    while True:
        found = page(relay, site, limit=3, before=cursor and UUID(cursor))
        seen += ids(found)
        if (cursor := found.next_cursor) is None:
            break
    assert seen == made[::-1]


def test_a_full_last_page_has_no_next(relay: Relay, site: Site) -> None:
    accept(relay, site)
    accept(relay, site)
    assert page(relay, site, limit=2).next_cursor is None
    assert page(relay, site, limit=1).next_cursor is not None


def test_messages_to_one_person_can_be_picked(relay: Relay, site: Site) -> None:
    accept(relay, site, to=["bob@customer.example"])
    mine = accept(relay, site, to=["Ada@customer.example", "bob@customer.example"])["id"]
    assert ids(page(relay, site, wanted=Wanted(address_key="ada@customer.example"))) == [mine]
    assert ids(page(relay, site, wanted=Wanted(address_key="nobody@customer.example"))) == []


def test_a_site_sees_its_own_messages_only(relay: Relay, site: Site, account: Account) -> None:
    mine = accept(relay, site)
    with relay.sessions.begin() as session:
        other = factories.make_site(session, account)
    theirs = accept(relay, other)
    assert ids(page(relay, site)) == [mine["id"]]
    assert ids(page(relay, other, wanted=Wanted(address_key="ada@customer.example"))) == [
        theirs["id"]
    ]
    for unreachable in (UUID(theirs["id"]), new_id()):
        with relay.reads() as session, pytest.raises(NotFound):
            timelines.find(session, site.id, unreachable)
