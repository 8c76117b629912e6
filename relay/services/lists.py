"""A site's lists: what people subscribe to, and who answers for it by name and postal address."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from relay import languages
from relay.addresses import EmailAddress
from relay.addresses import parse as parse_address
from relay.db import new_id
from relay.errors import AlreadyExists, Invalid, NotFound
from relay.models import Account, Domain, MailingList, Site
from relay.policy.greetings import carries_link
from relay.policy.sender import check_domain, lineage
from relay.policy.standing import stricter
from relay.vocabulary import State

KEY = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
"""A list's own word: it stands in URLs and in the site's code."""

OPEN_ENDINGS = (".test", ".example", ".localhost")
"""Names that no visitor reaches (RFC 2606, 6761): there a privacy page may be plain http."""

FIELDS = ("name", "controller", "postal_address", "privacy_url", "language", "sender")


@dataclass(frozen=True, slots=True)
class Home:
    """A list with its site, for whoever is about to write to a person."""

    list: MailingList
    site: Site
    state: State


def create(
    session: Session, site_id: UUID, key: str, given: Mapping[str, str], *, now: datetime
) -> MailingList:
    """A new list of the site. `given` holds all of `FIELDS`.

    Raises `Invalid` with pointers, `SenderNotVerified`, and `AlreadyExists`, also for the key of an
    archived list: its consents belong to it.
    """
    if not KEY.fullmatch(key):
        raise _wrong(
            "key", "Use a-z, 0-9, dot, dash and underscore, at most 64, no dash at an end."
        )
    fields = {name: _READ[name](given[name]) for name in FIELDS}
    _check_sender(session, site_id, fields["sender"])
    made = MailingList(id=new_id(), site_id=site_id, key=key, created_at=now, **fields)
    try:
        with session.begin_nested():
            session.add(made)
            session.flush()
    except IntegrityError:
        raise AlreadyExists(f"This site has a list {key!r}, perhaps an archived one") from None
    return made


def change(
    session: Session, site_id: UUID, key: str, given: Mapping[str, Any], *, now: datetime
) -> MailingList:
    """Change some of `FIELDS`, or `archived`. Raises as `create`, and `NotFound`."""
    found = find(session, site_id, key)
    fields = {name: _READ[name](given[name]) for name in FIELDS if name in given}
    if "sender" in fields:
        _check_sender(session, site_id, fields["sender"])
    for name, value in fields.items():
        setattr(found, name, value)
    if given.get("archived") is True:
        found.archived_at = found.archived_at or now
    elif given.get("archived") is False:
        found.archived_at = None
    session.flush()
    return found


def archive(session: Session, site_id: UUID, key: str, *, now: datetime) -> MailingList:
    """Take no more sign-ups for the list; its consents are kept. Twice changes nothing."""
    return change(session, site_id, key, {"archived": True}, now=now)


def find(session: Session, site_id: UUID, key: str) -> MailingList:
    """The site's list of this key. Raises `NotFound`."""
    found = session.scalar(
        select(MailingList).where(MailingList.site_id == site_id, MailingList.key == key)
    )
    if found is None:
        raise NotFound("There is no such list on this site")
    return found


def of_site(session: Session, site_id: UUID, *, archived: bool = False) -> Sequence[MailingList]:
    """The site's lists by key; archived ones only if asked for."""
    query = select(MailingList).where(MailingList.site_id == site_id).order_by(MailingList.key)
    if not archived:
        query = query.where(MailingList.archived_at.is_(None))
    return session.scalars(query).all()


_HOME = (
    select(MailingList, Site, Account.state.label("account_state"))
    .join(Site, Site.id == MailingList.site_id)
    .join(Account, Account.id == Site.account_id)
)


def home(session: Session, list_id: UUID) -> Home | None:
    """The list with its site, and the stricter of the site's and the account's state."""
    return _home(session.execute(_HOME.where(MailingList.id == list_id)).one_or_none())


def home_of_key(session: Session, site_id: UUID, key: str) -> Home:
    """The same for the site's list of this key. Raises `NotFound`."""
    of_key = _HOME.where(MailingList.site_id == site_id, MailingList.key == key)
    if (found := _home(session.execute(of_key).one_or_none())) is None:
        raise NotFound("There is no such list on this site")
    return found


def _home(row: Any) -> Home | None:
    if row is None:
        return None
    return Home(row.MailingList, row.Site, stricter(row.account_state, row.Site.state))


def check_sender(session: Session, account_id: UUID, sender: EmailAddress) -> None:
    """The sender lies in a domain that the account may use now. Raises `SenderNotVerified`."""
    names = list(lineage(sender.domain))
    rows = session.execute(
        select(Domain.name, Domain.status).where(
            Domain.account_id == account_id, Domain.name.in_(names)
        )
    )
    check_domain(sender.domain, {row.name: row.status for row in rows})


def _check_sender(session: Session, site_id: UUID, sender: str) -> None:
    site = session.get_one(Site, site_id)
    check_sender(session, site.account_id, EmailAddress(sender))


def _line(name: str) -> Any:
    def read(text: str) -> str:
        line = " ".join(text.split())
        if not line or len(line) > 200 or carries_link(line):
            raise _wrong(name, "One line of text, at most 200 characters, no web or mail address.")
        return line

    return read


def _postal_address(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.splitlines()]
    found = "\n".join(line for line in lines if line)
    if len(found) < 10 or len(found) > 500 or any(carries_link(line) for line in lines):
        raise _wrong(
            "postal_address",
            "Where a letter reaches the controller: 10 to 500 characters, no links.",
        )
    return found


def _privacy_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    open_host = host in ("localhost", "127.0.0.1") or host.endswith(OPEN_ENDINGS)
    fits = (
        len(text) <= 500
        and text.isascii()
        and text.isprintable()
        and not re.search(r"[\s<>\"\\]", text)
        and "@" not in parts.netloc
        and bool(host)
    )
    if not fits or not (parts.scheme == "https" or (parts.scheme == "http" and open_host)):
        raise _wrong("privacy_url", "The address of the privacy policy, beginning with https://.")
    return text


def _language(text: str) -> str:
    found = languages.known(text)
    if found is None:
        raise _wrong("language", f"One of {', '.join(languages.LANGUAGES)}.")
    return found


def _sender(text: str) -> str:
    try:
        return str(parse_address(text))
    except Invalid as error:
        raise _wrong("sender", error.detail) from None


_READ: Mapping[str, Any] = {
    "name": _line("name"),
    "controller": _line("controller"),
    "postal_address": _postal_address,
    "privacy_url": _privacy_url,
    "language": _language,
    "sender": _sender,
}


def _wrong(name: str, detail: str) -> Invalid:
    return Invalid(
        "The list is not valid; see `errors`",
        errors=[{"pointer": f"#/{name}", "detail": detail}],
    )
