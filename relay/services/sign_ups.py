"""Sign-ups as a site's form sends them: kept, given their turn, and answered alike whoever it was.

Here only the form and the visitor's origin are looked at. The same statements run for everybody, so
neither the answer nor its time tells who is subscribed, suppressed or written to too often; that
is found out by `confirmations` a moment later.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.orm import Session

from relay import languages
from relay.addresses import EmailAddress
from relay.db import new_id, table_of
from relay.errors import AccountPending, AccountSuspended, Invalid, NotFound
from relay.keys import Keyring
from relay.models import MailingList, SubscriptionRequest
from relay.policy import sign_ups as rules
from relay.policy.greetings import greetable
from relay.policy.mailboxes import mailbox
from relay.policy.sign_ups import Traffic
from relay.policy.standing import STOPPED
from relay.services import lists, locks
from relay.services.visitors import Visitor
from relay.vocabulary import RequestOutcome, State

MAILBOX, FORM, IP, NETWORK = "sign-up mailbox", "sign-up form", "sign-up ip", "sign-up network"
CHALLENGE = "sign-up challenge"
"""Purposes of the keyed digests by which sign-ups are counted and found."""

LONGEST_PAGE = 500

_REQUESTS = table_of(SubscriptionRequest)

_SAMPLE = (
    select(_REQUESTS.c.confirmed_at)
    .where(
        _REQUESTS.c.form == bindparam("form"),
        _REQUESTS.c.sent_at > bindparam("since"),
        _REQUESTS.c.sent_at <= bindparam("before"),
    )
    .order_by(_REQUESTS.c.sent_at.desc())
    .limit(rules.MOST_COUNTED)
    .subquery()
)
_SHARE = select(
    func.count().label("mails"), func.count(_SAMPLE.c.confirmed_at).label("confirmed")
).select_from(_SAMPLE)

_SLOT = (
    select(_REQUESTS.c.slot_at)
    .where(_REQUESTS.c.form == bindparam("form"), _REQUESTS.c.slot_at.is_not(None))
    .order_by(_REQUESTS.c.slot_at.desc())
    .offset(bindparam("back"))
    .limit(1)
)
"""The place of the form's mail that is so many mails back."""


def _came_from(column: Any, name: str) -> Any:
    """How many sign-ups came from there; asked about unknown origins too, where it is none."""
    return (
        select(func.count())
        .where(column == bindparam(name), _REQUESTS.c.at > bindparam("since"))
        .scalar_subquery()
        .label(f"from_{name}")
    )


_CROWD = select(_came_from(_REQUESTS.c.ip, "ip"), _came_from(_REQUESTS.c.network, "network"))
_KEEP = insert(_REQUESTS)

WITHOUT_SIGN_UPS = {State.SUSPENDED, State.TERMINATED}
"""Password resets go out for a suspended site; new readers it does not get (our decision)."""


@dataclass(frozen=True, slots=True)
class Form:
    """Where on the site somebody signed up, and what they read there before they agreed."""

    name: str = ""
    page: str = ""
    consent_text: str = ""
    consent_version: str = ""


@dataclass(frozen=True, slots=True)
class SignUp:
    """What a form hands over: an address somebody typed, and everything that later proves consent."""

    address: EmailAddress
    list_key: str
    visitor: Visitor
    form: Form = field(default_factory=Form)
    name: str = ""
    language: str | None = None
    accept_language: str | None = None


def ask(
    session: Session, keyring: Keyring, site_id: UUID, sign_up: SignUp, *, now: datetime
) -> str | None:
    """Take a sign-up in; returns the token of the challenge, where everybody at this form meets one.

    Raises `NotFound` for a list that the site has not (any more), `SenderNotVerified` where its
    sender may not be used, `AccountPending` and `AccountSuspended`: about the site, not the person.
    """
    mailing_list = _open_list(session, site_id, sign_up.list_key)
    origin = _origin(sign_up.visitor.ip)
    form = keyring.commitment(FORM, f"{site_id} {sign_up.form.name}")
    ip = keyring.commitment(IP, origin.ip) if origin.ip else None
    network = keyring.commitment(NETWORK, origin.network) if origin.network else None
    locks.hold(session, (name for name in (form, network) if name))
    turn = rules.turn(_traffic(session, form, ip, network, now), now)
    token = secrets.token_urlsafe(32) if turn.challenge else None
    session.connection().execute(
        _KEEP,
        {
            "id": new_id(),
            "site_id": site_id,
            "list_id": mailing_list.id,
            "mailbox": keyring.commitment(MAILBOX, mailbox(sign_up.address)),
            "form": form,
            "ip": ip,
            "network": network,
            "at": now,
            "outcome": turn.outcome,
            "language": _language(sign_up, mailing_list.language),
            "source": source_of(sign_up.form),
            "person": None if turn.outcome is RequestOutcome.LIMITED else _person(sign_up),
            "slot_at": turn.slot_at,
            "due_at": turn.due_at,
            "challenge_digest": keyring.commitment(CHALLENGE, token) if token else None,
            "challenge_tries": 0,
        },
    )
    return token


def _language(sign_up: SignUp, of_list: str) -> str:
    """The visitor's own language if the form knows it, else their browser's, else the list's."""
    asked = f"{sign_up.accept_language or ''},{of_list};q=0.001"
    return languages.best(asked, sign_up.language)


def source_of(form: Form) -> dict[str, str]:
    """Where the consent comes from, with nothing personal: a page's address keeps no query string."""
    return {
        "form": form.name,
        "page": page_of(form.page),
        "consent_text": form.consent_text,
        "consent_version": form.consent_version,
    }


def page_of(url: str) -> str:
    """A page's address without query string, fragment and credentials; empty where it is none."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or not url.isprintable():
        return ""
    return urlunsplit((parts.scheme, host, parts.path, "", ""))[:LONGEST_PAGE]


def _open_list(session: Session, site_id: UUID, key: str) -> MailingList:
    home = lists.home_of_key(session, site_id, key)
    found = home.list
    if found.archived_at is not None:
        raise NotFound("This list takes no more sign-ups; it was archived")
    if home.state is State.PENDING:
        raise AccountPending("An operator has to approve this account before it can take sign-ups")
    if home.state in WITHOUT_SIGN_UPS:
        raise AccountSuspended(STOPPED[home.state], state=home.state.value)
    lists.check_sender(session, home.site.account_id, EmailAddress(found.sender))
    return found


def _origin(ip: str | None) -> rules.Origin:
    try:
        return rules.origin(ip)
    except ValueError:
        raise Invalid(
            "The request is not valid; see `errors`",
            errors=[{"pointer": "#/source/ip", "detail": "Not an IP address."}],
        ) from None


def _traffic(
    session: Session, form: str, ip: str | None, network: str | None, now: datetime
) -> Traffic:
    connection = session.connection()
    an_hour = rules.allowance(*share(session, form, now=now))
    slot = connection.execute(_SLOT, {"form": form, "back": an_hour - 1}).scalar_one_or_none()
    crowd = connection.execute(
        _CROWD, {"ip": ip or "", "network": network or "", "since": now - rules.AN_HOUR}
    ).one()
    return Traffic(slot, crowd.from_ip, crowd.from_network)


def share(session: Session, form: str, *, now: datetime) -> tuple[int, int]:
    """Mails of this form (its digest) in the last week, and how many of them were confirmed."""
    row = (
        session.connection()
        .execute(
            _SHARE,
            {"form": form, "since": now - rules.SHARE_OVER, "before": now - rules.SETTLING},
        )
        .one()
    )
    return row.mails, row.confirmed


def _person(sign_up: SignUp) -> dict[str, str]:
    given = {
        "address": str(sign_up.address),
        "name": greetable(sign_up.name),
        "ip": sign_up.visitor.ip or "",
        "user_agent": sign_up.visitor.user_agent,
    }
    return {name: text for name, text in given.items() if text}
