"""The narrow door of the protected lane: what a security mail must be like to get in.

The lane outlives suspension and complaints, so nothing may pass that could be used to sell or to
phish: one recipient, no attachment, no link that leads away from the site (design: streams and
lanes). What does not pass goes the way of its stream.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

import idna

from relay.mail import Draft
from relay.policy.facts import Facts

PER_PERSON = 3
"""Protected mails to one person in 60 minutes."""

PER_SITE = 30
"""Protected mails of one site in an hour of the clock."""

HARMLESS = ("mailto:", "tel:", "cid:", "#")
"""Links that lead to no page."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def why_not(draft: Draft, facts: Facts) -> str | None:
    """What keeps a security mail out of the protected lane, in a word; None if it gets in.

    Whatever is not known for sure keeps it out.
    """
    look = draft.mime.look
    if len(draft.recipients) != 1:
        return "several-recipients"
    if look is None or look.unreadable is not None:
        return look.unreadable if look and look.unreadable else "unreadable"
    if look.attachments:
        return "attachment"
    if any(not is_own_link(link, facts.link_host) for link in look.links):
        return "foreign-link"
    if facts.allowance.protected.get(draft.recipients[0], 0) >= PER_PERSON:
        return "many-to-person"
    if facts.allowance.security <= 0:
        return "many-from-site"
    return None


def is_own_link(link: str, host: str) -> bool:
    """Whether a link stays on the site's own host (`www.` and sub-domains are its own).

    Read as browsers read it (WHATWG URL): tabs and line breaks are dropped, backslashes are slashes.
    """
    link = re.sub(r"[\t\r\n]", "", link).strip("\x00 \f\v").replace("\\", "/")
    if link.lower().startswith(HARMLESS):
        return True
    if not _SCHEME.match(link):
        link = link if link.startswith("//") else f"//{link}"
        link = f"https:{link}"
    try:
        parts = urlsplit(link)
        found = _plain(parts.hostname or "")
    except ValueError:
        return False
    if parts.scheme.lower() not in ("http", "https") or parts.username is not None or not found:
        return False
    return bool(host) and (found == host or (not _is_ip(host) and found.endswith(f".{host}")))


def _plain(host: str) -> str:
    """A host as we compare it. Raises `ValueError` for what is none."""
    host = host.rstrip(".")
    if not host.isascii():
        host = idna.encode(host, uts46=True).decode()  # its errors are ValueErrors
    return host.lower().removeprefix("www.")


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
