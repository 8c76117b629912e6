"""Newsletters, from acceptance over the worker to the mailbox and back by the unsubscribe link."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from relay.addresses import EmailAddress, parse
from relay.context import Relay
from relay.errors import LinkImpossible, ListUnknown, NobodyToMail
from relay.gateways import bodies, mime
from relay.gateways.mime import PART
from relay.languages import LANGUAGES
from relay.mail import Envelope, Source
from relay.models import Account, Content, MailingList, Recipient, Site
from relay.policy.facts import ListFacts
from relay.services import erasures, messages, newsletters, opt_outs, resends
from relay.services.copies import PLACEHOLDER
from relay.services.messages import Accepted, Request, fingerprint
from relay.vocabulary import (
    Disposition,
    Kind,
    Outcome,
    Stage,
    Stream,
    SubscriptionStatus,
)
from relay.worker import Worker
from tests.factories import make_draft, make_list, make_message, make_site, make_subscription
from tests.fakes import MORNING, FakeMailer
from tests.steps import (
    accept,
    copy_of,
    deliver_due,
    find,
    links,
    statuses,
    submit,
    subscribe,
    tell,
)

ADA = parse("ada@customer.example")
CONFIRMED, UNCONFIRMED = SubscriptionStatus.CONFIRMED, SubscriptionStatus.UNCONFIRMED
UNSUBSCRIBED, EXPIRED = SubscriptionStatus.UNSUBSCRIBED, SubscriptionStatus.EXPIRED
ATTESTED = SubscriptionStatus.ATTESTED
NEWS = {"stream": Stream.MARKETING, "list_id": "news"}
FORUM = {"stream": Stream.NOTIFICATION, "source": Source("bbpress", None)}
URL = re.compile(r"https://relay\.example/unsubscribe/[A-Za-z0-9_-]{540}")


def parsed(envelope: Envelope) -> EmailMessage:
    found = message_from_bytes(b"".join(envelope.parts), policy=policy.SMTP)
    assert isinstance(found, EmailMessage)
    return found


def html_newsletter() -> bytes:
    made = EmailMessage(policy=policy.SMTP)
    made["From"] = "The shop <news@shop.example>"
    made["To"] = "ada@customer.example"
    made["Subject"] = "News"
    made["List-Unsubscribe"] = "<https://shop.example/leave>"
    made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made["List-Id"] = "<news.shop.example>"
    made.set_content("Grüße\n", cte="base64")
    made.add_alternative("<html><body><p>Grüße</p></body></html>\n", subtype="html", cte="base64")
    return made.as_bytes()


def click(client: FlaskClient, envelope: Envelope) -> None:
    """What a mail program does when its unsubscribe button is pressed (RFC 8058 §3.2)."""
    url = str(parsed(envelope)["List-Unsubscribe"]).strip("<>")
    answer = client.post(urlsplit(url).path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200


# --- the whole way --------------------------------------------------------------------------


def test_a_newsletter_to_100_reaches_the_60_who_confirmed_and_explains_the_40(
    relay: Relay, site: Site, mailer: FakeMailer
) -> None:
    people = [parse(f"p{n}@customer.example") for n in range(100)]
    for status, some in {
        CONFIRMED: people[:55], ATTESTED: people[55:60], UNCONFIRMED: people[60:70],
        UNSUBSCRIBED: people[70:80], EXPIRED: people[80:90],
    }.items():  # fmt: skip
        subscribe(relay, site, *some, status=status)
    with relay.sessions.begin() as session:
        found = messages.accept_batch(
            session,
            site.id,
            [
                Request(
                    make_draft(to=[str(each) for each in some], **NEWS), None, fingerprint({}, "")
                )
                for some in (people[::2], people[1::2])
            ],
            links=links(relay),
            now=relay.clock(),
        )

    Worker(relay).run_until_idle()

    assert sorted(copy.recipient for copy in mailer.sent) == sorted(map(str, people[:60]))
    told: dict[str, tuple[str, str | None]] = {}
    for each in found:
        assert isinstance(each, Accepted)
        for row in each.receipt["recipients"]:
            told[row["address"]] = (row["disposition"], (row["reason"] or {}).get("reason"))
    assert [told[str(person)] for person in people] == (
        [("queued", None)] * 60
        + [("no-consent", "unconfirmed")] * 10
        + [("no-consent", "unsubscribed")] * 10
        + [("no-consent", "expired")] * 10
        + [("no-consent", "never-subscribed")] * 10
    )
    with relay.reads() as session:
        held = session.scalars(select(Recipient).where(Recipient.reason.is_not(None))).all()
    assert len(held) == 40
    assert {(each.stage, each.outcome, each.reason["code"]) for each in held if each.reason} == {
        (Stage.DONE, Outcome.SUPPRESSED, "no-consent")
    }


def test_each_copy_carries_one_persons_link_and_pressing_it_stops_the_list_for_them_alone(
    relay: Relay, site: Site, client: FlaskClient
) -> None:
    bob, eve = parse("bob@customer.example"), parse("eve@customer.example")
    subscribe(relay, site, ADA, bob, eve)
    to = [str(ADA), str(bob), str(eve)]
    first = accept(relay, site, to=to, message=html_newsletter(), **NEWS)
    copies = {copy.recipient: copy for copy in deliver_due(relay)}
    whole = {who: b"".join(copy.parts) for who, copy in copies.items()}

    for data in whole.values():
        heads = [
            line for line in data.split(b"\r\n\r\n")[0].split(b"\r\n") if b"nsubscribe" in line
        ]
        assert len(heads) == 2
        assert re.fullmatch(rb"List-Unsubscribe: <https://\S{500,900}>", heads[0])
        assert heads[1] == b"List-Unsubscribe-Post: List-Unsubscribe=One-Click"
    assert len({data.split(b"\r\n")[0] for data in whole.values()}) == 3
    stored = find(relay, site, first).message
    assert stored.removed_headers == ["list-unsubscribe", "list-unsubscribe-post"]
    assert parsed(copies[str(bob)])["List-Id"] == "<news.shop.example>"

    click(client, copies[str(bob)])
    click(client, copies[str(bob)])  # pressed twice

    again = accept(relay, site, to=to, message=html_newsletter(), **NEWS)
    assert {row["address"]: row["disposition"] for row in again["recipients"]} == {
        str(ADA): "queued",
        str(bob): "no-consent",
        str(eve): "queued",
    }
    assert sorted(copy.recipient for copy in deliver_due(relay)) == [str(ADA), str(eve)]


def test_the_link_in_the_text_is_the_one_in_the_head(relay: Relay, site: Site) -> None:
    subscribe(relay, site, ADA)
    accept(relay, site, message=html_newsletter(), **NEWS)
    (copy,) = deliver_due(relay)
    mail = parsed(copy)
    url = str(mail["List-Unsubscribe"]).strip("<>")
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert isinstance(part, EmailMessage)
        text = part.get_content()
        assert "Grüße" in text
        assert set(URL.findall(text)) == {url}
        assert "1 Market Street, Exampleton" in text
        assert PLACEHOLDER[:20] not in text
        assert url.replace("/unsubscribe/", "/report-abuse/") in text
    assert max(len(line) for line in b"".join(copy.parts).split(b"\r\n")[2:]) <= 78


def test_a_large_newsletter_has_its_link_too(relay: Relay, site: Site) -> None:
    made = EmailMessage(policy=policy.SMTP)
    made["From"] = "news@shop.example"
    made.set_content("Hello\n")
    made.add_attachment(b"x" * PART, maintype="application", subtype="pdf", filename="a.pdf")
    subscribe(relay, site, ADA)
    accept(relay, site, message=made.as_bytes(), **NEWS)
    (sent,) = deliver_due(relay)
    assert not isinstance(sent.parts, tuple)  # it is read while it is sent
    mail = parsed(sent)
    body = mail.get_body(("plain",))
    assert isinstance(body, EmailMessage)
    assert URL.findall(body.get_content()) == [str(mail["List-Unsubscribe"]).strip("<>")]


def test_what_is_stored_holds_nobodys_link(relay: Relay, site: Site) -> None:
    subscribe(relay, site, ADA)
    accept(relay, site, message=html_newsletter(), **NEWS)
    with relay.reads() as session:
        (data,) = session.scalars(select(Content.data)).all()
    assert PLACEHOLDER.encode() in data.replace(b"=\r\n", b"")


def test_a_newsletter_sent_again_is_the_same_and_not_longer(relay: Relay, site: Site) -> None:
    subscribe(relay, site, ADA)
    first = accept(relay, site, message=html_newsletter(), **NEWS)
    with relay.reads() as session:
        draft = resends.stored_draft(session, site.id, UUID(first["id"]))
    assert (draft.list_id, draft.stream) == ("news", Stream.MARKETING)
    second = accept(relay, site, draft)
    sizes = [find(relay, site, each).message.size for each in (first, second)]
    assert sizes[0] == sizes[1]


# --- what stops what ------------------------------------------------------------------------

MAIL: dict[str, dict[str, Any]] = {
    "news": NEWS,
    "offers": NEWS | {"list_id": "offers"},
    "forum": FORUM,
    "courses": {"stream": Stream.NOTIFICATION, "source": Source("learndash", None)},
    "receipt": {"stream": Stream.TRANSACTIONAL},
    "reset": {"kind": Kind.SECURITY},
}


def open_ways(relay: Relay, site: Site) -> str:
    """Which mail still reaches Ada."""
    found = []
    for name, given in MAIL.items():
        try:
            accept(relay, site, **given)
        except (NobodyToMail, ListUnknown):
            continue
        found.append(name)
    return " ".join(found)


def only(relay: Relay) -> Envelope:
    """The one copy that leaves."""
    (copy,) = deliver_due(relay)
    return copy


@pytest.mark.parametrize(
    ("from_mail", "event", "still_open"),
    [
        ("news", "click", "offers forum courses receipt reset"),
        ("offers", "click", "news forum courses receipt reset"),
        ("forum", "click", "news offers courses receipt reset"),
        ("news", "Complaint", "receipt reset"),
        ("forum", "Complaint", "receipt reset"),
        ("receipt", "Complaint", "reset"),
        ("news", "Bounce", ""),
    ],
)
def test_what_leaving_a_complaint_and_a_bounce_stop(
    from_mail: str, event: str, still_open: str, relay: Relay, site: Site, client: FlaskClient
) -> None:
    subscribe(relay, site, ADA)
    subscribe(relay, site, ADA, key="offers")
    accept(relay, site, **MAIL[from_mail])
    copy = only(relay)

    if event == "click":
        click(client, copy)
    else:
        assert tell(relay, event, copy)

    assert open_ways(relay, site) == still_open


@pytest.mark.parametrize(
    ("topic", "still_open"),
    [
        ("marketing", "forum courses receipt reset"),
        ("notification", "news offers receipt reset"),
        ("notification:bbpress", "news offers courses receipt reset"),
    ],
)
def test_what_an_opt_out_stops(topic: str, still_open: str, relay: Relay, site: Site) -> None:
    subscribe(relay, site, ADA)
    subscribe(relay, site, ADA, key="offers")
    with relay.sessions.begin() as session:
        opt_outs.opt_out(session, site.id, ADA, topic, evidence={"by": "page"}, now=MORNING)
    assert open_ways(relay, site) == still_open


def test_an_erased_person_gets_receipts_and_no_newsletters(relay: Relay, site: Site) -> None:
    subscribe(relay, site, ADA)
    with relay.sessions.begin() as session:
        erasures.erase(
            session, relay.settings.keyring, site_id=site.id, address=ADA, now=relay.clock()
        )
    with relay.sessions.begin() as session:  # the site signs them up anew, behind our back
        news = session.scalars(select(MailingList).where(MailingList.key == "news")).one()
        make_subscription(session, news, str(ADA))
    assert open_ways(relay, site) == "receipt reset"


def test_an_erasure_under_an_older_key_still_counts(relay: Relay, site: Site) -> None:
    old, new = f"1:{'ab' * 32}", f"2:{'cd' * 32}"
    before = replace(relay, settings=replace(relay.settings, consent_keys=(old,)))
    after = replace(relay, settings=replace(relay.settings, consent_keys=(old, new)))
    with before.sessions.begin() as session:
        erasures.erase(session, before.settings.keyring, site_id=site.id, address=ADA, now=MORNING)
    assert open_ways(after, site) == "receipt reset"


def test_one_site_s_readers_are_none_of_another_s(
    relay: Relay, site: Site, neighbour: Site
) -> None:
    subscribe(relay, site, ADA)
    with pytest.raises(ListUnknown):
        accept(relay, neighbour, **NEWS)
    subscribe(relay, neighbour, parse("bob@customer.example"))
    with pytest.raises(NobodyToMail) as refused:
        accept(relay, neighbour, **NEWS)
    assert refused.value.members["recipients"][0]["reason"] == "never-subscribed"


@pytest.fixture
def neighbour(relay: Relay, site: Site) -> Site:
    with relay.sessions.begin() as session:
        return make_site(session, session.get_one(Account, site.account_id), name="Neighbour")


def test_a_single_mail_and_a_batch_judge_alike(relay: Relay, site: Site) -> None:
    people = {
        "a@customer.example": CONFIRMED,
        "b@customer.example": UNCONFIRMED,
        "c@customer.example": UNSUBSCRIBED,
    }
    for who, status in people.items():
        subscribe(relay, site, parse(who), status=status)
    with relay.sessions.begin() as session:
        opt_outs.opt_out(
            session, site.id, parse("d@customer.example"), "marketing", evidence={}, now=MORNING
        )
    draft = make_draft(to=[*people, "d@customer.example", "e@customer.example"], **NEWS)
    one = submit(relay, site, draft)
    with relay.sessions.begin() as session:
        (other,) = messages.accept_batch(
            session, site.id, [Request(draft, None, "x")], links=links(relay), now=relay.clock()
        )
    assert isinstance(other, Accepted)

    def told(accepted: Accepted) -> list[Any]:
        return [
            (row["address"], row["disposition"], row["reason"])
            for row in accepted.receipt["recipients"]
        ]

    assert told(one) == told(other)
    assert [row[1] for row in told(one)] == [
        Disposition.QUEUED,
        *[Disposition.NO_CONSENT] * 4,
    ]
    assert told(one)[3][2]["reason"] == "opted-out"


def test_the_message_itself_shows_who_was_held_back_and_why(relay: Relay, site: Site) -> None:
    subscribe(relay, site, ADA)
    receipt = accept(relay, site, to=[str(ADA), "bob@customer.example"], **NEWS)
    assert statuses(relay, site, receipt)["bob@customer.example"] == "suppressed"
    held = next(c for c in find(relay, site, receipt).recipients if c.recipient.reason)
    assert held.recipient.reason == {
        "code": "no-consent",
        "reason": "never-subscribed",
        "title": "This person never subscribed to this list",
        "since": None,
        "evidence": {"list": "news"},
    }


# --- headers --------------------------------------------------------------------------------


def test_a_notification_carries_our_pair_instead_of_the_sites(
    relay: Relay, site: Site, client: FlaskClient
) -> None:
    receipt = accept(
        relay, site, List_Unsubscribe="<https://shop.example/leave>", source=Source("bbpress", None)
    )
    copy = only(relay)
    mail = parsed(copy)
    assert URL.fullmatch(str(mail["List-Unsubscribe"]).strip("<>"))
    assert find(relay, site, receipt).message.removed_headers == ["list-unsubscribe"]
    assert mail.get_content() == "Hello Ada.\r\n"
    click(client, copy)
    with pytest.raises(NobodyToMail) as refused:
        accept(relay, site, **FORUM)
    (told,) = refused.value.members["recipients"]
    assert (told["code"], told["reason"]) == ("no-consent", "opted-out")
    assert told["evidence"]["topic"] == "notification:bbpress"


def test_transactional_mail_goes_out_as_it_came(relay: Relay, site: Site) -> None:
    message = make_message()
    accept(relay, site, message=message)
    assert b"".join(only(relay).parts) == message


def test_who_leaves_is_in_the_timeline_of_the_mail(
    relay: Relay, site: Site, client: FlaskClient
) -> None:
    subscribe(relay, site, ADA)
    receipt = accept(relay, site, **NEWS)
    click(client, only(relay))
    assert [event.type.value for event in copy_of(relay, site, receipt).events] == ["unsubscribed"]


# --- the text -------------------------------------------------------------------------------

LIST = ListFacts(UUID(int=1), "news", "News", "Shop & Söhne", "1 Market Street\nExampleton", "en")


def written(message: bytes, mailing_list: ListFacts = LIST) -> EmailMessage:
    read = mime.read(io.BytesIO(message))
    kept = newsletters.with_way_out(read, mailing_list, "https://relay.example")
    found = message_from_bytes(b"".join(kept.parts), policy=policy.SMTP)
    assert isinstance(found, EmailMessage)
    return found


PLACE = f"https://relay.example/unsubscribe/{PLACEHOLDER}"
HTML = {"Content_Type": "text/html; charset=UTF-8"}


@pytest.mark.parametrize(
    ("body", "headers", "becomes"),
    [
        ("Leave: {{unsubscribe_url}}", {}, f"Leave: {PLACE}"),
        ("Leave: {{ Unsubscribe_URL }}!", {}, f"Leave: {PLACE}!"),
        ("Leave: https://postreeve.invalid/unsubscribe", {}, f"Leave: {PLACE}"),
        ('<a href="{{unsubscribe_url}}">x</a>', HTML, f'<a href="{PLACE}">x</a>'),
        ('<a href="%7B%7Bunsubscribe_url%7D%7D">x</a>', HTML, f'<a href="{PLACE}">x</a>'),
        ('<a href="http://postreeve.invalid/unsubscribe/">x</a>', HTML, f'<a href="{PLACE}">x</a>'),
    ],
)
def test_a_site_may_say_where_the_link_stands(
    body: str, headers: dict[str, str], becomes: str
) -> None:
    assert written(make_message(body, **headers)).get_content().rstrip("\r\n") == becomes


def test_a_mark_may_stand_in_base64() -> None:
    body = base64.encodebytes(b"Leave: {{unsubscribe_url}}\n").decode().replace("\n", "\r\n")
    mail = written(make_message(body, Content_Transfer_Encoding="base64"))
    assert mail["Content-Transfer-Encoding"] == "quoted-printable"
    assert mail.get_content() == f"Leave: {PLACE}\r\n"


def test_a_place_that_the_site_wrote_itself_is_left_alone() -> None:
    read = mime.read(io.BytesIO(make_message(f"Leave: {PLACE}\r\n")))
    assert newsletters.with_way_out(read, LIST, "https://relay.example") is read


@pytest.mark.parametrize(
    ("body", "before", "after"),
    [
        ("<html><body><p>x</p></BODY></html>", "<html><body><p>x</p>", "</BODY></html>"),
        ("<p>&lt;/body&gt;</p></body ></html>", "<p>&lt;/body&gt;</p>", "</body ></html>"),
        ("<html><p>x</p></html>", "<html><p>x</p>", "</html>"),
        ("<p>x</p>", "<p>x</p>", ""),
    ],
)
def test_html_gets_the_link_at_the_end_of_its_body(body: str, before: str, after: str) -> None:
    text = written(make_message(body, **HTML)).get_content()
    start, end = text.index("<div lang="), text.index("</div>") + 6
    assert (text[:start].strip(), text[end:].strip()) == (before, after)
    assert text[start:end].count(PLACEHOLDER) == 2
    assert "Shop &amp; S&#246;hne" in text


def test_text_gets_the_link_in_lines_of_its_own_and_keeps_a_link_of_the_site() -> None:
    text = written(make_message("Hello\r\nLeave: https://shop.example/leave\r\n")).get_content()
    assert text.replace("\r\n", "\n") == (
        "Hello\nLeave: https://shop.example/leave\n\n--\n"
        f"Unsubscribe: {PLACE}\n"
        f"Report this mail: {PLACE.replace('/unsubscribe/', '/report-abuse/')}\n"
        "Responsible: Shop & Söhne\n1 Market Street\nExampleton\n"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_link_speaks_the_lists_language_in_any_charset(language: str) -> None:
    spoken = replace(LIST, language=language)
    html = written(make_message("<p>x</p>", Content_Type="text/html; charset=iso-8859-1"), spoken)
    assert f'lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in html.get_content()
    assert html.get_content_charset() == "iso-8859-1"
    text = written(make_message("x", Content_Type="text/plain; charset=iso-8859-1"), spoken)
    assert PLACE in text.get_content()
    assert "Shop & Söhne" in text.get_content()


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ({"Content_Type": 'multipart/signed; boundary="b"'}, "--b\r\n\r\nx\r\n--b--", "sealed"),
        ({"Content_Type": "image/png", "Content_Transfer_Encoding": "base64"}, "eA==", "no-text"),
        ({"Content_Type": "text/plain; charset=klingon"}, "x", "unreadable"),
    ],
)
def test_a_newsletter_that_cannot_carry_a_link_is_refused(
    headers: dict[str, str], body: str, reason: str, relay: Relay, site: Site
) -> None:
    subscribe(relay, site, ADA)
    with pytest.raises(LinkImpossible) as refused:
        accept(relay, site, message=make_message(body, **headers), **NEWS)
    assert refused.value.members["reason"] == reason


def test_other_mail_is_never_looked_into(relay: Relay, site: Site) -> None:
    """Whatever stands in the body of a receipt or notification, it is not even parsed."""
    broken = make_message("x", Content_Type="text/plain; charset=klingon")
    for stream in (Stream.TRANSACTIONAL, Stream.NOTIFICATION):
        accept(relay, site, message=broken, stream=stream)
    assert bodies.look(mime.read(io.BytesIO(broken))).unreadable == "unreadable"


def test_an_archived_list_is_no_list(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        make_list(session, site, key="old", archived_at=MORNING)
    with pytest.raises(ListUnknown):
        accept(relay, site, stream=Stream.MARKETING, list_id="old")


def test_addresses_are_the_same_whatever_their_case(relay: Relay, site: Site) -> None:
    subscribe(relay, site, EmailAddress("ada@customer.example"))
    assert accept(relay, site, to=["ADA@Customer.Example"], **NEWS)["recipients"][0][
        "disposition"
    ] == ("queued")
