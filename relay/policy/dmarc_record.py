"""A DMARC record and its tags (RFC 9989 §4.7, §4.8)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from relay.answers import plain

_VERSION = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")
_REPORT_URI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s!,;]+", re.IGNORECASE)
_MAILTO = re.compile(r"mailto:[^@?]+@([a-z0-9._-]+)(?:\?.*)?", re.IGNORECASE)

REMOVED = ("pct", "rf", "ri")
"""Tags of RFC 7489 that RFC 9989 no longer knows; receivers of the old kind still honour them."""


class DmarcPolicy(StrEnum):
    """What receivers are asked to do with mail that is not aligned."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"

    @property
    def milder(self) -> DmarcPolicy:
        """One level below: what `t=y` makes of it (RFC 9989 §4.7)."""
        return _MILDER[self]


_MILDER = {
    DmarcPolicy.REJECT: DmarcPolicy.QUARANTINE,
    DmarcPolicy.QUARANTINE: DmarcPolicy.NONE,
    DmarcPolicy.NONE: DmarcPolicy.NONE,
}


@dataclass(frozen=True, slots=True)
class ReportAddress:
    """Where reports go: `host` receives the mail, "" where the URI is not one of mail."""

    uri: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """A record at `_dmarc.DOMAIN`, its tags read.

    `policy` is None where the record asks for nothing: its `p`, `sp` or `np` is missing or wrong
    and there is no address for reports either, so receivers ignore it (RFC 9989 §4.10.1). With an
    address they take it for `p=none`. `removed` are tags that no longer exist; `wrong` those whose
    value is not one of theirs.
    """

    domain: str
    text: str
    policy: DmarcPolicy | None
    for_subdomains: DmarcPolicy | None
    for_missing: DmarcPolicy | None
    strict_dkim: bool = False
    strict_spf: bool = False
    reports: tuple[ReportAddress, ...] = ()
    psd: str = "u"
    testing: bool = False
    removed: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


def is_dmarc(text: str) -> bool:
    """Whether a TXT record is one for DMARC: the version stands first (RFC 9989 §4.8)."""
    return _VERSION.match(text) is not None


def parse(domain: str, text: str) -> DmarcRecord:
    """Read a record that `is_dmarc`.

    Unknown tags are nothing; one that stands twice spoils the record (RFC 6376 §3.2).
    """
    pairs = tuple(_pairs(text))
    tags = dict(pairs)
    if len(tags) < len(pairs):
        names = Counter(tag for tag, _ in pairs)
        twice = tuple(sorted(tag for tag in names if names[tag] > 1))
        return DmarcRecord(domain, text, None, None, None, wrong=twice)
    asked = ("p", "sp", "np")
    wrong: list[str] = [tag for tag in asked if tag in tags and _policy(tags[tag]) is None]
    readable = "p" in tags and not wrong
    for tag, values in (("adkim", "rs"), ("aspf", "rs"), ("psd", "nyu"), ("t", "ny")):
        if tag in tags and (len(tags[tag]) != 1 or tags[tag].lower() not in values):
            wrong.append(tag)
            del tags[tag]
    reports = _reports(tags.get("rua", ""))
    if "rua" in tags and not reports:
        wrong.append("rua")
    fallback = DmarcPolicy.NONE if reports else None
    policy = _policy(tags["p"]) if readable else fallback
    below = _policy(tags.get("sp", "")) or policy if readable else fallback
    missing = _policy(tags.get("np", "")) or below if readable else fallback
    return DmarcRecord(
        domain,
        text,
        policy,
        below,
        missing,
        strict_dkim=tags.get("adkim", "r").lower() == "s",
        strict_spf=tags.get("aspf", "r").lower() == "s",
        reports=reports,
        psd=tags.get("psd", "u").lower(),
        testing=tags.get("t", "n").lower() == "y",
        removed=tuple(tag for tag in REMOVED if tag in tags),
        wrong=tuple(wrong),
    )


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Tags and their values, behind the version; what is no tag is nothing."""
    for part in text.split(";")[1:]:
        tag, equals, value = part.partition("=")
        if equals and tag.strip(" \t"):
            yield tag.strip(" \t").lower(), value.strip(" \t")


def _policy(text: str) -> DmarcPolicy | None:
    try:
        return DmarcPolicy(text.lower())
    except ValueError:
        return None


def _reports(text: str) -> tuple[ReportAddress, ...]:
    """The addresses that can be read; a size limit of RFC 7489 ("!10m") is cut off."""
    uris = (part.strip().partition("!")[0] for part in text.split(","))
    read = (_report(uri) for uri in uris if _REPORT_URI.fullmatch(uri))
    return tuple(report for report in read if report is not None)


def _report(uri: str) -> ReportAddress | None:
    if not uri.lower().startswith("mailto:"):
        return ReportAddress(uri)
    found = _MAILTO.fullmatch(uri)
    return ReportAddress(uri, plain(found[1])) if found else None
