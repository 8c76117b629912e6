"""What a site asks when it wants to be connected, and how it proves afterwards that it was the one who asked.

The authorization code of OAuth (RFC 6749 §4.1) for a client that nobody has registered, with PKCE (RFC 7636),
S256 only. The site is named by its address, and answers go nowhere else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from relay import addresses
from relay.addresses import EmailAddress
from relay.errors import Invalid
from relay.policy.names.suffixes import is_real, registrable
from relay.policy.site_urls import check_return, check_site

STATE = re.compile(r"[A-Za-z0-9._~-]{8,200}")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"""32 bytes in base64 without padding (RFC 7636 §4.2)."""

VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
"""RFC 7636 §4.1."""

CODE_LASTS = timedelta(minutes=10)
"""From *Connect* to its exchange (RFC 6749 §4.1.2 recommends at most 10 minutes)."""

REQUEST_LASTS = timedelta(hours=1)
"""From the first page to *Connect*; whoever comes later begins anew in WordPress (our decision)."""

LETTER_LASTS = timedelta(hours=1)
"""How long the link and the number of a sign-in letter work (our decision: as long as a connection)."""

READ_WITHIN = timedelta(minutes=15)
"""A letter that works for less long than this is not waited for: nobody may find it in time."""

SESSION_LASTS = timedelta(hours=1)
"""How long a browser stays signed in: an agency connects many sites in one go (our decision)."""

MOST_TRIES = 5
"""Wrong numbers for one letter. With eight digits, and fifty letters a day, guessing takes a millennium."""

NUMBER_DIGITS = 8

AN_IP_AN_HOUR, A_NETWORK_AN_HOUR, ALL_AN_HOUR = 20, 60, 600
"""Connections that may be begun (our decision)."""

ACCOUNTS_A_NETWORK_A_DAY = 5
"""Accounts that may be asked for from one network (our decision)."""

SITES_AN_ACCOUNT_A_DAY = 200
"""Connections of one account (our decision: an agency that moves in has some sixty)."""

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What the site asks. `state` and `challenge` are its own, the address `sender` is its usual one."""

    site_url: str
    site_name: str
    return_url: str
    state: str
    challenge: str
    sender: EmailAddress | None
    plugin: str


@dataclass(frozen=True, slots=True)
class Letters:
    """Letters to one mailbox that nobody has used yet: of the last hour, and of the last day."""

    an_hour: int
    a_day: int

    def are_within(self, share: Letters) -> bool:
        """Whether one more may go out."""
        return self.an_hour < share.an_hour and self.a_day < share.a_day


FROM_ONE_NETWORK, FROM_ALL = Letters(3, 10), Letters(6, 20)
"""Letters that one mailbox gets (our decision). What is used was wanted, and does not count."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Connections begun in the last hour from where this one comes, and letters to its mailbox.

    `letters_from_here` were asked for in the same network; none where it is not known. `waits`: one of all
    `letters` is unused, and works for `READ_WITHIN` or longer.
    """

    from_ip: int
    from_network: int
    overall: int
    letters_from_here: Letters
    letters: Letters
    waits: bool

    @property
    def is_crowd(self) -> bool:
        """Whether too many come from there; says nothing about whom they ask for."""
        return (
            self.from_ip >= AN_IP_AN_HOUR
            or self.from_network >= A_NETWORK_AN_HOUR
            or self.overall >= ALL_AN_HOUR
        )

    @property
    def may_write(self) -> bool:
        """Whether a letter goes out.

        No network has more than its share sent to a mailbox, and all together no more than theirs, so
        that nobody is bombed. But strangers who use up the share of all lock nobody out: where no
        letter waits, one goes out; and one that waits serves whoever asks for the same address in a
        browser of their own, although somebody else has asked for it (`sign_ins.by_link`).
        """
        if not self.letters_from_here.are_within(FROM_ONE_NETWORK):
            return False
        return self.letters.are_within(FROM_ALL) or not self.waits


def read(given: Mapping[str, str]) -> Asked:
    """What these parameters ask. Raises `Invalid`; about the way back first (see `way_back`)."""
    return_url, site = way_back(given), given["site"]
    if not STATE.fullmatch(given.get("state", "")):
        raise Invalid("state is 8 to 200 letters, digits and .-_~")
    if not CHALLENGE.fullmatch(given.get("challenge", "")):
        raise Invalid("challenge is the SHA-256 of the verifier: 43 characters of base64url")
    return Asked(
        site_url=site.rstrip("/"),
        site_name=one_line(given.get("name", "")) or check_site(site).host,
        return_url=return_url,
        state=given["state"],
        challenge=given["challenge"],
        sender=_address(given.get("from", "")),
        plugin=re.sub(r"[^0-9A-Za-z.+-]", "", given.get("plugin", ""))[:32],
    )


def way_back(given: Mapping[str, str]) -> str:
    """Where answers may go, good or bad. Raises `Invalid` if nowhere: then the browser stays here."""
    address = given.get("return", "")
    check_return(address, given.get("site", ""))
    return address


def is_proof(verifier: str, challenge: str) -> bool:
    """Whether this is the verifier of which the challenge was made (RFC 7636 §4.6, S256)."""
    if not VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return hmac.compare_digest(made, challenge)


def domain_for(asked_site: str, sender: EmailAddress | None) -> str:
    """The domain to suggest for the sender's address: what the site's owner has registered.

    The one of the usual sender if it is the site's as well; empty where nobody can own it.
    """
    host = check_site(asked_site).host
    of_site = (registrable(host) or "") if is_real(host) else ""
    if sender is not None and is_real(sender.domain):
        of_sender = registrable(sender.domain) or ""
        return of_sender if of_sender == of_site or not of_site else of_site
    return of_site


def one_line(text: str) -> str:
    """A name on one line, of what can be seen of it."""
    seen = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(seen.split())[:LONGEST_NAME]


def _address(text: str) -> EmailAddress | None:
    """The usual sender, if that is an address: WordPress makes one up where nobody has chosen it."""
    try:
        return addresses.parse(text.strip()) if text.strip() else None
    except Invalid:
        return None
