"""Mail that waits for a person's decision, and what is known of the wording of mail."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base
from relay.models.columns import Details, Id, Json, Sometime, When, where, words
from relay.vocabulary import Cause, Decision, Lane, ReviewKind, Stream, Verb


class Review(Base):
    """Why mail of a site is held, and what an operator decided about it.

    `subject` and `message_id` are of the first mail that was held, `people` how many had got, or were
    to get, the same when it began. A decision counts for mail of the same `wording` until `until`:
    words, or a host or network that stands for them (`reviews.mark`). `evidence` is what was found.
    `lane` is that of frozen mail; released, so many copies a minute go as `drip` says (all at once, if
    NULL), and `dripped` have.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        Index("ix_reviews_site_id_wording", "site_id", "wording"),
        Index("ix_reviews_open", "opened_at", **where("decision IS NULL")),
    )

    id: Mapped[Id]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    kind: Mapped[ReviewKind] = mapped_column(words(ReviewKind))
    wording: Mapped[str | None] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(500))
    message_id: Mapped[UUID] = mapped_column(Uuid)
    people: Mapped[int] = mapped_column(Integer)
    opened_at: Mapped[When]
    told_at: Mapped[Sometime]
    lane: Mapped[Lane | None] = mapped_column(words(Lane))
    drip: Mapped[int | None] = mapped_column(Integer)
    dripped: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    decision: Mapped[Decision | None] = mapped_column(words(Decision))
    decided_at: Mapped[Sometime]
    decided_by: Mapped[str | None] = mapped_column(String(100))
    because: Mapped[str | None] = mapped_column(Text)
    until: Mapped[Sometime]
    evidence: Mapped[Details | None] = mapped_column(Json)


class Action(Base):
    """What was done to an account or site, by whom and why. Rows are only added, by triggers.

    `actor` is `operator:NAME` or `relay`; `before` and `after` hold what changed, `stream` is there where
    only that stream of the site is concerned.
    """

    __tablename__ = "actions"
    __table_args__ = (
        Index("ix_actions_account_id_id", "account_id", "id"),
        Index("ix_actions_site_id_id", "site_id", "id"),
    )

    id: Mapped[Id]
    at: Mapped[When]
    actor: Mapped[str] = mapped_column(String(100))
    verb: Mapped[Verb] = mapped_column(words(Verb))
    account_id: Mapped[UUID] = mapped_column(Uuid)
    site_id: Mapped[UUID | None] = mapped_column(Uuid)
    stream: Mapped[Stream | None] = mapped_column(words(Stream))
    cause: Mapped[Cause | None] = mapped_column(words(Cause))
    reason: Mapped[str] = mapped_column(Text)
    before: Mapped[Details] = mapped_column(Json)
    after: Mapped[Details] = mapped_column(Json)
    evidence: Mapped[Details] = mapped_column(Json)


class Wording(Base):
    """What a mail says, as a fingerprint (`policy.wordings`); kept for as long as mails are compared."""

    __tablename__ = "wordings"
    __table_args__ = (
        Index("ix_wordings_site_id_wording_accepted_at", "site_id", "wording", "accepted_at"),
        Index("ix_wordings_accepted_at", "accepted_at"),
    )

    message_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    site_id: Mapped[UUID] = mapped_column(Uuid)
    wording: Mapped[str] = mapped_column(String(64))
    accepted_at: Mapped[When]
