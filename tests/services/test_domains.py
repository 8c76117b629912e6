"""Sending domains of an account."""

from __future__ import annotations

import pytest

from relay.db import Sessions, new_id
from relay.errors import AlreadyExists, Invalid, NotFound
from relay.models import Account
from relay.services import domains
from relay.vocabulary import DomainStatus
from tests import factories
from tests.fakes import MORNING


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("shop.example", "shop.example"),
        (" Shop.Example. ", "shop.example"),
        ("mail.shop.example", "mail.shop.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
    ],
)
def test_a_domain_is_kept_as_it_is_compared(typed: str, kept: str) -> None:
    assert domains.canonical(typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["", ".", "localhost", "com", "shop example", "shop..example", "-shop.example", "a@shop.example",
     "https://shop.example", "x" * 64 + ".example", ".".join(["abcdefgh"] * 40), "shop.example/x",
     "*.example", "\x00.example", "shop\n.example"],
)  # fmt: skip
def test_what_is_no_domain_is_refused(typed: str) -> None:
    with pytest.raises(Invalid):
        domains.canonical(typed)


def test_a_domain_waits_for_its_proof(sessions: Sessions, account: Account) -> None:
    with sessions.begin() as session:
        claimed = domains.add_domain(
            session, account.id, "new.example", verified=False, now=MORNING
        )
        trusted = domains.add_domain(session, account.id, "own.example", verified=True, now=MORNING)
    assert (claimed.status, claimed.verified_at) == (DomainStatus.PENDING, None)
    assert (trusted.status, trusted.verified_at) == (DomainStatus.VERIFIED, MORNING)


def test_a_domain_is_added_once_but_may_be_claimed_by_several_accounts(
    sessions: Sessions, account: Account
) -> None:
    with sessions.begin() as session:
        other = factories.make_account(session, name="Other")
        domains.add_domain(session, other.id, "shop.example", verified=False, now=MORNING)
        with pytest.raises(AlreadyExists):
            domains.add_domain(session, account.id, "SHOP.example", verified=False, now=MORNING)
        with pytest.raises(NotFound):
            domains.add_domain(session, new_id(), "x.example", verified=False, now=MORNING)
        assert [d.name for d in domains.list_domains(session, account.id)] == ["shop.example"]
