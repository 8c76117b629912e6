"""Actions on accounts and sites: who may send, decided by somebody, with a reason, on record.

An action changes the state, writes a row of the audit log that nobody can change, and a letter to the
owner, in one transaction. What was accepted before is frozen by `freezing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay.db import new_id
from relay.errors import Conflict, Invalid, NotFound
from relay.models import Account, Action, Site
from relay.policy import appeals
from relay.policy.standing import SHUTS_EVERYTHING, STEPS
from relay.services import letters
from relay.services.letters import HOUSE_ACCOUNT
from relay.vocabulary import Cause, State, Verb

RELAY = "relay"
"""The actor of what no person has done."""

NEEDS_CAUSE = (Verb.WARN, Verb.LIMIT, Verb.SUSPEND, Verb.TERMINATE)

SUBJECTS = {
    Verb.APPROVE: "{name} may send",
    Verb.WARN: "{name}: something goes wrong with your mail",
    Verb.LIMIT: "{name}: newsletters and notifications are held",
    Verb.SUSPEND: "{name}: sending is suspended",
    Verb.REINSTATE: "{name} may send again",
    Verb.TERMINATE: "{name}: sending has ended",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What an action is about: an account with all its sites, or one site."""

    account_id: UUID | None = None
    site_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done, by whom, and why. `on_appeal`: an appeal was accepted, which undoes even an end."""

    verb: Verb
    actor: str
    reason: str
    cause: Cause | None = None
    evidence: Mapping[str, Any] | None = None
    on_appeal: bool = False


def act(session: Session, subject: Subject, order: Order, *, sender: str, now: datetime) -> Action:
    """Do it; returns the row of the audit log.

    Raises `NotFound`, `Invalid` where a reason or cause lacks, and `Conflict` where the verb does not
    fit the state.
    """
    if not order.reason.strip():
        raise Invalid("Say why: the reason is kept, and the owner reads it")
    if order.verb in NEEDS_CAUSE and order.cause is None:
        raise Invalid(f"Say what it is about: one of {', '.join(Cause)}")
    found = _locked(session, subject)
    begins, after = STEPS[order.verb]
    if order.on_appeal:
        begins |= {State.TERMINATED}
    if found.state not in begins:
        raise Conflict(
            f"It is {found.state.value}; {order.verb.value} fits what is "
            f"{' or '.join(sorted(state.value for state in begins))}"
        )
    action = Action(
        id=new_id(),
        at=now,
        actor=order.actor,
        verb=order.verb,
        account_id=found.account_id if isinstance(found, Site) else found.id,
        site_id=found.id if isinstance(found, Site) else None,
        cause=order.cause,
        reason=order.reason,
        before=_snapshot(found),
        after={},
        evidence=dict(order.evidence or {}),
    )
    found.state = after
    found.cause = None if after is State.ACTIVE else order.cause
    found.state_since = now
    if order.verb is Verb.REINSTATE:
        found.reinstated_at = now
    action.after = _snapshot(found)
    session.add(action)
    session.flush()
    _tell(session, found, action, sender=sender, now=now)
    return action


def history(
    session: Session,
    *,
    account_id: UUID | None = None,
    site_id: UUID | None = None,
    limit: int = 100,
    before: UUID | None = None,
) -> Sequence[Action]:
    """The audit log, newest first; of an account with its sites, of a site with its account.

    `before` is the action after which to go on.
    """
    query = select(Action).order_by(Action.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Action.id < before)
    if account_id is not None:
        query = query.where(Action.account_id == account_id)
    if site_id is not None:
        site = session.get(Site, site_id)
        if site is None:
            raise NotFound("There is no site with this id; `python -m relay site list` shows them")
        query = query.where(
            (Action.site_id == site_id)
            | ((Action.account_id == site.account_id) & Action.site_id.is_(None))
        )
    return session.scalars(query).all()


def name_of(session: Session, action: Action) -> str:
    """What the action was about, in words: `account Shop Ltd`, `site The shop`."""
    if action.site_id is not None:
        return f"site {session.get_one(Site, action.site_id).name}"
    return f"account {session.get_one(Account, action.account_id).name}"


def _locked(session: Session, subject: Subject) -> Account | Site:
    """The row, held until the transaction ends: acceptance of its mail waits for the new state."""
    found: Account | Site | None
    if subject.site_id is not None:
        found = session.scalar(
            select(Site).where(Site.id == subject.site_id).with_for_update(key_share=True)
        )
    else:
        found = session.scalar(
            select(Account).where(Account.id == subject.account_id).with_for_update(key_share=True)
        )
    if found is None or HOUSE_ACCOUNT in (found.id, getattr(found, "account_id", None)):
        word = "site" if subject.site_id is not None else "account"
        raise NotFound(f"There is no {word} with this id; `python -m relay {word} list` shows them")
    return found


def _snapshot(found: Account | Site) -> dict[str, Any]:
    return {"state": found.state.value, "cause": found.cause.value if found.cause else None}


def _tell(
    session: Session, found: Account | Site, action: Action, *, sender: str, now: datetime
) -> None:
    """Write to the owner: what happened, why, what still flows, how to put it right, how to appeal."""
    letter = letters.render(
        "standing",
        subject=SUBJECTS[action.verb].format(name=found.name)[:200],
        name=found.name,
        is_site=isinstance(found, Site),
        verb=action.verb.value,
        cause=action.cause.value if action.cause else None,
        reason=action.reason,
        shuts_everything=action.cause in SHUTS_EVERYTHING,
        action=action,
        working_days=appeals.WORKING_DAYS,
    )
    letters.to_owner(session, action.account_id, letter, sender=sender, now=now)
