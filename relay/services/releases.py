"""The duty that lets waiting newsletters and notifications go, as far as their allowances have room.

It works like acceptance: under the site's lock, with the same rows counted in the same way, so that the
two together never let more go in an hour or a day than is allowed. Sites that somebody else has locked
are skipped; the next turn, a second later, finds them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from relay import bulk
from relay.addresses import EmailAddress
from relay.db import table_of
from relay.keys import Keyring
from relay.models import AddressHold, Domain, MailingList, Message, Recipient, Sending, Site
from relay.policy import topics
from relay.policy.admission import described
from relay.policy.consent import reason_not_to_mail
from relay.policy.facts import Held
from relay.policy.links import is_sampled
from relay.policy.sender import USABLE, claim_that_counts
from relay.sayings import phrase
from relay.services import allowances, canaries, circumstances, delivery
from relay.services.allowances import TAKE, Standing
from relay.services.canaries import STILL_WAITS
from relay.services.promotions import WATCHED
from relay.vocabulary import (
    EventType,
    Lane,
    Outcome,
    Stage,
    SuppressionReason,
    WaitReason,
)

SITES = 20
"""Sites seen to in one turn."""

MOST = 200
"""Copies of one sending that go in one turn."""

COME_AGAIN = 100
"""What a turn returns at least when more sites are due: the worker comes again at once."""

FROZEN_FOR = timedelta(minutes=5)
"""Between looks at a site, or a domain, that may not send now."""

EXPIRED = phrase("Its turn had not come before it was worth nothing any more")

_COPIES, _MAILS = table_of(Recipient), table_of(Message)


@dataclass(frozen=True, slots=True)
class House:
    """What the duty needs of the installation: whose keys, from which address it writes, and of how many
    mails one is read (`messages.Request`)."""

    keyring: Keyring
    sender: str
    read_one_in: int = 0


def release_due(session: Session, house: House, *, now: datetime) -> int:
    """Let waiting copies go whose turn has come; how many were moved."""
    sites = _due_sites(session, now)
    if not sites:
        return 0
    sendings = session.scalars(
        select(Sending)
        .where(Sending.site_id.in_(sites), Sending.due_at <= now)
        .order_by(Sending.site_id, Sending.lane_rank, Sending.began_at, Sending.id)
    ).all()
    ids = [allowances.site_ramp(site) for site in sites]
    ids += [allowances.domain_ramp(sending.domain) for sending in sendings]
    allowances.lock(session, ids)
    done = 0
    for site_id, group in groupby(sendings, key=lambda sending: sending.site_id):
        due = list(group)
        domains = {sending.domain for sending in due}
        standing = allowances.standing(session, site_id, domains, now=now)
        for sending in due:
            done += _release(session, house, standing, sending, now)
        standing.keep_steps(session)
    session.flush()
    return max(done, COME_AGAIN) if len(sites) == SITES else done


def _due_sites(session: Session, now: datetime) -> Sequence[UUID]:
    """Sites with a sending to look at, locked; those that are busy are left for later."""
    due = select(Sending.site_id).where(Sending.due_at <= now).order_by(Sending.due_at)
    wanted = list(dict.fromkeys(session.scalars(due.limit(10 * SITES))))[:SITES]
    return session.scalars(
        select(Site.id)
        .where(Site.id.in_(wanted))
        .order_by(Site.id)
        .with_for_update(key_share=True, skip_locked=True)
    ).all()


def _release(
    session: Session, house: House, standing: Standing, sending: Sending, now: datetime
) -> int:
    """Let copies of one sending go, and say when to look again."""
    if standing.state in allowances.FROZEN:
        sending.due_at = now + FROZEN_FOR
        return 0
    canaries.step(session, sending, house_sender=house.sender, now=now)
    if sending.canary in canaries.STOPPED:
        held = canaries.hold_rest(session, sending, now=now)
        _rest(session, sending, now, sending.waits)
        return held
    room = standing.room(sending.domain, now)
    copies = _next(session, sending, min(room.people, MOST), now)
    if not _may_be_named(session, standing, copies):
        sending.due_at = now + FROZEN_FOR
        return 0
    stopped = _not_to_mail(session, house, sending, copies, now) if copies else {}
    going = [copy.id for copy in copies if copy.id not in stopped]
    read = _to_be_read(session, house, sending, copies, now) if going else set()
    _move(session, [id for id in going if id not in read], stopped, now)
    _move(session, [id for id in going if id in read], {}, now, to=Stage.CHECKING)
    if going:
        drawn = standing.draw(sending.domain, len(going), now)
        session.connection().execute(TAKE, drawn)
    _look_again(session, standing, sending, now)
    return len(copies)


def _next(session: Session, sending: Sending, most: int, now: datetime) -> Sequence[Any]:
    """The oldest waiting copies of a sending that may go, locked."""
    if most <= 0:
        return []
    return session.execute(_waiting(sending, now).limit(most).with_for_update(
        of=_COPIES, skip_locked=True
    )).all()  # fmt: skip


def _waiting(sending: Sending, now: datetime) -> Any:
    only_first = (canaries.is_first(),) if sending.canary in WATCHED else ()
    return (
        select(
            _COPIES.c.id, _COPIES.c.message_id, _COPIES.c.address, _MAILS.c.source, _MAILS.c.sender
        )
        .join(_MAILS, _MAILS.c.id == _COPIES.c.message_id)
        .where(
            _COPIES.c.sending_id == sending.id,
            STILL_WAITS,
            _COPIES.c.expires_at > now,
            *only_first,
        )
        .order_by(_COPIES.c.id)
    )


def _may_be_named(session: Session, standing: Standing, copies: Sequence[Any]) -> bool:
    """Whether the account may still send from the domains of these mails."""
    names = {copy.sender.rpartition("@")[2].lower() for copy in copies}
    if not names:
        return True
    rows = session.execute(
        select(Domain.name, Domain.status).where(Domain.account_id == standing.account_id)
    )
    claims = {name: status for name, status in rows}  # noqa: C416  (rows, not pairs, to mypy)
    decided = [claim_that_counts(name, claims) for name in names]
    return all(claim is not None and claim[1] in USABLE for claim in decided)


def _not_to_mail(
    session: Session, house: House, sending: Sending, copies: Sequence[Any], now: datetime
) -> dict[UUID, Held]:
    """Who may not be mailed any more, and why: people leave, and addresses end, while copies wait."""
    key = session.scalar(select(MailingList.key).where(MailingList.id == sending.list_id)) or ""
    facts = circumstances.facts_about(
        session,
        sending.site_id,
        [EmailAddress(copy.address) for copy in copies],
        list_key=key,
        keyring=house.keyring,
        now=now,
    )
    mailing_list = facts.lists.get(key)
    lane = Lane.of_rank(sending.lane_rank)
    found: dict[UUID, Held] = {}
    for copy in copies:
        topic = (
            topics.of_list(sending.list_id)
            if sending.list_id is not None
            else topics.of_plugin(copy.source.get("plugin"))
        )
        held = reason_not_to_mail(EmailAddress(copy.address), lane, topic, mailing_list, facts)
        if held is not None:
            found[copy.id] = held
    disputed = [id for id, held in found.items() if held.reason is SuppressionReason.DISPUTED]
    if disputed:  # the very copy that is to settle the dispute
        for id in session.scalars(
            select(AddressHold.recipient_id).where(
                AddressHold.recipient_id.in_(disputed), AddressHold.ended_at.is_(None)
            )
        ):
            if id is not None:
                del found[id]
    return found


def _to_be_read(
    session: Session, house: House, sending: Sending, copies: Sequence[Any], now: datetime
) -> set[UUID]:
    """Those whose links are read before they leave, as acceptance does it: all where the site calls for
    it, and those that go first of a sending; else a sample."""
    if not house.read_one_in:
        return set()
    if sending.canary in WATCHED or circumstances.is_read(session, sending.site_id, now=now):
        return {copy.id for copy in copies}
    return {copy.id for copy in copies if is_sampled(copy.message_id, house.read_one_in)}


def _move(
    session: Session,
    going: Sequence[UUID],
    stopped: dict[UUID, Held],
    now: datetime,
    *,
    to: Stage = Stage.QUEUED,
) -> None:
    if going:
        session.execute(
            update(_COPIES)
            .where(_COPIES.c.id.in_(going), _COPIES.c.stage == Stage.WAITING)
            .values(stage=to, due_at=now)
        )
    bulk.update_rows(
        session,
        Recipient,
        [
            {
                "id": id,
                "stage": Stage.DONE,
                "outcome": Outcome.SUPPRESSED,
                "due_at": now,
                "reason": described(held),
            }
            for id, held in stopped.items()
        ],
    )


def _look_again(session: Session, standing: Standing, sending: Sending, now: datetime) -> None:
    """Say when the sending has to be looked at next, and what its copies wait for."""
    more = session.execute(_waiting(sending, now).limit(1)).first() is not None
    if more:
        room = standing.room(sending.domain, now)
        sending.due_at = now if room.people else room.until
        sending.waits = room.because
    elif sending.canary in WATCHED:
        looks_at = canaries.next_look(session, sending, now=now)
        _rest(session, sending, looks_at, WaitReason.CANARY)
    else:
        _rest(session, sending, now + timedelta(seconds=5), sending.waits)


def _rest(session: Session, sending: Sending, due_at: datetime, waits: WaitReason | None) -> None:
    """Leave the sending alone if nothing of it waits any more, not even what is just being ended."""
    left = session.execute(
        select(_COPIES.c.id).where(_COPIES.c.sending_id == sending.id, STILL_WAITS).limit(1)
    ).first()
    sending.due_at, sending.waits = (due_at, waits) if left is not None else (None, None)


def end_expired(session: Session, *, now: datetime) -> int:
    """End copies that waited longer than they were worth; how many."""
    ids = session.scalars(
        select(_COPIES.c.id)
        .where(STILL_WAITS, _COPIES.c.expires_at <= now)
        .order_by(_COPIES.c.expires_at)
        .limit(MOST)
        .with_for_update(skip_locked=True)
    ).all()
    delivery.finish(session, ids, EventType.EXPIRED, EXPIRED, code="expired", now=now)
    return len(ids)
