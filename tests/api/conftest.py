"""A client that presents the site's key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from relay.services.accounts import NewKey
from tests.api.requests import BOUNDARY, encoded, parts


@pytest.fixture
def bearer(key: NewKey) -> dict[str, str]:
    """The headers of a request with the site's key."""
    return {"Authorization": f"Bearer {key.secret}"}


@pytest.fixture
def post(client: FlaskClient, bearer: dict[str, str]) -> Callable[..., TestResponse]:
    """POST /v1/messages as the plugin does; arguments are `requests.parts`'s."""

    def send(*, headers: dict[str, str] | None = None, **given: Any) -> TestResponse:
        return client.post(
            "/v1/messages",
            data=encoded(parts(**given)),
            content_type=f"multipart/form-data; boundary={BOUNDARY}",
            headers=bearer | (headers or {}),
        )

    return send
