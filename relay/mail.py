"""The values that travel through the relay: a draft in, an envelope out, events back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from relay.addresses import EmailAddress
from relay.vocabulary import EventType, Kind, Outcome, Stream


@dataclass(frozen=True, slots=True)
class Source:
    """What on the site asked for this mail: a plugin or theme, perhaps one of its forms."""

    plugin: str | None = None
    form: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be seen in the body of a small mail: where its links lead, and whether files hang on it.

    `links` are the targets as written, of links and of what mail programs make links of; `unreadable`
    says why the body is not known for sure, if so.
    """

    links: tuple[str, ...] = ()
    attachments: bool = False
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class Mime:
    """A message as it will go out: header block cleaned, body as the site wrote it.

    `parts` together are the whole message in CRLF lines; each is at most `mime.PART` bytes long,
    so that a large mail never needs to be in memory twice. `digest` is the SHA-256 (hex) of the bytes
    as they came. `removed` names headers that were taken out because they would command SES or
    leak somebody. `reply_to` are the addresses of Reply-To; None when it cannot be read.
    `rewritten`: the site says that it has changed From itself (`X-Postreeve-Rewritten: from`).
    `look` is there where the body was looked into, which is done for security mail only.
    """

    parts: tuple[bytes, ...] = field(repr=False)
    digest: str
    sender: EmailAddress
    sender_name: str
    subject: str
    message_id: str | None
    has_list_unsubscribe: bool
    precedence: str | None
    removed: tuple[str, ...] = ()
    reply_to: tuple[EmailAddress, ...] | None = ()
    rewritten: bool = False
    has_list_id: bool = False
    look: Look | None = None

    @property
    def size(self) -> int:
        """Bytes of the whole message."""
        return sum(map(len, self.parts))


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as asked for, before any rule has looked."""

    recipients: tuple[EmailAddress, ...]
    mime: Mime
    stream: Stream
    kind: Kind | None = None
    list_id: str | None = None
    source: Source = Source()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """One person's copy, complete, ready to be handed to the provider.

    `deadline` is a reading of this process's monotonic clock (seconds): past it the lease may be
    somebody else's, so the copy must not go on the wire any more. `topic` is what the person can
    stop by the copy's own link (`policy.topics`); None where nothing can be stopped. `tenant` is the
    provider's name for whom it is sent (docs/operations.md); None sends it in nobody's name.
    """

    attempt_id: UUID
    recipient_id: UUID
    message_id: UUID
    sender: str
    recipient: str
    parts: Iterable[bytes] = field(repr=False)
    deadline: float = float("inf")
    topic: str | None = None
    site_id: UUID | None = None
    tenant: str | None = None

    @property
    def tags(self) -> dict[str, str]:
        """Our own ids; they come back in every event, so that it finds its row (EmailTags)."""
        return {"attempt": self.attempt_id.hex, "recipient": self.recipient_id.hex}


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """One thing that happened to one person's copy, in our words whatever the dialect was.

    `attempt_id` comes from our tags; identity notifications have no tags, there `provider_id`
    (the SES message id) and `address` must do. `key` tells two reports of the same event apart
    from two events. `data` holds what SES said, cut to sane lengths.
    """

    type: EventType
    occurred_at: datetime
    key: str
    provider_id: str
    address: EmailAddress | None = None
    attempt_id: UUID | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


OUTCOMES: Mapping[EventType, Outcome] = {
    EventType.SENT: Outcome.SENT,
    EventType.DEFERRED: Outcome.DEFERRED,
    EventType.DELIVERED: Outcome.DELIVERED,
    EventType.SOFT_BOUNCED: Outcome.SOFT_BOUNCED,
    EventType.BOUNCED: Outcome.BOUNCED,
    EventType.COMPLAINED: Outcome.COMPLAINED,
    EventType.REJECTED: Outcome.REJECTED,
    EventType.RENDER_FAILED: Outcome.RENDER_FAILED,
    EventType.FAILED: Outcome.FAILED,
    EventType.EXPIRED: Outcome.EXPIRED,
    EventType.UNCONFIRMED: Outcome.UNCONFIRMED,
    EventType.NO_REPORT: Outcome.NO_REPORT,
    EventType.OPENED: Outcome.SENT,
    EventType.CLICKED: Outcome.SENT,
    EventType.UNSUBSCRIBED: Outcome.SENT,
}
"""What each event says about a copy; who opens, clicks or unsubscribes only proves that it left."""
