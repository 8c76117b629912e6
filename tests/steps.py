"""What tests do over and over, in the product's words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.context import Relay
from relay.db import Base
from relay.errors import MailerBusy, MailerRefused, MailerSilent
from relay.mail import Draft, Envelope
from relay.models import MailingList, Site, Subscription
from relay.services import (
    actions,
    campaigns,
    claims,
    delivery,
    events,
    messages,
    releases,
    timelines,
)
from relay.services.actions import Order, Subject
from relay.services.delivery import Copy, Result
from relay.services.messages import Accepted, Receipt, fingerprint
from relay.services.person_links import Links
from relay.services.timelines import MessageTimeline, RecipientTimeline
from relay.vocabulary import Cause, Stream, Verb
from tests.factories import make_draft, make_event, make_list, new_subscription

PATIENCE = 60.0
"""Seconds to wait for what other threads do, on a machine that has other things to do."""

T = TypeVar("T")


def until(true: Callable[[], object], within: float = PATIENCE) -> None:
    """Wait for something that other threads do."""
    ends = time.monotonic() + within
    while not true():
        assert time.monotonic() < ends, f"it did not come within {within:.0f} s"
        time.sleep(0.01)


def at_once(times: int, do: Callable[[int], T]) -> list[T]:
    """Do it so many times, all beginning at the same moment."""
    ready = threading.Barrier(times, timeout=PATIENCE)

    def one(number: int) -> T:
        ready.wait()
        return do(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def act(relay: Relay, account_id: UUID, verb: Verb, cause: Cause | None = None) -> None:
    """An operator decides about an account."""
    with relay.sessions.begin() as session:
        actions.act(
            session,
            Subject(account_id=account_id),
            Order(verb, "operator:ada", "why", cause),
            sender="relay@relay.example",
            now=relay.clock(),
        )


def links(relay: Relay) -> Links:
    """What makes the relay's links."""
    return Links(relay.settings.keyring, relay.settings.public_url)


def submit(
    relay: Relay, site: Site, draft: Draft | None = None, *, key: str | None = None, **given: Any
) -> Accepted:
    """Hand a message of the site in, as its request `key`; further arguments are `make_draft`'s.

    Marketing that names no list goes to the list `news`, and everybody has confirmed that. Of
    `read_one_in` mails one is read before it leaves, and all mail of a young site; with 0, none is.
    As the API does, it hurries where it can, unless `hurried` is false.
    """
    read_one_in = given.pop("read_one_in", 0)
    hurried = given.pop("hurried", True)
    draft = draft or make_draft(**given)
    if draft.stream is Stream.MARKETING and draft.list_id is None:
        subscribe(relay, site, *draft.recipients)
        draft = replace(draft, list_id="news")
    told = {"to": [str(address) for address in draft.recipients]}
    mark = fingerprint(told, draft.mime.digest)
    request = messages.Request(draft, key, mark, read_one_in=read_one_in)
    how = {"links": links(relay), "now": relay.clock()}
    if hurried and (done := messages.accept_at_once(relay.sessions, site.id, request, **how)):
        return done
    with relay.sessions.begin() as session:
        return messages.accept(session, site.id, request, **how)


def subscribe(
    relay: Relay, site: Site, *people: EmailAddress, key: str = "news", **given: Any
) -> MailingList:
    """Make people subscribers of the site's list `key`, and the list if it is not there."""
    with relay.sessions.begin() as session:
        found = session.scalar(
            select(MailingList).where(MailingList.site_id == site.id, MailingList.key == key)
        ) or make_list(session, site, key=key)
        known = set(
            session.scalars(
                select(Subscription.address_key).where(
                    Subscription.list_id == found.id,
                    Subscription.address_key.in_([person.key for person in people]),
                )
            )
        )
        session.add_all(
            new_subscription(found, person, **given)
            for key, person in {person.key: person for person in people}.items()
            if key not in known
        )
        return found


def accept(relay: Relay, site: Site, draft: Draft | None = None, **given: Any) -> Receipt:
    """The receipt of a message that is handed in."""
    return submit(relay, site, draft, **given).receipt


def let_go(relay: Relay) -> int:
    """What the worker's duties do about copies that wait for their allowance; how many were moved."""
    settings = relay.settings
    house = releases.House(settings.keyring, settings.house_sender, settings.read_one_in)
    with relay.sessions.begin() as session:
        releases.end_expired(session, now=relay.clock())
        return releases.release_due(session, house, now=relay.clock())


def claim(relay: Relay, most: int = 100) -> list[Copy]:
    """Lease what is due."""
    with relay.sessions.begin() as session:
        return list(claims.claim(session, most=most, now=relay.clock()).copies)


def start(relay: Relay, copies: list[Copy]) -> list[Envelope]:
    """Write down that these go out now."""
    with relay.sessions.begin() as session:
        return delivery.start(
            session,
            copies,
            answer_within=relay.settings.mailer_timeout,
            tenants=relay.settings.ses_tenants,
            now=relay.clock(),
        )


def record(relay: Relay, *results: Result) -> None:
    """Write down what came of them."""
    with relay.sessions.begin() as session:
        delivery.record(session, list(results), now=relay.clock())


def hand_over(relay: Relay, envelope: Envelope) -> Result:
    """Complete one copy and give it to the mailer."""
    whole = delivery.complete(envelope, relay.reads, links(relay))
    try:
        return Result(whole, provider_id=relay.mailer.send(whole))
    except (MailerBusy, MailerRefused, MailerSilent) as error:
        return Result(whole, error=error)


def deliver_due(relay: Relay) -> list[Envelope]:
    """One turn of the worker: claim, start, send, record. Returns what went on the wire."""
    results = [hand_over(relay, envelope) for envelope in start(relay, claim(relay))]
    record(relay, *results)
    return [result.envelope for result in results]


def look(relay: Relay) -> int:
    """What the worker's duty does about copies that may be a campaign in disguise."""
    with relay.sessions.begin() as session:
        return campaigns.look_at(session, sender=relay.settings.house_sender, now=relay.clock())


def settle(relay: Relay) -> None:
    """What the worker's duties do about copies of which nobody knows."""
    with relay.sessions.begin() as session:
        delivery.return_expired_leases(session, now=relay.clock())
        delivery.find_lost(session, now=relay.clock())
        delivery.settle(session, settle_after=relay.settings.settle_after, now=relay.clock())


def tell(relay: Relay, kind: str, envelope: Envelope, **told: Any) -> bool:
    """Amazon SES reports something about a copy; False if it matched nothing."""
    event = make_event(kind, envelope, **({"at": relay.clock()} | told))
    with relay.sessions.begin() as session:
        (known,) = events.record(session, [event], now=relay.clock())
    return known


def find(relay: Relay, site: Site, receipt: Receipt) -> MessageTimeline:
    """The message as it stands."""
    with relay.reads() as session:
        return timelines.find(session, site.id, UUID(receipt["id"]))


def copy_of(relay: Relay, site: Site, receipt: Receipt) -> RecipientTimeline:
    """The one recipient of the message."""
    (copy,) = find(relay, site, receipt).recipients
    return copy


def status(relay: Relay, site: Site, receipt: Receipt) -> str:
    """The one recipient's status, in a word."""
    return copy_of(relay, site, receipt).status


def statuses(relay: Relay, site: Site, receipt: Receipt) -> dict[str, str]:
    """Everybody's status."""
    return {c.recipient.address: c.status for c in find(relay, site, receipt).recipients}


def rows(session: Session) -> dict[str, int]:
    """How many rows each table has."""
    counts = (f"SELECT '{name}', count(*) FROM {name}" for name in Base.metadata.tables)
    return dict(tuple(row) for row in session.execute(text(" UNION ALL ".join(counts))))


def waits(relay: Relay) -> bool:
    """Whether somebody waits for a lock (PostgreSQL)."""
    with relay.reads() as session:
        found = session.execute(
            text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        )
        return bool(found.scalar_one())


def meanwhile(relay: Relay, do: Callable[[], Any], change: Callable[[Any], None]) -> Any:
    """What `do` gives that has read already, and waits for the site's lock while `change` is made."""
    with ThreadPoolExecutor(1) as pool:
        with relay.sessions.begin() as session:
            session.execute(select(Site.id).with_for_update(key_share=True))
            done = pool.submit(do)
            until(lambda: waits(relay) or done.done())
            assert not done.done(), done.exception() or "nobody waited for the lock"
            change(session)
        return done.result(PATIENCE)
