"""A block list's answer is a listing only when it is one (RFC 5782)."""

from __future__ import annotations

import pytest

from relay.policy.blocklists import look_up
from tests.zones import Zones

DBL, SURBL, URIBL = "dbl.spamhaus.org", "multi.surbl.org", "multi.uribl.com"


@pytest.mark.parametrize(
    ("zone", "answer", "listed", "meaning"),
    [
        (DBL, None, False, ""),
        (DBL, "127.0.1.2", True, "spam"),
        (DBL, "127.0.1.4", True, "phishing"),
        (DBL, "127.0.1.77", True, ""),  # listed, for a reason that is new to us
        (DBL, "127.0.1.255", None, ""),
        (DBL, "127.255.255.254", None, ""),
        (DBL, "192.0.2.1", None, ""),
        (DBL, ["127.255.255.252", "127.0.1.5"], True, "malware"),
        ("key.dbl.dq.spamhaus.net", "127.0.1.6", True, "botnet control"),
        ("key.dbl.dq.spamhaus.net", "127.0.1.255", None, ""),
        (SURBL, "127.0.0.24", True, "phishing, malware"),
        (SURBL, "127.0.0.1", None, ""),
        (URIBL, "127.0.0.1", None, ""),
        (URIBL, "127.0.0.2", True, "spam"),
        ("list.example", "127.0.0.2", True, ""),
    ],
)
def test_an_error_is_no_listing(
    zone: str, answer: str | list[str] | None, listed: bool | None, meaning: str
) -> None:
    records = {f"{zone} A": "127.0.0.1"} | ({f"shop.example.{zone} A": answer} if answer else {})
    found = look_up("Shop.Example.", zone, Zones(records))
    assert (found.zone, found.listed, found.meaning) == (zone, listed, meaning)
    assert bool(found.code) == bool(listed)
    assert bool(found.detail) == (listed is None)


def test_silence_is_unknown() -> None:
    found = look_up("shop.example", DBL, Zones({}, silent=(DBL,)))
    assert (found.listed, found.detail) == (None, "SERVFAIL")


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_addresses_are_never_asked_for(address: str) -> None:
    ask = Zones({})
    assert look_up(address, DBL, ask).listed is None
    assert not ask.asked
