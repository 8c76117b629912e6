"""What an account's and a site's standing allow."""

from __future__ import annotations

from relay.errors import AccountPending, AccountSuspended
from relay.policy.facts import Facts
from relay.vocabulary import Lane, State

STRICTNESS = (
    State.ACTIVE,
    State.WARNED,
    State.LIMITED,
    State.PENDING,
    State.SUSPENDED,
    State.TERMINATED,
)
"""From free to shut; of two states the later one holds."""


def stricter(one: State, other: State) -> State:
    """The state that holds where account and site differ."""
    return max(one, other, key=STRICTNESS.index)


def check_standing(lane: Lane, facts: Facts) -> None:
    """Whether mail of this lane is taken at all. Raises `AccountPending` or `AccountSuspended`.

    Suspension leaves the protected lane open, so that people can still reset their password.
    """
    state = stricter(facts.account_state, facts.site_state)
    if state is State.PENDING:
        raise AccountPending("An operator has to approve this account before it can send")
    if state is State.TERMINATED or (state is State.SUSPENDED and lane is not Lane.PROTECTED):
        raise AccountSuspended(f"This account or site is {state.value}", state=state.value)
