"""`python -m bench.bounces`: scores, cross-validation and speed of bounce diagnosis."""

from __future__ import annotations

import click

from bench.bounces import cross_validation, layout, scores, throughput


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """What bounce diagnosis is worth, on the labelled replies in tests/data/bounces."""


@main.command("score")
@click.option("--show", default=0, metavar="N", help="Print so many of the wrong cases.")
def score(show: int) -> None:
    """Score the command `bounces diagnose` on the labelled sets, and our own table."""
    scores.own_table(show=show)
    scores.labelled_sets(show=show)


@main.command("cross-validate")
@click.option("--show", is_flag=True, help="Print the cases that go wrong when left out.")
def cross_validate(show: bool) -> None:
    """Score with rules left out whose only support is the wording they are tried on."""
    cross_validation.cross_validate(show=show)


@main.command("speed")
def speed() -> None:
    """Count diagnoses a second in one process."""
    throughput.measure()


@main.command("layout")
def lay_out() -> None:
    """Lay the rules' file out for readers."""
    click.echo("laid out" if layout.lay_out() else "nothing to change")


if __name__ == "__main__":
    main()
