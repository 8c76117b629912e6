"""Account → site → key."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from relay import languages
from relay.db import Base
from relay.models.columns import Address, Details, Id, Json, Name, Sometime, When, words
from relay.vocabulary import Cause, State


class Account(Base):
    """One customer. `domain_token` is what it publishes in DNS to prove that a domain is its own.

    `language` is the tag of the one in which its owner is written to (`relay.languages`).
    `cause` is what its state is about, `state_since` when that began, `reinstated_at` when it was let
    go again for the last time.
    `plan` says what it may send, `limits` what of that an operator has set otherwise (`policy.plans`).
    `policy_version` is that of the policy it has accepted (`policy.acceptable_use`), when, and by whom.
    """

    __tablename__ = "accounts"

    id: Mapped[Id]
    name: Mapped[Name]
    owner_email: Mapped[Address]
    language: Mapped[str] = mapped_column(
        String(16), default=languages.ENGLISH, server_default=languages.ENGLISH
    )
    state: Mapped[State] = mapped_column(words(State), default=State.ACTIVE)
    cause: Mapped[Cause | None] = mapped_column(words(Cause))
    state_since: Mapped[Sometime]
    reinstated_at: Mapped[Sometime]
    domain_token: Mapped[str | None] = mapped_column(String(64))
    plan: Mapped[str] = mapped_column(String(32), default="standard", server_default="standard")
    limits: Mapped[dict[str, int] | None] = mapped_column(Json)
    policy_version: Mapped[str | None] = mapped_column(String(32))
    policy_accepted_at: Mapped[Sometime]
    policy_accepted_by: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[When]

    sites: Mapped[list[Site]] = relationship(back_populates="account", order_by="Site.id")


class Site(Base):
    """One WordPress install of an account. Its row is the lock under which its mail is accepted.

    `first_contacts_earned` is how many people it never mailed it may write to in an hour, as its
    history has it; `first_contacts_set` what an operator has decided instead. State and cause are as
    those of an account; of the two, the stricter state holds. `streams` has those of its streams that
    are warned or limited, each with `state`, `cause` and `since`; NULL while there is none; it changed
    last at `streams_since`. Until `slowed_until` promotional mail has only a part of its allowance.
    `declared_daily` is the volume of transactional mail it is expected to have, people a day; `limits` is
    what an operator has set otherwise than the plan.
    """

    __tablename__ = "sites"

    id: Mapped[Id]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), index=True)
    name: Mapped[Name]
    url: Mapped[str] = mapped_column(String(500))
    state: Mapped[State] = mapped_column(words(State), default=State.ACTIVE)
    cause: Mapped[Cause | None] = mapped_column(words(Cause))
    state_since: Mapped[Sometime]
    reinstated_at: Mapped[Sometime]
    streams: Mapped[Details | None] = mapped_column(Json)
    streams_since: Mapped[Sometime]
    slowed_until: Mapped[Sometime]
    default_from: Mapped[str | None] = mapped_column(String(254))
    created_at: Mapped[When]
    first_contacts_earned: Mapped[int] = mapped_column(Integer, default=20, server_default="20")
    first_contacts_set: Mapped[int | None] = mapped_column(Integer)
    declared_daily: Mapped[int] = mapped_column(Integer, default=500, server_default="500")
    limits: Mapped[dict[str, int] | None] = mapped_column(Json)

    account: Mapped[Account] = relationship(back_populates="sites")
    keys: Mapped[list[ApiKey]] = relationship(back_populates="site", order_by="ApiKey.id")


class ApiKey(Base):
    """A secret a site presents. Only its keyed digest is here; the secret was shown once.

    A key without a site is an account key: it manages the account's sites.
    """

    __tablename__ = "api_keys"

    id: Mapped[Id]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), index=True)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("sites.id"), index=True)
    prefix: Mapped[str] = mapped_column(String(32), unique=True)
    digest: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200), default="")
    scopes: Mapped[list[str]] = mapped_column(Json)
    bound_url: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[When]
    last_used_at: Mapped[Sometime]
    expires_at: Mapped[Sometime]
    revoked_at: Mapped[Sometime]

    site: Mapped[Site | None] = relationship(back_populates="keys")
