"""What keeps a zone apart and no API enforces, held against the listing of one project. Pure.

ML2/OVN forwards between whatever hangs on one router, and an administrator may do anything: so routers, ports, public
addresses and default groups are looked at, whoever made them. What differs from a plan is drift, and told as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from infra.cloud import Answer
from infra.declared import peer_of
from infra.planned import planned_objects
from infra.provider.floating_ip import address_of
from infra.provider.observe import ProjectListing
from infra.provider.observed import Deviation, Difference
from infra.provider.resource import marker_text
from infra.provider.router_interface import is_interface
from infra.stackplan import Kind, StackPlan, marker_parts

Plans = Mapping[str, tuple[StackPlan, ...]]
_OF_NEUTRON = "network:"  # owner of ports that Neutron makes for itself
# What may be changed on these opens nothing; of the others, names do not.
_HARMLESS = {Kind.NETWORK, Kind.SECURITY_GROUP, Kind.VOLUME, Kind.VOLUME_ATTACHMENT}
_HARMLESS_FIELDS = {"name", "flavor_id", "image_id", "boot_volume", "term"}
_OPENING_WHEN_UNPLANNED = {Kind.FLOATING_IP, Kind.ROUTER_INTERFACE, Kind.ROUTER_ROUTES}


@dataclass(frozen=True, slots=True)
class Enclosure:
    """What is a zone's own: its uplink, its prefixes, and whether it is on the internet."""

    uplink_id: str
    prefixes: tuple[str, ...]
    public: bool

    def holds(self, address: str) -> bool:
        """Whether an address is the zone's own."""
        return any(IPv4Address(address) in IPv4Network(prefix) for prefix in self.prefixes)


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that leads out of the zone, or could. `uid` is the request's whose mark it bears, if any."""

    kind: str
    id: str
    what: str
    uid: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.id} {self.what}"


def breaches(listing: ProjectListing, zone: Enclosure, plans: Plans) -> list[Breach]:
    """Everything that is not contained. `plans`: of each living request, by uid, those that may be real."""
    return [
        *_routers(listing, zone, plans),
        *_legs(listing, zone, plans),
        *_ports(listing),
        *_floating_ips(listing, zone, plans),
        *_default_groups(listing),
    ]


def opens(item: Difference) -> bool:
    """Whether a difference from the plan could let something through; what is missing or faulty cannot."""
    if item.deviation in {Deviation.UNEXPECTED, Deviation.TWIN}:
        return item.kind in _OPENING_WHEN_UNPLANNED
    if item.deviation is not Deviation.CHANGED or item.kind in _HARMLESS:
        return False
    return any(_is_more(item.wanted.get(key), item.found.get(key)) for key in set(item.fields) - _HARMLESS_FIELDS)


def _is_more(wanted: object, found: object) -> bool:
    """Whether something was added or exchanged; a value that only lacks lets nothing through."""
    if isinstance(found, list):
        return any(one not in (wanted if isinstance(wanted, list) else []) for one in found)
    return found is not None


def _is_planned(raw: Answer, plans: Plans) -> bool:
    parts = marker_parts(marker_text(raw))
    if parts is None:
        return False
    uid, name, fingerprint = parts
    named = (planned_objects(plan).get(name) for plan in plans.get(uid, ()))
    return any(one is not None and one.fingerprint == fingerprint for one in named)


def _planned_routes(plans: Plans) -> set[tuple[str, str, str]]:
    """Of links: the uid of the request whose router has the route, destination and next hop."""
    planned = [
        (stack.origin.uid, one)
        for stacks in plans.values()
        for stack in stacks
        if stack.links
        for one in planned_objects(stack).values()
        if one.kind is Kind.ROUTER_ROUTES
    ]
    return {
        (peer_of(one.inputs["router"]) or uid, route["destination"], route["nexthop"])
        for uid, one in planned
        for route in one.inputs["routes"]
    }


def _routers(listing: ProjectListing, zone: Enclosure, plans: Plans) -> Iterator[Breach]:
    planned = _planned_routes(plans)
    for router in listing[Kind.ROUTER]:
        uplink = (router.get("external_gateway_info") or {}).get("network_id")
        if uplink not in (None, zone.uplink_id):
            yield _breach(Kind.ROUTER, router, f"has its gateway in network {uplink}, which is not the zone's uplink")
        uid = (marker_parts(marker_text(router)) or ("",))[0]
        strange = [
            (one["destination"], one["nexthop"])
            for one in router.get("routes") or []
            if (uid, one["destination"], one["nexthop"]) not in planned
        ]
        if routes := [f"{destination} by {hop}" for destination, hop in strange]:
            yield _breach(Kind.ROUTER, router, f"has routes that no plan contains: {', '.join(sorted(routes))}")


def _legs(listing: ProjectListing, zone: Enclosure, plans: Plans) -> Iterator[Breach]:
    routers = {router["id"] for router in listing[Kind.ROUTER]}
    for port in filter(is_interface, listing[Kind.PORT]):
        if _is_planned(port, plans):
            continue
        if port.get("device_id") not in routers:
            yield _breach("RouterInterface", port, f"is a leg on router {port.get('device_id')} of another project")
        for address in [entry["ip_address"] for entry in port.get("fixed_ips") or []]:
            if not zone.holds(address):
                what = f"joins router {port.get('device_id')} to {address}, which is not the zone's"
                yield _breach("RouterInterface", port, what)


def _ports(listing: ProjectListing) -> Iterator[Breach]:
    for port in listing[Kind.PORT]:
        if str(port.get("device_owner", "")).startswith(_OF_NEUTRON):
            continue
        if port.get("port_security_enabled") is False:
            yield _breach(Kind.PORT, port, "has port security off")
        if pairs := [str(pair["ip_address"]) for pair in port.get("allowed_address_pairs") or []]:
            yield _breach(Kind.PORT, port, f"may send from {', '.join(sorted(pairs))}")


def _floating_ips(listing: ProjectListing, zone: Enclosure, plans: Plans) -> Iterator[Breach]:
    for raw in listing[Kind.FLOATING_IP]:
        address = address_of(raw)
        if not zone.public:
            yield _breach(Kind.FLOATING_IP, raw, f"({address}) is outside the zones of class Internet")
        elif not _is_planned(raw, plans):
            yield _breach(Kind.FLOATING_IP, raw, f"({address}) is in no plan")


def _default_groups(listing: ProjectListing) -> Iterator[Breach]:
    for group in listing[Kind.SECURITY_GROUP]:
        if group["name"] == "default" and (rules := group.get("security_group_rules")):
            yield _breach(Kind.SECURITY_GROUP, group, f"is the project's default group and has {len(rules)} rules")


def _breach(kind: str, raw: Answer, what: str) -> Breach:
    parts = marker_parts(marker_text(raw))
    return Breach(str(kind), raw["id"], what, parts[0] if parts else "")
