"""What an e-mail address is, and when two are the same.

`EmailAddress` keeps the address as typed and compares by `key`, so `Ada@Shop.example` meets the
suppression of `ada@shop.example` wherever the two are compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from relay.errors import Invalid

LONGEST_LOCAL = 64
"""Octets before the @ (RFC 5321 §4.5.3.1.1)."""

LONGEST = 254
"""Octets of an address in an SMTP path without its brackets (RFC 5321 §4.5.3.1.3)."""


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """A deliverable address: 7-bit local part, domain in Punycode, as Amazon SES demands.

    `text` is what goes on the wire; `key` is what addresses are compared, stored and looked up by
    (lower case: no large provider tells local parts apart by case).
    """

    text: str = field(compare=False)
    key: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.text.lower())

    @property
    def local(self) -> str:
        """The part before the @."""
        return self.text.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """The part after the @, lower case, Punycode."""
        return self.key.rpartition("@")[2]

    def __str__(self) -> str:
        return self.text


_PLAIN = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?P<domain>[a-z0-9.-]+)")
"""What nearly all addresses look like; a local part of these signs stays as it is."""


@lru_cache(maxsize=10_000)
def parse(text: str) -> EmailAddress:
    """The address that `text` spells, e.g. `ada@shop.example`; no display name.

    Raises `Invalid` with the reason in words. Domains may be typed in any script and come out in
    Punycode; a non-ASCII local part is refused because SES has no SMTPUTF8.
    """
    plain = _PLAIN.fullmatch(text) if len(text) <= LONGEST else None
    if plain is None or text.index("@") > LONGEST_LOCAL or not _stays(plain["domain"]):
        return _read(text)
    return EmailAddress(text)


@lru_cache(maxsize=10_000)
def _stays(domain: str) -> bool:
    """Whether it is a domain, and written as it comes out. Many people share one."""
    try:
        return _read(f"a@{domain}").domain == domain
    except Invalid:
        return False


def _read(text: str) -> EmailAddress:
    """As `parse`, sign by sign."""
    if len(text) > LONGEST * 4:
        raise Invalid(f"An address has at most {LONGEST} characters")
    if "=?" in text and "?=" in text:
        raise Invalid("An address holds no encoded words: other programs would read another one")
    try:
        found = validate_email(
            text,
            check_deliverability=False,
            allow_smtputf8=False,
            allow_quoted_local=False,
            strict=True,
            test_environment=True,
            globally_deliverable=False,
        )
    except EmailNotValidError as error:
        raise Invalid(str(error)) from None
    top = found.ascii_domain.rpartition(".")
    if not top[0] or top[2].isdigit():
        raise Invalid(f"{found.ascii_domain} is not a domain that mail is sent to")
    return EmailAddress(f"{found.ascii_local_part}@{found.ascii_domain}")
