"""What the relay's own mail says, in the language of whoever reads it, as plain text and as HTML.

A letter to an owner is one template, `NAME.letter`. It sets `subject`, and says the rest by the parts of
`parts.txt` and `parts.html`, which have the same names: so text and HTML say the same. Mail to people
who are no owners has a template for each, `NAME.txt` and `NAME.html`.

Templates say `_("…")`, `ngettext("…", "…", number)` or `{% trans %}…{% endtrans %}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from relay import languages
from relay.sayings import Saying, spoken

TEMPLATES = Path(__file__).parents[1] / "letters"

LONGEST_SUBJECT = 200
"""Characters (our decision): names in it can be long."""

Form = Literal["txt", "html"]

ESCAPED: Mapping[Form, tuple[str, ...]] = {"txt": (), "html": ("html", "letter")}
"""Endings of the templates whose values are escaped, by form."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is said: a subject, and the same text as plain text and as HTML."""

    subject: str
    text: str
    html: str
    headers: Mapping[str, str] = field(
        # RFC 3834 §5: no out-of-office answers, please
        default_factory=lambda: {"Auto-Submitted": "auto-generated"}
    )


def render(name: str, /, values: Mapping[str, Any], *, language: str) -> Letter:
    """The letter that the template `NAME.letter` makes of these values, in a language."""
    subject, text = map(str, _said(name, "txt", values, language))
    heading, body = _said(name, "html", values, language)
    line = " ".join(subject.split())
    frame = {"subject": line, "heading": heading, "body": body}
    return Letter(
        line[:LONGEST_SUBJECT],
        re.sub(r"\n{3,}", "\n\n", f"{line}\n\n{text.strip()}\n"),
        _filled("letter", "html", frame, language),
    )


def pair(name: str, /, values: Mapping[str, Any], *, subject: str, language: str) -> Letter:
    """The mail that the templates `NAME.txt` and `NAME.html` make; its subject is in that language."""
    given = {"subject": subject, **values}
    text, html = (_filled(name, form, given, language) for form in ("txt", "html"))
    return Letter(subject, text.strip() + "\n", html)


def _said(name: str, form: Form, values: Mapping[str, Any], language: str) -> tuple[Any, Any]:
    """The subject and the body of a letter in one form; of HTML as markup."""
    template = _environment(form, language).get_template(f"{name}.letter")
    module: Any = template.make_module({**values, "parts": f"parts.{form}"})
    return module.subject, module


def _filled(name: str, form: Form, values: Mapping[str, Any], language: str) -> str:
    given = {"language": language, "direction": languages.direction(language), **values}
    return _environment(form, language).get_template(f"{name}.{form}").render(given)


@lru_cache(maxsize=2 * len(languages.LANGUAGES))
def _environment(form: Form, language: str) -> Environment:
    made = Environment(
        extensions=["jinja2.ext.i18n"],
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(ESCAPED[form]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["ext.i18n.trimmed"] = True
    extended: Any = made
    extended.install_gettext_callables(
        lambda message: languages.translations(language).gettext(message),
        lambda one, many, number: languages.translations(language).ngettext(one, many, number),
        newstyle=True,
    )
    made.filters |= _filters(language) | (_HTML if form == "html" else _TEXT)
    return made


def _filters(language: str) -> dict[str, Callable[..., Any]]:
    """How a language writes what is filled in."""

    def figures(pairs: Iterable[tuple[str, Saying | float | str]]) -> list[tuple[str, str]]:
        """What each figure is called, and the figure, in this language."""
        return [(spoken(label, language), figure(value)) for label, value in pairs]

    def figure(value: Saying | float | str) -> str:
        """A share as per cent, what was said in this language, and a text as it stands."""
        if isinstance(value, float):
            return languages.share(value, language)
        return value.spoken(language) if isinstance(value, Saying) else value

    return {
        "day": lambda at: languages.day(at, language),
        "moment": lambda at: languages.moment(at, language),
        "number": lambda number: languages.number(number, language),
        "quoted": lambda text: languages.quoted((text,), language),
        "said": lambda told: spoken(told, language),
        "joined": languages.joined,
        "figure": figure,
        "figures": figures,
    }


_TEXT: dict[str, Callable[..., Any]] = {"name": str, "code": str}
_HTML: dict[str, Callable[..., Any]] = {
    "name": lambda text: Markup("<bdi>{}</bdi>").format(text),
    "code": lambda text: Markup('<code dir="ltr">{}</code>').format(text),
}
"""`name`: somebody's own words within a sentence of ours, which may run the other way; `code`: words for
programs, which run from left to right."""
