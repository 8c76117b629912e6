"""Which stream a message really belongs to, and in which lane it leaves."""

from __future__ import annotations

from typing import Any

from relay.mail import Draft
from relay.policy.topics import slug
from relay.vocabulary import Kind, Lane, Stream

PROMOTIONAL = frozenset((Stream.NOTIFICATION, Stream.MARKETING))
"""Streams that the warm-up binds, and by which it is judged; what people can leave."""

NEWSLETTER_PLUGINS = frozenset(
    (
        "acymailing",
        "alo-easymail",
        "bft-autoresponder",
        "email-subscribers",
        "fluent-crm",
        "fluentcampaign-pro",
        "groundhogg",
        "jackmail-newsletters",
        "knews",
        "mail-mint",
        "mailoptin",
        "mailpoet",
        "mailpoet-premium",
        "mailster",
        "newsletter",
        "newsletter-optin-box",
        "newsletters-lite",
        "noptin",
        "sendpress",
        "sendy",
        "subscribe2",
        "the-newsletter-plugin",
        "wemail",
        "wysija-newsletters",
    )
)
"""Slugs of plugins whose business is newsletters (wordpress.org and the makers' own)."""

_STRENGTH = {stream: place for place, stream in enumerate(Stream)}


def effective_stream(draft: Draft) -> Stream:
    """The stream the site declared, corrected upwards by what the message itself says, never down."""
    return correction(draft)[0]


def correction(draft: Draft) -> tuple[Stream, str | None]:
    """The true stream, and what gave it away where the site declared a weaker one."""
    found = max(_signs(draft), key=lambda sign: _STRENGTH[sign[0]], default=None)
    if found is None or _STRENGTH[found[0]] <= _STRENGTH[draft.stream]:
        return draft.stream, None
    return found


def _signs(draft: Draft) -> list[tuple[Stream, str]]:
    """What a message tells of its stream (design: streams and lanes), with a word for each sign.

    A newsletter plugin's mail is marketing as soon as it looks like a list's: to several people, or
    with a list's headers, as every newsletter has them that large mailbox providers take. One letter
    to one person without them is that plugin's own business (a confirmation, a word to the owner): a
    notification, never less.
    """
    signs = []
    listed = draft.mime.has_list_unsubscribe or draft.mime.has_list_id
    if (draft.mime.precedence or "").strip().lower() in ("bulk", "list"):
        signs.append((Stream.MARKETING, "precedence"))
    if slug(draft.source.plugin) in NEWSLETTER_PLUGINS:
        letter = not listed and len(draft.recipients) == 1
        signs.append((Stream.NOTIFICATION if letter else Stream.MARKETING, "newsletter-plugin"))
    if listed:
        header = "list-unsubscribe" if draft.mime.has_list_unsubscribe else "list-id"
        signs.append((Stream.NOTIFICATION, header))
    return signs


def asks_for_protection(draft: Draft) -> bool:
    """Whether the site marks the message as one that must get through, and it may be one."""
    return draft.kind is Kind.SECURITY and effective_stream(draft) is Stream.TRANSACTIONAL


def lane(stream: Stream, *, protected: bool = False) -> Lane:
    """The lane: the protected one for mail that `policy.protection` lets in, else the stream's own."""
    return Lane.PROTECTED if protected else Lane(stream.value)


def remark(draft: Draft) -> dict[str, Any] | None:
    """What to tell the site where its word for the stream did not count."""
    stream, because = correction(draft)
    if because is None:
        return None
    return {"declared": draft.stream.value, "stream": stream.value, "because": because}
