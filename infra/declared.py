"""What a plan declares for its links to other requests: address groups, and the way between two routers.

A link is made of a network, its subnet, and for each of the two routers a port, its place on that router and the
routes through it. What needs the other's router says whose it is (`peer`): it can be made only while that router
exists, and is no loss while it does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any, Literal

from infra.stackplan import AddressGroupPlan, Kind, LinkPlan

NEAR, FAR = 2, 3  # of the transit's addresses: our router's and the other's
SERVICE_FIRST, SERVICE_LAST = 4, 6
PEER_PREFIX = "peer:"
LINK_PORT_PREFIX = "port-link."

Side = Literal["near", "far"]


@dataclass(frozen=True, slots=True)
class Declared:
    """One object before it has a fingerprint. `after`: what has to exist first without being one of its inputs."""

    kind: Kind
    name: str
    inputs: dict[str, Any]
    peer: str | None = None
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Crossing:
    """The addresses of a link's network."""

    transit: IPv4Network

    def address(self, side: Side) -> str:
        return str(self.transit[NEAR if side == "near" else FAR])

    def routes(self, link: LinkPlan, side: Side) -> list[dict[str, str]]:
        """On the router of a side: to the servers behind the other router, each by itself."""
        targets = link.callers if side == "near" else link.called
        hop = self.address("far" if side == "near" else "near")
        return [{"destination": target, "nexthop": hop} for target in sorted(targets)]


def peer_reference(uid: str) -> str:
    """How inputs name the router of another request."""
    return f"{PEER_PREFIX}{uid}"


def peer_of(reference: str) -> str | None:
    """The uid of the request whose router a reference names; None for the plan's own."""
    return reference.removeprefix(PEER_PREFIX) if reference.startswith(PEER_PREFIX) else None


def address_group_declarations(prefix: str, group: AddressGroupPlan) -> Iterator[Declared]:
    inputs = {"name": f"{prefix}-{group.name}", "addresses": sorted(group.addresses)}
    yield Declared(Kind.ADDRESS_GROUP, f"addresses-{group.name}", inputs)


def link_declarations(prefix: str, link: LinkPlan) -> Iterator[Declared]:
    """Both sides, in an order in which they can be created."""
    crossing, name, full_name = Crossing(IPv4Network(link.transit)), f"link.{link.request}", f"{prefix}-{link.request}"
    yield Declared(Kind.NETWORK, f"network-{name}", {"name": full_name})
    yield Declared(
        Kind.SUBNET,
        f"subnet-{name}",
        {
            "name": full_name,
            "network": f"@network-{name}",
            "subnet_pool_id": None,
            "cidr": link.transit,
            "gateway": None,
            "service_first": str(crossing.transit[SERVICE_FIRST]),
            "service_last": str(crossing.transit[SERVICE_LAST]),
            "dhcp": False,
        },
    )
    yield from _side(crossing, link, full_name, "near")
    yield from _side(crossing, link, full_name, "far")


def _side(crossing: Crossing, link: LinkPlan, full_name: str, side: Side) -> Iterator[Declared]:
    name, router = f"link.{link.request}", "@router" if side == "near" else peer_reference(link.uid)
    peer = None if side == "near" else link.uid
    port = {
        "name": f"{full_name}-{side}",
        "network": f"@network-{name}",
        "subnet": f"@subnet-{name}",
        "address": crossing.address(side),
        "groups": [],
    }
    interface = f"interface-{name}.{side}"
    yield Declared(Kind.PORT, f"port-{name}.{side}", port, peer)
    yield Declared(Kind.ROUTER_INTERFACE, interface, {"router": router, "port": f"@port-{name}.{side}"}, peer)
    # A route into a network in which the other router is not yet would swallow what another way could carry.
    routes = {"router": router, "routes": crossing.routes(link, side)}
    yield Declared(Kind.ROUTER_ROUTES, f"routes-{name}.{side}", routes, link.uid, (interface,))
