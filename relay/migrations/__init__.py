"""Alembic migrations, numbered, one subject each."""
