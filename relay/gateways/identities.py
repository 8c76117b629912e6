"""Sending domains at Amazon SES: email identities with Easy DKIM and a MAIL FROM domain (SES v2 API)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from relay.errors import Unavailable

CLASSIC_ZONE = "dkim.amazonses.com"
"""Where the CNAMEs point in regions that name no zone of their own (SES developer guide)."""


@dataclass(frozen=True, slots=True)
class ProviderIdentity:
    """What the provider says of a domain: its DKIM tokens, the zone they point into, may it send."""

    dkim_tokens: tuple[str, ...]
    hosted_zone: str
    verified: bool
    status: str
    mail_from: str | None = None


class SesIdentities:
    """The identities of one SES account and region. Everything may raise `Unavailable`."""

    def __init__(self, client: Callable[[], Any]) -> None:
        """`client` makes the boto3 client; it is called at the first question."""
        self._make = client

    @cached_property
    def _client(self) -> Any:
        return self._make()

    def find(self, name: str) -> ProviderIdentity | None:
        """The identity (`GetEmailIdentity`), or None if there is none of this name."""
        with telling("GetEmailIdentity"):
            try:
                told = self._client.get_email_identity(EmailIdentity=name)
            except self._client.exceptions.NotFoundException:
                return None
        return _read(told)

    def create(self, name: str, *, mail_from: str) -> ProviderIdentity:
        """See that the identity is there, with Easy DKIM (2048 bit) and this MAIL FROM domain.

        One that is there already is taken as it is: whose it was says nothing about who owns the
        domain. Bounces do not come by mail any more: events tell them.
        """
        with telling("CreateEmailIdentity"), self._there_already():
            self._client.create_email_identity(
                EmailIdentity=name,
                DkimSigningAttributes={"NextSigningKeyLength": "RSA_2048_BIT"},
            )
        with telling("PutEmailIdentityMailFromAttributes"):
            self._client.put_email_identity_mail_from_attributes(
                EmailIdentity=name,
                MailFromDomain=mail_from,
                BehaviorOnMxFailure="USE_DEFAULT_VALUE",
            )
        with telling("PutEmailIdentityFeedbackAttributes"):
            self._client.put_email_identity_feedback_attributes(
                EmailIdentity=name, EmailForwardingEnabled=False
            )
        found = self.find(name)
        if found is None:
            raise Unavailable(f"Amazon SES does not show the identity {name} yet")
        return found

    def delete(self, name: str) -> None:
        """Delete the identity; that it is gone already is no error."""
        with (
            telling("DeleteEmailIdentity"),
            contextlib.suppress(self._client.exceptions.NotFoundException),
        ):
            self._client.delete_email_identity(EmailIdentity=name)

    def _there_already(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.suppress(self._client.exceptions.AlreadyExistsException)


@contextlib.contextmanager
def telling(operation: str) -> Iterator[None]:
    """Calls of botocore whose errors become `Unavailable`, with the provider's word for it."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "error"))
        raise Unavailable(f"Amazon SES refused {operation} ({code})", provider_code=code) from error
    except BotoCoreError as error:
        raise Unavailable(
            f"Amazon SES does not answer {operation} ({type(error).__name__})"
        ) from error


def _read(told: dict[str, Any]) -> ProviderIdentity:
    dkim = told.get("DkimAttributes", {})
    return ProviderIdentity(
        dkim_tokens=tuple(dkim.get("Tokens", ())),
        hosted_zone=str(dkim.get("SigningHostedZone") or CLASSIC_ZONE),
        verified=bool(told.get("VerifiedForSendingStatus")),
        status=str(told.get("VerificationStatus") or dkim.get("Status") or "")[:32],
        mail_from=told.get("MailFromAttributes", {}).get("MailFromDomain") or None,
    )
