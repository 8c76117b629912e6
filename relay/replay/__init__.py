"""Months of made-up traffic through the real rules, in seconds: `python -m relay simulate` (docs/scenarios.md)."""
