"""The links of a mail with the words that stand for them, as a reader sees both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

from relay.gateways import bodies
from relay.mail import Mime

MOST = 500
"""Links of a mail that are looked at (our decision: a long newsletter has a hundred)."""

LONGEST_WORDS = 500
"""Characters of a link's words."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A link, and its words; empty where it is its own words."""

    target: str
    words: str = ""


def read(message: Mime) -> tuple[Anchor, ...]:
    """All links of a mail, each once; none where its body cannot be read."""
    found: dict[Anchor, None] = {}
    try:
        for text in bodies.read(message).texts:
            each = _html(text.text) if text.type == "text/html" else _plain(text.text)
            for anchor in each:
                found[anchor] = None
                if len(found) >= MOST:
                    return tuple(found)
    except bodies.Unreadable:
        pass
    return tuple(found)


def _plain(text: str) -> Iterator[Anchor]:
    yield from (Anchor(link) for link in bodies.links_in(text))


def _html(html: str) -> Iterator[Anchor]:
    reader = _Anchors()
    reader.feed(html)
    yield from reader.finished()
    yield from _plain(" ".join(reader.other))


class _Anchors(HTMLParser):
    """Links of HTML with their words; broken HTML gives what there is before it breaks."""

    def __init__(self) -> None:
        super().__init__()
        self.other: list[str] = []
        self._found: list[Anchor] = []
        self._target: str | None = None
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("a", "area", "form"):
            return
        name = "action" if tag == "form" else "href"
        target = next((value for key, value in attrs if key == name and value), None)
        if tag == "a":
            self._end()
            self._target = target
        elif target is not None:
            self._found.append(Anchor(target))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._end()

    def handle_data(self, data: str) -> None:
        (self._words if self._target is not None else self.other).append(data)

    def finished(self) -> list[Anchor]:
        self._end()
        self.other.append(self.rawdata)  # what is behind a tag that never ends
        return self._found

    def _end(self) -> None:
        if self._target is not None:
            words = " ".join("".join(self._words).split())[:LONGEST_WORDS]
            self._found.append(Anchor(self._target, words))
        self._target, self._words = None, []
