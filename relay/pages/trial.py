"""What the start page of a trial (`python -m relay run`) shows: its first mails, and what became of each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from relay import languages
from relay.context import Relay
from relay.pages import speech
from relay.policy.words import stated
from relay.sayings import Saying, phrase, say
from relay.services import timelines
from relay.services.timelines import MessageTimeline

REFUSED = "refused"
"""The status of a mail that the relay did not take."""

LOOKS: Mapping[str, tuple[str, str]] = {
    "delivered": ("good", phrase("delivered")),
    "complained": ("bad", phrase("marked as spam")),
    "bounced": ("bad", phrase("bounced")),
    "soft_bounced": ("bad", phrase("not delivered")),
    "rejected": ("bad", phrase("rejected")),
    "render_failed": ("bad", phrase("could not be built")),
    "failed": ("bad", phrase("failed")),
    "suppressed": ("bad", phrase("suppressed")),
    REFUSED: ("bad", phrase("refused")),
    "expired": ("past", phrase("expired")),
    "unconfirmed": ("past", phrase("unconfirmed")),
    "no_report": ("past", phrase("no report")),
    "queued": ("wait", phrase("queued")),
    "sending": ("wait", phrase("being sent")),
    "sent": ("wait", phrase("sent")),
    "deferred": ("wait", phrase("deferred")),
    "held": ("wait", phrase("held")),
    "unknown": ("wait", phrase("not known yet")),
}
"""How a status looks, and the word for it. Never by colour alone: there is always an icon and the word."""

ON_ITS_WAY = say("On its way.")

SHOWN = 12
"""Mails on the page."""

LOOK_AGAIN = timedelta(minutes=2)
"""How long the page reloads by itself while a mail is on its way."""


@dataclass(frozen=True, slots=True)
class Row:
    """One copy of a mail, or one that was refused: when it came, what became of it, and why."""

    subject: str
    to: str
    status: str
    why: Saying
    at: datetime

    @property
    def look(self) -> tuple[str, str]:
        """How its status looks, and the word for it, in the language of the page."""
        mood, word = LOOKS[self.status]
        return mood, speech.gettext(word)

    def moves(self, now: datetime) -> bool:
        """Whether it is worth looking again soon."""
        return LOOKS[self.status][0] == "wait" and now - self.at < LOOK_AGAIN


def shown(relay: Relay) -> dict[str, Any] | None:
    """What a trial left for the page; None on a real installation."""
    path = relay.settings.trial_notes
    if path is None or relay.settings.simulator_certificate is None:
        return None
    notes = _notes(path)
    rows = [*_refused(notes)]
    if site := notes.get("site_id"):
        with relay.reads() as session:
            page = timelines.page(session, UUID(site), limit=SHOWN)
        rows += [row for found in page.messages for row in _copies(found)]
    rows = sorted(rows, key=lambda row: row.at, reverse=True)[:SHOWN]
    now = datetime.now(UTC)
    return {
        **notes,
        "mails": [_in_words(row, now) for row in rows],
        "unfinished": not notes.get("finished") or any(row.moves(now) for row in rows),
        "headline": _headline(rows),
    }


def _notes(path: Path) -> dict[str, Any]:
    try:
        notes: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return notes


def _refused(notes: Mapping[str, Any]) -> Iterator[Row]:
    for row in notes.get("refused", ()):
        at = datetime.fromisoformat(row["at"])
        yield Row(row["subject"], row["to"], REFUSED, stated(row["why"]), at)


def _copies(found: MessageTimeline) -> Iterator[Row]:
    message = found.message
    for copy in found.recipients:
        reason = copy.recipient.reason or {}
        last = timelines.event_summary(copy.events[-1]) if copy.events else ON_ITS_WAY
        why = stated(reason["title"]) if reason.get("title") else last
        yield Row(message.subject, copy.recipient.address, copy.status, why, message.accepted_at)


def _in_words(row: Row, now: datetime) -> dict[str, Any]:
    return {
        "subject": row.subject,
        "to": row.to,
        "look": row.look,
        "why": speech.said(row.why),
        "at": row.at,
        "when": languages.moment(row.at, speech.language()),
        "ago": speech.ago(min(row.at - now, timedelta())),
    }


def _headline(rows: Sequence[Row]) -> str:
    """The answer first: how many ended how."""
    if not rows:
        return speech.gettext("Starting: the first mails are being written.")
    counts = Counter(row.status for row in rows)
    ended = [
        # Translators: a number of mails and what became of them, such as "2 delivered".
        say("%(number)s %(status)s", number=count, status=Saying.read(LOOKS[status][1]))
        for status, count in sorted(counts.items(), key=_good_first)
    ]
    told = languages.listed(map(speech.said, ended), speech.language())
    return speech.said(say("It works: %(ended)s.", ended=told))


def _good_first(counted: tuple[str, int]) -> tuple[bool, bool, str]:
    status, _ = counted
    return (LOOKS[status][0] != "good", status == REFUSED, status)
