"""`Relay`: the parts of a running installation, handed over as one thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from relay.answers import Ask
from relay.db import Clock, Sessions
from relay.errors import Unavailable
from relay.gateways.dns import MailExchangers, no_exchangers, not_asked
from relay.gateways.identities import ProviderIdentity
from relay.gateways.ses import SendingAccount
from relay.gateways.sns import SubscriptionConfirmer
from relay.gateways.tenants import SesTenants, TenantStanding
from relay.gateways.throttle import Throttle
from relay.mail import Envelope
from relay.settings import Settings
from relay.vocabulary import ReputationPolicy, SendingStatus


class Mailer(Protocol):
    """Hands one copy to the provider.

    Returns the provider's id of the accepted mail. Raises `MailerBusy` (may be tried again),
    `MailerRefused` (never) or `MailerSilent` (nobody knows).
    """

    def send(self, envelope: Envelope) -> str:
        """The provider's id of the accepted mail."""
        ...


class Identities(Protocol):
    """The provider's side of sending domains. Everything may raise `Unavailable`."""

    def find(self, name: str) -> ProviderIdentity | None:
        """The identity, or None."""
        ...

    def create(self, name: str, *, mail_from: str) -> ProviderIdentity:
        """See that the identity is there, with this MAIL FROM domain."""
        ...

    def delete(self, name: str) -> None:
        """See that it is not there."""
        ...


class NoIdentities:
    """A provider that never answers, where there is none."""

    def find(self, name: str) -> ProviderIdentity | None:
        """Raises `Unavailable`."""
        raise Unavailable("There is no provider")

    def create(self, name: str, *, mail_from: str) -> ProviderIdentity:
        """Raises `Unavailable`."""
        raise Unavailable("There is no provider")

    def delete(self, name: str) -> None:
        """Raises `Unavailable`."""
        raise Unavailable("There is no provider")


NOBODY = NoIdentities()


class Tenants(Protocol):
    """The provider's side of accounts: a tenant for each. Everything may raise `Unavailable`."""

    def create(self, name: str) -> str:
        """See that the tenant is there; its ARN."""
        ...

    def delete(self, name: str) -> None:
        """See that there is no such tenant."""
        ...

    def associate(self, name: str, resource: str) -> None:
        """See that the tenant may use a resource, given by its ARN."""
        ...

    def dissociate(self, name: str, resource: str) -> None:
        """See that the tenant has the resource no more."""
        ...

    def set_policy(self, arn: str, policy: ReputationPolicy) -> None:
        """Say at which findings the provider pauses the tenant."""
        ...

    def set_status(self, arn: str, status: SendingStatus) -> None:
        """Say whether the tenant may send."""
        ...

    def standing(self, arn: str) -> TenantStanding | None:
        """What the provider says of it; None if there is no such tenant."""
        ...


def _no_client() -> None:
    """A client of nobody."""
    raise Unavailable("There is no provider")


NO_TENANTS = SesTenants(_no_client, between=0.0)


def _nothing(address: str) -> None:
    """No provider that keeps a list of its own."""


@dataclass(frozen=True, slots=True)
class Relay:
    """Everything a use case may need from outside; tests build one with their own fakes.

    `provider_list` takes an address off the provider's own suppression list; it may raise anything.
    `names` gives somebody to ask DNS for the length of one report (each question is put once).
    `exchangers` looks up a domain's MX records; it may raise `Unavailable`. `throttle` counts requests.
    """

    settings: Settings
    sessions: Sessions
    reads: Sessions
    mailer: Mailer
    clock: Clock
    certificate: Callable[[str], bytes]
    confirm_subscription: SubscriptionConfirmer
    sending_account: Callable[[], SendingAccount] = SendingAccount
    provider_list: Callable[[str], None] = _nothing
    exchangers: Callable[[str], MailExchangers] = no_exchangers
    names: Callable[[], Ask] = lambda: not_asked
    identities: Identities = NOBODY
    tenants: Tenants = NO_TENANTS
    throttle: Throttle = field(default_factory=Throttle)

    def close(self) -> None:
        """Give the database's connections back; nothing may be asked of the relay afterwards."""
        bind = self.sessions.kw["bind"]
        bind.engine.dispose()
