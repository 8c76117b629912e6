"""What strangers type that ends up in somebody else's mail: no links, no addresses, no second line."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 60
"""Characters of a name that a mail may greet."""

_LINK = re.compile(r"(?i)://|www\.|@|\b[\w-]+\.[^\W\d_]{2,}\b|%[0-9a-f]{2}|&#")
_LETTER_LIKE = re.compile(r"[^\W\d_]")


def greetable(name: str | None) -> str:
    """The name if a mail can greet it, else nothing.

    Whoever signs somebody else up chooses the name: it must not carry a link, an address or a
    message. Looks at the name as it would be shown, with look-alike signs of other scripts brought
    into one form.
    """
    if not name or not name.isprintable():
        return ""
    shown = unicodedata.normalize("NFKC", name).strip()
    if not shown or len(shown) > LONGEST or not _LETTER_LIKE.search(shown):
        return ""
    if not shown.isprintable() or any(sign in shown for sign in '<>[]{}|\\/:"=#'):
        return ""
    return (
        "" if _LINK.search(shown.replace("。", ".").replace("·", ".")) else " ".join(shown.split())
    )


def carries_link(text: str) -> bool:
    """Whether mail programs would make a link of something in this text, or it breaks its line."""
    return not text.isprintable() or re.search(r"(?i)://|www\.|@", text) is not None
