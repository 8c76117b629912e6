"""Display names: what stands before the address in From, and is all that many people read.

A name may hold the site's own domains. Other addresses and domains, unread counters such as
"(2)", signs that pass for a mailbox's verified badge, and characters that turn the direction of
text are taken out (Gmail's sender guidelines; the rest of a name is nobody's business). What is
a domain is decided by the public suffix list, so `Node.js` is a name and `bank.com` is not.

Tricks are seen through on a *shadow* of the name: the same text without invisible characters,
with full-width and other odd forms as plain ones, each of its characters tied to the one it came
from. Pure, and in time that grows with the length of the name only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import idna

from relay.policy.names.data import words
from relay.policy.names.look_alikes import brand_in, look_alike
from relay.policy.names.skeletons import skeleton
from relay.policy.names.suffixes import RESERVED, is_real

LONGEST_NAME = 300
"""Characters of a name; what is beyond is cut off (our decision: nobody is shown so many)."""

MOST_MENTIONED = 5
"""Domains of one name that are looked up (our decision); further ones count as foreign."""

Own = Callable[[str], bool]
"""Whether a domain (lower case, Punycode) is the site's own, or lies under one that is."""

BADGES = frozenset("✓✔✅☑🗸🗹🗳✗🔵🟦🔷🔹💠🛡🔒🔐🔏🔑🔔📩📨📧📬📫💌✉⚠❗❕‼🚨🆕🆗🏅🎖")
"""Signs that pass for a verified badge, a lock, a bell or a new message (our decision)."""

OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u206a\u206b")
"""Characters that turn or embed the direction of text (UAX #9); marks (LRM, RLM) may stay."""

STRAY = frozenset("\u200b\u2060\u2061\u2062\u2063\ufeff\u00ad\u180e\u115f\u1160\u3164\uffa0")
"""Invisible characters that no script needs; joiners (ZWJ, ZWNJ) may stay."""

_DOTS = frozenset(".․。｡．﹒۔܁܂‧ꓸ𝅭")
"""Full stops of all sorts, and what passes for one (UTS #39)."""
_NEW = (
    r"new|unread|messages?|mails?|neue?n?|ungelesene?|nachrichten?|nuev[oa]s?|mensajes?|baru|pesan"
    r"|新|封|則|未讀|未读|条|جديدة?|رسائل|رسالة"
)
_COUNTER = re.compile(
    rf"[(\[{{<（［【〔]\s{{0,3}}\d{{1,3}}\+?(?:\s{{0,3}}(?:{_NEW})){{0,3}}\s{{0,3}}[)\]}}>）］】〕]",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"\b\d{1,3}\s{1,3}(?:new|unread|neue|ungelesene|nuev[oa]s)\s{1,3}"
    r"(?:messages?|e?-?mails?|notifications?|nachrichten?|mensajes?|notificaciones|correos)\b",
    re.IGNORECASE,
)
_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u0900-\u0903\u093a-\u094f"
    "\u0e31-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f"
)
"""Accents and vowel signs of their own, which are no letters to `re` but part of a word."""

_LABEL = rf"[^\W_](?:[\w{_MARKS}-]{{0,61}}[^\W_{_MARKS}][{_MARKS}]{{0,4}}|[{_MARKS}]{{0,4}})"
_URL = re.compile(r"\b(?:https?|hxxps?|ftp)://[^\s<>\"]*", re.IGNORECASE)
_ADDRESS = re.compile(rf"[\w.!#$%&'*+/=?^`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL}){{1,10}}")
_SPACED_ADDRESS = re.compile(
    rf"(?<![\w.{_MARKS}-])[\w.+-]{{1,64}}\s{{0,3}}@\s{{0,3}}({_LABEL}(?:\s{{0,3}}\.\s{{0,3}}{_LABEL}){{1,10}})"
)
_SPELLED = re.compile(
    rf"(?<![\w.{_MARKS}-])[\w.+-]{{1,64}}\s{{0,3}}(?:[(\[{{]\s?at\s?[)\]}}]|\s(?:at|arroba|ät)\s)\s{{0,3}}"
    rf"{_LABEL}(?:\s{{0,3}}(?:[(\[{{]\s?(?:dot|punkt|punto)\s?[)\]}}]|\s(?:dot|punkt|punto)\s|\.)\s{{0,3}}{_LABEL}){{1,6}}",
    re.IGNORECASE,
)
_HALF_SPELLED = re.compile(
    rf"(?<![\w.{_MARKS}-]){_LABEL}(?:\s{{0,3}}[(\[{{]\s?(?:dot|punkt|punto|\.)\s?[)\]}}]\s{{0,3}}{_LABEL}){{1,6}}",
    re.IGNORECASE,
)
_DOMAIN = re.compile(
    rf"(?<![\w.{_MARKS}-]){_LABEL}(?:\.{_LABEL}){{1,10}}(?:[:/?#][^\s<>\"()]{{0,200}})?"
)
_SPACED_DOMAIN = re.compile(rf"(?<![\w.{_MARKS}-]){_LABEL}(?:\s{{0,3}}\.\s{{0,3}}{_LABEL}){{1,10}}")

ABBREVIATIONS = words(
    "dr prof st ste mr mrs ms mx hr fr frl no nr inc co jr sr dipl ing mag med abt dep dept vs fa gebr "
    "pty pvt sdn bhd hl jun sen bros mt ft univ bzw inh chr wm joh geb"
)
"""Words before whose dot people leave no space (`Co.KG`, `Dr.med`), whatever follows."""

FRAMEWORKS = frozenset(("asp.net", "vb.net", "ado.net", "ml.net", "f#.net", "xamarin.net"))
"""Names of techniques that happen to be domains."""

CLASSIC = (
    words(
        "com net org edu gov mil int info biz name online site xyz top shop store app dev icu vip click link "
        "live email support"
    )
    | RESERVED
)
"""Top levels that nobody takes for a word of a name."""

_AFTER_HOUR = frozenset(("am", "pm", "st", "th", "nd"))
_DANGLING = " \t-–—|:,;/\\·•<>@&+~=_(（[{【\"'`„“”«»*#"
_DANGLING_END = _DANGLING.replace("(", "").replace("[", "").replace("{", "").replace("（", "")
_LEFT_OPEN = re.compile(r"[(\[{<（［【「『]\s*[)\]}>）］】」』]|\"\s*\"|“\s*”|„\s*“|«\s*»")
_CONNECTORS = re.compile(
    r"(?:^|\s)(?:at|via|from|by|bei|von|über|auf|por|desde|de|dari|oleh|或|[(\[{]at[)\]}])$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Shadow:
    """The plain text, and for each of its characters where in the name it stands."""

    text: str
    places: list[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the name that part of the shadow stands."""
        return self.places[start], self.places[end - 1] + 1


def clean_name(name: str, own: Own) -> str:
    """The name without what misleads; "" when nothing but that was in it.

    A name that holds nothing of the kind comes back as it is, and so does a cleaned one.
    """
    name = _cut(name)
    for _ in range(LONGEST_NAME):  # each round takes something out, so it ends
        cleaned = _once(name, own)
        if cleaned == name:
            break
        name = cleaned
    return name


def mentioned(name: str) -> tuple[str, ...]:
    """The domains in the name, as they are compared; at most `MOST_MENTIONED`."""
    if not _may_hold_domains(name):
        return ()
    found: dict[str, None] = {}
    for _, _, domain in _found_in(_cut(name)):
        if domain:
            found[domain] = None
    return tuple(found)[:MOST_MENTIONED]


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME].rstrip()


def _may_hold_domains(name: str) -> bool:
    if name.isascii():
        return (
            "." in name
            or "@" in name
            or "dot" in name.lower()
            or "pun" in name.lower()
            or "//" in name
        )
    return True


def _once(name: str, own: Own) -> str:
    """One round of taking out and tidying; the name itself when there was nothing."""
    spans: list[tuple[int, int]] = []
    if _may_hold_domains(name):
        spans += [
            (start, end) for start, end, domain in _found_in(name) if not (domain and own(domain))
        ]
    spans += [match.span() for match in _COUNTER.finditer(name)]
    spans += [match.span() for match in _SUBJECT.finditer(name)]
    if not name.isascii():  # `⑵`, `(²)`
        shadow = _shadow(name)
        spans += [shadow.span(*match.span()) for match in _COUNTER.finditer(shadow.text)]
    spans += [(n, n + 1) for n, char in enumerate(name) if char in BADGES]
    cleaned = _without(name, spans)
    cleaned = "".join(filter(None, map(_visible, cleaned)))
    if cleaned == name:
        return name
    return _tidy(cleaned, emptied=bool(spans))


def _visible(char: str) -> str:
    """The character, a space for control characters, nothing for what is invisible and not needed."""
    if char in OVERRIDES or char in STRAY:
        return ""
    category = unicodedata.category(char)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "" if category in ("Cs", "Co", "Cn") else char


def _without(name: str, spans: list[tuple[int, int]]) -> str:
    """The name with a space where the spans were."""
    pieces, at = [], 0
    for start, end in sorted(spans):
        if start >= at:
            pieces += [name[at:start], " "]
        at = max(at, end)
        while at < len(name) and name[at] in "\ufe0e\ufe0f\u20e3":  # what only dressed the sign
            at += 1
    return "".join([*pieces, name[at:]])


def _tidy(text: str, *, emptied: bool) -> str:
    """Without the gaps, empty brackets and loose ends that taking out has left."""
    while (closed := _LEFT_OPEN.sub(" ", text)) != text:
        text = closed
    text = " ".join(text.split())
    if not emptied:
        return text
    while True:
        shorter = text.lstrip(_DANGLING_END + ".。、)]}>）】").rstrip(_DANGLING)
        shorter = _CONNECTORS.sub("", shorter)
        if shorter == text:
            break
        text = shorter
    if text.count('"') % 2:
        text = text.replace('"', "").strip()
    return (
        text
        if any(unicodedata.category(char)[0] in "LN" or char in _EMOJI for char in text)
        else ""
    )


class _Emoji:
    def __contains__(self, char: object) -> bool:
        return isinstance(char, str) and unicodedata.category(char) == "So"


_EMOJI = _Emoji()


@lru_cache(maxsize=1_024)
def _found_in(name: str) -> tuple[tuple[int, int, str], ...]:
    """What `_finds` finds; a site's mails bear the same few names again and again."""
    return tuple(_finds(_shadow(name)))


def _shadow(name: str) -> _Shadow:
    """The name as a program would read it: compatible forms plain, invisible characters gone."""
    text: list[str] = []
    places: list[int] = []
    for place, char in enumerate(name):
        plain = _plain(char)
        text.append(plain)
        places += [place] * len(plain)
    return _Shadow("".join(text), places)


def _plain(char: str) -> str:
    if char.isascii():
        return char if char.isprintable() else " "
    if char in _DOTS:
        return "."
    if unicodedata.category(char) in ("Cf", "Mn", "Me") or char in STRAY:
        # Joiners, variation selectors and accents of their own can hide a dot or an @.
        return char if unicodedata.category(char) == "Mn" and not _is_hiding(char) else ""
    return unicodedata.normalize("NFKC", char)


def _is_hiding(char: str) -> bool:
    """Variation selectors and the grapheme joiner show nothing."""
    return (
        "\ufe00" <= char <= "\ufe0f"
        or char in ("\u034f", "\u17b4", "\u17b5")
        or ord(char) >= 0xE0100
    )


def _finds(shadow: _Shadow) -> Iterator[tuple[int, int, str]]:
    """Addresses and domains: where in the name, and which domain ("" if no such can be)."""
    text = shadow.text
    taken: list[tuple[int, int]] = []
    for pattern, domain_of in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span()
            found = domain_of(match)
            if found is None:
                continue
            start, end, domain = start + found.skip, end - found.drop, found.domain
            if end <= start or any(start < e and s < end for s, e in taken):
                continue
            taken.append((start, end))
            first, last = shadow.span(start, end)
            yield first, last, domain


@dataclass(frozen=True, slots=True)
class _Found:
    """A domain inside a match: how much of the match's start and end does not belong to it."""

    domain: str
    skip: int = 0
    drop: int = 0


def _of_url(match: re.Match[str]) -> _Found:
    host = re.split(r"[/?#]", match[0].partition("://")[2])[0].rpartition("@")[2].partition(":")[0]
    return _Found(_ascii(host) or "")


def _of_address(match: re.Match[str]) -> _Found:
    return _Found(_ascii(match[0].rpartition("@")[2]) or "")


def _of_spaced_address(match: re.Match[str]) -> _Found | None:
    domain = _ascii(re.sub(r"\s", "", match[1]))
    if domain is not None and is_real(domain):
        return _Found(domain)
    # "Café @ Berlin. Com": only the first two labels may be meant.
    return None


def _of_spelled(match: re.Match[str]) -> _Found | None:
    """`support at bank dot com`; `good at art. Berlin` and `Shop at Polka dot Club` are names."""
    if not re.search(r"[(\[{]\s?at|[\s(\[{](?:dot|punkt|punto)[\s)\]}]", match[0], re.IGNORECASE):
        return None
    host = re.split(r"[)\]}]|\s(?:at|arroba|ät)\s", match[0], maxsplit=1, flags=re.IGNORECASE)[-1]
    dotted = re.sub(
        r"\s*[(\[{]?\s?\b(?:dot|punkt|punto)\b\s?[)\]}]?\s*", ".", host, flags=re.IGNORECASE
    )
    domain = _ascii("".join(dotted.split()))
    if domain is None or not is_real(domain) or match[0].split()[-1][:1].isupper():
        return None
    return _Found(domain)


def _of_half_spelled(match: re.Match[str]) -> _Found | None:
    dotted = re.sub(r"\s*[(\[{]\s?(?:\w+|\.)\s?[)\]}]\s*", ".", match[0])
    domain = _ascii(dotted)
    return _Found(domain) if domain is not None and is_real(domain) else None


def _of_domain(match: re.Match[str]) -> _Found | None:
    whole = re.split(r"[:/?#]", match[0], maxsplit=1)[0]
    path = match[0][len(whole) :]
    labels = whole.split(".")
    skip = _foreign_start(labels[0])
    for drop in _ends(labels) if not path else (0,):
        text = whole[skip : len(whole) - drop]
        domain = _ascii(text)
        if domain is not None and is_real(domain):
            break
    else:
        return _Found("", skip) if _is_disguised(labels[-1]) else None
    if _is_name(text, domain):
        return None
    # A path that holds a dot shows another domain beside this one: `shop.example/bank.example`.
    return _Found("" if "." in path else domain, skip, drop)


def _ends(labels: list[str]) -> Iterator[int]:
    """How many characters at the end may not belong to a domain: none, or the words behind it."""
    last = labels[-1]
    yield _foreign_end(last)
    if "-" in last:  # `bank.com-Team`
        yield len(last) - last.index("-")
    drop = 0
    for label in reversed(labels[2:]):  # `bank.com。台北`
        if not all(map(_is_cjk, label)):
            return
        drop += len(label) + 1
        yield drop


def _is_disguised(top: str) -> bool:
    """Whether this is no top level but is read as one: `com` with a Cyrillic o."""
    if top.isascii():
        return False
    seen = skeleton(top)
    strange = any(
        char.isalpha() and not char.isascii() and "LATIN" not in unicodedata.name(char, "")
        for char in top
    )
    mixed = any(char.isascii() for char in top)
    return seen in CLASSIC or (strange and mixed and is_real(f"a.{seen}"))


def _of_spaced_domain(match: re.Match[str]) -> _Found | None:
    """`bank . com`: a dot with a space before it, and a top level that is no word."""
    if not re.search(r"\s\.", match[0]) or re.search(r"[^\s]\.\s", match[0]):
        return None
    domain = _ascii(re.sub(r"\s", "", match[0]))
    if domain is None or not is_real(domain):
        return None
    top = match[0].rpartition(".")[2].strip()
    if top.isupper() or (top.lower() not in CLASSIC - {"name", "live", "link"} and len(top) != 2):
        return None
    return _Found(domain)


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], _Found | None]], ...] = (
    (_URL, _of_url),
    (_ADDRESS, _of_address),
    (_SPACED_ADDRESS, _of_spaced_address),
    (_SPELLED, _of_spelled),
    (_HALF_SPELLED, _of_half_spelled),
    (_DOMAIN, _of_domain),
    (_SPACED_DOMAIN, _of_spaced_domain),
)
"""What to look for, the surest first; a later find never overlaps an earlier one."""


def _is_name(text: str, domain: str) -> bool:
    """Whether people write this as a name although it could be a domain."""
    labels = text.split(".")
    top = labels[-1]
    if domain in FRAMEWORKS and top.isupper():
        return True
    if labels[0].isdigit() and (len(labels) == 2 and top.lower() in _AFTER_HOUR):
        return True
    short = len(labels) == 2 and labels[0].lower() in ABBREVIATIONS
    if short and top.lower() not in CLASSIC:
        return not look_alike(domain)
    capital = all(label[:1].isupper() for label in labels)
    if all(len(label) == 1 for label in labels[:-1]) and top[:1].isupper():
        return True  # M.Sc, E.Leclerc
    styled = (
        capital
        and len(top) > 2
        and top.lower() not in CLASSIC
        and not top.lower().startswith("xn--")
    )
    return styled and look_alike(domain) is None and brand_in(labels[-2]) is None


def _is_cjk(char: str) -> bool:
    return (
        "\u2e80" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7af" or "\uf900" <= char <= "\ufaff"
    )


def _foreign_start(label: str) -> int:
    """Characters of a first label that are the sentence before it: `關於bank` → 2."""
    if not any(map(_is_cjk, label)):
        return 0
    last = max(n for n, char in enumerate(label) if _is_cjk(char))
    return last + 1 if last + 1 < len(label) else 0


def _foreign_end(label: str) -> int:
    """Characters of a last label that are the sentence after it: `com公司` → 2."""
    if not label[:1].isascii() or label.isascii():
        return 0
    first = next((n for n, char in enumerate(label) if _is_cjk(char)), None)
    return len(label) - first if first else 0


def _ascii(host: str) -> str | None:
    """The domain as it is compared: lower case, Punycode; None where no domain can be so called."""
    host = host.strip(".").lower()
    if host.isascii():
        return host if 0 < len(host) <= 253 else None
    try:
        return idna.encode(host, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError, ValueError):
        try:
            labels = [
                label if label.isascii() else "xn--" + label.encode("punycode").decode()
                for label in unicodedata.normalize("NFC", host).split(".")
            ]
        except UnicodeError:
            return None
        found = ".".join(labels)
        return found if len(found) <= 253 else None
