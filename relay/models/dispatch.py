"""How mail leaves: what all workers may send together, who is refused for rate, what was not sent in time."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger, Float, Integer, SmallInteger, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base
from relay.models.columns import Details, Json, Sometime, When


class SendingBudget(Base):
    """What the provider lets us send, shared by all workers; its row is the lock under which they take.

    `rate` (copies a second, MaxSendRate) and `per_day` (people in 24 hours, Max24HourSend) are the
    provider's limits: NULL while it has not told them, `per_day` -1 where there is no quota. `sent_day`
    is its own count of the last 24 hours at `learned_at`, `taken` what we took since. `rate_now` is
    the rate we keep at present, `tokens` and `lower_tokens` what of it may leave at `filled_at`
    (`relay.policy.budget`). Until `held_until` nothing leaves, because of `held_code`. `asked_at`: when
    a worker last asked the provider. `lanes` says by lane whose turn it is and what the lane is owed,
    `backlog` what waited at `measured_at`.
    """

    __tablename__ = "sending_budgets"

    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    rate: Mapped[float | None] = mapped_column(Float)
    per_day: Mapped[int | None] = mapped_column(BigInteger)
    sent_day: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    learned_at: Mapped[Sometime]
    rate_now: Mapped[float | None] = mapped_column(Float)
    tokens: Mapped[float] = mapped_column(Float, default=0.0, server_default="0")
    lower_tokens: Mapped[float] = mapped_column(Float, default=0.0, server_default="0")
    filled_at: Mapped[Sometime]
    throttled_at: Mapped[Sometime]
    held_until: Mapped[Sometime]
    held_code: Mapped[str | None] = mapped_column(String(64))
    taken: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    asked_at: Mapped[Sometime]
    lanes: Mapped[Details] = mapped_column(Json, default=dict, server_default="{}")
    backlog: Mapped[Details] = mapped_column(Json, default=dict, server_default="{}")
    measured_at: Mapped[Sometime]


class SendingPace(Base):
    """How fast a site mails a receiving gateway that refused for rate; pairs not held back have no row.

    `gateway` is a gateway's name, or the domain where nobody knows whose it is. `rate` is in copies a
    second, as of the last refusal (`relay.policy.pace`).
    """

    __tablename__ = "sending_paces"

    site_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    gateway: Mapped[str] = mapped_column(String(253), primary_key=True)
    rate: Mapped[float] = mapped_column(Float)
    next_at: Mapped[When]
    slowed_at: Mapped[When]
    refused_at: Mapped[When]


class Expiry(Base):
    """Copies of a site that were not sent in time and that its owner has not been told of yet.

    `cause` is what they waited for; `told_at` is when the owner was last written to about such.
    """

    __tablename__ = "expiries"

    site_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    lane_rank: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    cause: Mapped[str] = mapped_column(String(64), primary_key=True)
    copies: Mapped[int] = mapped_column(Integer)
    first_at: Mapped[Sometime]
    told_at: Mapped[Sometime]
