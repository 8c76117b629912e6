"""Who may be named in From."""

from __future__ import annotations

import pytest

from relay.errors import SenderNotVerified
from relay.policy.facts import Facts
from relay.policy.sender import check_sender, lineage
from relay.vocabulary import DomainStatus, State
from tests.factories import make_draft

VERIFIED, PENDING, FAILING = DomainStatus.VERIFIED, DomainStatus.PENDING, DomainStatus.FAILING
LAPSED, SUSPENDED = DomainStatus.LAPSED, DomainStatus.SUSPENDED


def check(sender: str, domains: dict[str, DomainStatus]) -> None:
    check_sender(make_draft(From=sender), Facts(State.ACTIVE, State.ACTIVE, domains))


@pytest.mark.parametrize(
    ("sender", "domains"),
    [
        ("news@shop.example", {"shop.example": VERIFIED}),
        ("Shop <NEWS@Shop.Example>", {"shop.example": VERIFIED}),
        ("news@mail.shop.example", {"shop.example": VERIFIED}),
        ("news@a.b.c.shop.example", {"shop.example": VERIFIED}),
        ("news@mail.shop.example", {"mail.shop.example": VERIFIED, "shop.example": SUSPENDED}),
        ("news@shop.example", {"shop.example": FAILING}),  # in its grace time
        ("news@xn--bcher-kva.example", {"xn--bcher-kva.example": VERIFIED}),
    ],
)
def test_a_verified_domain_and_what_lies_under_it_may_send(
    sender: str, domains: dict[str, DomainStatus]
) -> None:
    check(sender, domains)


@pytest.mark.parametrize(
    ("sender", "domains", "culprit"),
    [
        ("ceo@bank.example", {}, "bank.example"),
        ("news@shop.example", {"shop.example": PENDING}, "shop.example"),
        ("news@shop.example", {"shop.example": LAPSED}, "shop.example"),
        ("news@shop.example", {"shop.example": SUSPENDED}, "shop.example"),
        ("news@mail.shop.example", {"mail.shop.example": SUSPENDED, "shop.example": VERIFIED},
         "mail.shop.example"),
        ("news@mail.shop.example", {"mail.shop.example": PENDING, "shop.example": VERIFIED},
         "mail.shop.example"),
        ("news@x.mail.shop.example", {"mail.shop.example": SUSPENDED, "shop.example": VERIFIED},
         "mail.shop.example"),
        ("news@notshop.example", {"shop.example": VERIFIED}, "notshop.example"),
        ("news@shop.example.evil.example", {"shop.example": VERIFIED},
         "shop.example.evil.example"),
        ("news@shop.example", {"mail.shop.example": VERIFIED}, "shop.example"),
        ("news@shop.example", {"example": VERIFIED}, "shop.example"),  # no top level is anybody's
    ],
)  # fmt: skip
def test_the_nearest_claim_decides(
    sender: str, domains: dict[str, DomainStatus], culprit: str
) -> None:
    with pytest.raises(SenderNotVerified) as refused:
        check(sender, domains)
    assert refused.value.members["domain"] == culprit


def test_the_refusal_says_what_the_domain_lacks() -> None:
    with pytest.raises(SenderNotVerified, match=r"is one of your .* but it is pending"):
        check("news@shop.example", {"shop.example": PENDING})
    with pytest.raises(SenderNotVerified, match=r"bank\.example is not one of your"):
        check("news@bank.example", {"shop.example": VERIFIED})


@pytest.mark.parametrize(
    ("domain", "names"),
    [
        ("shop.example", ["shop.example"]),
        ("a.b.shop.example", ["a.b.shop.example", "b.shop.example", "shop.example"]),
        ("localhost", []),
    ],
)
def test_lineage_goes_up_to_but_not_into_the_top_level(domain: str, names: list[str]) -> None:
    assert list(lineage(domain)) == names
