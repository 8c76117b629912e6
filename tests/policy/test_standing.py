"""What an account's and a site's standing allow."""

from __future__ import annotations

from itertools import product

import pytest

from relay.errors import AccountPending, AccountSuspended
from relay.policy.facts import Facts
from relay.policy.standing import check_standing, stricter
from relay.vocabulary import Lane, State

ACTIVE, SUSPENDED, TERMINATED, PENDING = (
    State.ACTIVE, State.SUSPENDED, State.TERMINATED, State.PENDING,
)  # fmt: skip


def test_of_two_states_the_stricter_one_holds_whichever_comes_first() -> None:
    for one, other in product(State, State):
        assert stricter(one, other) is stricter(other, one)
        assert stricter(one, ACTIVE) is one


@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize("state", [ACTIVE, State.WARNED, State.LIMITED])
def test_these_may_send(state: State, lane: Lane) -> None:
    check_standing(lane, Facts(state, ACTIVE))
    check_standing(lane, Facts(ACTIVE, state))


@pytest.mark.parametrize("lane", sorted(set(Lane) - {Lane.PROTECTED}))
@pytest.mark.parametrize("state", [SUSPENDED, TERMINATED])
def test_a_suspended_account_or_site_sends_nothing(state: State, lane: Lane) -> None:
    with pytest.raises(AccountSuspended, match=state.value):
        check_standing(lane, Facts(state, ACTIVE))
    with pytest.raises(AccountSuspended, match=state.value):
        check_standing(lane, Facts(ACTIVE, state))


def test_people_of_a_suspended_site_can_still_reset_their_password() -> None:
    check_standing(Lane.PROTECTED, Facts(SUSPENDED, SUSPENDED))
    with pytest.raises(AccountSuspended):
        check_standing(Lane.PROTECTED, Facts(TERMINATED, ACTIVE))


@pytest.mark.parametrize("lane", Lane)
def test_an_account_that_waits_for_approval_waits(lane: Lane) -> None:
    with pytest.raises(AccountPending):
        check_standing(lane, Facts(PENDING, ACTIVE))
    with pytest.raises(AccountPending):
        check_standing(lane, Facts(ACTIVE, PENDING))
