"""Sites on their way to a key of their own, and accounts that somebody has asked for."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, SmallInteger, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base
from relay.models.columns import Address, Id, Name, Sometime, When


class SiteConnection(Base):
    """A site that asks to be connected, from its first page to its key.

    `browser`, mailbox, IP address, network, link (`token`), number and code are keyed digests, never the
    things themselves. `sent` says whether a letter went out, `used_at` when its link or number was used.
    `domain` is the one claimed with it. `code_ends_at` is there from *Connect* on, `exchanged_at` once the
    site has fetched its key.
    """

    __tablename__ = "site_connections"
    __table_args__ = (
        UniqueConstraint("token_digest"),
        UniqueConstraint("code_digest"),
        Index("ix_site_connections_at", "at"),
        Index("ix_site_connections_ip_at", "ip", "at"),
        Index("ix_site_connections_network_at", "network", "at"),
        Index("ix_site_connections_mailbox_at", "mailbox", "at"),
        Index("ix_site_connections_account_id_at", "account_id", "at"),
        Index("ix_site_connections_browser", "browser"),
    )

    id: Mapped[Id]
    at: Mapped[When]
    site_url: Mapped[str] = mapped_column(String(500))
    site_name: Mapped[Name]
    return_url: Mapped[str] = mapped_column(String(1000))
    state: Mapped[str] = mapped_column(String(200))
    challenge: Mapped[str] = mapped_column(String(43))
    sender: Mapped[str | None] = mapped_column(String(254))
    plugin: Mapped[str] = mapped_column(String(32))
    language: Mapped[str] = mapped_column(String(16))
    address: Mapped[Address]
    browser: Mapped[str] = mapped_column(String(64))
    mailbox: Mapped[str] = mapped_column(String(64))
    ip: Mapped[str | None] = mapped_column(String(64))
    network: Mapped[str | None] = mapped_column(String(64))
    sent: Mapped[bool]
    token_digest: Mapped[str] = mapped_column(String(64))
    number_digest: Mapped[str] = mapped_column(String(64))
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    used_at: Mapped[Sometime]
    account_id: Mapped[UUID | None] = mapped_column(Uuid)
    site_id: Mapped[UUID | None] = mapped_column(Uuid)
    domain: Mapped[str | None] = mapped_column(String(253))
    ends_other_keys: Mapped[bool] = mapped_column(default=False)
    code_digest: Mapped[str | None] = mapped_column(String(64))
    code_ends_at: Mapped[Sometime]
    exchanged_at: Mapped[Sometime]


class AccountRequest(Base):
    """What somebody said when they asked for an account; for the operator who decides about it."""

    __tablename__ = "account_requests"
    __table_args__ = (Index("ix_account_requests_network_at", "network", "at"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    at: Mapped[When]
    site_url: Mapped[str] = mapped_column(String(500))
    expected_daily: Mapped[int] = mapped_column(Integer)
    purpose: Mapped[str] = mapped_column(String(1000))
    network: Mapped[str | None] = mapped_column(String(64))
