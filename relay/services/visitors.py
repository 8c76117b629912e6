"""Who pressed a button, as far as a web server can know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visitor:
    """The address a request came from, if it is known, and what the browser calls itself."""

    ip: str | None
    user_agent: str
