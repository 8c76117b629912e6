"""Actions on accounts and sites: who may send, decided by somebody, with a reason, on record.

An action changes the state, writes a row of the audit log that nobody can change, and a letter to the
owner, in one transaction. What was accepted before is frozen by `freezing`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from relay.db import new_id
from relay.errors import Conflict, Invalid, NotFound
from relay.models import Account, Action, Pulse, Site
from relay.policy import appeals, tenants
from relay.policy.reasons import CAUSES, MAIL, PROMOTIONAL, happened, numbers_of
from relay.policy.standing import SHUTS_EVERYTHING, STEPS, stream_state
from relay.sayings import Saying
from relay.services import letters, limits
from relay.services.accounts import find_site
from relay.services.circumstances import iso
from relay.services.letters import HOUSE_ACCOUNT
from relay.vocabulary import Cause, State, Stream, Verb

RELAY = "relay"
"""The actor of what no person has done."""

NEEDS_CAUSE = (Verb.WARN, Verb.LIMIT, Verb.SUSPEND, Verb.TERMINATE)

OF_STREAMS = (Verb.WARN, Verb.LIMIT, Verb.REINSTATE)
"""What can be done to one stream of a site."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an action is about: an account with all its sites, one site, or one stream of that."""

    account_id: UUID | None = None
    site_id: UUID | None = None
    stream: Stream | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done, by whom, and why. `on_appeal`: an appeal was accepted, which undoes even an end.

    `next_page` is the address of a page where the owner goes on, if there is one; the letter tells it.
    """

    verb: Verb
    actor: str
    reason: str
    cause: Cause | None = None
    evidence: Mapping[str, Any] | None = None
    on_appeal: bool = False
    next_page: str = ""


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
    before = _snapshot(found, subject.stream)
    if subject.stream is not None:
        _step_stream(found, subject.stream, order, now)
    else:
        _step(found, order, now)
    if (
        order.verb is Verb.REINSTATE and order.actor != RELAY
    ):  # the end of a warning forgives nothing
        _begin_anew(session, found, subject.stream, now)
    return _keep(session, found, order, before, subject.stream, sender=sender, now=now)


def slow(
    session: Session, site_id: UUID, order: Order, *, until: datetime, sender: str, now: datetime
) -> Action:
    """Leave a site a part of its promotional allowance until then (`policy.platform`)."""
    found = _locked(session, Subject(site_id=site_id))
    assert isinstance(found, Site)
    before = {"slowed_until": iso(found.slowed_until) if found.slowed_until else None}
    found.slowed_until = until
    return _keep(
        session, found, order, before, None, {"slowed_until": iso(until)}, sender=sender, now=now
    )


def hold_source(
    session: Session,
    site_id: UUID,
    source: str,
    order: Order,
    *,
    until: datetime,
    sender: str,
    now: datetime,
) -> Action:
    """Refuse mail of one plugin or form of a site until then; the rest of the site sends as always."""
    found = _locked(session, Subject(site_id=site_id))
    assert isinstance(found, Site)
    limits.open_breaker(session, site_id, source, until=until, now=now)
    return _keep(
        session,
        found,
        order,
        {"source": source, "held_until": None},
        None,
        {"source": source, "held_until": iso(until)},
        sender=sender,
        now=now,
    )


def _step(found: Account | Site, order: Order, now: datetime) -> None:
    begins, after = STEPS[order.verb]
    if order.on_appeal:
        begins |= {State.TERMINATED}
    streams = found.streams if isinstance(found, Site) else None
    if found.state not in begins and not (order.verb is Verb.REINSTATE and streams):
        raise _misfit(found.state, begins, order.verb)
    if order.verb is not Verb.REINSTATE or found.state in begins:
        found.state = after
        found.cause = None if after is State.ACTIVE else order.cause
        found.state_since = now
    if isinstance(found, Site) and order.verb is Verb.REINSTATE and streams:
        found.streams, found.streams_since = None, now


def _step_stream(found: Account | Site, stream: Stream, order: Order, now: datetime) -> None:
    if not isinstance(found, Site):
        raise Invalid("A stream belongs to a site: name the site")
    if order.verb not in OF_STREAMS:
        raise Invalid(f"A stream can be {', '.join(verb.value for verb in OF_STREAMS)}ed only")
    begins, after = STEPS[order.verb]
    state = stream_state(found.streams, stream)
    if state not in begins:
        raise _misfit(state, begins, order.verb)
    streams = dict(found.streams or {})
    streams.pop(stream.value, None)
    if after is not State.ACTIVE:
        streams[stream.value] = {
            "state": after.value,
            "cause": order.cause.value if order.cause else None,
            "since": iso(now),
        }
    found.streams, found.streams_since = streams or None, now


def _misfit(state: State, begins: Collection[State], verb: Verb) -> Conflict:
    fits = " or ".join(sorted(each.value for each in begins))
    return Conflict(f"It is {state.value}; {verb.value} fits what is {fits}")


def _begin_anew(
    session: Session, found: Account | Site, stream: Stream | None, now: datetime
) -> None:
    """What was reported of mail before counts no more."""
    if stream is None:
        found.reinstated_at = now
    of = Site.id == found.id if isinstance(found, Site) else Site.account_id == found.id
    streams = list(Stream) if stream is None else [stream]
    session.execute(
        update(Pulse)
        .where(Pulse.site_id.in_(select(Site.id).where(of)), Pulse.stream.in_(streams))
        .values(since=now, recent=[], sources=None, due_at=None, clean_since=None)
        .execution_options(synchronize_session=False)
    )


def _keep(
    session: Session,
    found: Account | Site,
    order: Order,
    before: Mapping[str, Any],
    stream: Stream | None,
    after: Mapping[str, Any] | None = None,
    *,
    sender: str,
    now: datetime,
) -> Action:
    """Write the row of the audit log, and to the owner."""
    action = Action(
        id=new_id(),
        at=now,
        actor=order.actor,
        verb=order.verb,
        account_id=found.account_id if isinstance(found, Site) else found.id,
        site_id=found.id if isinstance(found, Site) else None,
        stream=stream,
        cause=order.cause,
        reason=order.reason,
        before=dict(before),
        after=dict(after if after is not None else _snapshot(found, stream)),
        evidence=dict(order.evidence or {}),
    )
    session.add(action)
    session.flush()
    _tell(session, found, action, order.next_page, sender=sender, now=now)
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
        site = find_site(session, site_id)
        query = query.where(
            (Action.site_id == site_id)
            | ((Action.account_id == site.account_id) & Action.site_id.is_(None))
        )
    return session.scalars(query).all()


def name_of(session: Session, action: Action) -> str:
    """What the action was about, in words: `account Shop Ltd`, `site The shop`."""
    if action.site_id is not None:
        name = session.get_one(Site, action.site_id).name
        return f"site {name}" + (f", {action.stream.value}" if action.stream else "")
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


def _snapshot(found: Account | Site, stream: Stream | None) -> dict[str, Any]:
    if stream is not None and isinstance(found, Site):
        told = (found.streams or {}).get(stream.value, {})
        return {"state": told.get("state", State.ACTIVE.value), "cause": told.get("cause")}
    return {"state": found.state.value, "cause": found.cause.value if found.cause else None}


def _tell(
    session: Session,
    found: Account | Site,
    action: Action,
    next_page: str,
    *,
    sender: str,
    now: datetime,
) -> None:
    """Write to the owner: what happened, why, what still flows, how to put it right, how to appeal."""
    mail = MAIL[action.stream] if action.stream else None
    until = action.after.get("held_until") or action.after.get("slowed_until")
    values = {
        "name": found.name,
        "verb": action.verb.value,
        "stream": action.stream.value if action.stream else None,
        "mail": PROMOTIONAL if mail is None and action.verb is Verb.LIMIT else mail,
        "until": datetime.fromisoformat(until) if until else None,
        "next_page": next_page,
        "on_appeal": "appeal" in action.evidence,
        "shuts_everything": action.cause in SHUTS_EVERYTHING,
        "cause": action.cause.value if action.cause else None,
        "cause_words": CAUSES[action.cause] if action.cause else None,
        "reason": reason_of(action),
        "numbers": numbers_of(action.evidence),
        "number": action.id,
        "working_days": appeals.WORKING_DAYS,
    }
    letters.to_owner(session, action.account_id, "standing", values, sender=sender, now=now)


def reason_of(action: Action) -> Saying | str:
    """Why it was done: what the relay saw, to be said in any language; an operator's words as they stand."""
    if action.actor == RELAY and "rule" in action.evidence:
        return happened(action.evidence, action.cause)
    if action.actor == RELAY and "ses" in action.evidence:
        return tenants.reason(action.evidence["ses"])
    return action.reason
