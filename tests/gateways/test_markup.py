"""HTML tag by tag: as browsers take it apart, however broken it is, at the same cost."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.gateways import markup
from relay.gateways.markup import COMMENT, RAW, REST, TEXT, Token

LARGE = 256 * 1024


@pytest.mark.parametrize(
    ("html", "tokens"),
    [
        ("a <b>c</b>", [(TEXT, "a "), ("b", ""), (TEXT, "c"), ("/b", "")]),
        ("1 < 2 <3", [(TEXT, "1 < 2 <3")]),
        ("<A HREF='x'TITLE=y>", [("a", " HREF='x'TITLE=y")]),
        ("<a title='>'>z", [("a", " title='>'"), (TEXT, "z")]),
        ('<p ="x><a>', [("p", ' ="x'), ("a", "")]),
        ('<p == "x>">y', [("p", ' == "x>"'), (TEXT, "y")]),
        ("<a/href=x/>", [("a", "/href=x/")]),
        ("<!-- <a> -->b", [(COMMENT, " <a> "), (TEXT, "b")]),
        ("<!--><a>-->", [("a", ""), (TEXT, "-->")]),
        ("<!---><a>", [("a", "")]),
        ("<!--x--!><a>", [(COMMENT, "x"), ("a", "")]),
        ("<!doctype html><?x?>", [(COMMENT, "!doctype html>"), (COMMENT, "?x?>")]),
        ("<style>p > a</STYLE >b", [("style", ""), (RAW, "p > a"), ("/style", " "), (TEXT, "b")]),
        ("<title><a>", [("title", ""), (RAW, "<a>")]),
        ("x<a href='y>z", [(TEXT, "x"), (REST, "a href='y>z")]),
        ("x<!-- y", [(TEXT, "x"), (REST, "!-- y")]),
        ("<\0a>", [("a", "")]),
    ],
)
def test_it_is_taken_apart_as_browsers_do(html: str, tokens: list[Token]) -> None:
    assert list(markup.tokens(html)) == tokens


def test_tags_that_nobody_asks_for_stay_in_the_text() -> None:
    html = 'x<p title=">">y<A>z</a>'
    assert list(markup.tokens(html, "a|area")) == [
        (TEXT, 'x<p title=">">y'), ("a", ""), (TEXT, "z"), ("/a", ""),
    ]  # fmt: skip
    assert markup.words('x<p title=">">y &amp; z') == "xy & z"


def test_what_browsers_hide_can_be_read_as_if_they_did_not() -> None:
    html = "<!--[if mso]><a><![endif]--><style><b>"
    flat = [tag for tag, _ in markup.tokens(html, flat=True)]
    assert [tag for tag in flat if tag] == ["a", "style", "b"]


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (" href=x", {"href": "x"}),
        ("/HREF = 'a b'class=\"c\"", {"href": "a b", "class": "c"}),
        (" href=a&amp;b href=c", {"href": "a&b"}),
        (" href href='' href=x", {"href": "x"}),
        (" x=href=y", {"x": "href=y"}),
    ],
)
def test_attributes_are_read_as_they_stand(source: str, named: dict[str, str]) -> None:
    assert markup.attributes(source) == named


@pytest.mark.parametrize(
    "piece",
    [
        "<", "</", "<!--", "<!x", "<a", "<a ", "<a x='", "<a x='<a x=\"", "<p><font size=1>", "<title>",
        "<style></sty", "<style><script>", "<!--<a-->", "<a =", "&", "x=1 ", "--!>", "<a x=1 y='2'>",
    ],
)  # fmt: skip
@pytest.mark.parametrize("flat", [False, True], ids=["", "flat"])
def test_broken_html_costs_no_more_than_other(piece: str, flat: bool) -> None:
    html = "<a " + piece * (LARGE // len(piece))
    began = time.process_time()
    for tag, text in markup.tokens(html, "a|area", flat=flat):
        if tag == TEXT:
            markup.words(text)
        elif tag.isalpha():
            markup.attributes(text)
    assert time.process_time() - began < 2


@given(st.text(alphabet="<>a=\"'/ -!?b\n", max_size=200))
def test_nothing_is_lost(html: str) -> None:
    kept = "".join(tag + text for tag, text in markup.tokens(html))
    for sign in "ab":
        assert kept.count(sign) == html.count(sign)
