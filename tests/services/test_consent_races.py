"""Many sign-ups, workers and people pressing buttons at once: limits stay exact, nobody is locked out."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress

from sqlalchemy import select

from relay.context import Relay
from relay.errors import NotFound
from relay.models import Site, SubscriptionRequest
from relay.vocabulary import ConsentKind, RequestOutcome
from tests import factories
from tests.consent import answer_due, asked_by_mail, confirm, ledger_of, outcomes, refuse, sign_up
from tests.steps import at_once, deliver_due


def shops(relay: Relay, number: int) -> list[Site]:
    """Sites of different accounts, each with its list."""
    made = [factories.make_shop(relay)[0] for _ in range(number)]
    with relay.sessions.begin() as session:
        for site in made:
            factories.make_list(session, site)
    return made


def test_many_workers_send_a_mailbox_two_mails_whichever_site_asks(shared: Relay) -> None:
    sites = shops(shared, 3)
    at_once(
        24,
        lambda n: sign_up(shared, sites[n % 3], f"vic.tim+{n}@gmail.com", form=f"form {n}"),
    )
    at_once(6, lambda _: answer_due(shared))
    assert Counter(outcomes(shared)) == {RequestOutcome.SENT: 2, RequestOutcome.LIMITED: 22}
    assert len(deliver_due(shared)) == 2


def test_many_at_one_form_see_exactly_its_allowance_without_a_challenge(shared: Relay) -> None:
    (site,) = shops(shared, 1)
    shown = at_once(24, lambda n: sign_up(shared, site, f"p{n}@customer.example"))
    assert Counter(token is None for token in shown) == {True: 10, False: 14}
    with shared.reads() as session:
        slots = Counter(session.scalars(select(SubscriptionRequest.slot_at)))
    assert sorted(slots.values()) == [4, 10, 10]


def test_many_from_one_address_are_counted_exactly(shared: Relay) -> None:
    (site,) = shops(shared, 1)
    shown = at_once(
        24,
        lambda n: sign_up(
            shared, site, f"p{n}@customer.example", form=f"form {n}", ip="203.0.113.7"
        ),
    )
    assert sum(token is None for token in shown) == 5
    found = Counter(outcomes(shared))
    assert found == {
        RequestOutcome.QUEUED: 5, RequestOutcome.CHALLENGED: 15, RequestOutcome.LIMITED: 4,
    }  # fmt: skip


def test_a_button_pressed_by_many_at_once_counts_once(shared: Relay) -> None:
    (site,) = shops(shared, 1)
    token = asked_by_mail(shared, site)
    asked = at_once(12, lambda _: confirm(shared, token))
    assert all(each.confirmed for each in asked)
    kinds = [row.kind for row in ledger_of(shared)]
    assert kinds.count(ConsentKind.CONFIRMED) == 1


def test_sign_ups_workers_and_buttons_do_not_lock_each_other_out(shared: Relay) -> None:
    """Everybody works on the same few people and sites, in random order."""
    sites = shops(shared, 3)
    tokens = [
        asked_by_mail(shared, site, f"p{n}@customer.example", form=f"form {n}")
        for n, site in enumerate(sites * 3)
    ]

    def work(number: int) -> None:
        chance = random.Random(number)
        for _ in range(12):
            match number % 4:
                case 0:
                    who = f"p{chance.randrange(9)}@customer.example"
                    form, ip = f"form {chance.randrange(3)}", f"203.0.113.{chance.randrange(3)}"
                    sign_up(shared, chance.choice(sites), who, form=form, ip=ip)
                case 1:
                    answer_due(shared)
                case _:
                    with suppress(NotFound):  # somebody else has refused it
                        (confirm if number % 4 == 2 else refuse)(shared, chance.choice(tokens))

    at_once(8, work)
    answer_due(shared)
    assert RequestOutcome.SENT in outcomes(shared)
