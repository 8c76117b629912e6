"""The tables: columns, constraints, relationships. No queries and no rules."""

from relay.models.accounts import Account, ApiKey, Site
from relay.models.audience import Suppression
from relay.models.bounces import AddressHold, Confirmation, ReceivingDomain, UnknownAddress
from relay.models.domains import (
    Domain,
    DomainChange,
    DomainConsent,
    DomainRule,
    Identity,
)
from relay.models.messages import (
    Attempt,
    Content,
    Event,
    EventKey,
    IdempotencyKey,
    Message,
    Recipient,
)
from relay.models.operations import Counter, Notice, NoticeId, Usage

__all__ = [
    "Account",
    "AddressHold",
    "ApiKey",
    "Attempt",
    "Confirmation",
    "Content",
    "Counter",
    "Domain",
    "DomainChange",
    "DomainConsent",
    "DomainRule",
    "Event",
    "EventKey",
    "IdempotencyKey",
    "Identity",
    "Message",
    "Notice",
    "NoticeId",
    "ReceivingDomain",
    "Recipient",
    "Site",
    "Suppression",
    "UnknownAddress",
    "Usage",
]
