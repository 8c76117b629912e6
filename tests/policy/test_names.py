"""Names that nobody can claim: public suffixes, mailbox providers' domains, look-alikes."""

from __future__ import annotations

import re

import pytest

from relay.errors import DomainRefused, FreeMailSender, LookAlikeDomain
from relay.policy.names import check_claim, free_mail, free_mail_domain, public_suffix, registrable
from relay.policy.names.suffixes import is_real


@pytest.mark.parametrize(
    "name",
    [
        "shop.example",
        "mail.shop.example",
        "shop.test",
        "shop.co.uk",
        "shop.github.io",
        "xn--mller-kva.example",
        "xn--r8jz45g.example",
        "apfelshop.de",
        "gmail-fans.example",
        "notgmail.com",
        "web.de.example",
    ],
)
def test_an_ordinary_name_can_be_claimed(name: str) -> None:
    check_claim(name, allowed=False)


@pytest.mark.parametrize(
    "name", ["co.uk", "com", "de", "github.io", "com.tw", "co.id", "xn--fiqs8s", "example", "localhost"]
)  # fmt: skip
def test_a_public_suffix_is_nobody_s(name: str) -> None:
    for allowed in (False, True):
        with pytest.raises(DomainRefused) as refused:
            check_claim(name, allowed=allowed)
        assert refused.value.members == {"domain": name, "reason": "public-suffix"}


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("gmail.com", "gmail.com"),
        ("mail.gmail.com", "gmail.com"),
        ("gmx.de", "gmx.de"),
        ("web.de", "web.de"),
        ("t-online.de", "t-online.de"),
        ("yahoo.com.tw", "yahoo.com.tw"),
        ("yahoo.co.id", "yahoo.co.id"),
        ("hotmail.es", "hotmail.es"),
        ("proton.me", "proton.me"),
        ("qq.com", "qq.com"),
        ("vip.163.com", "vip.163.com"),
        ("msa.hinet.net", "msa.hinet.net"),
        ("maktoob.com", "maktoob.com"),
        ("mail.ru", "mail.ru"),
    ],
)
def test_a_mailbox_provider_s_domain_is_only_the_provider_s(name: str, provider: str) -> None:
    assert free_mail_domain(name) == provider
    for allowed in (False, True):
        with pytest.raises(FreeMailSender) as refused:
            check_claim(name, allowed=allowed)
        assert refused.value.members == {"domain": name}


@pytest.mark.parametrize(
    "name",
    ["shop.example", "example.com", "harvard.edu", "nus.edu.sg", "siemens.com", "facebook.com",
     "wordpress.com", "test.com", "yourdomain.com", "amazon.com", "berlin.de", "com"],
)  # fmt: skip
def test_companies_universities_and_examples_are_no_mailbox_providers(name: str) -> None:
    assert free_mail_domain(name) is None


def test_the_kept_list_is_in_order() -> None:
    names = free_mail.domains()
    assert len(names) >= 900
    for name in names:
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", name), name
        assert registrable(name) is not None, f"{name} is a public suffix"
        assert is_real(name), name
        assert not name.endswith((".edu", ".gov", ".mil", ".example", ".ac.uk")), name


def test_a_look_alike_can_be_claimed_when_an_operator_allows_it() -> None:
    with pytest.raises(LookAlikeDomain, match=r"paypa1\.example looks like paypal\.com") as refused:
        check_claim("paypa1.example", allowed=False)
    assert refused.value.members == {"domain": "paypa1.example", "brand": "paypal.com"}
    check_claim("paypa1.example", allowed=True)


@pytest.mark.parametrize(
    ("name", "suffix", "registered"),
    [
        ("mail.shop.co.uk", "co.uk", "shop.co.uk"),
        ("shop.example", "example", "shop.example"),
        ("a.b.unknowntld", "unknowntld", "b.unknowntld"),
        ("a.github.io", "github.io", "a.github.io"),
        ("co.uk", "co.uk", None),
        ("example", "example", None),
    ],
)
def test_what_somebody_has_registered(name: str, suffix: str, registered: str | None) -> None:
    assert public_suffix(name) == suffix
    assert registrable(name) == registered


@pytest.mark.parametrize(
    ("name", "real"),
    [
        ("asp.net", True), ("node.js", False), ("a.example", True), ("example", False), ("com", False),
        ("co.uk", False), ("a.co.uk", True), ("xn--e1afmkfd.xn--p1ai", True), ("web3.0", False),
    ],
)  # fmt: skip
def test_what_ends_as_domains_do(name: str, real: bool) -> None:
    assert is_real(name) is real
