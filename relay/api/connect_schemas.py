"""The shapes of `/v1/connect`: what a site's server presents, and the key it gets."""

from __future__ import annotations

from marshmallow import fields, validate

from relay.api.account_schemas import NamedStateSchema, SiteSchema
from relay.api.schemas import Answer, Closed
from relay.policy.site_urls import LONGEST
from relay.vocabulary import Scope


class ConnectSchema(Closed):
    """What the site's server presents."""

    code = fields.String(required=True, validate=validate.Length(min=1, max=100))
    verifier = fields.String(
        required=True,
        validate=validate.Length(min=43, max=128),
        metadata={"description": "The secret of which `challenge` was the SHA-256 (RFC 7636)."},
    )
    site = fields.String(
        required=True,
        validate=validate.Length(min=1, max=LONGEST),
        metadata={"description": "The site's home URL, as at the beginning."},
    )


class ConnectedSchema(Answer):
    """The key, and whose it is. The key is shown this once."""

    key = fields.String(metadata={"description": "The whole key, bound to the site's home URL."})
    scopes = fields.List(fields.String(validate=validate.OneOf([scope.value for scope in Scope])))
    account = fields.Nested(NamedStateSchema)
    site = fields.Nested(SiteSchema)
    default_from = fields.String(allow_none=True)
