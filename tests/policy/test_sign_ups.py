"""The rules against using sign-up forms as bombs, as tables."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest

from relay.policy.sign_ups import (
    A_NETWORK,
    AN_HOUR,
    AN_IP,
    COMPLAINT_RESTS,
    LONGEST_WAIT,
    TOO_MANY,
    USUAL,
    Held,
    Origin,
    Person,
    Traffic,
    allowance,
    answer,
    origin,
    turn,
)
from relay.vocabulary import (
    RequestOutcome,
    SubscriptionStatus,
    SuppressionReason,
    SuppressionScope,
)
from tests.fakes import MORNING

NOW = MORNING
ALL, PROMOTIONAL = SuppressionScope.ALL, SuppressionScope.PROMOTIONAL


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
    ],
)  # fmt: skip
def test_where_a_visitor_comes_from(ip: str, network: str) -> None:
    assert origin(ip).network == network


def test_two_spellings_of_an_ip_address_are_one() -> None:
    assert origin("2001:DB8::1") == origin("2001:db8:0:0::1")
    assert origin("::ffff:203.0.113.7") == origin("203.0.113.7")


@pytest.mark.parametrize(
    "ip", [None, "", "127.0.0.1", "10.1.2.3", "192.168.0.9", "172.20.1.1", "::1", "fe80::1%eth0"]
)
def test_a_proxy_of_the_site_is_nobody_s_address(ip: str | None) -> None:
    assert origin(ip) == Origin()


@pytest.mark.parametrize("text", ["nowhere", "203.0.113", "203.0.113.7, 198.51.100.1"])
def test_what_is_no_ip_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        origin(text)


@pytest.mark.parametrize(
    ("mails", "confirmed", "an_hour"),
    [
        (0, 0, USUAL), (19, 0, USUAL), (19, 19, USUAL),
        (20, 0, 2), (100, 0, 2), (100, 4, 2), (100, 5, 5), (20, 3, 5), (20, 4, USUAL),
        (20, 9, USUAL), (20, 10, 20), (49, 49, 20), (50, 25, 40), (199, 199, 40),
        (200, 100, 120), (200, 99, USUAL), (1_000, 500, 600), (1_000, 499, USUAL), (1_000, 10, 2),
    ],
)  # fmt: skip
def test_a_form_s_allowance_follows_its_confirm_share(
    mails: int, confirmed: int, an_hour: int
) -> None:
    assert allowance(mails, confirmed) == an_hour


def test_more_confirmed_never_means_less() -> None:
    for mails in (20, 50, 200, 1_000):
        by_share = [allowance(mails, confirmed) for confirmed in range(mails + 1)]
        assert by_share == sorted(by_share)


def test_a_calm_form_answers_at_once_and_shows_no_challenge() -> None:
    found = turn(Traffic(slot=NOW - AN_HOUR), NOW)
    assert (found.outcome, found.challenge) == (RequestOutcome.QUEUED, False)
    assert found.slot_at == found.due_at == NOW


def test_the_eleventh_waits_for_the_first_to_be_an_hour_old_and_may_solve_a_challenge() -> None:
    first = NOW - timedelta(minutes=20)
    found = turn(Traffic(slot=first), NOW)
    assert (found.outcome, found.challenge) == (RequestOutcome.QUEUED, True)
    assert found.slot_at == found.due_at == first + AN_HOUR


def test_in_no_hour_does_a_form_cause_more_than_its_allowance() -> None:
    slots = []
    for second in range(300):
        now = NOW + timedelta(seconds=second)
        found = turn(Traffic(slot=slots[-USUAL] if len(slots) >= USUAL else None), now)
        if found.slot_at:
            slots.append(found.slot_at)
    assert slots == sorted(slots)
    assert all(later - one >= AN_HOUR for one, later in zip(slots, slots[USUAL:], strict=False))
    assert max(slots) <= NOW + timedelta(seconds=300) + LONGEST_WAIT
    assert len(slots) == USUAL * 25


def test_who_would_wait_longer_than_a_day_has_no_place_but_the_challenge() -> None:
    slot = NOW + LONGEST_WAIT - AN_HOUR
    assert turn(Traffic(slot=slot), NOW).slot_at == NOW + LONGEST_WAIT
    found = turn(Traffic(slot=slot + timedelta(seconds=1)), NOW)
    assert (found.outcome, found.slot_at) == (RequestOutcome.CHALLENGED, None)
    assert (found.due_at, found.challenge) == (NOW + LONGEST_WAIT, True)


@pytest.mark.parametrize(
    ("from_ip", "from_network", "outcome"),
    [
        (AN_IP - 1, AN_IP - 1, RequestOutcome.QUEUED),
        (AN_IP, AN_IP, RequestOutcome.CHALLENGED),
        (0, A_NETWORK - 1, RequestOutcome.QUEUED),
        (0, A_NETWORK, RequestOutcome.CHALLENGED),
        (AN_IP * TOO_MANY - 1, 0, RequestOutcome.CHALLENGED),
        (AN_IP * TOO_MANY, 0, RequestOutcome.LIMITED),
        (1, A_NETWORK * TOO_MANY, RequestOutcome.LIMITED),
    ],
)
def test_many_from_one_place_meet_a_challenge_and_very_many_get_no_mail(
    from_ip: int, from_network: int, outcome: RequestOutcome
) -> None:
    found = turn(Traffic(slot=None, from_ip=from_ip, from_network=from_network), NOW)
    assert found.outcome is outcome
    assert found.challenge is (outcome is not RequestOutcome.QUEUED)


def held(
    reason: SuppressionReason, scope: SuppressionScope = ALL, ago: timedelta = timedelta(days=60)
) -> Person:
    return Person(held=[Held(reason, scope, NOW - ago)])


COMPLAINT = SuppressionReason.COMPLAINT
YOUNG = COMPLAINT_RESTS - timedelta(seconds=1)
CASES = count(1)


@pytest.mark.parametrize(
    ("person", "outcome"),
    [
        (Person(), RequestOutcome.SENT),
        (Person(mails_in_a_day=1, mails_of_list=2), RequestOutcome.SENT),
        (Person(mails_in_a_day=2), RequestOutcome.LIMITED),
        (Person(mails_of_list=3), RequestOutcome.LIMITED),
        (Person(refused=True), RequestOutcome.DROPPED),
        (Person(closed=True), RequestOutcome.DROPPED),
        *((held(reason), RequestOutcome.DROPPED) for reason in SuppressionReason),
        (held(COMPLAINT, PROMOTIONAL, YOUNG), RequestOutcome.DROPPED),
        (held(COMPLAINT, PROMOTIONAL, COMPLAINT_RESTS), RequestOutcome.SENT),
        (held(SuppressionReason.MANUAL, PROMOTIONAL), RequestOutcome.DROPPED),
        (Person(status=SubscriptionStatus.CONFIRMED), RequestOutcome.KNOWN),
        (Person(status=SubscriptionStatus.ATTESTED), RequestOutcome.KNOWN),
        (Person(status=SubscriptionStatus.CONFIRMED, opted_out=True), RequestOutcome.SENT),
        (Person(status=SubscriptionStatus.UNCONFIRMED), RequestOutcome.SENT),
        (Person(status=SubscriptionStatus.EXPIRED), RequestOutcome.SENT),
        (Person(status=SubscriptionStatus.UNSUBSCRIBED, opted_out=True), RequestOutcome.SENT),
        (
            Person(
                [Held(COMPLAINT, PROMOTIONAL, NOW - COMPLAINT_RESTS)],
                status=SubscriptionStatus.CONFIRMED,
            ),
            RequestOutcome.SENT,
        ),
    ],
    ids=lambda _: str(next(CASES)),
)
def test_whether_a_person_is_written_to(person: Person, outcome: RequestOutcome) -> None:
    assert answer(person, NOW) is outcome
