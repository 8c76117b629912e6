"""What the rules are worth on wordings they have not seen: leave one group of alike wordings out
at a time.

Cases whose levelled words are alike (same template, or seven in ten words shared) make a group.
For each group, the clauses that decide cases of that group and none outside it are switched off,
and the group is diagnosed with what is left. Three figures come out:

  fitted     all clauses
  left out   without the clauses whose only support is the group
  strict     only with clauses that decide something outside the group, again and again until
  nothing else is left: what is written from documentation but occurs in no other case counts for
  nothing

  python -m bench.bounces cross-validate [--show]
"""

from __future__ import annotations

import collections
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from relay.policy.bounce_reports import Bounce, bounces_of
from relay.policy.bounces import Diagnosis, Suppress, diagnose
from relay.policy.replies import unwrap

DATA = Path(__file__).parents[2] / "tests" / "data" / "bounces"
FILES = {
    "dev.events": "dev",
    "dev.events-softer": "dev",
    "gateways-dev.events": "gateways-dev",
}
ALIKE = 0.7
"""Share of words two replies have in common from which they count as one wording."""


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def words_of(text: str) -> frozenset[str]:
    """The levelled words of a reply, those that vary by case left out."""
    words = unwrap(text)[0].words.split()
    return frozenset(
        word for word in words if word not in {"addr", "fqdn", "ip"} and word.isalpha()
    )


def groups_of(cases: list[dict[str, Any]]) -> list[set[str]]:
    """Ids of cases with alike wording, together."""
    parent = {case["id"]: case["id"] for case in cases}

    def find(one: str) -> str:
        while parent[one] != one:
            one = parent[one]
        return one

    words = {case["id"]: words_of(case["diagnosticCode"]) for case in cases}
    for number, case in enumerate(cases):
        for other in cases[number + 1 :]:
            mine, theirs = words[case["id"]], words[other["id"]]
            shared = len(mine & theirs) / max(len(mine | theirs), 1)
            if case["template"] == other["template"] or shared >= ALIKE:
                parent[find(case["id"])] = find(other["id"])
    together: dict[str, set[str]] = collections.defaultdict(set)
    for case in cases:
        together[find(case["id"])].add(case["id"])
    return list(together.values())


Judge = Callable[[str, Bounce], Diagnosis]


def judges(bounces: dict[str, Bounce], groups: list[set[str]]) -> dict[str, Judge]:
    """The three ways to diagnose a case."""
    fitted = {one: diagnose(bounce) for one, bounce in bounces.items()}
    group_of = {one: group for group in groups for one in group}

    def outside(group: set[str]) -> frozenset[int]:
        return frozenset(found.clause for one, found in fitted.items() if one not in group)

    def left_out(one: str, bounce: Bounce) -> Diagnosis:
        group = group_of[one]
        inside = {fitted[other].clause for other in group & fitted.keys()}
        return diagnose(bounce, without=frozenset(inside - outside(group)))

    def strict(one: str, bounce: Bounce) -> Diagnosis:
        known = outside(group_of[one])
        without: set[int] = set()
        while (found := diagnose(bounce, without=frozenset(without))).clause not in known:
            if found.clause < 0:
                break
            without.add(found.clause)
        return found

    return {"fitted": lambda one, _: fitted[one], "left out": left_out, "strict": strict}


def cross_validate(*, show: bool) -> None:
    """Print the scorer's figures for each file and each way."""
    cases = {name: read(DATA / f"{name}.jsonl") for name in ("dev", "gateways-dev")}
    everything = [case for rows in cases.values() for case in rows]
    groups = groups_of(everything)
    print(f"{len(everything)} cases in {len(groups)} groups of alike wording\n")
    for events, name in FILES.items():
        chosen = read(DATA / f"{events}.jsonl")
        bounces = {row["id"]: next(bounces_of(row["event"])) for row in chosen}
        for other, cases_of in FILES.items():
            if cases_of != name:  # The other set's cases are support as well.
                rows = read(DATA / f"{other}.jsonl")
                bounces |= {row["id"]: next(bounces_of(row["event"])) for row in rows}
        expected = {case["id"]: case for case in cases[name]}
        for way, judge in judges(bounces, groups).items():
            told = {row["id"]: judge(row["id"], bounces[row["id"]]) for row in chosen}
            print(f"{events:22} {way:9} {score(DATA / f'{name}.jsonl', told)}")
            if show and way != "fitted":
                for one, found in told.items():
                    tell_if_wrong(expected[one], found)


def tell_if_wrong(case: dict[str, Any], found: Diagnosis) -> None:
    """Print a case that is diagnosed wrongly."""
    right = {case["expected_class"], *case["also_right"]}
    if case["graded"] == "firm" and found.bounce_class not in right:
        text = case["diagnosticCode"][:90].replace("\n", " ")
        print(f"    {case['expected_class']} said {found.bounce_class} by {found.rule}: {text}")


def score(cases: Path, told: dict[str, Diagnosis]) -> str:
    """The scorer's main figures on one line."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.jsonl"
        rows = [
            {"id": one, "class": found.bounce_class, "suppress": found.suppress is not Suppress.NO}
            for one, found in told.items()
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        command = [sys.executable, str(cases.parent / "score.py"), str(cases), str(path), "--json"]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(out)
    right, by_text = found["right"]["rate"], found["by_text"]["rate"]
    missed, false_hard = found["a_missed_invalid"], found["b_false_hard_bounce"]
    smtp = found["by_tier"]["smtp"]
    return (
        f"right {100 * right:5.1f} %  by text {100 * by_text:5.1f} %  "
        f"smtp tier {100 * smtp['right']:5.1f} %  "
        f"(a) {missed['k']}/{missed['n']} = {100 * missed['rate']:.1f} %  "
        f"(b) {false_hard['k']}/{false_hard['n']} = {100 * false_hard['rate']:.1f} %"
    )
