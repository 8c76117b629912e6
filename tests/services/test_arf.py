"""Feedback reports find our copy, count once, stop what a complaint stops, and are cases."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from relay.context import Relay
from relay.mail import Envelope
from relay.models import AbuseReport, Event, FeedbackReport, Site
from relay.services import abuse_reports, arf, feed, judging, opt_outs, tallies
from relay.services.arf import Taken
from relay.services.copies import headers
from relay.services.person_links import PersonLink, seal
from relay.services.suppressions import list_suppressions
from relay.vocabulary import (
    AbuseDecision,
    AbuseOrigin,
    AbuseReason,
    AbuseSeverity,
    EventType,
    FeedbackResult,
    FeedbackType,
    Stream,
)
from tests.factories import parse
from tests.fakes import provider_id
from tests.feedback import make_feedback
from tests.steps import accept, copy_of, deliver_due, subscribe, tell

ADA = parse("ada@customer.example")


@pytest.fixture
def newsletter(relay: Relay, site: Site) -> Envelope:
    """A newsletter that Ada, who has confirmed, has got."""
    accept(relay, site, stream=Stream.MARKETING)
    (envelope,) = deliver_due(relay)
    return envelope


def take(relay: Relay, raw: bytes) -> Taken:
    with relay.sessions.begin() as session:
        return arf.take(session, raw, keyring=relay.settings.keyring, now=relay.clock())


def by_provider_id(envelope: Envelope, **given: str) -> bytes:
    id = provider_id(envelope)
    return make_feedback(**({"returned": f"Message-ID: <{id}@email.amazonses.com>"} | given))


def complaints(relay: Relay) -> int:
    with relay.reads() as session:
        return len(session.scalars(select(Event).where(Event.type == EventType.COMPLAINED)).all())


def stopped(relay: Relay, site: Site) -> list[tuple[str, str]]:
    with relay.reads() as session:
        return [(s.reason.value, s.scope.value) for s in list_suppressions(session, site.id)]


def cases(relay: Relay) -> list[AbuseReport]:
    with relay.reads() as session:
        return list(session.scalars(select(AbuseReport)))


def test_our_own_link_names_the_copy_though_the_address_is_redacted(
    relay: Relay, site: Site, newsletter: Envelope
) -> None:
    raw = headers(
        relay.settings.public_url,
        seal(
            relay.settings.keyring,
            PersonLink(site.id, ADA, newsletter.topic or "", newsletter.message_id),
        ),
    ).decode()

    taken = take(relay, make_feedback(returned=raw.replace("\r\n", "\n").strip()))

    assert (taken.result, taken.message_id) == (FeedbackResult.COMPLAINT, newsletter.message_id)
    (case,) = cases(relay)
    assert (case.id, case.site_id, case.address_key) == (taken.report_id, site.id, ADA.key)


def test_amazon_s_message_id_names_the_copy(relay: Relay, site: Site, newsletter: Envelope) -> None:
    taken = take(relay, by_provider_id(newsletter))

    assert taken.result is FeedbackResult.COMPLAINT
    (case,) = cases(relay)
    assert (case.origin, case.reason) == (AbuseOrigin.ARF, AbuseReason.NEVER_SIGNED_UP)
    assert case.severity is AbuseSeverity.CONSENT_DISPUTED
    assert case.consent is not None
    assert case.consent["list"] == "news"
    assert stopped(relay, site) == [("complaint", "promotional")]
    assert complaints(relay) == 1


def test_the_copy_says_that_somebody_complained(relay: Relay, site: Site) -> None:
    receipt = accept(relay, site)
    (envelope,) = deliver_due(relay)

    take(relay, by_provider_id(envelope))

    assert copy_of(relay, site, receipt).status == "complained"
    assert stopped(relay, site) == [("complaint", "all")]
    assert cases(relay)[0].severity is AbuseSeverity.NO_CONSENT


@pytest.mark.parametrize("first", ["arf", "ses"])
def test_one_complaint_counts_once_whoever_tells_it(
    first: str, relay: Relay, site: Site, newsletter: Envelope
) -> None:
    if first == "arf":
        take(relay, by_provider_id(newsletter))
    tell(relay, "Complaint", newsletter)
    take(relay, by_provider_id(newsletter))
    take(relay, by_provider_id(newsletter, type="fraud"))

    assert complaints(relay) == 1
    assert stopped(relay, site) == [("complaint", "promotional")]
    assert len(cases(relay)) == 1


def test_the_same_report_twice_is_taken_in_once(relay: Relay, newsletter: Envelope) -> None:
    raw = by_provider_id(newsletter)

    assert [take(relay, raw).result for _ in range(2)] == [
        FeedbackResult.COMPLAINT, FeedbackResult.KNOWN,
    ]  # fmt: skip


@pytest.mark.parametrize("type", ["not-spam", "auth-failure"])
def test_what_is_no_complaint_stops_nothing(
    type: str, relay: Relay, site: Site, newsletter: Envelope
) -> None:
    assert take(relay, by_provider_id(newsletter, type=type)).result is FeedbackResult.NOTED
    assert (stopped(relay, site), complaints(relay), cases(relay)) == ([], 0, [])


def test_who_opts_out_gets_no_more_and_is_no_case(
    relay: Relay, site: Site, newsletter: Envelope
) -> None:
    assert take(relay, by_provider_id(newsletter, type="opt-out")).result is FeedbackResult.LEFT
    with relay.reads() as session:
        assert opt_outs.topics_of(session, site.id, ADA) == {newsletter.topic}
    assert (stopped(relay, site), cases(relay)) == ([], [])


@pytest.mark.parametrize(
    "returned",
    [
        "Message-ID: <4711@elsewhere.example>",
        "Message-ID: <0100-unknown@email.amazonses.com>",
        f"List-Unsubscribe: <https://relay.example/unsubscribe/{'x' * 540}>",
        "Subject: only a subject",
    ],
)
def test_what_nobody_can_match_is_kept_and_listed(
    returned: str, relay: Relay, newsletter: Envelope
) -> None:
    taken = take(relay, make_feedback(returned=returned))

    assert taken.result is FeedbackResult.UNMATCHED
    with relay.reads() as session:
        (kept,) = arf.unmatched(session)
    assert (kept.id, kept.type) == (taken.feedback_id, FeedbackType.ABUSE)
    assert "unsubscribe" not in str(kept.told)
    assert "redacted@" not in str(kept.told)


def test_the_person_s_own_words_are_not_replaced(
    relay: Relay, site: Site, newsletter: Envelope
) -> None:
    with relay.sessions.begin() as session:
        link = PersonLink(site.id, ADA, newsletter.topic or "", newsletter.message_id)
        abuse_reports.report(
            session, link, reason=AbuseReason.OFFENSIVE, comment="Rude.", evidence={},
            now=relay.clock(),
        )  # fmt: skip

    taken = take(relay, by_provider_id(newsletter))

    (case,) = cases(relay)
    assert (case.reason, case.comment) == (AbuseReason.OFFENSIVE, "Rude.")
    with relay.reads() as session:
        kept = session.get_one(FeedbackReport, taken.feedback_id)
    assert kept.report_id == case.id


def test_a_person_who_never_signed_up_is_the_gravest_but_fraud(relay: Relay, site: Site) -> None:
    subscribe(relay, site)
    accept(relay, site)
    (envelope,) = deliver_due(relay)
    take(relay, by_provider_id(envelope, type="virus"))

    assert cases(relay)[0].severity is AbuseSeverity.FRAUD


def test_a_site_is_judged_by_it_once_as_by_a_complaint(
    relay: Relay, site: Site, newsletter: Envelope
) -> None:
    take(relay, by_provider_id(newsletter))
    accept(relay, site, to=["bob@customer.example"], stream=Stream.MARKETING)
    (other,) = deliver_due(relay)
    with relay.sessions.begin() as session:
        link = PersonLink(
            site.id, parse("bob@customer.example"), other.topic or "", other.message_id
        )
        said = abuse_reports.report(
            session, link, reason=AbuseReason.OTHER, evidence={}, now=relay.clock()
        )
    with relay.sessions.begin() as session:
        feed.number(session)
    with relay.sessions.begin() as session:
        tallies.roll_up(session, now=relay.clock())

    assert counted(relay, site) == (1, 1)

    with relay.sessions.begin() as session:
        abuse_reports.close(
            session, said, AbuseDecision.DISMISSED, because="a joke", by="eve", now=relay.clock()
        )
    assert counted(relay, site) == (1, 0)


def counted(relay: Relay, site: Site) -> tuple[int, int]:
    """Complaints, and reports, by which the site's newsletters are judged."""
    with relay.reads() as session:
        record = judging.records(session, judging.lines(session, [site.id]), now=relay.clock())[
            site.id, Stream.MARKETING
        ]
    figures = max(record.windows.values(), key=lambda each: each.complaints + each.reports)
    return figures.complaints, figures.reports
