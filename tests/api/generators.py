"""What the OpenAPI document cannot say and a generator needs to know: addresses, mails, base64.

With strings of any kind alone, nearly every request would end at its first address. These
strategies mix what is right with what is nearly right, so that requests get deep.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from schemathesis import openapi

from tests.factories import make_message
from tests.fakes import MORNING

PLACES = tuple(str(UUID(int=n, version=4)) for n in range(6))
"""Ids that stand for the things of the test's world, which are not known when cases are made."""

PARTS = ("first", "second")
"""Names of the MIME parts of a multipart batch."""

T = TypeVar("T")


def mostly(good: st.SearchStrategy[T], bad: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Nine times out of ten something good (`one_of` does not count the same strategy twice)."""
    return st.sampled_from([good] * 9 + [bad]).flatmap(lambda chosen: chosen)


# --- words ----------------------------------------------------------------------------------

_people = st.sampled_from(
    [
        "ada@customer.example", "Ada@Customer.example", "bob@customer.example", "gone@customer.example",
        "ada+tag@customer.example", "o'neil@customer.example", "ada@bücher.example",
        "ada@xn--bcher-kva.example", f"{'a' * 64}@customer.example", f"a@{'b' * 63}.example",
    ]
)  # fmt: skip

_nobody = st.sampled_from(
    [
        "", "ada", "@customer.example", "ada@", "ada@customer", "ada@@customer.example",
        "ada@customer.example\r\nBcc: eve@bank.example", "ada@customer.example,eve@bank.example",
        "ada@[127.0.0.1]", '"ada lovelace"@customer.example', "ädä@customer.example", "a\x00@x.example",
        f"{'a' * 65}@customer.example", "ada@-.example", "ada@customer..example", ".ada@customer.example",
        "=?utf-8?q?ada?=@customer.example", "ada@customer.example\u202e", " ada@customer.example ",
        "<ada@customer.example>", "ada@" + "b." * 120 + "example",
    ]
)  # fmt: skip

addresses = mostly(_people, _nobody)

_owners = mostly(
    st.just("news@shop.example"), st.sampled_from(["ceo@bank.example", "news@sub.shop.example"])
)

_names = st.one_of(
    st.sampled_from(
        ["Ada", "Ada Lovelace", "Lovelace, Ada", '"Ada', "Ada\\", "Ada <x>", "Ädä", "\u202eadA",
         "=?utf-8?q?Ada?=", "=?utf-8?b?####?=", "=?x?y?z?=", "Ada\r\nBcc: eve@bank.example", "(Ada"]
    ),
    st.text(max_size=80),
)  # fmt: skip


def _mailboxes(people: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """With and without a name."""
    named = st.builds('"{}" <{}>'.format, st.sampled_from(["Ada", "Ädä", "Lovelace, Ada"]), people)
    return mostly(st.one_of(people, named), st.builds("{} <{}>".format, _names, people))


words = mostly(
    st.one_of(
        st.text(st.characters(exclude_categories=["C"]), max_size=200),
        st.sampled_from(
            ["=?utf-8?q?Ada?=", "=?utf-8?b?####?=", "=?x?y?z?=", '"Ada', "Ada\\", "(Ada"]
        ),
        st.integers(1, 900).map("ä".__mul__),
        st.integers(1, 450).map("=?".__mul__),
    ),
    st.one_of(_names, st.text(max_size=200), st.just("x" * 901)),
)
"""A subject, a file's name, the value of a header."""

_moments = mostly(
    st.integers(1, 60 * 24 * 9).map(lambda n: (MORNING + timedelta(minutes=n)).isoformat()),
    st.sampled_from(
        ["2026-11-22T09:00:00Z", "2026-11-22T08:59:59.999999Z", "9999-12-31T23:59:59-12:00",
         "0001-01-01T00:00:00+14:00", "2026-11-22T23:59:60Z"]
    ),
)  # fmt: skip

_types = mostly(
    st.sampled_from(
        ["application/pdf", "text/html", "message/rfc822", "multipart/mixed", "image/png"]
    ),
    st.sampled_from(
        ["image/png; name=x", "image", "image/png\r\nBcc: eve@bank.example", "ï/x", "a/" + "b" * 61]
    ),
)

_header_names = mostly(
    st.sampled_from(["X-Mailer", "x-mailer", "List-Id", "References", "Precedence", "In-Reply-To"]),
    st.sampled_from(
        ["Bcc", "From", "X-SES-Tags", "X-Postreeve-Site", "X-Ä", "X:Y", "X-" + "y" * 75, ""]
    ),
)

# --- mails ----------------------------------------------------------------------------------

_SPLICES = (
    b"\r\n", b"\n", b"\r", b"\x00", b"\r\n.\r\n", b"\n.\n", b"\r\n\r\n", b"\xff\xfe", b" ", b"\t\r\n ",
    b"\r\nBcc: eve@bank.example\r\n", b"\nX-SES-SOURCE-ARN: x\n", b"\r\nFrom: ceo@bank.example\r\n",
    b"=?utf-8?b?####?=", b"=?utf-8?q?=0D=0ABcc:?=", b"--b\r\n", b"--b--\r\n", b"x" * 999, b"<", b">", b'"',
    b"(", b":", b"\r\nContent-Type: multipart/mixed; boundary=b\r\n", b"\x1b[2J", b"\xe2\x80\xae",
)  # fmt: skip

_SOUND = (
    make_message(),
    make_message(body=""),
    make_message(body="Grüße\r\n", Precedence="bulk", List_Unsubscribe="<https://shop.example/u>"),
    make_message(
        body="--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b--\r\n",
        Content_Type='multipart/mixed; boundary="b"',
    ),
    make_message(Bcc="eve@bank.example", Return_Path="<eve@bank.example>"),
    make_message(From="ceo@bank.example"),
)


@st.composite
def _spoiled(draw: st.DrawFn) -> bytes:
    """A sound mail with things put in where they do not belong."""
    mail = draw(st.sampled_from(_SOUND))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(mail)))
        mail = mail[:at] + draw(st.sampled_from(_SPLICES)) + mail[at:]
    return mail


mails = mostly(
    st.one_of(st.sampled_from(_SOUND), _spoiled()), st.one_of(_spoiled(), st.binary(max_size=300))
)


def _in_base64(data: st.SearchStrategy[bytes]) -> st.SearchStrategy[str]:
    return mostly(data.map(lambda found: base64.b64encode(found).decode()), st.text(max_size=50))


# --- requests that are nearly right ---------------------------------------------------------


def _some(of: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(of, min_size=1, max_size=3)


_purposes: dict[str, st.SearchStrategy[Any]] = {
    "stream": mostly(
        st.sampled_from(["transactional", "notification", "marketing"]), st.just("bulk")
    ),
    "kind": st.sampled_from(["security", None]),
    "list": st.one_of(st.none(), words.filter(lambda text: len(text) <= 64)),
    "source": st.fixed_dictionaries({}, optional={"plugin": st.sampled_from([None, "woo", "ä"])}),
    "expires_at": _moments,
}

_files = st.fixed_dictionaries(
    {"filename": words, "content": _in_base64(st.binary(max_size=200))},
    optional={
        "content_type": _types,
        "content_id": mostly(st.just("logo"), st.sampled_from(["a<b>", "ä", "a b"])),
    },
)

letters = st.fixed_dictionaries(
    {"from": _mailboxes(_owners), "to": _some(_mailboxes(addresses)), "text": words},
    optional={
        "cc": _some(_mailboxes(_people)),
        "bcc": _some(_mailboxes(_people)),
        "reply_to": _some(_mailboxes(_people)),
        "subject": words,
        "html": words,
        "headers": st.dictionaries(_header_names, words, max_size=3),
        "attachments": st.lists(_files, max_size=2),
        **_purposes,
    },
)
"""Bodies of POST /v1/messages in parts."""

metadata = st.fixed_dictionaries(
    {"envelope": st.fixed_dictionaries({"from": _owners, "to": _some(addresses)})},
    optional=_purposes,
)
"""What stands beside finished MIME."""

forms = st.fixed_dictionaries({"metadata": metadata, "message": mails})
"""Bodies of POST /v1/messages with finished MIME."""

keys = mostly(st.none(), st.sampled_from(["one", "two", "three", "x" * 255]))
"""Idempotency keys; few, so that they meet again."""


def _keyed(item: dict[str, Any], key: str | None, **more: Any) -> dict[str, Any]:
    return item | more | ({} if key is None else {"idempotency_key": key})


def _batches(items: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"messages": st.lists(items, min_size=1, max_size=4)})


batches = _batches(
    st.one_of(
        st.builds(_keyed, letters, keys),
        st.builds(_keyed, metadata, keys, mime=_in_base64(mails)),
    )
)
"""Bodies of POST /v1/messages/batch."""

batch_forms = st.fixed_dictionaries(
    {
        "metadata": _batches(
            st.builds(_keyed, metadata, keys, message=st.sampled_from([*PARTS, "third"]))
        ),
        **dict.fromkeys(PARTS, mails),
    }
)
"""The same with finished MIME in parts of its own."""

resends = st.one_of(st.just({"to": []}), st.fixed_dictionaries({"to": _some(addresses)}))
"""Bodies of POST /v1/messages/{message_id}/resend."""

# --- what goes where ------------------------------------------------------------------------

FORMATS: dict[str, st.SearchStrategy[str]] = {
    "email": addresses,
    "owner": mostly(_owners, addresses),
    "owner-mailbox": mostly(_mailboxes(_owners), _mailboxes(addresses)),
    "mailbox": _mailboxes(addresses),
    "words": words,
    "date-time": _moments,
    "uuid": st.one_of(st.sampled_from(PLACES), st.uuids().map(str)),
    "mail-in-base64": _in_base64(mails),
    "base64": _in_base64(st.binary(max_size=200)),
    "part-name": st.sampled_from([*PARTS, "third", "metadata", ""]),
    "content-type": _types,
    "header-name": _header_names,
}
"""What to make of a string of this format."""

_LETTER = {
    "from": "owner-mailbox", "to": "mailbox", "cc": "mailbox", "bcc": "mailbox",
    "reply_to": "mailbox", "subject": "words",
}  # fmt: skip

HINTS: dict[str, dict[str, str]] = {
    "Envelope": {"from": "owner"},
    "Letter": _LETTER,
    "LetterItem": _LETTER,
    "MimeItem": {"mime": "mail-in-base64"},
    "PartItem": {"message": "part-name"},
    "Attachment": {"content": "base64", "content_type": "content-type", "filename": "words"},
}
"""Schema → property → format, for strings (or lists of them) that the document calls just strings."""


def register() -> None:
    """Teach schemathesis the formats and the media type of mails."""
    for name, strategy in FORMATS.items():
        openapi.format(name, strategy)
    openapi.media_type("message/rfc822", mails)


def prepared(document: dict[str, Any]) -> dict[str, Any]:
    """The document with hints for the generator, and strict: without `default` responses.

    `default` tells clients that proxies answer too; a test must not hide behind it.
    """
    document = copy.deepcopy(document)
    schemas = document["components"]["schemas"]
    for schema, hints in HINTS.items():
        for name, format in hints.items():
            place = schemas[schema]["properties"][name]
            place.get("items", place)["format"] = format
    for letter in ("Letter", "LetterItem"):
        names = {"type": "string", "format": "header-name"}
        schemas[letter]["properties"]["headers"]["propertyNames"] = names
    batch = document["paths"]["/v1/messages/batch"]["post"]["requestBody"]["content"]
    form = batch["multipart/form-data"]
    for part in PARTS:
        form["schema"]["properties"][part] = {"type": "string", "format": "binary"}
        form["encoding"][part] = {"contentType": "message/rfc822"}
    for operation in operations(document):
        del operation["responses"]["default"]
    return document


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of the document."""
    for path in document["paths"].values():
        yield from (found for method, found in path.items() if method != "parameters")
