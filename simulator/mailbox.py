"""What becomes of a mail: decided once, when it is accepted, and written into its ledger line."""

from collections.abc import Callable

from simulator.addresses import domain_of
from simulator.answers import MAILBOX_SIMULATOR, SHORTHANDS, Scripts
from simulator.gateways import Gateways
from simulator.mails import Step
from simulator.settings import Settings

SIMULATOR_DOMAIN = "simulator.amazonses.com"

NO_GATEWAYS = Gateways()

FINAL = ("Reject", "Rendering Failure")
"""Events of a mail that was never attempted: no Send event comes before them."""


def plan(
    recipients: list[str],
    scripts: Scripts,
    settings: Settings,
    is_suppressed: Callable[[str], bool],
    *,
    gateways: Gateways = NO_GATEWAYS,
    infected: bool = False,
) -> list[Step]:
    """The steps of a mail in order of time; recipients of a domain who answer alike share them."""
    if infected:
        return [{**SHORTHANDS["reject"], "after": settings.send_seconds}]
    groups: list[tuple[str, list[Step], list[str]]] = []
    for address in recipients:
        domain = domain_of(address)
        steps = _answer(address, domain, scripts, is_suppressed)
        if steps == [SHORTHANDS["delivery"]]:
            steps = gateways.answer(domain, settings.delivery_seconds) or steps
        for group in groups:
            if group[0] == domain and group[1] == steps:
                group[2].append(address)
                break
        else:
            groups.append((domain, steps, [address]))
    planned: list[Step] = []
    for _, steps, addresses in groups:
        whom = {} if len(groups) == 1 else {"to": addresses}
        planned += [{"after": _after(step, settings), **step, **whom} for step in steps]
    planned.sort(key=lambda step: float(step["after"]))
    if not any(step["event"] in FINAL for step in planned):
        planned.insert(0, {"event": "Send", "after": settings.send_seconds})
    return planned


def is_simulated(address: str) -> bool:
    """Whether the address is one of SES's mailbox simulator."""
    return domain_of(address) == SIMULATOR_DOMAIN


def _answer(
    address: str, domain: str, scripts: Scripts, is_suppressed: Callable[[str], bool]
) -> list[Step]:
    if domain == SIMULATOR_DOMAIN:
        local = address.rpartition("@")[0].partition("+")[0].lower()
        return [SHORTHANDS[name] for name in MAILBOX_SIMULATOR.get(local, ("bounce",))]
    if is_suppressed(address):
        return [SHORTHANDS["account-suppressed"]]
    return scripts.answer(address) or [SHORTHANDS["delivery"]]


def _after(step: Step, settings: Settings) -> float:
    """When a step happens that does not say so itself."""
    late = step["event"] in ("Complaint", "Open", "Click", "Subscription")
    late = late or step == SHORTHANDS["ooto"]
    return settings.complaint_seconds if late else settings.delivery_seconds
