"""The way out that every newsletter carries in its text, beside the headers that mail programs read.

A site may say where it stands, by `{{unsubscribe_url}}` or, where HTML is cleaned on its way, by the
address in `MARK_URL`. Else the relay appends it, with who answers for the list. What a site has of its
own stays.
"""

from __future__ import annotations

import re
from functools import lru_cache

from relay.errors import LinkImpossible
from relay.gateways import bodies
from relay.gateways.bodies import Body, Text, Unreadable
from relay.mail import Mime
from relay.policy.facts import ListFacts
from relay.services import letter_texts, person_links
from relay.services.copies import PLACEHOLDER
from relay.services.person_links import Page

MARK_URL = "https://postreeve.invalid/unsubscribe"
"""Stands for the link as an address: it passes what cleans HTML, and leads nowhere (RFC 2606 §2)."""

_MARKS = re.compile(
    r"(?i)\{\{\s*unsubscribe_url\s*\}\}|%7B%7B(?:%20)*unsubscribe_url(?:%20)*%7D%7D"
    r"|https?://postreeve\.invalid/unsubscribe/?"
)
_BODY_ENDS = re.compile(r"(?i)</body\s*>")
_HTML_ENDS = re.compile(r"(?i)</html\s*>")


def with_way_out(message: Mime, mailing_list: ListFacts, public_url: str) -> Mime:
    """The newsletter with a place for each person's link in every text of its body.

    Raises `LinkImpossible` where there is no text, or none that may be changed.
    """
    try:
        body = bodies.read(message)
    except Unreadable as error:
        raise LinkImpossible(
            f"This newsletter cannot be given an unsubscribe link. {error.detail}",
            reason=error.reason,
        ) from None
    _check_texts(body)
    url = person_links.url(public_url, Page.UNSUBSCRIBE, PLACEHOLDER)

    def change(text: Text) -> str | None:
        words = _MARKS.sub(lambda _: url, text.text)
        if text.is_body and PLACEHOLDER not in words:
            words = _appended(text.type, words, mailing_list, url)
        stays = words == text.text and (PLACEHOLDER not in words or text.encoding != "base64")
        return None if stays else words

    return bodies.rewritten(message, body, change)


def _check_texts(body: Body) -> None:
    if not any(text.is_body for text in body.texts):
        raise LinkImpossible(
            "This newsletter has no text or HTML in which an unsubscribe link could stand",
            reason="no-text",
        )


def _appended(type: str, words: str, mailing_list: ListFacts, url: str) -> str:
    report = url.replace(f"/{Page.UNSUBSCRIBE}/", f"/{Page.REPORT_ABUSE}/")
    text, html = _footer(mailing_list, url, report)
    if type == "text/plain":
        return f"{words.rstrip()}\n\n{text}"
    ends = [*_BODY_ENDS.finditer(words)] or [*_HTML_ENDS.finditer(words)]
    at = ends[-1].start() if ends else len(words)
    return f"{words[:at]}{html}{words[at:]}"


@lru_cache(maxsize=1_000)
def _footer(mailing_list: ListFacts, url: str, report: str) -> tuple[str, str]:
    """What is appended, as text and as HTML; the HTML in ASCII, so that every charset has it."""
    made = letter_texts.pair(
        "way-out",
        {"mailing_list": mailing_list, "url": url, "report": report},
        subject="",
        language=mailing_list.language,
    )
    return made.text, made.html.encode("ascii", "xmlcharrefreplace").decode()
