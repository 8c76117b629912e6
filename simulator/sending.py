"""SendEmail: check, decide what becomes of the mail, persist it, answer."""

import json
from typing import Any

from simulator import drafts, mailbox, mime
from simulator.account import Account, identities_of
from simulator.addresses import bare
from simulator.control import Control
from simulator.errors import AwsError
from simulator.faults import Faults
from simulator.mails import Mail
from simulator.notices import Notices
from simulator.store import Store
from simulator.tenants import Tenants
from simulator.verification import Verification


class Sending:
    """The hot path."""

    def __init__(
        self,
        store: Store,
        account: Account,
        control: Control,
        faults: Faults,
        notices: Notices,
        verification: Verification,
    ) -> None:
        """Accept mail into `store` and tell `notices`."""
        self._store = store
        self._account = account
        self._tenants = Tenants(account)
        self._control = control
        self._faults = faults
        self._notices = notices
        self._verification = verification

    async def accept(self, body: bytes) -> Mail:
        """Accept the mail of a request body. Raises AwsError as SES answers it."""
        draft = drafts.parse(json_object(body))
        self._check_account(draft)
        self._faults.check_limits(len(draft.destination))
        plan = mailbox.plan(
            draft.destination,
            self._control.scripts,
            self._control.settings,
            lambda address: self._account.is_suppressed(address, draft.configuration_set),
            gateways=self._control.gateways,
            infected=mime.holds_test_virus(draft.raw),
        )
        try:
            mail = self._store.append(draft, plan)
        except OSError as error:
            raise AwsError("InternalServiceErrorException", f"Cannot keep mail: {error}") from error
        if self._faults.happens(self._control.settings.early_share):
            await self._notices.accepted_early(mail, draft.headers)
        else:
            self._notices.accepted(mail, draft.headers)
        return mail

    def _check_account(self, draft: drafts.Draft) -> None:
        """Raise AwsError if the account cannot send this."""
        if draft.configuration_set:
            options = self._account.configuration_set(draft.configuration_set)
            if not (options.get("SendingOptions") or {}).get("SendingEnabled", True):
                raise AwsError(
                    "SendingPausedException",
                    f"Email sending is disabled for configuration set <{draft.configuration_set}>.",
                )
        if not self._account.attributes()["sending_enabled"]:
            raise AwsError.injected("SendingPausedException")
        for sender in (draft.source, mime.header(draft.headers, "from") or draft.source):
            address = bare(sender)
            self._verification.look(identities_of(address), at_once=False)
            if not self._account.may_send(address, self._control.settings):
                raise AwsError(
                    "MessageRejected",
                    "Email address is not verified. The following identities failed the check "
                    f"in region US-EAST-1: {address}",
                )
        if draft.tenant:
            address = bare(mime.header(draft.headers, "from") or draft.source)
            self._tenants.check_sending(draft.tenant, address, draft.configuration_set)


def answer(mail: Mail) -> bytes:
    """SendEmail's answer about an accepted mail."""
    return b'{"MessageId":"%s"}' % mail.id.encode()


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; an empty one is {}. Raises AwsError."""
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise AwsError("SerializationException", "The body is not a JSON object.")
    return value
