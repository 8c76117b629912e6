"""Where a browser may be sent back to: the site itself, understood by everybody in one way."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.util import parse_url

from relay.errors import Invalid
from relay.policy.site_urls import check_return, origin, same_site, with_answer

SITE = "https://shop.example"


@pytest.mark.parametrize(
    ("site", "back"),
    [
        (SITE, "https://shop.example/wp-admin/options-general.php?page=postreeve"),
        (SITE, "https://www.shop.example/wp-admin/"),
        ("https://www.shop.example", "https://shop.example/wp-admin/"),
        (SITE, "https://SHOP.example:443/wp-admin/"),
        ("http://shop.example/blog", "https://shop.example/blog/wp-admin/"),
        ("https://shop.example:8443", "https://shop.example:8443/wp-admin/"),
        ("https://xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example/wp-admin/"),
        ("http://localhost:8080", "http://localhost:8080/wp-admin/"),
        ("http://127.0.0.1", "http://127.0.0.1/wp-admin/"),
        ("http://shop.local", "http://shop.local/wp-admin/"),
        ("http://shop.test:81", "http://shop.test:81/wp-admin/"),
        ("http://shop.localhost", "http://shop.localhost/"),
    ],
)
def test_the_way_back_leads_to_the_site(site: str, back: str) -> None:
    assert check_return(back, site).host.removeprefix("www.") in site


@pytest.mark.parametrize(
    "back",
    [
        "", "shop.example", "/wp-admin/", "//shop.example/", "javascript:alert(1)", "data:text/html,x",
        "ftp://shop.example/", "http://shop.example/", "http://localhost/", "https://evil.example/",
        "https://shop.example.evil.example/", "https://evil.example/?https://shop.example/",
        "https://shop.example@evil.example/", "https://shop.example:443@evil.example/",
        "https://shop.example:x@evil.example/", "https://evil.example\\@shop.example/",
        "https://shop.example\\.evil.example/", "https:\\\\shop.example/", "https:/shop.example/",
        "https://shop.example:8443/", "https://shop.example:0/", "https://shop.example:99999/",
        "https://shop.example:/", "https://shop.example#@evil.example/",
        "https://shop.example/#fragment", "https://shop.example/\r\nSet-Cookie: x=1",
        "https://shop.example/ x", " https://shop.example/", "https://shop.example/\t",
        "https://shop%2eexample/", "https://sh\u00f6p.example/", "https://shop\uff0eexample/",
        "https://shop.example\u2044evil.example/", "https://[::1]/", "https://mail.shop.example/",
        "https://shop.example./", "https://shop.example/\u00e9", "https://shop.example/" + "x" * 1_000,
        "https://ww.shop.example/", "https://www.www.shop.example/", "https://shop.example/\x00",
        'https://shop.example/"><script>', "https://-shop.example/",
    ],
)  # fmt: skip
def test_no_other_way_is_taken(back: str) -> None:
    with pytest.raises(Invalid):
        check_return(back, SITE)


@pytest.mark.parametrize("site", ["", "shop.example", "https://shop.example/?x=1", "https://a b/"])
def test_a_site_has_an_address(site: str) -> None:
    with pytest.raises(Invalid):
        check_return("https://shop.example/", site)


PIECES = st.sampled_from(
    ["https:", "http:", "HTTPS:", "/", "//", "\\", "@", ":", "443", "80", "shop.example", "www.",
     "evil.example", ".", "?", "#", "%2e", "%40", "%5c", "\t", "\n", "\r", " ", "\x00", "[", "]", "::1",
     "localhost", "\u3002", "\uff0f", "\u2100", "\u00ad", "xn--", "javascript:", "user", ";", ","]
)  # fmt: skip
ADDRESSES = st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=60)


@given(st.one_of(ADDRESSES, ADDRESSES.map(lambda end: SITE + end)))
@example("https://shop.example:443/wp-admin/")
@example("https://shop.example\\@evil.example")
def test_whatever_is_let_through_leads_to_the_site_for_every_reader(back: str) -> None:
    try:
        check_return(back, SITE)
    except Invalid:
        return

    assert back.isascii()
    assert back.isprintable()
    assert not set(back) & set('\\ #"<>[]')
    for read in (urlsplit(back), urlsplit(with_answer(back, code="x", state="y"))):
        assert read.scheme == "https"
        assert read.hostname in ("shop.example", "www.shop.example")
        assert read.port in (None, 443)
        assert read.username is None
    another = parse_url(back)
    assert (another.scheme, another.auth) == ("https", None)
    assert another.host in ("shop.example", "www.shop.example")


def test_an_answer_is_added_to_what_is_there() -> None:
    assert with_answer("https://x.example/a", code="1 2") == "https://x.example/a?code=1+2"
    assert with_answer("https://x.example/a?b=c", code="1") == "https://x.example/a?b=c&code=1"


def test_an_origin_has_no_usual_port() -> None:
    assert str(origin("HTTPS://Shop.example:443/x")) == "https://shop.example"
    assert str(origin("http://shop.test:8080")) == "http://shop.test:8080"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://shop.example", "http://SHOP.example/", True),
        ("https://shop.example/blog", "https://shop.example/blog/", True),
        ("https://shop.example/blog", "https://shop.example", False),
        ("https://shop.example", "https://shop.example:8443", False),
        ("https://shop.example", "https://[broken", False),
    ],
)
def test_one_site_has_several_spellings(one: str, other: str, same: bool) -> None:
    assert same_site(one, other) is same
