"""Accounts that somebody opens by connecting a site, with what they said for the operator who decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from relay.errors import Forbidden, Invalid, LimitReached
from relay.models import Account, AccountRequest, SiteConnection
from relay.policy.connecting import ACCOUNTS_A_NETWORK_A_DAY
from relay.services import accounts
from relay.services.sign_ins import A_DAY
from relay.vocabulary import AccountOpening, State


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What somebody says who asks for an account."""

    name: str
    expected_daily: int
    purpose: str


def open_account(
    session: Session,
    connection: SiteConnection,
    asked: NewAccount | None,
    opening: AccountOpening,
    *,
    now: datetime,
) -> Account:
    """A new account of the connection's address; it waits for an operator unless the relay is open to all.

    Raises `Forbidden` where none may be opened, `Invalid` where nothing was said, and `LimitReached`
    where too many are asked for from one network.
    """
    if opening is AccountOpening.CLOSED:
        raise Forbidden("No account may be opened for this address here")
    if asked is None:
        raise Invalid("A new account needs a name and a purpose")
    if connection.network is not None:
        lately = session.execute(
            select(func.count()).where(
                AccountRequest.network == connection.network, AccountRequest.at > now - A_DAY
            )
        ).scalar_one()
        if lately >= ACCOUNTS_A_NETWORK_A_DAY:
            raise too_many_today()
    account = accounts.create_account(
        session,
        name=asked.name,
        owner_email=connection.address,
        language=connection.language,
        state=State.ACTIVE if opening is AccountOpening.OPEN else State.PENDING,
        now=now,
    )
    session.add(
        AccountRequest(
            account_id=account.id,
            at=now,
            site_url=connection.site_url,
            expected_daily=asked.expected_daily,
            purpose=asked.purpose,
            network=connection.network,
        )
    )
    session.flush()
    return account


def too_many_today() -> LimitReached:
    """Too much was asked for from one place, or for one account."""
    return LimitReached(
        "Too much was asked for today; come back tomorrow",
        retry_after=int(A_DAY.total_seconds()),
    )
