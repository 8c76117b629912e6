"""What commands print for people: tables in which nothing is broken, and lines where those do not fit."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from relay.commands.output import Row, show, show_one

ID = UUID("01a22679-0d2e-72e3-91d1-2b1af4fa844e")

SHOP: Row = {"id": ID, "name": "Ada's [red] shop", "people": 20_000, "ends_at": None, "open": True}

BAKERY: Row = {"id": ID, "name": "Bakery", "people": 5, "ends_at": None, "open": False}


def shown(rows: list[Row], capsys: pytest.CaptureFixture[str]) -> str:
    """What is printed where there is no terminal: 100 columns."""
    show(rows, as_json=False, title="Shops", empty="No shops.")
    return "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())


def test_a_table_breaks_no_id_and_has_its_figures_on_the_right(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (
        shown([SHOP, BAKERY], capsys)
        == f"""\
Shops
id                                    name              people  ends at  open
─────────────────────────────────────────────────────────────────────────────
{ID}  Ada's [red] shop  20,000  –        yes
{ID}  Bakery                 5  –        no"""
    )


def test_what_does_not_fit_into_a_line_goes_on_in_the_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [row | {"began_at": datetime(2026, 11, 29, 8, 43, tzinfo=UTC)} for row in (SHOP, BAKERY)]

    lines = shown(rows, capsys).splitlines()

    assert max(map(len, lines)) <= 100
    assert [line.split()[-2:] for line in lines[3:]] == [
        ["2026-11-29", "08:43:00"],
        ["UTC"],
        ["2026-11-29", "08:43:00"],
        ["UTC"],
    ]
    assert sum(str(ID) in line for line in lines) == 2


def test_where_a_table_would_break_an_id_each_row_is_printed_line_by_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [row | {"account": ID, "owner_of_it": "ada@shop.example"} for row in (SHOP, BAKERY)]

    first, second = shown(rows, capsys).removeprefix("Shops\n").split("\n\n")

    assert first.splitlines() == [
        f"  id           {ID}",
        "  name         Ada's [red] shop",
        "  people       20,000",
        "  ends at      –",
        "  open         yes",
        f"  account      {ID}",
        "  owner of it  ada@shop.example",
    ]
    assert second.startswith(f"  id           {ID}\n  name         Bakery\n")


def test_one_thing_has_a_line_for_each_of_its_long_parts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row: Row = {"sites": [f"{ID} Shop", f"{ID} Blog"], "tags": ["a", "b"], "facts": {}, "n": None}

    show_one(row | {"found": {"of": 1_204}}, as_json=False, title="Account")

    assert capsys.readouterr().out.splitlines() == [
        "Account",
        f"  sites  {ID} Shop",
        f"         {ID} Blog",
        "  tags   a, b",
        "  facts  –",
        "  n      –",
        '  found  {"of": 1204}',
    ]


def test_nothing_says_what_would_fill_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown([], capsys) == "No shops."
