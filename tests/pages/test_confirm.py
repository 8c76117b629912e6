"""/confirm, /not-me and /challenge: one button, nothing by looking, and nothing to probe."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from relay.context import Relay
from relay.models import MailingList, Site
from tests.consent import asked_by_mail, confirm, mails, sign_up
from tests.fakes import FakeClock
from tests.pages.people import everything


@pytest.fixture
def token(relay: Relay, site: Site, news: MailingList) -> str:
    """The link in ada's mail."""
    return asked_by_mail(relay, site, consent_text="Yes, <b>news</b> once a month.")


@pytest.fixture
def question(relay: Relay, site: Site, news: MailingList) -> str:
    """The challenge that ada meets at a flooded form."""
    found = [sign_up(relay, site, f"p{n}@customer.example") for n in range(11)][-1]
    assert found is not None
    return found


def test_the_page_says_what_one_agrees_to_and_has_one_button(
    client: FlaskClient, token: str, news: MailingList
) -> None:
    page = client.get(f"/confirm/{token}")
    assert page.status_code == 200
    for told in (
        news.name, "The shop", "Shop Ltd", "1 Market Street", news.privacy_url,
        "@customer.example</bdi>", "Yes, &lt;b&gt;news&lt;/b&gt; once a month.",
    ):  # fmt: skip
        assert told in page.text
    assert page.text.count("<button") == 1
    assert '<form method="post">' in page.text
    assert "ada@" not in page.text


@pytest.mark.parametrize("method", ["get", "head", "options"])
@pytest.mark.parametrize("place", ["confirm", "not-me"])
def test_looking_changes_nothing(
    method: str, place: str, client: FlaskClient, relay: Relay, token: str
) -> None:
    before = everything(relay)
    for query in ("", "?lang=de", "?confirm=yes"):
        assert client.open(f"/{place}/{token}{query}", method=method.upper()).status_code == 200
    assert everything(relay) == before


def test_looking_at_the_question_changes_nothing(
    client: FlaskClient, relay: Relay, question: str
) -> None:
    before = everything(relay)
    for method in ("GET", "HEAD", "OPTIONS"):
        assert client.open(f"/challenge/{question}", method=method).status_code == 200
    assert everything(relay) == before


def test_the_button_confirms_and_pressing_again_is_as_good(
    client: FlaskClient, relay: Relay, token: str
) -> None:
    first = client.post(f"/confirm/{token}")
    assert (first.status_code, "You are subscribed" in first.text) == (200, True)
    after = everything(relay)
    again = client.post(f"/confirm/{token}")
    assert (again.status_code, again.data) == (200, first.data)
    assert client.get(f"/confirm/{token}").data == first.data
    assert everything(relay) == after


@pytest.mark.parametrize("stuck", [".", ">", ")", "/", "%20", '".', "]."])
def test_what_a_mail_program_leaves_stuck_to_a_link_does_no_harm(
    stuck: str, client: FlaskClient, token: str
) -> None:
    assert client.get(f"/confirm/{token}{stuck}").status_code == 200
    assert "You are subscribed" in client.post(f"/confirm/{token}{stuck}").text
    assert client.get(f"/confirm/{token}x").status_code == 404


def test_not_me_closes_the_link(client: FlaskClient, relay: Relay, token: str) -> None:
    page = client.get(f"/not-me/{token}")
    assert page.text.count("<button") == 1
    done = client.post(f"/not-me/{token}")
    assert (done.status_code, "that is settled" in done.text) == (200, True)
    assert client.post(f"/not-me/{token}").data == done.data
    assert client.get(f"/confirm/{token}").status_code == 404
    assert client.post(f"/confirm/{token}").status_code == 404


def test_a_link_that_is_over_looks_like_one_that_never_was(
    client: FlaskClient, relay: Relay, site: Site, token: str, clock: FakeClock
) -> None:
    clock.advance(days=1)
    used = asked_by_mail(relay, site)
    confirm(relay, used)
    client.post(f"/not-me/{used}")
    clock.advance(days=6)
    for method in ("get", "post"):
        answers = [
            client.open(f"/confirm/{each}", method=method.upper())
            for each in (token, used, "x" * 43, "short", "%00", "é" * 300)
        ]
        assert {each.status_code for each in answers} == {404}
        assert len({each.data for each in answers}) == 1
        assert "sign up once more" in answers[0].text


def test_the_page_speaks_the_language_of_the_sign_up_unless_asked_otherwise(
    client: FlaskClient, relay: Relay, site: Site, news: MailingList
) -> None:
    token = asked_by_mail(relay, site, language="ar")
    page = client.get(f"/confirm/{token}", headers={"Accept-Language": "de"})
    assert '<html lang="ar" dir="rtl">' in page.text
    assert '<html lang="es"' in client.get(f"/confirm/{token}?lang=es").text


@pytest.mark.parametrize("place", ["confirm", "not-me", "challenge"])
def test_nobody_keeps_indexes_or_frames_these_pages(
    place: str, client: FlaskClient, token: str, question: str
) -> None:
    for each in (question if place == "challenge" else token, "unknown"):
        for method in ("GET", "POST"):
            headers = client.open(f"/{place}/{each}", method=method).headers
            assert headers["Cache-Control"] == "no-store"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert "noindex" in headers["X-Robots-Tag"]
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert "Set-Cookie" not in headers


def test_a_large_form_is_refused(client: FlaskClient, token: str, question: str) -> None:
    big = {"answer": "x" * 20_000}
    assert client.post(f"/challenge/{question}", data=big).status_code == 413


def ask(client: FlaskClient, question: str) -> tuple[str, str]:
    """The right answer to the question on the page, and its hidden stamp."""
    page = client.get(f"/challenge/{question}").text
    return answer_on(page), stamp_on(page)


def stamp_on(page: str) -> str:
    return re.findall(r'name="stamp" value="([\w-]+)"', page)[0]


def answer_on(page: str) -> str:
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    if found := re.search(r"What is (\w+) plus (\w+)\?", page):
        return words[words.index(found[1]) + words.index(found[2]) + 1]
    found = re.search(r"largest: (\d+), (\d+) or (\d+)\?", page)
    assert found is not None
    return str(max(map(int, found.groups())))


def test_the_right_answer_in_a_word_or_in_digits_sends_the_mail(
    client: FlaskClient, relay: Relay, question: str, clock: FakeClock
) -> None:
    mails(relay)
    said, stamp = ask(client, question)
    clock.advance(seconds=5)
    page = client.post(
        f"/challenge/{question}", data={"answer": f" {said.upper()} ", "stamp": stamp}
    )
    assert (page.status_code, "Thank you" in page.text) == (200, True)
    assert [mail.to for mail in mails(relay)] == ["p10@customer.example"]


def test_a_wrong_answer_brings_another_question_and_says_so_to_everybody(
    client: FlaskClient, question: str, clock: FakeClock
) -> None:
    stamps = []
    page = client.get(f"/challenge/{question}")
    for _ in range(5):
        stamps.append(stamp_on(page.text))
        clock.advance(seconds=5)
        page = client.post(f"/challenge/{question}", data={"answer": "zero", "stamp": stamps[-1]})
        if page.status_code == 400:
            assert 'role="alert"' in page.text
            assert 'aria-invalid="true"' in page.text
    assert (page.status_code, "waits its turn" in page.text) == (200, True)


def test_the_bait_is_hidden_from_people_and_readers_of_screens(
    client: FlaskClient, relay: Relay, question: str, clock: FakeClock
) -> None:
    page = client.get(f"/challenge/{question}").text
    assert re.search(r'class="bait" aria-hidden="true">.*name="website" tabindex="-1"', page)
    mails(relay)
    said, stamp = ask(client, question)
    clock.advance(seconds=5)
    filled = {"answer": said, "stamp": stamp, "website": "https://spam.example"}
    assert client.post(f"/challenge/{question}", data=filled).status_code == 400
    assert mails(relay) == []
