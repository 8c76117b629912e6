"""Signing in without a password: a letter with a link and a number, each good once, for a few minutes.

Only a browser that asked can be signed in: the link works there, the number is typed there. So whoever
has the link alone, or sends a letter to somebody else in the hope that they press it, gets nothing.
The link also works in another browser that has asked for the same address; there it signs in that
browser's own connection. So strangers who ask for an owner's address until no more letters go out bring
the owner letters that work. The answer is the same whoever has the address, and whether a letter
went out or not.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
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
from relay.policy.connecting import Asked, Letters, Traffic
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
    """Begin a connection, and write to the address unless it has letters enough; returns its id.

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


def goes_on(
    session: Session, keyring: Keyring, letter: SiteConnection, browser: str, *, now: datetime
) -> SiteConnection | None:
    """The connection that a letter's link signs in in this browser; None where it has begun none.

    The one that the letter was written for, or else the browser's own latest one of the same address.
    """
    if is_from(keyring, letter, browser):
        return letter
    return session.scalars(
        select(SiteConnection)
        .where(
            SiteConnection.browser.in_(keyring.commitments(BROWSER, browser)),
            func.lower(SiteConnection.address) == EmailAddress(letter.address).key,
            SiteConnection.at > now - rules.REQUEST_LASTS,
            SiteConnection.code_digest.is_(None),
        )
        .order_by(SiteConnection.id.desc())
    ).first()


def by_link(
    session: Session, keyring: Keyring, token: str, browser: str, *, now: datetime
) -> SiteConnection:
    """Use a link up; returns the connection that `goes_on`. Raises `NotFound`, also where none does."""
    letter = _locked(session, look(session, keyring, token, now=now).id)
    found = goes_on(session, keyring, letter, browser, now=now)
    if letter.used_at is not None or found is None:
        raise NotFound("This link does not work here")
    letter.used_at = now
    session.flush()
    return found


def by_number(
    session: Session, keyring: Keyring, id: UUID, browser: str, number: str, *, now: datetime
) -> SiteConnection | None:
    """Try a letter's number, typed in the browser that asked; None for a wrong one, which counts.

    Any letter will do that this browser has asked for to the same address: who asks again may find the
    first letter first. Raises `NotFound` for a connection that is not this browser's, or whose letter
    is used or over.
    """
    begun = _all_of(session, keyring, browser)
    found = next((each for each in begun if each.id == id), None)
    if found is None or found.used_at is not None or found.at <= now - rules.LETTER_LASTS:
        raise NotFound("This number does not work, or no longer")
    open_ = [
        each
        for each in begun
        if each.sent
        and each.used_at is None
        and each.tries < rules.MOST_TRIES
        and each.at > now - rules.LETTER_LASTS
        and EmailAddress(each.address) == EmailAddress(found.address)
    ]
    digits = "".join(letter for letter in number if letter.isdecimal())
    said = "".join(str(int(digit)) for digit in digits)  # as Arabic keyboards write them, too
    for letter in open_:
        if _is_its_number(keyring, letter, said):
            letter.used_at = now
            session.flush()
            return found
    for letter in open_:
        letter.tries += 1
    session.flush()
    return None


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


def _is_its_number(keyring: Keyring, letter: SiteConnection, said: str) -> bool:
    return any(
        hmac.compare_digest(letter.number_digest, digest)
        for digest in keyring.commitments(NUMBER, f"{letter.id} {said}")
    )


def _all_of(session: Session, keyring: Keyring, browser: str) -> Sequence[SiteConnection]:
    """What this browser has begun, locked in one order."""
    return session.scalars(
        select(SiteConnection)
        .where(SiteConnection.browser.in_(keyring.commitments(BROWSER, browser)))
        .order_by(SiteConnection.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _locked(session: Session, id: UUID) -> SiteConnection:
    found = session.get(SiteConnection, id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound("There is no such connection")
    return found


def _traffic(
    session: Session, *, now: datetime, mailbox: str, ip: str | None, network: str | None
) -> Traffic:
    def begun(name: str, *conditions: Any, span: timedelta = AN_HOUR) -> Any:
        return (
            select(func.count())
            .where(SiteConnection.at > now - span, *conditions)
            .scalar_subquery()
            .label(name)
        )

    from_here = SiteConnection.network == (network or "")
    unused = (
        SiteConnection.mailbox == mailbox,
        SiteConnection.sent,
        SiteConnection.used_at.is_(None),
    )
    found = session.execute(
        select(
            begun("from_ip", SiteConnection.ip == (ip or "")),
            begun("from_network", from_here),
            begun("overall"),
            begun("here_an_hour", *unused, from_here),
            begun("here_a_day", *unused, from_here, span=A_DAY),
            begun("an_hour", *unused),
            begun("a_day", *unused, span=A_DAY),
            begun("waiting", *unused, span=rules.LETTER_LASTS - rules.READ_WITHIN),
        )
    ).one()
    return Traffic(
        found.from_ip,
        found.from_network,
        found.overall,
        Letters(found.here_an_hour, found.here_a_day),
        Letters(found.an_hour, found.a_day),
        waits=found.waiting > 0,
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
