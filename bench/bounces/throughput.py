"""How many SES events are diagnosed in a second, in process and one thread."""

from __future__ import annotations

import json
import time

from bench.bounces.cross_validation import DATA
from relay.policy.bounces import diagnose_event, rules


def measure() -> None:
    """Time the labelled events, several rounds, the median round told."""
    names = ("dev.events", "gateways-dev.events")
    events = [
        json.loads(line)["event"]
        for name in names
        for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    started = time.perf_counter()
    rules()
    print(f"loading and compiling the rules: {1000 * (time.perf_counter() - started):.0f} ms")
    rounds = []
    for _ in range(9):
        started = time.process_time()
        for _ in range(10):
            for event in events:
                diagnose_event(event)
        rounds.append(10 * len(events) / (time.process_time() - started))
    print(
        f"{sorted(rounds)[len(rounds) // 2]:,.0f} diagnoses a second "
        f"(median of 9; {min(rounds):,.0f} to {max(rounds):,.0f})"
    )
