"""The shapes of sending domains, as requests name them and answers show them."""

from __future__ import annotations

from marshmallow import fields, validate

from relay.api.schemas import Answer, Closed, worded
from relay.api.speech import Words
from relay.vocabulary import CheckResult, DomainStatus


class ClaimSchema(Closed):
    """A domain to be added."""

    name = fields.String(
        required=True,
        validate=validate.Length(min=1, max=300),
        metadata={"example": "shop.example", "description": "In any script; kept in Punycode."},
    )
    mail_from = fields.String(
        load_default="bounce",
        validate=validate.Length(min=1, max=63),
        metadata={
            "description": "First label of the MAIL FROM domain; nothing else may use that name."
        },
    )


class CheckedRecordSchema(Answer):
    """A record to publish, what DNS has, and what to do about the difference."""

    key = fields.String(
        metadata={"description": "Tells the records apart: `ownership`, `dkim-1`, …"}
    )
    name = fields.String()
    type = fields.String()
    value = fields.String(metadata={"description": "Empty where there is nothing to publish."})
    purpose = Words()
    required = fields.Boolean(
        metadata={"description": "Whether the domain needs it to be verified."}
    )
    result = worded(CheckResult)
    code = fields.String()
    found = fields.List(fields.String())
    fix = Words(metadata={"description": "Empty where nothing is to be done."})
    parameters = fields.Dict(metadata={"description": "What is filled in, by name."})


class AdviceSchema(Answer):
    """Something worth knowing that no single record shows."""

    code = fields.String()
    title = Words()
    detail = Words()
    parameters = fields.Dict(metadata={"description": "What is filled in, by name."})


class AlignmentSchema(Answer):
    """Whether mail from this domain will pass DMARC (RFC 9989); null where nobody knows yet."""

    dkim = fields.Boolean(allow_none=True)
    spf = fields.Boolean(allow_none=True)
    dmarc = fields.Boolean(allow_none=True)
    detail = Words()


class DomainChangeSchema(Answer):
    """A step in the domain's life."""

    at = fields.AwareDateTime()
    status = worded(DomainStatus)
    code = fields.String()
    title = Words()


class ReviewSchema(Answer):
    """Why an operator has to look first."""

    code = fields.String()
    since = fields.String()


class SendingDomainSchema(Answer):
    """A sending domain: where it stands, what to publish, what DNS says."""

    name = fields.String()
    unicode_name = fields.String(metadata={"description": "The name in its own script."})
    status = worded(DomainStatus)
    usable = fields.Boolean(metadata={"description": "Whether mail may leave from it now."})
    summary = Words(metadata={"description": "Where it stands, in a sentence."})
    created_at = fields.AwareDateTime()
    verified_at = fields.AwareDateTime(allow_none=True)
    ends_at = fields.AwareDateTime(
        allow_none=True,
        metadata={"description": "When a claim, or the grace of a failing domain, is over."},
    )
    checked_at = fields.AwareDateTime(allow_none=True)
    next_check_at = fields.AwareDateTime(allow_none=True)
    vouched = fields.Boolean(
        metadata={"description": "An operator's word stands in for the proof by DNS."}
    )
    review = fields.Nested(ReviewSchema, allow_none=True)
    share_url = fields.String(
        metadata={"description": "A page to show to whoever looks after the DNS."}
    )
    records = fields.List(fields.Nested(CheckedRecordSchema))
    advice = fields.List(fields.Nested(AdviceSchema))
    alignment = fields.Nested(AlignmentSchema)
    consents = fields.List(
        fields.UUID(), metadata={"description": "Accounts that may claim names under this domain."}
    )
    history = fields.List(fields.Nested(DomainChangeSchema))


class SendingDomainsSchema(Answer):
    """The account's sending domains, by name."""

    domains = fields.List(fields.Nested(SendingDomainSchema))


class ConsentRequestSchema(Closed):
    """Whom to let claim names under the domain."""

    account = fields.UUID(
        required=True,
        metadata={"description": "The other account's id (GET /v1/account shows it)."},
    )
