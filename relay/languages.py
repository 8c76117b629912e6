"""The languages of people we speak to: which we speak, which one suits somebody, what is said in it.

English is what stands in templates and code; the other languages are `.po` files in
`relay/translations`, read as they are (no compiled files), once per process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Literal

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

FOLDER = Path(__file__).parent / "translations"

Direction = Literal["ltr", "rtl"]


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its tag (BCP 47), its own name for itself, and Babel's name of its customs.

    `quotes` stand round what somebody else wrote, `comma` between such texts.
    """

    tag: str
    name: str
    locale: str
    quotes: tuple[str, str] = ("“", "”")
    comma: str = ", "

    @property
    def catalog(self) -> Path:
        """The file of its translations (there is none for English)."""
        return FOLDER / self.tag.replace("-", "_") / "LC_MESSAGES" / "postreeve.po"


ENGLISH = "en"

LANGUAGES: Mapping[str, Language] = {
    language.tag: language
    for language in (
        Language(ENGLISH, "English", "en_GB"),
        Language("id", "Bahasa Indonesia", "id"),
        Language("zh-Hant", "繁體中文", "zh_Hant_TW", quotes=("「", "」"), comma="、"),
        Language("de", "Deutsch", "de", quotes=("„", "“")),
        Language("es", "Español", "es", quotes=("«", "»")),
        Language("ar", "العربية", "ar", quotes=("«", "»"), comma="، "),
    )
}
"""In the order in which people are offered them."""

ALSO = {"zh": "zh-Hant", "in": "id"}
"""Tags that mean one of ours: any Chinese reads traditional characters more easily than English, and
`in` is what old software calls Indonesian.
"""


@lru_cache(maxsize=len(LANGUAGES))
def translations(language: str) -> NullTranslations:
    """What is said in this language; English, and whatever we do not speak, says what it is asked."""
    spoken = LANGUAGES.get(language)
    if spoken is None or spoken.tag == ENGLISH:
        return NullTranslations()
    with spoken.catalog.open("rb") as file:
        catalog = read_po(file, locale=spoken.tag.replace("-", "_"))
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


def direction(language: str) -> Direction:
    """Which way the language is written."""
    return "rtl" if Locale.parse(_locale(language)).text_direction == "rtl" else "ltr"


def known(tag: str | None) -> str | None:
    """Our language for a tag such as `de-AT`, `zh_TW` or `AR`; None where we do not speak it."""
    first = (tag or "").strip().replace("_", "-").partition("-")[0].lower()
    found = ALSO.get(first, first)
    return found if found in LANGUAGES else None


def best(accept_language: str | None, hint: str | None = None) -> str:
    """The language for somebody: `hint` if we speak it, else what their browser asks for, else English.

    `accept_language` is the header of that name (RFC 9110 §12.5.4): tags with weights.
    """
    if found := known(hint):
        return found
    if not accept_language:
        return ENGLISH
    asked = sorted((_weighed(part) for part in accept_language.split(",")[:50]),
                   key=lambda one: one[0], reverse=True)  # fmt: skip
    return next((ours for weight, tag in asked if weight > 0 and (ours := known(tag))), ENGLISH)


def _weighed(part: str) -> tuple[float, str]:
    tag, _, weight = part.partition(";")
    try:
        return (float(weight.strip().removeprefix("q=")) if weight else 1.0), tag
    except ValueError:
        return 0.0, tag


def day(at: date, language: str) -> str:
    """A day as the language writes it: 22 November 2026, 2026年11月22日."""
    return format_date(at, "long", locale=_locale(language))


def moment(at: datetime, language: str = ENGLISH) -> str:
    """An instant as the language writes it, in UTC: Sunday, 22 November 2026, 09:00 UTC."""
    if language == ENGLISH:
        return f"{at:%A, %-d %B %Y, %H:%M} UTC"
    locale = _locale(language)
    time = format_datetime(at, "HH:mm", locale=locale)
    return f"{format_date(at, 'full', locale=locale)}, {time} UTC"


def day_and_time(at: datetime, language: str = ENGLISH) -> str:
    """An instant of these weeks, without its year, in UTC: 22 November, 09:00 UTC."""
    at = at.astimezone(UTC)
    day = format_skeleton("MMMMd", at, locale=_locale(language))
    return f"{day}, {format_datetime(at, 'HH:mm', locale=_locale(language))} UTC"


def ago(span: timedelta, language: str) -> str:
    """How long ago, or in how long if the span is positive: 5 minutes ago, in 2 hours."""
    return format_timedelta(
        span, granularity="minute", threshold=1, add_direction=True, locale=_locale(language)
    )


def number(value: int, language: str = ENGLISH) -> str:
    """A whole number as the language writes it: 1,234 or 1.234."""
    return format_decimal(value, locale=_locale(language))


def share(part: float, language: str = ENGLISH) -> str:
    """A share of 1 as per cent, with as many digits as tell it from the next line: 0.08 %, 8.1 %."""
    pattern = "0.00" if part < 0.01 else "0.0"
    return f"{format_decimal(part * 100, pattern, locale=_locale(language))} %"


def quoted(texts: Iterable[str], language: str) -> str:
    """What others wrote, within a sentence of ours: “one”, “two”."""
    left, right = _customs(language).quotes
    return listed((f"{left}{text}{right}" for text in texts), language)


def listed(texts: Iterable[str], language: str) -> str:
    """Texts in a row: one, two."""
    return _customs(language).comma.join(texts)


def joined(sentences: Iterable[str]) -> str:
    """Sentences one after another; a full stop of the East brings its space along. Markup stays markup."""
    told = ""
    for sentence in sentences:
        told += sentence if not told or told.endswith("。") else " " + sentence
    return told


def _locale(language: str) -> str:
    return _customs(language).locale


def _customs(language: str) -> Language:
    return LANGUAGES.get(language, LANGUAGES[ENGLISH])
