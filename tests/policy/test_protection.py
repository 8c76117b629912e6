"""The narrow door of the protected lane, from bytes to a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relay.addresses import parse
from relay.errors import AccountSuspended
from relay.gateways import bodies
from relay.policy.admission import admit
from relay.policy.facts import Allowance, Facts
from relay.policy.protection import PER_PERSON, is_own_link, why_not
from relay.vocabulary import DomainStatus, Kind, Lane, State, Stream
from tests.factories import make_draft, make_message

RESET = """\
Someone has requested a password reset for the following account:

Site Name: The shop
Username: ada (ada@gmail.com)

If this was a mistake, ignore this email. To reset your password, visit:

https://shop.example/wp-login.php?action=rp&key=abc&login=ada

This request came from the IP address 203.0.113.7 on 3.11.2026, version 6.9.1/en.
"""

FRAME = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1.dtd">'


def world(**given: Any) -> Facts:
    return Facts(
        **{
            "account_state": State.ACTIVE,
            "site_state": State.ACTIVE,
            "domains": {"shop.example": DomainStatus.VERIFIED},
            "site_host": "shop.example",
            "link_host": "shop.example",
        }
        | given
    )


def html(body: str) -> dict[str, Any]:
    return {"message": make_message(body, Content_Type="text/html; charset=UTF-8")}


def mixed(*parts: str) -> dict[str, Any]:
    text = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
    return {"message": make_message(text, Content_Type='multipart/mixed; boundary="b"')}


def security(**given: Any) -> Any:
    draft = make_draft(**{"kind": Kind.SECURITY, "body": RESET} | given)
    return replace(draft, mime=replace(draft.mime, look=bodies.look(draft.mime)))


PLAIN = "Content-Type: text/plain\r\n\r\nhello"

CASES = [
    ({}, None),
    (html(f'{FRAME}<p><a href="https://shop.example/x">Reset</a></p>'), None),
    (html('<a href="https://www.shop.example/x">A</a> <a href="https://id.shop.example">B</a>'), None),
    (html('<a href="mailto:help@gmail.com">A</a> <a href="#top">B</a>'), None),
    (html('<img src="https://cdn.example/logo.png">'), None),
    (html("No link at all, and a & b &lt; c"), None),
    (mixed(PLAIN), None),
    (mixed(PLAIN, "Content-Type: image/png\r\nContent-ID: <logo>\r\n\r\nx"), None),
    # Not so narrow.
    ({"to": ["ada@customer.example", "bob@customer.example"]}, "several-recipients"),
    (mixed(PLAIN, "Content-Type: application/pdf\r\n\r\nx"), "attachment"),
    (mixed(PLAIN, "Content-Type: text/html\r\nContent-Disposition: attachment\r\n\r\nx"), "attachment"),
    (mixed(PLAIN, 'Content-Type: text/plain; name="a.txt"\r\n\r\nx'), "attachment"),
    (mixed(PLAIN, "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nx"), "attachment"),
    ({"body": "Visit https://bank.example/login"}, "foreign-link"),
    ({"body": "Visit www.bank.example now"}, "foreign-link"),
    ({"body": "Visit bank.example/login now"}, "foreign-link"),
    ({"body": "Visit <http://shop.example.bank.example/>."}, "foreign-link"),
    ({"body": "Visit https://shop.example@bank.example/"}, "foreign-link"),
    (html('<a href="https://bank.example">https://shop.example/</a>'), "foreign-link"),
    (html('<a href="https://shop.example">www.bank.example</a>'), "foreign-link"),
    (html('<area HREF=//bank.example/>'), "foreign-link"),
    (html('<a href="&#104;ttps://bank.example">x</a>'), "foreign-link"),
    (html('<form action="https://bank.example"><input></form>'), "foreign-link"),
    (html('<button formaction="https://bank.example">x</button>'), "foreign-link"),
    (html('<base href="https://bank.example/"><a href="/login">x</a>'), "foreign-link"),
    (html('<meta http-equiv="refresh" content="0; url=https://bank.example">'), "foreign-link"),
    (html("<a href='java\tscript:alert(1)'>x</a>"), "foreign-link"),
    (html('<iframe src="https://shop.example/x"></iframe>'), "embedded"),
    (html("<script>location='https://bank.example'</script>"), "embedded"),
    (html('<a href="https://shop.example">x</a><a href="https://bank.example"'), "unreadable"),
    (mixed(PLAIN, "Content-Type: text/html\r\n\r\nhttps://bank.example"), "foreign-link"),
    ({"message": make_message("=FF", Content_Type="text/plain; charset=klingon")}, "unreadable"),
    ({"message": make_message("x", Content_Transfer_Encoding="x-uuencode")}, "encoding"),
    ({"body": "x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 4_000}, "too-large"),
    ({"message": make_message("--b\r\n\r\nx\r\n--b--", Content_Type='multipart/signed; boundary="b"')},
     "sealed"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "verdict"), CASES, ids=[str(n) for n in range(len(CASES))])
def test_what_gets_into_the_protected_lane(given: dict[str, Any], verdict: str | None) -> None:
    assert why_not(security(**given), world()) == verdict


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_links_are_read_through_encodings(encoding: str) -> None:
    body = {
        "base64": "aHR0cHM6Ly9iYW5rLmV4YW1wbGUvbG9naW4=\r\n",
        "quoted-printable": "https://ba=\r\nnk.exam=70le/login\r\n",
    }
    draft = security(message=make_message(body[encoding], Content_Transfer_Encoding=encoding))
    assert draft.mime.look.links == ("https://bank.example/login",)
    assert why_not(draft, world()) == "foreign-link"


@pytest.mark.parametrize(
    ("link", "own"),
    [
        ("https://shop.example/x", True),
        ("HTTP://WWW.Shop.Example.:8080/x", True),
        ("//shop.example/x", True),
        ("shop.example/x", True),
        ("https:\\\\shop.example/x", True),
        ("https://shop.example\t.evil.example/", False),
        ("https://evil.example\\@shop.example/", False),
        ("https://evil.example/https://shop.example", False),
        ("https://evil.example#@shop.example", False),
        ("https://notshop.example/", False),
        ("https://shop.example.evil.example", False),
        ("https://user@shop.example/", False),
        ("https://[shop.example/", False),
        ("https:///x", False),
        ("https://ѕhop.example/", False),  # Cyrillic dze
        ("https://shop。example/", True),  # what browsers take for a dot
        ("ftp://shop.example/", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("mailto:anybody@gmail.com", True),
        ("tel:+4930123456", True),
    ],
)
def test_which_links_stay_on_the_sites_host(link: str, own: bool) -> None:
    assert is_own_link(link, "shop.example") is own


@pytest.mark.parametrize(
    ("link", "host", "own"),
    [
        ("http://127.0.0.1:8080/reset", "127.0.0.1", True),
        ("http://x.127.0.0.1/", "127.0.0.1", False),
        ("http://localhost:8080/reset", "localhost", True),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", True),
        ("https://bücher.example/", "xn--bcher-kva.example", True),
        ("https://shop.example/", "", False),
    ],
)
def test_a_site_may_live_anywhere(link: str, host: str, own: bool) -> None:
    assert is_own_link(link, host) is own


@pytest.mark.parametrize(
    ("person", "site", "verdict"),
    [
        (0, 30, None),
        (PER_PERSON - 1, 1, None),
        (PER_PERSON, 30, "many-to-person"),
        (0, 0, "many-from-site"),
    ],
)
def test_there_is_room_for_three_a_person_and_thirty_a_site(
    person: int, site: int, verdict: str | None
) -> None:
    allowance = Allowance(security=site, protected={parse("ada@customer.example"): person})
    assert why_not(security(), world(allowance=allowance)) == verdict


@pytest.mark.parametrize(
    ("draft", "lane", "because"),
    [
        (security(), Lane.PROTECTED, None),
        (make_draft(), Lane.TRANSACTIONAL, None),
        (make_draft(kind=Kind.SECURITY), Lane.TRANSACTIONAL, "unreadable"),  # nobody has looked
        (security(body="https://bank.example"), Lane.TRANSACTIONAL, "foreign-link"),
        (security(stream=Stream.NOTIFICATION), Lane.NOTIFICATION, "other-stream"),
        (security(List_Id="<x.shop.example>"), Lane.NOTIFICATION, "other-stream"),
    ],
    ids=["reset", "receipt", "unseen", "phish", "notification", "listed"],
)
def test_what_does_not_pass_goes_the_way_of_its_stream_and_is_told_why(
    draft: Any, lane: Lane, because: str | None
) -> None:
    admission = admit(draft, world())
    assert admission.lane is lane
    told = [each for each in admission.remarks if each["code"] == "not-protected"]
    assert [each["because"] for each in told] == ([because] if because else [])


def test_a_suspended_site_gets_nothing_but_the_real_thing_through() -> None:
    shut = world(site_state=State.SUSPENDED)
    assert admit(security(), shut).lane is Lane.PROTECTED
    with pytest.raises(AccountSuspended):
        admit(security(body="https://bank.example"), shut)
