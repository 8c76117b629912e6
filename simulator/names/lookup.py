"""What an authoritative server answers to a question (RFC 1034 §4.3.2; RFC 4592 for wildcards)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dns import rcode, rdatatype, rrset
from dns.name import Name
from dns.node import Node
from dns.rcode import Rcode
from dns.rdataset import Rdataset
from dns.rdatatype import RdataType
from dns.rrset import RRset
from dns.zone import Zone as Records

NOTHING: Node = Node()  # type: ignore[no-untyped-call]
"""What stands at an empty name between others."""

LONGEST_CHAIN = 16
"""CNAMEs that are followed (our decision; a chain that bites its tail ends where it began)."""


@dataclass(slots=True)
class Reply:
    """The parts of an answer."""

    rcode: Rcode = rcode.NOERROR
    authoritative: bool = True
    answer: list[RRset] = field(default_factory=list)
    authority: list[RRset] = field(default_factory=list)
    additional: list[RRset] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone as it is served. `source` is the file it comes from, or words that say what else."""

    origin: Name
    nodes: Mapping[Name, Node]
    names: frozenset[Name]
    source: str

    @classmethod
    def of(cls, records: Records, source: str) -> "Zone":
        """A zone whose names are absolute. Its names include the empty ones between (RFC 4592)."""
        origin = records.origin
        assert origin is not None  # a zone that was read has one
        nodes: dict[Name, Node] = {
            name: node for name, node in records.nodes.items() if node.rdatasets
        }
        names = {parent for name in nodes for parent in _up_to(name, origin)}
        return cls(origin, nodes, frozenset(names), source)

    @property
    def soa(self) -> Rdataset:
        """The zone's SOA record."""
        found = self.at(self.origin, rdatatype.SOA)
        assert found is not None  # a zone that was read has one
        return found

    def at(self, name: Name, type: RdataType) -> Rdataset | None:
        """The records that stand at a name, wildcards and CNAMEs aside."""
        node = self.nodes.get(name)
        return None if node is None else _of_type(node, type)

    def lines(self) -> Iterator[tuple[str, int, str, str]]:
        """Every record as (name, TTL in seconds, type, value), the zone's own name first."""
        for name in sorted(self.nodes):
            for rdataset in self.nodes[name]:
                for record in rdataset:
                    type = rdatatype.to_text(rdataset.rdtype)
                    yield name.to_text(), rdataset.ttl, type, record.to_text()

    def delegation(self, name: Name) -> tuple[Name, Rdataset] | None:
        """Where the zone hands `name` to other servers, and to which; None if it does not."""
        for parent in reversed(list(_up_to(name, self.origin))[:-1]):
            servers = self.at(parent, rdatatype.NS)
            if servers is not None:
                return parent, servers
        return None

    def node_for(self, name: Name) -> Node | None:
        """The node that answers for `name`: its own, or a wildcard's. None: no such name."""
        if name in self.names:
            return self.nodes.get(name, NOTHING)
        encloser = next(parent for parent in _up_to(name, self.origin) if parent in self.names)
        return self.nodes.get(Name((b"*", *encloser.labels)))


def look_up(zones: Mapping[Name, Zone], name: Name, type: RdataType) -> Reply:
    """The answer to a question; a chain of CNAMEs is followed within all the zones."""
    reply = Reply()
    seen: set[Name] = set()
    following: Name | None = name
    while following is not None and following not in seen and len(seen) <= LONGEST_CHAIN:
        seen.add(following)
        zone = zone_of(zones, following)
        if zone is None:
            if not reply.answer:
                return Reply(rcode.REFUSED, authoritative=False)
            break
        following = _answer(reply, zone, following, type)
    return reply


def zone_of(zones: Mapping[Name, Zone], name: Name) -> Zone | None:
    """The nearest zone that a name belongs to."""
    for depth in range(len(name.labels)):
        zone = zones.get(Name(name.labels[depth:]))
        if zone is not None:
            return zone
    return None


def _answer(reply: Reply, zone: Zone, name: Name, type: RdataType) -> Name | None:
    """Add to the reply what the zone says about `name`; where a CNAME leads, if that is next."""
    delegation = zone.delegation(name)
    if delegation is not None:
        _refer(reply, zone, *delegation)
        return None
    node = zone.node_for(name)
    alias = _of_type(node, rdatatype.CNAME) if node else None
    if alias and type not in (rdatatype.CNAME, rdatatype.ANY):
        reply.answer.append(_set(name, alias))
        return Name(alias[0].target.labels)
    found = [one for one in node or () if type in (one.rdtype, rdatatype.ANY)]
    if found:
        reply.answer += [_set(name, one) for one in found]
        return None
    soa = zone.soa
    reply.authority.append(_set(zone.origin, soa, ttl=min(soa.ttl, soa[0].minimum)))
    if node is None:
        reply.rcode = rcode.NXDOMAIN
    return None


def _refer(reply: Reply, zone: Zone, cut: Name, servers: Rdataset) -> None:
    """Name the servers below the cut, and their addresses as far as the zone has them."""
    reply.authoritative = bool(reply.answer)
    reply.authority.append(_set(cut, servers))
    for server in servers:
        for type in (rdatatype.A, rdatatype.AAAA):
            glue = zone.at(server.target, type)
            if glue is not None:
                reply.additional.append(_set(server.target, glue))


def _of_type(node: Node, type: RdataType) -> Rdataset | None:
    return next((one for one in node if one.rdtype == type), None)


def _set(name: Name, rdataset: Rdataset, *, ttl: int | None = None) -> RRset:
    """The records with their owner's name, as they are sent. RFC 2308 §3 shortens an SOA's TTL."""
    return rrset.from_rdata_list(name, rdataset.ttl if ttl is None else ttl, list(rdataset))


def _up_to(name: Name, origin: Name) -> Iterator[Name]:
    """The name and those above it, the last being `origin`."""
    while True:
        yield name
        if name == origin:
            return
        name = name.parent()
