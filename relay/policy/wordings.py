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
    r"""[hsabHSAB](?<!\w\w)(?i:(?<=h)ref|(?<=s)rc|(?<=a)ction|(?<=b)ackground)"""
    r"""\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"""
)
"""An attribute that leads somewhere. It begins with what can be looked for quickly: a letter."""
_TAG = re.compile(r"<[^<>]*>")
_ADDRESS = re.compile(r"(?<![^\s@<>\"'(),;:])[^\s@<>\"'(),;:]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"\b(?:https?://|www\.)[^\s<>\"'()]+")
_GREETING = re.compile(
    r"(?m)^[ \t]*(?=[bcdeghiklmopqswyأاعم亲您你尊親])"
    r"(?:hi|hiya|hey|hello|dear|good (?:morning|afternoon|evening|day)|greetings|welcome"
    r"|hallo|liebe[rs]?|guten (?:tag|morgen|abend)|sehr geehrte[rs]?(?: (?:frau|herr))?|servus|moin"
    r"|hola|estimad[oa]|querid[oa]|buen(?:os|as) (?:d[ií]as|tardes|noches)|bonjour|salut|ch(?:er|[eè]re)"
    r"|ciao|gentile|ol[aá]|prezad[oa]|car[oa]|halo|hai|yth\.?|kepada|selamat (?:pagi|siang|sore|malam)"
    r"|bapak|ibu|مرحبا|أهلا|عزيزي|عزيزتي|السلام عليكم|您好|你好|親愛的|亲爱的|尊敬的)"
    r"(?![\w])[^\n.!?:]{0,60}"
)
"""How a line greets somebody; most lines do not even begin with a letter of these."""
_WORD = re.compile(r"\w+")
LONGEST = 24
"""Signs from which on a run of ASCII letters is a code rather than a word (our decision)."""

_ANCHOR = re.compile(r"#[^\n]*")
_ASKED = re.compile(r"\?[^\n]*")
_STEP = re.compile(r"/(?:[^/?\n\d]*\d[^/?\n]*|[a-z_]{24,}(?=[/?\n]|$))")
_ANY_STEP = re.compile(r"(?<=/)[^/?\n]+")

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
        links = [double or single or bare for double, single, bare in _LINK.findall(text)]
        text = unescape(_TAG.sub("\n", text))
    text = _plain(text)
    if "://" in text or "www." in text:
        links += _URL.findall(text)
        text = _URL.sub(" ", text)
    text = _GREETING.sub(" ", text)
    if "@" in text:
        text = _ADDRESS.sub(" ", text)
    words = " ".join(
        [
            word
            for word in filter(str.isalpha, _words(text))
            if word not in names and (len(word) < LONGEST or not word.isascii())
        ]
    )
    led = _led(links, names)
    return f"{words}\n{led}" if words or led else ""


_BETWEEN = bytes(
    each if each > 127 or chr(each).isalnum() or chr(each) == "_" else ord(" ")
    for each in range(256)
)
"""What each octet of UTF-8 becomes: what is between words, a space."""


def _words(text: str) -> list[str]:
    """What `\\w+` finds, in a quarter of the time."""
    if not text.isascii():
        between = [sign for sign in set(text) if sign > "\x7f" and not sign.isalnum()]
        if len(between) > 32:  # nobody's letter has so many, and each takes its time
            return _WORD.findall(text)
        for sign in between:
            text = text.replace(sign, " ")
    octets = text.encode("utf-8", "surrogatepass").translate(_BETWEEN)
    return octets.decode("utf-8", "surrogatepass").split()


def _led(links: Sequence[str], names: frozenset[str]) -> str:
    """Where links lead everybody: hosts and paths without codes and names, and what is asked for."""
    joined = "\n".join([link.replace("\n", "") for link in dict.fromkeys(links)])
    led = _plain(unescape(joined))
    led = _ANCHOR.sub("", led)
    if "@" in led:
        led = _ADDRESS.sub(_GAP, led)
    led = _STEP.sub(f"/{_GAP}", _ASKED.sub(_keys, led))
    if any(name in led for name in names):
        led = _ANY_STEP.sub(lambda step: _GAP if step[0] in names else step[0], led)
    return " ".join(sorted(set(led.split("\n"))))


def _keys(asked: re.Match[str]) -> str:
    """The names of what a link asks, without the values."""
    keys = {part.partition("=")[0] for part in re.split("[&;]", asked[0][1:]) if "=" in part}
    return f"?{'&'.join(sorted(keys))}" if keys else ""
