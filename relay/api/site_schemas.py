"""The shapes of `/v1/sites`: an account's sites, and their keys."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from relay.api.account_schemas import DomainSchema, NamedStateSchema, SiteSchema
from relay.api.appeal_schemas import said
from relay.api.connect_schemas import ConnectedSchema
from relay.api.schemas import Answer, Closed
from relay.policy.connecting import LONGEST_NAME
from relay.policy.site_urls import LONGEST
from relay.vocabulary import Scope


class Flag(fields.Boolean):
    """Yes or no as JSON has them: 0 and "no" are neither."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class NewSiteSchema(Closed):
    """A site to connect."""

    url = said(LONGEST, required=True, metadata={"description": "The site's home URL."})
    name = said(
        LONGEST_NAME,
        least=0,
        load_default="",
        metadata={"description": "The site's title; without one its host."},
    )
    default_from = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=1_000),
        metadata={
            "format": "email",
            "description": "From which address it usually mails; kept if it lies in a domain of the "
            "account and the site has none yet.",
        },
    )
    domain = said(
        300,
        least=0,
        load_default="",
        metadata={
            "description": "The sending domain to claim, unless the account has it; `auto`: the one that "
            "was registered for this address."
        },
    )
    bind = Flag(
        load_default=True,
        metadata={"description": "Whether the key works at this address only."},
    )


class EnrolledSchema(ConnectedSchema):
    """The key, whose it is, and how it came to be. The key is shown this once."""

    key = fields.String(metadata={"description": "The whole key of the site."})
    key_id = fields.UUID(metadata={"description": "By which it is ended."})
    created = fields.Boolean(
        metadata={"description": "Whether the site is new; false: the account had one there."}
    )
    domain = fields.Nested(
        DomainSchema,
        allow_none=True,
        metadata={"description": "The domain that was named, claimed now or before."},
    )


class ListedSiteSchema(SiteSchema):
    """A site of the account."""

    default_from = fields.String(allow_none=True)
    created_at = fields.AwareDateTime()
    keys = fields.Integer(metadata={"description": "How many of its keys work."})
    last_used_at = fields.AwareDateTime(
        allow_none=True, metadata={"description": "When it sent with one of them last."}
    )


class SitesSchema(Answer):
    """The account, and some of its sites, newest first."""

    account = fields.Nested(NamedStateSchema)
    sites = fields.List(fields.Nested(ListedSiteSchema))
    next_cursor = fields.String(allow_none=True)


class KeySchema(Answer):
    """A key of a site, without its secret."""

    id = fields.UUID()
    prefix = fields.String(
        metadata={"description": "What follows `prk_` in the key, to know it by.", "example": "abc"}
    )
    name = fields.String()
    scopes = fields.List(fields.String(validate=validate.OneOf([scope.value for scope in Scope])))
    bound_url = fields.String(allow_none=True)
    created_at = fields.AwareDateTime()
    last_used_at = fields.AwareDateTime(
        allow_none=True, metadata={"description": "When something was sent with it last."}
    )
    expires_at = fields.AwareDateTime(allow_none=True)
    revoked_at = fields.AwareDateTime(allow_none=True)


class KeysSchema(Answer):
    """All keys of a site, oldest first."""

    keys = fields.List(fields.Nested(KeySchema))
