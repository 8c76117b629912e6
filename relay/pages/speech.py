"""Which language a page speaks to whoever looks at it, and the page in that language."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Flask, Response, g, make_response, render_template, request
from markupsafe import Markup

from relay import languages
from relay.sayings import Saying, spoken


def speak_to(hint: str | None = None) -> str:
    """Choose the language of this answer, and return it.

    What was chosen by a link at the foot of the page (`?lang=`) goes before `hint`, the language in
    which the person signed up, and that before what the browser asks for.
    """
    chosen = languages.known(request.args.get("lang"))
    g.language = languages.best(request.headers.get("Accept-Language"), chosen or hint)
    return str(g.language)


def page(template: str, *, status: int = 200, hint: str | None = None, **values: Any) -> Response:
    """A page in the language of whoever looks at it; `hint` as for `speak_to`."""
    spoken = speak_to(hint)
    text = render_template(
        template, language=spoken, direction=languages.direction(spoken), **values
    )
    response = make_response(text, status)
    response.content_language.add(spoken)
    response.vary.add("Accept-Language")
    return response


def language() -> str:
    """The language of this answer."""
    return str(g.language) if "language" in g else speak_to()


def gettext(message: str) -> str:
    """A message in the language of this answer."""
    return languages.translations(language()).gettext(message)


def ngettext(one: str, many: str, number: int) -> str:
    """A message about a number of things, in the language of this answer."""
    return languages.translations(language()).ngettext(one, many, number)


def install(app: Flask) -> None:
    """Teach the application's templates `{% trans %}` and `_()`, filters, and what a frame needs."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    extended: Any = app.jinja_env
    extended.install_gettext_callables(gettext, ngettext, newstyle=True)
    app.jinja_env.filters["name"] = name
    app.jinja_env.filters["day"] = day
    app.jinja_env.filters["said"] = said


def name(text: str) -> Markup:
    """Somebody's own words within a sentence of ours: they may run the other way."""
    return Markup('<bdi class="name">{}</bdi>').format(text)


def said(told: Saying | str) -> str:
    """What was said, or stored, in the language of this answer."""
    return spoken(told, language())


def ago(span: timedelta) -> str:
    """How long ago that was, or in how long that will be: 5 minutes ago, in a moment."""
    if abs(span) >= timedelta(minutes=1):
        return languages.ago(span, language())
    return gettext("in a moment") if span > timedelta() else gettext("a moment ago")


def day(at: date) -> str:
    """A day as the language of this answer writes it."""
    return languages.day(at, language())
