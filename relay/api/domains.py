"""`/v1/domains`: from which domains the account may send, and what is missing in their DNS."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.auth import caller, keyed, relay
from relay.api.domain_schemas import (
    ClaimSchema,
    ConsentRequestSchema,
    SendingDomainSchema,
    SendingDomainsSchema,
)
from relay.api.openapi import (
    DOMAIN,
    DOMAIN_CONFLICT,
    DOMAIN_REFUSED,
    NO_DOMAIN,
    NOTHING_TO_MISTAKE,
    PROBLEM,
    SITE,
)
from relay.models import Domain
from relay.services import domain_looks, domain_views, domains
from relay.services.domain_views import DomainView
from relay.vocabulary import Scope

blueprint = Blueprint("domains", __name__, description="Domains one may send from.")


@blueprint.route("/domains", parameters=[SITE])
class Domains(MethodView):
    """The account's sending domains."""

    @keyed(Scope.READ)
    @blueprint.response(200, SendingDomainsSchema)
    @blueprint.doc(operationId="listDomains", responses=NOTHING_TO_MISTAKE)
    def get(self) -> dict[str, Any]:
        """List the account's sending domains with their records, as they were last seen."""
        context = relay()
        with context.reads() as session:
            found = domain_views.views(
                session,
                domains.list_domains(session, caller().account_id),
                public_url=context.settings.public_url,
            )
        return {"domains": [as_json(each) for each in found]}

    @keyed(Scope.MANAGE)
    @blueprint.arguments(ClaimSchema, error_status_code=400, example={"name": "new.example"})
    @blueprint.response(201, SendingDomainSchema)
    @blueprint.doc(
        operationId="addDomain", responses={**DOMAIN_CONFLICT, **DOMAIN_REFUSED, **PROBLEM}
    )
    def post(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Add a domain; the answer says which DNS records to publish.

        The domain is `pending` until its required records are there. A claim that is not proven ends
        after 7 days; a domain that has lapsed may be added again.
        """
        context = relay()
        with context.sessions.begin() as session:
            made = domains.claim(
                session,
                caller().account_id,
                asked["name"],
                mail_from=asked["mail_from"],
                region=context.settings.aws_region,
                now=context.clock(),
            )
        domain_looks.provision(context, made.name)
        with context.sessions.begin() as session:
            domains.refresh(session, made.id, region=context.settings.aws_region)
        return _shown(made.name)


@blueprint.route("/domains/<string:domain>", parameters=[SITE, DOMAIN])
class OneDomain(MethodView):
    """One sending domain."""

    @keyed(Scope.READ)
    @blueprint.response(200, SendingDomainSchema)
    @blueprint.doc(operationId="getDomain", responses={**NO_DOMAIN, **NOTHING_TO_MISTAKE})
    def get(self, domain: str) -> dict[str, Any]:
        """Show a sending domain as it was last seen."""
        return _shown(domain)

    @keyed(Scope.MANAGE)
    @blueprint.response(204)
    @blueprint.doc(
        operationId="removeDomain", responses={**NO_DOMAIN, **DOMAIN_REFUSED, **NOTHING_TO_MISTAKE}
    )
    def delete(self, domain: str) -> None:
        """Give the domain up; nothing can be sent from it any more."""
        context = relay()
        with context.sessions.begin() as session:
            domains.remove(session, caller().account_id, domain, now=context.clock())


@blueprint.route("/domains/<string:domain>/check", parameters=[SITE, DOMAIN])
class Check(MethodView):
    """Looking at once."""

    @keyed(Scope.READ)
    @blueprint.response(200, SendingDomainSchema)
    @blueprint.doc(operationId="checkDomain", responses={**NO_DOMAIN, **NOTHING_TO_MISTAKE})
    def post(self, domain: str) -> dict[str, Any]:
        """Look at the domain's DNS now, at most every 10 seconds, and say what is there."""
        context = relay()
        with context.reads() as session:
            found = domains.find(session, caller().account_id, domain)
        domain_looks.look(context, found.id, by_hand=True)
        return _shown(domain)


@blueprint.route("/domains/<string:domain>/consents", parameters=[SITE, DOMAIN])
class Consents(MethodView):
    """Letting others claim names under the domain."""

    @keyed(Scope.MANAGE)
    @blueprint.arguments(
        ConsentRequestSchema,
        error_status_code=400,
        example={"account": "00000000-0000-4000-8000-000000000000"},
    )
    @blueprint.response(200, SendingDomainSchema)
    @blueprint.doc(operationId="consentToDomain", responses={**NO_DOMAIN, **PROBLEM})
    def post(self, asked: dict[str, Any], domain: str) -> dict[str, Any]:
        """Let another account claim names under this domain."""
        context = relay()
        with context.sessions.begin() as session:
            domains.consent(
                session, caller().account_id, domain, asked["account"], now=context.clock()
            )
        return _shown(domain)


@blueprint.route("/domains/<string:domain>/consents/<uuid:account>", parameters=[SITE, DOMAIN])
class OneConsent(MethodView):
    """One such agreement."""

    @keyed(Scope.MANAGE)
    @blueprint.response(200, SendingDomainSchema)
    @blueprint.doc(
        operationId="withdrawDomainConsent", responses={**NO_DOMAIN, **NOTHING_TO_MISTAKE}
    )
    def delete(self, domain: str, account: UUID) -> dict[str, Any]:
        """Agree no more. What the other account has verified already stays its own."""
        context = relay()
        with context.sessions.begin() as session:
            domains.withdraw_consent(session, caller().account_id, domain, account)
        return _shown(domain)


def _shown(name: str) -> dict[str, Any]:
    context = relay()
    with context.reads() as session:
        found: Domain = domains.find(session, caller().account_id, name)
        return as_json(domain_views.view(session, found, public_url=context.settings.public_url))


def as_json(found: DomainView) -> dict[str, Any]:
    """A domain as the API shows it."""
    each = found.domain
    return {
        "name": each.name,
        "unicode_name": found.unicode_name,
        "status": each.status,
        "usable": found.usable,
        "summary": found.summary,
        "created_at": each.created_at,
        "verified_at": each.verified_at,
        "ends_at": found.ends_at,
        "checked_at": each.checked_at,
        "next_check_at": each.due_at,
        "vouched": each.vouched,
        "review": each.review,
        "share_url": found.share_url,
        "records": found.records,
        "advice": found.advice,
        "alignment": found.alignment,
        "consents": found.consents,
        "history": found.history,
    }
