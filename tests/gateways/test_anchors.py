"""The links of a mail, with the words that stand for them."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from relay.gateways import anchors, mime
from relay.gateways.anchors import MOST, Anchor
from tests.factories import make_message


def links(body: str, kind: str = "text/html") -> list[tuple[str, str]]:
    raw = make_message(body, Content_Type=f"{kind}; charset=UTF-8")
    return [(a.target, a.words) for a in anchors.read(mime.read(io.BytesIO(raw)))]


def test_html_gives_targets_and_what_is_read() -> None:
    body = (
        '<p>See <a href="https://a.example/?x=1&amp;y=2">our <b>new\r\n shop</b></a>, '
        "<a href=https://b.example><img alt=x></a>, <a name=here>nowhere</a> "
        'or https://c.example/z.</p><form action="https://d.example/"></form>'
    )
    assert links(body) == [
        ("https://a.example/?x=1&y=2", "our new shop"),
        ("https://b.example", ""),
        ("https://d.example/", ""),
        ("https://c.example/z", ""),
    ]


def test_a_link_that_is_never_closed_ends_with_the_next_or_with_the_mail() -> None:
    assert links('<a href="https://a.example">one<a href="https://b.example">two') == [
        ("https://a.example", "one"),
        ("https://b.example", "two"),
    ]


def test_plain_text_gives_what_mail_programs_make_links_of() -> None:
    assert links("Look: https://a.example/x, or www.b.example.\r\n", "text/plain") == [
        ("https://a.example/x", ""),
        ("www.b.example", ""),
    ]


def test_what_embeds_or_is_sealed_is_no_hindrance_but_gives_what_can_be_read() -> None:
    assert links('<object data=x></object><a href="https://a.example">x</a>') == [
        ("https://a.example", "x")
    ]
    assert links("x", "application/pkcs7-mime") == []


def test_each_is_there_once_and_there_is_an_end() -> None:
    assert len(links('<a href="https://a.example">x</a>' * 3)) == 1
    many = "".join(f'<a href="https://a{n}.example">x</a>\r\n' for n in range(MOST + 50))
    assert len(links(many)) == MOST


@given(st.text(alphabet="<>a=\"/ href:&;'x\n", max_size=200))
def test_whatever_html_comes_it_is_read(html: str) -> None:
    raw = make_message(html.replace("\n", "\r\n"), Content_Type="text/html; charset=UTF-8")
    for each in anchors.read(mime.read(io.BytesIO(raw))):
        assert isinstance(each, Anchor)
