"""Reading what a mail server answered: its codes, its plain words, and the reply inside the reply.

Gateways quote one another (`host mx said: 550 5.1.1 …`, `Message expired … <421 4.4.2 …>`), so a
reply is read from the inside out. The words are levelled - lower case, no accents, no
punctuation; addresses, hosts and numbers of no interest replaced by a common word - so that one
rule fits every server's way of writing the same thing. Text comes from strangers: it is cut
first, and every pattern here is linear.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 2048
"""How much of a reply is read, in characters. An SMTP reply line has at most 512."""

_LONGEST_WORD: Final = 48
_MOST_WORDS: Final = 200

# `smtp;`, `x-postfix;`, `x-unix; 71 smtp;`: the type before a Diagnostic-Code (RFC 3464 §2.3.6).
_TYPE = re.compile(
    r"\s*(?:smtp|lmtp|dns|x-[a-z0-9_-]{1,40})\s*;\s*(?:\d{1,3}\s+(?=smtp;))?", re.IGNORECASE
)

# A reply quoted in a reply: a code after a word or sign that announces somebody else's words.
_QUOTED = re.compile(
    r"(?:said:|says:|returned:?|response:|error:|was:|to me:|reason:|command:|data:|"
    r">:|->|[(<'\"]|"
    r"[^\s:()<>]@[^\s:()<>]{1,80}:)"
    r"\s?['\"(]?#?(?=[45][0-7]\d[ -]#?[A-Za-z<\[45(*])"
)
# Who asks about the sender's mailbox quotes a reply about the sender, not about our recipient.
_ABOUT_SENDER = re.compile(
    r"sender (?:address|verif)|verification failed for|callback setup", re.IGNORECASE
)
_CODE = re.compile(r"\s*[<'\"(\[]{0,2}([245]\d\d)(?![\d.])")
_ENHANCED = re.compile(r"[245](?<![\d.].)\.\d{1,3}\.\d{1,3}(?!\.?\d)")

# Codes are taken out of the words: `550-5.1.1 The …` is about the same as `550 The …`. Each
# pattern begins with the sign it looks for and looks behind afterwards, which the engine scans
# for fastest.
_CODES = re.compile(
    r"[245](?:(?<![^\s(\[<].)\d\d(?:-(?=[\w#(\[<\"'])|(?=[\s.,:;)\]>-]|$))|"
    r"(?<![\w.].)\.\d{1,3}\.\d{1,3}(?!\.?\d))"
)
_JOINED = re.compile(r"\.(?<=[a-z]\.)(?=[A-Z])")
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"]{1,300}", re.IGNORECASE)
_ADDRESS = re.compile(r"[^<>\"(),:;\[\]=|]{0,80}@[^<>\"(),:;\[\]|']{1,120}")
_IP = re.compile(
    r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?!\.?\d)|"
    r"(?:[0-9a-f]{1,4}:){2,7}(?:[0-9a-f]{1,4}|:[0-9a-f]{0,4})",
    re.IGNORECASE,
)
_HOST = re.compile(
    r"(?<![\w.])(?!(?:resolver|storedrv|routing|transport|cat|queue|smtpsend|agents?)\.)"
    r"[a-z0-9](?:[a-z0-9_-]{0,62}\.){1,8}[a-z]{2,18}\b"
)

_SIGNS = (
    '"()<>[]{},;:!?*|=~^\\/_-+#%&$@'
    "\u2018\u201c\u201d\u00ab\u00bb\u2013\u2014\u2026\u00a0\u3001\u3002"
)
_SPACED = dict.fromkeys([*map(ord, _SIGNS), *range(32)], " ")
_DROPPED = dict.fromkeys(map(ord, "'`\u2019\u00b4"))
_LEVEL: Final[dict[int, str | None]] = {**_SPACED, **_DROPPED}
_NEGATED: Final = {
    **dict.fromkeys(("doesnt", "dosnt", "dosent", "doesent", "doest", "doesnot"), "does not"),
    "dont": "do not",
    "donot": "do not",
    "isnt": "is not",
    "cant": "cannot",
    "couldnt": "could not",
    "didnt": "did not",
    "wasnt": "was not",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of one server, levelled for comparison."""

    text: str
    """The reply as it was written, on one line."""
    words: str
    """The levelled words, one space before, between and after."""
    links: str
    """The web addresses and host names in it, lower case."""
    hosts: tuple[str, ...]
    """The host names in it, those of the web addresses first."""
    code: str
    """The SMTP reply code (550), or empty."""
    enhanced: str
    """The enhanced status code in the text (5.1.1), or empty."""


def fold(text: str) -> str:
    """Lower case without accents: `Boîte PLEINE` becomes `boite pleine`."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())[: 2 * LONGEST]
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def read(text: str) -> Reply:
    """One reply, taken by itself."""
    code = _CODE.match(text)
    enhanced = _ENHANCED.search(text)
    links: list[str] = []
    hosts: list[str] = []
    rest = _JOINED.sub(". ", text)
    if "..." in rest:
        rest = rest.replace("...", " ")
    if "://" in rest or "www." in rest:
        links = [link.lower() for link in _LINK.findall(rest)]
        hosts = [link.rpartition("//")[2].partition("/")[0] for link in links]
        rest = _LINK.sub(" ", rest)
    rest = fold(_CODES.sub(" ", rest))

    def name(word: str) -> str:
        word = _IP.sub(" ip ", _ADDRESS.sub(" addr ", word) if "@" in word else word)
        if "." in word and (found := _HOST.findall(word)):
            hosts.extend(found)
            word = _HOST.sub(" fqdn ", word)
        return word.replace(".", " ")

    if "." in rest or "@" in rest or "::" in rest:
        rest = " ".join(
            [
                name(word) if "." in word or "@" in word or "::" in word else word
                for word in rest.split()
            ]
        )
    if "n\u2019t" in rest:
        rest = rest.replace("n\u2019t", "n't")
    if "n't" in rest:
        rest = rest.replace("can't", "cannot").replace("n't", " not")
    rest = rest.replace("e-mail", "email").replace("can not", "cannot")
    words = rest.translate(_LEVEL).split()[:_MOST_WORDS]
    level = " ".join(
        [
            _NEGATED.get(word, word)
            for word in words
            if len(word) <= _LONGEST_WORD or not word.isascii()
        ]
    )
    return Reply(
        text=text,
        words=f" {level} ",
        links=" ".join(links + hosts) if hosts else "",
        hosts=tuple(hosts),
        code=code[1] if code else "",
        enhanced=enhanced[0] if enhanced else "",
    )


def tidy(text: str) -> str:
    """The diagnostic text on one line, without its type, cut to what is read."""
    line = " ".join(text[:LONGEST].split())
    for _ in range(2):
        found = _TYPE.match(line) if ";" in line[:60] else None
        if not found:
            break
        line = line[found.end() :]
    return line


def unwrap(text: str) -> tuple[Reply, ...]:
    """The replies in a diagnostic text, the innermost first and the whole last."""
    line = tidy(text)
    starts = [found.end() for found in _QUOTED.finditer(line)]
    whole = read(line)
    if not starts or starts[-1] == 0 or _ABOUT_SENDER.search(line):
        return (whole,)
    return (read(line[starts[-1] :]), whole)
