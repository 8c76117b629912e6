"""Feedback reports of mailbox providers are read strictly, and nothing in them can break the reader."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import FeedbackInvalid, TooLarge
from relay.gateways import arf
from relay.vocabulary import FeedbackType
from tests.feedback import make_feedback


@pytest.mark.parametrize("part", ["message/rfc822", "text/rfc822-headers"])
def test_a_report_tells_its_type_and_what_names_our_copy(part: str) -> None:
    read = arf.read(
        make_feedback(
            part=part,
            returned="Message-ID: <0100@email.amazonses.com>\n"
            "List-Unsubscribe: <https://relay.example/unsubscribe/\n token>\n"
            "To: ada@customer.example\nSubject: A sale",
        )
    )

    assert read.type is FeedbackType.ABUSE
    assert read.fields == {"user-agent": "Provider/1.0", "version": "1", "source-ip": "192.0.2.5"}
    assert read.returned == {
        "message-id": "<0100@email.amazonses.com>",
        "list-unsubscribe": "<https://relay.example/unsubscribe/ token>",
        "subject": "A sale",
    }


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("abuse", FeedbackType.ABUSE),
        ("FRAUD", FeedbackType.FRAUD),
        ("virus", FeedbackType.VIRUS),
        ("not-spam", FeedbackType.NOT_SPAM),
        ("opt-out", FeedbackType.OPT_OUT),
        ("opt-out-list", FeedbackType.OPT_OUT),
        ("auth-failure", FeedbackType.AUTH_FAILURE),
        ("other", FeedbackType.OTHER),
        ("a type of tomorrow", FeedbackType.OTHER),
    ],
)
def test_types_are_read_whatever_their_case_and_unknown_ones_are_other(
    said: str, meant: FeedbackType
) -> None:
    assert arf.read(make_feedback(type=said)).type is meant


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Hello, your customers send spam.",
        make_feedback(kind="multipart/mixed"),
        make_feedback(kind="multipart/report; report-type=delivery-status"),
        make_feedback(told="text/plain"),
        make_feedback(type=None),
        make_feedback(type=" "),
    ],
    ids=["nothing", "a letter", "no report", "a bounce", "no fields", "no type", "an empty type"],
)
def test_what_is_no_feedback_report_is_refused(raw: bytes) -> None:
    with pytest.raises(FeedbackInvalid):
        arf.read(raw)


def test_a_report_has_an_end() -> None:
    with pytest.raises(TooLarge):
        arf.read(make_feedback() + b" " * arf.LARGEST)


def test_nothing_in_it_commands_a_terminal_or_is_kept_at_length() -> None:
    read = arf.read(make_feedback(returned=f"Subject: \x1b[31mred\x00{'x' * 5_000}"))

    assert read.returned["subject"].startswith("[31mred")
    assert len(read.returned["subject"]) <= arf.LONGEST


PIECES = st.sampled_from(
    [
        b"--edge\r\n", b"--edge--\r\n", b"\r\n", b"\r\n\r\n", b"Content-Type: message/rfc822\r\n",
        b"Content-Type: message/feedback-report\r\n", b"Feedback-Type: abuse\r\n", b"\x00\xff",
        b"Content-Transfer-Encoding: base64\r\n", b"Content-Type: text/plain; charset=x-no\r\n",
        b"Message-ID: <=?utf-8?b?//8=?=>\r\n", b"Content-Type: multipart/mixed; boundary=edge\r\n",
        b"Subject: =?x?q?\r\n ?=\r\n", b"Content-Type: ;;;=\r\n", b": \r\n", b"\r",
    ]
)  # fmt: skip


@given(st.lists(PIECES | st.binary(max_size=20), max_size=30), st.booleans())
def test_whatever_comes_it_is_read_or_refused(pieces: list[bytes], whole: bool) -> None:
    head = b'Content-Type: multipart/report; report-type=feedback-report; boundary="edge"\r\n\r\n'
    with contextlib.suppress(FeedbackInvalid):
        read = arf.read((head if whole else b"") + b"".join(pieces))
        assert isinstance(read.type, FeedbackType)
        for text in (*read.fields.values(), *read.returned.values()):
            assert text.isprintable()


@given(st.integers(0, 2_000), st.binary(max_size=8))
def test_a_report_that_is_damaged_anywhere_is_read_or_refused(at: int, damage: bytes) -> None:
    raw = make_feedback()
    with contextlib.suppress(FeedbackInvalid):
        arf.read(raw[:at] + damage + raw[at + 1 :])


def test_parts_within_parts_without_end_are_refused() -> None:
    depth = 3_000
    raw = make_feedback(part="message/rfc822", returned="Content-Type: message/rfc822\n\n" * depth)
    with contextlib.suppress(FeedbackInvalid):
        arf.read(raw)
