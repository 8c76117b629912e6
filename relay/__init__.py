"""Postreeve: a sending relay for WordPress that keeps mail deliverable and says what became of it."""

__version__ = "0.1.0"
