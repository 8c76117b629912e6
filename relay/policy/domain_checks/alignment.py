"""Whether mail from the domain will be aligned (RFC 9989 §4.4)."""

from __future__ import annotations

from collections.abc import Iterable

from relay.policy.dmarc import organisational_domain
from relay.policy.domain_checks.look import Look
from relay.policy.domain_checks.values import Alignment, CheckedRecord
from relay.sayings import Saying, say
from relay.vocabulary import CheckResult

_BY_RESULT = {CheckResult.PASS: True, CheckResult.FAIL: False, CheckResult.UNKNOWN: None}


def predict(records: tuple[CheckedRecord, ...], look: Look) -> Alignment:
    """What receivers will find, with the records as they are now."""
    dkim = _all(_BY_RESULT[each.result] for each in records if each.key.startswith("dkim"))
    by_key = {each.key: _BY_RESULT[each.result] for each in records}
    spf = _all((by_key["mail-from-mx"], by_key["mail-from-spf"], _spf_fits(look)))
    dmarc = True if dkim or spf else False if dkim is False and spf is False else None
    return Alignment(dkim, spf, dmarc, _sentence(dkim, spf, look))


def _all(parts: Iterable[bool | None]) -> bool | None:
    values = set(parts)
    return False if False in values else None if None in values else True


def _spf_fits(look: Look) -> bool | None:
    """Whether the MAIL FROM domain is aligned with the From domain, were SPF to pass."""
    domain, mail_from = look.plan.domain, look.plan.mail_from
    if mail_from == domain:
        return True
    if not look.dmarc.is_known:
        return None
    if look.dmarc.record is None:
        # Nobody is asked to look; whatever record will be published for the domain is above both.
        return mail_from.endswith(f".{domain}")
    if look.dmarc.record.strict_spf:
        return False
    theirs, ours = organisational_domain(mail_from, look.ask), look.dmarc.organisational
    return None if theirs is None or ours is None else theirs == ours


def _sentence(dkim: bool | None, spf: bool | None, look: Look) -> Saying:
    if dkim and spf:
        told = say("Mail is aligned twice, by DKIM and by SPF.")
    elif dkim and spf is None:
        told = say("Mail is aligned by DKIM; whether by SPF too, nobody has answered just now.")
    elif spf and dkim is None:
        told = say("Mail is aligned by SPF; whether by DKIM too, nobody has answered just now.")
    elif dkim:
        told = say("Mail is aligned by DKIM alone: a mail whose signature breaks on its way fails.")
    elif spf:
        told = say("Mail is aligned by SPF alone: a mail that is forwarded fails.")
    elif dkim is False and spf is False:
        told = say("Mail would not be aligned: receivers cannot tell it from a forgery.")
    else:
        told = say("Nobody knows yet whether mail will be aligned.")
    if look.dmarc.is_known and look.dmarc.policy is None:
        told += say("No DMARC record asks receivers to look at that yet.")
    return told
