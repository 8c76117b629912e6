"""What becomes of a sender's name, and what is remarked about it, from acceptance to storage."""

from __future__ import annotations

import io
import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select, update

from relay.context import Relay
from relay.errors import FreeMailSender, LookAlikeDomain, PostreeveError
from relay.gateways import mime
from relay.models import Account, Content, IdempotencyKey, Message, Site
from relay.services import messages, resends
from relay.services.messages import Accepted, Request, fingerprint
from relay.services.rehearsals import rehearse
from tests import factories
from tests.factories import make_draft
from tests.fakes import FakeMailer
from tests.steps import accept, deliver_due, find, links, submit


def stored_name(relay: Relay, message_id: str) -> str:
    with relay.reads() as session:
        (data,) = session.scalars(
            select(Content.data).where(Content.message_id == UUID(message_id))
        )
    return mime.read(io.BytesIO(data)).sender_name


def codes(receipt: dict[str, Any]) -> list[str]:
    return [remark["code"] for remark in receipt["remarks"]]


def test_a_misleading_name_is_cleaned_in_the_mail_itself_and_remarked(
    relay: Relay, site: Site, mailer: FakeMailer
) -> None:
    receipt = accept(relay, site, From='"Shop bank.com (2)" <news@shop.example>')

    assert receipt["remarks"] == [
        {
            "code": "sender-name-cleaned",
            "title": "What could mislead was taken out of the sender's name",
            "was": "Shop bank.com (2)",
            "now": "Shop",
        }
    ]
    assert find(relay, site, receipt).message.remarks == receipt["remarks"]
    deliver_due(relay)
    (sent,) = mailer.sent
    assert mime.read(io.BytesIO(b"".join(sent.parts))).sender_name == "Shop"


def test_a_name_that_was_nothing_else_leaves_the_address(
    relay: Relay, site: Site, mailer: FakeMailer
) -> None:
    accept(relay, site, From='"support@bank.example" <news@shop.example>')
    deliver_due(relay)
    assert b"\r\nFrom: <news@shop.example>\r\n" in b"\r\n" + b"".join(mailer.sent[0].parts)


@pytest.mark.parametrize(
    "name", ["shop.example", "Shop.example Team", "mail.shop.example", "other.example", "The shop"]
)
def test_own_domains_may_stand_in_a_name(
    name: str, relay: Relay, site: Site, account: Account
) -> None:
    with relay.sessions.begin() as session:
        factories.make_domain(session, account, "other.example")
    receipt = accept(relay, site, From=f'"{name}" <news@shop.example>')
    assert receipt["remarks"] == []
    assert stored_name(relay, receipt["id"]) == name
    assert find(relay, site, receipt).message.remarks is None


def test_the_site_s_own_host_may_stand_in_a_name(relay: Relay, account: Account) -> None:
    with relay.sessions.begin() as session:
        site = factories.make_site(session, account, url="https://www.blog.example/de")
    assert accept(relay, site, From='"blog.example" <a@shop.example>')["remarks"] == []
    assert codes(accept(relay, site, From='"log.example" <a@shop.example>')) == [
        "sender-name-cleaned"
    ]


def test_another_account_s_domain_is_not_own(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        other = factories.make_account(session)
        factories.make_domain(session, other, "bank.example")
    receipt = accept(relay, site, From='"Shop bank.example" <a@shop.example>')
    assert stored_name(relay, receipt["id"]) == "Shop"


def test_a_batch_is_treated_as_single_messages_are(relay: Relay, site: Site) -> None:
    drafts = [
        make_draft(From='"bank.com" <a@shop.example>'),
        make_draft(From='"shop.example" <a@shop.example>'),
        make_draft(From="a@gmail.com"),
        make_draft(From="a@paypa1.example"),
        make_draft(Reply_To="x@gmail.com"),
    ]
    requests = [Request(each, None, fingerprint({}, each.mime.digest)) for each in drafts]
    with relay.sessions.begin() as session:
        found = messages.accept_batch(
            session, site.id, requests, links=links(relay), now=relay.clock()
        )

    told = [codes(each.receipt) if isinstance(each, Accepted) else type(each) for each in found]
    assert told == [
        ["sender-name-cleaned"],
        [],
        FreeMailSender,
        LookAlikeDomain,
        ["reply-to-free-mail"],
    ]
    assert isinstance(found[0], Accepted)
    assert stored_name(relay, found[0].receipt["id"]) == ""
    assert find(relay, site, found[0].receipt).message.remarks == found[0].receipt["remarks"]


def test_a_repetition_gets_the_remarks_too_and_an_older_receipt_has_none(
    relay: Relay, site: Site
) -> None:
    draft = make_draft(From='"bank.com" <a@shop.example>')
    first = submit(relay, site, draft, key="k")
    again = submit(relay, site, draft, key="k")
    assert again.replayed
    assert again.receipt == first.receipt
    assert codes(again.receipt) == ["sender-name-cleaned"]

    with relay.sessions.begin() as session:  # as a release before this one has written it
        old = {name: value for name, value in first.receipt.items() if name != "remarks"}
        session.execute(update(IdempotencyKey).values(answer=json.dumps(old)))
    assert submit(relay, site, draft, key="k").receipt == {**old, "remarks": []}


def test_a_message_sent_again_keeps_its_cleaned_name(relay: Relay, site: Site) -> None:
    receipt = accept(relay, site, From='"Shop bank.com" <a@shop.example>')
    with relay.sessions.begin() as session:
        draft = resends.stored_draft(session, site.id, find(relay, site, receipt).message.id)
    assert draft.mime.sender_name == "Shop"
    assert accept(relay, site, draft)["remarks"] == []


def test_the_facts_about_names_cost_no_further_statement(relay: Relay, site: Site) -> None:
    def statements(**given: Any) -> int:
        seen: list[str] = []
        bind = relay.sessions.kw["bind"]

        def count(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
            seen.append(statement)

        event.listen(bind.engine, "before_cursor_execute", count)
        accept(relay, site, **given)
        event.remove(bind.engine, "before_cursor_execute", count)
        return len(seen)

    accept(relay, site)
    assert statements() == statements(From='"bank.com a.b.com c.de" <a@shop.example>') > 0


# --- the rehearsal --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "shown", "remarked"),
    [
        ("The shop <news@shop.example>", "The shop", []),
        ("news@shop.example", "", []),
        ("<news@shop.example>", "", []),
        ("Müllers Backstube <news@shop.example>", "Müllers Backstube", []),
        ('"Shop, bank.com" <news@shop.example>', "Shop", ["sender-name-cleaned"]),
        ("Shop ✅ <news@shop.example>", "Shop", ["sender-name-cleaned"]),
        ("PayPal <news@shop.example>", "PayPal", ["brand-in-name"]),
    ],
)
def test_a_rehearsal_shows_what_a_mail_would_meet(
    sender: str, shown: str, remarked: list[str], relay: Relay, site: Site
) -> None:
    with relay.sessions() as session:
        found = rehearse(
            session, site.id, sender, keyring=relay.settings.keyring, now=relay.clock()
        )
        session.rollback()
    assert found.refusal is None
    assert found.shown == shown
    assert found.address == "news@shop.example"
    assert [remark["code"] for remark in found.remarks] == remarked


@pytest.mark.parametrize(
    ("sender", "error"),
    [("Shop <shop@gmail.com>", FreeMailSender), ("a@paypa1.example", LookAlikeDomain)],
)
def test_a_rehearsal_says_why_a_mail_would_be_refused(
    sender: str, error: type[PostreeveError], relay: Relay, site: Site
) -> None:
    with relay.sessions() as session:
        found = rehearse(
            session, site.id, sender, keyring=relay.settings.keyring, now=relay.clock()
        )
        session.rollback()
    assert type(found.refusal) is error


def test_a_rehearsal_keeps_nothing(relay: Relay, site: Site) -> None:
    with relay.sessions() as session:
        rehearse(
            session,
            site.id,
            "news@shop.example",
            keyring=relay.settings.keyring,
            now=relay.clock(),
        )
        session.rollback()
    with relay.reads() as session:
        assert session.scalars(select(Message)).all() == []
