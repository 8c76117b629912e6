"""Mails sent through the API on trial, and what became of each compared with what should."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from relay.commands.trial.children import Children, Trouble
from relay.commands.trial.client import Answer, Api, Mail
from relay.commands.trial.steps import Tell

ASK_EVERY = 0.2
"""Seconds between two questions for news."""

WITHIN = 180.0
"""Seconds until every outcome should be known; with an idle simulator it is two."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """A mail, and what is to become of every copy of it."""

    what: str
    mail: Mail
    status: str
    also: tuple[str, str] | None = None
    """An event that must have come as well, though it does not change the status, and its word."""


@dataclass(frozen=True, slots=True)
class Found:
    """One copy: what should have become of it, what did, and why."""

    what: str
    subject: str
    address: str
    expected: str
    found: str
    why: str = ""

    @property
    def is_right(self) -> bool:
        """Whether it came as expected."""
        return self.found == self.expected


def follow(
    api: Api, expectations: Sequence[Expectation], children: Children, tell: Tell
) -> list[Found]:
    """Send the mails, and wait until each copy is as expected, or for `WITHIN` seconds.

    Raises `Trouble` when a mail is not accepted at all, or a process ends.
    """
    sent = [(each, _accepted(api.send(each.mail))) for each in expectations]
    deadline = time.monotonic() + WITHIN
    while True:
        children.check()
        found = [row for each, id in sent for row in _rows(each, api.message(id))]
        right = sum(row.is_right for row in found)
        tell(f"{right} of {len(found)} known")
        if right == len(found) or time.monotonic() > deadline:
            return found
        time.sleep(ASK_EVERY)


def refused(api: Api, what: str, mail: Mail, *, code: str) -> Found:
    """Send a mail that is to be refused with the problem `code`."""
    answer = api.send(mail)
    return Found(
        what,
        mail.subject,
        ", ".join(mail.recipients),
        expected=f"refused: {code}",
        found="accepted" if answer.status == 202 else f"refused: {_code(answer)}",
        why=_reason(answer),
    )


def _accepted(answer: Answer) -> str:
    if answer.status != 202:
        raise Trouble(
            f"The relay did not accept a trial mail: {answer.status} {_code(answer)}. "
            f"{_reason(answer)}\nIts log says more. If its folder comes from another version of "
            "Postreeve, delete it to begin anew."
        )
    return str(answer.body["id"])


def _rows(expected: Expectation, message: dict[str, Any]) -> Iterator[Found]:
    for copy in message.get("recipients", ()):
        happened = {event["type"] for event in copy["events"]}
        event, word = expected.also or ("", "")
        yield Found(
            expected.what,
            expected.mail.subject,
            copy["address"],
            expected=f"{expected.status}, {word}" if word else expected.status,
            found=f"{copy['status']}, {word}" if event in happened else copy["status"],
            why=_why(copy),
        )


def _why(copy: dict[str, Any]) -> str:
    if copy["reason"]:
        return str(copy["reason"].get("title", ""))
    return str(copy["events"][-1]["summary"]) if copy["events"] else ""


def _code(answer: Answer) -> str:
    """The last word of the problem's type; for one refused person, why that person."""
    people = answer.body.get("recipients") or ()
    if people:
        return str(people[0].get("code"))
    return str(answer.body.get("type", answer.status)).rpartition("/")[2]


def _reason(answer: Answer) -> str:
    people = answer.body.get("recipients") or ()
    titles = dict.fromkeys(str(one["title"]) for one in people if one.get("title"))
    return "; ".join(titles) or str(answer.body.get("detail", ""))
