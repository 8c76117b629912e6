"""SES v2's email identities, as boto3 calls them."""

import time
from typing import Any

from simulator.account import Account, is_verified
from simulator.addresses import bare
from simulator.calls import Call, Operations, paged
from simulator.control import Control
from simulator.errors import AwsError, bad_request
from simulator.tenants import Tenants, arn
from simulator.tokens import HOSTED_ZONE, dkim_tokens
from simulator.verification import Verification


def routes(account: Account, control: Control, verification: Verification) -> Operations:
    """The operations on identities."""
    api = _Identities(account, control, verification)
    one = "/v2/email/identities/{name}"
    return {
        ("POST", "/v2/email/identities"): api.create,
        ("GET", "/v2/email/identities"): api.list,
        ("POST", "/v2/email/list-identities"): api.list,
        ("GET", one): api.get,
        ("DELETE", one): api.delete,
        ("PUT", one + "/mail-from"): api.put_mail_from,
        ("PUT", one + "/feedback"): api.put_feedback,
        ("PUT", one + "/dkim"): api.put_dkim,
        ("PUT", one + "/configuration-set"): api.put_configuration_set,
    }


class _Identities:
    def __init__(self, account: Account, control: Control, verification: Verification) -> None:
        self._account = account
        self._journal = account.journal
        self._control = control
        self._verification = verification

    def create(self, call: Call) -> dict[str, Any]:
        """CreateEmailIdentity: verified at once only if `verify_identities` is auto."""
        name = call.needed("EmailIdentity")
        bare(name if "@" in name else f"postmaster@{name}")
        if self._journal.get("identity", name.lower()) is not None:
            raise AwsError("AlreadyExistsException", f"Email identity {name} already exist.")
        if call.body.get("ConfigurationSetName"):
            self._account.configuration_set(call.body["ConfigurationSetName"])
        auto = self._control.settings.verify_identities == "auto"
        signing = call.body.get("DkimSigningAttributes") or {}
        self._journal.put(
            "identity",
            name.lower(),
            {
                "status": "SUCCESS" if auto else "PENDING",
                "external_dkim": "DomainSigningPrivateKey" in signing,
                "selector": signing.get("DomainSigningSelector"),
                "key_length": signing.get("NextSigningKeyLength", "RSA_2048_BIT"),
                "configuration_set": call.body.get("ConfigurationSetName"),
                "tags": call.body.get("Tags") or [],
                "created_at": time.time(),
                "missing_since": None if auto else time.time(),
            },
        )
        described = self._describe(name)
        members = ("IdentityType", "VerifiedForSendingStatus", "DkimAttributes")
        return {member: described[member] for member in members}

    def _describe(self, name: str) -> dict[str, Any]:
        self._verification.look([name])
        fact = self._account.identity(name)
        verified = is_verified(fact)
        described = {
            "IdentityType": "EMAIL_ADDRESS" if "@" in name else "DOMAIN",
            "FeedbackForwardingStatus": fact.get("feedback_forwarding", True),
            "VerifiedForSendingStatus": verified,
            "VerificationStatus": fact["status"],
            "DkimAttributes": _dkim(name, fact),
            "Policies": {},
            "Tags": fact["tags"],
        }
        if fact["configuration_set"]:
            described["ConfigurationSetName"] = fact["configuration_set"]
        if fact.get("mail_from"):
            by_identity = {"status": "SUCCESS" if verified else "PENDING"}
            described["MailFromAttributes"] = {
                **fact["mail_from"],
                "MailFromDomainStatus": (fact.get("mail_from_state") or by_identity)["status"],
            }
        info = self._verification.info(name)
        if info is not None:
            described["VerificationInfo"] = info
        return described

    def get(self, call: Call) -> dict[str, Any]:
        """GetEmailIdentity."""
        return self._describe(call.name)

    def list(self, call: Call) -> dict[str, Any]:
        """ListEmailIdentities."""
        self._verification.look(self._journal.all("identity"))
        page, token = paged(list(self._journal.all("identity").items()), call)
        listed = [
            {
                "IdentityType": "EMAIL_ADDRESS" if "@" in name else "DOMAIN",
                "IdentityName": name,
                "SendingEnabled": is_verified(fact),
                "VerificationStatus": fact["status"],
            }
            for name, fact in page
        ]
        return {"EmailIdentities": listed, **token}

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteEmailIdentity."""
        self._account.identity(call.name)
        Tenants(self._account).check_unused(arn("identity", call.name.lower()))
        self._journal.forget("identity", call.name.lower())
        return {}

    def put_mail_from(self, call: Call) -> dict[str, Any]:
        """PutEmailIdentityMailFromAttributes."""
        domain = call.body.get("MailFromDomain")
        if domain and not domain.lower().endswith(f".{call.name.lower()}"):
            raise bad_request(
                f"Provided MAIL-FROM domain <{domain}> is not subdomain of "
                f"the domain of the identity <{call.name}>."
            )
        behaviour = call.body.get("BehaviorOnMxFailure") or "USE_DEFAULT_VALUE"
        mail_from = {"MailFromDomain": domain, "BehaviorOnMxFailure": behaviour} if domain else None
        self._account.change_identity(call.name, mail_from=mail_from, mail_from_state=None)
        return {}

    def put_feedback(self, call: Call) -> dict[str, Any]:
        """PutEmailIdentityFeedbackAttributes."""
        enabled = bool(call.body.get("EmailForwardingEnabled"))
        self._account.change_identity(call.name, feedback_forwarding=enabled)
        return {}

    def put_dkim(self, call: Call) -> dict[str, Any]:
        """PutEmailIdentityDkimAttributes."""
        enabled = bool(call.body.get("SigningEnabled"))
        self._account.change_identity(call.name, signing_enabled=enabled)
        return {}

    def put_configuration_set(self, call: Call) -> dict[str, Any]:
        """PutEmailIdentityConfigurationSetAttributes."""
        name = call.body.get("ConfigurationSetName")
        if name:
            self._account.configuration_set(name)
        self._account.change_identity(call.name, configuration_set=name)
        return {}


def _dkim(name: str, fact: dict[str, Any]) -> dict[str, Any]:
    if "@" in name:
        return {"SigningEnabled": False, "Status": "NOT_STARTED"}
    dkim = {
        "SigningEnabled": fact.get("signing_enabled", True),
        "Status": fact["status"],
        "SigningAttributesOrigin": "EXTERNAL" if fact["external_dkim"] else "AWS_SES",
    }
    if not fact["external_dkim"]:
        dkim |= {
            "Tokens": dkim_tokens(name.lower()),
            "SigningHostedZone": HOSTED_ZONE,
            "NextSigningKeyLength": fact["key_length"],
            "CurrentSigningKeyLength": fact["key_length"],
            "LastKeyGenerationTimestamp": fact["created_at"],
        }
    return dkim
