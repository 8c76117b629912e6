"""The web application around a relay. Only `wsgi.py` and the command `openapi` come here."""

from __future__ import annotations

from typing import Any, cast

from flask import Flask, Response, jsonify
from flask_smorest import Api

from relay.api import (
    account,
    appeals,
    audience,
    connect,
    domains,
    events,
    health,
    hooks,
    lists,
    messages,
    operator_accounts,
    operator_desk,
    operator_reports,
    problems,
    proofs,
    sites,
    subscriptions,
    suppressions,
)
from relay.api import people as persons
from relay.api import speech as api_speech
from relay.api.connect_schemas import ConnectSchema
from relay.api.drafts import LARGEST_METADATA, LARGEST_REQUEST
from relay.api.openapi import CONFIG, in_any_language
from relay.api.parts import MOST as MOST_PARTS
from relay.api.schemas import (
    AudienceSchema,
    LetterItemSchema,
    LetterSchema,
    ListChangesSchema,
    MetadataSchema,
    MimeItemSchema,
    NewListSchema,
    PartItemSchema,
    ProblemSchema,
    ProofSchema,
    ReceiptSchema,
    ResendSchema,
    SignUpSchema,
)
from relay.api.site_schemas import NewSiteSchema
from relay.context import Relay
from relay.pages import (
    acceptable_use,
    challenge,
    confirm,
    connect_choice,
    people,
    plugin,
    setup,
    speech,
    start,
)
from relay.pages import connect as connect_pages

SCHEMAS_BY_NAME = (
    ReceiptSchema, MetadataSchema, ProblemSchema, LetterSchema, MimeItemSchema, PartItemSchema,
    LetterItemSchema, ProofSchema, ResendSchema, NewListSchema, ListChangesSchema, SignUpSchema,
    AudienceSchema, ConnectSchema, NewSiteSchema,
)  # fmt: skip
"""Schemas that hand-written parts of the OpenAPI document refer to."""


def create_app(relay: Relay) -> Flask:
    """The web application around a relay."""
    app = Flask("relay", static_folder="static")
    app.config.update(
        CONFIG,
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        MAX_FORM_PARTS=MOST_PARTS,
        MAX_FORM_MEMORY_SIZE=LARGEST_METADATA,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["relay"] = relay
    speech.install(app)
    api = Api(app)
    specification = cast(Any, api.spec)
    for schema in SCHEMAS_BY_NAME:
        specification.components.schema(schema.__name__.removesuffix("Schema"), schema=schema)
    for blueprint in (
        messages.blueprint,
        events.blueprint,
        suppressions.blueprint,
        lists.blueprint,
        subscriptions.blueprint,
        audience.blueprint,
        proofs.blueprint,
        persons.blueprint,
        account.blueprint,
        appeals.blueprint,
        connect.blueprint,
        domains.blueprint,
        sites.blueprint,
    ):
        api.register_blueprint(blueprint, url_prefix="/v1")
    for blueprint in (
        operator_accounts.blueprint,
        operator_desk.blueprint,
        operator_reports.blueprint,
    ):
        api.register_blueprint(blueprint, url_prefix="/v1/operator")
    for plain in (
        hooks.blueprint,
        health.blueprint,
        start.blueprint,
        acceptable_use.blueprint,
        plugin.blueprint,
        setup.blueprint,
        people.blueprint,
        confirm.blueprint,
        challenge.blueprint,
        connect_pages.blueprint,
        connect_choice.blueprint,
    ):
        app.register_blueprint(plain)

    @app.get("/openapi.json")
    def openapi() -> Response:
        """The OpenAPI document, made from the code."""
        return jsonify(in_any_language(api.spec.to_dict()))

    api_speech.install(app)
    problems.install(app, problem_base=relay.settings.problem_base)
    return app
