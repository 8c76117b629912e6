"""HTML as it stands in mails, tag by tag as the HTML standard's tokeniser reads it (WHATWG HTML §13.2.5).

No tree is made of it. A tree leaves out what stands where nothing may stand, which some mail program
shows all the same; and it grows without bounds: 64 KB of nested fonts took a browser's parser 3 GB.
Here every sign is passed once or twice, by regular expressions that never go back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import unescape

TEXT, COMMENT, RAW, REST = "", "!", "#", "<"
"""What a token is if it is no tag: words; a comment; what is no HTML to a browser (what stands in a style,
a script, a text field); and what is behind a tag or comment that never ends, which each program reads in
its own way."""

Token = tuple[str, str]
"""A tag's name in lower case (`a`, `/a`) with its attributes as they stand, or one of the above."""

ALL = "[a-z][^ ]*?"
"""Every tag is a token of its own."""

_S = r"\t\n\f\r "
_NAME = rf"[A-Za-z][^{_S}/>]*+"


def _attribute(group: str) -> str:
    """One attribute: its name, and its value in double quotes, in single ones, or bare."""
    value = "|".join(
        (
            rf"\"{group}[^\"]*+)(?:\"|\Z)",
            rf"'{group}[^']*+)(?:'|\Z)",
            rf"{group}[^{_S}>\"'][^{_S}>]*+)",
            r"(?=>)",
        )
    )
    return rf"[{_S}/]*+{group}=?[^{_S}/>=]++|=)(?:[{_S}]*+=[{_S}]*+(?:{value}))?+"


_ATTRIBUTES = rf"(?>[^=>]*+(?=>)|(?>{_attribute('(?:')})*+[{_S}/]*+)"
_RAW = "iframe|no(?:embed|frames)|s(?:cript|tyle)|t(?:extarea|itle)|xmp"

_EACH = re.compile(_attribute("("))
_TAG = re.compile(rf"</?+{_NAME}{_ATTRIBUTES}>")
_SIGNS = re.compile(r"<(?:!(?:--)?|\?|/(?![A-Za-z]))")


def tokens(html: str, tags: str = ALL, *, flat: bool = False) -> Iterator[Token]:
    """What the HTML consists of, in order; tags other than `tags` (an expression) stay in the text, but for
    those that may have swallowed one.

    `flat` reads what browsers hide: nothing is a comment then, or raw.
    """
    html = html.replace("\0", "")
    if flat:
        html = _SIGNS.sub(" ", html)
    for found in _pattern(tags, flat).finditer(html):
        match found.lastgroup:
            case "text":
                yield TEXT, found[0]
            case "attributes":
                yield found["name"].lower(), found["attributes"]
            case "comment" | "bogus" as kind:
                yield COMMENT, found[kind]
            case "content":
                yield found["raw"].lower(), found["beside"]
                yield RAW, found["content"]
            case "rest":
                yield REST, found["rest"]


@lru_cache(maxsize=8)
def _pattern(tags: str, flat: bool) -> re.Pattern[str]:
    ends = rf"(?=[{_S}/>])"
    raw = r"(?!)" if flat else rf"(?i:{_RAW}){ends}"
    plain = rf"</?+(?!(?i:{tags}){ends}|{raw}){_NAME}(?=[^<>]*+>){_ATTRIBUTES}>"
    return re.compile(
        rf"(?s)(?P<text>(?:[^<]++|<(?![A-Za-z/!?])|{plain})++)"
        rf"|<(?:!--(?:-?>|(?P<comment>.*?)--!?>)"
        rf"|(?P<raw>{raw})(?P<beside>{_ATTRIBUTES})>(?P<content>.*?(?=</(?i:(?P=raw)){ends}|\Z))"
        rf"|(?P<name>/?+{_NAME})(?P<attributes>{_ATTRIBUTES})>"
        rf"|(?!!--)(?P<bogus>[!?/][^>]*+>)"
        rf"|(?P<rest>.*+))"
    )


def attributes(source: str) -> dict[str, str]:
    """A tag's attributes, from as they stand; of several with one name the first that says something."""
    return dict(reversed(pairs(source)))


def pairs(source: str) -> list[tuple[str, str]]:
    """Names and values of a tag's attributes that say something, also those that browsers pass over."""
    return [
        (name.lower(), unescape(value))
        for name, double, single, bare in _EACH.findall(source)
        if (value := double or single or bare)
    ]


def words(text: str, between: str = "") -> str:
    """The text of a TEXT token as it is read: without the tags in it, each exchanged for `between`.

    Of other text it may take for ever, for a tag that never ends is looked for from each `<`.
    """
    return unescape(_TAG.sub(between, text))
