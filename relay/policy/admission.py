"""The order of the rules: standing, sender, list, then each person, then what the hour allows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from relay.addresses import EmailAddress
from relay.errors import LimitReached, ListUnknown, NobodyToMail
from relay.mail import Draft
from relay.policy import limits, protection, streams
from relay.policy.consent import reason_not_to_mail, topic_of
from relay.policy.facts import Facts, Held, ListFacts
from relay.policy.sender import Remark, check_sender, remark, remarks, shown_name
from relay.policy.standing import check_standing
from relay.sayings import phrase, say
from relay.vocabulary import ConsentGap, Disposition, Fate, Lane, Stream, SuppressionReason

TITLES = {
    "invalid-address": phrase("Mail to this address came back: the mailbox does not exist"),
    "complaint": phrase("This person marked mail of this site as spam"),
    "provider-list": phrase("Amazon SES lists this address as undeliverable"),
    "mailbox-full": phrase("This mailbox was full again and again, for weeks"),
    "inactive-mailbox": phrase("This mailbox was out of use, and still was weeks later"),
    "unknown-address": phrase("This mailbox does not exist, as another mail proved lately"),
    "disputed": phrase("The server refuses this address, perhaps wrongly; one more mail will tell"),
    "cool-off": phrase("This mailbox is full or out of use; we leave it alone for a while"),
    "manual": phrase("This address was put on the suppression list by hand"),
    "never-subscribed": phrase("This person never subscribed to this list"),
    "unconfirmed": phrase("This person has not confirmed the subscription yet"),
    "unsubscribed": phrase("This person has unsubscribed from this list"),
    "expired": phrase("The subscription was never confirmed, and its time is over"),
    "opted-out": phrase("This person wants no more mail of this kind from this site"),
    "erased": phrase("This person's data were erased on request; they are not written to again"),
}
"""What a reason means, for people; the code is for programs."""

PASSING = frozenset(
    (SuppressionReason.UNKNOWN_ADDRESS, SuppressionReason.DISPUTED, SuppressionReason.COOL_OFF)
)
"""Reasons that end by themselves; they are codes of their own."""

CONTACTING = frozenset((Lane.TRANSACTIONAL, Lane.NOTIFICATION))
"""Lanes in which mail to somebody new draws on the first-contact budget: marketing has consent, the
protected lane a limit of its own."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What was decided: the true stream, the lane, whom we do not mail and why, the display name
    that may go out, and what is to be remarked.

    `list` is the newsletter's; `topic` what each person can stop by a link; `newcomers` those who get
    a copy and whom the site never mailed before, as far as they draw on the budget; `drawn` is how
    many people it draws on the limits. `frozen`: the site is limited, so it is held.
    """

    stream: Stream
    lane: Lane
    held: Mapping[EmailAddress, Held]
    sender_name: str
    remarks: Sequence[Remark] = ()
    list: ListFacts | None = None
    topic: str | None = None
    newcomers: Collection[EmailAddress] = ()
    frozen: bool = False
    drawn: int = 0


def admit(draft: Draft, facts: Facts) -> Admission:
    """Decide on a draft. A rule about the message raises; a rule about one person holds that copy.

    Raises `AccountPending`, `AccountSuspended`, `TooLarge`, `SenderNotVerified`, `FreeMailSender`,
    `LookAlikeDomain`, `ListUnknown`, `NobodyToMail` when no recipient is left, or `LimitReached`.
    """
    stream = streams.effective_stream(draft)
    unprotected = (
        protection.why_not(draft, facts) if streams.asks_for_protection(draft) else "other-stream"
    )
    chosen = streams.lane(stream, protected=unprotected is None)
    frozen = check_standing(chosen, facts, draft.recipients) is Fate.HELD
    if chosen is not Lane.PROTECTED:
        limits.check_message(draft, facts.limits)
    check_sender(draft, facts)
    mailing_list = list_of(draft.list_id, facts) if stream is Stream.MARKETING else None
    topic = topic_of(stream, draft.source.plugin, mailing_list)
    held = {
        address: reason
        for address in draft.recipients
        if (reason := reason_not_to_mail(address, chosen, topic, mailing_list, facts)) is not None
    }
    if len(held) == len(draft.recipients):
        raise NobodyToMail(
            say("None of the recipients may be mailed; `recipients` says why for each"),
            recipients=[{"address": str(a), **described(reason)} for a, reason in held.items()],
        )
    newcomers = (
        frozenset(facts.allowance.newcomers.intersection(draft.recipients) - held.keys())
        if chosen in CONTACTING
        else frozenset()
    )
    drawn = len(draft.recipients) - len(held) if chosen is Lane.TRANSACTIONAL else 0
    if drawn:
        limits.check_quota(drawn, limits.source_key(draft.source), facts.allowance.quota)
    check_first_contacts(len(newcomers), facts)
    name = shown_name(draft, facts)
    return Admission(
        stream=stream,
        lane=chosen,
        held=held,
        sender_name=name,
        remarks=[*_ways(draft, unprotected), *remarks(draft, facts, name)],
        list=mailing_list,
        topic=topic,
        newcomers=newcomers,
        frozen=frozen,
        drawn=drawn,
    )


def list_of(key: str | None, facts: Facts) -> ListFacts:
    """The list of a newsletter. Raises `ListUnknown` where none is named, or it is none of the site's."""
    if key is None:
        raise ListUnknown(
            say("This mail is marketing: name the list it is for, in `list`"),
            list=None,
            reason="missing",
        )
    found = facts.lists.get(key)
    if found is None:
        raise ListUnknown(
            say("This site has no list %(list)s", list=(key,)), list=key, reason="unknown"
        )
    if found.archived:
        raise ListUnknown(
            say("The list %(list)s is archived", list=(key,)), list=key, reason="archived"
        )
    return found


def check_first_contacts(newcomers: int, facts: Facts) -> None:
    """Whether the hour allows so many people whom the site never mailed. Raises `LimitReached`."""
    allowance = facts.allowance
    if newcomers > max(allowance.first_contacts, 0):
        raise first_contacts_used_up(allowance.budget, allowance.seconds)


def first_contacts_used_up(budget: int, seconds: int) -> LimitReached:
    """That the hour's first contacts are used up; `seconds` are left of it."""
    return LimitReached(
        say(
            "This site may write to %(allowed)s people an hour whom it never mailed before; the number "
            "grows with clean days, and the operator of the relay may raise it",
            allowed=budget,
        ),
        limit="first-contacts",
        allowed=budget,
        retry_after=seconds,
    )


def _ways(draft: Draft, unprotected: str | None) -> list[Remark]:
    """What is to be said about a mail that goes another way than the site asked for."""
    found: list[Remark] = []
    if (corrected := streams.remark(draft)) is not None:
        found.append(remark("stream-corrected", **corrected))
    if draft.kind is not None and unprotected is not None:
        found.append(remark("not-protected", because=unprotected))
    return found


def disposition(held: Held | None) -> Disposition:
    """What a receipt says of a recipient."""
    if held is None:
        return Disposition.QUEUED
    if isinstance(held.reason, ConsentGap) and held.reason is not ConsentGap.ERASED:
        return Disposition.NO_CONSENT
    return Disposition.SUPPRESSED


def described(held: Held) -> dict[str, object]:
    """The reason as the API shows it: a code, its title and the evidence."""
    code = held.reason.value if held.reason in PASSING else disposition(held).value
    return {
        "code": code,
        "reason": held.reason.value,
        "title": TITLES[held.reason.value],
        "since": held.since,
        "evidence": dict(held.evidence),
    }
