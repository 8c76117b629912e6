"""Whether mails say the same to many people: their words once all that is one person's is taken out.

A transactional mail is written for one person. Where many people get the same words with the same
links, and only the greeting, a number or a code differs, it is a campaign whatever it is called
(design: part 3). Pure and quick: it is asked about every mail of a site that sends much.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import timedelta
from html import unescape

MOST_ALIKE = 100
"""People in `WITHIN` who may get the same words (design: part 3)."""

WITHIN = timedelta(hours=1)

DECISION_COUNTS = timedelta(days=30)
"""So long an operator's decision is also one about mail that says the same (our decision)."""

UNDECIDED_COUNTS = timedelta(days=7)
"""So long mail that says the same is held while nobody has decided (our decision)."""

_HIDDEN = re.compile(
    r"(?is)<!--.*?(?:-->|\Z)|<(style|script|title|head)\b.*?(?:</\1\s*>|\Z)",
)
_LINK = re.compile(
    r"""(?is)\b(?:href|src|action|background)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"""
)
_TAG = re.compile(r"<[^<>]*>")
_ADDRESS = re.compile(r"(?<![^\s@<>\"'(),;:])[^\s@<>\"'(),;:]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"(?i)\b(?:https?://|www\.)[^\s<>\"'()]+")
_GREETING = re.compile(
    r"(?im)^[ \t]*(?:hi|hiya|hey|hello|dear|good (?:morning|afternoon|evening|day)|greetings|welcome"
    r"|hallo|liebe[rs]?|guten (?:tag|morgen|abend)|sehr geehrte[rs]?(?: (?:frau|herr))?|servus|moin"
    r"|hola|estimad[oa]|querid[oa]|buen(?:os|as) (?:d[ií]as|tardes|noches)|bonjour|salut|ch(?:er|[eè]re)"
    r"|ciao|gentile|ol[aá]|prezad[oa]|car[oa]|halo|hai|yth\.?|kepada|selamat (?:pagi|siang|sore|malam)"
    r"|bapak|ibu|مرحبا|أهلا|عزيزي|عزيزتي|السلام عليكم|您好|你好|親愛的|亲爱的|尊敬的)"
    r"(?![\w])[^\n.!?:]{0,60}"
)
_WORD = re.compile(r"\w+", re.UNICODE)
_TOKEN_LENGTH = 24
"""Signs from which on a run without a break is a code rather than a word (our decision)."""

_GAP = "#"


def fingerprint(
    texts: Iterable[tuple[str, bool]], *, people: Sequence[str] = (), subject: str = ""
) -> str:
    """The words and links of a mail as 64 hexadecimal digits, equal for mails that say the same.

    `texts` are its texts, each with whether it is HTML; `people` the names and addresses of those it
    is for. Taken out are greetings, these names and addresses, any other address, numbers, codes, and
    what links have behind their `?`. Where there is no text at all, the subject speaks.
    """
    names = _names(people)
    said = [_said(text, is_html, names) for text, is_html in texts]
    if not any(said):
        said = [_said(subject, False, names)]
    return hashlib.sha256("\n\0".join(said).encode("utf-8", "replace")).hexdigest()


def _names(people: Iterable[str]) -> frozenset[str]:
    """The words by which people are known: of their names, and of their addresses' local parts."""
    found: set[str] = set()
    for person in people:
        local = person.rpartition("@")[0] or person
        found.update(word for word in _WORD.findall(_plain(local)) if len(word) > 1)
        found.update(word for word in _plain(local).replace("_", " ").split() if len(word) > 1)
    return frozenset(found)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _said(text: str, is_html: bool, names: frozenset[str]) -> str:
    links: list[str] = []
    if is_html:
        text = _HIDDEN.sub(" ", text)
        links = [unescape(next(filter(None, found.groups()), "")) for found in _LINK.finditer(text)]
        text = unescape(_TAG.sub("\n", text))
    text = _plain(text)
    links += _URL.findall(text)
    text = _URL.sub(" ", text)
    text = _GREETING.sub(" ", text)
    text = _ADDRESS.sub(_GAP, text)
    words = " ".join(_words(text, names))
    led = sorted({_led(link, names) for link in links})
    return f"{words}\n{' '.join(led)}" if words or led else ""


def _words(text: str, names: frozenset[str]) -> Iterable[str]:
    """The words that everybody gets; what is one person's leaves no trace, however often it stands."""
    for word in _WORD.findall(text):
        if word in names or _is_code(word):
            continue
        yield word


def _is_code(word: str) -> bool:
    """Whether it is a number, or letters and digits mixed, or too long for a word of any language."""
    return (len(word) >= _TOKEN_LENGTH and word.isascii()) or any(sign.isdigit() for sign in word)


def _led(link: str, names: frozenset[str]) -> str:
    """Where a link leads everybody: host and path without codes, the names of what is asked."""
    place, _, asked = _plain(link).partition("#")[0].partition("?")
    place = _ADDRESS.sub(_GAP, place)
    kept = "/".join(
        _GAP if any(map(_is_code, _WORD.findall(step))) or step in names else step
        for step in place.split("/")
    )
    asks = sorted({part.partition("=")[0] for part in re.split("[&;]", asked) if "=" in part})
    return f"{kept}?{'&'.join(asks)}" if asks else kept
