"""Ada, who gets mail from the shop."""

from __future__ import annotations

import pytest

from relay.context import Relay
from relay.models import Site
from tests.pages.people import Person


@pytest.fixture
def ada(relay: Relay, site: Site) -> Person:
    """A customer of the shop."""
    return Person(relay, site)
