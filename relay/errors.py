"""What can go wrong, named by meaning; which HTTP status that is, is the edge's business.

A class belongs to one family (`Invalid`, `Refused`, …); `api/problems.py` maps families to
status codes (RFC 9457). `slug` is the stable word clients compare, `title` never varies, the
message of an instance is about this case, and `members` are its machine-readable details.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol


class Told(Protocol):
    """What each reads in their own language (`relay.sayings.Saying`); as a string it is English."""

    def spoken(self, language: str) -> str:
        """It in a language."""


class PostreeveError(Exception):
    """Anything the relay says no to, in words for a person and members for a program.

    `told` are those words as they were given; `detail` is the same in English, for logs and terminals.
    """

    slug: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, told: str | Told, **members: Any) -> None:
        self.told = told
        self.detail = str(told)
        self.members = members
        super().__init__(self.detail)


# --- families -------------------------------------------------------------------------------


class Invalid(PostreeveError):
    """The request is not well formed. `errors` lists pointers (`#/metadata/envelope/to/0`)."""

    slug = "request-invalid"
    title = "The request is not valid"


class Unauthenticated(PostreeveError):
    """Nobody we know: the key is missing, malformed, unknown, expired or revoked."""

    slug = "key-invalid"
    title = "The API key is not valid"


class Forbidden(PostreeveError):
    """We know who it is, and they may not do this."""

    slug = "forbidden"
    title = "This is not allowed"


class NotFound(PostreeveError):
    """There is no such thing, or it belongs to somebody else (both look alike on purpose)."""

    slug = "not-found"
    title = "There is no such thing"


class Conflict(PostreeveError):
    """The request contradicts what is already there."""

    slug = "conflict"
    title = "This contradicts what is already there"


class Refused(PostreeveError):
    """Well formed and understood, but a rule of the relay says no."""

    slug = "refused"
    title = "A rule of the relay refuses this"


class TooLarge(PostreeveError):
    """More than the relay or Amazon SES takes."""

    slug = "message-too-large"
    title = "The message is too large"


class LimitReached(PostreeveError):
    """Too much for now. `retry_after` (seconds) says when to come back."""

    slug = "limit-reached"
    title = "A sending limit is reached"


class Unavailable(PostreeveError):
    """Our own trouble, or that of a neighbour; the same request may be sent again."""

    slug = "unavailable"
    title = "The relay cannot do this right now"


# --- members --------------------------------------------------------------------------------


class MessageInvalid(Invalid):
    """The MIME is broken in a way no mail server would accept."""

    slug = "message-invalid"
    title = "The message is not valid MIME"


class FeedbackInvalid(Invalid):
    """What was handed in is no feedback report of a mailbox provider."""

    slug = "feedback-invalid"
    title = "This is no feedback report"


class UnsafeHeader(Invalid):
    """A header that would let the sender smuggle in another one, or another recipient."""

    slug = "unsafe-header"
    title = "A header of the message is unsafe"


class ScopeMissing(Forbidden):
    """The key is good, but was not made for this."""

    slug = "scope-missing"
    title = "The API key lacks a scope"


class KeySiteMismatch(Forbidden):
    """The key is bound to another site's address, as after cloning a site."""

    slug = "key-site-mismatch"
    title = "The API key belongs to another site"


class AccountPending(Forbidden):
    """The account or site waits for an operator's approval."""

    slug = "account-pending"
    title = "The account waits for approval"


class AccountSuspended(Forbidden):
    """The account or site is suspended or terminated."""

    slug = "account-suspended"
    title = "The account is suspended"


class Forged(Forbidden):
    """A notice that Amazon SNS did not sign for a topic of ours."""

    slug = "notice-forged"
    title = "The notice is not genuine"


class IdempotencyKeyReused(Conflict):
    """The Idempotency-Key was used for another request within the last 72 hours."""

    slug = "idempotency-key-reused"
    title = "The Idempotency-Key was used for another request"


class ContentGone(Conflict):
    """The bytes of a message were deleted when their time was over; it cannot be sent again."""

    slug = "content-gone"
    title = "The content of the message is no longer kept"


class AlreadyExists(Conflict):
    """A thing of that name is already there."""

    slug = "already-exists"
    title = "This already exists"


class NothingToAppeal(Conflict):
    """Nothing that was done to the account or site is in force, so an appeal could undo nothing."""

    slug = "nothing-to-appeal"
    title = "There is nothing to appeal against"


class SenderNotVerified(Refused):
    """The From address is outside the verified domains of the account."""

    slug = "sender-not-verified"
    title = "The sender's domain is not verified"


class FreeMailSender(Refused):
    """The domain belongs to a mailbox provider: nobody but the provider may send from it."""

    slug = "free-mail-sender"
    title = "Mail from a free-mail address cannot be sent by a website"


class LookAlikeDomain(Refused):
    """The domain looks like a brand that is often imitated; an operator may allow it."""

    slug = "look-alike-domain"
    title = "The domain looks like a well-known brand"


class DomainRefused(Refused):
    """Nobody can send from this name: a public suffix, or banned by an operator. `reason` says which."""

    slug = "domain-refused"
    title = "This domain cannot be a sending domain"


class DomainTaken(Refused):
    """The name lies under a domain that another account has verified, and that has not agreed."""

    slug = "domain-taken"
    title = "The domain belongs to another account"


class ConnectCodeInvalid(Refused):
    """The code of a connection is unknown, used or over, or whoever presents it did not ask for it."""

    slug = "connect-code-invalid"
    title = "The connection's code is not valid"


class NobodyToMail(Refused):
    """No recipient may be mailed; `recipients` says why for each."""

    slug = "nobody-to-mail"
    title = "None of the recipients may be mailed"


class ListUnknown(Refused):
    """Marketing without a list that the site has and still uses. `reason` says which of these it is."""

    slug = "list-unknown"
    title = "Marketing needs a list of the site"


class LinkImpossible(Refused):
    """The way out cannot be written into this newsletter without breaking it. `reason` says why."""

    slug = "unsubscribe-link-impossible"
    title = "The newsletter cannot carry an unsubscribe link"


class ComplaintNotLiftable(Refused):
    """The person complained: only their own fresh opt-in, or an operator, lifts that."""

    slug = "complaint-not-liftable"
    title = "A complaint cannot be lifted"


# --- trouble that stays inside --------------------------------------------------------------


class MailerBusy(Exception):
    """The provider did not take this copy now; the same call may succeed later.

    `code` is the provider's word for it. `throttled` says that it was about rate or quota, and
    `scope` whether the trouble concerns this copy only, all of its tenant (`tenant`), or everything we
    send (`all`).
    """

    def __init__(self, detail: str, *, code: str, throttled: bool = False, scope: str = "copy"):
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.throttled = throttled
        self.scope = scope


class MailerRefused(Exception):
    """The provider will never take this copy, however often it is asked."""

    def __init__(self, detail: str, *, code: str):
        super().__init__(detail)
        self.detail = detail
        self.code = code


class MailerSilent(Exception):
    """No answer came after the request had gone out: the copy may be on its way, or not."""

    def __init__(self, detail: str, *, code: str = "no-answer"):
        super().__init__(detail)
        self.detail = detail
        self.code = code
