"""Whom we may mail."""

from __future__ import annotations

from relay.addresses import EmailAddress
from relay.policy import topics
from relay.policy.facts import Facts, Held, ListFacts, OptedOut
from relay.vocabulary import (
    ConsentGap,
    Lane,
    Stream,
    SubscriptionStatus,
    SuppressionReason,
    SuppressionScope,
)

PROMOTIONAL = frozenset((Lane.NOTIFICATION, Lane.MARKETING))

GAPS = {
    SubscriptionStatus.UNCONFIRMED: ConsentGap.UNCONFIRMED,
    SubscriptionStatus.UNSUBSCRIBED: ConsentGap.UNSUBSCRIBED,
    SubscriptionStatus.EXPIRED: ConsentGap.EXPIRED,
}
"""Subscriptions that are no consent, and what they lack; confirmed and attested ones are."""


def reason_not_to_mail(
    address: EmailAddress,
    lane: Lane,
    topic: str | None,
    mailing_list: ListFacts | None,
    facts: Facts,
) -> Held | None:
    """Why this person gets no copy of this mail, or None if they do.

    A newsletter needs the person's own word first: whether somebody has agreed is said before anything
    else, so that a list of bought addresses learns nothing about them. Then what they wanted to stop,
    then what came back.
    """
    if mailing_list is not None and (gap := consent_gap(address, mailing_list, facts)) is not None:
        return gap
    if topic is not None and (stop := opt_out_of(address, topic, facts)) is not None:
        return _opted_out(stop)
    return reason_to_hold(address, lane, facts)


def consent_gap(address: EmailAddress, mailing_list: ListFacts, facts: Facts) -> Held | None:
    """What a person's consent to a list lacks; None where it is confirmed, or attested."""
    found = facts.subscribed.get((mailing_list.id, address))
    if found is None:
        topic = topics.of_list(mailing_list.id)
        if (stop := opt_out_of(address, topic, facts)) is not None:
            return _opted_out(stop)
        return _held(ConsentGap.NEVER_SUBSCRIBED, None, mailing_list)
    if (gap := GAPS.get(found.status)) is not None:
        return _held(gap, found.since, mailing_list)
    return None


def opt_out_of(address: EmailAddress, topic: str, facts: Facts) -> OptedOut | None:
    """The opt-out that stops this topic for the person: of this very thing, or of all of its kind."""
    stops = {stop.topic: stop for stop in facts.opted_out.get(address, ())}
    return stops.get(topic) or stops.get(topics.all_of(topic))


def reason_to_hold(address: EmailAddress, lane: Lane, facts: Facts) -> Held | None:
    """Why this person is not mailed, by what came back earlier, or None if they may be.

    An address that does not exist stops everything. A complaint about a newsletter or notification
    stops those: the person still gets their receipt. A complaint about a receipt stops receipts
    too; only protected mail (a password reset) still reaches whoever complains. Of a disputed
    address, one mail is let through when the time for it has come: the probe. Who was erased gets no
    newsletters and notifications, or no mail at all where all was stopped before.
    """
    for held in facts.suppressed.get(address, ()):
        if held.reason is SuppressionReason.COMPLAINT and lane is Lane.PROTECTED:
            continue
        if held.reason is SuppressionReason.DISPUTED and address in facts.probes:
            continue
        if held.scope is SuppressionScope.PROMOTIONAL and lane not in PROMOTIONAL:
            continue
        return held
    return None


def topic_of(stream: Stream, plugin: str | None, mailing_list: ListFacts | None) -> str | None:
    """What a recipient of such a mail can stop by its link; None for what cannot be stopped."""
    if mailing_list is not None:
        return topics.of_list(mailing_list.id)
    return topics.of_plugin(plugin) if stream is Stream.NOTIFICATION else None


def scope_of_complaint(stream: Stream) -> SuppressionScope:
    """What a complaint about mail of this stream stops."""
    return SuppressionScope.ALL if stream is Stream.TRANSACTIONAL else SuppressionScope.PROMOTIONAL


def _held(gap: ConsentGap, since: str | None, mailing_list: ListFacts) -> Held:
    return Held(gap, SuppressionScope.PROMOTIONAL, since, {"list": mailing_list.key})


def _opted_out(stop: OptedOut) -> Held:
    evidence = {"topic": stop.topic} | dict(stop.evidence)
    return Held(ConsentGap.OPTED_OUT, SuppressionScope.PROMOTIONAL, stop.since, evidence)
