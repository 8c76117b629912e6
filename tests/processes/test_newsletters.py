"""A newsletter's whole way between real processes: sign up, confirm, get it, leave with one click."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from bench.rig import DOMAIN, Rig, Site

pytestmark = pytest.mark.processes

READERS = [f"reader{n}@customer.example" for n in range(5)]
OTHERS = [f"other{n}@customer.example" for n in range(3)]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig(web_processes=1) as rig:
        yield rig


@pytest.fixture(scope="module")
def site(rig: Rig) -> Site:
    (site,) = rig.make_sites(1)
    rig.relay(
        "list", "create", "news", "--site", site.id, "--name", "Shop news", "--controller", "Shop Ltd",
        "--postal-address", "1 Market Street, Exampleton", "--privacy-url", f"https://{DOMAIN}/privacy",
        "--language", "de", "--sender", f"news@{DOMAIN}",
    )  # fmt: skip
    return site


def call(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    request = urllib.request.Request(url, body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def api(rig: Rig, site: Site, path: str, **body: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {site.key}", "Content-Type": "application/json"}
    status, text = call(f"{rig.web_url}{path}", json.dumps(body).encode(), headers)
    return status, json.loads(text)


def mails(rig: Rig, to: str) -> list[EmailMessage]:
    """What arrived for somebody, oldest first."""
    found = []
    for line in rig.simulator_ledger():
        if line["destination"] == [to]:
            with urllib.request.urlopen(f"{rig.simulator_url}/mails/{line['id']}/raw") as answer:
                found.append(message_from_bytes(answer.read(), policy=policy.SMTP))
    return found  # type: ignore[return-value]


def eventually(look: Callable[[], Any], within: float = 30.0) -> Any:
    ends = time.monotonic() + within
    while not (found := look()) and time.monotonic() < ends:
        time.sleep(0.1)
    assert found
    return found


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


def newsletter(rig: Rig, site: Site) -> dict[str, str]:
    """Send one to everybody; what is said of each."""
    status, receipt = api(
        rig, site, "/v1/messages", **{
            "from": f"Shop <news@{DOMAIN}>", "to": [*READERS, *OTHERS], "subject": "News",
            "text": "Es gibt Neues.", "html": "<p>Es gibt Neues.</p>", "stream": "marketing",
            "list": "news", "headers": {"List-Unsubscribe": f"<https://{DOMAIN}/leave>"},
        },
    )  # fmt: skip
    assert status == 202, receipt
    return {
        each["address"]: (each["reason"] or {}).get("reason") or each["disposition"]
        for each in receipt["recipients"]
    }


def test_from_the_form_to_the_unsubscribe_button(rig: Rig, site: Site) -> None:
    source = {"form": "footer", "consent_text": "Yes, send me the shop's news."}
    for reader in [*READERS, OTHERS[0]]:
        status, _ = api(rig, site, "/v1/subscriptions", email=reader, list="news", source=source)
        assert status == 202
    for reader in READERS:
        (asked,) = eventually(lambda reader=reader: mails(rig, reader))
        (link,) = re.findall(rf"{rig.web_url}/confirm/\S+", text_of(asked))
        assert call(link, b"", {})[0] == 200
    eventually(lambda: mails(rig, OTHERS[0]))  # who was asked too, and does not answer

    said = newsletter(rig, site)

    assert said == (
        dict.fromkeys(READERS, "queued")
        | {OTHERS[0]: "unconfirmed"}
        | dict.fromkeys(OTHERS[1:], "never-subscribed")
    )
    links = {}
    for reader in READERS:
        _, got = eventually(
            lambda reader=reader: len(mails(rig, reader)) == 2 and mails(rig, reader)
        )
        assert got["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert len(got.get_all("List-Unsubscribe")) == 1
        links[reader] = str(got["List-Unsubscribe"]).strip("<>")
        assert links[reader].startswith(f"{rig.web_url}/unsubscribe/")
        assert links[reader] in text_of(got)
        assert "1 Market Street, Exampleton" in text_of(got)
        assert "Abmelden: " in text_of(got) or "Abbestellen: " in text_of(got)
    assert len(set(links.values())) == len(READERS)
    assert [len(mails(rig, other)) for other in OTHERS] == [1, 0, 0]

    with urllib.request.urlopen(links[READERS[1]]):  # a scanner follows the link
        pass
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert call(links[READERS[0]], b"List-Unsubscribe=One-Click", form)[0] == 200

    said = newsletter(rig, site)
    assert said[READERS[0]] == "unsubscribed"
    assert [said[reader] for reader in READERS[1:]] == ["queued"] * 4
    eventually(lambda: len(mails(rig, READERS[1])) == 3)
    assert len(mails(rig, READERS[0])) == 2
