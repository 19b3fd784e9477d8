"""What the cloud says of servers and zones, as far as guests and outside hosts are made of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_interface, ip_network
from typing import Any

from infra.sandbox.cloud.zonefacts import bridge_name
from infra.wire import WireModel

# Nova's states in which a machine is switched on (API reference, "Server statuses"). BUILD has none yet.
RUNNING = frozenset({"ACTIVE", "MIGRATING", "PASSWORD", "REBOOT", "HARD_REBOOT", "VERIFY_RESIZE"})

MANAGEMENT = "management-"

Answer = Mapping[str, Any]


class Route(WireModel):
    """A route of a subnet's own."""

    destination: str
    via: str


class Wire(WireModel):
    """One port of a server. `addresses` carry their prefix length."""

    port: str
    mac: str
    mtu: int
    addresses: tuple[str, ...]
    gateway: str | None = None
    routes: tuple[Route, ...] = ()


class Guest(WireModel):
    """A server that is switched on. `launched` and `image` tell when its disk may be another one."""

    server: str
    name: str
    image: str
    launched: str
    wires: tuple[Wire, ...]


class Outside(WireModel):
    """The host beyond a zone's uplink: the zone's upstream router, and whatever lies behind it."""

    zone: str
    bridge: str
    addresses: tuple[str, ...]
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """The collections of one look, as OpenStack lists them."""

    servers: Sequence[Answer] = ()
    ports: Sequence[Answer] = ()
    networks: Sequence[Answer] = ()
    subnets: Sequence[Answer] = ()
    routers: Sequence[Answer] = ()


@dataclass(frozen=True, slots=True)
class World:
    """What there should be. `servers` are all that exist, also those that are switched off.

    `management` is the operator's port in each zone's management network, by the network's name.
    """

    guests: Mapping[str, Guest] = field(default_factory=dict)
    servers: frozenset[str] = frozenset()
    outside: Mapping[str, Outside] = field(default_factory=dict)
    management: Mapping[str, Wire] = field(default_factory=dict)


def world_of(listing: Listing) -> World:
    """Every guest by its server's id, every outside host by its zone."""
    return World(
        guests={guest.server: guest for guest in guests_of(listing)},
        servers=frozenset(str(server["id"]) for server in listing.servers),
        outside={host.zone: host for host in outside_of(listing)},
        management=management_of(listing),
    )


def is_settled(listing: Listing) -> bool:
    """Whether the look can be believed: a Neutron that has just started answers as if nothing existed."""
    return bool(listing.networks) and (bool(listing.ports) or not listing.servers)


def guests_of(listing: Listing) -> Iterator[Guest]:
    """The servers that are switched on, each with its ports in the order in which they were made."""
    mtus = {network["id"]: int(network["mtu"]) for network in listing.networks}
    subnets = {subnet["id"]: subnet for subnet in listing.subnets}
    for server in listing.servers:
        if server["status"] not in RUNNING:
            continue
        own = [port for port in listing.ports if port["device_id"] == server["id"]]
        ordered = sorted(own, key=lambda port: (str(port.get("created_at")), str(port["id"])))
        yield Guest(
            server=server["id"],
            name=server["name"],
            image=(server.get("image") or {}).get("id", ""),
            launched=server.get("OS-SRV-USG:launched_at") or "",
            wires=tuple(wire_of(port, mtus, subnets) for port in ordered if port["network_id"] in mtus),
        )


def wire_of(port: Answer, mtus: Mapping[str, int], subnets: Mapping[str, Answer]) -> Wire:
    """What a machine would learn of its port from metadata or DHCP."""
    known = [(fixed["ip_address"], subnets[fixed["subnet_id"]]) for fixed in port["fixed_ips"]
             if fixed["subnet_id"] in subnets]  # fmt: skip
    return Wire(
        port=port["id"],
        mac=port["mac_address"],
        mtu=mtus[port["network_id"]],
        addresses=tuple(f"{address}/{ip_network(subnet['cidr']).prefixlen}" for address, subnet in known),
        gateway=next((subnet["gateway_ip"] for _, subnet in known if subnet["gateway_ip"]), None),
        routes=tuple(
            Route(destination=route["destination"], via=route["nexthop"])
            for _, subnet in known
            for route in subnet["host_routes"]
        ),
    )


def management_of(listing: Listing) -> dict[str, Wire]:
    """The port that is called like its network, where that is a zone's management network."""
    subnets = {subnet["id"]: subnet for subnet in listing.subnets}
    names = {network["id"]: network.get("name", "") for network in listing.networks}
    mtus = {network["id"]: int(network["mtu"]) for network in listing.networks}
    return {
        port["name"]: wire_of(port, mtus, subnets)
        for port in listing.ports
        if port.get("name", "").startswith(MANAGEMENT) and names.get(port["network_id"]) == port["name"]
    }


def outside_of(listing: Listing) -> Iterator[Outside]:
    """One host for each external network that leads to a provider bridge. It has the uplink's gateway address."""
    by_network: dict[str, list[Answer]] = {}
    for subnet in listing.subnets:
        by_network.setdefault(subnet["network_id"], []).append(subnet)
    for network in listing.networks:
        zone = network.get("provider:physical_network")
        if not network.get("router:external") or not zone:
            continue
        own = [subnet for subnet in by_network.get(network["id"], ()) if subnet["gateway_ip"]]
        yield Outside(
            zone=zone,
            bridge=bridge_name(zone),
            addresses=tuple(f"{subnet['gateway_ip']}/{ip_network(subnet['cidr']).prefixlen}" for subnet in own),
            routes=tuple(sorted(upstream_routes(network["id"], listing), key=lambda route: route.destination)),
        )


def upstream_routes(uplink: str, listing: Listing) -> Iterator[Route]:
    """Where the prefixes behind the uplink's routers are; nowhere, if a router hides them behind its own address."""
    subnets = {subnet["id"]: subnet for subnet in listing.subnets}
    for router in listing.routers:
        gateway = router.get("external_gateway_info") or {}
        if gateway.get("network_id") != uplink or gateway.get("enable_snat", True):
            continue
        via = next((fixed["ip_address"] for fixed in gateway.get("external_fixed_ips", ())), None)
        for cidr in prefixes_behind(router["id"], subnets, listing.ports):
            if via is not None:
                yield Route(destination=cidr, via=via)


def prefixes_behind(router: str, subnets: Mapping[str, Answer], ports: Sequence[Answer]) -> list[str]:
    """The subnets of which the router is the gateway: not those it only passes through, such as a transit network."""
    return [
        subnets[fixed["subnet_id"]]["cidr"]
        for port in ports
        if port["device_id"] == router and port["device_owner"] == "network:router_interface"
        for fixed in port["fixed_ips"]
        if fixed["subnet_id"] in subnets and subnets[fixed["subnet_id"]]["gateway_ip"] == fixed["ip_address"]
    ]


def address_of(wire: Wire) -> str:
    """The first address without its prefix length; empty when the port has none."""
    return str(ip_interface(wire.addresses[0]).ip) if wire.addresses else ""
