"""What a diagnosis says to a person: what happened, why, what follows, what to do - in that
order, without blame.

The codes and their parameters travel to clients, who may translate; the sentences here are the
English ones. They promise only what every caller does: whether the address is mailed again comes
from the diagnosis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from relay.policy.bounce_classes import BounceClass
from relay.policy.bounces import Diagnosis
from relay.policy.gateways import NAMES, Gateway
from relay.sayings import phrase


@dataclass(frozen=True, slots=True)
class Words:
    """Four sentences (or a few more) about one bounce."""

    happened: str
    why: str
    follows: str
    do: str

    def __str__(self) -> str:
        return " ".join(filter(None, (self.happened, self.why, self.follows, self.do)))


TITLES: Final[Mapping[BounceClass, str]] = {
    BounceClass.INVALID_RECIPIENT: phrase("The mailbox does not exist"),
    BounceClass.BAD_DOMAIN: phrase("The domain does not receive mail"),
    BounceClass.INACTIVE_MAILBOX: phrase("The mailbox is out of use"),
    BounceClass.MAILBOX_FULL: phrase("The mailbox is full"),
    BounceClass.MESSAGE_TOO_LARGE: phrase("The mail is too large for the receiving server"),
    BounceClass.RATE_LIMITED: phrase("The receiving server wants fewer mails at a time"),
    BounceClass.SPAM_BLOCK: phrase("The receiving server blocks where the mail came from"),
    BounceClass.SPAM_CONTENT: phrase("The receiving server took the mail for spam"),
    BounceClass.VIRUS_DETECTED: phrase("The receiving server refused an attachment"),
    BounceClass.POLICY_RELATED: phrase("A rule of the receiving server refused the mail"),
    BounceClass.AUTHENTICATION_FAILED: phrase("The sender's domain could not be proved"),
    BounceClass.INVALID_SENDER: phrase("The receiving server does not accept the sender"),
    BounceClass.RELAY_DENIED: phrase("The server there does not take mail for this domain"),
    BounceClass.PROTOCOL_ERRORS: phrase("The receiving server could not read the mail"),
    BounceClass.NETWORK_FAILURE: phrase("The receiving server could not be reached"),
    BounceClass.TRANSIENT_FAILURE: phrase("The receiving server put the mail off"),
    BounceClass.SUPPRESSED: phrase("Amazon SES did not try: it lists the address as undeliverable"),
    BounceClass.AUTO_REPLY: phrase("An automatic answer came back"),
    BounceClass.UNDETERMINED: phrase("The receiving server did not say why in words that we know"),
}
"""Each class in one line, as a title; the sentences of `ADVICE` say more."""

_AGAIN = "The address is probably fine and stays on the list."
_STOPPED = "We do not send to this address any more."
_PAUSED = "We stop sending to this address for some weeks, then try once more."

ADVICE: Final[Mapping[str, Words]] = {
    "remove-address": Words(
        "{server} says that {recipient} does not exist.",
        "The address was mistyped, or the person has left.",
        _STOPPED,
        "Take it out of your lists; if you know the person, ask for their new address.",
    ),
    "ask-if-address-right": Words(
        "{server} does not let mail in for {recipient}.",
        "Most often that means that there is no such mailbox, but the words leave it open.",
        _STOPPED,
        "If you know that the address is right, tell us and we try again.",
    ),
    "check-domain": Words(
        "{domain} does not receive mail.",
        "The domain does not exist, has expired, or says that it takes no mail.",
        _STOPPED,
        "Look for a typing mistake in the part after the @.",
    ),
    "inactive": Words(
        "{recipient} is closed or has been put out of use.",
        "Providers close mailboxes that nobody opens, and companies those of people who have left.",
        _PAUSED,
        "If you know the person, ask for another address.",
    ),
    "mailbox-full": Words(
        "The mailbox of {recipient} is full.",
        "Its owner has not made room for some time.",
        "We try again over the next days. Only if this goes on for weeks is the address stopped.",
        "Nothing needs to be done.",
    ),
    "make-smaller": Words(
        "This mail is larger than {server} accepts.",
        "Many servers refuse mails with large attachments.",
        _AGAIN,
        "Send a link in place of the attachment, or make the mail smaller.",
    ),
    "slow-down": Words(
        "{server} asked us to slow down.",
        "It received many mails in a short time.",
        "We send more slowly to {domain} and try again. " + _AGAIN,
        "Nothing needs to be done; spreading large mailings over the day helps.",
    ),
    "slow-down-for-person": Words(
        "{recipient} is receiving more mail at the moment than {server} lets through.",
        "The limit belongs to that mailbox, not to you.",
        "We try again later. " + _AGAIN,
        "Nothing needs to be done.",
    ),
    "reputation": Words(
        "{server} refused this mail because of where it came from.",
        "The sending server or domain is on a block list, or has too poor a name there.",
        "We look into it and try again another way. " + _AGAIN,
        "If it happens at several companies, tell us; keep mailing only people who asked for it.",
    ),
    "change-content": Words(
        "{server} took this mail for spam.",
        "Its filter judged the text, the links or the look of the mail.",
        _AGAIN,
        "Shorten the mail, use fewer links and only to your own domain, and send it again.",
    ),
    "check-links": Words(
        "{server} refused this mail because of a link in it.",
        "A domain that the mail links to is on a block list.",
        _AGAIN,
        "Check your links, above all shortened ones, and take out the listed domain.",
    ),
    "remove-attachment": Words(
        "{server} refused an attachment of this mail.",
        "It holds a virus, or is of a kind that is not let in there.",
        _AGAIN,
        "Check the attachment with a virus scanner; send a link to it if it is clean.",
    ),
    "ask-their-it": Words(
        "{server} refused this mail because of its own rule.",
        "That is the decision of the people who run it, not a fault of the address.",
        "We try once more in a few days. " + _AGAIN,
        "You can send their IT department our note with the time and the codes.",
    ),
    "ask-recipient-to-allow": Words(
        "{recipient} exists but takes mail only from chosen senders.",
        "Groups and protected mailboxes are often closed to the outside.",
        "We try once more in a few days. " + _AGAIN,
        "Ask the recipient, or the owner of the group, to allow your address.",
    ),
    "fix-authentication": Words(
        "{server} could not make sure that this mail is really from your domain.",
        "One of the proofs that servers ask for (SPF, DKIM, DMARC) is missing or wrong.",
        _AGAIN,
        "Open your domain's page, publish the records it shows, and send the mail again.",
    ),
    "fix-spf": Words(
        "{server} found that our servers are not named in your domain's SPF record.",
        "The record lists who may send for your domain.",
        _AGAIN,
        "Open your domain's page, publish the SPF record it shows, and send the mail again.",
    ),
    "fix-dkim": Words(
        "{server} could not check the signature (DKIM) of this mail.",
        "The key in your domain's DNS is missing or out of date.",
        _AGAIN,
        "Open your domain's page, publish the DKIM records it shows, and send the mail again.",
    ),
    "fix-dmarc": Words(
        "{server} refused this mail because of your domain's DMARC policy.",
        "The policy asks for SPF or DKIM of the very domain in the From line, and neither fitted.",
        _AGAIN,
        "Open your domain's page, make both fit, and send the mail again.",
    ),
    "reverse-dns": Words(
        "{server} could not find a name for the server that sent this mail.",
        "That is about our servers' DNS, not about you or the address.",
        "We look into it and try again. " + _AGAIN,
        "Nothing needs to be done.",
    ),
    "tls": Words(
        "{server} and our server could not agree on an encrypted connection.",
        "One side asks for encryption or for a certificate that the other does not offer.",
        "We look into it and try again. " + _AGAIN,
        "Nothing needs to be done; if it lasts, their IT department should know.",
    ),
    "fix-sender": Words(
        "{server} does not accept the sender of this mail.",
        "The sending address or its domain does not exist in DNS, or is blocked there.",
        _AGAIN,
        "Check your From address on your domain's page and send the mail again.",
    ),
    "verify-sender": Words(
        "This mail was not sent because its From address is not verified.",
        "Only addresses of domains that you have proved to be yours can send.",
        _AGAIN,
        "Verify the domain, or choose a From address of a verified one.",
    ),
    "check-their-mx": Words(
        "The server that answers for {domain} does not take mail for it.",
        "The domain's DNS points to the wrong server, often after a move.",
        "We try again later. " + _AGAIN,
        "If you know the recipient, tell them on the phone: nobody can write to them.",
    ),
    "fix-message": Words(
        "{server} could not read this mail.",
        "Something in its form is not as the standard asks.",
        _AGAIN,
        "If it happens at several companies, tell us and name the plugin that wrote the mail.",
    ),
    "retry-later": Words(
        "{server} could not be reached.",
        "It did not answer, or the way there was broken.",
        "We try again later. " + _AGAIN,
        "Nothing needs to be done unless it lasts for weeks.",
    ),
    "mail-loop": Words(
        "This mail went round in circles behind {domain}.",
        "Servers there hand it to one another, or a forwarding points back to itself.",
        "We try again later. " + _AGAIN,
        "If you know the recipient, tell their IT department.",
    ),
    "retry-soon": Words(
        "{server} put this mail off.",
        "It is busy or has trouble of its own.",
        "We try again. " + _AGAIN,
        "Nothing needs to be done.",
    ),
    "greylisted": Words(
        "{server} asked us to come back in a while.",
        "It does so with senders it does not know yet (greylisting).",
        "We come back. " + _AGAIN,
        "Nothing needs to be done.",
    ),
    "their-system-full": Words(
        "{server} has no room left.",
        "Its disk is full, not this one mailbox.",
        "We try again later. " + _AGAIN,
        "Nothing needs to be done.",
    ),
    "already-suppressed": Words(
        "This mail was not sent.",
        "An earlier mail to {recipient} showed that the address is bad, or its owner complained.",
        _STOPPED,
        "Look at the earlier bounce in the address's history.",
    ),
    "suppressed-by-ses": Words(
        "Amazon did not send this mail.",
        "Somebody's mail to {recipient} bounced in the last days.",
        _STOPPED,
        "If you know that the address is right, tell us and we try again in two weeks.",
    ),
    "validation-failed": Words(
        "Amazon did not send this mail.",
        "Its check holds {recipient} for an address that cannot receive mail.",
        _STOPPED,
        "If you know that the address is right, tell us and we try again.",
    ),
    "unsubscribed": Words(
        "This mail was not sent.",
        "{recipient} has unsubscribed.",
        _STOPPED,
        "Respect that; they can subscribe again themselves.",
    ),
    "not-a-bounce": Words(
        "{recipient} answered automatically.",
        "Most often that is an out-of-office note.",
        "The mail counts as delivered.",
        "Nothing needs to be done.",
    ),
    "look-at-text": Words(
        "{server} sent this mail back without saying why in words that we know.",
        "Its own words are shown below.",
        "We try once more. " + _AGAIN,
        "If you can make more of its words than we can, tell us.",
    ),
}


def words_for(diagnosis: Diagnosis) -> Words:
    """The sentences for a diagnosis, filled in."""
    template = ADVICE[diagnosis.advice]
    domain = diagnosis.parameters["domain"] or "the recipient's domain"
    names = {
        "recipient": diagnosis.recipient or "this address",
        "domain": domain,
        "server": server_of(domain, diagnosis.vendor),
    }
    parts = (template.happened, template.why, template.follows, template.do)
    return Words(*(_sentence(part.format_map(names)) for part in parts))


def server_of(domain: str, vendor: Gateway | None) -> str:
    """What the receiving server is called: after the domain, and the vendor if it is known."""
    name = NAMES.get(vendor) if vendor else None
    return f"{domain}'s mail server ({name})" if name else f"{domain}'s mail server"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] if text.startswith(("the ", "this ")) else text
