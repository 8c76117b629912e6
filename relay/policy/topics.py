"""Topics: what a person can stop, by name.

A topic is `marketing` or `notification`, which stop all of their kind, or one thing below them:
`list:ID` and `notification:PLUGIN`. Receipts and password resets have no topic: they cannot be
stopped.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from uuid import UUID

from relay.vocabulary import Stream

MARKETING = "marketing"
NOTIFICATION = "notification"
_LIST = "list:"
_PLUGIN = "notification:"

OTHER = "other"
"""The plugin of notifications whose plugin nobody named."""

LONGEST_PLUGIN = 64
LONGEST = len(_PLUGIN) + LONGEST_PLUGIN
"""Characters of a topic, all of them ASCII."""


def of_list(list_id: UUID) -> str:
    """The topic of a list's mail."""
    return f"{_LIST}{list_id}"


@lru_cache(maxsize=1_024)
def slug(plugin: str | None) -> str:
    """A plugin's name as topics have it; empty where nobody said which."""
    return re.sub(r"[^a-z0-9._-]+", "-", (plugin or "").lower())[:LONGEST_PLUGIN].strip("-")


def of_plugin(plugin: str | None) -> str:
    """The topic of the notifications that a plugin sends, or of those where nobody said which."""
    return f"{_PLUGIN}{slug(plugin) or OTHER}"


def of_mail(stream: Stream, plugin: str | None, list_id: str | None) -> str | None:
    """What whoever gets a mail can stop by its link; None where nothing can be stopped."""
    if stream is Stream.NOTIFICATION:
        return of_plugin(plugin)
    if stream is Stream.MARKETING and list_id:
        return of_list(UUID(list_id))
    return None


def list_of(topic: str) -> UUID | None:
    """The list a topic is about; None where it is about something else."""
    try:
        return UUID(topic.removeprefix(_LIST)) if topic.startswith(_LIST) else None
    except ValueError:
        return None


def plugin_of(topic: str) -> str | None:
    """The plugin a topic is about; None where it is about something else."""
    return topic.removeprefix(_PLUGIN) if topic.startswith(_PLUGIN) else None


def all_of(topic: str) -> str:
    """The topic that stops everything of this one's kind."""
    return MARKETING if topic == MARKETING or topic.startswith(_LIST) else NOTIFICATION


def is_stopped(topic: str, opted_out: Collection[str]) -> bool:
    """Whether somebody with these opt-outs gets no mail of this topic."""
    return topic in opted_out or all_of(topic) in opted_out
