"""Real processes under load, killed and cut off; three ledgers must agree (bench/faults.py).

`make faults` runs the long form: every kill 20 times.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import faults
from bench.faults import Ledger
from bench.measure import wait_until
from bench.rig import Rig, Site

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig(settle_seconds=6.0, mailer_timeout=2.0) as rig:
        yield rig


@pytest.fixture(scope="module")
def sites(rig: Rig) -> list[Site]:
    return rig.make_sites(4)


def check(ledger: Ledger, *, mails: int) -> None:
    """Everything that was asked for was accepted, and everything accepted is accounted for."""
    assert ledger.is_clean, ledger
    assert ledger.accepted == mails
    assert ledger.sent + ledger.explained >= ledger.accepted


def test_a_worker_that_is_killed_in_the_middle_of_500_sends_loses_none(
    rig: Rig, sites: list[Site]
) -> None:
    kill = faults.kills(rig.workers[0], 3, pause=1.0)
    check(faults.scenario(rig, sites, "worker", kill, mails=500, rate=200), mails=500)


def test_a_web_server_that_is_killed_takes_each_mail_once(rig: Rig, sites: list[Site]) -> None:
    kill = faults.kills(rig.web, 2, pause=0.8, then=rig.web_ready)
    check(faults.scenario(rig, sites, "web", kill, mails=160), mails=160)


def test_a_database_that_is_killed_loses_nothing_it_had_confirmed(
    rig: Rig, sites: list[Site]
) -> None:
    assert rig.postgresql is not None
    kill = faults.kills(rig.postgresql.part, 2, pause=0.8, then=rig.postgresql.wait)
    check(faults.scenario(rig, sites, "postgresql", kill, mails=160), mails=160)


def test_a_provider_that_is_killed_gets_each_mail_once(rig: Rig, sites: list[Site]) -> None:
    kill = faults.kills(rig.simulator, 2, pause=0.8, then=rig.simulator_ready)
    check(faults.scenario(rig, sites, "simulator", kill, mails=160), mails=160)


@pytest.mark.parametrize(
    "misbehaviour",
    [
        pytest.param({"lost_answer_share": 0.1}, id="time-outs after accepting"),
        pytest.param(
            {"lost_answer_share": 0.1, "lost_answer_form": "reset"}, id="resets after accepting"
        ),
        pytest.param({"max_send_rate": 40}, id="throttled"),
        pytest.param(
            {"max_send_rate": 40, "throttle_error": "ThrottlingException"}, id="throttled, old form"
        ),
        pytest.param(
            {
                "duplicate_share": 0.3,
                "shuffle_share": 0.5,
                "delay_share": 0.2,
                "delay_seconds": 1.0,
                "early_share": 0.3,
            },
            id="notices doubled, shuffled, late and early",
        ),
    ],
)
def test_a_provider_that_misbehaves_is_borne(
    rig: Rig, sites: list[Site], misbehaviour: dict[str, object]
) -> None:
    try:
        check(
            faults.scenario(
                rig, sites, "provider", faults.injected(rig, **misbehaviour), mails=120
            ),
            mails=120,
        )
    finally:
        rig.control(**faults.QUIET)


def test_while_sns_is_out_nothing_is_decided_and_afterwards_nothing_is_doubled(
    rig: Rig, sites: list[Site]
) -> None:
    try:
        check(
            faults.scenario(rig, sites, "outage", faults.outage(rig, seconds=10), mails=120),
            mails=120,
        )
    finally:
        rig.control(**faults.QUIET)


def test_while_the_database_is_away_nobody_is_mailed(rig: Rig, sites: list[Site]) -> None:
    ledger = faults.scenario(rig, sites, "away", faults.database_away(rig, seconds=4), mails=120)
    check(ledger, mails=120)


def test_a_hundred_posts_with_one_key_make_one_message(rig: Rig, sites: list[Site]) -> None:
    ledger = faults.same_key(rig, sites[0])
    assert ledger.is_clean, ledger
    assert (ledger.accepted, ledger.sent) == (1, 1)


def listens_to_sigterm(pid: int) -> bool:
    """Whether the process has a handler of its own: Python takes its time to be there (proc(5))."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    return False


def test_a_worker_that_is_asked_to_stop_finishes_what_is_on_the_wire(
    rig: Rig, sites: list[Site]
) -> None:
    def stop_and_start(ledger: Ledger) -> None:
        for _ in range(2):
            assert wait_until(lambda: listens_to_sigterm(rig.workers[0].pid), 30)
            time.sleep(3)
            assert rig.workers[0].stop() == 0
            rig.workers[0].start()
            ledger.faults += 1

    check(faults.scenario(rig, sites, "sigterm", stop_and_start, mails=160), mails=160)
