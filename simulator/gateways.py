"""Receiving gateways that take only so many mails in a time, and refuse the others for rate.

Gateways of companies refuse for velocity alone. Above its rate a gateway defers, and takes the mail at
SES's next try; or it turns the mail away for good, as a server does that SES has asked for long enough.
"""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.errors import InvalidControl
from simulator.mails import Step
from simulator.settings import Parse, choice, number, seconds, whole

REPLY = "smtp; 451 4.7.1 Too many messages, slow down; sending rate exceeded"
"""What such a gateway says; it is no vendor's own wording."""

FIELDS: dict[str, Parse] = {
    "mails": whole(0, 1_000_000),
    "seconds": number(0.1, 86_400),
    "form": choice("defer", "bounce"),
    "retry_seconds": seconds,
}


@dataclass(frozen=True)
class Gateway:
    """Takes `mails` in any `seconds`; the others are deferred for `retry_seconds`, or bounce."""

    mails: int
    seconds: float = 60.0
    form: str = "defer"
    retry_seconds: float = 5.0
    taken: deque[float] = field(default_factory=deque, compare=False, repr=False)

    def refuses(self, now: float) -> bool:
        """Whether one more mail now is one too many; if not, it is counted."""
        while self.taken and self.taken[0] <= now - self.seconds:
            self.taken.popleft()
        if len(self.taken) >= self.mails:
            return True
        self.taken.append(now)
        return False

    def refusal(self, after: float) -> list[Step]:
        """What becomes of a mail that was one too many; the server answers `after` so many seconds."""
        if self.form == "bounce":
            return [
                {
                    "event": "Bounce",
                    "bounceType": "Transient",
                    "bounceSubType": "General",
                    "action": "failed",
                    "status": "4.7.1",
                    "diagnosticCode": REPLY,
                    "after": after,
                }
            ]
        return [
            {
                "event": "DeliveryDelay",
                "delayType": "General",
                "status": "4.7.1",
                "diagnosticCode": REPLY,
                "after": after,
            },
            {"event": "Delivery", "after": after + self.retry_seconds},
        ]


@dataclass(frozen=True)
class Gateways:
    """The gateways that refuse for rate, by the domain they receive for, in lower case."""

    rules: Mapping[str, Gateway] = field(default_factory=dict)

    def answer(self, domain: str, after: float) -> list[Step] | None:
        """The steps of a mail that the domain's gateway refuses now; None where it takes it."""
        gateway = self.rules.get(domain)
        if gateway is None or not gateway.refuses(time.monotonic()):
            return None
        return gateway.refusal(after)

    def changed(self, values: object) -> "Gateways":
        """These gateways with `values` applied: domain and limits, or null to remove one.

        Raises InvalidControl, naming domain and field, if one is malformed.
        """
        if not isinstance(values, Mapping):
            raise InvalidControl("gateways must be an object of domain and limits")
        rules = dict(self.rules)
        for domain, limits in values.items():
            if limits is None:
                rules.pop(domain.lower(), None)
                continue
            try:
                rules[domain.lower()] = _gateway(limits)
            except InvalidControl as error:
                raise InvalidControl(f"gateways[{domain!r}] {error}") from None
        return replace(self, rules=rules)

    def described(self) -> dict[str, dict[str, Any]]:
        """The limits, as GET answers them."""
        return {
            domain: {name: getattr(rule, name) for name in FIELDS}
            for domain, rule in self.rules.items()
        }


def _gateway(limits: object) -> Gateway:
    if not isinstance(limits, Mapping):
        raise InvalidControl('must be an object such as {"mails": 20, "seconds": 60}')
    parsed = {}
    for name, value in limits.items():
        if name not in FIELDS:
            raise InvalidControl(f"has the unknown field {name!r}; it has " + ", ".join(FIELDS))
        try:
            parsed[name] = FIELDS[name](value)
        except InvalidControl as error:
            raise InvalidControl(f"{name} {error}") from None
    if "mails" not in parsed:
        raise InvalidControl("needs mails, how many it takes")
    return Gateway(**parsed)
