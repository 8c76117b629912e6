"""Chance with a seed: how many of so many, how many in an hour."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log, log1p, sqrt
from random import Random
from typing import TypeVar

T = TypeVar("T")

_SMOOTH = 400.0
"""Above this variance the bell curve is as good, and quick."""


class Chance(Random):
    """Numbers by chance; the same seed gives the same ones."""

    def of(self, many: int, share: float) -> int:
        """How many of so many, if each is one with this probability (binomial)."""
        if many <= 0 or share <= 0:
            return 0
        if share >= 1:
            return many
        if share > 0.5:
            return many - self.of(many, 1 - share)
        if (variance := many * share * (1 - share)) > _SMOOTH:
            return min(max(round(self.gauss(many * share, sqrt(variance))), 0), many)
        found, at, miss = -1, 0, log1p(-share)
        while at <= many:  # from one to the next: most are none
            found += 1
            at += int(log(1.0 - self.random()) / miss) + 1
        return found

    def around(self, mean: float) -> int:
        """How many come, if so many do on average (Poisson)."""
        if mean <= 0:
            return 0
        if mean > _SMOOTH:
            return max(round(self.gauss(mean, sqrt(mean))), 0)
        found, product, least = 0, self.random(), exp(-mean)
        while product > least:
            found += 1
            product *= self.random()
        return found

    def split(self, many: int, shares: Mapping[T, float]) -> tuple[list[tuple[T, int]], int]:
        """So many over these shares of all, and how many are in none of them."""
        parts, left, whole = [], many, 1.0
        for each, share in shares.items():
            part = self.of(left, min(share / whole, 1.0)) if whole > 0 else 0
            if part:
                parts.append((each, part))
            left, whole = left - part, whole - share
        return parts, left
