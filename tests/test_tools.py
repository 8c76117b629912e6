"""What `make` runs before anything is installed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / "tools"

LONG = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell has it ignored
import progress
words = "import time; print('Collecting a', flush=True); time.sleep(60)"
progress.interruptibly(lambda: progress.run([sys.executable, "-c", words], "Installing", "^Collecting (.+)"))
"""


def test_ctrl_c_ends_a_long_step_in_a_sentence() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LONG], cwd=TOOLS, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    assert process.stderr.readline() == "Installing …\n"

    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[1]

    assert process.returncode == 130
    assert said.endswith("Stopped. Say the same again to go on.\n")
    assert "Traceback" not in said


HANGING = """
import test
test.FAREWELL = 0.5
code = test.run([test.sys.executable, "-c", {program!r}], test.os.environ, within=1.0)
print(f"exit code {{code}}")
"""


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("import time; time.sleep(60)", id="one that listens"),
        pytest.param(
            "import time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: pass",
            id="one that ends as if all were well",
        ),
        pytest.param(
            "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)",
            id="one that does not listen",
        ),
    ],
)
def test_a_step_that_hangs_is_ended_and_has_failed(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING.format(program=program)],
        cwd=TOOLS, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip

    assert "Still running after 1 s: it is ended." in done.stdout
    assert done.stdout.splitlines()[-1] not in ("exit code 0", "exit code None")
