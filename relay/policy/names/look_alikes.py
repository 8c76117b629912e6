"""Names that are taken for a brand that is often imitated.

A label is judged by what it looks like (`skeletons`). It is a look-alike when it is a brand's
name, under whatever ending; a brand's name beside a word that phishing uses; a brand's real domain
written inside a longer name; or, for long names that are no plain words, one slip of a finger
away. What is only similar, or only holds a brand's letters, is somebody's shop
(`amazonas-reisen`, `chase-hundesport`).
"""

from __future__ import annotations

from functools import lru_cache

from relay.policy.names.brands import SHORTEST_SLIP, Brand, book
from relay.policy.names.data import words
from relay.policy.names.skeletons import (
    LONGEST_LABEL,
    barred,
    collapsed,
    decoded,
    readings,
    skeleton,
)
from relay.policy.names.suffixes import public_suffix

UNMISTAKABLE = words(
    "login signin logon signon verify verification verified verifizierung verificacion verificar "
    "verifikasi account accounts konto cuenta akun secure security sicherheit seguridad password passwort "
    "contrasena clave sandi unlock unblock suspended billing webmail authenticate authentication auth sso "
    "2fa tan pushtan phototan mtan onlinebanking banking kundenservice anmelden anmeldung masuk recovery "
    "recover"
)
"""Words of phishing that say 'give me your password' beside any brand (our decision)."""

SUSPECT = UNMISTAKABLE | words(
    "support service services help helpdesk helpcenter care customer customers update updates wallet id "
    "info alert alerts notice notification notifications confirm confirmation payment payments pay "
    "invoice refund online access my mein mi portal center centre team official safe safety safeguard "
    "protect protection track tracking delivery paket parcel package express reward rewards bonus gift "
    "claim mail email web www app kunden hilfe ayuda soporte servicio pago pagos bantuan "
    "layanan rechnung aktualisierung client clients user users session limited limitation resolution "
    "resolve ticket redelivery package premium prime document documents "
    "kundencenter sicherheitscenter bestaetigung bestatigung zahlung zahlungen bezahlen bestellung "
    "kaeuferschutz kauferschutz sendung lieferung zustellung zoll "
    "atencion cliente clientes confirmar acceso seguro pedido envio entrega aduana paquete sesion "
    "resmi pembayaran hadiah undian promo pengiriman paket cs "
    "deutschland germany espana spain mexico indonesia taiwan"
)
"""Words of phishing, and of a brand's branch office, beside a name that is nothing but a brand."""

ENDINGS = words("com net org de")
"""Written behind a brand at a label's end they are its domain: `paypal-de`. Elsewhere `de` is a word."""

MOST_WORDS = 12
"""Words of a label that are looked at (our decision: real names have fewer)."""

SLIPS_FROM = 7
"""Letters of a brand from which on any one slip inside it counts; transpositions count from six."""


@lru_cache(maxsize=4_096)
def look_alike(name: str) -> str | None:
    """The domain of the brand that this domain is taken for, or None.

    A brand's real domain, and what lies under it, is not a look-alike. Labels that everybody
    shares (the public suffix) are not judged.
    """
    known = book()
    if known.owner(name) is not None:
        return None
    suffix = public_suffix(name)
    own = name.removesuffix(suffix).rstrip(".")
    if not own:
        return None
    labels = [skeleton_safe(label) for label in own.split(".")]
    brand = _judged(labels[-1]) or _spelled([*labels, *suffix.split(".")], len(labels))
    for label in labels[:-1]:
        brand = brand or _judged_below(label)
    return brand.domain if brand is not None else None


def look_alike_below(name: str, claim: str) -> str | None:
    """The brand that the labels below a verified claim spell: `paypal.com.shop.example`."""
    if name == claim or not name.endswith(f".{claim}") or book().owner(name) is not None:
        return None
    labels = [skeleton_safe(label) for label in name.removesuffix(f".{claim}").split(".")]
    brand = _spelled([*labels, *claim.split(".")], len(labels))
    for label in labels:
        brand = brand or _judged_below(label)
    return brand.domain if brand is not None else None


@lru_cache(maxsize=1_024)
def brand_in(text: str) -> Brand | None:
    """The brand, of those that are nothing else, that words of a display name spell."""
    parts = text.split()[:MOST_WORDS]
    for size in (1, 2, 3):
        for start in range(len(parts) - size + 1):
            joined = "".join(c for c in "".join(parts[start : start + size]) if c.isalnum())
            if joined and len(joined) <= LONGEST_LABEL:
                brand = _named(joined.lower())
                if brand is not None and not brand.common:
                    return brand
    return None


def skeleton_safe(label: str) -> str:
    """The label decoded and cut to what a label can hold."""
    return decoded(label)[:LONGEST_LABEL]


def _named(text: str) -> Brand | None:
    """The brand whose name the text looks like.

    Names of up to three letters have only their skeleton: `0k` and `d1` are no disguise.
    """
    known = book()
    for each in readings(text) if len(text) > 3 else (skeleton(text),):
        if brand := known.by_name.get(each):
            return brand
    return None


def _judged(label: str) -> Brand | None:
    """The brand that a registered label imitates."""
    return _judged_below(label, own=True) or _slipped(label.replace("-", ""))


def _judged_below(label: str, *, own: bool = False) -> Brand | None:
    """As for a registered label, without slips. Below it, a common word alone is a plain label."""
    whole = label.replace("-", "").removeprefix("www")
    brand = _named(whole) or _numbered(label)
    if brand is not None and (own or not brand.common):
        return brand
    known = book()
    joined = next((b for r in readings(whole) if (b := known.joined_domains.get(r))), None)
    glued = (found for part in (whole, *label.split("-")) if (found := _glued(part)))
    return joined or _beside_suspects(label) or next(glued, None)


def _beside_suspects(label: str) -> Brand | None:
    """A brand as a word, or words, of the label, and a word of phishing among the others."""
    parts = [part for part in label.split("-") if part][:MOST_WORDS]
    if len(parts) < 2:
        return None
    plain = [skeleton(part) for part in parts]
    for size in (1, 2, 3):
        for start in range(len(parts) - size + 1):
            brand = _named("".join(parts[start : start + size]))
            if brand is None and size == 1:
                brand = _slipped(parts[start]) or _inflected(parts, start)
            if brand is None:
                continue
            others = {*plain[:start], *plain[start + size :]}
            if not others.isdisjoint(_suspects(brand)):
                return brand
            if not brand.common and plain[start + size :] in [[each] for each in ENDINGS]:
                return brand
    return None


def _inflected(parts: list[str], at: int) -> Brand | None:
    """A long name with one letter more at its end, beside a word that says it all: `sparkassen-login`."""
    rest = {skeleton(part) for part in [*parts[:at], *parts[at + 1 :]]}
    brand = book().by_name.get(skeleton(parts[at])[:-1])
    if brand is None or brand.common or len(brand.name) < SHORTEST_SLIP:
        return None
    return brand if not rest.isdisjoint(UNMISTAKABLE) else None


def _numbered(label: str) -> Brand | None:
    """A brand that is nothing else, and a number behind it: `paypal24`, `paypal-2027`."""
    plain = skeleton(label).replace("-", "")
    name = plain.rstrip("0123456789")
    brand = book().by_name.get(name) if name != plain else None
    return brand if brand is not None and not brand.common else None


def _glued(whole: str) -> Brand | None:
    """A brand and words of phishing written as one: `paypallogin`, `secureapple`."""
    known = book()
    for each in readings(whole):
        for cut in range(3, len(each) - 1):
            for name, rest in ((each[:cut], each[cut:]), (each[-cut:], each[:-cut])):
                brand = known.by_name.get(name)
                if brand is None or len(name) < 5:
                    continue
                if rest in brand.additions or (len(rest) > 2 and rest in _suspects(brand)):
                    return brand
                if rest == "my" and each.startswith(rest) and not brand.common:
                    return brand
    return None


def _suspects(brand: Brand) -> frozenset[str]:
    return (UNMISTAKABLE if brand.common else SUSPECT) | brand.additions


def _slipped(label: str) -> Brand | None:
    """A brand that is nothing else, one slip of the finger away, where no honest word is."""
    known = book()
    if len(label) < SHORTEST_SLIP - 1 or label in known.plain:
        return None
    for each in readings(label):
        if brand := known.by_collapsed.get(collapsed(each)) or known.by_bars.get(barred(each)):
            return brand
        for brand in known.by_initial.get(each[:1], ()):
            if is_slip(each, brand.name):
                return brand
    return None


def is_slip(text: str, name: str) -> bool:
    """Whether the text is the name with one slip: first and last letters right, one inside wrong.

    Two letters swapped, an i for an l (they look alike in capitals) from six letters on; one letter
    left out, put in or exchanged from seven on.
    """
    if len(name) < SHORTEST_SLIP or abs(len(text) - len(name)) > 1 or text == name:
        return False
    if len(text) == len(name) and text.replace("i", "l") == name.replace("i", "l"):
        return True
    start = next((n for n, (a, b) in enumerate(zip(text, name, strict=False)) if a != b), None)
    if start is None or start == 0:
        return False
    ours, theirs = text[start:], name[start:]
    if ours[2:] == theirs[2:] and ours[:2] == theirs[:2][::-1]:
        return True
    if len(name) < SLIPS_FROM or text[-1] != name[-1]:
        return False
    return ours[1:] == theirs[1:] or ours[1:] == theirs or ours == theirs[1:]


def _spelled(labels: list[str], ours: int) -> Brand | None:
    """A brand's real domain among the labels, beginning in one of the first `ours`, with more after it."""
    known = book()
    plain = [skeleton(label) for label in labels]
    for start in range(min(ours, MOST_WORDS)):
        for end in range(start + 2, min(start + 4, len(plain) - 1) + 1):
            if brand := known.by_domain.get(".".join(plain[start:end])):
                return brand
    return None
