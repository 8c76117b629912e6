"""The links of a mail, with the words that stand for them."""

from __future__ import annotations

import io
import time
from base64 import b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.gateways import anchors, bodies, mime
from relay.gateways.anchors import Anchor
from tests.factories import make_message


def links(body: str, kind: str = "text/html") -> list[tuple[str, str]]:
    return found(make_message(body, Content_Type=f"{kind}; charset=UTF-8"))


def found(raw: bytes) -> list[tuple[str, str]]:
    body = bodies.read(mime.read(io.BytesIO(raw)), leniently=True)
    return [(anchor.target, anchor.words) for anchor in anchors.of(body)]


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


def test_each_is_there_once_and_the_last_of_very_many_is_found() -> None:
    assert len(links('<a href="https://a.example">x</a>' * 3)) == 1
    many = "".join(f'<a href="https://a{n}.example">x</a>\r\n' for n in range(5_000))
    assert links(many)[-1] == ("https://a4999.example", "x")


LINK = '<a href="https://evil.example/x">Bank</a>'
BASE64 = b64encode(f"<p>{LINK}</p>{'padding ' * 9}".encode()).decode()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({"Content_Transfer_Encoding": "base64"}, BASE64[:-5], id="base64 breaks off"),
        pytest.param(
            {"Content_Transfer_Encoding": "base64"}, f"{BASE64[:7]}!\r\n~{BASE64[7:]}",
            id="signs between base64",
        ),
        pytest.param(
            {"Content_Transfer_Encoding": "base64"}, f"PHA+aGk8L3A+Cg==\r\n{BASE64}",
            id="base64 goes on behind its end",
        ),
        pytest.param({"Content_Transfer_Encoding": "x-none"}, LINK, id="an unknown encoding"),
        pytest.param({"Content_Type": "text/html; charset=klingon"}, LINK, id="an unknown charset"),
        pytest.param({"Content_Type": "text/html; charset=utf-7"}, LINK, id="a charset of none"),
        pytest.param(
            {"Content_Type": "text/html; charset=shift_jis"}, f"\xff {LINK}",
            id="not in its charset",
        ),
        pytest.param(
            {"Content_Type": 'multipart/signed; boundary="b"'},
            f"--b\r\nContent-Type: text/html\r\n\r\n{LINK}\r\n--b\r\n"
            "Content-Type: application/pkcs7-signature\r\n\r\nx\r\n--b--",
            id="signed",
        ),
        pytest.param(
            {"Content_Type": 'multipart/mixed; boundary="b"'},
            f"--b\r\nContent-Type: multipart/alternative\r\n\r\n{LINK}\r\n--b--",
            id="a part without a boundary",
        ),
        pytest.param(
            {"Content_Type": 'multipart/mixed; boundary="b"'},
            "--b\r\nContent-Type: text/html; charset=klingon\r\n\r\n\xff\r\n"
            f"--b\r\nContent-Type: text/html\r\n\r\n{LINK}\r\n--b--",
            id="a text beside one that cannot be read",
        ),
    ],
)  # fmt: skip
def test_what_is_broken_is_read_as_mail_programs_do(headers: dict[str, str], body: str) -> None:
    raw = make_message(body, **{"Content_Type": "text/html; charset=utf-8", **headers})

    assert ("https://evil.example/x", "Bank") in found(raw)


@pytest.mark.parametrize("kind", ["", "; charset=klingon"])
def test_a_mail_of_parts_within_parts_ends(kind: str) -> None:
    inner = f"Content-Type: text/html{kind}\r\n\r\n{LINK}"
    for n in range(40):
        inner = (
            f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n{inner}\r\n--b{n}--'
        )
    head, _, body = inner.partition("\r\n\r\n")

    assert found(make_message(body, Content_Type=head.partition(": ")[2])) == [
        ("https://evil.example/x", "Bank")
    ]


@given(st.text(alphabet="QUJDRA==\r\n!-\xe9"))
def test_base64_of_any_kind_is_read_as_far_as_it_goes(body: str) -> None:
    found(make_message(body, Content_Type="text/html", Content_Transfer_Encoding="base64"))


EVIL = "https://evil.example/"

TRICKS = {
    "upper case": "<A HREF=https://evil.example/>paypal.com</A>",
    "no blank before it": "<a/href=https://evil.example/>paypal.com</a>",
    "signs beside it": """<a " ' href='https://evil.example/'b>paypal.com</a>""",
    "a sign that ends tags in a value": "<a title='>' href='https://evil.example/'>paypal.com</a>",
    "an attribute without a name": """<p ="x><a href=https://evil.example/>paypal.com</a> y">""",
    "entities": "<a href='&#104;ttps&colon;//evil&period;example/'>pay&#112;al.com</a>",
    "said twice": "<a href='' href='https://evil.example/'>paypal.com</a>",
    "NUL": "<a hr\0ef='https://evil.exa\0mple/'>pay\0pal.com</a>",
    "a link in a link": "<a href=//x.example><a href=https://evil.example/>paypal.com</a></a>",
    "never closed": "<a href=https://evil.example/>paypal.com",
    "tags in the words": "<a href=https://evil.example/>pay<b title='<'>pal</b>.com</a>",
    "a comment in the words": "<a href=https://evil.example/>pay<!-- of -->pal.com</a>",
    "a style in the words": "<a href=https://evil.example/>pay<style>of</style>pal.com</a>",
    "an empty comment before it": "<!--><a href=https://evil.example/>paypal.com</a><!-- -->",
    "an empty comment of three": "<!---><a href=https://evil.example/>paypal.com</a><!-- -->",
    "a comment that ends oddly": "<!-- --!><a href=https://evil.example/>paypal.com</a><!-- -->",
    "a comment in a style": "<style><!--</style><a href=https://evil.example/>paypal.com</a>-->",
    "in Outlook's comment": "<!--[if mso]><a href=https://evil.example/>paypal.com</a><![endif]-->",
    "in two of Outlook's": "<!--<a x='--><!--><!--<a href=https://evil.example/>paypal.com</a>-->",
    "in a comment that never ends": "<!-- <a href=https://evil.example/>paypal.com</a>",
    "behind a tag that never ends": "<b title='<a href=https://evil.example/>paypal.com</a>",
    "in what browsers take for text": "<textarea><a href=https://evil.example/>paypal.com</a>",
    "in an end of nothing": "<!-- </<a href=https://evil.example/>paypal.com</a> -->",
    "in a template": "<template><a href=https://evil.example/>paypal.com</a></template>",
    "in frames": "<frameset><a href=https://evil.example/>paypal.com</a>",
    "in a drawing": "<svg><a xlink:href=https://evil.example/>paypal.com</a></svg>",
    "below a base": "<base href=https://evil.example><a href=/>paypal.com</a>",
    "above a base": "<a href=/>paypal.com</a><base href=https://evil.example>",
}


@pytest.mark.parametrize("html", TRICKS.values(), ids=TRICKS)
def test_no_trick_hides_a_link_or_its_words(html: str) -> None:
    assert Anchor(EVIL, "paypal.com") in of_html(html)


@pytest.mark.parametrize(
    "html",
    [
        "<form action=https://evil.example/>",
        "<form><button formaction=https://evil.example/>",
        "<form><input formaction=https://evil.example/>",
        "<map><area href=https://evil.example/></map>",
        "<!--[if mso]><v:roundrect href=https://evil.example/><![endif]-->",
    ],
)
def test_not_only_words_lead_somewhere(html: str) -> None:
    assert Anchor(EVIL) in of_html(html)


@pytest.mark.parametrize("before", ["<br ", "</b ", "</", "<?x ", "<td x="])
def test_a_link_that_another_tag_swallows_is_found_without_its_words(before: str) -> None:
    assert EVIL in {each.target for each in of_html(f"{before}<a href={EVIL}>x</a>")}


def test_what_no_reader_comes_to_is_no_link() -> None:
    html = (
        '<!doctype html><html xmlns="http://www.w3.org/1999/xhtml"><!-- by https://theme.example/ -->'
        '<link href="https://fonts.example/x.css"><img src="https://cdn.example/x.png" alt="x">'
    )
    assert of_html(html) == []


JUNK = st.lists(
    st.sampled_from(
        (
            "<b>", "</b>", "<p title='x'>", "<!-- x -->", "<!-->", "<!--->", "<style>x</style>", "<", ">",
            "&", "<table>", "</a>", "<a name=x>", "<select>", "<svg>", "<br/>", "/>", "--", "=", "<?x>",
        )
    ),
    max_size=8,
).map("".join)  # fmt: skip


@given(
    before=JUNK,
    within=st.sampled_from(("", "<b>", "<!-- x -->", "\n", "<i title='>'>")),
    after=JUNK,
)
def test_whatever_stands_around_a_link_it_is_found(before: str, within: str, after: str) -> None:
    link = f"<a\tHref = 'https://evil.example/'>pay{within}pal.com</a>"
    found = [each for each in of_html(f"{before} {link}{after}") if each.target == EVIL]
    assert [each.words.replace(" ", "") for each in found] == ["paypal.com"]


def of_html(html: str) -> list[Anchor]:
    raw = make_message("x", Content_Type="text/html; charset=UTF-8")
    body = bodies.read(mime.read(io.BytesIO(raw)))
    return list(anchors.of(replace(body, texts=(replace(body.texts[0], text=html),))))


def test_a_long_mail_full_of_tricks_costs_little() -> None:
    for piece in ("<a x='", "<!--<a x='-->", "<title><a ", "<base href=//x>", "www.x/<a href=x>"):
        began = time.process_time()
        of_html(piece * (256 * 1024 // len(piece)))
        assert time.process_time() - began < 3, piece


@given(st.text(alphabet="<>a=\"/ href:&;'x\n", max_size=200))
def test_whatever_html_comes_it_is_read(html: str) -> None:
    raw = make_message(html.replace("\n", "\r\n"), Content_Type="text/html; charset=UTF-8")
    for each in anchors.of(bodies.read(mime.read(io.BytesIO(raw)), leniently=True)):
        assert isinstance(each, Anchor)
