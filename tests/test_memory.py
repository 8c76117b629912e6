"""What a large mail took is given back, for a process lives for months."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
from relay import memory

def resident():
    status = open("/proc/self/status").read()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024

memory.give_back()
bytearray(20_000_000)  # after the first that is freed, glibc would lay the next among the small ones
before, kept = resident(), []
for _ in range(4):
    large, small = bytearray(8_000_000), [bytearray(10_000) for _ in range(200)]
    kept.append(small[-1])
    del large, small
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has to be told")
def test_what_large_mails_took_is_given_back_when_they_are_gone() -> None:
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).parents[1], check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert float(said) < 6
