"""Who of a site's readers may be mailed: the answer of the very rules a newsletter meets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.keys import Keyring
from relay.policy.admission import list_of
from relay.policy.consent import reason_not_to_mail, topic_of
from relay.policy.facts import Held
from relay.services import circumstances
from relay.vocabulary import Lane, Stream


@dataclass(frozen=True, slots=True)
class Answer:
    """Why a newsletter of the list would not go to this person; None if it would."""

    address: EmailAddress
    held: Held | None


def check(
    session: Session,
    site_id: UUID,
    list_key: str,
    people: Sequence[EmailAddress],
    *,
    keyring: Keyring,
    now: datetime,
) -> list[Answer]:
    """Answer for each person, in order. Raises `ListUnknown`.

    Whoever has not agreed to this list gets no other answer than that: what other sites' mail has
    shown about an address is said only of the site's own readers.
    """
    facts = circumstances.facts_about(
        session, site_id, people, list_key=list_key, keyring=keyring, now=now
    )
    mailing_list = list_of(list_key, facts)
    topic = topic_of(Stream.MARKETING, None, mailing_list)
    return [
        Answer(person, reason_not_to_mail(person, Lane.MARKETING, topic, mailing_list, facts))
        for person in people
    ]
