"""What the rules may know when they judge a draft; read by `services/intake` under the lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from relay.addresses import EmailAddress
from relay.policy.limits import Quota
from relay.policy.plans import USUAL, Limits, limits_of
from relay.policy.wordings import MOST_ALIKE
from relay.vocabulary import (
    Cause,
    ConsentGap,
    DomainStatus,
    State,
    SubscriptionStatus,
    SuppressionReason,
    SuppressionScope,
)

_USUAL = limits_of(USUAL, None)


@dataclass(frozen=True, slots=True)
class Held:
    """Why a person's copy does not go out: the reason and the evidence for it."""

    reason: SuppressionReason | ConsentGap
    scope: SuppressionScope
    since: str | None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListFacts:
    """A list of the site, and who answers for it."""

    id: UUID
    key: str
    name: str
    controller: str
    postal_address: str
    language: str
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Subscribed:
    """Where a person's consent to a list stands, and since when."""

    status: SubscriptionStatus
    since: str


@dataclass(frozen=True, slots=True)
class OptedOut:
    """What a person wants no more of, and since when."""

    topic: str
    since: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Allowance:
    """What may still be drawn in this hour; whoever admits a draft draws from it.

    `newcomers` are those recipients whom the site never mailed, of whom `first_contacts` may still be
    written to, out of `budget` an hour; `seconds` are left of the hour. `security` is how much
    protected mail the site may still send, `protected` how much each recipient had in the last 60
    minutes. `recent` counts the people to whom mail of the site was accepted in this hour of the clock
    and the one before, `under_review` tells whether an operator has yet to decide about mail of it.
    `quota` is what transactional mail may still draw.
    """

    budget: int = 20
    first_contacts: int = 20
    seconds: int = 3_600
    newcomers: set[EmailAddress] = field(default_factory=set)
    security: int = 30
    protected: dict[EmailAddress, int] = field(default_factory=dict)
    recent: int = 0
    under_review: bool = False
    quota: Quota = field(default_factory=Quota)

    def asks_for_a_look(self, more: int = 0) -> bool:
        """Whether so much mail of the site came lately, with so many people `more`, that some of it may be
        a campaign in disguise."""
        return self.recent + more > MOST_ALIKE


@dataclass(frozen=True, slots=True)
class Facts:
    """The state of the world around one draft; `owner` is the key of the account owner's address.

    `domains` holds those of the account's domains that the From domain, or a domain in the display
    name, lies in or under; `site_host` is the host of the site's own address, if it is a domain, and
    `link_host` the same whatever it is, both without `www.`; `suppressed` holds those recipients the
    site may not mail; `probes` those whose next mail decides about them (the id of their hold).
    `lists` holds the lists a draft names, by key; `subscribed` the recipients' consents to them;
    `opted_out` what recipients want no more of. `limits` are the site's, with all that was set for it.
    `young`: the site is younger than 30 days.
    """

    account_state: State
    site_state: State
    domains: Mapping[str, DomainStatus] = field(default_factory=dict)
    suppressed: Mapping[EmailAddress, tuple[Held, ...]] = field(default_factory=dict)
    probes: dict[EmailAddress, UUID] = field(default_factory=dict)
    site_host: str = ""
    link_host: str = ""
    lists: Mapping[str, ListFacts] = field(default_factory=dict)
    subscribed: Mapping[tuple[UUID, EmailAddress], Subscribed] = field(default_factory=dict)
    opted_out: Mapping[EmailAddress, tuple[OptedOut, ...]] = field(default_factory=dict)
    allowance: Allowance = field(default_factory=Allowance)
    account_cause: Cause | None = None
    site_cause: Cause | None = None
    site_streams: Mapping[str, Mapping[str, Any]] | None = None
    owner: str = ""
    young: bool = False
    limits: Limits = _USUAL
