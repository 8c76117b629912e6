"""What is noticed of abuse: providers' feedback reports, networks of keys, where links lead."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Index, Integer, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base
from relay.models.columns import Details, Id, Json, When, words
from relay.vocabulary import FeedbackType


class FeedbackReport(Base):
    """A feedback report (ARF) of a mailbox provider, and the copy that it turned out to be about.

    `digest` is the SHA-256 of its bytes: the same report is taken in once. Without a `recipient_id`
    nobody knows which mail it is about; `told` keeps what it says.
    """

    __tablename__ = "feedback_reports"
    __table_args__ = (Index("ix_feedback_reports_at", "at"),)

    id: Mapped[Id]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    type: Mapped[FeedbackType] = mapped_column(words(FeedbackType))
    at: Mapped[When]
    site_id: Mapped[UUID | None] = mapped_column(Uuid)
    recipient_id: Mapped[UUID | None] = mapped_column(Uuid)
    report_id: Mapped[UUID | None] = mapped_column(Uuid)
    told: Mapped[Details] = mapped_column(Json)


class KeyNetwork(Base):
    """A network (IPv4 /24, IPv6 /48) from which mail was handed in with an API key."""

    __tablename__ = "key_networks"
    __table_args__ = (Index("ix_key_networks_last_seen_at", "last_seen_at"),)

    key_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    network: Mapped[str] = mapped_column(String(64), primary_key=True)
    first_seen_at: Mapped[When]
    last_seen_at: Mapped[When]


class LinkHost(Base):
    """A registrable domain, or address, to which links in a site's mail led, as far as it was read."""

    __tablename__ = "link_hosts"
    __table_args__ = (
        Index("ix_link_hosts_host_last_seen_at", "host", "last_seen_at"),
        Index("ix_link_hosts_account_id", "account_id"),
        Index("ix_link_hosts_last_seen_at", "last_seen_at"),
    )

    site_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    host: Mapped[str] = mapped_column(String(253), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(Uuid)
    first_seen_at: Mapped[When]
    last_seen_at: Mapped[When]
    mails: Mapped[int] = mapped_column(Integer)


class LinkWording(Base):
    """That an account sent these words with a link to this host; kept as long as wordings are."""

    __tablename__ = "link_wordings"
    __table_args__ = (Index("ix_link_wordings_seen_at", "seen_at"),)

    host: Mapped[str] = mapped_column(String(253), primary_key=True)
    wording: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    seen_at: Mapped[When]
