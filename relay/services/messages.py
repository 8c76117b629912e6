"""Accepting a message: one transaction under the site's lock, after which nothing can be lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete
from sqlalchemy.orm import Session

from relay.db import Sessions, new_id
from relay.errors import (
    IdempotencyKeyReused,
    Invalid,
    LimitReached,
    PostreeveError,
)
from relay.gateways import bodies, mime
from relay.mail import Draft, Mime
from relay.models import IdempotencyKey
from relay.policy.admission import Admission, admit, described, disposition
from relay.policy.facts import Allowance, Held
from relay.policy.limits import Meter, source_key
from relay.policy.links import is_sampled
from relay.policy.standing import is_watched, stand_of
from relay.policy.streams import asks_for_protection, effective_stream
from relay.ready import alone
from relay.services import (
    campaigns,
    circumstances,
    intake,
    networks,
    newsletters,
    promotions,
    reviews,
)
from relay.services.circumstances import Answered, Known, iso
from relay.services.counts import Drawn
from relay.services.networks import Came, Newcomer
from relay.services.person_links import Links
from relay.vocabulary import Disposition, Lane, Outcome, ReviewKind, Stage, Stream

IDEMPOTENCY_KEPT = timedelta(hours=72)
"""How long a repeated request gets the first one's answer (our decision)."""

EXPIRES_AFTER = {
    Lane.PROTECTED: timedelta(hours=24),
    Lane.TRANSACTIONAL: timedelta(hours=24),
    Lane.NOTIFICATION: timedelta(days=7),
    Lane.MARKETING: timedelta(days=7),
}
"""How long a copy may wait before it is worth nothing any more (our decision)."""

UNSUBSCRIBE_HEADERS = frozenset((b"list-unsubscribe", b"list-unsubscribe-post"))
"""The pair that only the relay sets, where there is something to unsubscribe from."""

Receipt = dict[str, Any]
"""What the client is told: message id and a disposition per recipient, as JSON."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The receipt, whether it is the repetition of an earlier one, and what may still be sent."""

    receipt: Receipt
    replayed: bool = False
    meters: Sequence[Meter] = ()


def fingerprint(metadata: Mapping[str, Any], mime_digest: str) -> str:
    """What makes two requests the same: equal metadata and equal bytes of the message."""
    text = json.dumps(metadata, sort_keys=True, default=str)
    return hashlib.sha256(f"{mime_digest}\n{text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Request:
    """A draft to accept, with its idempotency key, if any, and its fingerprint.

    `wording` is what it says, where the site has been busy lately (`campaigns.said`); `came` is how it
    came, if through the API. Of `read_one_in` mails of a site in good standing one is read for where its
    links lead, and all of others; with 0, none is.
    """

    draft: Draft
    key: str | None
    fingerprint: str
    resent_from: UUID | None = None
    wording: str | None = None
    came: Came | None = None
    read_one_in: int = 0

    @property
    def api_key(self) -> UUID | None:
        """The API key by which it came."""
        return self.came.key_id if self.came is not None else None


def looked_into(site_id: UUID, request: Request) -> Request:
    """The request with what is read of the message itself, before any lock: a look at the body of what
    wants to be protected, and what a busy site's receipt says."""
    request = _looked_into(request)
    if request.wording is not None or (said := campaigns.said(site_id, request.draft)) is None:
        return request
    return replace(request, wording=said)


def accept(
    session: Session, site_id: UUID, request: Request, *, links: Links, now: datetime
) -> Accepted:
    """Accept a draft for sending, or raise why not; see `policy.admission` for the rules.

    What may be refused later than by the rules, where others were quicker with what was left of a
    limit, raises `LimitReached` as well: nothing of the transaction may be kept then.

    With an idempotency key, the same request gets the first answer again, and another request
    raises `IdempotencyKeyReused`. Where two requests with one key race on PostgreSQL, the slower
    one's write raises `IntegrityError`; done again in a new transaction, it finds the answer.
    """
    request = looked_into(site_id, request)
    known = circumstances.facts(
        session,
        site_id,
        request.draft,
        keyring=links.keyring,
        key=request.key,
        api_key=request.api_key,
        now=now,
    )
    meters = known.facts.allowance.quota.meters_for(source_key(request.draft.source))
    if known.answered is not None and known.answered.expires_at > now:
        return Accepted(_same(known.answered, request.fingerprint), replayed=True, meters=meters)
    if known.answered is not None:
        _forget(session, site_id, [request.key or ""])
    people = len(request.draft.recipients)
    newcomer = networks.newcomer(session, site_id, request.came, people, now=now)
    try:
        rows, receipt = _judge(session, site_id, known, request, links, now, newcomer)
    except LimitReached:
        if (earlier := _answered_since(session, site_id, request, now)) is None:
            raise
        return Accepted(earlier, replayed=True, meters=meters)
    _let_look(promotions.place(session, site_id, [rows], now=now), [rows])
    intake.write(session, rows, now=now)
    _hold(session, newcomer, request.came, [rows], now)
    if request.wording is not None and rows.message["lane"] is Lane.TRANSACTIONAL:
        campaigns.keep(session, site_id, {rows.message["id"]: (request.wording, now)})
    return Accepted(receipt, meters=meters)


def accept_at_once(
    sessions: Sessions, site_id: UUID, request: Request, *, links: Links, now: datetime
) -> Accepted | None:
    """As `accept`, in a transaction of its own of two round trips, on PostgreSQL, for what most mail is:
    a receipt of one person's, with enough left of every limit. It is judged before the site's lock is
    taken, and written and committed in one go.

    None, and nothing is written, for all else. Raises `Outrun` or `IntegrityError` where others were
    quicker. Then `accept` it.
    """
    draft = request.draft
    if (
        sessions.kw["bind"].dialect.name != "postgresql"
        or len(draft.recipients) != 1
        or effective_stream(draft) is not Stream.TRANSACTIONAL
        or asks_for_protection(draft)
        or not networks.is_trusted(request.came)
    ):
        return None
    request = looked_into(site_id, request)
    with alone(sessions) as connection:
        return _at_once(connection, site_id, request, links, now)


def _at_once(
    connection: Connection, site_id: UUID, request: Request, links: Links, now: datetime
) -> Accepted | None:
    draft = request.draft
    known = circumstances.facts_unlocked(
        connection,
        site_id,
        draft,
        keyring=links.keyring,
        key=request.key,
        api_key=request.api_key,
        wording=request.wording,
        now=now,
    )
    allowance = known.facts.allowance
    if known.answered is not None:
        if known.answered.expires_at <= now:
            return None
        meters = allowance.quota.meters_for(source_key(draft.source))
        return Accepted(_same(known.answered, request.fingerprint), replayed=True, meters=meters)
    compared = allowance.asks_for_a_look(len(draft.recipients))
    if compared and not known.few:
        return None
    try:
        rows, receipt = _judge(None, site_id, known, request, links, now, None)
    except LimitReached:
        return None  # under the lock there may be an answer by now
    if not intake.is_plain(rows) or known.version is None:
        return None
    intake.end_at_once(
        connection,
        rows,
        version=known.version,
        wording=request.wording,
        compared=compared,
        now=now,
    )
    meters = allowance.quota.meters_for(source_key(draft.source))
    return Accepted(receipt, meters=meters)


def accept_batch(
    session: Session, site_id: UUID, requests: Sequence[Request], *, links: Links, now: datetime
) -> list[Accepted | PostreeveError]:
    """Accept what can be accepted; for each request its receipt or why it was refused, in order.

    One transaction and one reading of the facts for all. Raises `IntegrityError` as `accept` does.
    """
    keys = [request.key for request in requests if request.key is not None]
    requests = [_looked_into(request) for request in requests]
    known, answers = circumstances.facts_of_many(
        session,
        site_id,
        [request.draft for request in requests],
        keyring=links.keyring,
        keys=keys,
        now=now,
    )
    if over := [key for key, answered in answers.items() if answered.expires_at <= now]:
        _forget(session, site_id, over)
        answers = {key: answers[key] for key in answers.keys() - set(over)}
    quota = known.facts.allowance.quota
    came = next((request.came for request in requests), None)
    people = sum(len(request.draft.recipients) for request in requests)
    newcomer = networks.newcomer(session, site_id, came, people, now=now)
    results: list[Accepted | PostreeveError] = []
    batch: list[intake.Rows] = []
    for request in requests:
        try:
            if request.key in answers:
                answered = answers[request.key]
                results.append(
                    Accepted(
                        _same(answered, request.fingerprint), replayed=True, meters=quota.meters
                    )
                )
                continue
            rows, receipt = _judge(session, site_id, known, request, links, now, newcomer)
        except PostreeveError as error:
            results.append(error)
            continue
        batch.append(rows)
        results.append(Accepted(receipt, meters=quota.meters))
        if request.key is not None and rows.idempotency is not None:
            answers[request.key] = Answered(
                request.fingerprint, rows.idempotency["answer"], now + IDEMPOTENCY_KEPT
            )
    _let_look(promotions.place(session, site_id, batch, now=now), batch)
    intake.write_many(session, site_id, batch, now=now)
    _hold(session, newcomer, came, batch, now)
    return results


def _let_look(first: Collection[UUID], batch: Sequence[intake.Rows]) -> None:
    """Promotional copies that would go at once are looked at before, if their message is to be read;
    so is the message with which a newsletter begins (`first`)."""
    for rows in batch:
        if rows.looked_at or (rows.looks and rows.message["id"] in first):
            for copy in rows.recipients:
                if copy["stage"] is Stage.QUEUED:
                    copy["stage"] = Stage.CHECKING


def _hold(
    session: Session,
    newcomer: Newcomer | None,
    came: Came | None,
    batch: Sequence[intake.Rows],
    now: datetime,
) -> None:
    """Put what came from a suspicious network into its review; security mail has gone into the queue."""
    if newcomer is None or came is None or not newcomer.held:
        return
    held = {
        rows.message["id"]: [row["id"] for row in rows.recipients if row["stage"] is Stage.HELD]
        for rows in batch
        if rows.suspected
    }
    networks.hold(session, newcomer, came, {id: ids for id, ids in held.items() if ids}, now=now)


def _answered_since(
    session: Session, site_id: UUID, request: Request, now: datetime
) -> Receipt | None:
    """The answer that a request with this key was given while this one waited for the site's lock.

    A repetition is never refused by a limit that its first request has used up.
    """
    if request.key is None:
        return None
    answered = circumstances.answers(session, site_id, [request.key]).get(request.key)
    if answered is None or answered.expires_at <= now:
        return None
    return _same(answered, request.fingerprint)


def _forget(session: Session, site_id: UUID, keys: Sequence[str]) -> None:
    """Drop answers that are older than we promise to keep them."""
    session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.site_id == site_id, IdempotencyKey.key.in_(list(keys))
        )
    )


def _looked_into(request: Request) -> Request:
    """The request with a look at the body of what wants to be protected; done before any lock."""
    draft = request.draft
    if not asks_for_protection(draft) or draft.mime.look is not None:
        return request
    read = replace(draft.mime, look=bodies.look(draft.mime))
    return replace(request, draft=replace(draft, mime=read))


def _judge(
    session: Session | None,
    site_id: UUID,
    known: Known,
    request: Request,
    links: Links,
    now: datetime,
    newcomer: Newcomer | None,
) -> tuple[intake.Rows, Receipt]:
    """The rows to write for an admitted draft, and its receipt; raises what the rules raise.

    A `session` is wanted only for what is compared and not known to be said to few.
    """
    draft = request.draft
    _check_expiry(draft, now)
    admission = admit(draft, known.facts)
    outgoing = _outgoing(draft.mime, admission, links)
    if outgoing is not draft.mime:
        draft = replace(draft, mime=outgoing)
        request = replace(request, draft=draft)
    _draw(known.facts.allowance, admission, draft)
    expires_at = now + EXPIRES_AFTER[admission.lane]
    if draft.expires_at is not None:
        expires_at = min(expires_at, draft.expires_at)
    message = _message(
        known.account_id, site_id, request, admission, now=now, expires_at=expires_at
    )
    begins = _begins(session, site_id, known, admission, request, now, newcomer)
    looked_at = _is_read(known, admission, request, message["id"], newcomer)
    if looked_at and begins.stage is Stage.QUEUED and admission.lane is Lane.TRANSACTIONAL:
        begins = replace(begins, stage=Stage.CHECKING)
    recipients = _recipients(message, draft, admission, begins)
    probes = [
        (known.facts.probes.pop(address), row["id"])
        for address, row in zip(draft.recipients, recipients, strict=True)
        if address in known.facts.probes and address not in admission.held
    ]
    receipt: Receipt = {
        "id": str(message["id"]),
        "stream": admission.stream.value,
        "accepted_at": iso(now),
        "recipients": [
            _told(row, admission.held.get(address), begins)
            for address, row in zip(draft.recipients, recipients, strict=True)
        ],
        "remarks": list(admission.remarks),
    }
    idempotency = request.key and {
        "site_id": site_id,
        "key": request.key,
        "fingerprint": request.fingerprint,
        "answer": json.dumps(receipt),
        "expires_at": now + IDEMPOTENCY_KEPT,
    }
    rows = intake.Rows(
        message,
        draft.mime.parts,
        recipients,
        idempotency or None,
        probes,
        contacts=len(admission.newcomers),
        suspected=begins.suspected,
        looked_at=looked_at,
        looks=request.read_one_in > 0,
        budget=known.facts.allowance.budget,
        drawn=(
            Drawn(
                known.account_id,
                admission.drawn,
                source_key(draft.source),
                known.facts.allowance.quota,
            )
            if admission.drawn
            else None
        ),
    )
    return rows, receipt


def _is_read(
    known: Known,
    admission: Admission,
    request: Request,
    message_id: UUID,
    newcomer: Newcomer | None,
) -> bool:
    """Whether a worker reads where its links lead before it leaves: all mail of young sites, of sites
    that were warned or are under review, and from a new network; of the others a sample."""
    if admission.lane is Lane.PROTECTED or request.read_one_in == 0:
        return False
    facts = known.facts
    return (
        facts.young
        or newcomer is not None
        or facts.allowance.under_review
        or is_watched(stand_of(facts), facts.site_streams)
        or is_sampled(message_id, request.read_one_in)
    )


@dataclass(frozen=True, slots=True)
class _Begins:
    """Where the copies of an accepted message begin."""

    stage: Stage = Stage.QUEUED
    reason: Mapping[str, Any] | None = None
    disposition: Disposition = Disposition.QUEUED
    suspected: bool = False


def _begins(
    session: Session | None,
    site_id: UUID,
    known: Known,
    admission: Admission,
    request: Request,
    now: datetime,
    newcomer: Newcomer | None,
) -> _Begins:
    """In the queue; where a receipt may be a campaign in disguise, with those that are looked at first.

    Where it is known what it says, and few are told the same, it goes at once. While an operator has
    yet to decide about a wording, the receipt of mail that says the same tells that it is held, as it
    will be at the look.
    """
    if admission.frozen:
        told = reviews.described(ReviewKind.LIMITED)
        return _Begins(Stage.HELD, told, Disposition.HELD)  # `freezing` puts it into a review
    if newcomer is not None and newcomer.held and admission.lane is not Lane.PROTECTED:
        told = reviews.described(ReviewKind.NEW_NETWORK)
        return _Begins(Stage.HELD, told, Disposition.HELD, suspected=True)
    allowance = known.facts.allowance
    if admission.lane is not Lane.TRANSACTIONAL or not allowance.asks_for_a_look():
        return _Begins()
    campaigns.note_busy(site_id)
    if known.few:
        return _Begins()
    assert session is not None, "what few were told is known, or compared under the lock"
    review, waits = campaigns.standing_of(
        session,
        site_id,
        request.draft,
        request.wording,
        under_review=allowance.under_review,
        now=now,
    )
    if review is None:
        return _Begins(Stage.CHECKING) if waits else _Begins()
    return _Begins(Stage.CHECKING, reviews.described(review.kind), Disposition.HELD)


def _outgoing(message: Mime, admission: Admission, links: Links) -> Mime:
    """The message as it is kept: with the name that may be shown, and ready for each person's link.

    A way out is ours: what the site's headers say of one goes (RFC 8058 §3.1: one pair of them), and
    each copy gets its own when it is sent. A newsletter's texts get a place for it.
    """
    if admission.sender_name != message.sender_name:
        message = mime.with_sender_name(message, admission.sender_name)
    if admission.topic is not None:
        message = mime.without(message, UNSUBSCRIBE_HEADERS)
    if admission.list is not None:
        message = newsletters.with_way_out(message, admission.list, links.public_url)
    return message


def _draw(allowance: Allowance, admission: Admission, draft: Draft) -> None:
    """Note what an admitted draft uses up, so that the next one of the same batch knows it."""
    allowance.newcomers -= set(admission.newcomers)
    allowance.first_contacts -= len(admission.newcomers)
    allowance.recent += len(draft.recipients)
    allowance.quota.draw(admission.drawn, source_key(draft.source))
    if admission.lane is Lane.PROTECTED:
        (person,) = draft.recipients
        allowance.security -= 1
        allowance.protected[person] = allowance.protected.get(person, 0) + 1


def _same(answered: Answered, fingerprint: str) -> Receipt:
    if answered.fingerprint != fingerprint:
        raise IdempotencyKeyReused(
            "This Idempotency-Key belongs to another request of the last 72 hours; use a new one"
        )
    found: Receipt = json.loads(answered.answer)
    found.setdefault("remarks", [])  # receipts of older releases have none
    return found


def _check_expiry(draft: Draft, now: datetime) -> None:
    if draft.expires_at is not None and draft.expires_at <= now:
        raise Invalid(
            "expires_at has passed already",
            errors=[
                {"pointer": "#/metadata/expires_at", "detail": "This time has passed already."}
            ],
        )


def _message(
    account_id: UUID,
    site_id: UUID,
    request: Request,
    admission: Admission,
    *,
    now: datetime,
    expires_at: datetime,
) -> dict[str, Any]:
    draft = request.draft
    return {
        "id": new_id(),
        "account_id": account_id,
        "site_id": site_id,
        "stream": admission.stream,
        "kind": draft.kind,
        "lane": admission.lane,
        "list_id": str(admission.list.id) if admission.list else None,
        "source": {"plugin": draft.source.plugin, "form": draft.source.form},
        "sender": str(draft.mime.sender),
        "subject": draft.mime.subject[:500],
        "mime_message_id": draft.mime.message_id[:500] if draft.mime.message_id else None,
        "size": draft.mime.size,
        "removed_headers": list(draft.mime.removed),
        "accepted_at": now,
        "expires_at": expires_at,
        "resent_from": request.resent_from,
        "remarks": list(admission.remarks) or None,
    }


def _recipients(
    message: Mapping[str, Any], draft: Draft, admission: Admission, begins: _Begins
) -> list[dict[str, Any]]:
    rows = []
    for address in draft.recipients:
        held = admission.held.get(address)
        rows.append(
            {
                "id": new_id(),
                "message_id": message["id"],
                "account_id": message["account_id"],
                "site_id": message["site_id"],
                "address": str(address),
                "address_key": address.key,
                "domain": address.domain,
                "lane_rank": admission.lane.rank,
                "stage": Stage.DONE if held else begins.stage,
                "outcome": Outcome.SUPPRESSED if held else Outcome.NONE,
                "due_at": message["accepted_at"],
                "expires_at": message["expires_at"],
                "tries": 0,
                "reason": described(held) if held else begins.reason,
                "sending_id": None,
            }
        )
    return rows


def _told(row: Mapping[str, Any], held: Held | None, begins: _Begins) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "address": row["address"],
        "disposition": (disposition(held) if held else begins.disposition).value,
        "reason": row["reason"],
    }
