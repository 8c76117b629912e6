"""Starting and stopping: what is said, and what is said when it cannot start."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from simulator_rig import ROOT, Simulator

from simulator.__main__ import main

Start = Callable[..., Simulator]


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_says_where_everything_is_and_stops_when_asked(started: Start) -> None:
    simulator = started("--latency-ms", "5", "--error-shares", "TooManyRequestsException=0.25")
    assert simulator.json("/_control")["error_shares"] == {"TooManyRequestsException": 0.25}

    said = simulator.stop()

    assert simulator.process.returncode == 0
    assert f"{simulator.url}/" in said
    assert "sns-certificate.pem" in said
    assert '"latency_ms": 5.0' in said
    assert "Stopped. 0 mails" in said


def test_logs_name_no_addresses(started: Start) -> None:
    simulator = started("--subscribe", "http://127.0.0.1:9/hooks/ses")
    simulator.send("ada@company.example")

    said = simulator.stop()

    assert "@" not in said
    assert "Good day" not in said


def test_help_explains_every_option() -> None:
    answer = CliRunner().invoke(main, ["--help"])

    assert answer.exit_code == 0
    for word in ("--subscribe", "--lost-answers-next", "PUT /_control", "[default: 0.2]"):
        assert word in answer.output


def test_a_port_in_use_is_explained(started: Start, tmp_path: Path) -> None:
    port = str(started().port)

    answer = run("--port", port, "--state", str(tmp_path / "other"))

    assert answer.returncode == 1
    assert f"Port {port} is in use" in answer.stderr
    assert "--port" in answer.stderr


def test_a_state_folder_in_use_is_explained(started: Start) -> None:
    state = str(started().state)

    answer = run("--port", "0", "--state", state)

    assert answer.returncode == 1
    assert "Another simulator uses the state folder" in answer.stderr
    assert "--state" in answer.stderr


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--latency-ms", "fast", "--latency-ms must be a number"),
        ("--notices", "pause", "--notices must be one of flow, hold, drop"),
        ("--error-shares", "Oops=1", "--error-shares does not know the error 'Oops'"),
    ],
)
def test_an_option_that_cannot_be_is_explained(option: str, value: str, words: str) -> None:
    answer = CliRunner().invoke(main, [option, value])

    assert answer.exit_code == 2
    assert words in answer.output
