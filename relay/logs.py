"""Logging: one line of JSON per fact (readable text on a terminal). No secrets, addresses or bodies.

An exception is logged as its type and the places it passed, without its message: messages of
database drivers and parsers quote what they choked on.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger


class _Stderr:
    """stderr as it is when something is written: what takes its place for a while may be closed later."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


STDERR: Any = _Stderr()


def configure(level: str) -> None:
    """Send structlog's and the libraries' messages of this level and above to stderr."""
    number = logging.getLevelNamesMapping().get(level, logging.INFO)
    logging.basicConfig(level=max(number, logging.WARNING), stream=STDERR, format="%(message)s")
    readable = sys.stderr.isatty()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(number),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_messages,
            structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(STDERR),
        cache_logger_on_first_use=True,
    )


def _without_messages(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Replace `exc_info` by the exception's types and places."""
    given: Any = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        event["exception"] = type(error).__name__
        event["where"] = [
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ][-12:]
    return event
