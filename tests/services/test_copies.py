"""A person's own link in a stored newsletter: put in byte for byte, wherever it stands."""

from __future__ import annotations

import binascii
from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.addresses import EmailAddress
from relay.keys import Keyring
from relay.mail import Envelope
from relay.policy import topics
from relay.services.copies import PLACEHOLDER, Streamed, personal, replaced
from relay.services.person_links import LENGTH, Links, PersonLink, open_link
from relay.settings import LONGEST_PUBLIC_URL
from tests.factories import make_envelope

KEYS = Keyring({1: b"k" * 32})
LINKS = Links(KEYS, "https://relay.example")
SITE, LIST = UUID(int=7), UUID(int=8)
NEWS = topics.of_list(LIST)
PLACE = PLACEHOLDER.encode()
TOKEN = (b"0123456789" * 60)[:LENGTH]


def copy(*parts: bytes, topic: str | None = NEWS, **given: object) -> Envelope:
    return make_envelope(parts=parts, topic=topic, site_id=SITE, **given)


def token_of(whole: bytes) -> str:
    line = whole.split(b"\r\n")[0].decode()
    assert line.startswith("List-Unsubscribe: <https://relay.example/unsubscribe/")
    assert line.endswith(">")
    return line.rpartition("/")[2].removesuffix(">")


def test_the_pair_of_headers_stands_first_and_in_one_line_each() -> None:
    whole = b"".join(personal(copy(b"From: x\r\n\r\nHello"), LINKS).parts)
    head, _, rest = whole.partition(b"\r\nFrom: x\r\n\r\nHello")
    first, second = head.split(b"\r\n")
    assert (rest, second) == (b"", b"List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    assert len(first) < 998
    assert open_link(KEYS, token_of(whole)) == PersonLink(
        SITE,
        EmailAddress("ada@customer.example"),
        NEWS,
        UUID("018f0000-0000-7000-8000-00000000000c"),
    )


def test_the_longest_public_address_still_fits_into_one_line() -> None:
    longest = Links(KEYS, "https://relay.example/".ljust(LONGEST_PUBLIC_URL, "x"))
    whole = b"".join(personal(copy(b"From: x\r\n\r\nHello"), longest).parts)
    assert max(map(len, whole.split(b"\r\n"))) <= 998


def test_mail_without_a_topic_is_as_it_was() -> None:
    envelope = copy(PLACE, topic=None)
    assert personal(envelope, LINKS) is envelope


def test_a_notification_gets_the_headers_and_nothing_else() -> None:
    topic = topics.of_plugin("bbpress")
    whole = b"".join(personal(copy(b"From: x\r\n\r\n" + PLACE, topic=topic), LINKS).parts)
    assert whole.endswith(b"\r\nFrom: x\r\n\r\n" + PLACE)
    assert open_link(KEYS, token_of(whole)).topic == topic


def test_each_person_has_another_link() -> None:
    people = [replace(copy(PLACE), recipient=f"p{n}@customer.example") for n in range(3)]
    wholes = [b"".join(personal(person, LINKS).parts) for person in people]
    tokens = [token_of(whole) for whole in wholes]
    assert len(set(tokens)) == 3
    assert all(whole.endswith(token.encode()) for whole, token in zip(wholes, tokens, strict=True))
    assert [open_link(KEYS, token).address.local for token in tokens] == ["p0", "p1", "p2"]


def test_every_place_gets_the_same_token() -> None:
    (whole,) = replaced([b"a " + PLACE + b" b " + PLACE + PLACE + b" c"], TOKEN)
    assert whole == b"a " + TOKEN + b" b " + TOKEN + TOKEN + b" c"


def quoted(text: bytes) -> bytes:
    return binascii.b2a_qp(text, istext=True).replace(b"\n", b"\r\n")


def test_soft_line_breaks_stay_where_they_are() -> None:
    before = quoted(b'<a href="https://relay.example/unsubscribe/' + PLACE + b'">out</a>')
    (after,) = replaced([before], TOKEN)
    assert [len(line) for line in after.split(b"\r\n")] == [
        len(line) for line in before.split(b"\r\n")
    ]
    assert max(len(line) for line in after.split(b"\r\n")) <= 76
    assert binascii.a2b_qp(after) == binascii.a2b_qp(before).replace(PLACE, TOKEN)


@pytest.mark.parametrize("wrapped", [False, True], ids=["whole", "wrapped"])
def test_a_place_may_lie_across_any_border(wrapped: bool) -> None:
    text = b"before " + PLACE + b" after"
    before = quoted(text) if wrapped else text
    (expected,) = replaced([before], TOKEN)
    assert PLACE[:20] not in expected
    for cut in range(len(before) + 1):
        assert b"".join(replaced([before[:cut], before[cut:]], TOKEN)) == expected


@given(
    st.lists(
        st.one_of(
            st.just(PLACE),
            st.integers(1, LENGTH - 1).map(lambda n: PLACE[:n]),
            st.integers(1, LENGTH - 1).map(lambda n: PLACE[n:]),
            st.binary(max_size=5),
            st.just(b"=\r\n"),
            st.just(b"p"),
        ),
        max_size=8,
    ),
    st.lists(st.integers(0, 5_000), max_size=6),
)
def test_however_it_is_cut_it_is_the_same_mail(pieces: list[bytes], cuts: list[int]) -> None:
    text = b"".join(pieces)
    at = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    parts = [text[start:end] for start, end in pairwise(at)]
    whole = b"".join(replaced([text], TOKEN))
    assert b"".join(replaced(parts, TOKEN)) == whole
    assert len(whole) == len(text)


def test_a_large_copy_streams_and_can_be_read_twice() -> None:
    read = []

    class Parts:
        def __iter__(self):  # type: ignore[no-untyped-def]
            for part in (b"x" * 1_000 + PLACE[:100], PLACE[100:] + b"y" * 1_000, b"z"):
                read.append(len(part))
                yield part

    whole = personal(copy(), LINKS)
    whole = personal(replace(copy(), parts=Parts()), LINKS)
    assert isinstance(whole.parts, Streamed)
    assert read == []
    first = next(iter(whole.parts))
    assert first.startswith(b"List-Unsubscribe: ")
    assert read == []
    once, twice = b"".join(whole.parts), b"".join(whole.parts)
    assert once == twice
    assert once.endswith(b"x" + token_of(once).encode() + b"y" * 1_000 + b"z")
