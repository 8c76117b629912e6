"""B1: the least a durable web endpoint can do. Flask, and one `INSERT; COMMIT` to PostgreSQL.

Served as ours is: `gunicorn bench.baselines.b1_app:app --config gunicorn.conf.py`. Frozen.
"""

from __future__ import annotations

import os
import uuid

from flask import Flask, Response, request
from sqlalchemy import Column, LargeBinary, MetaData, Table, Uuid, create_engine, insert

URL = "BENCH_BASELINE_URL"
"""Environment variable: where the database is, as `postgresql+psycopg://…`."""

metadata = MetaData()
mails = Table(
    "mails",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

engine = create_engine(os.environ[URL], pool_size=24)
app = Flask(__name__)
add = insert(mails)


@app.post("/mails")
def store() -> tuple[Response, int]:
    """Store the request's body; answer when it is committed."""
    id = uuid.uuid4()
    with engine.begin() as connection:
        connection.execute(add, {"id": id, "body": request.get_data(cache=False)})
    return Response(f'{{"id": "{id}"}}', content_type="application/json"), 202
