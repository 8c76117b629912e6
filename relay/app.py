"""The composition root: settings in, a running relay out. Only `wsgi.py` and `__main__.py` come here."""

from __future__ import annotations

from typing import Any, cast

from flask import Flask, Response, jsonify
from flask_smorest import Api

from relay import db
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
from relay.gateways import dns, identities, ses, sns, tenants
from relay.gateways.throttle import Throttle
from relay.logs import configure
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
from relay.settings import Settings

SCHEMAS_BY_NAME = (
    ReceiptSchema, MetadataSchema, ProblemSchema, LetterSchema, MimeItemSchema, PartItemSchema,
    LetterItemSchema, ProofSchema, ResendSchema, NewListSchema, ListChangesSchema, SignUpSchema,
    AudienceSchema, ConnectSchema, NewSiteSchema,
)  # fmt: skip
"""Schemas that hand-written parts of the OpenAPI document refer to."""


def build(settings: Settings, *, serving: bool = False) -> Relay:
    """The relay this installation's settings describe, with its real neighbours.

    `serving` says that it is for the web application (see `db.connect` about plans).
    """
    configure(settings.log_level)
    engine = db.connect(settings.database_url, generic_plans=serving)
    reads = db.reading(engine)
    resolver = _resolver(settings)
    return Relay(
        settings=settings,
        sessions=db.writing(engine),
        reads=reads,
        mailer=ses.LazyMailer(lambda: _mailer(settings)),
        clock=db.database_clock(reads),
        throttle=Throttle(settings.rate_limit_store),
        sending_account=lambda: ses.sending_account(
            ses.control_client(
                "sesv2", region=settings.aws_region, endpoint_url=settings.aws_endpoint_url
            )
        ),
        exchangers=resolver.exchangers if resolver else dns.no_exchangers,
        names=resolver.for_report if resolver else lambda: dns.not_asked,
        identities=identities.SesIdentities(
            lambda: ses.control_client(
                "sesv2", region=settings.aws_region, endpoint_url=settings.aws_endpoint_url
            )
        ),
        tenants=tenants.SesTenants(
            lambda: ses.control_client(
                "sesv2", region=settings.aws_region, endpoint_url=settings.aws_endpoint_url
            )
        ),
        provider_list=lambda address: ses.forget_suppressed(
            ses.control_client(
                "sesv2", region=settings.aws_region, endpoint_url=settings.aws_endpoint_url
            ),
            address,
        ),
        certificate=(
            sns.simulator_certificate(settings.simulator_certificate)
            if settings.simulator_certificate
            else sns.FetchedCertificates()
        ),
        confirm_subscription=sns.api_confirmer(
            lambda: ses.control_client(
                "sns", region=settings.aws_region, endpoint_url=settings.aws_endpoint_url
            )
        ),
    )


def _resolver(settings: Settings) -> dns.Resolver | None:
    """Who is asked for DNS: the name servers of the settings, else this machine's.

    Beside the simulator nobody is, unless named: its people and domains live nowhere.
    """
    if settings.nameservers:
        return dns.Resolver(nameservers=settings.nameservers)
    return None if settings.aws_endpoint_url else dns.Resolver()


def _mailer(settings: Settings) -> ses.SesMailer:
    return ses.SesMailer(
        region=settings.aws_region,
        configuration_set=settings.configuration_set,
        endpoint_url=settings.aws_endpoint_url,
        timeout=settings.mailer_timeout,
        connections=settings.sender_threads,
    )


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
