"""The kept list of brands that are often imitated (`brands.toml`), indexed for looking up."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from relay.policy.names import data
from relay.policy.names.skeletons import DIGITS, barred, collapsed, readings


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand: its name in one word, its real domains, the first of which stands for it.

    `common`: the name is also a plain word or short letters, so less counts as an imitation.
    `additions` are words that are unmistakable beside this one brand.
    """

    name: str
    domains: tuple[str, ...]
    common: bool
    additions: frozenset[str] = frozenset()

    @property
    def domain(self) -> str:
        """The domain that stands for the brand."""
        return self.domains[0]


@dataclass(frozen=True, slots=True)
class Book:
    """All brands, found by name, by real domain and by what looks like their name."""

    by_name: Mapping[str, Brand]
    by_domain: Mapping[str, Brand]
    by_collapsed: Mapping[str, Brand]
    by_initial: Mapping[str, Sequence[Brand]]
    """Those that are nothing else and long enough for slips of the finger, by first letter."""
    by_bars: Mapping[str, Brand]
    """The same, with every i an l and every n an m, as they look when read quickly."""
    plain: frozenset[str]
    joined_domains: Mapping[str, Brand] = field(default_factory=dict)
    """Real domains written in one word, `paypalcom`."""

    def owner(self, domain: str) -> Brand | None:
        """The brand to which the domain, or one above it, really belongs."""
        while domain:
            if brand := self.by_domain.get(domain):
                return brand
            domain = domain.partition(".")[2]
        return None

    def named(self, text: str) -> Brand | None:
        """The brand whose name this looks like; disguises of short names are not looked for."""
        return next((b for each in readings(text) if (b := self.by_name.get(each))), None)


@cache
def book() -> Book:
    """The packaged list."""
    document = tomllib.loads(data.text("brands.toml"))
    brands = [*_brands(document, "brands"), *_brands(document, "common")]
    uncommon = [brand for brand in brands if not brand.common]
    by_name = {brand.name: brand for brand in brands}
    return Book(
        # A name with digits of its own is found by a disguised reading too: `office365`.
        by_name={brand.name.translate(DIGITS): brand for brand in brands} | by_name,
        by_domain={domain: brand for brand in reversed(brands) for domain in brand.domains}
        | {brand.domain: brand for brand in brands},
        by_collapsed={collapsed(b.name): b for b in uncommon if len(b.name) >= SHORTEST_SLIP},
        by_initial={
            initial: [b for b in uncommon if b.name[0] == initial and len(b.name) >= SHORTEST_SLIP]
            for initial in {b.name[0] for b in uncommon}
        },
        by_bars={barred(b.name): b for b in uncommon if len(b.name) >= SHORTEST_SLIP},
        plain=frozenset(document["plain"]["words"]),
        joined_domains={
            domain.replace(".", ""): brand
            for brand in brands
            for domain in brand.domains
            if domain.partition(".")[0] == brand.name
        },
    )


SHORTEST_SLIP = 6
"""Letters of a name from which on slips of the finger are looked for (our decision)."""


def _brands(document: Mapping[str, Any], section: str) -> list[Brand]:
    additions = document["with"]
    return [
        Brand(
            name=key.replace("-", ""),
            domains=tuple(domains),
            common=section == "common",
            additions=frozenset(additions.get(key, ())),
        )
        for key, domains in document[section].items()
    ]
