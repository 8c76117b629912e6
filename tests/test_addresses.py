"""What an e-mail address is, and when two are the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay import addresses
from relay.addresses import LONGEST, EmailAddress, parse
from relay.errors import Invalid


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ada@shop.example", "ada@shop.example"),
        ("Ada@Shop.Example", "Ada@shop.example"),
        ("ada+news@shop.example", "ada+news@shop.example"),
        ("a.d.a@mail.shop.example", "a.d.a@mail.shop.example"),
        ("o'hara@shop.example", "o'hara@shop.example"),
        ("!#$%&'*+-/=?^_`{|}~@shop.example", "!#$%&'*+-/=?^_`{|}~@shop.example"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
        ("ada@例え.テスト", "ada@xn--r8jz45g.xn--zckzah"),
        ("success+label@simulator.amazonses.com", "success+label@simulator.amazonses.com"),
        ("x" * 64 + "@shop.example", "x" * 64 + "@shop.example"),
    ],
)
def test_an_address_is_kept_as_the_wire_wants_it(typed: str, kept: str) -> None:
    assert str(parse(typed)) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "@", "ada", "ada@", "@shop.example", "ada@localhost", "ada@shop",
        "ada@@shop.example", "ada@shop@example.com", "ada@shop..example", "ada@.shop.example",
        "ada@shop.example.", "ada@-shop.example", ".ada@shop.example", "ada.@shop.example",
        "a..da@shop.example", "a da@shop.example", "ada@shop example",
        " ada@shop.example", "ada@shop.example ", "ada@shop.example\n", "ada@shop.example\r\nBcc: x",
        "ada\x00@shop.example", "Ada <ada@shop.example>", "<ada@shop.example>",
        "ada@shop.example, bob@shop.example", "ada@shop.example;bob@shop.example",
        '"ada"@shop.example', '"a b"@shop.example', "ada(comment)@shop.example",
        "ada@[127.0.0.1]", "ada@127.0.0.1", "ädä@shop.example", "ada\u200b@shop.example",
        "=?utf-8?q?bob=40bank.example=3e?=@shop.example", "x" * 65 + "@shop.example",
        "ada@" + "x" * 64 + ".example", "a@" + "x." * 200 + "example", "x" * 5_000, "\ud800@x.example",
        "ada@\ud800.example", "rfc822;ada@shop.example", "mailto:ada@shop.example",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_in_words(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(typed)
    assert refused.value.detail


def test_two_spellings_of_one_mailbox_are_the_same() -> None:
    ada = parse("Ada@Shop.example")
    assert ada == parse("ada@shop.EXAMPLE")
    assert len({ada, parse("aDA@shop.example")}) == 1
    assert ada != parse("bob@shop.example")
    assert ada in {parse("ada@shop.example"): "suppressed"}
    assert EmailAddress("Ada@shop.example").key == "ada@shop.example"


def test_an_address_has_two_halves() -> None:
    ada = parse("Ada+News@Mail.Shop.Example")
    assert (ada.local, ada.domain) == ("Ada+News", "mail.shop.example")


@given(st.text(max_size=60) | st.from_regex(r"[^@]{1,20}@[^@]{1,30}", fullmatch=True))
@example("a@" + "\u0345" * 30 + ".example")
def test_whatever_is_typed_is_an_address_or_invalid(typed: str) -> None:
    try:
        found = parse(typed)
    except Invalid:
        return
    assert found.text.isascii()
    assert found.text.count("@") == 1
    assert not set(found.text) & set(' \t\r\n\x00<>(),;:\\"[]')
    assert len(found.text) <= LONGEST
    assert parse(found.text) == found
    assert str(parse(found.text)) == found.text


@given(
    st.from_regex(r"[a-zA-Z0-9_+.-]{1,70}", fullmatch=True),
    st.from_regex(r"[a-zA-Z0-9.-]{1,20}|[a-z0-9]{1,8}(\.[a-z0-9-]{1,70}){1,5}", fullmatch=True),
)
@example("ada", "xn--bcher-kva.example")
@example("ada", "xn--nonsense-.example")
@example("x" * 64, "shop.example")
@example("x" * 65, "shop.example")
@example("x" * 64, "x." * 91 + "example")
@example("x" * 64, "x." * 92 + "example")
@example("Postmaster", "shop.example")
@example("ada", "127.0.0.1")
def test_a_plain_address_is_read_as_any_other(local: str, domain: str) -> None:
    def outcome(read: Callable[[str], EmailAddress]) -> str:
        try:
            return str(read(f"{local}@{domain}"))
        except Invalid as error:
            return f"invalid: {error.detail}"

    assert outcome(parse) == outcome(addresses._read)
