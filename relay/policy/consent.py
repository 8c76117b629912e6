"""Whom we may mail."""

from __future__ import annotations

from relay.addresses import EmailAddress
from relay.policy.facts import Facts, Held
from relay.vocabulary import Lane, Stream, SuppressionReason, SuppressionScope

PROMOTIONAL = frozenset((Lane.NOTIFICATION, Lane.MARKETING))


def reason_to_hold(address: EmailAddress, lane: Lane, facts: Facts) -> Held | None:
    """Why this person is not mailed, or None if they may be.

    An address that does not exist stops everything. A complaint about a newsletter or notification
    stops those: the person still gets their receipt. A complaint about a receipt stops receipts
    too; only protected mail (a password reset) still reaches whoever complains. Of a disputed
    address, one mail is let through when the time for it has come: the probe.
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


def scope_of_complaint(stream: Stream) -> SuppressionScope:
    """What a complaint about mail of this stream stops."""
    return SuppressionScope.ALL if stream is Stream.TRANSACTIONAL else SuppressionScope.PROMOTIONAL
