"""`python -m relay bounces`: needs no settings and no database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands import running
from tests.commands.running import Done

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "bounces"


def run(*arguments: str, given: str = "") -> Done:
    return running.run("bounces", *arguments, given=given)


def bounce(text: str) -> dict[str, Any]:
    person = {"emailAddress": "jo@corp.example", "action": "failed", "diagnosticCode": text}
    body = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [person]}
    return {"eventType": "Bounce", "bounce": body, "mail": {}}


def test_each_event_gets_a_line_in_order() -> None:
    rows = [
        {"id": "one", "event": bounce("smtp; 550 5.1.1 user unknown")},
        {"id": 2, "event": {"eventType": "Delivery", "delivery": {}}},
        {"id": "three", "event": bounce("smtp; 554 5.7.1 blocked using a block list")},
    ]
    done = run("diagnose", given="".join(json.dumps(row) + "\n" for row in rows))
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [row["id"] for row in told] == ["one", 2, "three"]
    assert [(row["class"], row["suppress"]) for row in told] == [
        ("invalid_recipient", True),
        ("undetermined", False),
        ("spam_block", False),
    ]
    assert set(told[0]) == {"id", "class", "suppress", "fault", "rule"}


def test_a_broken_line_is_told_with_its_number_and_the_others_are_diagnosed() -> None:
    good = json.dumps({"id": "good", "event": bounce("smtp; 550 5.1.1 user unknown")})
    done = run("diagnose", given=f'{{"id": 1,\n[]\n{{"id": 3, "event": "no"}}\n{good}\n')
    assert done.returncode == 1
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["good"]
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        "line 1", "line 2", "line 3",
    ]  # fmt: skip


@pytest.mark.parametrize("events", ["dev.events", "dev.events-softer", "gateways-dev.events"])
def test_the_labelled_sets_go_through(events: str) -> None:
    given = (DATA / f"{events}.jsonl").read_text("utf-8")
    done = run("diagnose", given=given)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(given.splitlines())


def test_a_reply_is_explained_to_a_person() -> None:
    done = run(
        "explain", "550 5.4.1 Recipient address rejected: Access denied.",
        "--recipient", "jo@corp.example", "--gateway", "microsoft-365",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for part in ("What happened", "Why", "What follows", "What to do", "jo@corp.example", "Rule"):
        assert part in done.stdout
    assert "Microsoft" in done.stdout


def test_a_reply_is_explained_to_a_program() -> None:
    told = json.loads(run("explain", "552 5.2.2 mailbox full", "--json").stdout)
    assert (told["class"], told["suppress"], told["fault"]) == ("mailbox_full", False, "mailbox")
    assert told["happened"].endswith("is full.")
    assert told["source"]
