"""A proof of consent as one page that needs nothing else: to read, to print, to send on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parents[1] / "papers"


def render(proof: Mapping[str, Any]) -> str:
    """The page, as HTML; the proof itself stands in it as JSON, so that it can be checked."""
    text = json.dumps(proof, ensure_ascii=False, indent=2)
    return _templates().get_template("proof.html").render(proof=proof, text=text)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["moment"] = _moment
    made.filters["web"] = _web
    return made


def _moment(text: str) -> str:
    """An instant as a page shows it."""
    return f"{datetime.fromisoformat(text):%-d %B %Y, %H:%M:%S} UTC"


def _web(text: Any) -> bool:
    """Whether this may be a link: an address of the web, and nothing that runs."""
    return str(text).lower().startswith(("https://", "http://"))
