"""Which stream a message really belongs to, and in which lane it leaves."""

from __future__ import annotations

from relay.mail import Draft
from relay.vocabulary import Kind, Lane, Stream


def effective_stream(draft: Draft) -> Stream:
    """The stream the site declared, corrected upwards by what the message itself says.

    `Precedence: bulk` or `list` is marketing; a List-Unsubscribe header is at least notification
    (design: streams and lanes). The relay never corrects downwards.
    """
    if (draft.mime.precedence or "").strip().lower() in ("bulk", "list"):
        return Stream.MARKETING
    if draft.mime.has_list_unsubscribe and draft.stream is Stream.TRANSACTIONAL:
        return Stream.NOTIFICATION
    return draft.stream


def lane(draft: Draft, stream: Stream) -> Lane:
    """The lane: protected for security mail to one person, else the stream's own."""
    if (
        draft.kind is Kind.SECURITY
        and stream is Stream.TRANSACTIONAL
        and len(draft.recipients) == 1
    ):
        return Lane.PROTECTED
    return Lane(stream.value)
