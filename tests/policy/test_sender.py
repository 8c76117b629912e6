"""Who may be named in From."""

from __future__ import annotations

import pytest

from relay.errors import FreeMailSender, LookAlikeDomain, PostreeveError, SenderNotVerified
from relay.policy.facts import Facts
from relay.policy.sender import (
    TITLES,
    check_sender,
    is_own,
    lineage,
    names_to_know,
    remarks,
    shown_name,
)
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
        # A mere claim takes nothing from the domain above it.
        ("news@mail.shop.example", {"mail.shop.example": PENDING, "shop.example": VERIFIED}),
        ("news@mail.shop.example", {"mail.shop.example": LAPSED, "shop.example": FAILING}),
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
        ("news@x.mail.shop.example", {"mail.shop.example": SUSPENDED, "shop.example": VERIFIED},
         "mail.shop.example"),
        ("news@notshop.example", {"shop.example": VERIFIED}, "notshop.example"),
        ("news@shop.example.evil.example", {"shop.example": VERIFIED},
         "shop.example.evil.example"),
        ("news@shop.example", {"mail.shop.example": VERIFIED}, "shop.example"),
        ("news@shop.example", {"example": VERIFIED}, "shop.example"),  # no top level is anybody's
    ],
)  # fmt: skip
def test_the_nearest_claim_that_counts_decides(
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


# --- the nearest explanation -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "error", "members"),
    [
        ("shop@gmail.com", FreeMailSender, {"domain": "gmail.com"}),
        ("shop@mail.gmx.de", FreeMailSender, {"domain": "mail.gmx.de"}),
        ("a@paypa1.example", LookAlikeDomain, {"domain": "paypa1.example", "brand": "paypal.com"}),
        ("a@paypal.com", SenderNotVerified, {"domain": "paypal.com"}),
        ("a@paypal.com.shop.example", LookAlikeDomain,
         {"domain": "paypal.com.shop.example", "brand": "paypal.com"}),
        ("a@paypal.shop.example", LookAlikeDomain,
         {"domain": "paypal.shop.example", "brand": "paypal.com"}),
    ],
)  # fmt: skip
def test_the_nearest_explanation_is_given(
    sender: str, error: type[PostreeveError], members: dict[str, str]
) -> None:
    with pytest.raises(error) as refused:
        check(sender, {"shop.example": VERIFIED})
    assert type(refused.value) is error
    assert refused.value.members == members


def test_a_look_alike_that_an_operator_let_in_may_send_and_so_may_labels_below_it() -> None:
    check("a@paypa1.example", {"paypa1.example": VERIFIED})
    check("a@news.paypa1.example", {"paypa1.example": VERIFIED})


# --- names and remarks -----------------------------------------------------------------------

FACTS = Facts(State.ACTIVE, State.ACTIVE, {"shop.example": VERIFIED}, site_host="site.example")


@pytest.mark.parametrize(
    ("domain", "own"),
    [
        ("shop.example", True),
        ("mail.shop.example", True),
        ("site.example", True),
        ("www.site.example", True),
        ("example", False),
        ("notsite.example", False),
        ("bank.example", False),
    ],
)
def test_own_are_usable_domains_and_the_site_s_host(domain: str, own: bool) -> None:
    assert is_own(domain, FACTS) is own


def test_a_suspended_or_unproven_domain_is_not_own() -> None:
    closed = {"a.shop.example": SUSPENDED, "shop.example": VERIFIED}
    facts = Facts(State.ACTIVE, State.ACTIVE, closed)
    assert not is_own("a.shop.example", facts)
    assert is_own("shop.example", facts)
    for status in (SUSPENDED, PENDING, LAPSED):
        assert not is_own("a.example", Facts(State.ACTIVE, State.ACTIVE, {"a.example": status}))


@pytest.mark.parametrize(
    ("headers", "codes"),
    [
        ({}, []),
        ({"Reply_To": "news@shop.example"}, []),
        ({"Reply_To": "other@mail.shop.example, x@site.example"}, []),
        ({"Reply_To": "visitor@customer.example"}, []),
        ({"Reply_To": "Visitor <visitor@gmail.com>"}, ["reply-to-free-mail"]),
        ({"Reply_To": "a@gmail.com, b@gmx.de"}, ["reply-to-free-mail"] * 2),
        ({"Reply_To": "service@paypa1.example"}, ["reply-to-look-alike"]),
        ({"Reply_To": "not an address"}, ["reply-to-unreadable"]),
        ({"From": "PayPal <a@shop.example>"}, ["brand-in-name"]),
        ({"From": "WordPress <wordpress@shop.example>"}, []),  # what WordPress itself writes
        ({"From": "Apple Farm <a@shop.example>"}, []),
        ({"From": "PayPal (2) <a@shop.example>"}, ["sender-name-cleaned", "brand-in-name"]),
        ({"X_Postreeve_Rewritten": "from"}, ["sender-rewritten-by-site"]),
        ({"X_Postreeve_Rewritten": "to"}, []),
    ],
)
def test_what_is_remarked_about_a_sender(headers: dict[str, str], codes: list[str]) -> None:
    draft = make_draft(**headers)
    found = remarks(draft, FACTS, shown_name(draft, FACTS))
    assert [remark["code"] for remark in found] == codes
    assert all(remark["title"] == TITLES[remark["code"]] for remark in found)


def test_a_brand_may_use_its_own_name() -> None:
    facts = Facts(State.ACTIVE, State.ACTIVE, {"paypal.com": VERIFIED})
    draft = make_draft(From="PayPal <a@paypal.com>")
    assert remarks(draft, facts, "PayPal") == []


def test_the_remark_shows_the_name_before_and_after() -> None:
    draft = make_draft(From='"Shop bank.com" <news@shop.example>')
    name = shown_name(draft, FACTS)
    (remark,) = remarks(draft, FACTS, name)
    assert (remark["was"], remark["now"]) == ("Shop bank.com", "Shop")


def test_the_domains_to_know_are_those_of_From_and_of_its_name() -> None:
    draft = make_draft(From='"a.b.example" <news@mail.shop.example>')
    assert names_to_know(draft.mime) == [
        "mail.shop.example",
        "shop.example",
        "a.b.example",
        "b.example",
    ]
