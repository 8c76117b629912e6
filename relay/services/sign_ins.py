"""Signing in without a password: a letter with a link and a number, each good once, for a few minutes.

Only the browser that asked can be signed in: the link works there, the number is typed there. So whoever
has the link alone, or sends a letter to somebody else in the hope that they press it, gets nothing.
The answer is the same whoever has the address.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.db import new_id
from relay.errors import LimitReached, NotFound
from relay.keys import Keyring
from relay.models import SiteConnection
from relay.policy import connecting as rules
from relay.policy.connecting import Asked, Traffic
from relay.policy.mailboxes import mailbox
from relay.policy.sign_ups import origin
from relay.services import letter_texts, letters, locks
from relay.services.subscriptions import TOKEN
from relay.services.visitors import Visitor

LINK, NUMBER, BROWSER = "sign-in link", "sign-in number", "sign-in browser"
MAILBOX, IP, NETWORK = "sign-in mailbox", "sign-in ip", "sign-in network"
"""Purposes of the keyed digests."""

AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)

_ONE_AT_A_TIME = "sign-in"


@dataclass(frozen=True, slots=True)
class House:
    """What the relay's own letters and links are made with."""

    keyring: Keyring
    public_url: str
    sender: str

    def link(self, path: str) -> str:
        """The address of one of our pages."""
        return f"{self.public_url.rstrip('/')}{path}"


@dataclass(frozen=True, slots=True)
class Start:
    """Who begins a connection: the address somebody typed, from where, in which browser and language.

    `signed_in`: this browser has proven the address already, so no letter is needed.
    """

    asked: Asked
    address: EmailAddress
    visitor: Visitor
    browser: str
    language: str
    signed_in: bool = False


def begin(session: Session, house: House, start: Start, *, now: datetime) -> UUID:
    """Begin a connection, and write to the address unless it has had too many letters; returns its id.

    Raises `LimitReached` where too many come from one place; that says nothing about the address.
    """
    locks.hold(session, [_ONE_AT_A_TIME])
    keyring, came_from = house.keyring, origin(start.visitor.ip)
    to = keyring.commitment(MAILBOX, mailbox(start.address))
    ip = keyring.commitment(IP, came_from.ip) if came_from.ip else None
    network = keyring.commitment(NETWORK, came_from.network) if came_from.network else None
    traffic = _traffic(session, now=now, mailbox=to, ip=ip, network=network)
    if traffic.is_crowd:
        raise LimitReached(
            "Too many connections are begun from there just now; try again in an hour",
            retry_after=int(AN_HOUR.total_seconds()),
        )
    id, token = new_id(), secrets.token_urlsafe(32)
    number = f"{secrets.randbelow(10**rules.NUMBER_DIGITS):0{rules.NUMBER_DIGITS}}"
    sends = traffic.may_write and not start.signed_in
    asked = start.asked
    session.add(
        SiteConnection(
            id=id,
            at=now,
            site_url=asked.site_url,
            site_name=asked.site_name,
            return_url=asked.return_url,
            state=asked.state,
            challenge=asked.challenge,
            sender=str(asked.sender) if asked.sender else None,
            plugin=asked.plugin,
            language=start.language,
            address=str(start.address),
            browser=keyring.commitment(BROWSER, start.browser),
            sent=sends,
            token_digest=keyring.commitment(LINK, token),
            number_digest=_number_digest(keyring, id, number),
            tries=0,
            mailbox=to,
            ip=ip,
            network=network,
        )
    )
    session.flush()
    if sends:
        letter = _letter(start, number, house.link(f"/connect/link/{token}"))
        letters.from_house(session, start.address, letter, sender=house.sender, now=now)
    return id


def look(session: Session, keyring: Keyring, token: str, *, now: datetime) -> SiteConnection:
    """The connection to which a letter's link leads. Raises `NotFound` for one that is used or over."""
    found = TOKEN.match(token)
    digests = keyring.commitments(LINK, found.group()) if found else []
    connection = session.scalar(
        select(SiteConnection).where(
            SiteConnection.token_digest.in_(digests),
            SiteConnection.sent,
            SiteConnection.used_at.is_(None),
            SiteConnection.at > now - rules.LETTER_LASTS,
        )
    )
    if connection is None:
        raise NotFound("This link does not work, or no longer")
    return connection


def is_from(keyring: Keyring, connection: SiteConnection, browser: str) -> bool:
    """Whether it was begun in this browser."""
    return connection.browser in keyring.commitments(BROWSER, browser)


def by_link(
    session: Session, keyring: Keyring, token: str, browser: str, *, now: datetime
) -> SiteConnection:
    """Use a link up. Raises `NotFound`, also in another browser than the one that asked."""
    found = _locked(session, look(session, keyring, token, now=now).id)
    if found.used_at is not None or not is_from(keyring, found, browser):
        raise NotFound("This link does not work here")
    found.used_at = now
    session.flush()
    return found


def by_number(
    session: Session, keyring: Keyring, id: UUID, browser: str, number: str, *, now: datetime
) -> SiteConnection | None:
    """Try the letter's number, typed in the browser that asked; None for a wrong one, which counts.

    Raises `NotFound` for a connection that is not this browser's, or whose letter is used or over.
    """
    found = _locked(session, id)
    if (
        not is_from(keyring, found, browser)
        or found.used_at is not None
        or not found.sent
        or found.at <= now - rules.LETTER_LASTS
    ):
        raise NotFound("This number does not work, or no longer")
    if found.tries >= rules.MOST_TRIES:
        return None
    digits = "".join(letter for letter in number if letter.isdecimal())
    said = "".join(str(int(digit)) for digit in digits)  # as Arabic keyboards write them, too
    if not any(
        hmac.compare_digest(
            found.number_digest, keyring.commitment(NUMBER, f"{id} {said}", version=v)
        )
        for v in keyring.keys
    ):
        found.tries += 1
        session.flush()
        return None
    found.used_at = now
    session.flush()
    return found


def change_browser(session: Session, keyring: Keyring, old: str, new: str) -> None:
    """Give what a browser has begun to its new secret: whoever knew the old one is left behind."""
    session.execute(
        update(SiteConnection)
        .where(SiteConnection.browser.in_(keyring.commitments(BROWSER, old)))
        .values(browser=keyring.commitment(BROWSER, new))
        .execution_options(synchronize_session=False)
    )


def _number_digest(keyring: Keyring, id: UUID, number: str) -> str:
    return keyring.commitment(NUMBER, f"{id} {number}")


def _locked(session: Session, id: UUID) -> SiteConnection:
    found = session.get(SiteConnection, id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound("There is no such connection")
    return found


def _traffic(
    session: Session, *, now: datetime, mailbox: str, ip: str | None, network: str | None
) -> Traffic:
    def begun(*conditions: Any, span: timedelta = AN_HOUR) -> Any:
        return (
            select(func.count())
            .where(SiteConnection.at > now - span, *conditions)
            .scalar_subquery()
        )

    to_mailbox = (SiteConnection.mailbox == mailbox, SiteConnection.sent)
    return Traffic(
        *session.execute(
            select(
                begun(SiteConnection.ip == (ip or "")),
                begun(SiteConnection.network == (network or "")),
                begun(),
                begun(*to_mailbox),
                begun(*to_mailbox, span=A_DAY),
            )
        ).one()
    )


def _letter(start: Start, number: str, link: str) -> letter_texts.Letter:
    return letter_texts.render(
        "sign-in",
        {
            "site": start.asked.site_name,
            "site_url": start.asked.site_url,
            "number": f"{number[:4]} {number[4:]}",
            "link": link,
            "minutes": int(rules.LETTER_LASTS.total_seconds()) // 60,
        },
        language=start.language,
    )
