"""The commands behind `python -m relay`, one file per group."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The folder that holds `relay/`."""
