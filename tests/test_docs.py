"""The documents say what the code does: every error, word and setting has its place, every link its end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import botocore.session
import click
import pytest
from botocore import xform_name

from relay import errors, settings, vocabulary
from relay.__main__ import cli
from relay.api.problems import status_of
from relay.policy.sender import TITLES
from tests.commands.running import run

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def descendants(kind: type[errors.PostreeveError]) -> Iterator[type[errors.PostreeveError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from descendants(child)


ERRORS = sorted(set(descendants(errors.PostreeveError)), key=lambda kind: kind.slug)
WORDS = [kind for kind in vars(vocabulary).values() if isinstance(kind, type) and kind.__module__]
VOCABULARY = [kind for kind in WORDS if issubclass(kind, StrEnum) and kind is not StrEnum]
FOLDERS = ("bench", "docs", "relay", "simulator", "tests", "tools", "wp-plugin")
MARKDOWN = sorted(
    path
    for found in (ROOT.glob("*.md"), *((ROOT / folder).rglob("*.md") for folder in FOLDERS))
    for path in found
    if "swagger-ui" not in path.parts
)

DOCUMENTS = [path for path in MARKDOWN if path.name != "CHANGELOG.md"]
"""What says how it is now; the changelog says how it came."""


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


def commands_of(group: click.Command) -> dict[str, click.Command]:
    """The commands of a group by name; of a command that is none, no commands."""
    if not isinstance(group, click.Group):
        return {}
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def test_every_command_is_in_the_operator_s_table() -> None:
    rows = re.findall(
        r"^\| `([a-z]+)` \| (.*?) \|", (DOCS / "operations.md").read_text(), re.MULTILINE
    )

    listed = {name: re.findall(r"`([a-z-]+)`", words) for name, words in rows}
    assert listed == {
        name: sorted(commands_of(command)) for name, command in commands_of(cli).items()
    }


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_named_can_be_typed(path: Path) -> None:
    text = path.read_text().replace("\\\n", " ")
    for line in re.findall(r"python -m relay ([a-z][^`#\n]*)", text):
        command: click.Command = cli
        for word in re.findall(r"[a-z-]+", line):
            if not (known := commands_of(command)):
                break
            assert word in known, f"python -m relay {line}"
            command = known[word]
        options = {name for each in command.params for name in each.opts}
        assert set(re.findall(r" (--[a-z-]+)", line)) <= options | {"--help"}, line


def test_the_policy_for_amazon_allows_what_the_relay_calls() -> None:
    """The relay's own calls, by boto3's names; `SendEmail` it makes itself, with finished MIME."""
    calls = "\n".join(path.read_text() for path in (ROOT / "relay" / "gateways").glob("*.py"))
    service = botocore.session.get_session().get_service_model("sesv2")
    called = {
        name for name in service.operation_names if f".{xform_name(name)}(" in calls
    } | {"SendEmail", "SendRawEmail"}  # fmt: skip
    tenants = {name for name in called if re.search("Tenant|Reputation|Recommendations", name)}

    installing = (DOCS / "installing.md").read_text()
    paragraph = re.search(
        r"^Permissions: `ses:`(.+?)\.", (DOCS / "operations.md").read_text(), re.M | re.S
    )
    assert paragraph
    assert set(re.findall(r'"ses:(\w+)"', installing)) == called - tenants
    assert set(re.findall(r"[A-Z]\w+", paragraph[1])) == tenants


def test_the_api_document_is_what_the_code_describes() -> None:
    made = run("openapi")

    assert (DOCS / "openapi.json").read_text() == made.stdout, "bring it up to date: make openapi"


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_has_its_end(path: Path) -> None:
    text = re.sub(r"```.+?```", "", path.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\((?!https?:|mailto:)([^)#\s]+)", text)

    assert [target for target in targets if not (path.parent / target).exists()] == []


def anchors(path: Path) -> set[str]:
    """What a link may name behind its `#`: the headings, as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_heading_finds_it(path: Path) -> None:
    targets = re.findall(r"\]\(([a-z0-9/._-]*)#([^)\s]+)\)", path.read_text())

    there = ((path.parent / name if name else path, anchor) for name, anchor in targets)
    assert [anchor for document, anchor in there if anchor not in anchors(document)] == []


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
