"""The scenarios that come with the relay, and the table of docs/scenarios.md that tells of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.replay.engine import Replay
from relay.replay.reading import built_in, read_file
from relay.replay.story import Story
from relay.replay.telling import markdown

pytestmark = [
    pytest.mark.exploring,
    pytest.mark.xdist_group("built in"),  # one of pytest's workers tells the stories, not each
]

PAGE = Path(__file__).parents[2] / "docs" / "scenarios.md"


@pytest.fixture(scope="module")
def stories() -> dict[str, Story]:
    return {name: Replay(read_file(path)).run() for name, path in built_in().items()}


@pytest.mark.parametrize("name", built_in())
def test_it_goes_as_it_says(name: str, stories: dict[str, Story]) -> None:
    assert [verdict for verdict in stories[name].verdicts if not verdict.passed] == []


def test_the_page_tells_what_happens(stories: dict[str, Story]) -> None:
    """`python -m relay simulate --markdown` writes the table."""
    assert markdown(stories.values()) in PAGE.read_text(encoding="utf-8")
