"""A row of the benchmark: what is measured in pairs with a baseline, and what it should reach.

Each figure of a row is the median of its pairs. What is judged is either the figure itself or its
ratio to the baseline's figure of the same pair: ratios hold where machines differ.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.stage import Stage

Figures = Mapping[str, float]
"""What one round measured, by name."""

Round = Callable[["Stage"], Figures]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a row; without `reach` it is only told.

    `of` is what is judged: the figure ("value"), its ratio to the baseline's ("ratio"), or the
    figure where the baseline has nothing like it ("alone").
    """

    key: str
    label: str
    of: str = "value"
    reach: float | None = None
    stretch: float | None = None
    more_is_better: bool = False
    of_baseline: str | None = None
    """The baseline's figure to divide by, where it has another name."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing the relay does, how it is measured, and beside what."""

    name: str
    title: str
    measures: Sequence[Measure]
    ours: Round
    baseline: Round | None = None
    beside: str = ""
    """What the baseline is called."""
    is_lone: bool = False
    """Whether it wants processes nobody used before; such a row is measured once, not in pairs."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One round of ours, and one of the baseline right before or after it."""

    ours: Figures
    baseline: Figures


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one measure: medians over all pairs, and the span of what is judged."""

    label: str
    of: str
    ours: float
    baseline: float | None
    judged: float
    lowest: float
    highest: float
    reach: float | None
    stretch: float | None
    more_is_better: bool

    @property
    def mark(self) -> str:
        """`stretch`, `reach`, `miss`, or nothing where nothing was to be reached."""
        if self.reach is None:
            return ""
        if self.stretch is not None and self._is_at(self.stretch):
            return "stretch"
        return "reach" if self._is_at(self.reach) else "miss"

    def _is_at(self, target: float) -> bool:
        return self.judged >= target if self.more_is_better else self.judged <= target


def verdicts(row: Row, pairs: Sequence[Pair]) -> list[Verdict]:
    """The row's measures over all its pairs; those nobody measured are left out."""
    return [
        _verdict(measure, pairs)
        for measure in row.measures
        if all(measure.key in pair.ours for pair in pairs)
    ]


def _verdict(measure: Measure, pairs: Sequence[Pair]) -> Verdict:
    ours = [pair.ours[measure.key] for pair in pairs]
    name = measure.of_baseline or measure.key
    baseline = [pair.baseline[name] for pair in pairs if name in pair.baseline]
    baseline = [] if measure.of == "alone" else baseline
    judged = (
        [one / other for one, other in zip(ours, baseline, strict=True)]
        if measure.of == "ratio"
        else ours
    )
    return Verdict(
        label=measure.label,
        of=measure.of,
        ours=statistics.median(ours),
        baseline=statistics.median(baseline) if baseline else None,
        judged=statistics.median(judged),
        lowest=min(judged),
        highest=max(judged),
        reach=measure.reach,
        stretch=measure.stretch,
        more_is_better=measure.more_is_better,
    )
