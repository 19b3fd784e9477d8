"""The objects of a plan, one by one: what each will be, to the last input, and what tells it from any other.

Pure, and apart from the program that declares them to Pulumi, so that the provider can hold the one against
the other. The order of `planned_objects` is an order in which they can be created.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import rfc8785

from infra.declared import Declared, address_group_declarations, link_declarations
from infra.stackplan import (
    DATA_VOLUME_PREFIX,
    PUBLIC_PREFIX,
    Kind,
    ManagementPlan,
    NetworkPlan,
    RulePlan,
    ServerPlan,
    StackPlan,
    VolumePlan,
    canonical_digest,
)

# A dot: no name in a request has one.
MANAGEMENT_PORT, MANAGEMENT_INTERFACE = "port-router.management", "interface-router.management"


@dataclass(frozen=True, slots=True)
class PlannedObject:
    """One OpenStack object of a plan.

    `inputs` are in logical form: JSON values, with "@<name>" where OpenStack will want the id of another
    object of the same plan. `fingerprint` covers kind and the inputs that cannot change in place, and
    through references theirs: two objects with equal name and fingerprint differ at most by an update.
    `peer` is the request whose router it needs, `after` what has to exist first without being an input.
    """

    kind: Kind
    name: str
    inputs: Mapping[str, Any]
    fingerprint: str
    peer: str | None = None
    after: tuple[str, ...] = ()

    @property
    def needs(self) -> set[str]:
        """Logical names of what has to exist first: all it refers to, wherever in its inputs, and what it is after."""
        found, waiting = set(self.after), list(self.inputs.values())
        while waiting:
            match waiting.pop():
                case str() as text if text.startswith("@"):
                    found.add(text[1:])
                case list() as values:
                    waiting += values
                case dict() as fields:
                    waiting += fields.values()
        return found


# Inputs whose change means another object. Everything else is changed in place.
FORCES_REPLACEMENT: Mapping[Kind, tuple[str, ...]] = {
    Kind.ROUTER: ("uplink_id",),
    Kind.NETWORK: (),
    Kind.SUBNET: ("network", "cidr", "subnet_pool_id"),
    Kind.ROUTER_INTERFACE: ("router", "subnet", "port"),  # a network's has a subnet, the others a port
    Kind.ROUTER_ROUTES: ("router",),
    Kind.ADDRESS_GROUP: (),
    Kind.SECURITY_GROUP: (),
    Kind.SECURITY_GROUP_RULES: ("group",),
    Kind.PORT: ("network", "subnet", "address"),
    Kind.FLOATING_IP: ("uplink_id", "port"),
    Kind.VOLUME: ("image_id",),
    Kind.SERVER: ("image_id", "port", "boot_volume", "term"),
    Kind.VOLUME_ATTACHMENT: ("server", "volume"),
}


# Inputs of a later release: absent, they leave the fingerprints of what exists as they are.
_ADDED_LATER = frozenset({"term"})
# Of these, what can be put right on the living object when somebody changed it by hand: a port is attached again, and a
# public address led back to its port.
_PUT_RIGHT_IN_PLACE: Mapping[Kind, tuple[str, ...]] = {Kind.SERVER: ("port",), Kind.FLOATING_IP: ("port",)}
# And what only lacks: Neutron sets a router's gateway after it has made it, so one listed in between has none yet.
_MADE_UP_IN_PLACE: Mapping[Kind, tuple[str, ...]] = {Kind.ROUTER: ("uplink_id",)}


def fixed_for_life(kind: Kind) -> tuple[str, ...]:
    """Inputs that, once different in the cloud, only another object can have as planned."""
    return tuple(key for key in FORCES_REPLACEMENT[kind] if key not in _PUT_RIGHT_IN_PLACE.get(kind, ()))


def changed_for_life(kind: Kind, fields: Iterable[str], found: Mapping[str, Any]) -> tuple[str, ...]:
    """Of the inputs that differ, those that only another object can have as planned."""
    made_up = {key for key in _MADE_UP_IN_PLACE.get(kind, ()) if found.get(key) is None}
    return tuple(key for key in fields if key in fixed_for_life(kind) and key not in made_up)


def planned_objects(plan: StackPlan) -> Mapping[str, PlannedObject]:
    """Every object of the plan by logical name, in an order in which they can be created."""
    return _planned_objects(plan)


@lru_cache(maxsize=512)
def _planned_objects(plan: StackPlan) -> Mapping[str, PlannedObject]:
    planned: dict[str, PlannedObject] = {}
    fingerprints: dict[str, str] = {}
    for one in _declared(plan):
        prints = fingerprints[one.name] = fingerprint(one.kind, one.inputs, fingerprints)
        planned[one.name] = PlannedObject(one.kind, one.name, one.inputs, prints, one.peer, one.after)
    return planned


def fingerprint(kind: Kind, inputs: Mapping[str, Any], fingerprints: Mapping[str, str]) -> str:
    """Twelve hex digits over what cannot change in place; `fingerprints` are those of the objects referred to."""

    def followed(value: Any) -> Any:
        if isinstance(value, str) and value.startswith("@"):
            return value + "#" + fingerprints[value[1:]]
        return value

    known = [key for key in FORCES_REPLACEMENT[kind] if key in inputs]
    said = [key for key in known if key not in _ADDED_LATER or inputs[key] is not None]
    fixed = {key: followed(inputs[key]) for key in said}
    return canonical_digest({"kind": kind.value, "fixed": fixed})[:12]


Declaration = tuple[Kind, str, dict[str, Any]]


def _declared(plan: StackPlan) -> Iterator[Declared]:
    yield from (Declared(*one) for one in _places(plan))
    for group in plan.address_groups:
        yield from address_group_declarations(plan.origin.name, group)
    yield from (Declared(*one) for one in _inhabitants(plan))
    yield from _public_addresses(plan)
    for link in plan.links:
        yield from link_declarations(plan.origin.name, link)


def _places(plan: StackPlan) -> Iterator[Declaration]:
    prefix = plan.origin.name
    yield (
        Kind.ROUTER,
        "router",
        {
            "name": prefix,
            "uplink_id": plan.router.uplink_id,
            "source_nat": plan.router.source_nat,
        },
    )
    for network in plan.networks:
        yield from _network_declarations(prefix, network)
    for group in plan.groups:
        yield Kind.SECURITY_GROUP, f"group-{group.name}", {"name": f"{prefix}-{group.name}"}


def _inhabitants(plan: StackPlan) -> Iterator[Declaration]:
    for group in plan.groups:
        rules = sorted((_rule_inputs(rule) for rule in group.rules), key=rfc8785.dumps)
        yield (
            Kind.SECURITY_GROUP_RULES,
            f"rules-{group.name}",
            {"group": f"@group-{group.name}", "rules": rules},
        )
    if plan.router.management is not None:
        yield from _management_declarations(plan.origin.name, plan.router.management)
    for server in plan.servers:
        yield from _server_declarations(plan.origin.name, server)


def _public_addresses(plan: StackPlan) -> Iterator[Declared]:
    """Before the router has its leg no uplink leads to the port."""
    for server in plan.servers:
        if server.public_address:
            inputs = {"uplink_id": plan.router.uplink_id, "port": f"@port-{server.name}"}
            leg = f"interface-{server.network}"
            yield Declared(Kind.FLOATING_IP, f"{PUBLIC_PREFIX}{server.name}", inputs, after=(leg,))


def _network_declarations(prefix: str, network: NetworkPlan) -> Iterator[Declaration]:
    yield Kind.NETWORK, f"network-{network.name}", {"name": f"{prefix}-{network.name}"}
    yield (
        Kind.SUBNET,
        f"subnet-{network.name}",
        {
            "name": f"{prefix}-{network.name}",
            "network": f"@network-{network.name}",
            "subnet_pool_id": network.subnet_pool_id,
            "cidr": network.cidr,
            "gateway": network.gateway,
            "service_first": network.service_first,
            "service_last": network.service_last,
        },
    )
    yield (
        Kind.ROUTER_INTERFACE,
        f"interface-{network.name}",
        {"router": "@router", "subnet": f"@subnet-{network.name}"},
    )


def _management_declarations(prefix: str, management: ManagementPlan) -> Iterator[Declaration]:
    """A port in the zone's management network, which is the provider's, and its place on our router."""
    yield (
        Kind.PORT,
        MANAGEMENT_PORT,
        {
            "name": f"{prefix}-management",
            "network": management.network_id,
            "subnet": management.subnet_id,
            "address": management.address,
            "groups": [],
        },
    )
    yield Kind.ROUTER_INTERFACE, MANAGEMENT_INTERFACE, {"router": "@router", "port": f"@{MANAGEMENT_PORT}"}


def _rule_inputs(rule: RulePlan) -> dict[str, Any]:
    remote = f"@group-{rule.remote_group}" if rule.remote_group else rule.remote_cidr
    if rule.remote_addresses:
        remote = f"@addresses-{rule.remote_addresses}"
    return {
        "direction": rule.direction,
        "protocol": rule.protocol,
        "port_first": rule.port_first,
        "port_last": rule.port_last,
        "remote": remote,
    }


def _server_declarations(prefix: str, server: ServerPlan) -> Iterator[Declaration]:
    full_name = f"{prefix}-{server.name}"
    yield (
        Kind.PORT,
        f"port-{server.name}",
        {
            "name": full_name,
            "network": f"@network-{server.network}",
            "subnet": f"@subnet-{server.network}",
            "address": server.address,
            "groups": [f"@group-{server.group}"],
        },
    )
    if server.boot_volume_gib is not None:
        yield (
            Kind.VOLUME,
            f"boot-{server.name}",
            {
                "name": f"{full_name}-boot",
                "size_gib": server.boot_volume_gib,
                "image_id": server.image.id,
            },
        )
    yield (
        Kind.SERVER,
        f"server-{server.name}",
        {
            "name": full_name,
            "flavor_id": server.flavor.id,
            "image_id": None if server.boot_volume_gib is not None else server.image.id,
            "port": f"@port-{server.name}",
            "boot_volume": f"@boot-{server.name}" if server.boot_volume_gib is not None else None,
            "term": (server.seat.term or None) if server.seat else None,
        },
    )
    for volume in server.volumes:
        yield from _volume_declarations(full_name, server.name, volume)


def _volume_declarations(full_name: str, server_name: str, volume: VolumePlan) -> Iterator[Declaration]:
    name = f"{server_name}.{volume.name}"  # a dot: "a-0" and "0-b" must not meet "a-0-0" and "b"
    yield (
        Kind.VOLUME,
        f"{DATA_VOLUME_PREFIX}{name}",
        {"name": f"{full_name}-{volume.name}", "size_gib": volume.size_gib, "image_id": None},
    )
    yield (
        Kind.VOLUME_ATTACHMENT,
        f"attachment-{name}",
        {"server": f"@server-{server_name}", "volume": f"@{DATA_VOLUME_PREFIX}{name}"},
    )
