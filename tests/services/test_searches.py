"""Which messages fit: compared with looking at each message, and by what people type."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header
from itertools import product
from uuid import UUID

import pytest
from sqlalchemy import update

from relay.context import Relay
from relay.models import Account, Recipient, Site
from relay.policy.lifecycle import ASTRAY, STATUSES, status
from relay.services.searches import ANY, Found, Wanted, search
from relay.vocabulary import Outcome, Stage
from tests import factories
from tests.steps import accept

PEOPLE = ("ada@customer.example", "Bob@Customer.example", "eve@other.example", "a_b%c@x.example")
SUBJECTS = ("Your order", "Ihre BESTELLUNG über 5 €", "100 % off", "Ihre Bestellung ÜBER uns", "")


@dataclass(frozen=True)
class Made:
    """A message that was made, and the statuses of its copies by address."""

    id: UUID
    subject: str
    copies: dict[str, str]

    def fits(self, wanted: Wanted) -> bool:
        """Whether one of its copies is all that is wanted, by the words of the manual."""
        return any(
            (not wanted.statuses or told in wanted.statuses)
            and (not wanted.address_key or address.lower() == wanted.address_key)
            and wanted.word.casefold() in (f"{self.subject}\n{address}").casefold()
            for address, told in self.copies.items()
        )


@pytest.fixture
def made(relay: Relay, site: Site) -> list[Made]:
    """Messages with copies of every stage and outcome, newest first."""
    chance = random.Random(7)
    standings = [
        (stage, outcome)
        for stage, outcome in product(Stage, Outcome)
        if (stage, outcome) != (Stage.DONE, Outcome.NONE)
    ]
    chance.shuffle(standings)
    found = []
    while standings:
        people = chance.sample(PEOPLE, chance.choice((1, 1, 2, 3)))
        subject = chance.choice(SUBJECTS)
        receipt = accept(relay, site, to=people, Subject=Header(subject, "utf-8").encode())
        copies = {}
        for each in receipt["recipients"]:
            stage, outcome = standings.pop() if standings else (Stage.DONE, Outcome.DELIVERED)
            copies[each["address"]] = status(stage, outcome)
            stand(relay, each["id"], stage, outcome)
        found.append(Made(UUID(receipt["id"]), subject, copies))
    return found[::-1]


def stand(relay: Relay, copy: str, stage: Stage, outcome: Outcome) -> None:
    with relay.sessions.begin() as session:
        session.execute(
            update(Recipient).where(Recipient.id == UUID(copy)).values(stage=stage, outcome=outcome)
        )


def look(relay: Relay, site: Site, wanted: Wanted, **given: int) -> list[Found]:
    """All pages."""
    pages: list[Found] = []
    with relay.reads() as session:
        while not pages or pages[-1].next_cursor is not None:
            before = UUID(pages[-1].next_cursor) if pages and pages[-1].next_cursor else None
            pages.append(
                search(session, site.id, wanted, before=before, **({"limit": 100} | given))
            )
    return pages


def ids(pages: Sequence[Found]) -> list[UUID]:
    return [id for page in pages for id in page.ids]


QUESTIONS = [
    ANY,
    *(Wanted(statuses=frozenset((word,))) for word in STATUSES),
    Wanted(statuses=frozenset(("held", *ASTRAY))),
    Wanted(statuses=frozenset(("queued", "sending", "sent", "deferred", "unknown"))),
    Wanted(statuses=frozenset(STATUSES)),
    *(Wanted(address_key=person.lower()) for person in PEOPLE),
    Wanted(address_key="nobody@customer.example"),
    *(
        Wanted(word=word)
        for word in (
            "order", "ORDER", "über", "ÜBER", "bestellung ü", "5 €", "100 %", "%", "_b", "a_b%c",
            "a.b", "[a-z]", "\\", "(", "CUSTOMER.example", "eve@", "no such word", "ada@customer.example",
        )
    ),
    Wanted(frozenset(("bounced", "held")), "order"),
    Wanted(frozenset(("delivered",)), "ÜBER"),
    Wanted(frozenset(("queued",)), address_key="ada@customer.example"),
    Wanted(frozenset(ASTRAY), "customer", "bob@customer.example"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "look_at"),
    [
        (1, 1), (1, 4), (3, 4), (100, 4), (1, 1000), (3, 1000), (100, 1000),
        # Where one message is looked at, a page holds one, whatever its limit: once is often enough.
        pytest.param(3, 1, marks=pytest.mark.exploring),
        pytest.param(100, 1, marks=pytest.mark.exploring),
    ],
)  # fmt: skip
def test_what_is_found_is_what_fits_however_it_is_cut(
    relay: Relay, site: Site, made: list[Made], limit: int, look_at: int
) -> None:
    for wanted in QUESTIONS:
        pages = look(relay, site, wanted, limit=limit, look_at=look_at)
        assert ids(pages) == [each.id for each in made if each.fits(wanted)], wanted
        assert all(len(page.ids) <= limit for page in pages)


def test_status_and_person_must_be_of_the_same_copy(relay: Relay, site: Site) -> None:
    receipt = accept(relay, site, to=["ada@customer.example", "bob@customer.example"])
    stand(relay, receipt["recipients"][0]["id"], Stage.DONE, Outcome.BOUNCED)

    bounced = frozenset(("bounced",))
    for person, many in (("ada", 1), ("bob", 0)):
        key = f"{person}@customer.example"
        assert len(ids(look(relay, site, Wanted(bounced, address_key=key)))) == many
        assert len(ids(look(relay, site, Wanted(bounced, word=f"{person}@")))) == many


def test_a_message_with_two_copies_that_fit_is_found_once(relay: Relay, site: Site) -> None:
    receipt = accept(relay, site, to=["ada@customer.example", "bob@customer.example"])
    for each in receipt["recipients"]:
        stand(relay, each["id"], Stage.DONE, Outcome.BOUNCED)

    assert len(ids(look(relay, site, Wanted(frozenset(("bounced",))), limit=1))) == 1


def test_what_an_index_finds_is_found_however_old_it_is(relay: Relay, site: Site) -> None:
    old = accept(relay, site)
    stand(relay, old["recipients"][0]["id"], Stage.DONE, Outcome.BOUNCED)
    for _ in range(5):
        accept(relay, site)

    (page,) = look(relay, site, Wanted(frozenset(("bounced",))), look_at=2)

    assert (page.ids, page.looked_back_to) == ([UUID(old["id"])], None)


def test_what_has_to_be_looked_for_is_looked_for_a_part_at_a_time(relay: Relay, site: Site) -> None:
    old = accept(relay, site, Subject="The old one")
    for _ in range(3):
        accept(relay, site)

    first, second, *rest = look(relay, site, Wanted(word="old one"), look_at=2)

    assert (first.ids, first.looked_back_to) == ([], relay.clock())
    assert second.ids == [UUID(old["id"])]
    assert all((page.ids, page.looked_back_to) == ([], None) for page in rest)


def test_a_full_page_ends_the_look(relay: Relay, site: Site) -> None:
    for _ in range(4):
        accept(relay, site)

    first, *_ = look(relay, site, Wanted(word="customer"), limit=1, look_at=3)

    assert (len(first.ids), first.looked_back_to) == (1, None)


def test_nothing_of_another_site_is_found(relay: Relay, site: Site, account: Account) -> None:
    with relay.sessions.begin() as session:
        other = factories.make_site(session, account)
    theirs = accept(relay, other)
    stand(relay, theirs["recipients"][0]["id"], Stage.HELD, Outcome.NONE)

    for wanted in QUESTIONS:
        assert ids(look(relay, site, wanted)) == []
