"""What is logged goes to stderr, whatever that is at the time."""

from __future__ import annotations

import json
from contextlib import redirect_stderr
from io import StringIO

import structlog

from relay.logs import configure


def test_a_logger_outlives_the_stream_that_it_first_wrote_to() -> None:
    configure("INFO")
    log = structlog.get_logger()
    first, second = StringIO(), StringIO()
    with redirect_stderr(first):
        log.error("page failed")
    first.close()

    with redirect_stderr(second):
        log.error("page failed again")

    assert json.loads(second.getvalue())["event"] == "page failed again"


def test_an_exception_is_told_without_what_it_quotes() -> None:
    configure("INFO")
    told = StringIO()
    with redirect_stderr(told):
        try:
            raise ValueError("ada@customer.example is no number")
        except ValueError as error:
            structlog.get_logger().error("page failed", exc_info=error)

    line = json.loads(told.getvalue())
    assert line["exception"] == "ValueError"
    assert line["where"][-1].startswith("test_logs.py:")
    assert "ada@" not in told.getvalue()
