"""What `make` runs before anything is installed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

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
    said = process.communicate(timeout=20)[1]

    assert process.returncode == 130
    assert said.endswith("Stopped. Say the same again to go on.\n")
    assert "Traceback" not in said
