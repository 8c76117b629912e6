"""The labelled sets and our own table, scored as the product diagnoses them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.bounces.cross_validation import DATA, FILES
from relay.policy.bounces import Bounce, Suppress, diagnose

ABOUT_THE_ADDRESS = frozenset(("invalid_recipient", "bad_domain", "suppressed"))


def own_table(*, show: int) -> None:
    """Score `wordings.txt`: lines of `class[,also right] | reply`."""
    wrong, missed, false_hard, total = [], 0, 0, 0
    for line in (DATA / "wordings.txt").read_text("utf-8").splitlines():
        if not line or line[0] in "[#":
            continue
        classes, _, reply = line.partition(" | ")
        expected, *also = classes.split(",")
        hard = not reply.startswith("4")
        found = diagnose(
            Bounce(
                text=f"smtp; {reply}",
                recipient="jo@corp.example",
                ses_type="Permanent" if hard else "Transient",
                ses_subtype="General",
            )
        )
        total += 1
        if found.bounce_class not in (expected, *also):
            wrong.append(f"  {expected} said {found.bounce_class} by {found.rule}: {reply[:150]}")
        suppresses = found.suppress is not Suppress.NO
        missed += expected in ABOUT_THE_ADDRESS and not suppresses
        false_hard += expected not in ABOUT_THE_ADDRESS | {"inactive_mailbox"} and suppresses
    print(
        f"own table: {total - len(wrong)} of {total} right, missed invalid {missed}, "
        f"false hard {false_hard}"
    )
    print(*wrong[:show], sep="\n", end="\n" if wrong[:show] else "")


def labelled_sets(*, show: int) -> None:
    """Score the labelled sets through `python -m relay bounces diagnose`."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "predictions.jsonl"
        for events, cases in FILES.items():
            with (DATA / f"{events}.jsonl").open() as given, out.open("w") as told:
                command = [sys.executable, "-m", "relay", "bounces", "diagnose"]
                subprocess.run(command, check=True, stdin=given, stdout=told)
            print(f"\n=== {events}", flush=True)
            scorer = [sys.executable, str(DATA / "score.py"), str(DATA / f"{cases}.jsonl")]
            subprocess.run([*scorer, str(out), "--show", str(show)], check=True)
