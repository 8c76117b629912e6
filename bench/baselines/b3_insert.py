"""B3: the database alone. `INSERT; COMMIT` by 8 connections without Python, through pgbench. Frozen.

Where pgbench is not installed, 8 threads of bare psycopg do the same; the result says which.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path

import psycopg

from bench import bodies

CONNECTIONS = 8


def run(binaries: Path, url: str, *, count: int, size: int = 10_000) -> tuple[str, float]:
    """Insert `count` mails of `size` bytes; the tool that did it, and inserts a second.

    `url` names a database with B1's table; `binaries` is the folder of PostgreSQL's programs.
    """
    if (binaries / "pgbench").exists():
        return "pgbench", _pgbench(binaries / "pgbench", url, count, size)
    return "psycopg", _psycopg(url, count, size)


def _pgbench(program: Path, url: str, count: int, size: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "insert.sql"
        script.write_text(
            "INSERT INTO mails (id, body) VALUES "
            f"(gen_random_uuid(), '\\x{bodies.letter(size).hex()}');\n"
        )
        done = subprocess.run(
            [
                program, "--no-vacuum", "--protocol", "simple", "--file", script,
                "--client", str(CONNECTIONS), "--jobs", "1",
                "--transactions", str(count // CONNECTIONS), url,
            ],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"pgbench said no rate:\n{done.stdout}")
    return float(found[1])


def _psycopg(url: str, count: int, size: int) -> float:
    message = bodies.letter(size)
    turn = itertools.count()

    def work() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while next(turn) < count:
                connection.execute(
                    "INSERT INTO mails (id, body) VALUES (%s, %s)", (uuid.uuid4(), message)
                )

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count / (time.perf_counter() - began)
