"""Which domain names are taken for a brand that is often imitated, and which are somebody's shop."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.policy.names import look_alike, look_alike_below
from relay.policy.names.brands import Brand, book
from relay.policy.names.look_alikes import brand_in, is_slip
from relay.policy.names.skeletons import confusables, decoded, readings, skeleton
from relay.services.domains import canonical
from tests.policy.tables import lines

HONEST = [line.strip() for line in lines("honest.txt")]
IMITATIONS = [tuple(line.split()) for line in lines("imitations.txt")]


def typed(name: str) -> str:
    """The name as it is compared; names that IDNA refuses are written in Punycode by hand."""
    try:
        return canonical(name)
    except Exception:
        return ".".join(
            each if each.isascii() else "xn--" + each.encode("punycode").decode()
            for each in name.lower().split(".")
        )


def test_the_tables_are_long_enough_to_mean_something() -> None:
    assert len(set(HONEST)) >= 150
    assert len(set(IMITATIONS)) >= 80


def test_honest_names_pass() -> None:
    found = {name: brand for name in HONEST if (brand := look_alike(typed(name))) is not None}
    assert found == {}


def test_imitations_are_caught_and_their_brand_is_named() -> None:
    found = {name: look_alike(typed(name)) for name, _ in IMITATIONS}
    assert found == dict(IMITATIONS)


def test_a_brand_s_own_domains_and_names_under_them_are_not_look_alikes() -> None:
    for domain in book().by_domain:
        assert look_alike(domain) is None, domain
        assert look_alike(f"mail.{domain}") is None, domain


def test_every_brand_is_caught_under_another_ending() -> None:
    for brand in book().by_name.values():
        assert look_alike(f"{brand.name}.example") is not None, brand.name
        assert look_alike(f"{brand.name}-login.example") is not None, brand.name


def test_no_brand_is_a_slip_of_another() -> None:
    """Otherwise the page would name the wrong one."""
    long = [brand.name for brand in book().by_name.values() if not brand.common]
    pairs = [(a, b) for a, b in permutations(long, 2) if is_slip(a, b)]
    assert pairs == []


@pytest.mark.parametrize(
    ("name", "claim", "brand"),
    [
        ("paypal.com.shop.example", "shop.example", "paypal.com"),
        ("paypal.shop.example", "shop.example", "paypal.com"),
        ("paypal-login.shop.example", "shop.example", "paypal.com"),
        ("xn--pypal-4ve.shop.example", "shop.example", "paypal.com"),
        ("apple.com.shop.example", "shop.example", "apple.com"),
        ("apple.shop.example", "shop.example", None),  # an apple grower's page
        ("mail.shop.example", "shop.example", None),
        ("shop.example", "shop.example", None),
        ("login.shop.example", "shop.example", None),
        ("mail.paypal.example", "paypal.example", None),  # an operator has allowed the claim
    ],
)
def test_labels_below_a_claim_may_not_spell_a_brand(
    name: str, claim: str, brand: str | None
) -> None:
    assert look_alike_below(name, claim) == brand


@pytest.mark.parametrize(
    ("text", "name", "slip"),
    [
        ("payapl", "paypal", True),
        ("paypai", "paypal", True),
        ("papal", "paypal", False),
        ("apypal", "paypal", False),
        ("finance", "binance", False),
        ("facebok", "facebook", True),
        ("facebboook", "facebook", False),
        ("fakebook", "facebook", True),
        ("facebooks", "facebook", False),
        ("facebook", "facebook", False),
        ("fadebok", "facebook", False),
        ("", "facebook", False),
        ("aplpe", "apple", False),
    ],
)
def test_a_slip_is_one_wrong_letter_inside_a_long_name(text: str, name: str, slip: bool) -> None:
    assert is_slip(text, name) is slip


@pytest.mark.parametrize(
    ("label", "looks_like"),
    [
        ("раураl", "paypal"),
        ("аррӏе", "apple"),
        ("ｐａｙｐａｌ", "paypal"),
        ("pàypál", "paypal"),
        ("𝐩𝐚𝐲𝐩𝐚𝐥", "paypal"),
        ("łódź", "lodz"),
        ("例え", "例え"),
    ],
)
def test_a_skeleton_is_what_a_label_looks_like(label: str, looks_like: str) -> None:
    assert skeleton(label) == looks_like


def test_the_standard_s_table_is_there() -> None:
    known = confusables()
    assert len(known) > 1_200
    assert known[ord("а")] == "a"  # Cyrillic
    assert known[ord("ο")] == "o"  # Greek
    assert known[ord("ﬀ")] == "ff"
    assert all(letters.isascii() for letters in known.values())
    assert not any(chr(point).isascii() for point in known)


def test_a_one_may_be_an_l_or_an_i() -> None:
    assert {"paypal", "paypai"} <= set(readings("paypa1"))


@pytest.mark.parametrize("label", ["xn--", "xn---", "xn--\x7f", "xn--a-ecp.ru", "xn--999999999"])
def test_what_is_no_punycode_stays(label: str) -> None:
    assert isinstance(decoded(label), str)
    look_alike(f"{label}.example")


@pytest.mark.parametrize(
    ("name", "brand"),
    [
        ("PayPal", "paypal"),
        ("PayPal Service", "paypal"),
        ("Deutsche Bank", "deutschebank"),
        ("Ihre Sparkasse!", "sparkasse"),
        ("PаyPal", "paypal"),
        ("M1crosoft Team", "microsoft"),
        ("Apple Farm", None),
        ("Orange Blossom", None),
        ("Paula & Pal", None),
        ("", None),
    ],
)
def test_a_brand_in_a_display_name(name: str, brand: str | None) -> None:
    found = brand_in(name)
    assert (found and found.name) == brand
    assert found is None or isinstance(found, Brand)


@given(st.text(max_size=80))
def test_no_name_is_too_strange(text: str) -> None:
    look_alike(f"{text}.example")
    look_alike(text)
    brand_in(text)
    look_alike_below(f"{text}.shop.example", "shop.example")
