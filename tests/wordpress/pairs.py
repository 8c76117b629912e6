"""What the plugin is tested in: the oldest WordPress on the oldest PHP, and the newest on the newest."""

from __future__ import annotations

from tests.wordpress import phps, suites, trees

PAIRS = {"oldest": (trees.oldest, phps.oldest), "newest": (trees.newest, phps.newest)}
"""What gives WordPress and PHP."""


def pair(which: str) -> tuple[trees.Tree, phps.Php]:
    """One of the PAIRS; with the machine's PHP where Debian has the other not for this machine.

    `tests/plugin/test_matrix.py` says where not.
    """
    tree, php = PAIRS[which]
    try:
        return tree(), php()
    except suites.Unavailable:
        return tree(), phps.native()
