"""Whose copies go next inside a lane: sites take turns, and each gives its oldest due ones.

The index of turns (lane, site, due time; queued copies only) is walked from site to site, from the one
after the last that was served, round the whole lane at most once and `STEPS` sites at most: one look
into the index for each, however many copies a site has queued. What was not reached is reached by the
next claim, which goes on from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, SmallInteger, String, Uuid, bindparam, text, update
from sqlalchemy.orm import Session

from relay.db import UtcDateTime, among, is_postgresql, table_of
from relay.models import Recipient
from relay.models.columns import Json

STEPS = 64
"""Sites looked at in one claim of a lane, at most."""

FEWEST = 16
"""Sites looked at at least, however few copies are asked for: some may have nothing due."""

NOBODY = UUID(int=0)
"""Before every site."""

# The sites of a lane that have anything queued, in turn: those after `after`, then from the beginning.
_WALK = """
WITH RECURSIVE walk(n, site_id) AS (
    SELECT 1, COALESCE(
        (SELECT q.site_id FROM recipients q
          WHERE q.stage = 'queued' AND q.lane_rank = :lane AND q.site_id > :after
          ORDER BY q.site_id LIMIT 1),
        (SELECT q.site_id FROM recipients q
          WHERE q.stage = 'queued' AND q.lane_rank = :lane AND q.site_id <= :after
          ORDER BY q.site_id LIMIT 1))
    UNION ALL
    SELECT w.n + 1, CASE WHEN w.site_id <= :after THEN
        (SELECT q.site_id FROM recipients q
          WHERE q.stage = 'queued' AND q.lane_rank = :lane AND q.site_id > w.site_id
            AND q.site_id <= :after ORDER BY q.site_id LIMIT 1)
        ELSE COALESCE(
        (SELECT q.site_id FROM recipients q
          WHERE q.stage = 'queued' AND q.lane_rank = :lane AND q.site_id > w.site_id
          ORDER BY q.site_id LIMIT 1),
        (SELECT q.site_id FROM recipients q
          WHERE q.stage = 'queued' AND q.lane_rank = :lane AND q.site_id <= :after
          ORDER BY q.site_id LIMIT 1)) END
    FROM walk w WHERE w.site_id IS NOT NULL AND w.n < :steps
), seen AS (
    SELECT walk.n, walk.site_id, (
        SELECT q.due_at FROM recipients q
         WHERE q.stage = 'queued' AND q.lane_rank = :lane AND q.site_id = walk.site_id
           AND (q.leased_until IS NULL OR q.leased_until <= :now)
         ORDER BY q.due_at LIMIT 1) <= :now AS is_due
    FROM walk WHERE walk.site_id IS NOT NULL
)
"""

_TYPES = {
    "lane": SmallInteger,
    "after": Uuid,
    "steps": Integer,
    "now": UtcDateTime,
    "most": Integer,
    "lease": Uuid,
    "ends": UtcDateTime,
}


def _typed(parts: tuple[str, ...], *names: str, **columns: Any) -> Any:
    bound = text("".join(parts)).bindparams(
        *(bindparam(name, type_=_TYPES[name]()) for name in names)
    )
    return bound.columns(**{name: kind() for name, kind in columns.items()})


_COLUMNS = {
    "id": Uuid,
    "message_id": Uuid,
    "site_id": Uuid,
    "address": String,
    "domain": String,
    "lane_rank": SmallInteger,
    "tries": SmallInteger,
    "expires_at": UtcDateTime,
}

# One statement: walk, take from each site that has something due, lease. `walked` and `last_site` come
# back even where nothing was due. The rows are locked, so where they lie (`ctid`) finds them quickest; one
# that was changed while it was being locked is not seen there, and is left to the next claim.
_LEASE = _typed(
    (_WALK, """, due AS MATERIALIZED (SELECT n, site_id FROM seen WHERE is_due ORDER BY n),
picked AS MATERIALIZED (
    SELECT due.n, mine.place FROM due CROSS JOIN LATERAL (
        SELECT r.ctid AS place FROM recipients r
         WHERE r.stage = 'queued' AND r.lane_rank = :lane AND r.site_id = due.site_id
           AND r.due_at <= :now AND (r.leased_until IS NULL OR r.leased_until <= :now)
         ORDER BY r.due_at
         LIMIT (SELECT (:most + count(*) - 1) / GREATEST(count(*), 1) FROM due)
         FOR UPDATE SKIP LOCKED) AS mine
    ORDER BY due.n LIMIT :most
), leased AS (
    UPDATE recipients SET lease = :lease, leased_until = :ends, tries = tries + 1
      FROM picked WHERE recipients.ctid = picked.place
    RETURNING picked.n, recipients.id, recipients.message_id, recipients.site_id, recipients.address,
        recipients.domain, recipients.lane_rank, recipients.tries, recipients.expires_at,
        recipients.reason
)
SELECT way.walked, way.sites, way.last_site, leased.* FROM (
    SELECT (SELECT count(*) FROM seen) AS walked, (SELECT count(*) FROM due) AS sites,
           (SELECT site_id FROM seen ORDER BY n DESC LIMIT 1) AS last_site
) AS way LEFT JOIN leased ON true ORDER BY leased.n
"""),
    "lane", "after", "steps", "now", "most", "lease", "ends",
    walked=Integer, sites=Integer, last_site=Uuid, n=Integer, **_COLUMNS, reason=lambda: Json,
)  # fmt: skip

_SEEN = _typed(
    (_WALK, "SELECT n, site_id, is_due FROM seen ORDER BY n"),
    "lane", "after", "steps", "now",
    n=Integer, site_id=Uuid, is_due=Integer,
)  # fmt: skip

_OLDEST = _typed(
    ("""
    SELECT id FROM recipients WHERE stage = 'queued' AND lane_rank = :lane AND site_id = :after
       AND due_at <= :now AND (leased_until IS NULL OR leased_until <= :now)
     ORDER BY due_at LIMIT :most
    """,),
    "lane", "after", "now", "most",
    id=Uuid,
)  # fmt: skip

_COPIES = table_of(Recipient)
_LEASE_THESE = (
    update(_COPIES)
    .where(among(_COPIES.c.id, "ids"))
    .values(
        lease=bindparam("new_lease"),
        leased_until=bindparam("lease_ends"),
        tries=_COPIES.c.tries + 1,
    )
    .returning(*(_COPIES.c[name] for name in (*_COLUMNS, "reason")))
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one walk through a lane gave.

    `rows` are the leased copies in the order of turns; `after` is where the next walk goes on.
    `round` says that every site was looked at, `more` that some site may have more to give.
    """

    rows: Sequence[Any]
    after: UUID
    round: bool
    more: bool


def take(
    session: Session,
    lane_rank: int,
    *,
    after: UUID,
    most: int,
    lease: UUID,
    lease_ends: datetime,
    now: datetime,
) -> Turn:
    """Lease up to `most` due copies of the lane; copies that others have locked are skipped."""
    if not is_postgresql(session):
        return _take_one_by_one(
            session, lane_rank, after=after, most=most, lease=lease, lease_ends=lease_ends, now=now
        )
    found = (
        session.connection()
        .execute(
            _LEASE,
            {
                "lane": lane_rank,
                "after": after,
                "steps": _steps(most),
                "now": now,
                "most": most,
                "lease": lease,
                "ends": lease_ends,
            },
        )
        .all()
    )
    way = found[0]
    rows = [row for row in found if row.id is not None]
    return _turn(rows, after, most, walked=way.walked, sites=way.sites, last=way.last_site)


def _steps(most: int) -> int:
    """How many sites are looked at for so many copies."""
    return max(FEWEST, min(STEPS, most))


def _share(most: int, sites: int) -> int:
    """How many copies each of so many sites may give, so that they are `most` together."""
    return -(-most // max(1, sites))


def _turn(
    rows: Sequence[Any], after: UUID, most: int, *, walked: int, sites: int, last: UUID | None
) -> Turn:
    full = len(rows) >= most
    fullest = max(Counter(row.site_id for row in rows).values(), default=0)
    return Turn(
        rows,
        rows[-1].site_id if full else last or after,
        round=walked < _steps(most),
        more=full or fullest >= _share(most, sites),
    )


def _take_one_by_one(
    session: Session,
    lane_rank: int,
    *,
    after: UUID,
    most: int,
    lease: UUID,
    lease_ends: datetime,
    now: datetime,
) -> Turn:
    """The same on SQLite, where no statement can do it all; there is no round trip to save either."""
    connection = session.connection()
    at = {"lane": lane_rank, "now": now}
    seen = connection.execute(_SEEN, {**at, "after": after, "steps": _steps(most)}).all()
    due = [row.site_id for row in seen if row.is_due]
    share = _share(most, len(due))
    ids: dict[UUID, int] = {}
    for site_id in due:
        if len(ids) >= most:
            break
        at_most = min(share, most - len(ids))
        for row in connection.execute(_OLDEST, {**at, "after": site_id, "most": at_most}):
            ids[row.id] = len(ids)
    rows: list[Any] = []
    if ids:
        rows = sorted(
            connection.execute(
                _LEASE_THESE,
                {"ids": list(ids), "new_lease": lease, "lease_ends": lease_ends},
            ).all(),
            key=lambda row: ids[row.id],
        )
    last = seen[-1].site_id if seen else None
    return _turn(rows, after, most, walked=len(seen), sites=len(due), last=last)


class Lookout:
    """Whether anything is due: looks without a lock, a bounded number of sites at a time."""

    FIRST, THEN = 8, 500
    """Sites looked at in a lane: a few, and if nothing is due at these, many."""

    def __init__(self) -> None:
        self._after: dict[int, UUID] = {}

    def look(
        self, session: Session, ranks: Sequence[int], *, now: datetime
    ) -> Mapping[int, UUID] | None:
        """The first site with something due in each of these lanes, by the lane's rank.

        Empty when nothing is due, None when there was nothing yet and more is to be looked at.
        """
        found: dict[int, UUID] = {}
        unfinished = False
        for rank in ranks:
            after = self._after.get(rank, NOBODY)
            for steps in (self.FIRST, self.THEN):
                seen = self._see(session, rank, after, steps, now)
                if first := next((row.site_id for row in seen if row.is_due), None):
                    found[rank] = first
                    break
                if len(seen) < steps:
                    break
            else:
                self._after[rank] = seen[-1].site_id
                unfinished = True
        return None if unfinished and not found else found

    @staticmethod
    def _see(session: Session, rank: int, after: UUID, steps: int, now: datetime) -> Sequence[Any]:
        at = {"lane": rank, "after": after, "steps": steps, "now": now}
        return session.connection().execute(_SEEN, at).all()
