"""What is said to people, kept as the message of the catalogs and its values until a language is known.

`say("Enter only: %(value)s", value=token)` makes a `Saying`. It can be stored and put into words as
often as somebody asks, each time in their language; as a string it is English. `phrase` marks a message
where it only stands, as in a table of titles. `make translations` finds both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias

from relay import languages

Value: TypeAlias = "str | int | tuple[str, ...] | datetime | Saying"
"""What can be filled in: text, a number, texts to be quoted, an instant, and what is said itself."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One message: its English text, the values to fill in, and `many`, its plural of `number`."""

    text: str
    values: Mapping[str, Value] = field(default_factory=dict)
    many: str = ""

    def spoken(self, language: str) -> str:
        """The sentence in a language."""
        catalog, number = languages.translations(language), self.values.get("number")
        if self.many and isinstance(number, int):
            text = catalog.ngettext(self.text, self.many, number)
        else:
            text = catalog.gettext(self.text)
        if not self.values:
            return text
        return text % {name: _spoken(value, language) for name, value in self.values.items()}


@dataclass(frozen=True, slots=True)
class Saying:
    """Sentences that are said one after another; none at all is false."""

    sentences: tuple[Sentence, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sentences)

    def __str__(self) -> str:
        return self.spoken(languages.ENGLISH)

    def __add__(self, other: Saying) -> Saying:
        return Saying(self.sentences + other.sentences)

    def spoken(self, language: str) -> str:
        """All of it in a language; in English where we do not speak that one."""
        return languages.joined(each.spoken(language) for each in self.sentences)

    @property
    def parameters(self) -> dict[str, Any]:
        """What is filled in, by name and as JSON, for programs; what is said within it in English."""
        return {
            name: str(value) if isinstance(value, Saying | datetime) else _stored(value)
            for each in self.sentences
            for name, value in each.values.items()
        }

    def with_texts(self, change: Callable[[str], str]) -> Saying:
        """The same with every text that is filled in changed."""

        def changed(value: Value) -> Value:
            if isinstance(value, str):
                return change(value)
            if isinstance(value, tuple):
                return tuple(map(change, value))
            return value.with_texts(change) if isinstance(value, Saying) else value

        return Saying(
            tuple(
                replace(each, values={name: changed(value) for name, value in each.values.items()})
                for each in self.sentences
            )
        )

    def stored(self) -> Any:
        """As JSON, which `read` understands: a plain message is its text."""
        if not self:
            return ""
        told = [_as_json(each) for each in self.sentences]
        return told[0] if len(told) == 1 and isinstance(told[0], str) else told

    @classmethod
    def read(cls, stored: Any) -> Saying:
        """What was stored; a text is a message without values, translated where a catalog has it."""
        if isinstance(stored, Saying):
            return stored
        told = stored if isinstance(stored, list) else [stored] if stored else []
        return cls(tuple(map(_sentence, told)))


NOTHING = Saying()
"""Not a word."""


def say(text: str, /, **values: Value) -> Saying:
    """A message of the catalogs with what stands for its `%(name)s`; see `Value`."""
    return Saying((Sentence(text, values),))


def say_many(one: str, many: str, /, *, number: int, **values: Value) -> Saying:
    """A message about a number of things, in the words that the number asks for."""
    return Saying((Sentence(one, {"number": number, **values}, many),))


def phrase(text: str) -> str:
    """The text as it stands, marked for the catalogs: whoever shows it looks it up there."""
    return text


def spoken(told: Any, language: str) -> str:
    """What was said, or stored, in a language."""
    return Saying.read(told).spoken(language)


def _spoken(value: Value, language: str) -> str:
    match value:
        case Saying():
            return value.spoken(language)
        case tuple():
            return languages.quoted(value, language)
        case datetime():
            return languages.day_and_time(value, language)
        case int():
            return languages.number(value, language)
    return value


def _as_json(sentence: Sentence) -> Any:
    if not sentence.values:
        return sentence.text
    told = {
        "text": sentence.text,
        "values": {name: _stored(value) for name, value in sentence.values.items()},
    }
    return told | ({"many": sentence.many} if sentence.many else {})


def _sentence(stored: Any) -> Sentence:
    if isinstance(stored, str):
        return Sentence(stored)
    values = {name: _read(value) for name, value in stored["values"].items()}
    return Sentence(stored["text"], values, stored.get("many", ""))


def _stored(value: Value) -> Any:
    match value:
        case Saying():
            return {"said": value.stored()}
        case datetime():
            return {"at": value.isoformat()}
        case tuple():
            return list(value)
    return value


def _read(stored: Any) -> Value:
    match stored:
        case {"said": told}:
            return Saying.read(told)
        case {"at": at}:
            return datetime.fromisoformat(at)
        case list():
            return tuple(stored)
    value: Value = stored
    return value
