"""Lays bounce_rules.toml out for readers: long lists wrapped, no phrase twice in a list."""

from __future__ import annotations

import re
from pathlib import Path

WIDTH = 112
RULES = Path(__file__).parents[2] / "relay" / "policy" / "bounce_rules.toml"
LIST = re.compile(r"^(\w+) = \[(.*?)\]$", re.MULTILINE | re.DOTALL)


def laid_out(found: re.Match[str]) -> str:
    """One list, wrapped."""
    items = list(dict.fromkeys(re.findall(r'"[^"]*"', found[2])))
    line = f"{found[1]} = [{', '.join(items)}]"
    if len(line) <= WIDTH:
        return line
    lines, current = [], " "
    for item in items:
        if len(current) + len(item) + 2 > WIDTH:
            lines.append(current)
            current = " "
        current += f" {item},"
    return "\n".join([f"{found[1]} = [", *lines, current, "]"])


def lay_out() -> bool:
    """Rewrite the file; whether anything changed."""
    text = RULES.read_text("utf-8")
    new = LIST.sub(laid_out, text)
    RULES.write_text(new, "utf-8")
    return new != text
