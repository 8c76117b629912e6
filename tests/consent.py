"""What tests about double opt-in do over and over, in the product's words."""

from __future__ import annotations

import email
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from typing import Any

from sqlalchemy import select

from relay.context import Relay
from relay.mail import Envelope
from relay.models import ConsentRecord, Site, SubscriptionRequest
from relay.services import confirmations, sign_ups, subscriptions
from relay.services.subscriptions import Asked
from relay.services.visitors import Visitor
from relay.vocabulary import RequestOutcome
from tests.factories import make_sign_up
from tests.steps import deliver_due

HERSELF = Visitor("198.51.100.4", "Mail reader/2.0")
"""Who presses the button."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A confirmation mail as it arrives."""

    to: str
    message: EmailMessage

    @classmethod
    def of(cls, envelope: Envelope) -> Mail:
        """What went on the wire."""
        read = email.message_from_bytes(b"".join(envelope.parts), policy=default)
        assert isinstance(read, EmailMessage)
        return cls(envelope.recipient, read)

    def part(self, kind: str) -> str:
        """Its `plain` or `html`."""
        body = self.message.get_body((kind,))
        assert body is not None
        return str(body.get_content())

    @property
    def token(self) -> str:
        """What its link ends in."""
        return re.findall(r"/confirm/([\w-]+)", self.part("plain"))[0]


def sign_up(
    relay: Relay, site: Site, email: str = "ada@customer.example", **given: Any
) -> str | None:
    """Somebody signs up; the challenge's token, if there is one. Arguments are `make_sign_up`'s."""
    with relay.sessions.begin() as session:
        return sign_ups.ask(
            session,
            relay.settings.keyring,
            site.id,
            make_sign_up(email, **given),
            now=relay.clock(),
        )


def answer_due(relay: Relay) -> int:
    """The worker decides on all sign-ups that are due."""
    done = 0
    while found := _answer_some(relay):
        done += found
    return done


def _answer_some(relay: Relay) -> int:
    with relay.sessions.begin() as session:
        return confirmations.answer_due(
            session,
            relay.settings.keyring,
            public_url=relay.settings.public_url,
            now=relay.clock(),
        )


def mails(relay: Relay) -> list[Mail]:
    """The mails that go out now."""
    answer_due(relay)
    return [Mail.of(envelope) for envelope in deliver_due(relay)]


def asked_by_mail(
    relay: Relay, site: Site, email: str = "ada@customer.example", **given: Any
) -> str:
    """Somebody signs up and gets the mail: the token of its link."""
    sign_up(relay, site, email, **given)
    (mail,) = mails(relay)
    return mail.token


def confirm(relay: Relay, token: str, visitor: Visitor = HERSELF) -> Asked:
    """The person presses the button."""
    with relay.sessions.begin() as session:
        return subscriptions.confirm(
            session, relay.settings.keyring, token, visitor, now=relay.clock()
        )


def refuse(relay: Relay, token: str) -> Asked:
    """The person says that it was not them."""
    with relay.sessions.begin() as session:
        return subscriptions.refuse(
            session, relay.settings.keyring, token, HERSELF, now=relay.clock()
        )


def outcomes(relay: Relay) -> list[RequestOutcome]:
    """What became of the sign-ups, in the order in which they came."""
    with relay.reads() as session:
        return list(
            session.scalars(
                select(SubscriptionRequest.outcome).order_by(
                    SubscriptionRequest.at, SubscriptionRequest.id
                )
            )
        )


def ledger_of(relay: Relay) -> Sequence[ConsentRecord]:
    """The ledger's rows, oldest first."""
    with relay.reads() as session:
        return session.scalars(select(ConsentRecord).order_by(ConsentRecord.id)).all()
