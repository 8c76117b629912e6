"""What is cut along its boundary is what Werkzeug reads; what is not plain is left to Werkzeug."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.formparser import MultiPartParser

from relay.api.parts import MOST, cut

B = b"XxX"


def part(name: str, content: bytes, *, filename: str | None = None, type: str = "") -> bytes:
    called = f'; filename="{filename}"' if filename is not None else ""
    typed = f"\r\nContent-Type: {type}" if type else ""
    head = f'Content-Disposition: form-data; name="{name}"{called}{typed}\r\n\r\n'
    return head.encode() + content


def body(*parts: bytes, end: bytes = b"--\r\n") -> bytes:
    return b"".join(b"--" + B + b"\r\n" + each + b"\r\n" for each in parts) + b"--" + B + end


PLAIN = body(
    part("metadata", b'{"a": "\xc3\xbc"}', type="application/json"),
    part("message", b"From: x\r\n\r\n\r\nbody\r\n", filename="a.eml", type="message/rfc822"),
)


def told(found: bytes) -> tuple[dict[str, bytes], dict[str, str]] | None:
    parts = cut(found, B)
    if parts is None:
        return None
    return {name: each.read() for name, each in parts.files.items()}, dict(parts.fields)


def by_werkzeug(found: bytes) -> tuple[dict[str, bytes], dict[str, str]]:
    parser = MultiPartParser(lambda **_: BytesIO())
    form, files = parser.parse(BytesIO(found), B, len(found))
    return {name: each.stream.read() for name, each in files.items()}, form.to_dict()


def test_a_plain_body_is_cut_into_its_parts() -> None:
    assert told(PLAIN) == (
        {"message": b"From: x\r\n\r\n\r\nbody\r\n"},
        {"metadata": '{"a": "ü"}'},
    )


@pytest.mark.parametrize(
    "plain",
    [
        body(),
        body(part("a", b"")),
        body(part("a", b"1"), part("a", b"2"), part("f", b"1", filename="x"), end=b"--"),
        body(part("a", b"\r\n\r\n"), part("b", b"\xff\xfe not UTF-8")),
        body(part("f", b"1", filename="x y (1).eml"), part("f", b"2", filename="z")),
        body(part("a", b"\n\r\r\n\n--Xx\r\n--\r\n")),
        body(*(part(f"m{n}", b"x") for n in range(MOST))),
    ],
)
def test_it_is_read_as_werkzeug_reads_it(plain: bytes) -> None:
    assert told(plain) == by_werkzeug(plain)


@pytest.mark.parametrize(
    "unusual",
    [
        b"",
        b"--" + B,
        PLAIN.replace(b"\r\n", b"\n"),
        PLAIN[:-4],
        PLAIN[:-2] + b"-",
        PLAIN + b"more",
        b"before\r\n" + PLAIN,
        b"\r\n" + PLAIN,
        body(part("a", b"\n--" + B + b"\r\n")),
        body(part("a", b"--" + B + b"z")),
        body(part("a", b"\r\n--" + B + b"z")),
        body(part("a", b"\r\n--" + B + b" ")),
        body(b"no header"),
        body(b"Content-Type: text/plain\r\n\r\nno name"),
        body(b'Content-Disposition: form-data; name="a"; more=x\r\n\r\n'),
        body(b'Content-Disposition: form-data; name=a\r\n\r\n'),
        body(b'Content-Disposition: form-data; name="a"\r\nContent-Length: 1\r\n\r\nx'),
        body(b'Content-Disposition: form-data; name="a"\r\n more\r\n\r\nx'),
        body(b'Content-Disposition: form-data; name="a"\n\nx\r\n\r\n'),
        body(part('a\\"b', b"")),
        body(part("a%22b", b"")),
        body(part("ä", b"")),
        body(part("", b"")),
        body(part("a", b"", filename="")),
        body(part("a", b"x", type="text/plain; charset=utf-16")),
        body(*(part(f"m{n}", b"x") for n in range(MOST + 1))),
    ],
)  # fmt: skip
def test_what_is_not_plain_is_not_cut(unusual: bytes) -> None:
    assert cut(unusual, B) is None


SIGNS = st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b"\r",
        b"--",
        B,
        b"--" + B,
        b"\r\n--" + B,
        b"a",
        b"\x00",
        b"\xc3\xbc",
        b" ",
        b'"',
    ]
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "a b", "a;b", "x=y"]),
            st.lists(SIGNS, max_size=8).map(b"".join),
            st.sampled_from([None, "x.eml", "x;y", "", "C:/x"]),
            st.sampled_from(["", "text/plain", "message/rfc822", "x"]),
        ),
        max_size=4,
    ),
    st.lists(SIGNS, max_size=2).map(b"".join),
)
def test_whatever_is_cut_is_what_werkzeug_reads(
    parts: list[tuple[str, bytes, str | None, str]], end: bytes
) -> None:
    sent = body(
        *(part(name, content, filename=f, type=type) for name, content, f, type in parts),
        end=b"--" + end,
    )
    if (found := told(sent)) is not None:
        assert found == by_werkzeug(sent)
