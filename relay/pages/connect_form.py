"""The form of *Connect*: what stands in it, what is wrong with it, and what a refusal means in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from relay import errors
from relay.errors import PostreeveError
from relay.pages import speech
from relay.services.account_requests import NewAccount
from relay.services.connections import Choice, Offers
from relay.vocabulary import State

VOLUMES = (100, 500, 2_000, 10_000, 50_000)
"""Mails a day among which somebody chooses who asks for an account."""

LONGEST_PURPOSE = 1_000

Error = tuple[str, str]
"""The field that is wrong, and what is wrong, in words."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it was filled in, good or bad, for showing it again."""

    place: str
    domain: str
    account_name: str = ""
    volume: str = str(VOLUMES[0])
    purpose: str = ""
    ends_other_keys: bool = False
    agreed: bool = False

    @classmethod
    def first(cls, offered: Offers) -> Filled:
        """As it is shown first: the site that has this address already, else a new one."""
        if offered.site is not None:
            return cls(f"site:{offered.site.id}", offered.domain)
        place = f"account:{offered.accounts[0].id}" if offered.accounts else ""
        return cls(place, offered.domain)

    def choice(self, offered: Offers) -> Choice:
        """What is chosen, once `read` has found nothing wrong."""
        account_id, site_id = _places(offered).get(self.place, (None, None))
        return Choice(
            account_id=account_id,
            site_id=site_id,
            new_account=None if offered.accounts else self._account(),
            domain=self.domain,
            ends_other_keys=self.ends_other_keys,
            agreed_to_policy=self.agreed,
            language=speech.language(),
        )

    def _account(self) -> NewAccount:
        return NewAccount(self.account_name, int(self.volume), self.purpose)


def read(form: Mapping[str, str], offered: Offers) -> tuple[Filled, list[Error]]:
    """The form as it came, and all that is wrong with it."""
    _ = speech.gettext
    given = {name: text.replace("\x00", "").strip() for name, text in form.items()}
    filled = Filled(
        place=given.get("place", ""),
        domain=given.get("domain", "")[:300],
        account_name=" ".join(given.get("account_name", "").split())[:200],
        volume=given.get("volume", ""),
        purpose=given.get("purpose", "")[:LONGEST_PURPOSE],
        ends_other_keys="ends_other_keys" in form,
        agreed="agreed" in form,
    )
    wrong: list[Error] = []
    if offered.accounts:
        if filled.place not in _places(offered):
            wrong.append(("place", _("Please choose which website it is.")))
    else:
        if not filled.account_name:
            wrong.append(("account_name", _("Please enter the name of your company or project.")))
        if filled.volume not in map(str, VOLUMES):
            wrong.append(("volume", _("Please choose how many mails it will be.")))
        if not filled.purpose:
            wrong.append(("purpose", _("Please write in a few words what the mails are about.")))
    if not filled.agreed:
        wrong.append(("agreed", _("Please accept the policy; without that nobody is connected.")))
    return filled, wrong


def said_of(error: PostreeveError) -> Error:
    """What a refusal of *Connect* means, and at which field."""
    _ = speech.gettext
    if isinstance(error, errors.AccountSuspended):
        if error.members.get("state") == State.SUSPENDED.value:
            return "place", _("This account is suspended: no website can be connected with it.")
        return "place", _("This website was ended for good by an operator. Please ask them.")
    said: dict[type[PostreeveError], str] = {
        errors.FreeMailSender: _(
            "This domain belongs to a mailbox provider; only the provider can send from it. Enter a "
            "domain of your own, or leave it empty for now."
        ),
        errors.LookAlikeDomain: _(
            "This domain looks like a well-known brand. Leave it empty for now, and ask the operator "
            "of the relay to allow it."
        ),
        errors.DomainTaken: _(
            "This domain belongs to another account. Its owner can agree; leave it empty for now."
        ),
        errors.DomainRefused: _("Nobody can send from this domain. Enter one of your own."),
    }
    other = _("This is not the name of a domain. It looks like this: shop.example")
    return "domain", said.get(type(error), other)


def _places(offered: Offers) -> dict[str, tuple[UUID, UUID | None]]:
    """What may be chosen: an account for a new site, or one of its sites."""
    found: dict[str, tuple[UUID, UUID | None]] = {}
    for account in offered.accounts:
        found[f"account:{account.id}"] = (account.id, None)
        for site in account.sites:
            if site.state is State.TERMINATED:
                continue
            found[f"site:{site.id}"] = (account.id, site.id)
    return found
