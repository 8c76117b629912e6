"""The tables: columns, constraints, relationships. No queries and no rules."""

from relay.models.accounts import Account, ApiKey, Site
from relay.models.audience import Suppression
from relay.models.domains import Domain
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
    "ApiKey",
    "Attempt",
    "Content",
    "Counter",
    "Domain",
    "Event",
    "EventKey",
    "IdempotencyKey",
    "Message",
    "Notice",
    "NoticeId",
    "Recipient",
    "Site",
    "Suppression",
    "Usage",
]
