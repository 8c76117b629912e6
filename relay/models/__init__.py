"""The tables: columns, constraints, relationships. No queries and no rules."""

from relay.models.accounts import Account, ApiKey, Site
from relay.models.appeals import Appeal
from relay.models.audience import Suppression
from relay.models.bounces import AddressHold, Confirmation, ReceivingDomain, UnknownAddress
from relay.models.connections import AccountRequest, SiteConnection
from relay.models.consent import (
    AbuseReport,
    ConsentPerson,
    ConsentRecord,
    ConsentSeal,
    Erasure,
    MailingList,
    OptOut,
    Subscription,
    SubscriptionRequest,
    UnsealedRecord,
)
from relay.models.dispatch import Expiry, SendingBudget, SendingPace
from relay.models.domains import (
    Domain,
    DomainChange,
    DomainConsent,
    DomainRule,
    FormerDomain,
    Identity,
)
from relay.models.limits import SiteCount, SourceCount
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
from relay.models.operators import Operator
from relay.models.promotions import CanaryCopy, Ramp, Sending
from relay.models.reputation import Pulse, Tally
from relay.models.reviews import Action, Review, Wording
from relay.models.signals import FeedbackReport, KeyNetwork, LinkHost, LinkWording
from relay.models.tenants import Tenant, TenantDomain

__all__ = [
    "AbuseReport",
    "Account",
    "AccountRequest",
    "Action",
    "AddressHold",
    "ApiKey",
    "Appeal",
    "Attempt",
    "CanaryCopy",
    "Confirmation",
    "ConsentPerson",
    "ConsentRecord",
    "ConsentSeal",
    "Content",
    "Counter",
    "Domain",
    "DomainChange",
    "DomainConsent",
    "DomainRule",
    "Erasure",
    "Event",
    "EventKey",
    "Expiry",
    "FeedbackReport",
    "FormerDomain",
    "IdempotencyKey",
    "Identity",
    "KeyNetwork",
    "LinkHost",
    "LinkWording",
    "MailingList",
    "Message",
    "Notice",
    "NoticeId",
    "Operator",
    "OptOut",
    "Pulse",
    "Ramp",
    "ReceivingDomain",
    "Recipient",
    "Review",
    "Sending",
    "SendingBudget",
    "SendingPace",
    "Site",
    "SiteConnection",
    "SiteCount",
    "SourceCount",
    "Subscription",
    "SubscriptionRequest",
    "Suppression",
    "Tally",
    "Tenant",
    "TenantDomain",
    "UnknownAddress",
    "UnsealedRecord",
    "Usage",
    "Wording",
]
