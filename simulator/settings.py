"""Everything that can be turned while the simulator runs: each field with limits and meaning.

The control API and the command line are both made from this table.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, cast

from simulator.errors import INJECTABLE, InvalidControl

Parse = Callable[[object], Any]


def number(low: float, high: float) -> Parse:
    """Parse a number between `low` and `high`."""

    def parse(value: object) -> float:
        right_kind = isinstance(value, int | float) and not isinstance(value, bool)
        if not right_kind or not low <= float(cast(float, value)) <= high:
            raise InvalidControl(f"must be a number from {low:g} to {high:g}")
        return float(cast(float, value))

    return parse


def whole(low: int, high: int) -> Parse:
    """Parse a whole number between `low` and `high`."""

    def parse(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise InvalidControl(f"must be a whole number from {low} to {high}")
        return value

    return parse


def choice(*words: str) -> Parse:
    """Parse one of `words`."""

    def parse(value: object) -> str:
        if value not in words:
            raise InvalidControl("must be one of " + ", ".join(words))
        return str(value)

    return parse


def optional(inner: Parse) -> Parse:
    """Parse what `inner` parses, or null for "no limit"."""
    return lambda value: None if value is None else inner(value)


def flag(value: object) -> bool:
    """Parse true or false."""
    if not isinstance(value, bool):
        raise InvalidControl("must be true or false")
    return value


def by_error(inner: Parse) -> Parse:
    """Parse an object of error and value, such as {"TooManyRequestsException": 1, "reset": 2}."""

    def parse(value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise InvalidControl('must be an object such as {"TooManyRequestsException": 1}')
        unknown = [name for name in value if name not in INJECTABLE]
        if unknown:
            known = ", ".join(sorted(INJECTABLE))
            raise InvalidControl(f"does not know the error {unknown[0]!r}; it knows {known}")
        return {name: inner(amount) for name, amount in value.items()}

    return parse


share = number(0, 1)
seconds = number(0, 86_400)
count = whole(0, 1_000_000_000)


def _is(parse: Parse, meaning: str) -> dict[str, Any]:
    """What a field is: how a value is parsed, and what it does, for `--help` and the manual."""
    return {"parse": parse, "meaning": meaning}


@dataclass(frozen=True)
class Settings:
    """How the simulator behaves; shares are from 0 to 1, and nothing is injected by default."""

    # The AWS API.
    latency_ms: float = field(
        default=0.0,
        metadata=_is(number(0, 600_000), "Wait before every answer of the AWS APIs, in ms"),
    )
    latency_jitter_ms: float = field(
        default=0.0, metadata=_is(number(0, 600_000), "Wait up to this many ms more, at random")
    )
    error_shares: dict[str, float] = field(
        default_factory=dict, metadata=_is(by_error(share), "Share of calls that fail, by error")
    )
    errors_next: dict[str, int] = field(
        default_factory=dict,
        metadata=_is(by_error(count), "How many of the next calls fail, by error"),
    )
    errors_for: str = field(
        default="send",
        metadata=_is(choice("send", "all"), "What fails: send (SendEmail only) or all calls"),
    )
    lost_answer_share: float = field(
        default=0.0, metadata=_is(share, "Share of mails that are accepted but not answered")
    )
    lost_answers_next: int = field(
        default=0, metadata=_is(count, "How many of the next mails are accepted but not answered")
    )
    lost_answer_seconds: float | None = field(
        default=None, metadata=_is(optional(seconds), "Answer those mails this late; null is never")
    )
    lost_answer_form: str = field(
        default="silence",
        metadata=_is(
            choice("silence", "reset"),
            "How the answer is lost: silence or reset (of the connection)",
        ),
    )
    # The account.
    max_send_rate: float | None = field(
        default=None,
        metadata=_is(optional(number(0.001, 1_000_000)), "Recipients a second; null is no limit"),
    )
    throttle_error: str = field(
        default="TooManyRequestsException",
        metadata=_is(
            choice("TooManyRequestsException", "ThrottlingException", "LimitExceededException"),
            "The answer above that rate, also ThrottlingException or LimitExceededException",
        ),
    )
    daily_quota: int = field(
        default=-1, metadata=_is(whole(-1, 1_000_000_000), "Recipients in 24 hours; -1 is no limit")
    )
    production_access: bool = field(
        default=True, metadata=_is(flag, "GetAccount's ProductionAccessEnabled")
    )
    enforcement_status: str = field(
        default="HEALTHY",
        metadata=_is(choice("HEALTHY", "PROBATION", "SHUTDOWN"), "GetAccount's EnforcementStatus"),
    )
    verify_identities: str = field(
        default="auto",
        metadata=_is(
            choice("auto", "manual", "dns"),
            "auto: a new identity is verified at once; manual: by the control API only; dns: by "
            "its records in the zones; with the last two, senders must be verified",
        ),
    )
    dns_patience_hours: float = field(
        default=72.0,
        metadata=_is(
            number(0, 10_000),
            "With dns: hours that records may be missing before an identity has FAILED",
        ),
    )
    unknown_senders: str = field(
        default="accept",
        metadata=_is(
            choice("accept", "reject"), "From a domain without an identity: accept or reject"
        ),
    )
    suppress_automatically: bool = field(
        default=True,
        metadata=_is(
            flag, "Whether hard bounces and complaints enter the account's suppression list"
        ),
    )
    # What becomes of the mail.
    send_seconds: float = field(
        default=0.0, metadata=_is(seconds, "Seconds from acceptance to the Send event")
    )
    delivery_seconds: float = field(
        default=0.2, metadata=_is(seconds, "Seconds from acceptance to Delivery or Bounce")
    )
    complaint_seconds: float = field(
        default=1.0,
        metadata=_is(seconds, "Seconds from acceptance to a Complaint or an out-of-office reply"),
    )
    # The notices.
    notices: str = field(
        default="flow",
        metadata=_is(choice("flow", "hold", "drop"), "Notices flow, or hold (come later), or drop"),
    )
    dialect: str = field(
        default="event",
        metadata=_is(
            choice("event", "notification", "both"),
            "Notices speak event (eventType), notification (notificationType), or both",
        ),
    )
    duplicate_share: float = field(
        default=0.0, metadata=_is(share, "Share of notices posted twice")
    )
    duplicate_form: str = field(
        default="same-id",
        metadata=_is(
            choice("same-id", "new-id"), "The second copy's SNS MessageId: same-id or new-id"
        ),
    )
    delay_share: float = field(default=0.0, metadata=_is(share, "Share of notices that come late"))
    delay_seconds: float = field(
        default=5.0, metadata=_is(seconds, "How many seconds late those come")
    )
    shuffle_share: float = field(
        default=0.0, metadata=_is(share, "Share of notices that come at a random time")
    )
    shuffle_seconds: float = field(
        default=2.0, metadata=_is(seconds, "The span of that random time")
    )
    early_share: float = field(
        default=0.0,
        metadata=_is(share, "Share of mails whose notices all come before SendEmail's answer"),
    )
    timestamp_shift_seconds: float = field(
        default=0.0,
        metadata=_is(
            number(-31_536_000, 31_536_000), "Seconds to add to the Timestamp of every notice"
        ),
    )

    def changed(self, values: Mapping[str, object]) -> "Settings":
        """These settings with `values` applied.

        Raises InvalidControl, naming the field, if one is unknown or its value is out of range.
        """
        parsed: dict[str, Any] = {}
        for name, value in values.items():
            if name not in PARSERS:
                near = difflib.get_close_matches(name, PARSERS, 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise InvalidControl(f"unknown control field {name!r}{hint}")
            try:
                parsed[name] = PARSERS[name](value)
            except InvalidControl as error:
                raise InvalidControl(f"{name} {error}") from None
        return replace(self, **parsed)


PARSERS: dict[str, Parse] = {f.name: f.metadata["parse"] for f in fields(Settings)}
MEANINGS: dict[str, str] = {f.name: f.metadata["meaning"] for f in fields(Settings)}
