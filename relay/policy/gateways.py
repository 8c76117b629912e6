"""Who stands at a recipient's door: the mailbox provider or mail gateway behind an MX host.

Pure tables. A duty looks up the MX records and asks `gateway_of_mx`; nothing here touches DNS. A
name that is not in the table is nobody's fault: the caller counts it, so that the table can grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final


class Gateway(StrEnum):
    """A mailbox provider, or a filter that a company puts in front of its own mail."""

    AMAZON = "amazon"
    APPLE = "apple"
    ATT = "att"
    BARRACUDA = "barracuda"
    CISCO = "cisco"
    CLOUDFLARE = "cloudflare"
    COMCAST = "comcast"
    DAUM = "daum"
    DOCOMO = "docomo"
    FASTMAIL = "fastmail"
    FORCEPOINT = "forcepoint"
    FORTINET = "fortinet"
    FORWARDEMAIL = "forwardemail"
    FREE = "free"
    GMAIL = "gmail"
    GMX = "gmx"
    GODADDY = "godaddy"
    GOOGLE_WORKSPACE = "google-workspace"
    HORNETSECURITY = "hornetsecurity"
    IMPROVMX = "improvmx"
    IONOS = "ionos"
    KDDI = "kddi"
    LAPOSTE = "laposte"
    LIBERO = "libero"
    MAILRU = "mailru"
    MCAFEE = "mcafee"
    META = "meta"
    MICROSOFT_365 = "microsoft-365"
    MIMECAST = "mimecast"
    NAVER = "naver"
    NETEASE = "netease"
    ORANGE = "orange"
    OUTLOOK = "outlook"
    OVH = "ovh"
    PROOFPOINT = "proofpoint"
    PROTON = "proton"
    QQ = "qq"
    RACKSPACE = "rackspace"
    RAMBLER = "rambler"
    SEZNAM = "seznam"
    SFR = "sfr"
    SOFTBANK = "softbank"
    SOPHOS = "sophos"
    SPAMEXPERTS = "spamexperts"
    SPECTRUM = "spectrum"
    SYMANTEC = "symantec"
    T_ONLINE = "t-online"
    TITAN = "titan"
    TREND_MICRO = "trend-micro"
    TRUSTWAVE = "trustwave"
    UOL = "uol"
    VADE = "vade"
    WEBDE = "web.de"
    WP = "wp.pl"
    YAHOO = "yahoo"
    YAHOO_JAPAN = "yahoo-japan"
    YANDEX = "yandex"
    ZOHO = "zoho"


# How people know them.
NAMES: Final[Mapping[Gateway, str]] = {
    Gateway.AMAZON: "Amazon",
    Gateway.APPLE: "Apple iCloud",
    Gateway.ATT: "AT&T",
    Gateway.BARRACUDA: "Barracuda",
    Gateway.CISCO: "Cisco",
    Gateway.CLOUDFLARE: "Cloudflare",
    Gateway.COMCAST: "Comcast",
    Gateway.DAUM: "Daum",
    Gateway.DOCOMO: "docomo",
    Gateway.FASTMAIL: "Fastmail",
    Gateway.FORCEPOINT: "Forcepoint",
    Gateway.FORTINET: "Fortinet",
    Gateway.FORWARDEMAIL: "Forward Email",
    Gateway.FREE: "Free",
    Gateway.GMAIL: "Gmail",
    Gateway.GMX: "GMX",
    Gateway.GODADDY: "GoDaddy",
    Gateway.GOOGLE_WORKSPACE: "Google Workspace",
    Gateway.HORNETSECURITY: "Hornetsecurity",
    Gateway.IMPROVMX: "ImprovMX",
    Gateway.IONOS: "IONOS",
    Gateway.KDDI: "au",
    Gateway.LAPOSTE: "La Poste",
    Gateway.LIBERO: "Libero",
    Gateway.MAILRU: "Mail.ru",
    Gateway.MCAFEE: "McAfee",
    Gateway.META: "Meta",
    Gateway.MICROSOFT_365: "Microsoft 365",
    Gateway.MIMECAST: "Mimecast",
    Gateway.NAVER: "Naver",
    Gateway.NETEASE: "NetEase",
    Gateway.ORANGE: "Orange",
    Gateway.OUTLOOK: "Outlook.com",
    Gateway.OVH: "OVHcloud",
    Gateway.PROOFPOINT: "Proofpoint",
    Gateway.PROTON: "Proton",
    Gateway.QQ: "QQ Mail",
    Gateway.RACKSPACE: "Rackspace",
    Gateway.RAMBLER: "Rambler",
    Gateway.SEZNAM: "Seznam",
    Gateway.SFR: "SFR",
    Gateway.SOFTBANK: "SoftBank",
    Gateway.SOPHOS: "Sophos",
    Gateway.SPAMEXPERTS: "SpamExperts",
    Gateway.SPECTRUM: "Spectrum",
    Gateway.SYMANTEC: "Symantec Email Security.cloud",
    Gateway.T_ONLINE: "Telekom",
    Gateway.TITAN: "Titan",
    Gateway.TREND_MICRO: "Trend Micro",
    Gateway.TRUSTWAVE: "Trustwave MailMarshal",
    Gateway.UOL: "UOL",
    Gateway.VADE: "Vade",
    Gateway.WEBDE: "WEB.DE",
    Gateway.WP: "WP",
    Gateway.YAHOO: "Yahoo",
    Gateway.YAHOO_JAPAN: "Yahoo! JAPAN",
    Gateway.YANDEX: "Yandex",
    Gateway.ZOHO: "Zoho",
}

# The end of the name of an MX host, or of a host that a reply names, by whole labels. A longer
# ending wins over a shorter one.
HOST_SUFFIXES: Final[Mapping[str, Gateway]] = {
    "amazonaws.com": Gateway.AMAZON,
    "awsapps.com": Gateway.AMAZON,
    "apple.com": Gateway.APPLE,
    "mail.icloud.com": Gateway.APPLE,
    "mail.me.com": Gateway.APPLE,
    "mx.att.net": Gateway.ATT,
    "prodigy.net": Gateway.ATT,
    "barracuda.com": Gateway.BARRACUDA,
    "barracudanetworks.com": Gateway.BARRACUDA,
    "cudaops.com": Gateway.BARRACUDA,
    "iphmx.com": Gateway.CISCO,
    "cloudflare.com": Gateway.CLOUDFLARE,
    "mx.cloudflare.net": Gateway.CLOUDFLARE,
    "cf-emailsecurity.net": Gateway.CLOUDFLARE,
    "mxrecord.io": Gateway.CLOUDFLARE,
    "mxrecord.mx": Gateway.CLOUDFLARE,
    "comcast.net": Gateway.COMCAST,
    "hanmail.net": Gateway.DAUM,
    "daum.net": Gateway.DAUM,
    "docomo.ne.jp": Gateway.DOCOMO,
    "messagingengine.com": Gateway.FASTMAIL,
    "mailcontrol.com": Gateway.FORCEPOINT,
    "fortimailcloud.com": Gateway.FORTINET,
    "fortimail.com": Gateway.FORTINET,
    "forwardemail.net": Gateway.FORWARDEMAIL,
    "free.fr": Gateway.FREE,
    "gmail-smtp-in.l.google.com": Gateway.GMAIL,
    "gmx.net": Gateway.GMX,
    "gmx.com": Gateway.GMX,
    "mail.com": Gateway.GMX,
    "secureserver.net": Gateway.GODADDY,
    "x.co": Gateway.GODADDY,
    "google.com": Gateway.GOOGLE_WORKSPACE,
    "support.google.com": Gateway.GMAIL,
    "googlemail.com": Gateway.GOOGLE_WORKSPACE,
    "psmtp.com": Gateway.GOOGLE_WORKSPACE,
    "hornetsecurity.com": Gateway.HORNETSECURITY,
    "antispameurope.com": Gateway.HORNETSECURITY,
    "improvmx.com": Gateway.IMPROVMX,
    "kundenserver.de": Gateway.IONOS,
    "ionos.com": Gateway.IONOS,
    "ionos.co.uk": Gateway.IONOS,
    "ionos.de": Gateway.IONOS,
    "ionos.es": Gateway.IONOS,
    "ionos.fr": Gateway.IONOS,
    "ionos.it": Gateway.IONOS,
    "1and1.com": Gateway.IONOS,
    "ezweb.ne.jp": Gateway.KDDI,
    "au.com": Gateway.KDDI,
    "laposte.net": Gateway.LAPOSTE,
    "libero.it": Gateway.LIBERO,
    "iol.it": Gateway.LIBERO,
    "mail.ru": Gateway.MAILRU,
    "mxlogic.net": Gateway.MCAFEE,
    "facebook.com": Gateway.META,
    "mail.protection.outlook.com": Gateway.MICROSOFT_365,
    "prod.outlook.com": Gateway.MICROSOFT_365,
    "prod.protection.outlook.com": Gateway.MICROSOFT_365,
    "mx.microsoft": Gateway.MICROSOFT_365,
    "mail.protection.office365.us": Gateway.MICROSOFT_365,
    "mail.protection.partner.outlook.cn": Gateway.MICROSOFT_365,
    "mail.eo.outlook.com": Gateway.MICROSOFT_365,
    "mimecast.com": Gateway.MIMECAST,
    "mimecast.co.za": Gateway.MIMECAST,
    "mimecast-offshore.com": Gateway.MIMECAST,
    "naver.com": Gateway.NAVER,
    "163.com": Gateway.NETEASE,
    "126.com": Gateway.NETEASE,
    "netease.com": Gateway.NETEASE,
    "163.net": Gateway.NETEASE,
    "orange.fr": Gateway.ORANGE,
    "wanadoo.fr": Gateway.ORANGE,
    "olc.protection.outlook.com": Gateway.OUTLOOK,
    "hotmail.com": Gateway.OUTLOOK,
    "live.com": Gateway.OUTLOOK,
    "mail.ovh.net": Gateway.OVH,
    "ovh.net": Gateway.OVH,
    "pphosted.com": Gateway.PROOFPOINT,
    "proofpoint.com": Gateway.PROOFPOINT,
    "ppe-hosted.com": Gateway.PROOFPOINT,
    "gpphosted.com": Gateway.PROOFPOINT,
    "protonmail.ch": Gateway.PROTON,
    "proton.ch": Gateway.PROTON,
    "qq.com": Gateway.QQ,
    "emailsrvr.com": Gateway.RACKSPACE,
    "rambler.ru": Gateway.RAMBLER,
    "seznam.cz": Gateway.SEZNAM,
    "sfr.fr": Gateway.SFR,
    "softbank.ne.jp": Gateway.SOFTBANK,
    "sophos.com": Gateway.SOPHOS,
    "reflexion.net": Gateway.SOPHOS,
    "antispamcloud.com": Gateway.SPAMEXPERTS,
    "spamexperts.com": Gateway.SPAMEXPERTS,
    "spamexperts.eu": Gateway.SPAMEXPERTS,
    "charter.net": Gateway.SPECTRUM,
    "spectrum.net": Gateway.SPECTRUM,
    "rr.com": Gateway.SPECTRUM,
    "messagelabs.com": Gateway.SYMANTEC,
    "symanteccloud.com": Gateway.SYMANTEC,
    "symantec.com": Gateway.SYMANTEC,
    "t-online.de": Gateway.T_ONLINE,
    "titan.email": Gateway.TITAN,
    "tmes.trendmicro.com": Gateway.TREND_MICRO,
    "tmes.trendmicro.eu": Gateway.TREND_MICRO,
    "trendmicro.com": Gateway.TREND_MICRO,
    "trendmicro.eu": Gateway.TREND_MICRO,
    "trendmicro.co.jp": Gateway.TREND_MICRO,
    "mailmarshal.cloud": Gateway.TRUSTWAVE,
    "marshal.com": Gateway.TRUSTWAVE,
    "trustwave.com": Gateway.TRUSTWAVE,
    "uol.com.br": Gateway.UOL,
    "vadesecure.com": Gateway.VADE,
    "web.de": Gateway.WEBDE,
    "wp.pl": Gateway.WP,
    "yahoodns.net": Gateway.YAHOO,
    "yahoo.com": Gateway.YAHOO,
    "yahooinc.com": Gateway.YAHOO,
    "aol.com": Gateway.YAHOO,
    "mail.yahoo.co.jp": Gateway.YAHOO_JAPAN,
    "yahoo.co.jp": Gateway.YAHOO_JAPAN,
    "yandex.net": Gateway.YANDEX,
    "yandex.ru": Gateway.YANDEX,
    "zoho.com": Gateway.ZOHO,
    "zoho.eu": Gateway.ZOHO,
    "zoho.in": Gateway.ZOHO,
    "zohomail.com": Gateway.ZOHO,
}

# Domains whose mailboxes everybody knows, so that no MX need be known.
MAILBOX_DOMAINS: Final[Mapping[str, Gateway]] = {
    "gmail.com": Gateway.GMAIL,
    "googlemail.com": Gateway.GMAIL,
    "outlook.com": Gateway.OUTLOOK,
    "hotmail.com": Gateway.OUTLOOK,
    "live.com": Gateway.OUTLOOK,
    "msn.com": Gateway.OUTLOOK,
    "hotmail.co.uk": Gateway.OUTLOOK,
    "hotmail.fr": Gateway.OUTLOOK,
    "hotmail.de": Gateway.OUTLOOK,
    "yahoo.com": Gateway.YAHOO,
    "ymail.com": Gateway.YAHOO,
    "rocketmail.com": Gateway.YAHOO,
    "aol.com": Gateway.YAHOO,
    "yahoo.co.uk": Gateway.YAHOO,
    "yahoo.fr": Gateway.YAHOO,
    "yahoo.de": Gateway.YAHOO,
    "yahoo.co.jp": Gateway.YAHOO_JAPAN,
    "icloud.com": Gateway.APPLE,
    "me.com": Gateway.APPLE,
    "mac.com": Gateway.APPLE,
    "gmx.de": Gateway.GMX,
    "gmx.net": Gateway.GMX,
    "gmx.com": Gateway.GMX,
    "gmx.at": Gateway.GMX,
    "gmx.ch": Gateway.GMX,
    "mail.com": Gateway.GMX,
    "web.de": Gateway.WEBDE,
    "t-online.de": Gateway.T_ONLINE,
    "magenta.de": Gateway.T_ONLINE,
    "orange.fr": Gateway.ORANGE,
    "wanadoo.fr": Gateway.ORANGE,
    "free.fr": Gateway.FREE,
    "laposte.net": Gateway.LAPOSTE,
    "sfr.fr": Gateway.SFR,
    "libero.it": Gateway.LIBERO,
    "mail.ru": Gateway.MAILRU,
    "bk.ru": Gateway.MAILRU,
    "inbox.ru": Gateway.MAILRU,
    "list.ru": Gateway.MAILRU,
    "yandex.ru": Gateway.YANDEX,
    "yandex.com": Gateway.YANDEX,
    "ya.ru": Gateway.YANDEX,
    "rambler.ru": Gateway.RAMBLER,
    "qq.com": Gateway.QQ,
    "foxmail.com": Gateway.QQ,
    "163.com": Gateway.NETEASE,
    "126.com": Gateway.NETEASE,
    "yeah.net": Gateway.NETEASE,
    "naver.com": Gateway.NAVER,
    "daum.net": Gateway.DAUM,
    "hanmail.net": Gateway.DAUM,
    "docomo.ne.jp": Gateway.DOCOMO,
    "ezweb.ne.jp": Gateway.KDDI,
    "au.com": Gateway.KDDI,
    "softbank.ne.jp": Gateway.SOFTBANK,
    "i.softbank.jp": Gateway.SOFTBANK,
    "proton.me": Gateway.PROTON,
    "protonmail.com": Gateway.PROTON,
    "fastmail.com": Gateway.FASTMAIL,
    "comcast.net": Gateway.COMCAST,
    "att.net": Gateway.ATT,
    "sbcglobal.net": Gateway.ATT,
    "bellsouth.net": Gateway.ATT,
    "seznam.cz": Gateway.SEZNAM,
    "uol.com.br": Gateway.UOL,
    "wp.pl": Gateway.WP,
    "zoho.com": Gateway.ZOHO,
    "zohomail.com": Gateway.ZOHO,
}


def gateway_of_host(host: str) -> Gateway | None:
    """Whose host this is, by the end of its name, or None if the table does not know."""
    name = host.strip().rstrip(".").lower()
    while name:
        if found := HOST_SUFFIXES.get(name):
            return found
        _, _, name = name.partition(".")
    return None


def gateway_of_mx(records: Iterable[tuple[int, str]]) -> Gateway | None:
    """Who receives for a domain, from its MX records (preference, host).

    The most preferred host that the table knows decides; hosts of lower preference are often a
    spare elsewhere, so they are asked only when nothing better is known.
    """
    for _, host in sorted(records):
        if found := gateway_of_host(host):
            return found
    return None


def gateway_of_domain(domain: str) -> Gateway | None:
    """The provider of a well-known mailbox domain such as gmail.com, or None."""
    return MAILBOX_DOMAINS.get(domain.strip().rstrip(".").lower())
