"""A sending domain as it is shown: by the API, the share page and the command line alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import idna
from sqlalchemy import select
from sqlalchemy.orm import Session

from relay.models import Domain, DomainChange, DomainConsent
from relay.policy.domain_life import CLAIM_LASTS, GRACE, REVIEW, TAKEN
from relay.policy.sender import USABLE
from relay.sayings import Saying, say, say_many
from relay.services.domain_looks import share_url
from relay.vocabulary import DomainStatus

LASTS = {DomainStatus.PENDING: CLAIM_LASTS, DomainStatus.FAILING: GRACE}

NOT_LOOKED = {"dkim": None, "spf": None, "dmarc": None, "detail": "Not looked at yet."}
"""The alignment of a claim made before looks were kept."""


@dataclass(frozen=True, slots=True)
class DomainView:
    """A claim with everything worth showing about it, its words as sayings."""

    domain: Domain
    share_url: str
    consents: Sequence[UUID]
    history: Sequence[DomainChange]

    @property
    def unicode_name(self) -> str:
        """The name in its own script."""
        return in_its_script(self.domain.name)

    @property
    def usable(self) -> bool:
        """Whether mail may leave from it now."""
        return self.domain.status in USABLE

    @property
    def report(self) -> dict[str, Any]:
        """The last look; empty for a claim made before looks were kept."""
        return self.domain.report or {}

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records to publish, with what was found."""
        return [_told(record, "fix", "purpose") for record in self.report.get("records", [])]

    @property
    def advice(self) -> list[dict[str, Any]]:
        """What is worth knowing beyond single records."""
        return [_told(advice, "detail", "title") for advice in self.report.get("advice", [])]

    @property
    def alignment(self) -> dict[str, Any]:
        """Whether mail will be aligned."""
        found = self.report.get("alignment", NOT_LOOKED)
        return {**found, "detail": Saying.read(found["detail"])}

    @property
    def open(self) -> list[dict[str, Any]]:
        """The required records that are not as they should be."""
        return [r for r in self.records if r["required"] and r["result"] != "pass"]

    @property
    def ends_at(self) -> datetime | None:
        """When a claim, or the grace of a failing domain, is over."""
        lasts = LASTS.get(self.domain.status)
        return self.domain.since + lasts if lasts and self.domain.since else None

    @property
    def summary(self) -> Saying:
        """Where it stands, in a sentence or two."""
        match self.domain.status:
            case DomainStatus.VERIFIED if self.domain.vouched:
                return say("Verified by an operator's word; mail can leave.")
            case DomainStatus.VERIFIED:
                return say("All required records are in place; mail can leave.")
            case DomainStatus.FAILING:
                return self._trouble() + self._end()
            case DomainStatus.LAPSED if self.report.get("obstacle") == TAKEN:
                return say(
                    "The claim has ended: the domain above belongs to another account, which has not "
                    "agreed. Once it has, check again."
                )
            case DomainStatus.LAPSED:
                return say(
                    "Nothing can be sent from it: its proof was missing for too long. "
                    "Publish the records and check again."
                )
            case DomainStatus.SUSPENDED:
                return say("Closed by an operator; nothing can be sent from it.")
        return self._waiting()

    def _trouble(self) -> Saying:
        """What has made the domain fail, as it was last seen."""
        if self._wrong:
            return say("A required record is missing or wrong.")
        if self.open:
            return say("A required record was missing or wrong, and DNS gives no answer just now.")
        if self._provider is False:
            return say("The records are there, but Amazon SES does not accept them any more.")
        return say("A required record was missing or wrong.")

    def _end(self) -> Saying:
        ends, seen = self.ends_at, self.domain.checked_at
        if ends is None or (seen is not None and seen >= ends):
            return say(
                "Mail still leaves, but stops as soon as it is certain that the trouble is still there."
            )
        return say("Mail still leaves, but stops on %(end)s.", end=ends)

    @property
    def _wrong(self) -> list[dict[str, Any]]:
        """The required records of which DNS says that they are not right."""
        return [record for record in self.open if record["result"] == "fail"]

    @property
    def _provider(self) -> bool | None:
        found: bool | None = self.report.get("provider", {}).get("verified")
        return found

    def _waiting(self) -> Saying:
        obstacle = self.report.get("obstacle")
        if self.domain.review is not None or obstacle == REVIEW:
            return say("An operator of the relay will look at this domain first.")
        if obstacle == TAKEN:
            return say("The domain above belongs to another account, which has not agreed yet.")
        if any(not record["value"] for record in self.open):
            return say(
                "Amazon SES has not told its records yet. They appear here within some minutes."
            )
        if self.domain.checked_at is None:
            return say("Publish the records below; we look every few minutes.")
        if number := len(self._wrong):
            return say_many(
                "%(number)s required record is not there yet; we keep looking.",
                "%(number)s required records are not there yet; we keep looking.",
                number=number,
            )
        if self.open:
            return say("DNS gave no answer just now; we keep looking.")
        if self._provider is None:
            return say(
                "The records are there; Amazon SES gives no answer just now. We keep asking."
            )
        return say("The records are there; Amazon SES has not noticed yet. That can take an hour.")


def view(session: Session, domain: Domain, *, public_url: str) -> DomainView:
    """One claim, whole."""
    return views(session, [domain], public_url=public_url)[0]


def views(session: Session, found: Sequence[Domain], *, public_url: str) -> list[DomainView]:
    """Claims, whole, in the order given; two statements however many they are."""
    ids = [domain.id for domain in found]
    consents: dict[UUID, list[UUID]] = defaultdict(list)
    for row in session.execute(
        select(DomainConsent.domain_id, DomainConsent.account_id)
        .where(DomainConsent.domain_id.in_(ids))
        .order_by(DomainConsent.account_id)
    ):
        consents[row.domain_id].append(row.account_id)
    changes: dict[UUID, list[DomainChange]] = defaultdict(list)
    for change in session.scalars(
        select(DomainChange).where(DomainChange.domain_id.in_(ids)).order_by(DomainChange.id)
    ):
        changes[change.domain_id].append(change)
    return [
        DomainView(each, share_url(public_url, each), consents[each.id], changes[each.id])
        for each in found
    ]


def in_its_script(name: str) -> str:
    """The domain as people write it; as it stands where it cannot be read."""
    try:
        return idna.decode(name)
    except (idna.IDNAError, UnicodeError):
        return name


def _told(stored: dict[str, Any], filled_in: str, plain: str) -> dict[str, Any]:
    """A part of a report with its words as sayings, and the values of what is filled in."""
    detail = Saying.read(stored[filled_in])
    return {
        **stored,
        plain: Saying.read(stored[plain]),
        filled_in: detail,
        "parameters": detail.parameters,
    }
