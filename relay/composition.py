"""The composition root: settings in, a running relay out. Only `wsgi.py` and the commands come here.

The web application around it is made in relay/app.py: what serves no pages does not load them.
"""

from __future__ import annotations

from relay import db
from relay.context import Relay
from relay.gateways import dns, identities, ses, sns, tenants
from relay.gateways.throttle import Throttle
from relay.logs import configure
from relay.settings import Settings


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
