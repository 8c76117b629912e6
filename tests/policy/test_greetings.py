"""What a stranger types as a name goes into a mail only if it is one."""

from __future__ import annotations

import pytest

from relay.policy.greetings import carries_link, greetable


@pytest.mark.parametrize(
    ("typed", "greeted"),
    [
        ("Ada Lovelace", "Ada Lovelace"), ("  Ada  Lovelace ", "Ada Lovelace"),
        ("O'Neil", "O'Neil"), ("José-María", "José-María"), ("Dr. Ada", "Dr. Ada"),
        ("J.R.R. Tolkien", "J.R.R. Tolkien"), ("陳大文", "陳大文"), ("عائشة", "عائشة"),
        ("Ａｄａ", "Ada"),
    ],
)  # fmt: skip
def test_a_name_is_greeted(typed: str, greeted: str) -> None:
    assert greetable(typed) == greeted


@pytest.mark.parametrize(
    "typed",
    [
        None, "", "   ", "12345", "!!!",
        "see https://evil.example", "www.evil.example", "evil.example", "win at evil.рф",
        "evil。example", "evil．example", "ada@evil.example", "javascript:alert", "%68ttp",
        "Ada\nBcc: all@customer.example", "Ada\r\n", "Ada\x00", "Ada\u202egnp", "Ada\u2028x",
        "<b>Ada</b>", "x" * 61, "[Ada](x)", "&#104;i",
    ],
)  # fmt: skip
def test_what_is_no_name_is_left_out(typed: str | None) -> None:
    assert greetable(typed) == ""


@pytest.mark.parametrize(
    ("text", "carries"),
    [
        ("Shop Ltd", False), ("Shop.example Ltd", False), ("http://evil.example", True),
        ("WWW.evil", True), ("ada@shop.example", True), ("two\nlines", True),
    ],
)  # fmt: skip
def test_the_words_of_a_list_carry_no_link(text: str, carries: bool) -> None:
    assert carries_link(text) is carries
