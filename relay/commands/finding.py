"""What commands say of what is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from relay.errors import NotFound


@contextmanager
def shown_by(command: str) -> Iterator[None]:
    """Inside, whoever names what is not there is told which command shows what is."""
    try:
        yield
    except NotFound as error:
        if "python -m relay" in error.detail:
            raise
        raise NotFound(
            f"{error.detail}; `python -m relay {command}` shows them", **error.members
        ) from error
