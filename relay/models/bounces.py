"""What bounces leave behind: holds of an address, addresses unknown everywhere, proofs of life."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base, UtcDateTime
from relay.models.columns import Address, Details, Id, Json, Sometime, When, where, words
from relay.vocabulary import HoldKind


class AddressHold(Base):
    """An address that waits: for its one re-probe, or for a cool-off to be over.

    `recipient_id` is the copy that is to probe or has probed; where it is empty and `probed_at`
    too, the next mail to the address is the probe. Ended, never deleted.
    """

    __tablename__ = "address_holds"
    __table_args__ = (
        Index(
            "uq_address_holds_site_id_address_key_kind",
            "site_id",
            "address_key",
            "kind",
            unique=True,
            **where("ended_at IS NULL"),
        ),
        Index("ix_address_holds_site_id_address_key", "site_id", "address_key"),
        Index("ix_address_holds_due", "probe_at", **where("ended_at IS NULL")),
    )

    id: Mapped[Id]
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    address: Mapped[Address]
    address_key: Mapped[Address]
    kind: Mapped[HoldKind] = mapped_column(words(HoldKind))
    began_at: Mapped[When]
    probe_at: Mapped[When]
    probed_at: Mapped[Sometime]
    recipient_id: Mapped[UUID | None] = mapped_column(Uuid)
    evidence: Mapped[Details] = mapped_column(Json)
    ended_at: Mapped[Sometime]
    ending: Mapped[str | None] = mapped_column(String(32))


class UnknownAddress(Base):
    """An address that does not exist, as some site's bounce proved; no site mails it until `until`."""

    __tablename__ = "unknown_addresses"

    address_key: Mapped[str] = mapped_column(String(254), primary_key=True)
    since: Mapped[When]
    until: Mapped[When]
    evidence: Mapped[Details] = mapped_column(Json)


class Confirmation(Base):
    """When a person last confirmed to a site that the address is theirs."""

    __tablename__ = "confirmations"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    address_key: Mapped[str] = mapped_column(String(254), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReceivingDomain(Base):
    """A domain that is mailed and who receives for it; looked up again when `due_at` has come.

    `zone` is the end of the first MX host's name, by which unknown vendors are counted.
    """

    __tablename__ = "receiving_domains"
    __table_args__ = (Index("ix_receiving_domains_due_at", "due_at"),)

    domain: Mapped[str] = mapped_column(String(253), primary_key=True)
    mx: Mapped[list[list[int | str]]] = mapped_column(Json)
    gateway: Mapped[str | None] = mapped_column(String(32), index=True)
    zone: Mapped[str | None] = mapped_column(String(253))
    checked_at: Mapped[Sometime]
    due_at: Mapped[When]
