"""The fields `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10).

Both are lists of structured fields (RFC 9651) with one item for each limit: what it allows (`q`) in how many
seconds (`w`), and how much of it remains (`r`) until it begins anew (`t`). `qu` names the unit; the
draft's own units know requests and bytes, and we count people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from relay.policy.limits import A_DAY, A_SECOND, AN_HOUR, Meter
from relay.vocabulary import Limit

A_MINUTE = 60

WINDOW = {
    Limit.SITE_SECOND: A_SECOND,
    Limit.SITE_HOUR: AN_HOUR,
    Limit.SITE_DAY: A_DAY,
    Limit.ACCOUNT_SECOND: A_SECOND,
    Limit.ACCOUNT_HOUR: AN_HOUR,
    Limit.ACCOUNT_DAY: A_DAY,
    Limit.SOURCE: AN_HOUR,
    Limit.FIRST_CONTACTS: AN_HOUR,
    Limit.REQUESTS: A_MINUTE,
}
"""Seconds in which a limit counts."""


def fields(meters: Sequence[Meter]) -> dict[str, str]:
    """The fields of an answer to which these limits applied; none where none did."""
    if not meters:
        return {}
    return {
        "RateLimit-Policy": ", ".join(
            _policy(meter.limit, meter.allowed, meter.window) for meter in meters
        ),
        "RateLimit": ", ".join(f'"{m.limit.value}";r={m.left};t={m.resets}' for m in meters),
    }


def fields_of_problem(members: Mapping[str, Any]) -> dict[str, str]:
    """The fields of an answer that says that one limit is reached, from the problem's members."""
    if members.get("limit") not in set(Limit):  # the limit of something else
        return {}
    limit = Limit(members["limit"])
    remaining, seconds = members.get("remaining", 0), members["retry_after"]
    return {
        "RateLimit-Policy": _policy(limit, members["allowed"], WINDOW[limit]),
        "RateLimit": f'"{limit.value}";r={remaining};t={seconds}',
    }


def _policy(limit: Limit, allowed: int, window: int) -> str:
    unit = "requests" if limit is Limit.REQUESTS else "recipients"
    return f'"{limit.value}";q={allowed};w={window};qu="{unit}"'
