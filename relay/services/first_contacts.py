"""The first-contact budget of a site: earned by clean days, or set by an operator."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, select, update
from sqlalchemy.orm import Session

from relay import bulk
from relay.db import upsert
from relay.models import Counter, Event, Site
from relay.policy.counted import NOT_SPAM
from relay.policy.first_contacts import Day, grown
from relay.policy.windows import day_of
from relay.services.accounts import find_site
from relay.vocabulary import EventType, SuppressionReason

COUNTER = "first-contacts judged"
"""The counter that holds the last day that was judged, as a number (1 January of year 1 is 1)."""

SLACK = timedelta(hours=1)
"""By how much ids may be older or newer than the times beside them: clocks of hosts differ."""


def set_budget(session: Session, site_id: UUID, people: int | None) -> Site:
    """Let the site write to so many new people an hour; None lets it earn them again.

    Raises `NotFound`.
    """
    site = find_site(session, site_id)
    site.first_contacts_set = people
    session.flush()
    return site


def judge_yesterday(session: Session, *, now: datetime) -> int:
    """Let the budgets of sites grow whose yesterday was clean; returns how many did.

    Whichever worker comes first does it, once a day: the counter's row says which day is done.
    """
    today = day_of(now)
    if not is_ours_to_judge(session, COUNTER, today):
        return 0
    clean = [id for id, day in days(session, today - timedelta(days=1)).items() if day.is_clean]
    rows = session.execute(
        select(Site.id, Site.first_contacts_earned)
        .where(Site.id.in_(clean))
        .with_for_update(key_share=True)
    ).all()
    growing = [
        {"id": row.id, "first_contacts_earned": grown(row.first_contacts_earned)}
        for row in sorted(rows, key=lambda row: row.id)
        if grown(row.first_contacts_earned) > row.first_contacts_earned
    ]
    bulk.update_rows(session, Site, growing)
    return len(growing)


def is_ours_to_judge(session: Session, counter: str, today: datetime) -> bool:
    """Whether nobody has judged the day before `today` yet under this name; then it is ours."""
    session.execute(upsert(session, Counter).values(name=counter, value=0).on_conflict_do_nothing())
    ours = session.execute(
        update(Counter)
        .where(Counter.name == counter, Counter.value < today.toordinal())
        .values(value=today.toordinal())
        .returning(Counter.value)
        .execution_options(synchronize_session=False)
    ).all()
    return bool(ours)


def days(session: Session, begins: datetime) -> Mapping[UUID, Day]:
    """What was reported in the day that begins then, for each site of which anything was."""
    rows = session.execute(reported(begins, Event.site_id))
    return {site: Day(*map(int, numbers)) for site, *numbers in rows}


def reported(begins: datetime, *by: Any) -> Select[Any]:
    """A statement that counts what was reported in the day that begins then, by these columns.

    Behind the columns it gives what `Day` takes: delivered, invalid, complained of.
    """
    ends = begins + timedelta(days=1)
    invalid = (
        Event.data["diagnosis"]["suppresses"].as_string() == SuppressionReason.INVALID_ADDRESS.value
    )

    meant = Event.data["complaintFeedbackType"].as_string().is_distinct_from(NOT_SPAM)

    def times(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((condition, 1), else_=0))

    return (
        select(
            *by,
            times(Event.type == EventType.DELIVERED),
            times((Event.type == EventType.BOUNCED) & invalid),
            times((Event.type == EventType.COMPLAINED) & meant),
        )
        .where(
            Event.id >= first_id(begins - SLACK),  # the primary key leads to the day
            Event.id < first_id(ends + SLACK),
            Event.recorded_at >= begins,
            Event.recorded_at < ends,
        )
        .group_by(*by)
    )


def first_id(at: datetime) -> UUID:
    """The smallest id (UUID v7, RFC 9562 §5.7) that can be made at this instant."""
    return UUID(int=int(at.timestamp() * 1_000) << 80)
