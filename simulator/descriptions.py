"""Mails with their `mail` object, the recent ones at hand in memory."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from simulator import events, mime
from simulator.mails import Mail
from simulator.store import Store

RECENT = 2_000
"""Mails kept in memory for the events that follow; the others are read back from the disk."""


@dataclass
class Description:
    """A mail and what its events say about it."""

    mail: Mail
    headers: mime.Headers

    @cached_property
    def about(self) -> dict[str, Any]:
        """The `mail` object of its events; made only if somebody is told."""
        return events.mail_object(self.mail, self.headers)


class Descriptions:
    """A memory of bounded size in front of the store."""

    def __init__(self, store: Store) -> None:
        """Describe the mails of `store`."""
        self._store = store
        self._recent: OrderedDict[int, Description] = OrderedDict()

    def remember(self, mail: Mail, headers: mime.Headers) -> Description:
        """Keep a mail at hand."""
        described = self._recent[mail.number] = Description(mail, headers)
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        return described

    def get(self, number: int) -> Description:
        """The mail of that number, which must exist."""
        known = self._recent.get(number)
        if known is not None:
            return known
        mail = self._store.get(number)
        head = self._store.raw(mail, mime.HEAD_LIMIT)
        return self.remember(mail, mime.parse_headers(head[: mime.head_size(head)]))
