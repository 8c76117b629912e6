"""The mails as programs read them, and the mailbox as people read it."""

import json
import re
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator_rig import Simulator, eventually

from simulator import pages, reading

Start = Callable[..., Simulator]

HTML = (
    '<!doctype html><p onclick="steal()">Thank you <img src="https://tracker.example/x.gif">'
    '<img src="cid:logo"><script>steal()</script></p>'
)


def letter(to: str = "ada@company.example") -> bytes:
    message = EmailMessage()
    message["From"] = "Shop <shop@shop.example>"
    message["To"] = to
    message["Subject"] = "Order <b>1204</b>, grüße"
    message.set_content("Thank you.")
    message.add_alternative(HTML, subtype="html")
    html = message.get_payload()[1]  # type: ignore[index]
    html.add_related(b"PNG", maintype="image", subtype="png", cid="<logo>")  # type: ignore[union-attr]
    message.add_attachment(
        b"%PDF", maintype="application", subtype="pdf", filename='../inv"oice\u00e9.pdf'
    )
    return message.as_bytes()


def test_the_ledger_has_one_line_per_accepted_mail(simulator: Simulator) -> None:
    message_id = simulator.send("ada@company.example", "bob@company.example")

    _, headers, body = simulator.open("/mails/ledger")
    lines = [json.loads(line) for line in body.splitlines()]

    assert headers["Content-Type"] == "application/x-ndjson"
    assert len(lines) == simulator.json("/mails/count")["count"]
    assert lines[-1]["id"] == message_id
    assert lines[-1]["destination"] == ["ada@company.example", "bob@company.example"]
    assert lines[-1]["tags"] == {"attempt": "a-1"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", lines[-1]["accepted_at"])


def test_mails_are_listed_newest_first_in_pages(simulator: Simulator) -> None:
    sent = [simulator.send(f"page{n}@paged.example") for n in range(5)]

    first = simulator.json("/mails?limit=2&recipient=paged.example")
    second = simulator.json(f"/mails?limit=3&recipient=PAGED.example&cursor={first['next_cursor']}")

    listed = [mail["id"] for mail in first["mails"] + second["mails"]]
    assert listed == sent[::-1]
    assert second["next_cursor"] is None


def test_mails_are_found_by_tag(simulator: Simulator) -> None:
    tags = [{"Name": "postreeve_attempt", "Value": "0190-77"}]
    message_id = simulator.send("ada@company.example", EmailTags=tags)

    for query in ("tag=postreeve_attempt:0190-77", "tag=postreeve_attempt"):
        assert [mail["id"] for mail in simulator.json(f"/mails?{query}")["mails"]] == [message_id]
    assert simulator.json("/mails?tag=postreeve_attempt:0190-7")["mails"] == []


@pytest.mark.parametrize(
    "path",
    ["/mails/x", "/mails/x/raw", "/read/x", "/mails/0100000000000000-0-0-0-0-000000000000-000000"],
)
def test_an_unknown_mail_is_not_found(simulator: Simulator, path: str) -> None:
    assert simulator.open(path)[0] == 404


def test_a_mail_tells_its_story(simulator: Simulator) -> None:
    message_id = simulator.send("complaint@simulator.amazonses.com", raw=letter())

    eventually(lambda: len(simulator.json(f"/mails/{message_id}")["notices"]) == 3)
    story = simulator.json(f"/mails/{message_id}")

    assert story["subject"] == "Order <b>1204</b>, grüße"
    assert story["outcome"] == "complaint"
    assert [one["type"] for one in story["events"]] == ["Send", "Delivery", "Complaint"]
    assert story["events"][2]["data"]["complaint"]["complaintFeedbackType"] == "abuse"
    assert {one["state"] for one in story["notices"]} == {"acknowledged"}
    assert {one["attempts"] for one in story["notices"]} == {1}


def test_the_mailbox_lists_mails_with_their_outcome(simulator: Simulator) -> None:
    message_id = simulator.send("bounce+list@simulator.amazonses.com", raw=letter())
    eventually(lambda: simulator.json(f"/mails/{message_id}")["outcome"] == "bounced")

    _, headers, body = simulator.open("/?recipient=bounce%2Blist@")
    page = body.decode()

    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "bounce+list@simulator.amazonses.com" in page
    assert "Order &lt;b&gt;1204&lt;/b&gt;, grüße" in page
    assert "Bounced</span>" in page
    assert f'href="/read/{message_id}"' in page


def test_a_mails_own_html_is_shown_where_it_can_do_nothing(simulator: Simulator) -> None:
    message_id = simulator.send("ada@company.example", raw=letter())

    page = simulator.open(f"/read/{message_id}")[2].decode()
    frame = re.search(r"<iframe[^>]*>", page)

    assert frame is not None
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame[0]
    assert "Content-Security-Policy" in frame[0]
    assert "data:image/png;base64,UE5H" in frame[0]
    assert "&lt;script&gt;steal()" in frame[0]
    assert "<script>steal()" not in page
    assert "Pictures and styles from outside are not loaded." in page
    assert "Thank you." in page


def test_attachments_are_saved_and_never_shown(simulator: Simulator) -> None:
    message_id = simulator.send("ada@company.example", raw=letter())
    page = simulator.open(f"/read/{message_id}")[2].decode()
    (path,) = re.findall(r'href="(/mails/[^"]+/parts/\d+)"[^>]*download="[^"]*pdf"', page)

    status, headers, body = simulator.open(path)

    assert (status, body) == (200, b"%PDF")
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    assert "%2F" not in headers["Content-Disposition"]
    assert simulator.open(path.rsplit("/", 1)[0] + "/99")[0] == 404


def test_an_empty_mailbox_says_how_to_fill_it(started: Start) -> None:
    simulator = started()

    page = simulator.open("/")[2].decode()

    assert "No mail yet." in page
    assert simulator.url in page
    assert simulator.open("/static/pico.min.css")[0] == 200


def test_contents_can_be_left_out(started: Start) -> None:
    simulator = started("--drop-contents")

    message_id = simulator.send("ada@company.example")

    raw = simulator.open(f"/mails/{message_id}/raw?form=submitted")[2]
    assert raw.endswith(b"charset=UTF-8\r\n\r\n")
    assert simulator.json(f"/mails/{message_id}")["subject"] == "Hello"


@pytest.mark.parametrize(
    ("age", "words"),
    [
        *((0, "just now"), (30, "30 seconds ago"), (60, "1 minute ago"), (7_199, "1 hour ago")),
        *((7_200, "2 hours ago"), (172_800, "2 days ago"), (-5, "just now")),
    ],
)
def test_times_are_told_in_words(age: int, words: str) -> None:
    assert pages.ago(1_000_000 - age, now=1_000_000) == words


PIECES = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"From: a@b.example", b"Subject: =?utf-8?b?4oKs?=", b"--x", b"--x--"),
        *(b"Content-Type: multipart/mixed; boundary=x", b"Content-Type: text/html; charset=no"),
        *(b"Content-Transfer-Encoding: base64", b"Content-Disposition: attachment; filename*=u'"),
        *(b"Content-Type: text/plain; charset=\xff", b"\xff\x00", b"=?x?q?", b"Content-ID: <"),
        *(b"Content-Type: message/rfc822", b"Content-Type: ", b"<img src=cid:a>"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=14).map(b"".join))
def test_whatever_a_mail_holds_there_is_something_to_show(raw: bytes) -> None:
    shown = reading.read(raw)

    assert shown.attachments is not None
