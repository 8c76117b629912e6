"""Consent: lists, subscriptions, sign-ups, and the ledger that proves them.

Ledger and seals are append-only: triggers refuse UPDATE, DELETE and TRUNCATE. What identifies a
person stands beside the ledger in `consent_people` and can be erased without breaking the chain.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base
from relay.models.columns import Address, Details, Id, Json, Name, Sometime, When, where, words
from relay.vocabulary import (
    AbuseDecision,
    AbuseOrigin,
    AbuseReason,
    AbuseSeverity,
    ConsentKind,
    RequestOutcome,
    SubscriptionStatus,
    SuppressionScope,
)


class MailingList(Base):
    """A list of a site, and who answers for it. `key` is the site's own word for it."""

    __tablename__ = "lists"
    __table_args__ = (UniqueConstraint("site_id", "key"),)

    id: Mapped[Id]
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    key: Mapped[str] = mapped_column(String(64))
    name: Mapped[Name]
    controller: Mapped[Name]
    postal_address: Mapped[str] = mapped_column(String(500))
    privacy_url: Mapped[str] = mapped_column(String(500))
    language: Mapped[str] = mapped_column(String(16))
    sender: Mapped[Address]
    created_at: Mapped[When]
    archived_at: Mapped[Sometime]


class Subscription(Base):
    """One person's consent to one list. `source` holds nothing personal (form, page, version of the text)."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("list_id", "address_key"),
        Index("ix_subscriptions_site_id_address_key", "site_id", "address_key"),
        Index("ix_subscriptions_site_id_id", "site_id", "id"),
        Index(
            "ix_subscriptions_open", "requested_at", **where("status IN ('unconfirmed', 'expired')")
        ),
    )

    id: Mapped[Id]
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    list_id: Mapped[UUID] = mapped_column(ForeignKey("lists.id"))
    address: Mapped[Address]
    address_key: Mapped[Address]
    status: Mapped[SubscriptionStatus] = mapped_column(words(SubscriptionStatus))
    language: Mapped[str] = mapped_column(String(16))
    source: Mapped[Details] = mapped_column(Json)
    requested_at: Mapped[When]
    confirmed_at: Mapped[Sometime]
    ended_at: Mapped[Sometime]
    ending: Mapped[str | None] = mapped_column(String(32))


class SubscriptionRequest(Base):
    """One sign-up: what its mail needs until it is answered, and then what limits are counted by.

    Mailbox, form, IP address and network are keyed digests, never the things themselves. `person` is
    what the visitor gave (address, name, IP address, browser); it goes as soon as nothing waits for it.
    `slot_at` is the sign-up's place among the mails of its form; without one, only a solved challenge
    lets its mail go. `due_at` is when it has to be looked at next. The two digests are those of the
    links that lead to it: of the confirmation mail, and of the challenge.
    """

    __tablename__ = "subscription_requests"
    __table_args__ = (
        UniqueConstraint("token_digest"),
        UniqueConstraint("challenge_digest"),
        Index("ix_subscription_requests_at", "at"),
        Index("ix_subscription_requests_ip_at", "ip", "at"),
        Index("ix_subscription_requests_network_at", "network", "at"),
        Index("ix_subscription_requests_subscription_id", "subscription_id"),
        *(
            Index(
                f"ix_subscription_requests_{'_'.join(columns)}",
                *columns,
                **where(f"{columns[-1]} IS NOT NULL"),
            )
            for columns in (
                ("mailbox", "sent_at"),
                ("form", "sent_at"),
                ("form", "slot_at"),
                ("form", "solved_at"),
                ("due_at",),
            )
        ),
    )

    id: Mapped[Id]
    site_id: Mapped[UUID] = mapped_column(Uuid)
    list_id: Mapped[UUID] = mapped_column(Uuid)
    subscription_id: Mapped[UUID | None] = mapped_column(Uuid)
    mailbox: Mapped[str] = mapped_column(String(64))
    form: Mapped[str] = mapped_column(String(64))
    ip: Mapped[str | None] = mapped_column(String(64))
    network: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[When]
    outcome: Mapped[RequestOutcome] = mapped_column(words(RequestOutcome))
    language: Mapped[str] = mapped_column(String(16))
    source: Mapped[Details] = mapped_column(Json)
    person: Mapped[Details | None] = mapped_column(Json)
    slot_at: Mapped[Sometime]
    due_at: Mapped[Sometime]
    sent_at: Mapped[Sometime]
    confirmed_at: Mapped[Sometime]
    refused_at: Mapped[Sometime]
    token_digest: Mapped[str | None] = mapped_column(String(64))
    token_expires_at: Mapped[Sometime]
    challenge_digest: Mapped[str | None] = mapped_column(String(64))
    challenge_tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    solved_at: Mapped[Sometime]


class ConsentRecord(Base):
    """One row of the ledger: what happened, when, to whom (as a commitment), and what was said.

    `commitment` is the keyed hash (HMAC-SHA-256, hex) of the personal fields and their salt;
    `person` that of the address alone, so that one person's rows can be found. `facts` hold nothing
    personal.
    """

    __tablename__ = "consent_records"
    __table_args__ = (
        Index("ix_consent_records_site_id_id", "site_id", "id"),
        Index("ix_consent_records_site_id_person", "site_id", "person"),
    )

    id: Mapped[Id]
    site_id: Mapped[UUID] = mapped_column(Uuid)
    list_id: Mapped[UUID | None] = mapped_column(Uuid)
    subscription_id: Mapped[UUID | None] = mapped_column(Uuid)
    kind: Mapped[ConsentKind] = mapped_column(words(ConsentKind))
    at: Mapped[When]
    person: Mapped[str] = mapped_column(String(64))
    commitment: Mapped[str] = mapped_column(String(64))
    key_version: Mapped[int] = mapped_column(SmallInteger)
    facts: Mapped[Details] = mapped_column(Json)


class ConsentPerson(Base):
    """The personal fields of a ledger row, and their salt: erasable."""

    __tablename__ = "consent_people"

    record_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    site_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    address_key: Mapped[str] = mapped_column(String(254), index=True)
    fields: Mapped[Details] = mapped_column(Json)
    salt: Mapped[str] = mapped_column(String(64))


class ConsentSeal(Base):
    """The chain of a site: each seal hashes the one before it and one ledger row. Append-only."""

    __tablename__ = "consent_seals"
    __table_args__ = (UniqueConstraint("record_id"),)

    site_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    record_id: Mapped[UUID] = mapped_column(Uuid)
    hash: Mapped[str] = mapped_column(String(64))
    sealed_at: Mapped[When]


class UnsealedRecord(Base):
    """A ledger row that no seal covers yet: the queue of the duty that seals."""

    __tablename__ = "consent_unsealed"

    record_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    site_id: Mapped[UUID] = mapped_column(Uuid)


class Erasure(Base):
    """That a person was erased at a site: who, as keyed hash, and how much mail that stops."""

    __tablename__ = "erasures"

    site_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    person: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_version: Mapped[int] = mapped_column(SmallInteger)
    scope: Mapped[SuppressionScope] = mapped_column(words(SuppressionScope))
    at: Mapped[When]


class OptOut(Base):
    """A person who wants no more mail of a topic from a site: `marketing`, `list:ID`, `notification`,
    or `notification:PLUGIN`. Ended, never deleted.
    """

    __tablename__ = "opt_outs"
    __table_args__ = (
        Index(
            "uq_opt_outs_site_id_address_key_topic",
            "site_id",
            "address_key",
            "topic",
            unique=True,
            **where("ended_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    address: Mapped[Address]
    address_key: Mapped[Address]
    topic: Mapped[str] = mapped_column(String(128))
    evidence: Mapped[Details] = mapped_column(Json)
    began_at: Mapped[When]
    ended_at: Mapped[Sometime]
    ending: Mapped[str | None] = mapped_column(String(32))


class AbuseReport(Base):
    """Somebody who got a mail says that it should not have come. One person, one mail: one report.

    A report is a case: `severity` says how grave it is, `consent` what the relay knew of the person's
    consent when it came, `decision` what an operator made of it (NULL while nobody has).
    """

    __tablename__ = "abuse_reports"
    __table_args__ = (
        Index("ix_abuse_reports_site_id_at", "site_id", "at"),
        Index("ix_abuse_reports_open", "at", **where("decision IS NULL")),
        Index(
            "uq_abuse_reports_site_id_address_key_message_id",
            "site_id",
            "address_key",
            "message_id",
            unique=True,
            **where("message_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[UUID] = mapped_column(Uuid)
    site_id: Mapped[UUID] = mapped_column(Uuid)
    list_id: Mapped[UUID | None] = mapped_column(Uuid)
    message_id: Mapped[UUID | None] = mapped_column(Uuid)
    address_key: Mapped[Address]
    reason: Mapped[AbuseReason] = mapped_column(words(AbuseReason))
    comment: Mapped[str] = mapped_column(String(2000), default="")
    evidence: Mapped[Details] = mapped_column(Json)
    at: Mapped[When]
    origin: Mapped[AbuseOrigin] = mapped_column(words(AbuseOrigin), server_default="page")
    severity: Mapped[AbuseSeverity] = mapped_column(words(AbuseSeverity), server_default="minor")
    consent: Mapped[Details | None] = mapped_column(Json)
    decision: Mapped[AbuseDecision | None] = mapped_column(words(AbuseDecision))
    decided_at: Mapped[Sometime]
    decided_by: Mapped[str | None] = mapped_column(String(100))
    because: Mapped[str | None] = mapped_column(Text)
