"""The commands behind `python -m relay`, one file per group."""
