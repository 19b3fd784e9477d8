"""Who takes part in a probe: the servers of departments, others' servers, hosts beyond the uplinks, the management."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from itertools import islice

from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.api.zone import ZoneSpec
from infra.stackplan import ServerPlan, StackPlan

METADATA = "169.254.169.254"
# Stands in for OpenStack's and Kubernetes' APIs (RFC 2544): beyond the uplink nothing but rules is in the way.
PROVIDER = "198.18.0.5"
PUBLIC_HOST = "203.0.113.77"  # somewhere on the internet (RFC 5737)
SEARCHED = 4096  # hosts of a prefix that are looked at for one that is free


class Role(StrEnum):
    """What a station is to the department."""

    OWN = "own"  # a server of the namespaces that are looked at
    STRANGER = "stranger"  # somebody else's server
    OUTSIDE = "outside"  # a host beyond a zone's uplink
    MANAGEMENT = "management"  # the provider's own network beside a zone: the operator, and each router's place there


@dataclass(frozen=True, slots=True)
class Body:
    """Where a server or an outside host really is: a network namespace and an address; the MAC is its first port's."""

    name: str
    network: str
    address: str
    mac: str = ""


@dataclass(frozen=True, slots=True)
class Station:
    """Somebody who can send and be reached. `network` is where packets start from and arrive.

    With `inner` the address is a public one: it stands for that address of the server, and nobody calls from it.
    """

    name: str
    role: Role
    zone: str
    address: str
    network: str
    request: str = ""
    entry: str = ""
    mac: str = ""
    inner: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """One request whose plan is in force. `spec` None: it was changed since, so only the plan says what is declared.

    `settled`: no newer plan waits for approval. `servers` are the ids of its servers by their names in the plan,
    `public` the addresses that some have on the internet.
    """

    stack: StackPlan
    spec: ResourceRequestSpec | None
    settled: bool
    servers: Mapping[str, str]
    public: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known: the requests by key, and the zones.

    A key is the request's name, or namespace/name where several namespaces are looked at.
    """

    requests: Mapping[str, Known]
    zones: Mapping[str, ZoneSpec]


def sibling(request: str, name: str) -> str:
    """The key of the request called `name` in the namespace of another: requests speak of their own namespace only."""
    namespace, slash, _ = request.rpartition("/")
    return f"{namespace}{slash}{name}"


@dataclass(frozen=True, slots=True)
class Bodies:
    """What the sandbox has: guests by their server's id, outside hosts and the operator's own place by zone."""

    guests: Mapping[str, Body]
    outside: Mapping[str, Body]
    management: Mapping[str, Body] = field(default_factory=dict)


def own_stations(case: Case, bodies: Bodies) -> list[Station]:
    """The requests' servers that have a body."""
    return [
        station(name, known, server, bodies.guests[known.servers[server.name]])
        for name, known in case.requests.items()
        for server in known.stack.servers
        if known.servers.get(server.name) in bodies.guests
    ]


def public_stations(case: Case, stations: Sequence[Station]) -> Iterator[Station]:
    """The same servers under the addresses that they have on the internet: to be reached only."""
    for each in stations:
        address = case.requests[each.request].public.get(each.name.rpartition("/")[2])
        if address is not None:
            yield replace(each, name=f"{each.name} {address}", address=address, inner=each.address)


def bodiless(case: Case, bodies: Bodies) -> list[str]:
    """Servers of the plans that no packet can be sent from."""
    return [
        f"{name}/{server.name}"
        for name, known in case.requests.items()
        for server in known.stack.servers
        if known.servers.get(server.name) not in bodies.guests
    ]


def station(request: str, known: Known, server: ServerPlan, body: Body) -> Station:
    name, zone = f"{request}/{server.name}", known.stack.zone
    return Station(name, Role.OWN, zone, server.address, body.network, request, server.group, body.mac)


def strangers(case: Case, bodies: Bodies) -> Iterator[Station]:
    """Everybody else's servers: they may reach nobody here, and nobody here may reach them."""
    own = {identifier for known in case.requests.values() for identifier in known.servers.values()}
    for identifier, body in bodies.guests.items():
        zone = zone_of(body.address, case.zones) if body.address else None
        if identifier not in own and zone is not None:
            yield Station(body.name, Role.STRANGER, zone, body.address, body.network, mac=body.mac)


def zone_of(address: str, zones: Mapping[str, ZoneSpec]) -> str | None:
    """A prefix tells the zone."""
    parsed = IPv4Address(address)
    return next((name for name, zone in zones.items() if any(parsed in IPv4Network(p) for p in zone.prefixes)), None)


def outside_stations(case: Case, bodies: Bodies) -> Iterator[Station]:
    """Beyond each uplink: its router, the APIs' side, the metadata address, and one host for each prefix that a flow
    names, with one just beside it.
    """
    taken = [IPv4Network(network.cidr) for known in case.requests.values() for network in known.stack.networks]
    taken += [IPv4Network(prefix) for zone in case.zones.values() for prefix in zone.reserved_prefixes]
    for zone, body in bodies.outside.items():
        addresses = {body.address: "", PROVIDER: "APIs ", METADATA: "metadata ", PUBLIC_HOST: ""}
        for prefix in prefixes_named(case, zone):
            for address in (inside(prefix, taken), beside(prefix, taken)):
                if address is not None:
                    addresses.setdefault(address, "")
        for address, label in addresses.items():
            yield Station(f"{body.name} {label}{address}", Role.OUTSIDE, zone, address, body.network)


def prefixes_named(case: Case, zone: str) -> Sequence[IPv4Network]:
    """The prefixes that flows into the zone's requests come from, by their plans.

    Not the management network's: who comes from there comes from no uplink.
    """
    management = case.zones[zone].management
    named = {
        IPv4Network(rule.remote_cidr)
        for known in case.requests.values()
        if known.stack.zone == zone
        for group in known.stack.groups
        for rule in group.rules
        if rule.direction == "ingress" and rule.remote_cidr is not None
    }
    return sorted(named - ({IPv4Network(management.prefix)} if management else set()))


def operator_stations(bodies: Bodies) -> Iterator[Station]:
    """The operator, in each zone's management network."""
    for zone, body in bodies.management.items():
        yield Station(f"{body.name} {body.address}", Role.MANAGEMENT, zone, body.address, body.network)


def router_stations(case: Case, bodies: Bodies) -> Iterator[Station]:
    """The place that each router has in the management network: to be reached only, and by servers."""
    for zone, body in bodies.management.items():
        for name, address in legs(case, zone).items():
            yield Station(f"{body.name} router of {name}", Role.MANAGEMENT, zone, address, body.network)


def legs(case: Case, zone: str) -> dict[str, str]:
    """The addresses of routers in the zone's management network, by request."""
    return {
        name: known.stack.router.management.address
        for name, known in case.requests.items()
        if known.stack.zone == zone and known.stack.router.management is not None
    }


def ways_in(case: Case, stations: Sequence[Station], zone: str) -> dict[str, str]:
    """By which router the operator tries each server of the zone: its own, else any that is there."""
    known = legs(case, zone)
    anybody = next(iter(known.values()), "")
    found = {each.address: known.get(each.request, anybody) for each in stations if each.zone == zone}
    return {address: via for address, via in found.items() if via}


def inside(prefix: IPv4Network, taken: Sequence[IPv4Network]) -> str | None:
    """A host of the prefix that is nobody's yet."""
    if IPv4Address(PUBLIC_HOST) in prefix:
        return PUBLIC_HOST
    free = (host for host in islice(prefix, SEARCHED) if not any(host in network for network in taken))
    return next((str(host) for host in free if host != prefix.network_address or prefix.num_addresses == 1), None)


def beside(prefix: IPv4Network, taken: Sequence[IPv4Network]) -> str | None:
    """The first host after the prefix; None when there is nothing beside it."""
    after = int(prefix.broadcast_address) + 1
    if prefix.prefixlen == 0 or after >= int(IPv4Address("224.0.0.0")):
        return None
    host = IPv4Address(after + 1)
    return str(host) if not any(host in network for network in taken) else None
