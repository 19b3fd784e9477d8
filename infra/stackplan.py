"""The contract between deciding and doing: what will exist, to the last address.

A `StackPlan` is what officers sign. It names every object with everything that matters about it, so two
programs can work from it apart: `infra/stack.py` declares the objects to Pulumi, and `infra/provider`
refuses whatever is not exactly what `planned_objects` derives from the signed plan. This module imports
neither controllers nor Pulumi.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Literal

import rfc8785
from pydantic import Field

from infra.wire import WireModel

MARKER_PREFIX = "kunlun.cloud"
DATA_VOLUME_PREFIX = "volume-"  # of logical names; boot volumes have another

Name = Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
LogicalName = Annotated[str, Field(max_length=80, pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")]
Identifier = Annotated[str, Field(min_length=1, max_length=64)]
Address = Annotated[str, Field(max_length=45)]
Cidr = Annotated[str, Field(max_length=49)]


class Kind(StrEnum):
    """Every kind of OpenStack object Kunlun creates, in order of creation."""

    ROUTER = "Router"
    NETWORK = "Network"
    SUBNET = "Subnet"
    ROUTER_INTERFACE = "RouterInterface"
    SECURITY_GROUP = "SecurityGroup"
    SECURITY_GROUP_RULES = "SecurityGroupRules"
    PORT = "Port"
    VOLUME = "Volume"
    SERVER = "Server"
    VOLUME_ATTACHMENT = "VolumeAttachment"


class Origin(WireModel):
    """The request, and the very version of it, that a plan was made from."""

    namespace: Name
    name: Name
    uid: Annotated[str, Field(max_length=36)]
    generation: Annotated[int, Field(ge=1)]


class Project(WireModel):
    """The Keystone project (one per tenant and zone) that owns the objects."""

    id: Identifier
    name: Annotated[str, Field(max_length=64)]


class Resolved(WireModel):
    """A catalogue item: the name people write and the id OpenStack acts on."""

    id: Identifier
    name: Annotated[str, Field(max_length=255)]


class RouterPlan(WireModel):
    """The one router of a request; it is attached to its own zone's uplink only."""

    uplink_id: Identifier
    source_nat: bool


class NetworkPlan(WireModel):
    """A network with its one subnet. `service_*` is the range left to Neutron's own ports."""

    name: Name
    subnet_pool_id: Identifier
    cidr: Cidr
    gateway: Address
    service_first: Address
    service_last: Address


class RulePlan(WireModel):
    """One allowed direction. Exactly one of `remote_cidr` and `remote_group` (a group of this plan)."""

    direction: Literal["ingress", "egress"]
    protocol: Literal["tcp", "udp", "icmp"]
    port_first: Annotated[int, Field(ge=1, le=65535)] | None = None
    port_last: Annotated[int, Field(ge=1, le=65535)] | None = None
    remote_cidr: Cidr | None = None
    remote_group: Name | None = None


class GroupPlan(WireModel):
    """A security group and all its rules; no rule outside this list exists in it."""

    name: Name
    rules: Annotated[tuple[RulePlan, ...], Field(max_length=200)]


class VolumePlan(WireModel):
    """A data volume of one server."""

    name: Name
    size_gib: Annotated[int, Field(ge=1, le=16384)]
    on_delete: Literal["Retain", "Delete"] = "Retain"


class ServerPlan(WireModel):
    """One server with its one port. `boot_volume_gib` None means the flavor's own disk."""

    name: Name
    group: Name
    flavor: Resolved
    image: Resolved
    network: Name
    address: Address
    boot_volume_gib: Annotated[int, Field(ge=1, le=2048)] | None = None
    volumes: Annotated[tuple[VolumePlan, ...], Field(max_length=4)] = ()


class Removal(WireModel):
    """An existing object this plan takes away, named as its marker names it."""

    kind: Kind
    name: LogicalName
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]


class StackPlan(WireModel):
    """What will exist for one request in one zone, and what of the earlier plan will not any more."""

    origin: Origin
    zone: Name
    project: Project
    router: RouterPlan
    networks: Annotated[tuple[NetworkPlan, ...], Field(min_length=1, max_length=8)]
    groups: Annotated[tuple[GroupPlan, ...], Field(max_length=32)]
    servers: Annotated[tuple[ServerPlan, ...], Field(max_length=64)]
    removals: Annotated[tuple[Removal, ...], Field(max_length=1024)] = ()


@dataclass(frozen=True, slots=True)
class PlannedObject:
    """One OpenStack object of a plan.

    `inputs` are in logical form: JSON values, with "@<name>" where OpenStack will want the id of another
    object of the same plan. `fingerprint` covers kind and the inputs that cannot change in place, and
    through references theirs: two objects with equal name and fingerprint differ at most by an update.
    """

    kind: Kind
    name: str
    inputs: Mapping[str, Any]
    fingerprint: str


# Inputs whose change means another object. Everything else is changed in place.
FORCES_REPLACEMENT: Mapping[Kind, tuple[str, ...]] = {
    Kind.ROUTER: ("uplink_id",),
    Kind.NETWORK: (),
    Kind.SUBNET: ("network", "cidr", "subnet_pool_id"),
    Kind.ROUTER_INTERFACE: ("router", "subnet"),
    Kind.SECURITY_GROUP: (),
    Kind.SECURITY_GROUP_RULES: ("group",),
    Kind.PORT: ("network", "subnet", "address"),
    Kind.VOLUME: ("image_id",),
    Kind.SERVER: ("image_id", "port", "boot_volume"),
    Kind.VOLUME_ATTACHMENT: ("server", "volume"),
}


def marker(uid: str, name: str, fingerprint: str) -> str:
    """The text every object carries from its first POST on (Neutron description, Nova and Cinder metadata)."""
    return f"{MARKER_PREFIX}/{uid}/{name}/{fingerprint}"


def marker_parts(text: str | None) -> tuple[str, str, str] | None:
    """(uid, logical name, fingerprint), or None when the text is no marker of ours."""
    parts = (text or "").split("/")
    match parts:
        case [prefix, uid, name, fingerprint] if prefix == MARKER_PREFIX:
            return uid, name, fingerprint
        case _:
            return None


def canonical_digest(content: Mapping[str, Any]) -> str:
    """SHA-256 (64 hex digits) over the canonical JSON of `content` (RFC 8785)."""
    return hashlib.sha256(rfc8785.dumps(dict(content))).hexdigest()


def planned_objects(plan: StackPlan) -> Mapping[str, PlannedObject]:
    """Every object of the plan by logical name, in an order in which they can be created."""
    return _planned_objects(plan)


@lru_cache(maxsize=512)
def _planned_objects(plan: StackPlan) -> Mapping[str, PlannedObject]:
    planned: dict[str, PlannedObject] = {}
    fingerprints: dict[str, str] = {}
    for kind, name, inputs in _declarations(plan):
        fingerprints[name] = fingerprint(kind, inputs, fingerprints)
        planned[name] = PlannedObject(kind, name, inputs, fingerprints[name])
    return planned


def fingerprint(kind: Kind, inputs: Mapping[str, Any], fingerprints: Mapping[str, str]) -> str:
    """Twelve hex digits over what cannot change in place; `fingerprints` are those of the objects referred to."""

    def followed(value: Any) -> Any:
        if isinstance(value, str) and value.startswith("@"):
            return value + "#" + fingerprints[value[1:]]
        return value

    fixed = {key: followed(inputs[key]) for key in FORCES_REPLACEMENT[kind]}
    return canonical_digest({"kind": kind.value, "fixed": fixed})[:12]


Declaration = tuple[Kind, str, dict[str, Any]]


def _declarations(plan: StackPlan) -> Iterator[Declaration]:
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
    for group in plan.groups:
        rules = sorted((_rule_inputs(rule) for rule in group.rules), key=rfc8785.dumps)
        yield (
            Kind.SECURITY_GROUP_RULES,
            f"rules-{group.name}",
            {"group": f"@group-{group.name}", "rules": rules},
        )
    for server in plan.servers:
        yield from _server_declarations(prefix, server)


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


def _rule_inputs(rule: RulePlan) -> dict[str, Any]:
    remote = f"@group-{rule.remote_group}" if rule.remote_group else rule.remote_cidr
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
