"""The documents say what the code does: every error, word and setting has its place, every link its end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from relay import errors, settings, vocabulary
from relay.api.problems import status_of
from relay.policy.sender import TITLES
from tests.commands.running import run

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
NOT_OURS = {".venv", ".cache", "node_modules", "var", ".git"}


def descendants(kind: type[errors.PostreeveError]) -> Iterator[type[errors.PostreeveError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from descendants(child)


ERRORS = sorted(set(descendants(errors.PostreeveError)), key=lambda kind: kind.slug)
WORDS = [kind for kind in vars(vocabulary).values() if isinstance(kind, type) and kind.__module__]
VOCABULARY = [kind for kind in WORDS if issubclass(kind, StrEnum) and kind is not StrEnum]
MARKDOWN = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not NOT_OURS & set(path.relative_to(ROOT).parts) and "swagger-ui" not in path.parts
)


def sections(path: Path, level: int) -> dict[str, str]:
    """Heading → text below it, of the headings of one level."""
    parts = re.split(rf"^{'#' * level} (.+)$", path.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_error_has_a_page_and_every_page_an_error() -> None:
    assert sorted(sections(DOCS / "problems.md", 2)) == [error.slug for error in ERRORS]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.slug)
def test_a_problem_s_page_tells_the_truth(error: type[errors.PostreeveError]) -> None:
    page = sections(DOCS / "problems.md", 2)[error.slug]

    assert f"**{error.title}** · {status_of(error(''))}" in page
    for part in ("**When.**", "**What it means.**", "**What to do.**"):
        assert part in page
    (example,) = re.findall(r"```json\n(.+?)```", page, re.DOTALL)
    problem = json.loads(example)
    assert problem["type"].rpartition("/")[2] == error.slug
    assert (problem["title"], problem["status"]) == (error.title, status_of(error("")))


def test_every_remark_has_a_page_that_says_what_it_means() -> None:
    pages = sections(DOCS / "remarks.md", 2)

    assert sorted(pages) == sorted(TITLES)
    for code, page in pages.items():
        assert page.strip().startswith(f"**{TITLES[code]}.**")
        assert "**When.**" in page
        assert "**What to do.**" in page


@pytest.mark.parametrize("words", VOCABULARY, ids=lambda words: words.__name__)
def test_every_word_is_in_the_glossary(words: type[StrEnum]) -> None:
    headings = sections(DOCS / "glossary.md", 3)
    (text,) = (text for name, text in headings.items() if re.match(rf"{words.__name__}\b", name))
    table = text.partition("\n## ")[0]

    assert re.findall(r"^\| `([^`]+)`", table, re.MULTILINE) == [word.value for word in words]


def test_every_setting_is_in_the_operator_s_table() -> None:
    listed = re.findall(
        r"^\| `(POSTREEVE_\w+)`", (DOCS / "operations.md").read_text(), re.MULTILINE
    )

    assert listed == [name for name, _ in settings._READERS.values()]


def test_the_api_document_is_what_the_code_describes() -> None:
    made = run("openapi")

    assert (DOCS / "openapi.json").read_text() == made.stdout, "bring it up to date: make openapi"


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_has_its_end(path: Path) -> None:
    text = re.sub(r"```.+?```", "", path.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\((?!https?:|mailto:)([^)#\s]+)", text)

    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in sorted((DOCS / "decisions").glob("*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))


def test_the_readme_begins_with_what_debian_needs() -> None:
    first = (ROOT / "README.md").read_text().splitlines()[0]

    for package in ("git", "make", "python3", "python3-venv"):
        assert re.search(rf"\b{package}\b", first)


def test_the_licence_is_the_gpl_2() -> None:
    text = (ROOT / "LICENSE").read_text()

    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "Version 2, June 1991" in text
