"""Whether a sign-up's confirmation mail goes out: rules against using forms as bombs.

Two questions are kept apart. What depends on the form and on where the visitor comes from may be
seen in the answer (a challenge), for it says nothing about a person. What depends on the person is
decided after the answer has been given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from relay.vocabulary import RequestOutcome, SubscriptionStatus, SuppressionReason, SuppressionScope

A_MAILBOX_A_DAY = 2
"""Confirmation mails to one mailbox in 24 hours, over all accounts."""

A_LIST_IN_30_DAYS = 3
"""Confirmation mails of one list to one mailbox in 30 days."""

A_DAY, A_MONTH, AN_HOUR = timedelta(hours=24), timedelta(days=30), timedelta(hours=1)

AN_IP = 5
"""Sign-ups from one IP address in an hour; the next ones meet a challenge (our decision)."""

A_NETWORK = 20
"""Sign-ups from one /24 (IPv4) or /64 (IPv6) in an hour, likewise (our decision)."""

TOO_MANY = 4
"""At so many times the two numbers above, a solved challenge helps no more (our decision)."""

LONGEST_WAIT = A_DAY
"""A queued sign-up waits no longer; it is dropped, for by then it means nothing to anybody."""

SOLVED = 5
"""So many times a form's allowance goes out an hour to those who solve its challenge (our decision)."""

USUAL = 10
"""Mails a form may cause in an hour while little is known about it."""

SETTLING = AN_HOUR
"""Mails younger than this do not count in a form's confirm share: people need time to read them."""

SHARE_OVER = timedelta(days=7)

MOST_COUNTED = 1_000
"""A form's confirm share is that of its latest so many mails, at most (our decision)."""

ALLOWANCES: Sequence[tuple[int, float, int]] = (
    # mails counted at least, share confirmed at least, mails an hour
    (1_000, 0.5, 600),
    (200, 0.5, 120),
    (50, 0.5, 40),
    (20, 0.5, 20),
    (20, 0.2, USUAL),
    (20, 0.05, 5),
    (20, 0.0, 2),
)
"""What a form may do by what became of its mails; the first row that fits holds (our decision).

Honest forms see about two thirds confirmed. A form that is used as a bomb sees hardly any.
"""

COMPLAINT_RESTS = A_MONTH
"""After a complaint about newsletters no confirmation goes out for so long, whoever asks (our decision).

Later a person's own sign-up is the only thing that can take the complaint back, so it has to reach them.
"""

NOT_VISITORS = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.168.0.0/16", "::/128", "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip
"""Addresses inside a network: they are the site's own proxy, not a visitor, so nothing is counted by them."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a visitor comes from: IP address and network, or neither where that is not known."""

    ip: str | None = None
    network: str | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What came through a form and from a visitor's origin lately.

    `slot` is the time of the form's mail that is an allowance back, None where there were fewer.
    """

    slot: datetime | None
    from_ip: int = 0
    from_network: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """When a sign-up has its turn, and whether this form's users meet a challenge now."""

    outcome: RequestOutcome
    challenge: bool
    slot_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Held:
    """A reason not to mail the address: which, how far it reaches, since when."""

    reason: SuppressionReason
    scope: SuppressionScope
    since: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """What is known about a person when their confirmation mail is about to be written.

    `refused` says that they lately told this list "this was not me", `closed` that they were erased where
    all mail had been stopped for good. Counts are of confirmation mails.
    """

    held: Sequence[Held] = ()
    status: SubscriptionStatus | None = None
    opted_out: bool = False
    refused: bool = False
    closed: bool = False
    mails_in_a_day: int = 0
    mails_of_list: int = 0


def origin(text: str | None) -> Origin:
    """Where this IP address is. Raises `ValueError` for what is none; a private one is nobody's."""
    if not text:
        return Origin()
    found = ip_address(text)
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    if isinstance(found, IPv6Address):
        found = IPv6Address(int(found))  # without a zone, which is no part of it
    if any(found in network for network in NOT_VISITORS):
        return Origin()
    length = 24 if isinstance(found, IPv4Address) else 64
    return Origin(str(found), str(ip_network(f"{found}/{length}", strict=False)))


def allowance(mails: int, confirmed: int) -> int:
    """Mails a form may cause in an hour, given how many of its mails of a week were confirmed."""
    for at_least, share, an_hour in ALLOWANCES:
        if mails >= at_least and confirmed >= share * mails:
            return an_hour
    return USUAL


def turn(traffic: Traffic, now: datetime) -> Turn:
    """When a sign-up's mail may go, looking only at its form and where it comes from.

    A form's mails go out at its allowance: in any hour no more than that many. Who comes later
    waits for the first free place, at most `LONGEST_WAIT`, or solves the challenge that everybody
    using the form meets then. Who comes from where too many have come has no place at all.
    """
    crowd = max(traffic.from_ip / AN_IP, traffic.from_network / A_NETWORK)
    if crowd >= TOO_MANY:
        return Turn(RequestOutcome.LIMITED, True, None, None)
    slot = max(now, traffic.slot + AN_HOUR) if traffic.slot else now
    if crowd >= 1 or slot > now + LONGEST_WAIT:
        return Turn(RequestOutcome.CHALLENGED, True, None, now + LONGEST_WAIT)
    return Turn(RequestOutcome.QUEUED, slot > now, slot, slot)


def answer(person: Person, now: datetime) -> RequestOutcome:
    """Whether a confirmation mail goes to this person: `sent` if it does, else why not."""
    if person.refused or person.closed or any(_forbids(held, now) for held in person.held):
        return RequestOutcome.DROPPED
    gets_it = person.status in (SubscriptionStatus.CONFIRMED, SubscriptionStatus.ATTESTED)
    complained = any(held.reason is SuppressionReason.COMPLAINT for held in person.held)
    if gets_it and not person.opted_out and not complained:
        return RequestOutcome.KNOWN
    if person.mails_in_a_day >= A_MAILBOX_A_DAY or person.mails_of_list >= A_LIST_IN_30_DAYS:
        return RequestOutcome.LIMITED
    return RequestOutcome.SENT


def _forbids(held: Held, now: datetime) -> bool:
    """Everything does, but for an old complaint that was about newsletters only."""
    old_complaint = (
        held.reason is SuppressionReason.COMPLAINT
        and held.scope is SuppressionScope.PROMOTIONAL
        and now - held.since >= COMPLAINT_RESTS
    )
    return not old_complaint
