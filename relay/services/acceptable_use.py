"""Accepting the acceptable use policy, for an account."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay.errors import Conflict, NotFound
from relay.models import Account
from relay.policy.acceptable_use import VERSION, notice
from relay.sayings import say


def accept(session: Session, account_id: UUID, version: str, *, by: str, now: datetime) -> Account:
    """Note that the account accepts the policy; accepting the same version again changes nothing.

    `by` is who said so. Raises `NotFound`, and `Conflict` for a version that is not in force.
    """
    account = session.scalar(
        select(Account).where(Account.id == account_id).with_for_update(key_share=True)
    )
    if account is None:
        raise NotFound(
            "There is no account with this id; `python -m relay account list` shows them"
        )
    if version != VERSION:
        raise Conflict(
            say(
                "The version in force is %(version)s, not %(other)s; read it at /policy first",
                version=VERSION,
                other=(version[:32],),
            ),
            version=VERSION,
        )
    if account.policy_version != VERSION:
        account.policy_version = VERSION
        account.policy_accepted_at, account.policy_accepted_by = now, by[:100]
    session.flush()
    return account


def check_accepted(account: Account) -> None:
    """Whether the account has accepted the policy in force. Raises `Conflict`, with the way on."""
    if account.policy_version != VERSION:
        raise Conflict(
            f"The account has not accepted version {VERSION} of the acceptable use policy; its owner "
            f"does so in the plugin, or tells you: python -m relay account accept-policy {account.id} "
            "--by NAME (or approve it --without-policy)",
            version=VERSION,
        )


def shown(account: Account, *, public_url: str) -> dict[str, Any]:
    """The policy in force and what the account has accepted, as the API shows it."""
    url = f"{public_url}/policy"
    return {
        "version": VERSION,
        "url": url,
        "accepted_version": account.policy_version,
        "accepted_at": account.policy_accepted_at,
        "notice": notice(account.policy_version, url),
    }
