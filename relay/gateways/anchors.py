"""The links of a mail with the words that stand for them, as a reader sees both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import urljoin

from relay.gateways import bodies, markup
from relay.gateways.bodies import Body
from relay.gateways.markup import COMMENT, RAW, REST, TEXT, Token

LONGEST_WORDS = 500
"""Characters of a link's words."""

_LEADING = {"form": "action", "button": "formaction", "input": "formaction"}
_TAGS = "a(?:rea)?|b(?:ase|utton)|form|input|v:[a-z]+"
"""What leads somewhere, by `href` where nothing else is said; `v:…` are Outlook's buttons."""

_LEADS = re.compile(_TAGS)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A link, and its words; empty where it is its own words."""

    target: str
    words: str = ""


def of(body: Body) -> tuple[Anchor, ...]:
    """All links of a body, each once."""
    return tuple(
        dict.fromkeys(
            anchor
            for text in body.texts
            for anchor in (_html(text.text) if text.type == "text/html" else _plain(text.text))
        )
    )


def _plain(text: str) -> Iterator[Anchor]:
    yield from (Anchor(link) for link in bodies.links_in(text))


def _html(html: str) -> Iterator[Anchor]:
    """Links of HTML with their words; broken HTML gives what there is before it breaks.

    What browsers hide is read as well, for some mail programs show it: Outlook has comments of its own.
    """
    reader = _Reader()
    other = reader.read(markup.tokens(html, _TAGS))
    hidden, reader.hidden = reader.hidden, []
    for part in hidden:
        reader.read(markup.tokens(part, _TAGS, flat=True))
    for target, words in reader.found:
        said = " ".join(markup.words("".join(words)).split())
        yield Anchor(_joined(reader.base, target), said[:LONGEST_WORDS])
    yield from _plain(markup.words(" ".join(other), between=" "))
    yield from _plain(unescape(" ".join(reader.raw)))


class _Reader:
    """Links with the texts inside them, and the place where all of them begin.

    `hidden` is what browsers hide, `raw` what of it is no comment.
    """

    def __init__(self) -> None:
        self.found: list[tuple[str, list[str]]] = []
        self.hidden: list[str] = []
        self.raw: list[str] = []
        self.base = ""

    def read(self, tokens: Iterable[Token]) -> list[str]:
        """Take in what these tokens are; gives the texts outside of links."""
        other: list[str] = []
        into = other
        for tag, text in tokens:
            if tag == TEXT:
                into.append(text)
            elif tag in (COMMENT, RAW, REST):
                if tag != COMMENT:
                    self.raw.append(text)
                if "<" in text:
                    self.hidden.append(text)
            else:
                if "<" in text:
                    self.hidden.append(text)
                target = self._target(tag, text)
                if tag in ("a", "/a"):
                    into = other
                if target is not None:
                    words: list[str] = []
                    self.found.append((target, words))
                    into = words if tag == "a" else into
        return other

    def _target(self, tag: str, source: str) -> str | None:
        if not source or _LEADS.fullmatch(tag) is None:
            return None
        named = markup.attributes(source)
        if tag == "base":
            self.base = self.base or named.get("href", "")
            return None
        return named.get(_LEADING.get(tag, "href")) or named.get("xlink:href")


def _joined(base: str, target: str) -> str:
    """Where a link leads if all begin at `base`."""
    try:
        return urljoin(base, target) if base else target
    except ValueError:
        return target
