"""Months of made-up traffic go through the real rules, in seconds (docs/scenarios.md)."""
