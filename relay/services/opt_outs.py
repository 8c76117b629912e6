"""What a person wants no more of from a site, by topic.

A topic is `marketing` or `notification`, which stop all of their kind, or one thing below them:
`list:ID` and `notification:PLUGIN`. Receipts and password resets have no topic: they cannot be
stopped. An opt-out is ended, never deleted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.db import among, new_id, table_of, upsert
from relay.models import OptOut

MARKETING = "marketing"
NOTIFICATION = "notification"
_LIST = "list:"
_PLUGIN = "notification:"

OTHER = "other"
"""The plugin of notifications whose plugin nobody named."""

LONGEST_PLUGIN = 64
LONGEST = len(_PLUGIN) + LONGEST_PLUGIN
"""Characters of a topic, all of them ASCII."""

_OPT_OUTS = table_of(OptOut)

_STOPPED = select(_OPT_OUTS.c.address_key).where(
    _OPT_OUTS.c.site_id == bindparam("site_id"),
    _OPT_OUTS.c.ended_at.is_(None),
    _OPT_OUTS.c.topic.in_((bindparam("topic"), bindparam("all"))),
    among(_OPT_OUTS.c.address_key, "people"),
)


def of_list(list_id: UUID) -> str:
    """The topic of a list's mail."""
    return f"{_LIST}{list_id}"


def of_plugin(plugin: str | None) -> str:
    """The topic of the notifications that a plugin sends, or of those where nobody said which."""
    slug = re.sub(r"[^a-z0-9._-]+", "-", (plugin or "").lower())[:LONGEST_PLUGIN].strip("-")
    return f"{_PLUGIN}{slug or OTHER}"


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


def topics_of(session: Session, site_id: UUID, address: EmailAddress) -> frozenset[str]:
    """What the person has opted out of, as it stands."""
    return frozenset(
        session.scalars(
            select(OptOut.topic).where(
                OptOut.site_id == site_id,
                OptOut.address_key == address.key,
                OptOut.ended_at.is_(None),
            )
        )
    )


def stopped(
    session: Session, site_id: UUID, people: Sequence[EmailAddress], topic: str
) -> frozenset[str]:
    """The keys of those among these people who get no mail of this topic."""
    given = {
        "site_id": site_id,
        "topic": topic,
        "all": all_of(topic),
        "people": [person.key for person in people],
    }
    return frozenset(session.scalars(_STOPPED, given))


def opt_out(
    session: Session,
    site_id: UUID,
    address: EmailAddress,
    topic: str,
    *,
    evidence: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Stop mail of this topic to this person; returns whether that is news. Twice changes nothing."""
    added = session.execute(
        upsert(session, OptOut)
        .values(
            id=new_id(),
            site_id=site_id,
            address=str(address),
            address_key=address.key,
            topic=topic,
            evidence=dict(evidence),
            began_at=now,
        )
        .on_conflict_do_nothing(
            index_elements=["site_id", "address_key", "topic"],
            index_where=text("ended_at IS NULL"),
        )
        .returning(_OPT_OUTS.c.id)
    )
    return added.first() is not None


def opt_in_again(
    session: Session,
    site_id: UUID,
    address: EmailAddress,
    topic: str,
    *,
    ending: str = "asked-again",
    now: datetime,
) -> bool:
    """End what stops mail of this topic, as the person asked; returns whether anything did.

    `ending` says how they asked. What stopped all of its kind ends too, for it would stop this; the
    caller sees to what else it stopped.
    """
    ended = session.execute(
        update(OptOut)
        .where(
            OptOut.site_id == site_id,
            OptOut.address_key == address.key,
            OptOut.topic.in_({topic, all_of(topic)}),
            OptOut.ended_at.is_(None),
        )
        .values(ended_at=now, ending=ending)
        .returning(OptOut.id)
        .execution_options(synchronize_session=False)
    )
    return len(ended.all()) > 0


def explain(session: Session, site_id: UUID, address: EmailAddress, topic: str, why: str) -> None:
    """Keep why somebody opted out, a word of a list, beside the opt-out that stands."""
    found = session.scalars(
        select(OptOut).where(
            OptOut.site_id == site_id,
            OptOut.address_key == address.key,
            OptOut.topic == topic,
            OptOut.ended_at.is_(None),
        )
    ).first()
    if found is not None:
        found.evidence = {**found.evidence, "why": why}
        session.flush()
