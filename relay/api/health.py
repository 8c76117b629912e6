"""`/healthz`: this process answers. `/readyz`: it can do its work."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from relay.api.auth import relay
from relay.errors import Unavailable

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process is alive; says nothing about its neighbours."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """The database answers and has the tables of this release."""
    try:
        with relay().reads() as session:
            found = session.execute(
                text("SELECT version_num FROM alembic_version")
            ).scalar_one_or_none()
    except ProgrammingError:  # so PostgreSQL says that there is no such table
        found = None
    if found is None:
        raise Unavailable(
            "The database has no tables yet; run: python -m relay migrate", retry_after=5
        )
    return jsonify({"status": "ready", "schema": found})
