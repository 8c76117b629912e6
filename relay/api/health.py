"""`/healthz`: this process answers. `/readyz`: it can do its work."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from relay.api.auth import relay
from relay.errors import Unavailable

blueprint = Blueprint("health", __name__)

NEWEST = max(
    path.name[:4]
    for path in (Path(__file__).parents[1] / "migrations" / "versions").glob("[0-9]*.py")
)
"""The number of the last migration. Those of a later release work with this one, too."""


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process is alive; says nothing about its neighbours."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """The database answers and has the tables of this release, or of a later one."""
    try:
        with relay().reads() as session:
            found = session.execute(
                text("SELECT version_num FROM alembic_version")
            ).scalar_one_or_none()
    except ProgrammingError:  # so PostgreSQL says that there is no such table
        found = None
    if found is None or found < NEWEST:
        what = "has no tables yet" if found is None else "has the tables of an earlier release"
        raise Unavailable(f"The database {what}; run: python -m relay migrate", retry_after=5)
    return jsonify({"status": "ready", "schema": found})
