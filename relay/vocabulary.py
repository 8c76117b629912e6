"""The words of the product, as values. `docs/glossary.md` explains each of them."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Standing of an account or a site; of the two, the stricter one holds."""

    PENDING = "pending"
    ACTIVE = "active"
    WARNED = "warned"
    LIMITED = "limited"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


class Verb(StrEnum):
    """What is done to the standing of an account or a site."""

    APPROVE = "approve"
    WARN = "warn"
    LIMIT = "limit"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    TERMINATE = "terminate"
    SLOW = "slow"
    HOLD_SOURCE = "hold-source"


class Cause(StrEnum):
    """What an action is about; the reason beside it is in an operator's own words."""

    PHISHING = "phishing"
    MALWARE = "malware"
    STOLEN_KEY = "stolen-key"
    INVALID_ADDRESSES = "invalid-addresses"
    COMPLAINTS = "complaints"
    SPAM = "spam"
    OTHER = "other"


class Rule(StrEnum):
    """By which rule the relay acted of its own accord (docs/reputation.md)."""

    INVALID_ADDRESSES = "invalid-addresses"
    COMPLAINTS = "complaints"
    SPAM_REFUSALS = "spam-refusals"
    PEOPLE_LEAVE = "people-leave"
    ABUSE_REPORTS = "abuse-reports"
    BURST = "burst"
    YOUNG_SITE = "young-site"
    PLATFORM = "platform"
    RECOVERED = "recovered"


class Dimension(StrEnum):
    """By what mail is counted."""

    SITE = "site"
    DOMAIN = "domain"
    SOURCE = "source"
    PROVIDER = "provider"
    IP = "ip"


class Fate(StrEnum):
    """What becomes of new mail of a lane under a standing."""

    GOES = "goes"
    HELD = "held"
    REFUSED = "refused"


class Scope(StrEnum):
    """What an API key may do."""

    SEND = "send"
    READ = "read"
    MANAGE = "manage"


class DomainStatus(StrEnum):
    """Where a sending domain stands between claim and proof."""

    PENDING = "pending"
    VERIFIED = "verified"
    FAILING = "failing"
    LAPSED = "lapsed"
    SUSPENDED = "suspended"


class CheckResult(StrEnum):
    """What DNS says about a record we asked to be published. Unknown is never a failure."""

    PASS = "pass"  # noqa: S105  (no password)
    FAIL = "fail"
    UNKNOWN = "unknown"


class DomainRuleKind(StrEnum):
    """What an operator has decided about a domain name, whoever claims it."""

    ALLOWED = "allowed"
    BANNED = "banned"


class Stream(StrEnum):
    """Why a message is sent."""

    TRANSACTIONAL = "transactional"
    NOTIFICATION = "notification"
    MARKETING = "marketing"


class Lane(StrEnum):
    """Order in which copies leave: a protected one before a transactional one, and so on."""

    PROTECTED = "protected"
    TRANSACTIONAL = "transactional"
    NOTIFICATION = "notification"
    MARKETING = "marketing"

    @property
    def rank(self) -> int:
        """0 leaves first."""
        return _LANE_ORDER.index(self)

    @classmethod
    def of_rank(cls, rank: int) -> Lane:
        """The lane of this rank."""
        return _LANE_ORDER[rank]


_LANE_ORDER = (Lane.PROTECTED, Lane.TRANSACTIONAL, Lane.NOTIFICATION, Lane.MARKETING)


class Kind(StrEnum):
    """What the site declares beyond the stream."""

    SECURITY = "security"


class Stage(StrEnum):
    """Where one person's copy stands on its way through the relay."""

    HELD = "held"
    CHECKING = "checking"
    WAITING = "waiting"
    QUEUED = "queued"
    LEASED = "leased"
    SENDING = "sending"
    UNKNOWN = "unknown"
    DONE = "done"


class WaitReason(StrEnum):
    """Why an accepted copy is not in the queue yet."""

    NEXT_WINDOW = "next-window"
    WARM_UP = "warm-up"
    CANARY = "canary"
    YOUNG_SITES = "young-sites"


class CanaryState(StrEnum):
    """Where a sending stands whose first copies are watched before the rest goes."""

    GATHERING = "gathering"
    WATCHING = "watching"
    CLEAN = "clean"
    FAILED = "failed"
    UNCLEAR = "unclear"


class CanaryCause(StrEnum):
    """Why a sending is tried on a part of it first."""

    FIRST_SENDING = "first-sending"
    UNUSUAL_VOLUME = "unusual-volume"


class Outcome(StrEnum):
    """What is known of one person's copy. Grows in strength only, in whatever order news comes."""

    NONE = "none"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    SENT = "sent"
    DEFERRED = "deferred"
    NO_REPORT = "no_report"
    SOFT_BOUNCED = "soft_bounced"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    RENDER_FAILED = "render_failed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"

    @property
    def strength(self) -> int:
        """Later in the list wins: a complaint is never forgotten for a late delivery report."""
        return _STRENGTH[self]


_STRENGTH = {outcome: strength for strength, outcome in enumerate(Outcome)}


class AttemptState(StrEnum):
    """One try at handing a copy to the provider."""

    STARTED = "started"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class EventType(StrEnum):
    """Something that happened to a copy."""

    SENT = "sent"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    SOFT_BOUNCED = "soft_bounced"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REJECTED = "rejected"
    RENDER_FAILED = "render_failed"
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"
    FAILED = "failed"
    EXPIRED = "expired"
    UNCONFIRMED = "unconfirmed"
    NO_REPORT = "no_report"


class ReviewKind(StrEnum):
    """Why mail waits for an operator's decision."""

    CAMPAIGN_IN_DISGUISE = "campaign-in-disguise"
    LIMITED = "sending-limited"
    SUSPENDED = "sending-suspended"
    CANARY_FAILED = "canary-failed"
    CANARY_UNCLEAR = "canary-unclear"
    NEW_NETWORK = "new-network"
    LOOK_ALIKE_LINK = "look-alike-link"
    SHARED_LINK = "shared-link"


class Decision(StrEnum):
    """What an operator decided about mail that was held."""

    RELEASED = "released"
    REJECTED = "rejected"


class AppealDecision(StrEnum):
    """What an operator answered to an owner who appealed."""

    ACCEPTED = "accepted"
    DECLINED = "declined"


class Relation(StrEnum):
    """What two accounts have in common, so that an operator looks at both."""

    SENDING_DOMAIN = "sending-domain"
    OWNER_ADDRESS = "owner-address"
    OWNER_DOMAIN = "owner-domain"
    SITE_HOST = "site-host"
    WORDING = "wording"
    LINK_DOMAIN = "link-domain"


class SuppressionReason(StrEnum):
    """Why an address is not mailed."""

    INVALID_ADDRESS = "invalid-address"
    COMPLAINT = "complaint"
    PROVIDER_LIST = "provider-list"
    MANUAL = "manual"
    MAILBOX_FULL = "mailbox-full"
    INACTIVE_MAILBOX = "inactive-mailbox"
    UNKNOWN_ADDRESS = "unknown-address"
    DISPUTED = "disputed"
    COOL_OFF = "cool-off"


class HoldKind(StrEnum):
    """What an address waits for."""

    DISPUTED = "disputed"
    COOL_OFF = "cool-off"
    RE_PROBE = "re-probe"


class SuppressionScope(StrEnum):
    """How much a suppression stops: every stream, or newsletters and notifications only."""

    ALL = "all"
    PROMOTIONAL = "promotional"


class SubscriptionStatus(StrEnum):
    """Where a person's consent to a list stands."""

    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    ATTESTED = "attested"
    UNSUBSCRIBED = "unsubscribed"
    EXPIRED = "expired"


class ConsentGap(StrEnum):
    """Why a person gets no newsletter, or no notification: what their own word is, or that it lacks."""

    NEVER_SUBSCRIBED = "never-subscribed"
    UNCONFIRMED = "unconfirmed"
    UNSUBSCRIBED = "unsubscribed"
    EXPIRED = "expired"
    OPTED_OUT = "opted-out"
    ERASED = "erased"


class ConsentKind(StrEnum):
    """What a row of the consent ledger says."""

    REQUESTED = "requested"
    SENT = "sent"
    CONFIRMED = "confirmed"
    IMPORTED = "imported"
    ATTESTED = "attested"
    WITHDRAWN = "withdrawn"
    COMPLAINED = "complained"
    ERASED = "erased"


class AbuseReason(StrEnum):
    """Why somebody reports a mail."""

    NEVER_SIGNED_UP = "never-signed-up"
    KEEPS_COMING = "keeps-coming"
    FRAUD = "fraud"
    OFFENSIVE = "offensive"
    OTHER = "other"


class AbuseOrigin(StrEnum):
    """Where a report of abuse came from."""

    PAGE = "page"
    ARF = "arf"
    OPERATOR = "operator"


class AbuseSeverity(StrEnum):
    """How grave a report is, by what it says and what the relay knows about the person's consent."""

    FRAUD = "fraud"
    NO_CONSENT = "no-consent"
    CONSENT_DISPUTED = "consent-disputed"
    NOT_STOPPED = "not-stopped"
    MINOR = "minor"

    @property
    def rank(self) -> int:
        """0 is looked at first."""
        return _GRAVITY[self]


_GRAVITY = {severity: rank for rank, severity in enumerate(AbuseSeverity)}


class AbuseDecision(StrEnum):
    """What an operator made of a report."""

    DISMISSED = "dismissed"
    ACTED = "acted"


class FeedbackType(StrEnum):
    """What a mailbox provider's feedback report is about (RFC 5965 §7.3, RFC 6430, RFC 6591)."""

    ABUSE = "abuse"
    FRAUD = "fraud"
    VIRUS = "virus"
    NOT_SPAM = "not-spam"
    OPT_OUT = "opt-out"
    AUTH_FAILURE = "auth-failure"
    OTHER = "other"


class FeedbackResult(StrEnum):
    """What became of a mailbox provider's feedback report."""

    COMPLAINT = "complaint"
    LEFT = "left"
    NOTED = "noted"
    UNMATCHED = "unmatched"
    KNOWN = "known"


class LeavingReason(StrEnum):
    """Why somebody wants no more mail of a topic, if they care to say."""

    TOO_MANY = "too-many"
    NOT_INTERESTING = "not-interesting"
    NOT_EXPECTED = "not-expected"
    OTHER = "other"


class RequestOutcome(StrEnum):
    """What became of a sign-up: its mail was sent, waits, or is not sent."""

    SENT = "sent"
    QUEUED = "queued"
    CHALLENGED = "challenged"
    LIMITED = "limited"
    KNOWN = "known"
    DROPPED = "dropped"


class Disposition(StrEnum):
    """What accepting a message means for one of its recipients."""

    QUEUED = "queued"
    HELD = "held"
    SUPPRESSED = "suppressed"
    NO_CONSENT = "no-consent"


class NoticeState(StrEnum):
    """What became of a stored SNS notice."""

    RECEIVED = "received"
    APPLIED = "applied"
    UNMATCHED = "unmatched"
    ORPHANED = "orphaned"
    IGNORED = "ignored"


class Limit(StrEnum):
    """What a limit is about, as the problem `limit-reached` names it in `limit`."""

    SITE_SECOND = "site-second"
    SITE_HOUR = "site-hour"
    SITE_DAY = "site-day"
    ACCOUNT_SECOND = "account-second"
    ACCOUNT_HOUR = "account-hour"
    ACCOUNT_DAY = "account-day"
    SOURCE = "source"
    FIRST_CONTACTS = "first-contacts"
    REQUESTS = "requests"


class SendingStatus(StrEnum):
    """Whether a tenant may send, by our word, by Amazon SES's, or by both together."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    REINSTATED = "reinstated"


class ReputationPolicy(StrEnum):
    """At which findings Amazon SES pauses a tenant by itself."""

    STANDARD = "standard"
    STRICT = "strict"
    NONE = "none"


class AccountOpening(StrEnum):
    """Whether somebody without an account may open one by connecting a site."""

    APPROVAL = "approval"
    CLOSED = "closed"
    OPEN = "open"
