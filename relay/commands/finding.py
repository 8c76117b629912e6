"""What commands ask about what they were given, before they do anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy.orm import Session

from relay.errors import NotFound
from relay.models import Account, Site


def check_account(session: Session, account_id: UUID | None) -> None:
    """There is such an account, if one is named. Raises `NotFound`."""
    if account_id is not None and session.get(Account, account_id) is None:
        raise NotFound(
            "There is no account with this id; `python -m relay account list` shows them"
        )


def check_site(session: Session, site_id: UUID | None) -> None:
    """There is such a site, if one is named. Raises `NotFound`."""
    if site_id is not None and session.get(Site, site_id) is None:
        raise NotFound("There is no site with this id; `python -m relay site list` shows them")


@contextmanager
def shown_by(command: str) -> Iterator[None]:
    """Inside, whoever names what is not there is told which command shows what is."""
    try:
        yield
    except NotFound as error:
        if "python -m relay" in error.detail:
            raise
        raise NotFound(
            f"{error.detail}; `python -m relay {command}` shows them", **error.members
        ) from error
