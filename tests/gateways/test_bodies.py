"""Parts and texts of a message, and other texts in their place; checked against the standard library."""

from __future__ import annotations

import io
import time
from email import message_from_bytes, policy
from email.encoders import encode_base64
from email.message import EmailMessage
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.gateways import bodies, mime
from relay.gateways.bodies import Text, Unreadable
from relay.mail import Look, Mime
from tests.factories import make_message


def read(message: bytes) -> Mime:
    return mime.read(io.BytesIO(message))


def changed(message: bytes, add: str = "[+]", only: str = "text/") -> bytes:
    """The message with something added to each text of its body."""
    kept = read(message)
    body = bodies.read(kept)

    def change(text: Text) -> str | None:
        return text.text + add if text.is_body and text.type.startswith(only) else None

    return b"".join(bodies.rewritten(kept, body, change).parts)


def parsed(message: bytes) -> EmailMessage:
    found = message_from_bytes(message, policy=policy.SMTP)
    assert isinstance(found, EmailMessage)
    assert all(part.defects == [] for part in found.walk())
    return found


def words(part: EmailMessage) -> str:
    """What a text says, in lines that end in LF."""
    content: str = part.get_content()
    return content.replace("\r\n", "\n")


def newsletter() -> EmailMessage:
    """Alternative texts, the HTML with a picture of its own, and a file."""
    made = EmailMessage(policy=policy.SMTP)
    made["From"] = "The shop <news@shop.example>"
    made["Subject"] = "News"
    made.set_content("Grüße an alle\n")
    made.add_alternative("<html><body><p>Grüße</p></body></html>\n", subtype="html")
    html = made.get_body(("html",))
    assert isinstance(html, EmailMessage)
    html.add_related(b"\x89PNG", maintype="image", subtype="png", cid="<logo>")
    made.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="a.pdf")
    return made


def test_the_texts_of_a_newsletter_are_found() -> None:
    body = bodies.read(read(newsletter().as_bytes()))
    assert [(text.type, text.is_body) for text in body.texts] == [
        ("text/plain", True),
        ("text/html", True),
    ]
    assert body.texts[0].text == "Grüße an alle\n"
    assert body.attachments


def test_only_the_texts_change() -> None:
    before = newsletter().as_bytes()
    after = changed(before)
    old, new = parsed(before), parsed(after)
    assert [part.get_content_type() for part in old.walk()] == [
        part.get_content_type() for part in new.walk()
    ]
    for then, now in zip(old.walk(), new.walk(), strict=True):
        if then.get_content_maintype() == "text":
            assert words(now).rstrip("\n") == words(then) + "[+]"
        elif not then.is_multipart():
            assert now.as_bytes() == then.as_bytes()
    assert new["Subject"] == "News"


def test_what_nobody_changes_stays_byte_by_byte() -> None:
    message = read(newsletter().as_bytes())
    assert bodies.rewritten(message, bodies.read(message), lambda text: None) is message


HTML_ONLY = make_message("<p>x</p>\r\n", Content_Type="text/html; charset=UTF-8")


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        ({}, "Hello\r\n", "Hello\n[+]"),
        ({"Content_Type": None, "MIME_Version": None}, "Hello\r\n", "Hello\n[+]"),
        ({"Content_Transfer_Encoding": "base64"}, "R3LDvMOfZQ==\r\n", "Grüße[+]"),
        ({"Content_Transfer_Encoding": "quoted-printable"}, "Gr=C3=BC=C3=\r\n=9Fe=20\r\n", "Grüße \n[+]"),
        ({"Content_Transfer_Encoding": "8bit"}, "Grüße\r\n", "Grüße\n[+]"),
        ({"Content_Type": "text/plain; charset=iso-8859-1",
          "Content_Transfer_Encoding": "quoted-printable"}, "Gr=FC=DFe\r\n", "Grüße\n[+]"),
        ({"Content_Type": 'TEXT/PLAIN;\r\n charset="ISO-2022-JP"', "Content_Transfer_Encoding": "7bit"},
         "\x1b$B$3$s\x1b(B\r\n", "こん\n[+]"),
    ],
)  # fmt: skip
def test_texts_of_all_kinds_can_be_added_to(
    headers: dict[str, str | None], body: str, text: str
) -> None:
    new = parsed(changed(make_message(body, **headers)))
    assert words(new).rstrip("\n") == text
    assert new["Content-Transfer-Encoding"] == "quoted-printable"
    assert new["MIME-Version"] == "1.0"
    assert new["Message-ID"] == "<4711@shop.example>"


@pytest.mark.parametrize(
    ("charset", "added", "becomes"),
    [
        ("iso-8859-1", "é", "iso-8859-1"),
        ("iso-8859-1", "退訂", "utf-8"),
        ("us-ascii", "é", "utf-8"),
        ("us-ascii", "e", "us-ascii"),
        ("utf-8", "退訂", "utf-8"),
        ("utf-16-le", "x", "utf-8"),  # no token could be found in it
    ],
)
def test_a_charset_stays_where_it_has_the_signs(charset: str, added: str, becomes: str) -> None:
    made = EmailMessage(policy=policy.SMTP)
    made["From"] = "news@shop.example"
    made.set_payload("Hello".encode(charset))
    made["MIME-Version"] = "1.0"
    made["Content-Type"] = f"text/plain; charset={charset}"
    made["Content-Transfer-Encoding"] = "base64"
    del made["Content-Transfer-Encoding"]
    encode_base64(made)

    new = parsed(changed(made.as_bytes(), add=added))

    assert new.get_content_charset() == becomes
    assert words(new).rstrip("\n") == f"Hello{added}"


def test_bytes_that_do_not_belong_to_the_charset_stay() -> None:
    message = make_message("x\r\n", Content_Transfer_Encoding="quoted-printable")
    new = changed(message.replace(b"\r\n\r\nx", b"\r\n\r\nx=FF"))
    assert parsed(new).get_payload(decode=True) == b"x\xff\r\n[+]"


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ({"Content_Type": 'multipart/signed; boundary="b"'}, "--b\r\n\r\nx\r\n--b--", "sealed"),
        ({"Content_Type": 'multipart/encrypted; boundary="b"'}, "--b\r\n\r\nx\r\n--b--", "sealed"),
        ({"Content_Type": "application/pkcs7-mime"}, "x", "sealed"),
        ({"Content_Transfer_Encoding": "x-uuencode"}, "x", "encoding"),
        ({"Content_Type": "text/plain; charset=klingon"}, "x", "unreadable"),
        ({"Content_Type": "text/plain; charset=unicode_escape"}, "x", "unreadable"),
        ({"Content_Type": "text/plain; charset=utf-16"}, "x", "unreadable"),
        ({"Content_Type": 'multipart/mixed; boundary="b"'},
         "--b\r\nContent-Type: multipart/mixed\r\n\r\nx\r\n--b--", "no-boundary"),
        ({"Content_Type": 'multipart/mixed; boundary="b"'},
         "--b\r\n" + "\r\nx\r\n--b\r\n" * 1_001 + "--b--", "too-many-parts"),
        ({"Content_Type": 'multipart/mixed; boundary="b0"'},
         "".join(f'--b{n}\r\nContent-Type: multipart/mixed; boundary="b{n + 1}"\r\n\r\n'
                 for n in range(20)), "too-deep"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)  # fmt: skip
def test_what_cannot_be_read_or_must_not_be_changed(
    headers: dict[str, str], body: str, reason: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        bodies.read(read(make_message(body, **headers)))
    assert refused.value.reason == reason


def test_a_text_in_second_place_is_no_body_but_all_alternatives_are() -> None:
    made = newsletter()
    made.add_attachment("A note\n", filename=None, disposition="inline")
    body = bodies.read(read(made.as_bytes()))
    assert [text.is_body for text in body.texts] == [True, True, False]


@pytest.mark.parametrize(
    ("html", "look"),
    [
        ("<!--><a href=https://evil.example/>x</a><!-- -->", Look(("https://evil.example/",))),
        ("<!--[if mso]><v:rect href=https://evil.example/><![endif]-->", Look(("https://evil.example/",))),
        ("<style>p { background: url(https://evil.example/) }</style>", Look(("https://evil.example/",))),
        ("<a href=https://shop.example/ href=//evil>x</a>", Look(("https://shop.example/", "//evil"))),
        ("<!-- <script>x</script> -->", Look(unreadable="embedded")),
        ("<SCRIPT>x</script>", Look(unreadable="embedded")),
        ("<iframe/src=https://evil.example/></iframe>", Look(unreadable="embedded")),
        ("<!-- it never ends", Look(unreadable="unreadable")),
        ("<a href='it never ends", Look(unreadable="unreadable")),
    ],
)  # fmt: skip
def test_security_mail_is_looked_through_also_where_browsers_see_nothing(
    html: str, look: Look
) -> None:
    message = make_message(f"{html}\r\n", Content_Type="text/html; charset=UTF-8")
    assert bodies.look(read(message)) == look


def test_html_that_never_ends_costs_little() -> None:
    """Quadratic on purpose: each `<!--` might be a comment."""
    body = "<!-- " * 40_000
    message = make_message(
        "".join(body[at : at + 900] + "\r\n" for at in range(0, len(body), 900)),
        Content_Type="text/html",
    )
    began = time.process_time()
    assert bodies.look(read(message)).unreadable == "unreadable"
    assert time.process_time() - began < 1


@given(
    st.recursive(
        st.tuples(
            st.sampled_from(["text/plain", "text/html", "image/png", "text/calendar"]),
            st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=200),
        ),
        lambda inner: st.tuples(
            st.sampled_from(["mixed", "alternative", "related"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        max_leaves=6,
    )
)
def test_any_tree_of_parts_is_read_as_the_standard_library_reads_it(tree: object) -> None:
    made = _built(tree)
    made["From"] = "news@shop.example"
    before = read(made.as_bytes(policy=policy.SMTP))
    body = bodies.read(before)
    expected = [
        words(part)
        for part in parsed(b"".join(before.parts)).walk()
        if part.get_content_type() in bodies.TEXTS
    ]
    assert [text.text for text in body.texts] == expected

    after = bodies.rewritten(before, body, lambda text: text.text + "[+]")

    found = [
        words(part)
        for part in parsed(b"".join(after.parts)).walk()
        if part.get_content_type() in bodies.TEXTS
    ]
    assert [text.rstrip("\n") for text in found] == [text + "[+]" for text in expected]


def _built(tree: object) -> EmailMessage:
    made = EmailMessage(policy=policy.SMTP)
    kind, content = tree  # type: ignore[misc]
    if isinstance(content, list):
        made["Content-Type"] = f"multipart/{kind}"
        for each in content:
            made.attach(_built(each))
        return made
    main, sub = kind.split("/")
    if main == "text":
        made.set_content(content, subtype=sub)
    else:
        made.set_content(content.encode(), maintype=main, subtype=sub)
    return made


LINES = (
    b"Content-Type: text/html; charset=UTF-8", b'content-type: text/plain;\r\n charset="iso-8859-1"',
    b"Content-Type: multipart/mixed; boundary=b1", b"Content-Transfer-Encoding: base64",
    b"CONTENT-DISPOSITION: attachment", b"Content-ID: <x>", b"Subject: hello", b"X:y",
    b"X: y\r\n\tContent-Type: image/png", b"Content-Type : image/png", b"no header", b" continued",
    b"X: y\rContent-Type: image/png", b"X: y\nContent-Type: image/png", b"X: \xc3\xa9", b"Content-",
    b"From x y", b":nothing", b"",
)  # fmt: skip


@given(st.lists(st.sampled_from(LINES), max_size=6))
def test_what_tells_nothing_of_the_part_changes_nothing(lines: list[bytes]) -> None:
    block = b"".join(line + b"\r\n" for line in lines)

    assert bodies._head(block) == bodies._read_head(block)


@pytest.mark.parametrize(
    "to",
    ["Ada <ada@shop.example>", "Ada Mary Love <a.b+c@shop.example>", "Ada (Love) <a@shop.example>",
     "ada@shop.example", "A <a@shop.example>, B <b@shop.example>", '"Love, Ada" <a@shop.example>'],
)  # fmt: skip
def test_people_are_called_as_the_standard_library_has_it(to: str) -> None:
    called = bodies.called(read(f"From: a@shop.example\r\nTo: {to}\r\n\r\nHello\r\n".encode()))

    assert called == [name for name, _ in getaddresses([to]) if name]


def test_a_person_who_judges_reads_the_words_of_html_as_they_are_seen() -> None:
    page = (
        "<style>p{}</style><p>He<b>l</b>lo <i>Ada</i>: <a href=x>shop</a>!<table><tr><td>1<td>2</table>"
        "<div>So&shy; <font color=white>h</font>i<!-- unseen -->"
    )
    raw = make_message(page, Content_Type="text/html; charset=utf-8")

    assert bodies.plain(raw) == "Hello Ada: shop!\n1 2\nSo hi"
