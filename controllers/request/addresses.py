"""Addresses are part of the plan: which prefix a network gets, and which address each server.

Allocation is pure: the caller says what is taken. What exists keeps its address for as long as the request
keeps its name and size, so a plan that adds a server never moves another; what is imported keeps its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from controllers.api.desktops import DesktopSpec
from controllers.api.resourcerequest import NetworkSpec, ResourceRequestSpec, ServerSpec
from controllers.api.zone import ZoneSpec
from infra.errors import QuotaExceeded
from infra.stackplan import StackPlan

# A subnet's first host is its gateway, the next two are left to Neutron's own ports (DHCP, metadata).
GATEWAY, SERVICE_FIRST, SERVICE_LAST, FIRST_SERVER = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Addresses:
    """The prefix of each network and the address of each server, by their names in the plan."""

    networks: Mapping[str, IPv4Network]
    servers: Mapping[str, IPv4Address]

    def by_entry(self, request: ResourceRequestSpec) -> dict[str, list[str]]:
        """The addresses of each entry's servers, each as a prefix of its own."""
        return {
            entry.name: [f"{self.servers[f'{entry.name}-{index}']}/32" for index in range(entry.count)]
            for entry in request.servers
        }


@dataclass(frozen=True, slots=True)
class Shape:
    """A network as it is: its prefix, its gateway, and the range Neutron takes addresses from by itself."""

    prefix: IPv4Network
    gateway: str
    service_first: str
    service_last: str

    @classmethod
    def of(cls, prefix: IPv4Network) -> Shape:
        """As every network of ours begins."""
        return cls(prefix, str(prefix[GATEWAY]), str(prefix[SERVICE_FIRST]), str(prefix[SERVICE_LAST]))


@dataclass(frozen=True, slots=True)
class Existing:
    """Addresses of what a request imports; `occupied` are all that anybody has in its networks."""

    networks: Mapping[str, Shape] = field(default_factory=dict)
    servers: Mapping[str, IPv4Address] = field(default_factory=dict)
    occupied: frozenset[IPv4Address] = frozenset()


NOTHING_EXISTS = Existing()


def servers_that_fit(prefix_length: int) -> int:
    """How many servers a subnet of this size has room for."""
    return int(2 ** (32 - prefix_length)) - 1 - FIRST_SERVER


def allocate(
    request: ResourceRequestSpec,
    *,
    zone: ZoneSpec,
    taken: Collection[IPv4Network],
    previous: StackPlan | None,
    existing: Existing = NOTHING_EXISTS,
) -> Addresses:
    """Addresses for every network and server. Raises QuotaExceeded when the zone has no room left."""
    known = {network.name: IPv4Network(network.cidr) for network in previous.networks} if previous else {}
    networks: dict[str, IPv4Network] = {name: shape.prefix for name, shape in existing.networks.items()}
    for wanted in request.networks:
        kept = known.get(wanted.name) if wanted.name not in networks else None
        if kept is not None and kept.prefixlen == wanted.prefix_length:
            networks[wanted.name] = kept
    for wanted in request.networks:
        if wanted.name not in networks:
            networks[wanted.name] = _carve(wanted, zone, [*taken, *known.values(), *networks.values()])
    gateways = {IPv4Address(network.gateway) for network in previous.networks} if previous else set()
    before = {server.name: IPv4Address(server.address) for server in previous.servers} if previous else {}
    servers = _servers(request, networks, {**before, **existing.servers}, blocked=existing.occupied | gateways)
    return Addresses(networks, servers)


def _carve(wanted: NetworkSpec, zone: ZoneSpec, taken: Collection[IPv4Network]) -> IPv4Network:
    blocked = [*taken, *(IPv4Network(prefix) for prefix in zone.reserved_prefixes)]
    for prefix in zone.prefixes:
        pool = IPv4Network(prefix)
        if pool.prefixlen > wanted.prefix_length:
            continue
        free = first_free(pool, wanted.prefix_length, blocked)
        if free is not None:
            return free
    raise QuotaExceeded(
        f"the zone has no free /{wanted.prefix_length} left for network '{wanted.name}'", retry_after_seconds=60
    )


def first_free(pool: IPv4Network, length: int, blocked: Collection[IPv4Network]) -> IPv4Network | None:
    """The lowest prefix of a length in a pool that touches nothing that is taken."""
    start, end, size = int(pool.network_address), int(pool.broadcast_address), 2 ** (32 - length)
    walls = sorted((int(net.network_address), int(net.broadcast_address)) for net in blocked if net.overlaps(pool))
    for first, last in [*walls, (end + 1, end + 1)]:
        if start + size <= first:
            return IPv4Network((start, length))
        start = max(start, -(-(last + 1) // size) * size)  # the next boundary after the wall
    return None


def _servers(
    request: ResourceRequestSpec,
    networks: Mapping[str, IPv4Network],
    before: Mapping[str, IPv4Address],
    *,
    blocked: Collection[IPv4Address],
) -> dict[str, IPv4Address]:
    wanted = list(server_names(request))
    kept = {name: before[name] for name, network in wanted if name in before and before[name] in networks[network]}
    free = {name: _free_hosts(prefix, {*kept.values(), *blocked}) for name, prefix in networks.items()}
    return {name: kept[name] if name in kept else _next_host(free[network], name) for name, network in wanted}


def _next_host(free: Iterator[IPv4Address], server: str) -> IPv4Address:
    address = next(free, None)
    if address is None:
        raise QuotaExceeded(f"its network has no free address left for server '{server}'", retry_after_seconds=60)
    return address


def server_names(request: ResourceRequestSpec) -> Iterator[tuple[str, str]]:
    """(`web-0`, network) for every server and desktop of every entry."""
    entries: list[ServerSpec | DesktopSpec] = [*request.servers, *request.desktops]
    for entry in entries:
        for index in range(entry.count):
            yield f"{entry.name}-{index}", entry.network


def _free_hosts(prefix: IPv4Network, used: Collection[IPv4Address]) -> Iterator[IPv4Address]:
    return (host for host in (prefix[i] for i in range(FIRST_SERVER, prefix.num_addresses - 1)) if host not in used)
