"""The pages of a connection: what they say, whom they let in, and what they give away to nobody."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from relay import languages
from relay.context import Relay
from relay.db import new_id
from relay.models import Account, ApiKey, Domain, Site, SiteConnection
from relay.pages.browser import COOKIE
from relay.services.accounts import NewKey
from relay.vocabulary import AccountOpening, State
from tests import factories
from tests.connecting import OWNER, Owner, asking, back, letters_to, said
from tests.fakes import FakeClock
from tests.pages.people import everything
from tests.pages.test_frame import Outline

STRANGER = "stranger@customer.example"


@pytest.fixture
def owner(relay: Relay, client: FlaskClient) -> Owner:
    """Somebody who is about to connect a site."""
    return Owner(relay, client)


def another_browser(owner: Owner) -> Owner:
    return Owner(owner.relay, owner.client.application.test_client())


# --- the beginning --------------------------------------------------------------------------


def test_looking_writes_nothing(owner: Owner) -> None:
    before = everything(owner.relay)

    for answer in (owner.ask(), owner.ask(return_="https://evil.example/"), owner.ask(state="")):
        assert answer.status_code in (200, 400, 303)

    assert everything(owner.relay) == before


def test_an_unsafe_way_back_is_not_taken(owner: Owner) -> None:
    for wrong in ({"return_": "https://evil.example/"}, {"site": ""}, {"return_": ""}):
        answer = owner.ask(**wrong)
        assert answer.status_code == 400
        assert "This cannot be connected" in said(answer)
        assert 'href="https://evil' not in answer.text
        assert "Location" not in answer.headers


def test_a_malformed_request_goes_back_with_a_word_about_it(owner: Owner) -> None:
    assert back(owner.ask(challenge="x")) == {
        "page": "postreeve",
        "error": "invalid_request",
        "state": "a-state-of-the-plugin",
    }
    assert "state" not in back(owner.ask(state="<script>"))


def test_whoever_changes_their_mind_goes_back_without_a_code(owner: Owner) -> None:
    link = re.search(r'href="(https://shop\.example/wp-admin[^"]+)"', owner.ask().text)
    assert link
    assert link.group(1).endswith("&amp;error=access_denied&amp;state=a-state-of-the-plugin")


def test_what_a_site_calls_itself_brings_no_markup(owner: Owner) -> None:
    name = '<script>alert(1)</script>"onload='
    owner.send_address(name=name)
    assert "<script" not in owner.page
    assert "<script" not in owner.get(owner.link()).text


# --- signing in -----------------------------------------------------------------------------


def test_the_answer_is_the_same_whoever_has_the_address(owner: Owner, account: Account) -> None:
    pages = []
    for address in (OWNER, STRANGER):
        owner.send_address(address)
        pages.append(re.sub(r"[0-9a-f-]{36}|[0-9a-f]{64}", "", owner.page.replace(address, "")))
    assert pages[0] == pages[1]
    assert letters_to(owner.relay, OWNER)[0][:80] == letters_to(owner.relay, STRANGER)[0][:80]


@pytest.mark.parametrize("typed", ["", "nobody", "a b@shop.example", "x@y@z", "\x00@shop.example"])
def test_what_is_no_address_is_said_at_the_field(typed: str, owner: Owner) -> None:
    owner.ask()
    answer = owner.fill(f"/connect/sign-in?{urlencode(asking())}", email=typed)

    assert answer.status_code == 400
    outline = Outline(answer.text)
    (field,) = (each for each in outline.named("input") if each.get("id") == "email")
    assert field["aria-invalid"] == "true"
    assert "email-error" in (field["aria-describedby"] or "")
    assert {"href": "#email"} in outline.named("a")


def test_the_link_works_once(owner: Owner) -> None:
    owner.sign_in()
    link = owner.link()

    assert owner.get(link).status_code == 404
    assert owner.fill(link).status_code == 404


def test_looking_at_the_link_does_not_use_it_up(owner: Owner) -> None:
    path = owner.send_address()
    for _ in range(3):
        assert another_browser(owner).get(owner.link()).status_code == 200
    owner.get(owner.link())
    assert owner.fill(owner.link()).location == path


def test_a_link_that_somebody_has_stolen_signs_nobody_in(owner: Owner) -> None:
    path = owner.send_address()
    thief = another_browser(owner)

    page = thief.get(owner.link())
    assert "This link belongs to another browser" in said(page)
    assert "https://shop.example" in said(page)
    thief.ask()
    assert thief.fill(owner.link()).status_code == 404
    assert thief.get(path).status_code == 404

    owner.get(owner.link())
    assert owner.fill(owner.link()).status_code == 303


def test_the_number_signs_in_where_the_connection_was_begun(owner: Owner) -> None:
    path = owner.send_address()
    number = owner.number()
    thief = another_browser(owner)
    thief.ask()
    assert thief.fill(f"{path}/number", number=number).status_code == 404

    answer = owner.fill(f"{path}/number", number=f" {number[:4]}-{number[5:]} ")

    assert answer.location == path
    assert "Which website" in owner.get(path).text or "Your account" in owner.page
    assert owner.fill(f"{path}/number", number=number).status_code == 404


def test_a_number_may_be_typed_in_arabic_digits(owner: Owner) -> None:
    path = owner.send_address()
    number = owner.number().translate({ord(str(n)): chr(0x660 + n) for n in range(10)})
    assert owner.fill(f"{path}/number", number=number).location == path


def test_five_wrong_numbers_are_enough(owner: Owner) -> None:
    path = owner.send_address()
    wrong = "0000 0000" if owner.number() != "0000 0000" else "1111 1111"
    for _ in range(5):
        answer = owner.fill(f"{path}/number", number=wrong)
        assert answer.status_code == 400
        assert "That is not the number from the mail" in said(answer)

    assert owner.fill(f"{path}/number", number=owner.number()).status_code == 400
    owner.get(owner.link())
    assert owner.fill(owner.link()).location == path  # the link is a secret of its own


def test_link_and_number_are_over_after_an_hour(owner: Owner, clock: FakeClock) -> None:
    path = owner.send_address()
    clock.advance(minutes=59)
    assert owner.get(owner.link()).status_code == 200
    clock.advance(minutes=1)

    assert owner.get(owner.link()).status_code == 404
    owner.get(path)
    assert owner.fill(f"{path}/number", number=owner.number()).status_code == 404


def test_a_signed_in_browser_needs_no_second_letter(
    owner: Owner, site: Site, clock: FakeClock
) -> None:
    owner.code()
    letters = len(letters_to(owner.relay, OWNER))
    assert f"You are signed in as {OWNER}" in said(owner.ask(site="https://shop.example/two"))

    path = owner.send_address(site="https://shop.example/two")
    assert "Which website is it?" in owner.get(path).text
    assert len(letters_to(owner.relay, OWNER)) == letters

    clock.advance(hours=1)
    assert "You are signed in" not in said(owner.ask())
    assert owner.get(path).status_code == 404


def test_another_address_is_asked_for_after_signing_out(owner: Owner) -> None:
    path = owner.sign_in()
    answer = owner.fill(f"{path}/other")

    assert answer.location.startswith("/connect?")
    assert "You are signed in" not in said(owner.get(answer.location))
    assert "Look into your mailbox" in owner.get(path).text


def test_the_browser_s_secret_changes_when_somebody_signs_in(owner: Owner) -> None:
    owner.send_address()
    planted = owner.client.get_cookie(COOKIE, path="/connect")
    assert planted
    path = owner.sign_in()

    thief = another_browser(owner)
    thief.client.set_cookie(COOKIE, planted.value, path="/connect")
    assert thief.get(path).status_code == 404


def test_two_sites_can_be_connected_side_by_side(owner: Owner) -> None:
    one = owner.send_address(site="https://shop.example/one")
    two = owner.sign_in(site="https://shop.example/two")
    assert "https://shop.example/two" in owner.get(two).text
    assert "https://shop.example/one" in owner.get(one).text  # signed in there, too


def test_the_cookie_is_for_these_pages_only(owner: Owner) -> None:
    cookie = owner.ask().headers["Set-Cookie"]
    for part in ("HttpOnly", "Path=/connect", "SameSite=Lax", "Secure", "Max-Age="):
        assert part in cookie
    assert OWNER not in cookie


def test_without_encryption_the_cookie_comes_all_the_same(owner: Owner, app: Flask) -> None:
    app.extensions["relay"] = replace(
        owner.relay, settings=replace(owner.relay.settings, public_url="http://127.0.0.1:8025")
    )
    assert "Secure" not in owner.ask().headers["Set-Cookie"]


@pytest.mark.parametrize("cookie", ["", "nonsense", "x" * 4_000])
def test_a_cookie_that_is_not_ours_counts_for_nothing(cookie: str, owner: Owner) -> None:
    path = owner.sign_in()
    owner.client.set_cookie(COOKIE, cookie, path="/connect")
    assert owner.get(path).status_code == 404


# --- forms of other websites ----------------------------------------------------------------


def test_a_form_of_another_website_begins_nothing(owner: Owner) -> None:
    answer = owner.client.post(
        f"/connect/sign-in?{urlencode(asking())}", data={"email": OWNER, "mark": "0" * 64}
    )
    assert answer.status_code == 400
    assert "keeps no cookies" in said(answer)
    assert letters_to(owner.relay, OWNER) == []


@pytest.mark.parametrize("mark", ["", "0" * 64, "ä"])
def test_a_form_of_another_website_connects_nothing(mark: str, owner: Owner) -> None:
    path = owner.sign_in()
    form = {"account_name": "x", "volume": "100", "purpose": "x", "agreed": "yes", "mark": mark}
    assert owner.client.post(path, data=form).status_code == 400
    assert owner.client.post(f"{path}/number", data={"mark": mark}).status_code == 400
    with owner.relay.reads() as session:
        assert session.scalars(select(Account)).all()[1:] == []  # the house's own alone


def test_a_form_of_another_website_signs_nobody_in(owner: Owner) -> None:
    owner.send_address()
    answer = owner.client.post(owner.link(), data={"mark": "0" * 64})
    assert answer.status_code == 200
    assert "Sign in to connect this website?" in said(answer)  # the page again, and nothing else


# --- the choice -----------------------------------------------------------------------------

NEW = {"account_name": "Shop Ltd", "volume": "500", "purpose": "Receipts"}


def test_nobody_chooses_who_is_not_signed_in(owner: Owner, account: Account) -> None:
    path = owner.send_address()
    answer = owner.choose(path)
    assert answer.status_code == 200
    assert "Look into your mailbox" in said(answer)


def test_everything_that_is_wrong_is_said_at_once(owner: Owner) -> None:
    path = owner.sign_in()
    answer = owner.choose(path, agreed=None, volume="7")

    assert answer.status_code == 400
    summary = re.findall(r'<a href="#(\w+)">', answer.text)
    assert summary == ["account_name", "volume", "purpose", "agreed"]


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        ("gmail.com", "belongs to a mailbox provider"),
        ("paypa1.com", "looks like a well-known brand"),
        ("co.uk", "Nobody can send from this domain"),
        ("not a domain", "This is not the name of a domain"),
        ("taken.example", "belongs to another account"),
    ],
)
def test_a_domain_that_cannot_be_is_said_in_plain_words_and_nothing_is_written(
    domain: str, words: str, owner: Owner
) -> None:
    with owner.relay.sessions.begin() as session:
        other = factories.make_account(session, name="Another")
        other.owner_email = STRANGER
        factories.make_domain(session, other, "taken.example")
    path = owner.sign_in()
    name = f"mail.{domain}" if domain == "taken.example" else domain

    answer = owner.choose(path, domain=name, **NEW)

    assert answer.status_code == 400
    assert words in said(answer)
    assert 'value="Shop Ltd"' in answer.text
    with owner.relay.reads() as session:
        assert session.scalar(select(Account).where(Account.name == "Shop Ltd")) is None
    assert owner.choose(path, domain="", **NEW).status_code == 303


def test_without_a_domain_nothing_is_claimed_and_no_sender_kept(owner: Owner) -> None:
    code = back(owner.choose(owner.sign_in(), domain="", **NEW))["code"]
    assert owner.fetch(code).get_json()["default_from"] is None
    with owner.relay.reads() as session:
        assert session.scalars(select(Domain)).all() == []


def test_a_site_that_is_known_keeps_its_history_and_its_keys(
    owner: Owner, site: Site, key: NewKey
) -> None:
    path = owner.sign_in()
    assert "We know this address already" in said(owner.get(path))
    body = owner.fetch(back(owner.choose(path))["code"]).get_json()

    assert body["site"]["id"] == str(site.id)
    assert body["account"]["state"] == "active"
    with owner.relay.reads() as session:
        keys = session.scalars(select(ApiKey).order_by(ApiKey.id)).all()
        assert [each.revoked_at is None for each in keys] == [True, True]


def test_older_keys_end_when_the_new_one_is_fetched(
    owner: Owner, site: Site, key: NewKey, clock: FakeClock
) -> None:
    code = back(owner.choose(owner.sign_in(), ends_other_keys="yes"))["code"]
    with owner.relay.reads() as session:
        assert session.scalars(select(ApiKey.revoked_at)).all() == [None]

    owner.fetch(code)

    with owner.relay.reads() as session:
        ended = session.scalars(select(ApiKey.revoked_at).order_by(ApiKey.id)).all()
        assert ended == [clock(), None]


def test_a_site_can_move_to_a_new_address(owner: Owner, site: Site) -> None:
    moved = {"site": "https://new.example", "return_": "https://new.example/wp-admin/"}
    path = owner.sign_in(**moved)
    answer = owner.choose(path, place=f"site:{site.id}", domain="")
    with owner.relay.reads() as session:
        assert (
            session.get_one(Site, site.id).url == "https://shop.example"
        )  # until the key is fetched

    body = owner.fetch(back(answer)["code"], site="https://new.example").get_json()

    assert (body["site"]["id"], body["site"]["url"]) == (str(site.id), "https://new.example")


def test_a_new_site_of_an_account_is_made_once_for_each_address(
    owner: Owner, account: Account
) -> None:
    ids = set()
    for _ in range(2):
        path = owner.sign_in()
        answer = owner.choose(path, place=f"account:{account.id}")
        ids.add(owner.fetch(back(answer)["code"]).get_json()["site"]["id"])
    assert len(ids) == 1


def test_nobody_reaches_into_another_account(owner: Owner, site: Site) -> None:
    with owner.relay.sessions.begin() as session:
        other = factories.make_account(session, name="Another")
        other.owner_email = STRANGER
        theirs = factories.make_site(session, other, url="https://theirs.example")
    path = owner.sign_in()
    assert "theirs.example" not in owner.get(path).text
    for place in (f"site:{theirs.id}", f"account:{other.id}", "", "site:x"):
        answer = owner.choose(path, place=place)
        assert answer.status_code == 400
        assert "Please choose which website it is" in said(answer)


def test_a_connection_is_made_once(owner: Owner, site: Site) -> None:
    path = owner.sign_in()
    assert owner.choose(path).status_code == 303
    assert owner.choose(path).status_code == 404
    assert owner.get(path).status_code == 404


def test_a_connection_that_waits_for_an_hour_is_over(
    owner: Owner, site: Site, clock: FakeClock
) -> None:
    path = owner.sign_in()
    clock.advance(minutes=59)
    assert owner.get(path).status_code == 200
    clock.advance(minutes=1)
    assert owner.choose(path).status_code == 404


def test_the_form_may_lead_back_to_the_site_and_nowhere_else(owner: Owner, site: Site) -> None:
    policy = owner.get(owner.sign_in()).headers["Content-Security-Policy"]
    assert "form-action 'self' https://shop.example https://www.shop.example;" in policy
    assert "form-action 'self';" in owner.ask().headers["Content-Security-Policy"]


# --- accounts -------------------------------------------------------------------------------


def opening(owner: Owner, app: Flask, how: AccountOpening) -> None:
    owner.relay = replace(owner.relay, settings=replace(owner.relay.settings, sign_up=how))
    app.extensions["relay"] = owner.relay


def test_where_sign_up_is_open_an_account_may_send_at_once(owner: Owner, app: Flask) -> None:
    opening(owner, app, AccountOpening.OPEN)
    code = back(owner.choose(owner.sign_in(), **NEW))["code"]
    assert owner.fetch(code).get_json()["account"]["state"] == "active"


def test_where_it_is_closed_that_is_said_to_the_proven_address_alone(
    owner: Owner, app: Flask, client: FlaskClient
) -> None:
    opening(owner, app, AccountOpening.CLOSED)
    path = owner.send_address()
    assert "Look into your mailbox" in said(owner.get(path))
    owner.get(owner.link())
    owner.fill(owner.link())

    assert "There is no account for this address" in said(owner.get(path))
    assert owner.choose(path, **NEW).status_code == 403


def test_who_was_ended_for_good_opens_nothing_new(owner: Owner, account: Account) -> None:
    with owner.relay.sessions.begin() as session:
        session.get_one(Account, account.id).state = State.TERMINATED
    path = owner.sign_in()
    assert owner.get(path).status_code == 403
    assert owner.choose(path, **NEW).status_code == 403


def test_an_account_is_found_by_any_spelling_of_its_address(owner: Owner, account: Account) -> None:
    owner.address = "Owner@SHOP.example"
    assert "Which website is it?" in owner.get(owner.sign_in()).text


def test_a_site_that_was_ended_is_not_connected_anew(owner: Owner, site: Site) -> None:
    with owner.relay.sessions.begin() as session:
        session.get_one(Site, site.id).state = State.TERMINATED
    path = owner.sign_in()
    assert str(site.id) not in owner.get(path).text
    for place in (f"site:{site.id}", f"account:{site.account_id}"):
        answer = owner.choose(path, place=place)
        assert answer.status_code == 400
    assert "This website was ended for good" in said(answer)


def test_a_suspended_account_gets_no_site_and_no_key_in_the_browser_either(
    owner: Owner, site: Site
) -> None:
    path = owner.sign_in()
    with owner.relay.sessions.begin() as session:
        session.get_one(Account, site.account_id).state = State.SUSPENDED
    before = everything(owner.relay)

    for place in (f"site:{site.id}", f"account:{site.account_id}"):
        answer = owner.choose(path, place=place, domain="new.example")
        assert answer.status_code == 400
        assert "This account is suspended: no website can be connected with it." in said(answer)

    assert everything(owner.relay) == before


def test_a_code_of_an_account_that_was_suspended_since_fetches_no_key(
    owner: Owner, site: Site
) -> None:
    code = back(owner.choose(owner.sign_in(), place=f"site:{site.id}"))["code"]
    with owner.relay.sessions.begin() as session:
        session.get_one(Account, site.account_id).state = State.SUSPENDED

    assert owner.fetch(code).status_code == 422


# --- limits ---------------------------------------------------------------------------------


def test_a_mailbox_gets_three_letters_an_hour_however_it_is_spelt(
    owner: Owner, clock: FakeClock
) -> None:
    owner.client.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    for address in ("a.da@gmail.com", "ada+x@gmail.com", "ada@googlemail.com", "ada@gmail.com"):
        owner.send_address(address)
        assert "Look into your mailbox" in owner.page
    assert letters_to(owner.relay, "ada@gmail.com") == []

    clock.advance(hours=1)
    owner.send_address("ada@gmail.com")
    assert len(letters_to(owner.relay, "ada@gmail.com")) == 1


def test_a_stranger_cannot_see_whether_a_letter_went_out(owner: Owner) -> None:
    owner.client.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    answers = []
    for _ in range(4):
        path = owner.send_address()
        answer = owner.fill(f"{path}/number", number="1234 5678")
        answers.append((answer.status_code, re.sub(r"[0-9a-f-]{36}|[0-9a-f]{64}", "", answer.text)))
    with owner.relay.reads() as session:
        assert session.scalars(select(SiteConnection.sent)).all().count(False) == 1
    assert answers == answers[:1] * 4
    assert answers[0][0] == 400


def test_a_letter_that_a_stranger_asked_for_brings_the_owner_to_their_own_site(
    owner: Owner,
) -> None:
    stranger = another_browser(owner)
    for number in range(7):
        stranger.client.environ_base["REMOTE_ADDR"] = f"198.51.{number}.1"
        stranger.send_address(OWNER, site="https://evil.example", return_="https://evil.example/x")
    path = owner.send_address()

    page = said(owner.get(owner.link()))
    assert "https://shop.example" in page
    assert "evil.example" not in page
    assert owner.fill(owner.link()).location == path
    assert "Connect this website" in owner.get(path).text or "Your account" in owner.page
    assert stranger.fill(owner.link()).status_code == 404


def test_too_many_from_one_address_meet_a_page(owner: Owner) -> None:
    owner.client.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    for number in range(20):
        owner.send_address(f"a{number}@shop.example")
    owner.ask()
    answer = owner.fill(f"/connect/sign-in?{urlencode(asking())}", email=OWNER)

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "3600"
    assert "Too many at once" in said(answer)


def test_a_network_asks_for_five_accounts_a_day(owner: Owner, clock: FakeClock) -> None:
    owner.client.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    for number in range(5):
        owner.address = f"a{number}@shop.example"
        assert owner.choose(owner.sign_in(), domain="", **NEW).status_code == 303
        owner.client.delete_cookie(COOKIE, path="/connect")
    owner.address = OWNER
    assert owner.choose(owner.sign_in(), domain="", **NEW).status_code == 429
    clock.advance(days=1)
    owner.client.delete_cookie(COOKIE, path="/connect")
    assert owner.choose(owner.sign_in(), domain="", **NEW).status_code == 303


def test_an_account_connects_two_hundred_sites_a_day(owner: Owner, site: Site) -> None:
    assert owner.choose(owner.sign_in()).status_code == 303
    with owner.relay.sessions.begin() as session:
        seen = session.scalars(select(SiteConnection).limit(1)).one()
        values = {c.name: getattr(seen, c.name) for c in SiteConnection.__table__.columns}
        for number in range(200):
            fresh = {"token_digest": f"t{number}", "code_digest": f"c{number}"}
            session.add(SiteConnection(**values | fresh | {"id": new_id(), "mailbox": "x"}))
    assert owner.choose(owner.sign_in()).status_code == 429


# --- the letter that takes it back ----------------------------------------------------------


def test_a_letter_s_link_ends_the_key_by_a_button(owner: Owner, site: Site) -> None:
    owner.fetch(owner.code())
    (path,) = re.findall(r"https://relay\.example(/connect/undo/\S+)", owner.letter())
    before = everything(owner.relay)
    assert "End this website’s key?" in said(owner.client.get(path))
    assert everything(owner.relay) == before

    for _ in range(2):
        assert "The key has ended" in said(owner.client.post(path))
    with owner.relay.reads() as session:
        assert session.scalars(select(ApiKey)).one().revoked_at is not None
    assert owner.client.post(f"{path[:-4]}AAAA").status_code == 404


# --- how they are made ----------------------------------------------------------------------


@pytest.mark.parametrize("language", list(languages.LANGUAGES))
def test_all_pages_are_whole_in_every_language(language: str, owner: Owner, site: Site) -> None:
    pages = [owner.ask(lang=language)]
    path = owner.send_address(lang=language)
    link = owner.link()
    pages += [owner.get(path), owner.get(link), another_browser(owner).get(link)]
    owner.get(link)
    owner.fill(link)
    pages += [owner.get(path), owner.choose(path, agreed=None)]

    for page in pages:
        outline = Outline(page.text)
        assert outline.named("html")[0]["lang"] == language
        assert outline.named("script") == []
        fields = [
            each
            for tag in ("input", "select", "textarea")
            for each in outline.named(tag)
            if each.get("type") not in ("hidden", "checkbox")
        ]
        labelled = {each.get("for") for each in outline.named("label")}
        assert all(each.get("id") in labelled for each in fields)
        described = " ".join(each.get("aria-describedby") or "" for each in fields).split()
        ids = {attributes.get("id") for _, attributes in outline.tags}
        assert set(described) <= ids
        assert len(outline.named("h1")) == 1


def test_a_link_to_another_language_keeps_what_was_asked(owner: Owner) -> None:
    outline = Outline(owner.ask().text)
    german = next(each for each in outline.named("a") if each.get("lang") == "de")
    answer = owner.client.get(f"/connect{german['href']}")
    assert "Diese Website verbinden?" in said(answer)
    assert "https://shop.example" in said(answer)


def test_after_a_wrong_number_the_language_can_still_be_changed(owner: Owner) -> None:
    path = owner.send_address()
    owner.fill(f"{path}/number", number="1")
    assert owner.client.get(f"{path}/number?lang=de").location == f"{path}?lang=de"


def test_a_fault_of_ours_is_no_blank_page(owner: Owner, app: Flask) -> None:
    def broken() -> None:
        raise RuntimeError("the disk is full")

    app.extensions["relay"] = replace(owner.relay, reads=broken)
    answer = owner.client.get(f"/connect/link/{'x' * 43}")
    assert answer.status_code == 503
    assert "Something is wrong on our side" in said(answer)
