"""Links that pretend, and honest ones that must pass."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.db import new_id
from relay.policy.links import (
    common_hosts,
    host_of,
    is_common,
    is_sampled,
    place_of,
    pretence,
)
from relay.policy.names import registrable
from tests.policy.tables import lines

HONEST = [line.strip() for line in lines("honest.txt")]
OWN = frozenset(("shop.example",))


@pytest.mark.parametrize(
    ("link", "host"),
    [
        ("https://www.Shop.example/a?b#c", "www.shop.example"),
        ("HTTP://shop.example.:8080/", "shop.example"),
        ("//shop.example/x", "shop.example"),
        ("www.shop.example/x", "www.shop.example"),
        ("https://paypal.com@evil.example/", "evil.example"),
        ("https://evil.example\\@paypal.com/", "evil.example"),
        ("https:\\\\evil.example/", "evil.example"),
        ("ht\ntps://evil.exa\tmple/", "evil.example"),
        ("https://evil%2Eexample/", "evil.example"),
        ("https:evil.example", "evil.example"),
        ("HTTPS:/evil.example/", "evil.example"),
        ("https:////evil.example/", "evil.example"),
        ("http:\\/evil.example/", "evil.example"),
        ("\x01\x1f https://evil.example\x00", "evil.example"),
        ("https://evil.example?x=https://paypal.com/", "evil.example"),
        ("https://shop.example:443@evil.example", "evil.example"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("https://bank。example/", "bank.example"),
        ("https://192.0.2.1/x", "192.0.2.1"),
        ("mailto:ada@paypal.com", None),
        ("tel:+491234", None),
        ("cid:logo", None),
        ("#top", None),
        ("/cart", None),
        ("https://localhost/", None),
        ("https://[::1", None),
        ("{{ unsubscribe }}", None),
    ],
)
def test_where_a_browser_would_go(link: str, host: str | None) -> None:
    assert host_of(link) == host


HOSTS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z0-9]{1,9}){1,3}", fullmatch=True)


@given(
    scheme=st.sampled_from(
        ("https://", "http://", "HTTPS://", "\thttps:/", "https:\\\\", "//", " https:")
    ),
    host=HOSTS,
    rest=st.sampled_from(
        ("", "/", "?@paypal.com", "#/", "/\\@x", ":8080/", "\n", "\\@paypal.com", ".")
    ),
)
def test_however_a_link_is_written_it_leads_to_its_host(scheme: str, host: str, rest: str) -> None:
    assert host_of(scheme + host + rest) == host


@given(st.text(max_size=80))
def test_any_text_leads_somewhere_or_nowhere(text: str) -> None:
    for link in (text, f"https://{text}"):
        pretence(link, text, own=OWN)


@pytest.mark.parametrize(
    ("link", "words", "brand"),
    [
        ("https://paypa1.example/login", "Log in", "paypal.com"),
        ("https://paypal.com.evil.example/", "Log in", "paypal.com"),
        ("https://sparkasse-login.example/", "", "sparkasse.de"),
        ("https://paypal.com@paypa1.example/", "", "paypal.com"),
        ("https://evil.example/x", "https://paypal.com", "paypal.com"),
        ("https://evil.example/x", "www.paypal.com/signin", "paypal.com"),
        ("https://evil.example/x", "PayPal.com", "paypal.com"),
        ("https://evil.example/x", "https://pay\u200bpal.com", "paypal.com"),
        ("https://evil.example/x", "https://раураl.com", "paypal.com"),
        ("https://evil.example/x", "https://login.microsoftonline.com/", "microsoft.com"),
        ("https://192.0.2.1/x", "https://www.paypal.com", "paypal.com"),
    ],
)
def test_what_pretends(link: str, words: str, brand: str) -> None:
    found = pretence(link, words, own=OWN)
    assert found is not None
    assert found.brand == brand


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://www.paypal.com/invoice/1", "https://paypal.com"),
        ("https://paypal.me/shop", "paypal.com"),
        ("https://shop.example/?click=4711", "https://www.facebook.com/shop"),
        ("https://news.shop.example/c/4711", "https://paypal.com"),
        ("https://shop.us1.list-manage.com/track/click?u=1", "instagram.com/shop"),
        ("https://t.co/x", "https://youtube.com/watch"),
        ("https://partner.example/", "our partner's shop"),
        ("https://partner.example/", "https://other.example/"),
        ("https://partner.example/", "Pay with PayPal"),
        ("https://partner.example/", "Read on paypal.com how it works"),
        ("mailto:service@paypal.com", "service@paypal.com"),
        ("https://wordpress.org/plugins/", "wordpress.org"),
        ("https://de.wikipedia.org/wiki/Apple", "Apple"),
    ],
)
def test_what_is_honest(link: str, words: str) -> None:
    assert pretence(link, words, own=OWN) is None


def test_honest_names_pass() -> None:
    names = [name for name in HONEST if host_of(f"https://{name}/")]
    assert len(names) > 100
    assert [name for name in names if pretence(f"https://{name}/", name, own=OWN)] == []


def test_the_list_of_common_places_holds_registrable_names_once() -> None:
    listed = list(lines_of("common_hosts.txt"))
    assert len(listed) == len(set(listed)) == len(common_hosts())
    below = [name for name in listed if registrable(name) != name]
    assert [
        name for name in below if registrable(name.replace("*", "x")) != name.replace("*", "x")
    ] == []
    assert is_common("wordpress.org")
    assert is_common("paypal.com")
    assert not is_common("partner.example")


def lines_of(name: str) -> list[str]:
    from relay.policy.names import data

    return list(data.lines(name))


def test_places_are_what_somebody_registered() -> None:
    assert place_of("a.b.shop.co.uk") == "shop.co.uk"
    assert place_of("192.0.2.1") == "192.0.2.1"


def test_one_in_so_many_is_sampled_and_always_the_same() -> None:
    ids = [new_id() for _ in range(4_000)]
    chosen = [id for id in ids if is_sampled(id, 20)]
    assert 100 < len(chosen) < 320
    assert all(is_sampled(UUID(str(id)), 20) for id in chosen)
    assert not any(is_sampled(id, 0) for id in ids)
    assert all(is_sampled(id, 1) for id in ids)
