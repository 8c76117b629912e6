"""Somebody who gets mail: their subscriptions, their links, and what the database has of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from relay.addresses import EmailAddress, parse
from relay.context import Relay
from relay.db import Base, new_id
from relay.models import Message, Recipient, Site, Subscription
from relay.services import opt_outs, person_links
from relay.services.person_links import Page, PersonLink
from relay.vocabulary import Lane, Outcome, Stage, Stream, SubscriptionStatus
from tests import factories
from tests.fakes import MORNING

ADA = "ada@customer.example"


@dataclass(frozen=True)
class Person:
    """A person at a site, as tests speak of them."""

    relay: Relay
    site: Site
    address: EmailAddress = parse(ADA)  # noqa: RUF009  (frozen, and the same for all)

    def token(self, topic: str, message_id: UUID | None = None) -> str:
        link = PersonLink(self.site.id, self.address, topic, message_id)
        return person_links.seal(self.relay.settings.keyring, link)

    def path(self, page: str, topic: str, message_id: UUID | None = None) -> str:
        return f"/{Page(page)}/{self.token(topic, message_id)}"

    def subscribe(
        self, name: str = "Monthly news", status: SubscriptionStatus = SubscriptionStatus.CONFIRMED,
        **given: Any,
    ) -> str:  # fmt: skip
        """Put the person on a list of this name; returns the list's topic."""
        confirmed_at = MORNING if status is SubscriptionStatus.CONFIRMED else None
        with self.relay.sessions.begin() as session:
            mailing_list = factories.make_list(
                session, self.site, key=name.lower().replace(" ", "-"), name=name
            )
            factories.make_subscription(
                session,
                mailing_list,
                str(self.address),
                **{"status": status, "confirmed_at": confirmed_at} | given,
            )
            return opt_outs.of_list(mailing_list.id)

    def get_mail(
        self, *, plugin: str | None = None, stream: Stream = Stream.NOTIFICATION,
        subject: str = "A reply to your topic", at: datetime = MORNING,
    ) -> UUID:  # fmt: skip
        """Let a mail have come to the person; returns its id."""
        with self.relay.sessions.begin() as session:
            message = Message(
                id=new_id(), account_id=self.site.account_id, site_id=self.site.id, stream=stream,
                lane=Lane.NOTIFICATION, source={"plugin": plugin, "form": None},
                sender="news@shop.example", subject=subject, size=100, removed_headers=[],
                accepted_at=at, expires_at=at,
            )  # fmt: skip
            session.add(message)
            session.flush()
            session.add(
                Recipient(
                    id=new_id(), message_id=message.id, account_id=self.site.account_id,
                    site_id=self.site.id, address=str(self.address), address_key=self.address.key,
                    domain=self.address.domain, lane_rank=2, stage=Stage.DONE,
                    outcome=Outcome.DELIVERED, due_at=at, expires_at=at, tries=1,
                )
            )  # fmt: skip
            return message.id

    def topics(self) -> set[str]:
        """What the person has opted out of."""
        with self.relay.reads() as session:
            return set(opt_outs.topics_of(session, self.site.id, self.address))

    def subscription(self, topic: str) -> Subscription:
        with self.relay.reads() as session:
            found = session.scalars(
                select(Subscription).where(
                    Subscription.list_id == opt_outs.list_of(topic),
                    Subscription.address_key == self.address.key,
                )
            ).one()
            session.refresh(found)
            return found


def everything(relay: Relay) -> dict[str, list[Any]]:
    """All rows of all tables, to compare before with after."""
    with relay.reads() as session:
        return {
            table.name: sorted(map(repr, session.execute(table.select())))
            for table in Base.metadata.sorted_tables
        }
