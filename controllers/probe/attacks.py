"""What no honest guest does: false addresses, false answers, another protocol. None of it may arrive anywhere. Pure.

Each attack borrows a permission: the packet is one that would be let through if it came from whom it says it comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from controllers.probe.declared import Pair
from controllers.probe.stations import Case, Role, Station
from infra.sandbox.guests import frames
from infra.sandbox.guests.packets import Frame, Watched

FIRST_MARK = 90_000_000
FALSE_MAC = "fa:16:3e:66:66:66"
DEVICE = "eth0"


@dataclass(frozen=True, slots=True)
class Attack:
    """One frame, and by what it is known where it arrives: `trace` is a mark, a source port, a MAC, or who is where."""

    kind: str
    name: str
    attacker: Station
    frame: Frame
    known_by: Literal["mark", "port", "arp", "ipv6"]
    trace: object

    def arrived_at(self, watched: Mapping[str, Watched]) -> list[str]:
        """The namespaces that saw it; its own does not count."""
        return sorted(
            network
            for network, saw in watched.items()
            if network != self.attacker.network and self.trace in _traces(saw, self.known_by)
        )


@dataclass(frozen=True, slots=True)
class Way:
    """How an attacker's frames leave: the subnet it is in, and the MAC of its gateway."""

    subnet: IPv4Network
    gateway: str
    gateway_mac: str


@dataclass(frozen=True, slots=True)
class Disguise:
    """As whom an attacker speaks, and from which port."""

    attacker: Station
    mac: str
    address: str
    way: Way
    port: int


MOST_EACH = 10  # attacks of one attacker


def attacks(
    declared: Sequence[Pair], subjects: Sequence[Station], ways: Mapping[str, Way], *, first_port: int
) -> list[Attack]:
    """All attacks of all subjects; `ways` are by namespace, `declared` the pairs that are open.

    Source ports are from `first_port` on, MOST_EACH for each subject.
    """
    found: list[Attack] = []
    for attacker in subjects:
        way = ways.get(attacker.network)
        if way is not None:
            found += _attacks_of(attacker, declared, way, first_port + len(found))
    return found


def _attacks_of(attacker: Station, declared: Sequence[Pair], way: Way, port: int) -> Iterator[Attack]:
    for pair in _permissions_of_others(attacker, declared):
        name = f"as {pair.source.name} to {pair.target.name} {pair.service}"
        yield _spoofed(
            ("another's address", name), pair, Disguise(attacker, attacker.mac, pair.source.address, way, port)
        )
        port += 1
    for pair in _own_permissions(attacker, declared):
        second = str(way.subnet.broadcast_address - 1)
        where = f"to {pair.target.name} {pair.service}"
        disguise = Disguise(attacker, attacker.mac, second, way, port)
        yield _spoofed(("a second address", f"as {second} {where}"), pair, disguise)
        yield _spoofed(("another MAC", where), pair, Disguise(attacker, FALSE_MAC, attacker.address, way, port + 1))
        port += 2
    yield from _broadcasts(attacker, way, port)


def _permissions_of_others(attacker: Station, declared: Sequence[Pair]) -> list[Pair]:
    """One that a server has, one that a host outside has, one of the operator's; none is the attacker's."""
    own = {(pair.target, pair.service) for pair in declared if pair.source == attacker}
    fit = [
        pair
        for pair in declared
        if attacker not in {pair.source, pair.target}
        and pair.target.role is Role.OWN
        and not pair.target.inner
        and pair.target.zone == attacker.zone
        and (pair.target, pair.service) not in own
    ]
    roles = (Role.OWN, Role.OUTSIDE, Role.MANAGEMENT)
    chosen = [next((pair for pair in fit if pair.source.role is role), None) for role in roles]
    return [pair for pair in chosen if pair is not None]


def _own_permissions(attacker: Station, declared: Sequence[Pair]) -> list[Pair]:
    return [pair for pair in declared if pair.source == attacker][:1]


def _spoofed(name: tuple[str, str], pair: Pair, disguise: Disguise) -> Attack:
    attacker, way, port = disguise.attacker, disguise.way, disguise.port
    near = IPv4Address(pair.target.address) in way.subnet
    macs = disguise.mac, pair.target.mac if near else way.gateway_mac
    ends = (disguise.address, port), (pair.target.address, pair.port)
    if pair.protocol == "tcp":
        content = frames.connection_attempt(macs, *ends)
        return Attack(*name, attacker, Frame(attacker.network, DEVICE, content, port), "port", port)
    mark = FIRST_MARK + port
    content = frames.datagram(macs, *ends, frames.marked(mark))
    return Attack(*name, attacker, Frame(attacker.network, DEVICE, content, mark), "mark", mark)


def _broadcasts(attacker: Station, way: Way, port: int) -> Iterator[Attack]:
    mac, network, mark = attacker.mac, attacker.network, FIRST_MARK + port
    link_local = frames.link_local(mac)

    def sent(content: bytes) -> Frame:
        return Frame(network, DEVICE, content, mark)

    offer = frames.dhcp_offer(mac, attacker.address, str(way.subnet.broadcast_address - 1), mark)
    claim = frames.gratuitous_arp(mac, way.gateway)
    yield Attack("false DHCP answer", "to everybody", attacker, sent(offer), "mark", mark)
    yield Attack("false ARP", f"as {way.gateway}", attacker, sent(claim), "arp", (mac, way.gateway))
    datagram = frames.ipv6_datagram(mac, link_local, mark + 1)
    advertisement = frames.router_advertisement(mac, link_local, mark + 2)
    yield Attack("IPv6 datagram", "to everybody", attacker, sent(datagram), "ipv6", mac)
    yield Attack("IPv6 router advertisement", "to everybody", attacker, sent(advertisement), "ipv6", mac)


def _traces(saw: Watched, known_by: str) -> frozenset[object]:
    found: dict[str, frozenset[object]] = {
        "mark": frozenset(saw.marks),
        "port": frozenset(saw.ports),
        "arp": frozenset(saw.arp),
        "ipv6": frozenset(saw.ipv6),
    }
    return found[known_by]


def way_of(station: Station, case: Case, neighbours: Mapping[str, str]) -> Way | None:
    """The subnet of an own server, by its plan; None until it has spoken with its gateway."""
    for network in case.requests[station.request].stack.networks:
        if IPv4Address(station.address) in IPv4Network(network.cidr) and network.gateway in neighbours:
            return Way(IPv4Network(network.cidr), network.gateway, neighbours[network.gateway])
    return None
