"""Looking at sending domains: at their DNS, at the provider, at block lists; and what follows.

Nobody waits for DNS or the provider inside a transaction: what to ask is read, then it is asked, then
what was seen is written down, if the claim is still there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from relay.answers import Ask
from relay.context import Relay
from relay.errors import NotFound, Unavailable
from relay.gateways.identities import ProviderIdentity
from relay.models import Domain, Identity
from relay.policy.blocklists import Listing, look_up
from relay.policy.domain_checks import Plan, Report, check
from relay.policy.domain_life import GRACE, REVIEW, TAKEN, Seen, Standing, Step, after
from relay.policy.names import registrable
from relay.sayings import phrase
from relay.services import domains, letters
from relay.vocabulary import CheckResult, DomainRuleKind, DomainStatus

AT_MOST_EVERY = timedelta(seconds=10)
"""A look by hand sooner than this after the last one shows the last one (our decision)."""

PROVIDER_AGAIN = timedelta(minutes=1)
"""After so long the provider is asked again for an identity it could not make."""

UNWANTED_FOR = timedelta(hours=24)
"""An identity nobody claims any more is deleted at the provider after so long (our decision)."""

TITLES = {
    "proven": phrase("All required records are there; mail can leave"),
    "recovered": phrase("The records are back; mail can leave as before"),
    "proof-gone": phrase("A required record is missing or wrong"),
    "provider-gone": phrase("Amazon SES does not accept the domain any more"),
    "grace-over": phrase("Its proof was missing for 72 hours; nothing can be sent any more"),
    "claim-over": phrase("Not proven within 7 days; the claim has ended"),
    "banned": phrase("Banned by an operator"),
    REVIEW: phrase("On a block list; an operator will look at it"),
    TAKEN: phrase("Another account owns the domain above and has not agreed"),
}
"""What a step means, for people; the code is for programs."""

LETTERS = {
    "proven": "domain-verified",
    "recovered": "domain-verified",
    "proof-gone": "domain-failing",
    "grace-over": "domain-lapsed",
    "claim-over": "domain-lapsed",
}
"""Template of the letter that goes with a step."""

log = structlog.get_logger(__name__)


def provision(relay: Relay, name: str) -> bool:
    """See that the provider has the identity, and keep its tokens; False if that has to wait."""
    with relay.reads() as session:
        wanted = session.get(Identity, name)
    if wanted is None or wanted.wanted_at is None:
        return True
    try:
        told = relay.identities.create(name, mail_from=wanted.mail_from)
    except Unavailable as error:
        log.warning("identity not made yet", domain=name, detail=error.detail)
        _keep(relay, name, wanted_at=relay.clock() + PROVIDER_AGAIN)
        return False
    _keep(relay, name, told=told, wanted_at=None)
    return True


def provision_due(relay: Relay, *, most: int = 50) -> int:
    """An errand: identities the provider still has to make, and those nobody wants any more."""
    now = relay.clock()
    with relay.reads() as session:
        wanted = session.scalars(
            select(Identity.name)
            .where(Identity.wanted_at <= now, Identity.unwanted_since.is_(None))
            .order_by(Identity.wanted_at)
            .limit(most)
        ).all()
        unwanted = session.scalars(
            select(Identity.name).where(Identity.unwanted_since <= now - UNWANTED_FOR).limit(most)
        ).all()
    for name in wanted:
        provision(relay, name)
    for name in unwanted:
        _give_up(relay, name)
    return len(wanted) + len(unwanted)


def look(relay: Relay, domain_id: UUID, *, by_hand: bool = False) -> Domain:
    """Look at a claim now and take the step that follows. Raises `NotFound` if it is gone.

    `by_hand`: somebody asked for it. Such looks come at most every `AT_MOST_EVERY` and do not count in
    the timetable.
    """
    now = relay.clock()
    with relay.sessions.begin() as session:
        found = session.get(Domain, domain_id)
        if found is None:
            raise NotFound("There is no such sending domain")
        recent = found.checked_at is not None and now - found.checked_at < AT_MOST_EVERY
        if found.status is DomainStatus.SUSPENDED or (by_hand and recent):
            return found
        name = found.name
    provision(relay, name)
    provider = _ask_provider(relay, name)
    with relay.sessions.begin() as session:
        found = session.get(Domain, domain_id, populate_existing=True)
        if found is None:
            raise NotFound("There is no such sending domain")
        plan = domains.plan(session, found, region=relay.settings.aws_region)
    ask = relay.names()
    report = check(plan, ask)
    listing = _listing(relay.settings.domain_blocklists, name, ask)
    with relay.sessions.begin() as session:
        return _write(
            relay, session, domain_id, report, provider, listing, by_hand=by_hand, plan=plan
        )


def look_due(relay: Relay, *, most: int = 20) -> int:
    """An errand: look at the domains whose time has come; returns how many."""
    with relay.reads() as session:
        due = session.scalars(
            select(Domain.id)
            .where(Domain.due_at <= relay.clock())
            .order_by(Domain.due_at)
            .limit(most)
        ).all()
    looked = 0
    for domain_id in due:
        if not _take(relay, domain_id):
            continue
        try:
            look(relay, domain_id)
            looked += 1
        except NotFound:
            continue
    return looked


def _take(relay: Relay, domain_id: UUID) -> bool:
    """Put the next look off by a little, so that no other worker looks at the same time."""
    now = relay.clock()
    with relay.sessions.begin() as session:
        taken = session.execute(
            update(Domain)
            .where(Domain.id == domain_id, Domain.due_at <= now)
            .values(due_at=now + timedelta(minutes=2))
            .returning(Domain.id)
            .execution_options(synchronize_session=False)
        ).all()
    return bool(taken)


def _ask_provider(relay: Relay, name: str) -> bool | None:
    """Whether the provider would send from it; None where it does not say."""
    try:
        told = relay.identities.find(name)
    except Unavailable as error:
        log.info("provider does not tell", domain=name, detail=error.detail)
        return None
    if told is None:  # somebody deleted it over there: make it anew
        _keep(relay, name, wanted_at=relay.clock())
        return None
    _keep(relay, name, told=told)
    return told.verified


def _keep(relay: Relay, name: str, *, told: ProviderIdentity | None = None, **values: Any) -> None:
    if told is not None:
        values |= {
            "dkim_tokens": list(told.dkim_tokens),
            "hosted_zone": told.hosted_zone,
            "verified": told.verified,
            "status": told.status,
            "checked_at": relay.clock(),
        }
    with relay.sessions.begin() as session:
        session.execute(
            update(Identity)
            .where(Identity.name == name)
            .values(**values)
            .execution_options(synchronize_session=False)
        )


def _give_up(relay: Relay, name: str) -> None:
    """Delete an identity here and at the provider, unless somebody has claimed the name meanwhile."""
    try:
        relay.identities.delete(name)
    except Unavailable as error:
        log.warning("identity not deleted yet", domain=name, detail=error.detail)
        return
    now = relay.clock()
    with relay.sessions.begin() as session:
        session.execute(
            delete(Identity).where(Identity.name == name, Identity.unwanted_since.is_not(None))
        )
        session.execute(  # claimed between the two: the provider has to make it again
            update(Identity)
            .where(Identity.name == name, Identity.unwanted_since.is_(None))
            .values(wanted_at=now)
        )


def _listing(zones: Sequence[str], name: str, ask: Ask) -> Listing | None:
    """The first block list that lists the domain, or the one registered for it.

    Silence and errors list nobody. Some lists know registered domains only.
    """
    names = dict.fromkeys((name, registrable(name) or name))
    for zone in zones:
        for each in names:
            if (found := look_up(each, zone, ask)).listed:
                return found
    return None


def _write(
    relay: Relay,
    session: Session,
    domain_id: UUID,
    report: Report,
    provider: bool | None,
    listing: Listing | None,
    *,
    by_hand: bool,
    plan: Plan,
) -> Domain:
    """Write down what was seen, and take the step; the claim's row is locked meanwhile."""
    now = relay.clock()
    found = session.scalar(
        select(Domain)
        .where(Domain.id == domain_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("There is no such sending domain")
    if found.status is DomainStatus.SUSPENDED:  # banned while we looked
        return found
    if domains.is_banned(session, found.account_id, found.name):  # banned while it was claimed
        domains.close(session, found.account_id, found.name, TITLES["banned"], now=now)
        return found
    _review(session, found, listing, now)
    seen = Seen(report.required, provider, _obstacle(session, found))
    step = after(
        Standing(found.status, found.since or found.created_at, found.checks, found.vouched),
        seen,
        now,
    )
    found.report = domains.as_json(report) | {
        "provider": {"verified": provider, "result": seen.proof.value},
        "obstacle": seen.obstacle,
    }
    found.checked_at = now
    found.checks += 0 if by_hand else 1
    found.due_at = now + step.look_in if step.look_in is not None else None
    if step.status is not found.status:
        _step(relay, session, found, step, report, plan, now)
    return found


def _step(
    relay: Relay,
    session: Session,
    found: Domain,
    step: Step,
    report: Report,
    plan: Plan,
    now: datetime,
) -> None:
    found.status, found.since, found.checks = step.status, now, 0
    if step.status is DomainStatus.VERIFIED:
        found.verified_at = now
        domains.close_banned_below(session, found.account_id, found.name, now)
    provider_alone = step.code == "proof-gone" and report.required is not CheckResult.FAIL
    title = TITLES["provider-gone" if provider_alone else step.code]
    domains.note(session, found, step.code, title, now=now)
    log.info("domain moved", domain_id=str(found.id), status=step.status.value, code=step.code)
    if step.code in LETTERS:
        failed = [record for record in report.records if record.result is CheckResult.FAIL]
        values = {
            "name": found.name,
            "code": step.code,
            "title": title,
            "ends": now + GRACE,
            "wrong": [record for record in failed if record.required],
            "advised": [record for record in failed if not record.required],
            "share_url": share_url(relay.settings.public_url, found),
        }
        letters.to_owner(
            session,
            found.account_id,
            LETTERS[step.code],
            values,
            sender=relay.settings.house_sender,
            now=now,
        )


def _review(session: Session, found: Domain, listing: Listing | None, now: datetime) -> None:
    """A listed domain waits for an operator, unless one has allowed it already."""
    if listing is None or found.review is not None:
        return
    rule = domains.rule_for(session, found.account_id, found.name)
    if rule is not None and rule.kind is DomainRuleKind.ALLOWED:
        return
    found.review = {
        "code": "listed",
        "zone": _public_zone(listing.zone),
        "answer": listing.code,
        "meaning": listing.meaning,
        "since": now.isoformat(),
    }
    domains.note(session, found, REVIEW, TITLES[REVIEW], now=now)


def _public_zone(zone: str) -> str:
    """The list's name without a customer key in front of it (`KEY.dbl.dq.spamhaus.net`)."""
    return ".".join(label for label in zone.split(".") if len(label) < 20)


def _obstacle(session: Session, found: Domain) -> str:
    if found.review is not None:
        return REVIEW
    return TAKEN if domains.is_taken(session, found.account_id, found.name) else ""


def share_url(public_url: str, domain: Domain) -> str:
    """Where the person with the DNS sees what to publish."""
    return f"{public_url.rstrip('/')}/setup/{domain.share_token}"


def in_review(session: Session) -> Sequence[Domain]:
    """Claims that wait for an operator, the longest waiting first."""
    return session.scalars(
        select(Domain).where(Domain.review.is_not(None)).order_by(Domain.created_at)
    ).all()


def listed_domains(
    session: Session, *, account_id: UUID | None, status: DomainStatus | None
) -> Sequence[Domain]:
    """All claims, for operators."""
    query = select(Domain).order_by(Domain.name, Domain.id)
    if account_id is not None:
        query = query.where(Domain.account_id == account_id)
    if status is not None:
        query = query.where(Domain.status == status)
    return session.scalars(query).all()
