"""No good site is limited, and each bad one is stopped early, whatever its size and whatever chance does."""

from __future__ import annotations

import pytest

from relay.replay.engine import Replay
from relay.replay.reading import read
from tests.replay.variations import BAD, GOOD, SEEDS

pytestmark = pytest.mark.exploring


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", GOOD)
def test_nobody_who_does_all_right_is_limited(name: str, seed: int) -> None:
    story = Replay(read(f"name: {name}\ngood: true\nseed: {seed}\n{GOOD[name]}")).run()
    assert [verdict.found for verdict in story.verdicts if not verdict.passed] == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", BAD)
def test_what_is_bad_is_stopped_early(name: str, seed: int) -> None:
    text, most = BAD[name]
    expect = f"expect: [{{site: Site, stopped_within: {most}}}]\n"
    story = Replay(read(f"name: {name}\ngood: false\nseed: {seed}\n{expect}{text}")).run()
    assert [verdict.found for verdict in story.verdicts if not verdict.passed] == []
