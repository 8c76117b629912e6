"""What a person wants no more of from a site, by topic (`policy.topics`).

An opt-out is ended, never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.db import among, new_id, table_of, upsert
from relay.models import OptOut
from relay.policy.topics import (
    LONGEST,
    LONGEST_PLUGIN,
    MARKETING,
    NOTIFICATION,
    OTHER,
    all_of,
    is_stopped,
    list_of,
    of_list,
    of_plugin,
    plugin_of,
)

__all__ = [
    "LONGEST",
    "LONGEST_PLUGIN",
    "MARKETING",
    "NOTIFICATION",
    "OTHER",
    "all_of",
    "explain",
    "is_stopped",
    "list_of",
    "of_list",
    "of_plugin",
    "opt_in_again",
    "opt_out",
    "plugin_of",
    "stopped",
    "topics_of",
]

_OPT_OUTS = table_of(OptOut)

_STOPPED = select(_OPT_OUTS.c.address_key).where(
    _OPT_OUTS.c.site_id == bindparam("site_id"),
    _OPT_OUTS.c.ended_at.is_(None),
    _OPT_OUTS.c.topic.in_((bindparam("topic"), bindparam("all"))),
    among(_OPT_OUTS.c.address_key, "people"),
)


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
