"""What the rules may know when they judge a draft; read by `services/messages` under the lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from relay.addresses import EmailAddress
from relay.vocabulary import DomainStatus, State, SuppressionReason, SuppressionScope


@dataclass(frozen=True, slots=True)
class Held:
    """Why a person's copy does not go out: the reason and the evidence for it."""

    reason: SuppressionReason
    scope: SuppressionScope
    since: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """The state of the world around one draft.

    `domains` holds those of the account's domains that the From domain, or a domain in the display
    name, lies in or under; `site_host` is the host of the site's own address;
    `suppressed` holds those recipients the site may not mail; `probes` those whose next mail decides
    about them (the id of their hold).
    """

    account_state: State
    site_state: State
    domains: Mapping[str, DomainStatus] = field(default_factory=dict)
    suppressed: Mapping[EmailAddress, tuple[Held, ...]] = field(default_factory=dict)
    probes: dict[EmailAddress, UUID] = field(default_factory=dict)
    site_host: str = ""
